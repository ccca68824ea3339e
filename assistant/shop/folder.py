"""A shop folder as an importer writes it: tables first, shop.toml last."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from assistant.errors import BadInput, StorageError
from assistant.shop.schema import SHOP


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """The folder of the source, which may be a zip archive (a wheel is one); raises BadInput."""
    if source.is_dir():
        yield source
    elif zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(source) as archive:
            archive.extractall(place)
            yield Path(place)
    else:
        raise BadInput(f"{str(source)!r} is no folder and no zip archive; give where the data are")


def write_folder(
    folder: Path, name: str, ended: datetime, tables: Mapping[str, pl.DataFrame]
) -> None:
    """Write the tables by name and a shop.toml whose today is when the data ended.

    A folder without shop.toml is not finished. Raises StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in tables.items():
            rows.write_parquet(folder / f"{table}.parquet")
        (folder / SHOP).write_text(
            f'name = "{name}"\ncurrency = "USD"\ntimezone = "UTC"\n'
            f"clock = {ended:%Y-%m-%dT%H:%M:%S.%fZ}\n",
            "utf-8",
        )
    except OSError as error:
        raise StorageError(f"{str(folder)!r} cannot be written: {error.strerror}") from None


def rated_and_had(ratings: pl.DataFrame, had: pl.Expr) -> pl.DataFrame:
    """Interactions of ratings (customer_id, product_id, value, at): each as it is, and where `had`
    a purchase at the same time, since suggestions are learned from what people had.
    """
    names = ["customer_id", "product_id", "kind", "value", "at"]
    rated = ratings.with_columns(kind=pl.lit("rating"))
    bought = rated.filter(had).with_columns(kind=pl.lit("purchase"), value=pl.lit(1.0))
    return pl.concat([rated.select(names), bought.select(names)])
