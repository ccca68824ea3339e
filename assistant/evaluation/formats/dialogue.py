"""From a list of utterances, as most sources have it, to shopper turns with the recorded answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assistant.evaluation.transcripts import ExpectedTurn, Malformed, Recorded
from assistant.types import Action, ToolCall


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance; an assistant's may be a tool call without words."""

    by_shopper: bool
    text: str = ""
    calls: tuple[tuple[str, Mapping[str, object]], ...] = ()
    handoff: bool = False


def paired(utterances: Iterable[Said]) -> tuple[ExpectedTurn, ...]:
    """What a shopper wrote in a row is one message; all that follows until the next is its answer.

    What was said before the shopper's first message is left out. Raises Malformed for none.
    """
    asked: list[str] = []
    answered: list[Said] = []
    turns: list[ExpectedTurn] = []
    for each in [*utterances, Said(True)]:
        if each.by_shopper and answered:
            if asked:
                turns.append(_turn(asked, answered))
            asked, answered = [], []
        if each.by_shopper:
            asked += [each.text.strip()] if each.text.strip() else []
        else:
            answered.append(each)
    if asked:
        turns.append(_turn(asked, []))
    if not turns:
        raise Malformed("turns", "holds no turn of a shopper")
    return tuple(turns)


def _turn(asked: list[str], answered: list[Said]) -> ExpectedTurn:
    handoff = any(each.handoff for each in answered)
    recorded = Recorded(
        text="\n".join(each.text.strip() for each in answered if each.text.strip()),
        calls=tuple(
            ToolCall(Action(name, arguments), True)
            for each in answered
            for name, arguments in each.calls
        ),
        handoff=handoff,
    )
    # Only the act itself says what is right here; an answer of another system is no yardstick.
    return ExpectedTurn("\n".join(asked), {"handoff": True} if handoff else {}, recorded)
