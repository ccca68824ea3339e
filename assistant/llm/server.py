"""An OpenAI-compatible chat endpoint: vLLM, llama.cpp's server, Ollama, LM Studio or a paid one.

Answers are always streamed, so that a call can be left while the model still writes. JSON is asked
for with a `response_format`; a server that refuses schemas gets the schema in words instead.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from assistant.errors import BadInput, ModelError
from assistant.llm.base import Message, Usage, Wording, in_words, repair, valid_decision
from assistant.progress import Progress

_DECIDE, _STREAM = 0, 1
_ADDRESS = "set AISLE_MODEL_URL to its address up to and including /v1"
_Pieces = queue.Queue[str | ModelError | None]


class ServerModel:
    """The model `model` at `url`, which goes up to and including `/v1`; BadInput if it is no URL.

    Every failure is a ModelError of one sentence that names the URL; none has the key in it.
    `timeout` is how many seconds the server may be silent.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
        wording: Wording = "lead_in",
        timeout: float = 60.0,
    ) -> None:
        self.name = model
        self.checksum = ""
        self.wording: Wording = wording
        self.last_usage: dict[int, Usage] = {}
        base = _address(url)
        self._endpoint = base.copy_with(path=f"{base.path.rstrip('/')}/chat/completions")
        # A query can carry a key as well, so it is sent but never shown.
        self._shown = str(base.copy_with(query=None))
        self._key = _header_value(key)
        self._timeout = timeout
        self._closed = threading.Event()
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            # What runs on this machine is not behind the proxy that the environment names.
            trust_env=base.host not in ("localhost", "127.0.0.1", "::1"),
        )

    def decide(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        max_tokens: int = 128,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        """One JSON object under `schema`; asked again once with the error if it is not valid."""
        text = "".join(self._run(messages, schema, max_tokens, _DECIDE, cancel))
        try:
            return valid_decision(text, schema)
        except ModelError as error:
            if cancel is not None and cancel.is_set():
                raise
            again = repair(messages, text, error)
            return valid_decision(
                "".join(self._run(again, schema, max_tokens, _DECIDE, cancel)), schema
            )

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 200,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        return self._run(messages, schema, max_tokens, _STREAM, cancel)

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        """Send each static prompt once: it checks the endpoint, and most servers keep prefixes."""
        for done, prompt in enumerate(prompts):
            progress("Reading the prompts", done, len(prompts))
            # Some servers answer nothing that has no user in it.
            asked = [*prompt, Message("user", "Hello")]
            for _ in self._run(asked, None, 1, _STREAM, None):
                pass
        progress("Reading the prompts", len(prompts), len(prompts))

    def close(self) -> None:
        """Close the connections; the model answers nothing afterwards."""
        self._closed.set()
        self._client.close()

    # --- calls ---

    def _run(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        channel: int,
        cancel: threading.Event | None,
    ) -> Iterator[str]:
        """Deltas of one call, which runs in a thread of its own so that it can be left."""
        if not messages:
            raise ModelError("there is nothing to answer: the list of messages is empty")
        pieces: _Pieces = queue.Queue()
        left = threading.Event()

        def call() -> None:
            try:
                try:
                    body = self._body(messages, schema, max_tokens)
                    self._answer(body, channel, pieces.put, left)
                except _SchemaRefused:
                    assert schema is not None
                    body = self._body(in_words(messages, schema), None, max_tokens)
                    self._answer(body, channel, pieces.put, left)
            except ModelError as error:
                pieces.put(error)
            except Exception as error:
                pieces.put(self._error(f"failed ({error})", "look at its log and try again"))
            finally:
                pieces.put(None)

        self._check_open()
        threading.Thread(target=call, daemon=True, name="model server").start()
        try:
            while (piece := self._next(pieces, cancel)) is not None:
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
        finally:
            left.set()

    def _next(self, pieces: _Pieces, cancel: threading.Event | None) -> str | ModelError | None:
        while cancel is None or not cancel.is_set():
            self._check_open()
            try:
                return pieces.get(timeout=0.05)
            except queue.Empty:
                # While it reads a long prompt a server sends nothing: do not wait for it.
                continue
        return None

    def _body(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, max_tokens: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            rule = {"name": "answer", "schema": dict(schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": rule}
        return body

    def _answer(
        self,
        body: Mapping[str, Any],
        channel: int,
        put: Callable[[str | None], None],
        left: threading.Event,
    ) -> None:
        """Put the deltas of one request, then None; once left, the response is closed."""
        whole = False
        try:
            with self._client.stream("POST", self._endpoint, json=body) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response, "response_format" in body)
                for data in _events(response):
                    if left.is_set():
                        return
                    if data == b"[DONE]":
                        # The caller goes on; the rest is read so that the connection is kept.
                        whole = True
                        put(None)
                        continue
                    whole |= self._take(data, channel, put)
        except httpx.HTTPError as error:
            raise self._transport_error(error) from None
        if whole or left.is_set():
            return
        kind = response.headers.get("content-type", "no content type").partition(";")[0]
        if kind != "text/event-stream":
            raise self._error(f"answered with {kind}, not with a stream", _ADDRESS)
        raise self._error("broke off its answer", "try again, and look at its log")

    def _take(self, data: bytes, channel: int, put: Callable[[str | None], None]) -> bool:
        """Put the text of one event and keep its usage; true if it is the last with text."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise self._error(f"failed ({_reason(event)})", "look at its log and try again")
            last = False
            for choice in event.get("choices") or ():
                if text := (choice.get("delta") or {}).get("content"):
                    put(str(text))
                last |= bool(choice.get("finish_reason"))
            if usage := event.get("usage"):
                cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
                read = usage["prompt_tokens"] - cached
                self.last_usage[channel] = Usage(read, cached, usage.get("completion_tokens", 0))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise self._error("sent an event that is no chat completion", _ADDRESS) from None
        return last

    # --- errors ---

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ModelError("the language model is closed; start the server again")

    def _error(self, what: str, remedy: str) -> ModelError:
        text = f"the language model at {self._shown} {what}; {remedy}"
        return ModelError(text.replace(self._key, "[key]") if self._key else text)

    def _refusal(self, response: httpx.Response, asked_for_schema: bool) -> ModelError:
        status = response.status_code
        try:
            reason = _reason(response.json())
        except ValueError:
            reason = response.reason_phrase
        said = f"({status}: {reason})" if reason else f"({status})"
        if status in (400, 422) and asked_for_schema:
            return _SchemaRefused(reason)
        if status in (401, 403):
            # What it says here is left out: it may repeat a part of the key.
            return self._error(f"refuses the key ({status})", "set AISLE_MODEL_KEY to a valid one")
        if status == 404:
            return self._error(
                f"knows no model {self.name!r} {said}",
                f"set AISLE_MODEL to one that it serves, or {_ADDRESS}",
            )
        if status == 429:
            return self._error(f"has no capacity left {said}", "wait, or raise its limit")
        if status >= 500:
            return self._error(f"failed {said}", "look at its log and try again")
        return self._error(f"refuses the request {said}", _ADDRESS)

    def _transport_error(self, error: httpx.HTTPError) -> ModelError:
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return self._error(
                f"cannot be reached ({reason})", "start that server or set AISLE_MODEL_URL"
            )
        if isinstance(error, httpx.TimeoutException):
            return self._error(
                f"was silent for {self._timeout:g} seconds", "look at its load and try again"
            )
        return self._error(f"broke off its answer ({reason})", "try again, and look at its log")


class _SchemaRefused(ModelError):
    """The server does not take this schema as a `response_format`."""


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url.strip())
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.userinfo:
        raise BadInput("AISLE_MODEL_URL has a password in it; give it as AISLE_MODEL_KEY instead")
    if address.scheme not in ("http", "https") or not address.host:
        raise BadInput(
            f"the model's address {url!r} is no URL of a server; "
            "set AISLE_MODEL_URL to one such as http://127.0.0.1:8000/v1"
        )
    return address


def _header_value(key: str) -> str:
    """The key without white space around it; what a header cannot carry is refused here, since
    the HTTP library would put it into its error.
    """
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        raise BadInput("the model's key has characters that no header takes; copy it again")
    return key


def _events(response: httpx.Response) -> Iterator[bytes]:
    """The data of server-sent events; `iter_lines` would also split at U+2028 inside of a text."""
    rest = b""
    for chunk in response.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()):
                yield data


def _reason(document: Any) -> str:
    """What a server says is wrong, in the shapes in use, as one short line."""
    found = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(found, dict):
        found = found.get("message") or found.get("detail") or ""
    return " ".join(str(found).split())[:200].rstrip(".")
