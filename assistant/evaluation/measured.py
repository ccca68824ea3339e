"""A language model whose calls are counted, and kept so that no call is made twice.

A call is known by its content: the weights' checksum and name, the messages (prompts included),
the schema and the token limit. So an unchanged turn costs no model call in the next run, a run
that was killed goes on where it stopped, and a change of code around the model shows at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import StorageError
from assistant.llm.base import LanguageModel, Message, Usage, Wording
from assistant.progress import Progress

_DECIDE, _STREAM = 0, 1


@dataclass(frozen=True, slots=True)
class Call:
    """What a call answered and cost; `seconds` are those of the time when it was made."""

    text: str
    seconds: float
    usage: Usage


class Calls:
    """Calls on disk, each durable when `put` returns. Any number of threads may share them."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError where the file cannot be written."""
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS call (key TEXT PRIMARY KEY, text TEXT NOT NULL,"
                " seconds REAL NOT NULL, read INTEGER NOT NULL, cached INTEGER NOT NULL,"
                " written INTEGER NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"model calls cannot be kept in {str(path)!r}: {error}; "
                "make its folder writable, or delete the file if it is damaged"
            ) from None

    def get(self, key: str) -> Call | None:
        with self._lock, closing(self._connection.cursor()) as cursor:
            row = cursor.execute(
                "SELECT text, seconds, read, cached, written FROM call WHERE key = ?", (key,)
            ).fetchone()
        return Call(row[0], row[1], Usage(*row[2:])) if row else None

    def put(self, key: str, call: Call) -> None:
        usage = call.usage
        row = (key, call.text, call.seconds, usage.read, usage.cached, usage.written)
        with self._lock:
            try:
                self._connection.execute("INSERT OR REPLACE INTO call VALUES (?,?,?,?,?,?)", row)
            except sqlite3.Error as error:
                raise StorageError(f"a model call cannot be kept: {error}") from None

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a turn asked of the model. `saved` are seconds of calls that were known already."""

    calls: int = 0
    known: int = 0
    read: int = 0
    cached: int = 0
    written: int = 0
    saved: float = 0.0


class MeasuredModel:
    """A model as one conversation sees it, one turn at a time.

    With `decisions_only` it writes no wording: replies come from code, at a third of the time.
    `fresh` asks anew and keeps the new answer.
    """

    def __init__(
        self,
        model: LanguageModel,
        calls: Calls | None = None,
        *,
        decisions_only: bool = False,
        fresh: bool = False,
    ) -> None:
        self.name = model.name
        self.checksum = model.checksum
        self.wording: Wording = "quote" if decisions_only else model.wording
        self.cost = Cost()
        self._model = model
        self._calls = calls
        self._decisions_only = decisions_only
        self._fresh = fresh

    def start_turn(self) -> None:
        self.cost = Cost()

    def decide(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        max_tokens: int = 128,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        key = self._key("decide", messages, schema, max_tokens)
        known = self._known(key)
        if known is not None:
            return dict(json.loads(known.text))
        started = time.monotonic()
        decision = self._model.decide(messages, schema, max_tokens=max_tokens, cancel=cancel)
        self._keep(key, json.dumps(decision, ensure_ascii=False), started, _DECIDE)
        return decision

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 200,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        if self._decisions_only:
            return
        key = self._key("stream", messages, schema, max_tokens)
        known = self._known(key)
        if known is not None:
            yield known.text
            return
        started = time.monotonic()
        deltas = self._model.stream(messages, schema=schema, max_tokens=max_tokens, cancel=cancel)
        text = ""
        try:
            for delta in deltas:
                text += delta
                yield delta
        except GeneratorExit:
            # The reader has what it needs; the few tokens that are left make the call whole.
            text += "".join(deltas)
        if cancel is None or not cancel.is_set():
            self._keep(key, text, started, _STREAM)

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        self._model.warm(prompts, progress)

    def close(self) -> None:
        """The model is shared: whoever made it closes it."""

    def _key(self, kind: str, messages: Sequence[Message], schema: Any, max_tokens: int) -> str:
        content = [
            kind,
            self.name,
            self.checksum,
            [[each.role, each.content] for each in messages],
            schema,
            max_tokens,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _known(self, key: str) -> Call | None:
        known = self._calls.get(key) if self._calls and not self._fresh else None
        if known:
            self._count(known.usage, known=1, saved=known.seconds)
        return known

    def _keep(self, key: str, text: str, started: float, channel: int) -> None:
        usage = getattr(self._model, "last_usage", {}).get(channel, Usage(0, 0, 0))
        self._count(usage, known=0, saved=0.0)
        if self._calls:
            self._calls.put(key, Call(text, time.monotonic() - started, usage))

    def _count(self, usage: Usage, *, known: int, saved: float) -> None:
        before = self.cost
        self.cost = Cost(
            before.calls + 1,
            before.known + known,
            before.read + usage.read,
            before.cached + usage.cached,
            before.written + usage.written,
            before.saved + saved,
        )
