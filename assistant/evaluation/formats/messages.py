"""Plain role and text: `{"messages": [{"role", "content"}]}` a line, or one message a line with
the conversation that it belongs to: `{"conversation", "role", "text"}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assistant.evaluation.formats.dialogue import Said, paired
from assistant.evaluation.transcripts import Malformed, Transcript

SHOPPER = frozenset({"shopper", "user", "customer", "human"})
ASSISTANT = frozenset({"assistant", "agent", "bot", "system_reply", "staff"})
UNSPOKEN = frozenset({"system", "developer", "tool", "function"})
"""Roles whose messages nobody heard."""


def fits(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("messages"), list)


def gathered(records: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Records as they come; messages of one conversation, wherever they stand, become one record.

    A conversation of single messages is named by its first line.
    """
    apart: dict[str, tuple[str, list[Any]]] = {}
    for where, record in records:
        if isinstance(record, dict) and "role" in record and "conversation" in record:
            name = str(record["conversation"])
            apart.setdefault(name, (where, []))[1].append(record)
        else:
            yield where, record
    for name, (where, rows) in apart.items():
        yield where, {"id": name, "messages": rows}


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    messages = record.get("messages")
    if not isinstance(messages, list):
        raise Malformed("messages", "must be a list of messages")
    heard = [said(each, f"messages[{place}]") for place, each in enumerate(messages, 1)]
    customer = record.get("customer_id")
    return Transcript(
        str(record.get("id", where)),
        None if customer in (None, "") else str(customer),
        paired(each for each in heard if each),
        str(record.get("group", "")),
    )


def said(message: Any, name: str) -> Said | None:
    role = str(message.get("role", "")).lower() if isinstance(message, dict) else ""
    if role in UNSPOKEN:
        return None
    if role not in SHOPPER | ASSISTANT:
        known = ", ".join(sorted(SHOPPER | ASSISTANT))
        raise Malformed(f"{name}.role", f"is {role!r}, not one of {known}")
    text = message.get("text", message.get("content"))
    calls = tuple(map(_call, message.get("tool_calls") or ()))
    if not isinstance(text, str) and not (calls and text is None):
        raise Malformed(f"{name}.text", f"is {text!r}, not a text")
    return Said(role in SHOPPER, text or "", calls)


def _call(record: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    """A tool call, flat or under `function`, its arguments as an object or as JSON text."""
    call = record.get("function", record)
    arguments = call.get("arguments") or {}
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    return str(call["name"]), dict(arguments)
