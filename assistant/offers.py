"""When a person is offered unasked: the shopper is angry, or was failed twice running."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.types import Turn

UPSET = re.compile(
    r"\b(?:useless|ridiculous|unacceptable|furious|angry|outrageous|terrible|awful|worst|pathetic"
    r"|fed up|sick of|rip[- ]?off|scam|wtf|stupid|idiots?|liars?|lying to me|fraud"
    r"|not (?:listening|helping|helpful)|waste of time|(?:this|that) is a joke)\b"
    r"|生气|气死|垃圾|太差|骗子|投诉|受够|没用|烦死|差评|废物",
    re.IGNORECASE,
)


def is_upset(text: str) -> bool:
    """Whether the message plainly shows anger. Mild displeasure is the model's to notice."""
    return bool(UPSET.search(text))


def came_to_nothing(turn: Turn) -> bool:
    """Whether a turn gave the shopper nothing: it broke, or every tool came back empty."""
    if turn.status in ("failed", "interrupted"):
        return True
    return bool(turn.calls) and not any(call.ok for call in turn.calls)


def offers_person(turns: Sequence[Turn], turn: Turn) -> bool:
    """Whether the reply to this turn should offer a person; `turns` are those before it."""
    if turn.handoff is not None:
        return False
    if is_upset(turn.text):
        return True
    return came_to_nothing(turn) and bool(turns) and came_to_nothing(turns[-1])
