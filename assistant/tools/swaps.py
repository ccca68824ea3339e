"""Which items of an order shall become what."""

from __future__ import annotations

import re
from typing import Literal, get_args

from assistant.tools.choosing import (
    Asked,
    choose_lines,
    lines_of,
    order_cards,
    titles_in,
    words_of,
)
from assistant.tools.context import Context
from assistant.tools.registry import ProductRef
from assistant.types import Order, OrderLine, Product, ToolResult
from retrieval.types import Filters

SwapKind = Literal["exchange_items", "change_order_items"]
_REVERSED = re.compile(r"\b(?:instead of|rather than|in place of)\b|而不是|代替", re.IGNORECASE)


def swap_kind(context: Context, kind: SwapKind, order: Order) -> SwapKind:
    """What such a swap is for this order, whichever the words called it: an exchange once it was
    delivered, a change of the order before. As it was called where the rules allow neither."""
    assert context.orders is not None
    kinds = (kind, *(each for each in get_args(SwapKind) if each != kind))
    rules = context.orders.rules
    return next(
        (each for each in kinds if (rule := rules.rule(each)) and order.status in rule.states), kind
    )


def pairs(
    context: Context,
    kind: SwapKind,
    order: Order,
    items: list[ProductRef],
    new_items: list[ProductRef],
) -> list[tuple[OrderLine, Product | None]]:
    """Each line with what it shall become, None where it leaves the order; raises Asked where
    that cannot be told."""
    named = _named_pairs(context, order) if new_items else []
    if named:
        return named
    if len(items) == len(new_items) > 1:
        meant = [lines_of(context, order, item)[0] for item in items]
        told = dict.fromkeys(zip(meant, new_items, strict=True))
        return [(line, _new_product(context, kind, line, words)) for line, words in told]
    # A small model lists what an item becomes among the items as well.
    lines = choose_lines(context, order, [each for each in items if each not in new_items] or items)
    if len(new_items) > 1:
        titles = "; ".join(each.title for each in lines)
        note = context.phrase("exchange_pairs", items=titles, new_items="; ".join(new_items))
        raise Asked(ToolResult(False, note, orders=order_cards([order]), verbatim=True))
    return [
        (line, _new_product(context, kind, line, new_items[0]) if new_items else None)
        for line in lines
    ]


def _named_pairs(context: Context, order: Order) -> list[tuple[OrderLine, Product | None]]:
    """The swaps of a message that holds whole names, each item before what it shall become; none
    where it does not read like that."""
    if _REVERSED.search(context.text):
        return []
    catalogue = context.shop.catalogue
    lines = {line.title: line for line in order.lines}
    bought = [catalogue.product(line.product_id) for line in order.lines]
    products = {
        each.title: each for product in bought if product for each in catalogue.variants(product)
    }
    titles, _ = titles_in(context.text, {**lines, **products})
    found: list[tuple[OrderLine, Product | None]] = []
    for old, new in zip(titles[::2], titles[1::2], strict=False):
        line, product = lines.get(old), products.get(new)
        before = catalogue.product(line.product_id) if line else None
        if line is None or product is None or not before:
            return []
        if not before.variant_of or product.variant_of != before.variant_of:
            return []
        found.append((line, product))
    return found if len(titles) % 2 == 0 else []


def _new_product(context: Context, kind: str, line: OrderLine, words: ProductRef) -> Product:
    """What an item shall become; raises Asked with cards where it may be several products."""
    card = context.find(words)
    if card:
        return card.product
    candidates = replacements(context, kind, line, words)
    if len(candidates) == 1:
        return candidates[0]
    cards = tuple(context.card(each, "") for each in candidates)
    key = "exchange_which" if cards else "exchange_none"
    note = context.phrase(key, title=line.title, query=words)
    raise Asked(ToolResult(False, note, products=cards, verbatim=True))


def replacements(context: Context, kind: str, line: OrderLine, words: str) -> list[Product]:
    """What the rule lets an item become: its variants, or what a search of its category finds,
    that fit the words; every variant where none fits."""
    assert context.orders is not None
    old = context.shop.catalogue.product(line.product_id)
    rule = context.orders.rules.rule(kind)  # type: ignore[arg-type]
    candidates: list[Product] = []
    if old and rule and rule.within == "variants":
        candidates = [
            each for each in context.shop.catalogue.variants(old)
            if each.product_id != old.product_id
        ]  # fmt: skip
        wanted = words_of(words)
        fits = [each for each in candidates if wanted <= words_of(_described(each))]
        candidates = fits or candidates
    elif old:
        filters = Filters(category=old.category[-1])
        hits = context.shop.retrieval.products.search(words, filters, k=6).hits
        whole = [hit for hit in hits if hit.whole] or hits
        candidates = context.shop.catalogue.products([hit.product_id for hit in whole])
    # "Camera, waterproof" fits "Camera, no waterproof" as well, but is the name of one.
    named = [each for each in candidates if each.title.casefold() == words.strip().casefold()]
    return named or candidates


def _described(product: Product) -> str:
    return " ".join([product.title, *product.attributes.values()])
