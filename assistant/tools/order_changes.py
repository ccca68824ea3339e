"""Changes of the shopper's own orders and account. None of these tools changes anything: each works
out the exact effect, or the rule that forbids it, and the shopper's yes does the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from assistant.changes import Settled
from assistant.orders.refusal import Refusal
from assistant.orders.types import Change, ItemChange
from assistant.orders.wording import spoken
from assistant.tools.choosing import (
    Asked,
    choose_address,
    choose_lines,
    choose_order,
    choose_payment,
    lines_of,
    order_cards,
    speaking_customer,
    words_of,
)
from assistant.tools.context import Context
from assistant.tools.orders import describe
from assistant.tools.registry import ProductRef
from assistant.types import Citation, Order, OrderLine, Product, Proposal, ToolResult
from retrieval.types import Filters

_CITED = 2
"""Sentences of the article that is cited with a rule."""


def cancel_order(
    context: Context, order_id: str | None = None, reason: str | None = None
) -> ToolResult:
    """Cancel a whole order of the shopper's. order_id: only if the shopper wrote one.
    reason: why, in the shopper's words.
    """

    def work_out() -> ToolResult:
        order = choose_order(context, "cancel_order", order_id)
        change = Change("cancel_order", order.order_id, reason=_reason(context, reason))
        return _propose(context, change, order)

    return _answered(work_out)


def return_items(
    context: Context,
    items: list[ProductRef] | None = None,
    quantity: int | None = None,
    order_id: str | None = None,
) -> ToolResult:
    """Send items of a delivered order back for a refund. items: their names."""

    def work_out() -> ToolResult:
        order = choose_order(context, "return_items", order_id, items or ())
        lines = choose_lines(context, order, items or ())
        customer = speaking_customer(context)
        change = Change(
            "return_items",
            order.order_id,
            tuple(ItemChange(each.product_id, _count(each, lines, quantity)) for each in lines),
            payment_id=choose_payment(context, None, customer),
        )
        return _propose(context, change, order)

    return _answered(work_out)


def exchange_items(
    context: Context,
    items: list[ProductRef],
    new_items: list[ProductRef] | None = None,
    quantity: int | None = None,
    order_id: str | None = None,
) -> ToolResult:
    """Swap items of a delivered order for others. items: their names. new_items: what they want
    for each.
    """
    return _swap(context, "exchange_items", items, new_items or [], quantity, order_id)


def change_order_items(
    context: Context,
    items: list[ProductRef],
    new_items: list[ProductRef] | None = None,
    quantity: int | None = None,
    order_id: str | None = None,
) -> ToolResult:
    """Swap items of an order that is not sent yet for others, or take them out of the order.
    items: their names. new_items: what each shall become.
    """
    return _swap(context, "change_order_items", items, new_items or [], quantity, order_id)


def change_order_address(
    context: Context, address: str | None = None, order_id: str | None = None
) -> ToolResult:
    """Deliver an order to another address. address: the new one, whole, as written."""

    def work_out() -> ToolResult:
        order = choose_order(context, "change_order_address", order_id)
        to = choose_address(context, address, speaking_customer(context))
        change = Change("change_order_address", order.order_id, address=to)
        return _propose(context, change, order)

    return _answered(work_out)


def change_address(context: Context, address: str | None = None) -> ToolResult:
    """Change the address of the shopper's account. address: the new one, whole, as written."""

    def work_out() -> ToolResult:
        customer = speaking_customer(context)
        to = choose_address(context, address, replace(customer, address=None))
        return _propose(context, Change("change_address", address=to), None)

    return _answered(work_out)


def change_order_payment(
    context: Context, payment: str | None = None, order_id: str | None = None
) -> ToolResult:
    """Pay an order another way. payment: the way to pay, such as gift card."""

    def work_out() -> ToolResult:
        order = choose_order(context, "change_order_payment", order_id)
        payment_id = choose_payment(context, payment, speaking_customer(context))
        change = Change("change_order_payment", order.order_id, payment_id=payment_id)
        return _propose(context, change, order)

    return _answered(work_out)


def _swap(
    context: Context,
    kind: Literal["exchange_items", "change_order_items"],
    items: list[ProductRef],
    new_items: list[ProductRef],
    quantity: int | None,
    order_id: str | None,
) -> ToolResult:
    """All items in one change, for a shop's rules may allow an order only one."""

    def work_out() -> ToolResult:
        order = choose_order(context, kind, order_id, items)
        wanted = _pairs(context, order, items, new_items)
        lines = [line for line, _ in wanted]
        changed = [
            ItemChange(
                line.product_id,
                # Named twice, to become two things: one unit each.
                1 if lines.count(line) > 1 else _count(line, lines, quantity),
                _new_product(context, kind, line, words).product_id if words else "",
            )
            for line, words in wanted
        ]
        payment_id = choose_payment(context, None, speaking_customer(context))
        change = Change(kind, order.order_id, tuple(changed), payment_id=payment_id)
        return _propose(context, change, order)

    return _answered(work_out)


def _pairs(
    context: Context, order: Order, items: list[ProductRef], new_items: list[ProductRef]
) -> list[tuple[OrderLine, ProductRef | None]]:
    """Each line with what it shall become; raises Asked where that cannot be told."""
    if len(items) == len(new_items) > 1:
        found = [lines_of(context, order, item)[0] for item in items]
        return list(dict.fromkeys(zip(found, new_items, strict=True)))
    lines = choose_lines(context, order, items)
    if len(new_items) > 1:
        titles = "; ".join(each.title for each in lines)
        note = context.phrase("exchange_pairs", items=titles, new_items="; ".join(new_items))
        raise Asked(ToolResult(False, note, orders=order_cards([order]), verbatim=True))
    return [(line, new_items[0] if new_items else None) for line in lines]


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


def _count(line: OrderLine, lines: list[OrderLine], quantity: int | None) -> int:
    """So many units: what was said of a single item, else all that the order holds."""
    return quantity if quantity is not None and len(lines) == 1 else line.quantity


def _reason(context: Context, reason: str | None) -> str:
    """One of the shop's own reasons where its words were said, else what was said."""
    assert context.orders is not None
    rule = context.orders.rules.rule("cancel_order")
    said = words_of(f"{context.text} {reason or ''}")
    known = [each for each in (rule.reasons if rule else ()) if words_of(each) & said]
    return known[0] if len(known) == 1 else (reason or "")


# --- what is answered --------------------------------------------------------------------------


def _answered(work_out: Callable[[], ToolResult]) -> ToolResult:
    try:
        return work_out()
    except Asked as asked:
        return asked.result


def _propose(context: Context, change: Change, order: Order | None) -> ToolResult:
    """The exact effect with the question, or the rule that forbids it with its article."""
    customer_id = context.shopper.customer_id
    assert customer_id is not None
    assert context.orders is not None
    cards = order_cards([order]) if order else ()
    try:
        effect = context.orders.preview(customer_id, change)
    except Refusal as refusal:
        note = refusal.sentence(context.language)
        cited = cite(context, refusal.article_id, refusal.sentence("en"))
        return ToolResult(False, note, citations=cited, orders=cards, verbatim=True)
    return ToolResult(
        True,
        context.phrase("change_ask"),
        orders=cards,
        proposal=Proposal(secrets.token_urlsafe(16), change, effect),
        verbatim=True,
    )


def outcome(context: Context, settled: Settled) -> ToolResult:
    """What is said once a change is settled: done, or why not. Only `done` claims that it is."""
    proposal, order = settled.proposal, settled.order
    cards = order_cards([order]) if order else ()
    state = proposal.state
    if settled.repeated:
        key = "change_done_before" if state == "done" else "change_settled_before"
        return ToolResult(False, context.phrase(key), verbatim=True)
    note = context.phrase(f"change_{state}")
    if state == "done" and order:
        note = f"{note} {describe(context, order, 1)}"
    elif state == "done" and proposal.effect.address:
        address = proposal.effect.address.text
        note = f"{note} {spoken(context.language, 'effect_address', address=address)}"
    cited: tuple[Citation, ...] = ()
    if settled.refusal:
        note = f"{settled.refusal.sentence(context.language)} {note}"
        cited = cite(context, settled.refusal.article_id, settled.refusal.sentence("en"))
    return ToolResult(state == "done", note, citations=cited, orders=cards, verbatim=True)


def cite(context: Context, article_id: str, question: str) -> tuple[Citation, ...]:
    """The sentences of an article that say the most about a question; none without the article."""
    try:
        article = context.shop.catalogue.article(article_id)
    except KeyError:
        return ()
    wanted = words_of(question)
    ranked = sorted(
        range(len(article.sentences)),
        key=lambda place: (-len(wanted & words_of(article.sentences[place])), place),
    )
    return tuple(
        Citation(f"H1.{place + 1}", article_id, article.title, article.sentences[place])
        for place in sorted(ranked[:_CITED])
    )
