"""The seam to language models: what a conversation needs of one, whatever runs it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import jsonschema

from assistant.errors import ModelError
from assistant.progress import Progress

Role = Literal["system", "user", "assistant"]
Wording = Literal["quote", "lead_in", "paraphrase"]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call cost: tokens read anew, read from the cache, and written."""

    read: int
    cached: int
    written: int


class LanguageModel(Protocol):
    """Thread-safe. Raises ModelError when it cannot answer; a call ends early once `cancel` is set.

    `decide` and `stream` have static prompts of their own; a backend that keeps prefixes keeps
    both.
    """

    name: str
    checksum: str
    wording: Wording

    def decide(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        max_tokens: int = 128,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        """One JSON object that is valid under `schema`."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 200,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        """Text as it is written; with a schema, the text of a JSON document under it."""
        ...

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        """Read static prompts ahead: the first for `decide`, the second for `stream`."""
        ...

    def close(self) -> None: ...


def valid_decision(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The first JSON object in a model's answer; raises ModelError if none fits the schema.

    Grammars are checked again because a backend may ignore what it cannot express.
    """
    start = text.find("{")
    try:
        value, _ = json.JSONDecoder().raw_decode(text, max(start, 0))
        jsonschema.validate(value, schema)
    except (ValueError, jsonschema.ValidationError) as error:
        reason = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise ModelError(f"the language model gave no valid decision: {reason[:200]}") from None
    if not isinstance(value, dict):
        raise ModelError("the language model gave no valid decision: not an object")
    return value


def in_words(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """The messages with the schema told in the last one, for what has no constrained output."""
    told = f"Answer with one JSON object and nothing else, valid under {json.dumps(schema)}"
    *before, last = messages
    # Many chat templates refuse two messages of one role in a row.
    if last.role == "user":
        return [*before, Message("user", f"{last.content}\n\n{told}")]
    return [*messages, Message("user", told)]


def repair(messages: Sequence[Message], text: str, error: ModelError) -> list[Message]:
    """The messages with an answer that was not valid, and why."""
    return [*messages, Message("assistant", text or "{}"), Message("user", error.message)]
