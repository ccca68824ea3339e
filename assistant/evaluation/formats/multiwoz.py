"""MultiWOZ-style dialogues: 2.2 (`turns` of speaker and utterance) and 2.1 (`log`, in turns)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.evaluation.formats.dialogue import Said, paired
from assistant.evaluation.transcripts import Malformed, Transcript


def fits(record: Mapping[str, Any]) -> bool:
    turns = record.get("turns")
    return "log" in record or (
        isinstance(turns, list)
        and bool(turns)
        and all(isinstance(turn, dict) and "speaker" in turn for turn in turns)
    )


def is_collection(document: Mapping[str, Any]) -> bool:
    """Whether this is 2.1's way: one object with a dialogue under each name."""
    return bool(document) and all(
        isinstance(each, dict) and "log" in each for each in document.values()
    )


def split(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, dialogue in document.items():
        yield name, {"dialogue_id": name, **dialogue}


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    said = []
    if "log" in record:
        for place, turn in enumerate(record["log"]):
            said.append(Said(place % 2 == 0, _text(turn, "text", f"log[{place + 1}]")))
    else:
        for place, turn in enumerate(record["turns"]):
            name = f"turns[{place + 1}]"
            speaker = str(turn.get("speaker", "")).upper()
            if speaker not in ("USER", "SYSTEM"):
                raise Malformed(f"{name}.speaker", f"is {speaker!r}, neither 'USER' nor 'SYSTEM'")
            said.append(Said(speaker == "USER", _text(turn, "utterance", name)))
    services = record.get("services") or ()
    return Transcript(
        str(record.get("dialogue_id", where)), None, paired(said), ",".join(map(str, services))
    )


def _text(turn: Any, key: str, name: str) -> str:
    if not isinstance(turn, dict) or not isinstance(turn.get(key), str):
        raise Malformed(f"{name}.{key}", "must be a text")
    return str(turn[key])
