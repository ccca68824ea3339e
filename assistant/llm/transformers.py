"""Any chat model of the hub in this process, through transformers: for machines with a GPU.

Nothing constrains what is written here: JSON is asked for in words, checked, and asked for again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)

from assistant.errors import ModelError, WeightsError
from assistant.llm.base import Message, Usage, Wording, in_words, repair, valid_decision
from assistant.progress import Progress

_DECIDE, _STREAM = 0, 1


class TransformersModel:
    """A folder or a hub id; raises WeightsError if it holds no chat model.

    One generation at a time: others wait for it, and a waiting one can be cancelled.
    """

    def __init__(self, model: str, *, wording: Wording = "lead_in") -> None:
        self.name = model
        self.checksum = ""
        self.wording: Wording = wording
        self.last_usage: dict[int, Usage] = {}
        self._lock = threading.Lock()
        self._tokenizer, self._model = _load(model)

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
        """One token for each prompt, so that a GPU has its kernels; no prefix is kept."""
        for done, prompt in enumerate(prompts):
            progress("Reading the prompts", done, len(prompts))
            for _ in self._run([*prompt, Message("user", "Hello")], None, 1, _STREAM, None):
                pass
        progress("Reading the prompts", len(prompts), len(prompts))

    def close(self) -> None:
        """Free the weights; the model answers nothing afterwards."""
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    # --- calls ---

    def _run(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        channel: int,
        cancel: threading.Event | None,
    ) -> Iterator[str]:
        """Pieces of one call, which runs in a thread of its own so that it can be left."""
        if not messages:
            raise ModelError("there is nothing to answer: the list of messages is empty")
        if self._model is None:
            raise ModelError("the language model is closed; start the server again")
        asked = messages if schema is None else in_words(messages, schema)
        stop = _Stop(cancel)
        streamer = TextIteratorStreamer(
            self._tokenizer, skip_prompt=True, timeout=0.05, skip_special_tokens=True
        )
        failures: list[ModelError] = []

        def call() -> None:
            try:
                with self._lock:
                    if not stop.is_set():
                        self._generate(asked, max_tokens, channel, streamer, stop)
            except ModelError as error:
                failures.append(error)
            except Exception as error:
                failures.append(ModelError(f"the language model failed: {_line(error)}"))
            finally:
                streamer.text_queue.put(streamer.stop_signal)

        thread = threading.Thread(target=call, daemon=True, name="transformers")
        thread.start()
        try:
            while not stop.is_set():
                try:
                    piece = next(streamer)
                except queue.Empty:
                    # It waits its turn or reads a long prompt: do not wait for it.
                    continue
                except StopIteration:
                    # The text ends a moment before the call does, which then tells its usage.
                    thread.join()
                    break
                if piece:
                    yield piece
            if failures:
                raise failures[0]
        finally:
            stop.leave()

    def _generate(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        channel: int,
        streamer: TextIteratorStreamer,
        stop: _Stop,
    ) -> None:
        model = self._model
        if model is None:
            raise ModelError("the language model is closed; start the server again")
        inputs = self._tokenizer.apply_chat_template(
            [{"role": each.role, "content": each.content} for each in messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
            # A shopper who types a control token has typed text, not a new message. Releases
            # before this argument pass it on to the template, which does not look at it.
            sanitize_control_tokens=True,
            # The same goes for templates that know no thinking, which nobody here would read.
            enable_thinking=False,
        ).to(model.device)
        read = inputs["input_ids"].shape[1]
        room = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        if room is not None and read >= room:
            raise ModelError(
                f"the conversation has {read:,} tokens and the language model reads {room:,}; "
                "start a new conversation"
            )
        written = model.generate(
            **inputs,
            max_new_tokens=max_tokens if room is None else min(max_tokens, room - read),
            streamer=streamer,
            stopping_criteria=StoppingCriteriaList([stop]),
        )
        self.last_usage[channel] = Usage(read, 0, written.shape[1] - read)


def _load(model: str) -> tuple[Any, Any]:
    """Its tokenizer and its weights, on the GPUs if there are any."""
    folder = Path(model).expanduser()
    on_gpu = torch.cuda.is_available()
    try:
        # The library would take a folder that is missing for a malformed hub id.
        if model.startswith(("/", ".", "~")) and not folder.is_dir():
            raise FileNotFoundError("there is no such folder")
        source = str(folder) if folder.is_dir() else model
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
        weights: Any = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=torch.bfloat16 if on_gpu else torch.float32,
            device_map="auto" if on_gpu else "cpu",
        )
    # A damaged folder fails in as many ways as there are files in it.
    except Exception as error:
        raise WeightsError(
            f"the weights {model!r} cannot be loaded ({_line(error)}); "
            "set AISLE_MODEL to a folder or a hub id of a chat model"
        ) from None
    if not tokenizer.chat_template:
        raise WeightsError(f"the weights {model!r} have no chat template; choose an instruct model")
    # Greedy: a model's own settings for sampling would only be warned about.
    for setting in ("temperature", "top_p", "top_k"):
        setattr(weights.generation_config, setting, None)
    weights.generation_config.do_sample = False
    return tokenizer, weights


class _Stop(StoppingCriteria):
    """Ends a generation at its next token, once it is cancelled or left."""

    def __init__(self, cancel: threading.Event | None) -> None:
        self._cancel = cancel
        self._left = threading.Event()

    def leave(self) -> None:
        self._left.set()

    def is_set(self) -> bool:
        return self._left.is_set() or (self._cancel is not None and self._cancel.is_set())

    def __call__(self, input_ids: Any, *_: Any, **__: Any) -> Any:
        return torch.full(
            (input_ids.shape[0],), self.is_set(), dtype=torch.bool, device=input_ids.device
        )


def _line(error: Exception) -> str:
    """The first sentence of an error, for errors of the library go on for pages."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200].rstrip(".: ")
