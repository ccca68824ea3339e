"""Finding products and setting them side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from assistant.tools.context import Context
from assistant.tools.registry import ProductRef
from assistant.types import Product, ProductCard, ToolResult
from assistant.unwanted import says
from retrieval.types import Filters

SHOWN = 6
_SIZE = re.compile(
    r"(\d+(?:\.\d+)?)\s*(oz|lb|g|kg|ml|l|gal|pt|qt|ct|sq ft|ft|rolls|loads)", re.IGNORECASE
)

_SCALES = (
    {"oz": 1, "lb": 16},
    {"oz": 1, "pt": 16, "qt": 32, "gal": 128},
    {"g": 1, "kg": 1000},
    {"ml": 1, "l": 1000},
)
"""Units that measure the same thing: how many of the first each is. An ounce next to a pint is a
fluid one."""


def search_products(
    context: Context,
    query: str,
    max_price: float | None = None,
    min_price: float | None = None,
    category: str | None = None,
) -> ToolResult:
    """Find products to buy. query: what the product is, in English."""
    # Whoever asks for almonds after "no nuts" means them.
    refused = tuple(each for each in context.refused() if not says(query, each))
    left_out = context.left_out(refused)
    filters = Filters(
        min_price=None if min_price is None else Decimal(str(min_price)),
        max_price=None if max_price is None else Decimal(str(max_price)),
        category=category,
        exclude=left_out,
    )
    found = context.shop.retrieval.products.search(query, filters, k=SHOWN)
    limit = _limit(context, filters)
    if not found.hits:
        return ToolResult(
            False, context.phrase("search_none", query=query, limit=limit), verbatim=True
        )
    bought = purchase_counts(context)
    # Pasta is no answer to "gluten free pasta" where there is some that says so.
    hits = [hit for hit in found.hits if hit.whole] or found.hits
    cards = context.cards(
        (hit.product_id for hit in hits),
        lambda product: bought_reason(context, bought.get(product.product_id, 0)),
    )
    if found.missing:
        words = " ".join(found.missing)
        note = context.phrase("search_missing", missing=words, limit=limit)
    else:
        note = context.phrase("search_found", query=query, limit=limit)
    if left_out:
        note = context.note_left_out(note, refused)
    verbatim = bool(found.missing or left_out)
    return ToolResult(True, note, products=cards, verbatim=verbatim)


def compare_products(context: Context, products: list[ProductRef]) -> ToolResult:
    """Compare products side by side: price, size, price per unit."""
    found = (locate(context, each) for each in products)
    cards = tuple({card.tag: card for card in found if card is not None}.values())
    if len(cards) < 2:
        return ToolResult(False, context.phrase("compare_needs_two"), products=cards, verbatim=True)
    per_unit = unit_prices([card.product for card in cards])
    sentences = [_described(context, *each) for each in zip(cards, per_unit, strict=True)]
    units = {each[1] if each else None for each in per_unit}
    if len(units) == 1 and None not in units:
        best = min(range(len(cards)), key=lambda n: per_unit[n] or (Decimal(0), ""))
        sentences.append(
            context.phrase("compare_per_unit", title=cards[best].product.title, unit=units.pop())
        )
    else:
        cheapest = min(cards, key=lambda card: card.product.price)
        sentences.append(context.phrase("compare_price", title=cheapest.product.title))
    return ToolResult(True, " ".join(sentences), products=cards, verbatim=True)


def locate(context: Context, reference: str) -> ProductCard | None:
    """The product that a tag, a shown title or words point at; None if nothing fits."""
    card = context.find(reference)
    if card or context.is_tag(reference):
        return card
    hits = context.shop.retrieval.products.search(reference, Filters(), k=1).hits
    cards = context.cards((hit.product_id for hit in hits), lambda _: "")
    return cards[0] if cards else None


def purchase_counts(context: Context) -> dict[str, int]:
    """How many baskets of this shopper held each product; empty for a guest."""
    if context.shopper.customer_id is None:
        return {}
    return context.shop.catalogue.purchase_counts(context.shopper.customer_id)


def bought_reason(context: Context, count: int) -> str:
    if count == 0:
        return ""
    return context.phrase("bought_once" if count == 1 else "bought_times", count=count)


def _limit(context: Context, filters: Filters) -> str:
    currency = context.shop.catalogue.info.currency
    parts = [
        context.phrase(key, amount=context.amount(amount, currency))
        for key, amount in (("from_price", filters.min_price), ("up_to_price", filters.max_price))
        if amount is not None
    ]
    return "".join(parts)


def _described(context: Context, card: ProductCard, unit: tuple[Decimal, str] | None) -> str:
    return context.phrase(
        "compare_one_unit" if unit else "compare_one",
        title=card.product.title,
        price=context.amount(card.product.price, card.product.currency),
        unit_price=context.amount(unit[0], card.product.currency) if unit else "",
        unit=unit[1] if unit else "",
    )


def unit_prices(products: Sequence[Product]) -> list[tuple[Decimal, str] | None]:
    """The price of each per unit of its size ("48 oz"), to a tenth of a cent.

    In one unit for all where their units measure the same thing (a pound is 16 oz), else in each
    one's own; None where the size says no amount.
    """
    sizes = [_SIZE.fullmatch(product.size) for product in products]
    units = {match[2].strip().lower() for match in sizes if match}
    scale = next((each for each in _SCALES if len(units) > 1 and units <= each.keys()), {})
    common = next((unit for unit, factor in scale.items() if factor == 1), "")
    prices: list[tuple[Decimal, str] | None] = []
    for product, match in zip(products, sizes, strict=True):
        if match is None or Decimal(match[1]) <= 0:
            prices.append(None)
            continue
        unit = match[2].strip().lower()
        amount = Decimal(match[1]) * scale.get(unit, 1)
        price = (product.price / amount).quantize(Decimal("0.001"), ROUND_HALF_UP)
        prices.append((price, common or unit))
    return prices
