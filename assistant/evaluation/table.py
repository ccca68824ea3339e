"""A model that decides by a table: what a shop's tools can do at the best, and how fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assistant.llm.base import Message, Wording
from assistant.progress import Progress


class TableModel:
    """Decides by the last line that the shopper wrote, `reply` where it is not in the table.

    It takes no time and writes no wording.
    """

    name = "table"
    checksum = ""
    wording: Wording = "quote"

    def __init__(self, decisions: Mapping[str, Mapping[str, Any]]) -> None:
        self._decisions = dict(decisions)

    def decide(self, messages: Sequence[Message], *_: Any, **__: Any) -> dict[str, Any]:
        said = messages[-1].content.rsplit("\n", 1)[-1]
        return dict(self._decisions.get(said, {"tool": "reply"}))

    def stream(self, *_: Any, **__: Any) -> Iterator[str]:
        return iter(())

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        """There is nothing to read ahead."""

    def close(self) -> None:
        """There is nothing to free."""
