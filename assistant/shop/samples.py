"""Sample shoppers for a demonstration: real customers, described by what they buy."""

from __future__ import annotations

import polars as pl

from assistant.shop.schema import SEPARATOR

SAMPLES = 6
_LEAST_BASKETS = 12
_LEAST_BOUGHT = 8
"""Purchases in a category before it says something of a customer."""
_MARKED_BY = 3


def choose_samples(tables: dict[str, pl.DataFrame]) -> list[tuple[str, str, str]]:
    """Customer id and description in English and Chinese, of customers who differ from each other.

    A customer is marked by the categories with the highest lift, their share of the customer's
    purchases over their share of everybody's. The first is the customer with the lowest id; each
    next one is marked by a category that none before is.
    """
    if "interactions" not in tables:
        return []
    leaf = pl.col("category").str.split(SEPARATOR).list.last().alias("category")
    purchases = (
        tables["interactions"]
        .filter(pl.col("kind") == "purchase")
        .join(tables["products"].select("product_id", leaf), on="product_id")
    )
    baskets = purchases.group_by("customer_id").agg(
        pl.col("at").n_unique().alias("baskets"), pl.len().alias("all")
    )
    everybody = purchases.group_by("category").agg((pl.len() / purchases.height).alias("share"))
    marks = (
        purchases.group_by("customer_id", "category")
        .agg(pl.len().alias("bought"))
        .join(baskets, on="customer_id")
        .join(everybody, on="category")
        .filter(pl.col("baskets") >= _LEAST_BASKETS, pl.col("bought") >= _LEAST_BOUGHT)
        .with_columns((pl.col("bought") / pl.col("all") / pl.col("share")).alias("lift"))
        .sort(["customer_id", "lift", "category"], descending=[False, True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col("category").head(_MARKED_BY), pl.col("baskets").first())
        .filter(pl.col("category").list.len() > 1)
    )
    order = pl.col("customer_id").str.to_integer(strict=False)
    seen: set[str] = set()
    chosen = []
    for row in marks.sort(order, "customer_id", nulls_last=True).iter_rows(named=True):
        if seen.intersection(row["category"]):
            continue
        seen.update(row["category"])
        first, *others = row["category"]
        english = ", ".join([first, *(each.lower() for each in others)])
        chosen.append(
            (
                row["customer_id"],
                f"{english} · {row['baskets']} visits",
                f"{'、'.join(row['category'])} · 来过{row['baskets']}次",
            )
        )
        if len(chosen) == SAMPLES:
            break
    return chosen
