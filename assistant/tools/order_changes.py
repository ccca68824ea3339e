"""Changes of the shopper's own orders and account. None of these tools changes anything: each works
out the exact effect, or the rule that forbids it, and the shopper's yes does the rest.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace

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
    named_lines,
    order_cards,
    speaking_customer,
    words_of,
)
from assistant.tools.context import Context
from assistant.tools.orders import describe
from assistant.tools.registry import ProductRef
from assistant.tools.swaps import SwapKind, pairs, swap_kind
from assistant.types import Citation, Order, OrderLine, Proposal, ToolResult

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
            tuple(
                ItemChange(each.product_id, _count(context, order, lines, each, quantity))
                for each in lines
            ),
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
    kind: SwapKind,
    items: list[ProductRef],
    new_items: list[ProductRef],
    quantity: int | None,
    order_id: str | None,
) -> ToolResult:
    """All items in one change, for a shop's rules may allow an order only one."""

    def work_out() -> ToolResult:
        order = choose_order(context, kind, order_id, items)
        actual = swap_kind(context, kind, order) if new_items else kind
        wanted = pairs(context, actual, order, items, new_items)
        lines = [line for line, _ in wanted]
        changed = [
            ItemChange(
                line.product_id,
                # Named twice, to become two things: one unit each.
                1 if lines.count(line) > 1 else _count(context, order, lines, line, quantity),
                new.product_id if new else "",
            )
            for line, new in wanted
        ]
        payment_id = choose_payment(context, None, speaking_customer(context))
        change = Change(actual, order.order_id, tuple(changed), payment_id=payment_id)
        return _propose(context, change, order)

    return _answered(work_out)


def _count(
    context: Context,
    order: Order,
    lines: list[OrderLine],
    line: OrderLine,
    quantity: int | None,
) -> int:
    """So many units: what was said of a single item, else all that the order holds."""
    if quantity is None or len(lines) > 1:
        return line.quantity
    # The 6 of "Sneakers, 6, black" is no number of sneakers.
    _, rest = named_lines(context.text, order)
    said, beside = (set(re.findall(r"\d+", text)) for text in (context.text, rest))
    return line.quantity if str(quantity) in said - beside else quantity


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
