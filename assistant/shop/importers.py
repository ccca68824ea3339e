"""The data sets that `aisle import` knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.amazon import import_amazon_reviews
from assistant.shop.completejourney import import_completejourney
from assistant.shop.movielens import import_movielens
from assistant.shop.retailrocket import import_retailrocket
from assistant.shop.tau2 import import_tau2

Importer = Callable[[Path, Path, Progress], None]

IMPORTERS: dict[str, Importer] = {
    "completejourney": import_completejourney,
    "movielens": import_movielens,
    "amazon-reviews": import_amazon_reviews,
    "retailrocket": import_retailrocket,
    "tau2-retail": import_tau2,
}


def import_shop(name: str, source: Path, folder: Path, progress: Progress) -> None:
    """Write a shop folder from the data set of that name; raises BadInput."""
    if name not in IMPORTERS:
        raise BadInput(f"importer {name!r} is not one of {', '.join(IMPORTERS)}")
    if not source.exists():
        raise BadInput(f"{str(source)!r} does not exist; give where the data of {name} are")
    IMPORTERS[name](source, folder, progress)
