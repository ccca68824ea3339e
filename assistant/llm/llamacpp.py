"""llama.cpp in this process, through xllamacpp: for machines without a GPU.

Two slots, each with its own static prompt: decisions in slot 0, wording in slot 1. What a slot has
read stays in its cache, so a turn pays only for its new words; the static prompts are kept on disk
between starts.
"""

from __future__ import annotations

import hashlib
import json
import queue
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import xllamacpp

from assistant.errors import ModelError, WeightsError
from assistant.llm.base import Message, Usage, Wording, valid_decision
from assistant.progress import Progress

CONTEXT = 8192
"""Tokens of a slot."""
_DECIDE, _STREAM = 0, 1
_COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


class LlamaCppModel:
    """A GGUF file; raises WeightsError for a file that is no model."""

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        checksum: str = "",
        threads: int = 2,
        wording: Wording = "quote",
        prefix_folder: Path | None = None,
    ) -> None:
        self.name = name or path.stem
        self.checksum = checksum
        self.wording: Wording = wording
        self.last_usage: dict[int, Usage] = {}
        self._prefixes = prefix_folder
        check_gguf(path)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 2 * CONTEXT
        parameters.n_parallel = 2
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = 0
        # The embedded server listens on loopback: a key that nobody has keeps others out.
        self._key = secrets.token_hex(32)
        parameters.api_keys = [self._key]
        # Conversations that left their slot wait here for their next message (MiB).
        parameters.cache_ram_mib = 1024
        if prefix_folder is not None:
            prefix_folder.mkdir(parents=True, exist_ok=True)
            parameters.slot_save_path = f"{prefix_folder}/"
        try:
            self._server = xllamacpp.Server(parameters)
        except Exception as error:
            raise WeightsError(
                f"the weights {str(path)!r} cannot be loaded ({error}); "
                "fetch them again with `aisle model fetch`"
            ) from None
        self._identity = f"{checksum or path.stat().st_size}:{xllamacpp.__version__}:{CONTEXT}"

    def decide(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        max_tokens: int = 128,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        """One JSON object under `schema`; asked again once with the error if it is not valid."""
        text = self._whole(messages, schema, max_tokens, cancel)
        try:
            return valid_decision(text, schema)
        except ModelError as error:
            if cancel is not None and cancel.is_set():
                raise
            again = [*messages, Message("assistant", text), Message("user", error.message)]
            return valid_decision(self._whole(again, schema, max_tokens, cancel), schema)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 200,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        return self._run(self._body(messages, schema, max_tokens, _STREAM), cancel)

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        """Bring each slot's static prompt into its cache: from disk, else by reading it once."""
        for slot, prompt in enumerate(prompts):
            progress("Reading the prompts", slot, len(prompts))
            text = json.dumps([[each.role, each.content] for each in prompt])
            digest = hashlib.sha256(f"{self._identity}:{text}".encode()).hexdigest()
            file = f"{digest}.bin"
            if self._prefixes is None or not self._slot(slot, "restore", file):
                for _ in self._run(self._body(prompt, None, 1, slot), None):
                    pass
                if self._prefixes is not None:
                    self._slot(slot, "save", file)
                    self._prune(self._prefixes)
        progress("Reading the prompts", len(prompts), len(prompts))

    def close(self) -> None:
        """Free the weights; the model answers nothing afterwards."""
        if self._server is not None and not self.last_usage:
            # A llama.cpp server whose loop never had work waits for ever for the loop to end.
            for _ in self._run(self._body([Message("user", ".")], None, 1, _DECIDE), None):
                pass
        self._server = None

    # --- calls ---

    def _whole(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        max_tokens: int,
        cancel: threading.Event | None,
    ) -> str:
        return "".join(self._run(self._body(messages, schema, max_tokens, _DECIDE), cancel))

    def _body(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        slot: int,
    ) -> dict[str, Any]:
        if not messages:
            raise ModelError("there is nothing to answer: the list of messages is empty")
        body: dict[str, Any] = {
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "temperature": 0,
            "seed": 1,
            "max_tokens": max_tokens,
            "id_slot": slot,
            "stream": True,
            "cache_prompt": True,
        }
        if schema is not None:
            # A schema by `response_format` lets the model indent its JSON, a third more tokens.
            rule = json.dumps({**schema, "x-guidance": _COMPACT})
            body["grammar"] = f"%llguidance {{}}\nstart: %json {rule}"
        return body

    def _run(self, body: dict[str, Any], cancel: threading.Event | None) -> Iterator[str]:
        """Deltas of one call, which runs in a thread of its own so that it can be left."""
        server = self._server
        if server is None:
            raise ModelError("the language model is closed; start the server again")
        pieces: queue.Queue[str | ModelError | None] = queue.Queue()
        left = threading.Event()

        def receive(chunk: Any) -> bool:
            data = json.loads(chunk) if isinstance(chunk, str | bytes) else chunk
            if "error" in data:
                pieces.put(ModelError(f"the language model failed: {data['error']}"))
                return True
            for choice in data.get("choices", ()):
                text = choice.get("delta", {}).get("content")
                if text:
                    pieces.put(text)
            timings = data.get("timings")
            if timings:
                self.last_usage[body["id_slot"]] = Usage(
                    timings["prompt_n"], timings["cache_n"], timings["predicted_n"]
                )
            return left.is_set() or (cancel is not None and cancel.is_set())

        def call() -> None:
            try:
                server.handle_chat_completions(json.dumps(body), receive)
            except Exception as error:
                pieces.put(ModelError(f"the language model failed: {error}"))
            finally:
                pieces.put(None)

        threading.Thread(target=call, daemon=True, name="llama.cpp").start()
        try:
            while (piece := self._next(pieces, cancel)) is not None:
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
        finally:
            left.set()

    @staticmethod
    def _next(
        pieces: queue.Queue[str | ModelError | None], cancel: threading.Event | None
    ) -> str | ModelError | None:
        while True:
            try:
                return pieces.get(timeout=0.05)
            except queue.Empty:
                # While it reads a long prompt a model calls nobody back: do not wait for it.
                if cancel is not None and cancel.is_set():
                    return None

    # --- prefixes on disk ---

    def _slot(self, slot: int, action: str, file: str) -> bool:
        """Save or restore what a slot has read; false when that is not possible."""
        if self._prefixes is None or self._server is None:
            return False
        if action == "restore" and not (self._prefixes / file).exists():
            return False
        try:
            answer = httpx.post(
                f"{self._server.listening_address}/slots/{slot}?action={action}",
                json={"filename": file},
                headers={"Authorization": f"Bearer {self._key}"},
                timeout=30,
                trust_env=False,
            )
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    @staticmethod
    def _prune(prefixes: Path, keep: int = 8) -> None:
        files = sorted(prefixes.glob("*.bin"), key=lambda each: each.stat().st_mtime)
        for file in files[:-keep]:
            file.unlink(missing_ok=True)


def check_gguf(path: Path) -> None:
    """Refuse what llama.cpp would crash on; raises WeightsError naming file and remedy."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise WeightsError(
            f"the weights {str(path)!r} cannot be read ({error.strerror}); "
            "fetch them with `aisle model fetch`"
        ) from None
    if magic != b"GGUF":
        raise WeightsError(
            f"the weights {str(path)!r} are no GGUF file; delete it and run `aisle model fetch`"
        )
