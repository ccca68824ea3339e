"""What is asked of the recommender and what it answers. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["buy_again", "new_for_you", "goes_with", "similar", "popular"]
ReasonCode = Literal[
    "bought_often",
    "bought_before",
    "bought_with",
    "bought_by_similar",
    "popular",
    "popular_in",
    "same_category",
    "similar_text",
    "goes_with_cart",
]


@dataclass(frozen=True, slots=True)
class Session:
    """Product ids that count from this moment on: what the conversation and the cart say.

    `viewed` are those looked at or asked about, which say less than a place in the cart.
    """

    cart: tuple[str, ...] = ()
    viewed: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is suggested, in facts that can be counted again in the purchases.

    `count` is by code: bought_often, bought_before: this shopper's baskets with the item;
    bought_with, goes_with_cart: baskets of anyone with both the item and the anchor;
    bought_by_similar: customers who bought both; popular, popular_in: baskets with the item in
    the last four weeks of the data; same_category, similar_text: 0.
    `every_days` is the median gap between this shopper's purchases of the item, at least 1.
    """

    code: ReasonCode
    count: int = 0
    every_days: int | None = None
    last_at: datetime | None = None
    anchor_product_id: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    product_id: str
    score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`cold` says that nothing was known of the shopper and the items are what others buy."""

    kind: Kind
    cold: bool
    items: tuple[Item, ...]
