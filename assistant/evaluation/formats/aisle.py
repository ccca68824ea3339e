"""Aisle's own format, one conversation a line: see docs/evaluation.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.evaluation.transcripts import (
    ExpectedTurn,
    Malformed,
    Recorded,
    Transcript,
    check_expect,
)
from assistant.types import Action, ToolCall


def fits(record: Mapping[str, Any]) -> bool:
    turns = record.get("turns")
    return isinstance(turns, list) and all(
        not isinstance(turn, dict) or "speaker" not in turn for turn in turns
    )


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    if not isinstance(record.get("turns"), list):
        raise Malformed("turns", "must be a list of turns")
    turns: list[ExpectedTurn] = []
    for number, turn in enumerate(record["turns"], 1):
        name = f"turns[{number}]"
        role = turn.get("role") if isinstance(turn, dict) else None
        if role not in ("shopper", "assistant"):
            raise Malformed(f"{name}.role", f"is {role!r}, neither 'shopper' nor 'assistant'")
        text = turn.get("text", "" if role == "assistant" else None)
        if not isinstance(text, str) or (role == "shopper" and not text.strip()):
            raise Malformed(f"{name}.text", f"is {text!r}, not a text")
        if role == "shopper":
            turns.append(ExpectedTurn(text))
        elif not turns:
            continue  # A greeting before anybody asked.
        else:
            try:
                expect = check_expect(turn.get("expect") or {})
                recorded = _recorded(text, turn.get("recorded") or {})
            except Malformed as error:
                raise Malformed(f"{name}.{error.field}", error.message.split("' ", 1)[1]) from None
            turns[-1] = ExpectedTurn(turns[-1].text, expect, recorded)
    if not turns:
        raise Malformed("turns", "holds no turn of a shopper")
    customer = record.get("customer_id")
    return Transcript(
        str(record.get("id", where)),
        None if customer in (None, "") else str(customer),
        tuple(turns),
        str(record.get("group", "")),
    )


def _recorded(text: str, record: Any) -> Recorded:
    if not isinstance(record, dict):
        raise Malformed("recorded", "must be an object")
    try:
        return Recorded(
            text,
            tuple(
                ToolCall(Action(each["name"], each.get("arguments", {})), each.get("ok", True))
                for each in record.get("calls", ())
            ),
            tuple(map(str, record.get("products", ()))),
            record.get("cart"),
            bool(record.get("handoff", False)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed("recorded", f"cannot be read: {error!r}") from None


def as_record(transcript: Transcript) -> dict[str, Any]:
    """The JSON object that `transcript` reads back."""
    turns: list[dict[str, Any]] = []
    for turn in transcript.turns:
        recorded = turn.recorded
        turns.append({"role": "shopper", "text": turn.text})
        answer: dict[str, Any] = {"role": "assistant", "text": recorded.text}
        if turn.expect:
            answer["expect"] = dict(turn.expect)
        if recorded != Recorded(recorded.text):
            answer["recorded"] = {
                "calls": [
                    {"name": c.action.tool, "arguments": dict(c.action.arguments), "ok": c.ok}
                    for c in recorded.calls
                ],
                "products": list(recorded.products),
                "cart": None if recorded.cart is None else dict(recorded.cart),
                "handoff": recorded.handoff,
            }
        turns.append(answer)
    return {
        "id": transcript.transcript_id,
        "customer_id": transcript.customer_id,
        "shop": None,
        "group": transcript.group,
        "turns": turns,
    }
