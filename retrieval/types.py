"""Values that go into an index and come out of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Method = Literal["hybrid", "lexical", "dense"]

Progress = Callable[[int, int], None]
"""Told (done, total) as a long build goes on."""


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """A product as search sees it.

    `text` is what there is to say beyond title, category and brand; it may be empty.
    `category` is the path from the department down. Of the products of one `group` (the same
    title from the same brand) a result shows the most popular. `price` is exact to four decimals.
    """

    product_id: str
    title: str
    text: str
    category: tuple[str, ...]
    brand: str
    price: Decimal
    popularity: float
    in_stock: bool
    group: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits that every hit keeps; both prices belong to the range.

    `category` is any level's name ("Dairy") or a path ("Grocery > Dairy"), `brand` a whole name;
    case and plural do not count. `exclude` holds product ids. A price that is not a number
    raises ValueError.
    """

    min_price: Decimal | None = None
    max_price: Decimal | None = None
    category: str | None = None
    brand: str | None = None
    exclude: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("min_price", "max_price"):
            price: Decimal | None = getattr(self, name)
            if price is not None and price.is_nan():
                raise ValueError(f"{name} is {price!r}; give an amount of money.")


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found. Scores order the hits of one search; they do not compare across searches.

    `whole` says that its own text names every word asked for.
    """

    product_id: str
    score: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and, where none is whole, the words asked for that none of them names (all
    the words, if each is named by some hit but never together)."""

    hits: tuple[Hit, ...] = ()
    missing: tuple[str, ...] = ()
