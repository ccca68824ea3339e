"""Transcript files of several makers, read into one kind of value.

A format is a module with `fits(record)` and `transcript(record, name)`; `read_transcripts` looks
at each record and asks the first format that it fits. Files may be JSON Lines, one JSON document,
or either of them gzipped.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from assistant.errors import BadInput
from assistant.evaluation.formats import abcd, aisle, bitext, messages, multiwoz, tau
from assistant.evaluation.transcripts import Loaded, Malformed, Transcript

FORMATS: dict[str, ModuleType] = {
    "aisle": aisle,
    "abcd": abcd,
    "tau": tau,
    "multiwoz": multiwoz,
    "bitext": bitext,
    "messages": messages,
}


def read_transcripts(path: Path, name: str = "auto") -> Loaded:
    """The conversations of a file, and what was wrong with the lines that hold none.

    `name` is one of FORMATS, or "auto" to look. Raises BadInput if the file cannot be read or
    holds no conversation at all.
    """
    if name != "auto" and name not in FORMATS:
        raise BadInput(f"format {name!r} is not one of auto, {', '.join(FORMATS)}")
    found: list[Transcript] = []
    problems: list[str] = []
    for where, record in messages.gathered(_records(path, problems)):
        try:
            found.append(_format_of(record, name).transcript(record, where))
        except Malformed as error:
            problems.append(f"{path}, {where}: {error.message}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"{path}, {where}: cannot be read as a conversation: {error!r}")
    if not found:
        first = f": {problems[0]}" if problems else ""
        raise BadInput(f"transcripts {str(path)!r} hold no conversation{first}")
    return Loaded(tuple(found), tuple(problems))


def _format_of(record: Any, name: str) -> ModuleType:
    if not isinstance(record, dict):
        raise Malformed("(record)", "is no JSON object")
    if name != "auto":
        return FORMATS[name]
    for module in FORMATS.values():
        if module.fits(record):
            return module
    raise Malformed("turns", "must be a list of turns; no known format has the fields of this one")


def _records(path: Path, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Each record with its place: `line 3` of JSON Lines, `record 3` of one document."""
    text = _text(path)
    try:
        document = json.loads(text)
    except ValueError:
        pass
    else:
        if isinstance(document, list):
            yield from ((f"record {n}", each) for n, each in enumerate(document, 1))
            return
        if isinstance(document, dict) and multiwoz.is_collection(document):
            yield from ((f"record {key}", each) for key, each in multiwoz.split(document))
            return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line)
        except ValueError as error:
            problems.append(f"{path}, line {number}: not JSON: {error}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"transcripts {str(path)!r} cannot be read: {error}") from None
