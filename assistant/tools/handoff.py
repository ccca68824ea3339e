"""Giving the conversation to a person: a state of the conversation, not a phrase."""

from __future__ import annotations

from typing import Literal

from assistant.phrases import phrase
from assistant.tools.context import Context
from assistant.types import Handoff, Language, ToolResult

RECALLED = 6

Why = Literal["asks_for_a_person", "complaint", "problem_with_an_order", "cannot_help"]


def hand_off(context: Context, reason: Why) -> ToolResult:
    """Give the conversation to a human colleague: when the shopper asks for a person, complains,
    is angry, or needs something changed that no tool here can change.
    """
    return ToolResult(
        True,
        context.phrase("handed_off"),
        handoff=Handoff(reason, summarise(context)),
        verbatim=True,
    )


def summarise(context: Context, language: Language = "en") -> str:
    """What was said and shown lately, for the colleague, whose language it is; drawn from the
    record, not retold."""

    def line(key: str, text: str) -> str:
        return phrase(language, f"record_{key}", text=text)

    lines = []
    for turn in context.turns[-RECALLED:]:
        said = turn.text if turn.kind == "answered" else turn.words
        lines.append(f"{turn.author}: {said}" if turn.kind == "staff" else line("shopper", said))
        shown = ", ".join(card.product.title for card in turn.products)
        if shown:
            lines.append(line("shown", shown))
    if context.text:
        lines.append(line("shopper", context.text))
    cart = context.cart()
    if cart.lines:
        held = ", ".join(f"{line.quantity} x {line.product.title}" for line in cart.lines)
        lines.append(line("cart", held))
    return "\n".join(lines)
