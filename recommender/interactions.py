"""From rows of interactions to baskets with index numbers, and the split that evaluation uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

KINDS = ("view", "cart", "purchase", "rating", "message")
DAY = 86_400.0


def clean(interactions: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """The rows that mean something: known kinds and products, a customer, a time, a finite value,
    and for a purchase a quantity above zero (a return is not a purchase). Rows of the same
    customer, product, kind and time become one, their values summed; sorted by customer and time.
    """
    return (
        typed(interactions)
        .filter(~pl.any_horizontal(*WRONG.values()))
        .join(products.select("product_id"), on="product_id", how="semi")
        .group_by("customer_id", "product_id", "kind", "at")
        .agg(pl.col("value").sum())
        .select(COLUMNS)
        .sort("customer_id", "at", "product_id", "kind")
    )


COLUMNS = ("customer_id", "product_id", "kind", "value", "at")
WRONG = {
    "no customer": pl.col("customer_id").is_null(),
    "no time": pl.col("at").is_null(),
    "an unknown kind": ~pl.col("kind").is_in(KINDS).fill_null(False),
    "no finite value": ~pl.col("value").is_finite().fill_null(False),
    "a purchase of nothing": (pl.col("kind") == "purchase").fill_null(False)
    & (pl.col("value") <= 0).fill_null(False),
}
"""What makes a row say nothing; the first that fits is its reason."""


def typed(interactions: pl.DataFrame) -> pl.DataFrame:
    """The columns that are used, values as floats and times in UTC."""
    return interactions.select(COLUMNS).with_columns(
        pl.col("value").cast(pl.Float64), pl.col("at").cast(pl.Datetime("us", "UTC"))
    )


@dataclass(frozen=True, slots=True)
class Baskets:
    """Every purchase, a customer's rows together and in order of time.

    `rows[starts[u] : starts[u + 1]]` are customer u's: `item` is the product's index number,
    `at` seconds since 1970 (UTC), `rank` the basket counted back from that customer's last (0).
    """

    customers: tuple[str, ...]
    n_items: int
    starts: NDArray[np.int64]
    item: Ints
    at: NDArray[np.int64]
    rank: Ints

    @classmethod
    def of(cls, purchases: pl.DataFrame, product_ids: tuple[str, ...]) -> Baskets:
        """From `clean` rows of kind purchase; products outside `product_ids` are left out."""
        numbers = pl.DataFrame(
            {"product_id": product_ids, "item": np.arange(len(product_ids), dtype=np.int32)},
            schema={"product_id": pl.String, "item": pl.Int32},
        )
        rows = (
            purchases.select("customer_id", "product_id", "at")
            .join(numbers, on="product_id", how="inner")
            .with_columns(
                rank=pl.col("at").rank("dense", descending=True).over("customer_id") - 1,
                at=pl.col("at").dt.epoch("s"),
            )
            .sort("customer_id", "at", "item")
        )
        sizes = rows.group_by("customer_id", maintain_order=True).len()
        return cls(
            customers=tuple(sizes["customer_id"].to_list()),
            n_items=len(product_ids),
            starts=np.concatenate([[0], np.cumsum(sizes["len"].to_numpy())]).astype(np.int64),
            item=rows["item"].to_numpy().astype(np.int32),
            at=rows["at"].to_numpy().astype(np.int64),
            rank=rows["rank"].to_numpy().astype(np.int32),
        )

    @property
    def user(self) -> Ints:
        """The customer's index number of each row."""
        sizes = np.diff(self.starts)
        return np.repeat(np.arange(len(self.customers), dtype=np.int32), sizes)

    def of_user(self, user: int) -> slice:
        """Where a customer's rows are."""
        return slice(int(self.starts[user]), int(self.starts[user + 1]))

    def before(self, hold: int) -> Baskets:
        """Without the last `hold` baskets of every customer; the customers stay."""
        shorter = self.where(self.rank >= hold)
        return replace(shorter, rank=(shorter.rank - hold).astype(np.int32))

    def where(self, kept: NDArray[np.bool_]) -> Baskets:
        """Only these rows; customers, items and ranks keep their numbers."""
        edges = np.searchsorted(self.user[kept], np.arange(len(self.customers) + 1))
        return replace(
            self,
            starts=edges.astype(np.int64),
            item=self.item[kept],
            at=self.at[kept],
            rank=self.rank[kept],
        )

    def only(self, items: Ints) -> Baskets:
        """Rows of these items (sorted), which get their place among them as their number."""
        place = np.full(self.n_items, -1, np.int32)
        place[items] = np.arange(len(items), dtype=np.int32)
        kept = self.where(place[self.item] >= 0)
        return replace(kept, n_items=len(items), item=place[kept.item])

    def matrix(self, weights: Floats | None = None) -> Any:
        """Customers by items in CSR, float32: 1 where bought, or the sum of the rows' weights."""
        values = np.ones(len(self.item), np.float32) if weights is None else weights
        shape = (len(self.customers), self.n_items)
        matrix = sparse.csr_matrix((values, (self.user, self.item)), shape=shape)
        if weights is None:
            matrix.data[:] = 1
        return matrix

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved."""
        return {
            "customers": np.array(self.customers, dtype=np.str_),
            "n_items": np.array(self.n_items),
            "starts": self.starts,
            "item": self.item,
            "at": self.at,
            "rank": self.rank,
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]]) -> Baskets:
        return cls(
            tuple(saved["customers"].tolist()),
            int(saved["n_items"]),
            saved["starts"],
            saved["item"],
            saved["at"],
            saved["rank"],
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What evaluation asks: which items are in a customer's basket at that time (seconds)."""

    user: int
    at: int
    items: Ints


@dataclass(frozen=True, slots=True)
class Split:
    """The baskets to learn from and the questions about those that are held out."""

    past: Baskets
    questions: tuple[Question, ...]
    product_ids: tuple[str, ...]


def split(purchases: pl.DataFrame, hold: int, min_baskets: int = 5, least: int = 10) -> Split:
    """Hold out basket number `hold` from the end: 0 for test, 1 for validation.

    Only products of `least` rows take part, and only customers of `min_baskets` or more (whatever
    was in them) are asked about, who bought something before; of them everything from the held-out
    basket on is hidden, of the others nothing.
    """
    product_ids = well_known(purchases, least)
    visits = pl.col("at").n_unique().over("customer_id")
    ranked = (
        purchases.with_columns(baskets=visits)
        .filter(pl.col("product_id").is_in(list(product_ids)))
        .with_columns(rank=pl.col("at").rank("dense", descending=True).over("customer_id") - 1)
    )
    asked = pl.col("baskets") >= min_baskets
    past = Baskets.of(ranked.filter(~asked | (pl.col("rank") > hold)), product_ids)
    held = (
        ranked.filter(asked & (pl.col("rank") == hold))
        .group_by("customer_id")
        .agg("product_id", pl.col("at").first().dt.epoch("s"))
        .sort("customer_id")
    )
    users = {customer: user for user, customer in enumerate(past.customers)}
    numbers = {product_id: item for item, product_id in enumerate(product_ids)}
    questions = tuple(
        Question(users[customer], at, np.array(sorted(numbers[each] for each in ids), np.int32))
        for customer, ids, at in held.iter_rows()
        if customer in users
    )
    return Split(past, questions, product_ids)


def well_known(purchases: pl.DataFrame, least: int) -> tuple[str, ...]:
    """The products of at least `least` rows, sorted."""
    counts = purchases.group_by("product_id").len().filter(pl.col("len") >= least)
    return tuple(sorted(counts["product_id"].to_list()))
