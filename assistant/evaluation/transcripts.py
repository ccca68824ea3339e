"""Transcript sets: one conversation a line, shopper turns with what is expected of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import BadInput

EXPECTATIONS = (
    "tools", "arguments", "products", "help", "handoff", "must_include", "must_not_include"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedTurn:
    """A shopper's message and what the answer to it must be like; an absent key is not judged."""

    text: str
    expect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    transcript_id: str
    customer_id: str | None
    turns: tuple[ExpectedTurn, ...]


def read_transcripts(path: Path) -> list[Transcript]:
    """The conversations of a JSONL file; raises BadInput naming file, line and field."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"transcripts {str(path)!r} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{where}: not JSON: {error}") from None
        found.append(_transcript(record, where))
    if not found:
        raise BadInput(f"transcripts {str(path)!r} hold no conversation")
    return found


def _transcript(record: Any, where: str) -> Transcript:
    if not isinstance(record, dict) or not isinstance(record.get("turns"), list):
        raise BadInput(f"{where}: field 'turns' must be a list of turns")
    turns: list[ExpectedTurn] = []
    for turn in record["turns"]:
        role = turn.get("role") if isinstance(turn, dict) else None
        if role == "shopper" and isinstance(turn.get("text"), str):
            turns.append(ExpectedTurn(turn["text"]))
        elif role == "assistant" and turns:
            expect = turn.get("expect", {})
            unknown = sorted(set(expect) - set(EXPECTATIONS))
            if unknown:
                raise BadInput(f"{where}: field 'expect' has the unknown key {unknown[0]!r}")
            turns[-1] = ExpectedTurn(turns[-1].text, expect)
        else:
            raise BadInput(f"{where}: field 'turns' has a turn that is no shopper's or assistant's")
    customer = record.get("customer_id")
    return Transcript(str(record.get("id", where)), customer and str(customer), tuple(turns))
