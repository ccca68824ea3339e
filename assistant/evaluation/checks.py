"""Checks of one turn that need no judge. Each failure has a name from a fixed list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, get_args

from assistant.tools.products import unit_price
from assistant.types import Turn

Failure = Literal[
    "wrong_tool", "wrong_argument", "product_missing", "help_missing", "handoff_missing",
    "handoff_unwanted", "text_missing", "text_forbidden", "ungrounded", "invalid_decision",
    "failed",
]  # fmt: skip
FAILURES: tuple[str, ...] = get_args(Failure)

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def failures_of(turn: Turn, expect: Mapping[str, Any]) -> list[Failure]:
    """What is wrong with a turn, judged by the keys that `expect` has, and by grounding always."""
    found: list[Failure] = []
    names = [call.action.tool for call in turn.calls if call.ok or not call.problem]
    if turn.status != "finished":
        found.append("failed")
    if "tools" in expect and not _tools_fit(names, expect["tools"]):
        found.append("wrong_tool")
    if "arguments" in expect and not any(
        all(_same(call.action.arguments.get(name), value)
            for name, value in expect["arguments"].items())
        for call in turn.calls
    ):  # fmt: skip
        found.append("wrong_argument")
    shown = {card.product.product_id for card in turn.products}
    if expect.get("products") and not shown & set(map(str, expect["products"])):
        found.append("product_missing")
    cited = {each.article_id for each in turn.citations}
    if expect.get("help") and not cited & set(expect["help"]):
        found.append("help_missing")
    if "handoff" in expect and expect["handoff"] != (turn.handoff is not None):
        found.append("handoff_missing" if expect["handoff"] else "handoff_unwanted")
    reply = turn.reply.casefold()
    if any(str(each).casefold() not in reply for each in expect.get("must_include", ())):
        found.append("text_missing")
    if any(str(each).casefold() in reply for each in expect.get("must_not_include", ())):
        found.append("text_forbidden")
    if any(call.problem for call in turn.calls) and not names:
        found.append("invalid_decision")
    if ungrounded_numbers(turn):
        found.append("ungrounded")
    return found


def ungrounded_numbers(turn: Turn) -> list[str]:
    """Numbers in the reply that stand neither in this turn's results nor in the shopper's message.

    Every piece counts, code's own sentences as well: the check trusts nobody.
    """
    known = set(_NUMBER.findall(turn.text))
    for card in turn.products:
        known |= _numbers(card.product.title, card.reason, card.product.price)
    for citation in turn.citations:
        known |= _numbers(citation.text, citation.title)
    for each in turn.orders:
        order = each.order
        known |= _numbers(order.order_id, order.total, order.placed_at.year, order.placed_at.month,
                          order.placed_at.day)  # fmt: skip
        for line in order.lines:
            known |= _numbers(line.title, line.quantity, line.price)
    for held in turn.cart.lines if turn.cart else ():
        known |= _numbers(held.product.title, held.quantity, held.product.price)
    if turn.cart:
        known |= _numbers(turn.cart.total, sum(line.quantity for line in turn.cart.lines))
    for call in turn.calls:
        for value in call.action.arguments.values():
            known |= _numbers(value)
            if isinstance(value, int | float):
                known |= _numbers(Decimal(str(value)).quantize(Decimal("0.01")))
    if any(call.action.tool == "compare_products" for call in turn.calls):
        for card in turn.products:
            derived = unit_price(card.product)
            known |= _numbers(derived[0], round(derived[0], 2)) if derived else set()
    said = [number for piece in turn.pieces for number in _NUMBER.findall(piece.text)]
    return [number for number in said if _plain(number) not in known]


def _numbers(*values: object) -> set[str]:
    found = {each for value in values for each in _NUMBER.findall(str(value))}
    return found | {_plain(each) for each in found}


def _plain(number: str) -> str:
    return number.replace(",", "")


def _tools_fit(names: list[str], expected: list[str]) -> bool:
    """`[]`: none may be called; several: any one will do; "reply" stands for none."""
    if not names:
        return not expected or "reply" in expected
    return any(name in expected for name in names)


def _same(given: object, wanted: object) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return wanted.casefold() in given.casefold() or given.casefold() in wanted.casefold()
    return given == wanted
