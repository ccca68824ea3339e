"""A shop folder from RetailRocket: events.csv, item_properties_part*.csv, category_tree.csv.

Its items have numbers for names, and nothing in the data says which of the hashed properties is a
price: they cost 0. `available` is the stock, the latest value counts. Source: the data set
"Retailrocket recommender system dataset" on Kaggle, 2016.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.folder import unpacked, write_folder
from assistant.shop.schema import SEPARATOR

_KINDS = {"view": "view", "addtocart": "cart", "transaction": "purchase"}
_LABEL = "Importing RetailRocket"
_STEPS = 4
_DEEPEST = 12


def import_retailrocket(source: Path, folder: Path, progress: Progress) -> None:
    """Write the shop folder from the data's folder or zip; raises BadInput."""
    with unpacked(source) as place:
        progress(_LABEL, 0, _STEPS)
        events = _read(place, "events.csv", ("timestamp", "visitorid", "event", "itemid"))
        progress(_LABEL, 1, _STEPS)
        properties = _read(
            place, "item_properties*.csv", ("timestamp", "itemid", "property", "value")
        ).filter(pl.col("property").is_in(["categoryid", "available"]))
        tree = _read(place, "category_tree.csv", ("categoryid", "parentid"))
        progress(_LABEL, 2, _STEPS)
    at = pl.from_epoch(pl.col("timestamp").cast(pl.Int64), time_unit="ms")
    interactions = events.filter(pl.col("event").is_in(list(_KINDS))).select(
        pl.col("visitorid").alias("customer_id"),
        pl.col("itemid").alias("product_id"),
        pl.col("event").replace_strict(_KINDS, return_dtype=pl.String).alias("kind"),
        pl.lit(1.0).alias("value"),
        at.dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("at"),
    )
    if not interactions.height:
        raise BadInput(f"{str(source)!r} holds no view, addtocart or transaction")
    progress(_LABEL, 3, _STEPS)
    tables = {"products": _products(events, properties, tree), "interactions": interactions}
    write_folder(folder, "RetailRocket", interactions["at"].max(), tables)  # type: ignore[arg-type]
    progress(_LABEL, _STEPS, _STEPS)


def _products(events: pl.DataFrame, properties: pl.DataFrame, tree: pl.DataFrame) -> pl.DataFrame:
    """Every item that has properties or events, on its latest shelf."""
    latest = (
        properties.with_columns(pl.col("timestamp").cast(pl.Int64))
        .sort("timestamp")
        .group_by("itemid", "property")
        .agg(pl.col("value").last())
        .pivot("property", index="itemid", values="value")
    )
    items = pl.concat([events.select("itemid"), properties.select("itemid")]).unique()
    items = items.join(latest, on="itemid", how="left").sort("itemid")
    for name in ("categoryid", "available"):
        if name not in items.columns:
            items = items.with_columns(pl.lit(None, pl.String).alias(name))
    parents = dict(tree.iter_rows())
    paths = {each: _path(each, parents) for each in items["categoryid"].unique() if each}
    return items.select(
        pl.col("itemid").alias("product_id"),
        pl.format("Item {}", "itemid").alias("title"),
        pl.col("categoryid")
        .replace_strict(paths, default="Other", return_dtype=pl.String)
        .alias("category"),
        pl.lit("0.00").alias("price"),
        pl.col("available").fill_null("1").alias("stock"),
    )


def _path(category: str, parents: dict[str, str | None]) -> str:
    """From the root down; a category that is its own ancestor ends there."""
    names = [category]
    while (above := parents.get(names[0])) and above not in names and len(names) < _DEEPEST:
        names.insert(0, above)
    return SEPARATOR.join(f"Category {name}" for name in names)


def _read(place: Path, pattern: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """The files of the pattern in one table, every column as text; raises BadInput."""
    paths = sorted(place.rglob(pattern))
    if not paths:
        raise BadInput(f"{str(place)!r} holds no {pattern}; is it the RetailRocket data?")
    try:
        return pl.concat([pl.read_csv(path, infer_schema=False).select(columns) for path in paths])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{pattern} cannot be read as RetailRocket's: {error}") from None
