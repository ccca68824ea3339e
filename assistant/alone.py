"""Retrieval and the recommender without a conversation, as the command line shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from assistant.app import open_shop
from assistant.errors import BadInput, NotFound
from assistant.settings import Settings
from assistant.tools.context import Context, Shop
from assistant.tools.recommend import looked_at, reason_text
from assistant.types import Shopper
from recommender.recommend import Kind, Session
from retrieval.types import Filters


class _NoCarts:
    """Outside a conversation there is no cart."""

    def cart(self, shopper_key: str) -> list[tuple[str, int]]:  # noqa: ARG002
        return []

    def set_quantity(self, shopper_key: str, product_id: str, quantity: int) -> None:
        raise NotImplementedError


def recommend(
    settings: Settings,
    customer_id: str | None,
    kind: str,
    product_id: str | None,
    category: str | None,
    k: int,
    diversity: float = 0.0,
) -> dict[str, Any]:
    """The document of `aisle recommend --json`; raises BadInput, NotFound.

    A customer whom nobody knows gets what others buy, and `cold` says so.
    """
    if kind not in get_args(Kind):
        raise BadInput(f"kind {kind!r} is not one of {', '.join(get_args(Kind))}")
    if kind in ("goes_with", "similar") and product_id is None:
        raise BadInput(f"kind {kind!r} needs --product ID to start from")
    shop = open_shop(settings)
    if product_id is not None and shop.catalogue.product(product_id) is None:
        raise NotFound(f"no product {product_id!r} in {shop.catalogue.info.name}")
    context = _context(shop, customer_id)
    found = shop.recommender.recommend(
        kind,  # type: ignore[arg-type]
        customer_id=customer_id,
        session=Session(viewed=tuple(looked_at(context))),
        product_id=product_id,
        category=category,
        k=k,
        now=shop.catalogue.clock.now(),
        diversity=diversity,
    )
    reasons = {item.product_id: reason_text(context, item.reason) for item in found.items}
    scores = [(item.product_id, item.score) for item in found.items]
    items = _items(shop, scores, reasons)
    return {"customer_id": customer_id, "kind": kind, "cold": found.cold, "items": items}


def search(
    settings: Settings, query: str, min_price: float | None, max_price: float | None, k: int
) -> dict[str, Any]:
    """The document of `aisle search --json`."""
    shop = open_shop(settings)
    filters = Filters(
        min_price=None if min_price is None else Decimal(str(min_price)),
        max_price=None if max_price is None else Decimal(str(max_price)),
    )
    hits = shop.retrieval.products.search(query, filters, k=k).hits
    return {
        "query": query,
        "items": _items(shop, [(hit.product_id, hit.score) for hit in hits], {}),
    }


def _context(shop: Shop, customer_id: str | None) -> Context:
    return Context(shop, _NoCarts(), Shopper(f"customer:{customer_id}", customer_id), "en", "")


def _items(
    shop: Shop, scores: list[tuple[str, float]], reasons: dict[str, str]
) -> list[dict[str, Any]]:
    products = {each.product_id: each for each in shop.catalogue.products([i for i, _ in scores])}
    return [
        {
            "product_id": product_id,
            "title": products[product_id].title,
            "price": float(products[product_id].price),
            "score": round(float(score), 6),
            "reason": reasons.get(product_id, ""),
        }
        for product_id, score in scores
        if product_id in products
    ]
