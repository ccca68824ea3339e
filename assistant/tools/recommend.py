"""Personal suggestions from the recommender, and the shopper's own past purchases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Literal

from assistant.shop.catalogue import group_of
from assistant.tools.context import Context
from assistant.tools.products import locate, search_products
from assistant.tools.registry import ProductRef
from assistant.types import ToolResult
from recommender.recommend import Item, Reason, Session
from retrieval.history import PastPurchase

SUGGESTED = 5
_CANDIDATES = 400
_NEAR_THEME = 150
"""How many suggestions are looked through for a theme, and how many products count as near it."""
LATELY = timedelta(days=30)
LOOKED_AT = 20
"""Products of the record of views that still say something, and for how long."""
_PERIODS = {"week": 7, "month": 31, "three_months": 92, "year": 366}


def recommend_products(
    context: Context,
    kind: Literal["buy_again", "new_for_you", "goes_with", "similar", "popular"],
    product: ProductRef | None = None,
    category: str | None = None,
) -> ToolResult:
    """Suggest products. buy_again: their usual things; new_for_you: things they never bought;
    goes_with or similar: to a product; popular: what others buy.
    category: what it is for or where it stands, if they say so.
    """
    anchor = None
    if kind in ("goes_with", "similar"):
        anchor = locate(context, product) if product else None
        if anchor is None and not (kind == "goes_with" and context.cart().lines):
            key = "suggest_no_anchor_named" if product else "suggest_no_anchor"
            return ToolResult(False, context.phrase(key, product=product or ""), verbatim=True)
    shelf = category if category and context.shop.catalogue.has_category(category) else None
    theme = None if shelf else category
    refused = context.refused()
    left_out = context.left_out(refused)
    found = context.shop.recommender.recommend(
        kind,
        customer_id=context.shopper.customer_id,
        session=session_signals(context, left_out),
        product_id=anchor.product.product_id if anchor else None,
        category=shelf,
        k=_CANDIDATES if theme else SUGGESTED,
        now=context.shop.catalogue.clock.now(),
    )
    items = _fitting(context, found.items, theme)[:SUGGESTED] if theme else found.items
    if theme and not items:
        return search_products(context, theme)
    reasons = {item.product_id: item.reason for item in items}
    cards = context.cards(
        reasons, lambda product: reason_text(context, reasons[product.product_id])
    )
    if not cards:
        key = "suggest_none_in" if category else "suggest_none"
        return ToolResult(False, context.phrase(key, category=category or ""), verbatim=True)
    if found.cold:
        key = "suggest_cold_guest" if context.shopper.customer_id is None else "suggest_cold"
        note = context.phrase(key)
    elif kind == "goes_with" and anchor is None:
        note = context.phrase("suggest_goes_with_cart")
    else:
        note = context.phrase(f"suggest_{kind}", title=anchor.product.title if anchor else "")
    if left_out:
        note = context.note_left_out(note, refused)
    return ToolResult(True, note, products=cards, verbatim=found.cold or bool(left_out))


def _fitting(context: Context, items: Sequence[Item], theme: str) -> list[Item]:
    """The items that search finds for what they should be for ("dinner"), still in their order."""
    catalogue = context.shop.catalogue
    hits = context.shop.retrieval.products.search(theme, k=_NEAR_THEME).hits
    near = {group_of(each) for each in catalogue.products([hit.product_id for hit in hits])}
    groups = {p.product_id: group_of(p) for p in catalogue.products([i.product_id for i in items])}
    return [item for item in items if groups.get(item.product_id) in near]


def search_history(
    context: Context,
    query: str | None = None,
    period: Literal["week", "month", "three_months", "year"] | None = None,
) -> ToolResult:
    """Look through what this shopper bought before, by words or by time."""
    customer_id = context.shopper.customer_id
    if customer_id is None:
        return ToolResult(False, context.phrase("history_guest"), verbatim=True)
    catalogue = context.shop.catalogue
    since = catalogue.clock.now() - timedelta(days=_PERIODS[period]) if period else None
    purchases = [
        PastPurchase(each.product_id, each.at, each.quantity)
        for each in catalogue.purchases(customer_id)
    ]
    hits = context.shop.retrieval.history.search(
        customer_id, purchases, query or "", SUGGESTED, since=since
    )
    when: dict[str, list[PastPurchase]] = {}
    for purchase in purchases:
        if since is None or purchase.at >= since:
            when.setdefault(purchase.product_id, []).append(purchase)
    cards = context.cards(
        dict.fromkeys(hit.product_id for hit in hits if hit.product_id in when),
        lambda product: _bought(context, when[product.product_id]),
    )
    if not cards:
        key = "history_none_of" if query else "history_none"
        return ToolResult(False, context.phrase(key, query=query or ""), verbatim=True)
    key = "history_found_of" if query else "history_found"
    return ToolResult(True, context.phrase(key, query=query or ""), products=cards)


def session_signals(context: Context, left_out: frozenset[str] = frozenset()) -> Session:
    """What this conversation says of the shopper, and what they lately looked at in the shop: it
    counts in the very next suggestion. `left_out` are products that they refused by name.
    """
    liked = tuple(
        card.product.product_id
        for turn in context.turns
        if turn.rating > 0
        for card in turn.products
    )
    disliked = tuple(
        card.product.product_id
        for turn in context.turns
        if turn.rating < 0
        for card in turn.products
    )
    cart = tuple(line.product.product_id for line in context.cart().lines)
    shown = tuple(card.product.product_id for card in context.shown.values())
    viewed = *asked_about(context), *looked_at(context)
    return Session(
        cart=cart,
        viewed=tuple(dict.fromkeys(viewed)),
        liked=liked,
        disliked=(*disliked, *left_out),
        shown=shown,
    )


def asked_about(context: Context) -> Iterator[str]:
    """The products that the shopper's messages were about: those compared, those to which
    something was to go or be like, and the best that a search found.
    """
    for turn in context.turns:
        tools = {call.action.tool for call in turn.calls if call.ok}
        if "compare_products" in tools:
            yield from (card.product.product_id for card in turn.products)
        elif "search_products" in tools:
            yield from (card.product.product_id for card in turn.products[:1])
        for call in turn.calls:
            anchor = context.find(str(call.action.arguments.get("product") or ""))
            if anchor and call.ok and call.action.tool == "recommend_products":
                yield anchor.product.product_id


def looked_at(context: Context) -> list[str]:
    """What the shop's record of this customer says they viewed or put into a cart of late."""
    if context.shopper.customer_id is None:
        return []
    catalogue = context.shop.catalogue
    since = catalogue.clock.now() - LATELY
    return catalogue.looked_at(context.shopper.customer_id, since, LOOKED_AT)


def reason_text(context: Context, reason: Reason) -> str:
    """The recommender's facts in words; every number is its own."""
    anchor = (
        context.shop.catalogue.product(reason.anchor_product_id)
        if reason.anchor_product_id
        else None
    )
    if reason.code in ("bought_often", "bought_before"):
        key = "reason_once" if reason.count == 1 else "reason_times"
        if reason.count > 1 and reason.every_days:
            key = "reason_rhythm"
        last = context.date(reason.last_at) if reason.last_at else ""
        return context.phrase(key, count=reason.count, days=reason.every_days or 0, last=last)
    if reason.code in ("popular", "popular_in") and not reason.count:
        return ""  # not sold lately: nothing true to say
    if (
        reason.code in ("bought_with", "bought_by_similar", "same_category", "similar_text")
        and anchor is None
    ):
        return ""
    return context.phrase(
        f"reason_{reason.code}", title=anchor.title if anchor else "", category=reason.category
    )


def _bought(context: Context, purchases: list[PastPurchase]) -> str:
    last = max(purchase.at for purchase in purchases)
    key = "reason_once" if len(purchases) == 1 else "reason_times"
    return context.phrase(key, count=len(purchases), last=context.date(last))
