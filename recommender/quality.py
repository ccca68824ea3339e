"""What the interactions are worth to the models: cleaned away, out of line, split."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recommender.interactions import WRONG, clean, split, typed, well_known

_FENCE = 3.0
_LEAST = 10


@dataclass(frozen=True, slots=True)
class SplitSizes:
    """`customers` are asked about, `rows` held out of them; `past` rows are left to learn from."""

    name: str
    customers: int
    rows: int
    past: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of rows. `unusable` is by reason, `repeated` were joined to another of the same
    customer, product, kind and time; `used` is by kind. `bulk` purchases have a quantity far beyond
    the usual (they count once, as a basket with the product), `heavy` customers as many baskets;
    `well_known` products have ten rows or more: only those are evaluated.
    """

    rows: int
    unusable: dict[str, int]
    repeated: int
    used: dict[str, int]
    customers: int
    products: int
    well_known: int
    bulk: int
    bulk_above: float
    heavy: int
    heavy_above: float
    splits: tuple[SplitSizes, ...]

    @classmethod
    def of(cls, interactions: pl.DataFrame, products: pl.DataFrame) -> Quality:
        """Tables as for `Recommender.train`."""
        rows = typed(interactions)
        reason = pl.coalesce(
            *(pl.when(wrong).then(pl.lit(name)) for name, wrong in WRONG.items()),
            pl.lit(None, pl.String),
        )
        rows = rows.with_columns(reason.alias("reason"))
        counts = rows.drop_nulls("reason").group_by("reason").len()
        unusable = dict(counts.sort("len", descending=True).iter_rows())
        fine = rows.filter(pl.col("reason").is_null())
        known = fine.join(products.select("product_id"), on="product_id", how="semi")
        if known.height < fine.height:
            unusable["a product that is not sold"] = fine.height - known.height
        used = clean(interactions, products)
        purchases = used.filter(pl.col("kind") == "purchase")
        baskets = purchases.group_by("customer_id").agg(pl.col("at").n_unique().alias("baskets"))
        bulk_above, heavy_above = _fence(purchases["value"]), _fence(baskets["baskets"])
        kinds = used.group_by("kind").len().sort("len", descending=True)
        return cls(
            rows=rows.height,
            unusable=unusable,
            repeated=known.height - used.height,
            used=dict(kinds.iter_rows()),
            customers=used["customer_id"].n_unique(),
            products=used["product_id"].n_unique(),
            well_known=len(well_known(purchases, _LEAST)),
            bulk=purchases.filter(pl.col("value") > bulk_above).height,
            bulk_above=bulk_above,
            heavy=baskets.filter(pl.col("baskets") > heavy_above).height,
            heavy_above=heavy_above,
            splits=tuple(
                _sizes(name, purchases, hold) for name, hold in (("validation", 1), ("test", 0))
            ),
        )


def _sizes(name: str, purchases: pl.DataFrame, hold: int) -> SplitSizes:
    parts = split(purchases, hold)
    held = sum(len(question.items) for question in parts.questions)
    return SplitSizes(name, len(parts.questions), held, len(parts.past.item))


def _fence(values: pl.Series) -> float:
    """Tukey's outer fence, three interquartile ranges above the upper quartile."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    return 0.0 if low is None or high is None else high + _FENCE * max(high - low, 1.0)
