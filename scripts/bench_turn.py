"""How long a shopper waits, and how much of it is Aisle: whole turns beside raw llama.cpp.

Each message is answered by a real turn; then the very calls that the turn made of its model are
sent to a second llama.cpp server, opened raw in this process with the same weights, threads and
grammar. Both caches have seen the same conversation, so the ratio of the two is what everything
but the model costs: storage, checks, retrieval, the recommender, streaming.

    python scripts/bench_turn.py [--rounds 3] [--out docs/benchmarks]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import xllamacpp

from assistant.app import build, open_session
from assistant.events import CardsShown, Event, ReplyPiece, TurnFinished
from assistant.llm.base import LanguageModel, Message
from assistant.llm.llamacpp import CONTEXT
from assistant.llm.models import find, local_path
from assistant.progress import Bars, Progress
from assistant.settings import Settings, read_settings
from assistant.store import Store

# Nine kinds of message, each conversation by one shopper: what people ask first, and what next.
CONVERSATIONS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    ("1", ("what might I like for dinner this week?", "add the first one to my cart")),
    (None, ("do you have any gluten free pasta under 4 dollars?", "which is the cheapest one?")),
    ("6", ("what do I usually buy?", "where is my order?")),
    (None, ("how much is delivery?", "and how do returns work?")),
    ("7", ("when did I last buy bread?", "what's in my cart?")),
    (None, ("hello!", "what are other people buying the most?")),
)
MILESTONES = ("first_event", "first_card", "first_text", "total")
LIMITS = {"first_event": 0.3, "first_card": 3.0, "first_text": 4.0}
MOST_OVERHEAD = 1.15


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a turn to its model."""

    slot: int
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    max_tokens: int


class Recorder:
    """Passes calls on to a model and keeps what was asked."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.name, self.checksum, self.wording = model.name, model.checksum, model.wording
        self.calls: list[Call] = []

    def decide(
        self, messages: Any, schema: Any, *, max_tokens: int = 128, cancel: Any = None
    ) -> dict[str, Any]:
        self.calls.append(Call(0, messages, schema, max_tokens))
        return self._model.decide(messages, schema, max_tokens=max_tokens, cancel=cancel)

    def stream(
        self, messages: Any, *, schema: Any = None, max_tokens: int = 200, cancel: Any = None
    ) -> Iterator[str]:
        self.calls.append(Call(1, messages, schema, max_tokens))
        return self._model.stream(messages, schema=schema, max_tokens=max_tokens, cancel=cancel)

    def warm(self, prompts: Any, progress: Progress) -> None:
        self._model.warm(prompts, progress)

    def close(self) -> None:
        self._model.close()


class RawLlama:
    """llama.cpp as its binding opens it, set up as Aisle's is: the peer."""

    def __init__(self, path: Path, threads: int) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 2 * CONTEXT
        parameters.n_parallel = 2
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = 0
        parameters.cache_ram_mib = 1024
        self._server = xllamacpp.Server(parameters)

    def answer(self, call: Call) -> int:
        """Run a call to its end; returns how many tokens it wrote."""
        body: dict[str, Any] = {
            "messages": [{"role": each.role, "content": each.content} for each in call.messages],
            "temperature": 0,
            "seed": 1,
            "max_tokens": call.max_tokens,
            "id_slot": call.slot,
            "cache_prompt": True,
        }
        if call.schema is not None:
            compact = {
                "whitespace_flexible": False, "item_separator": ",", "key_separator": ":",
            }  # fmt: skip
            rule = json.dumps({**call.schema, "x-guidance": compact})
            body["grammar"] = f"%llguidance {{}}\nstart: %json {rule}"
        given: list[Any] = []
        self._server.handle_chat_completions(
            json.dumps(body), lambda each: bool(given.append(each))
        )
        answer = json.loads(given[-1]) if isinstance(given[-1], str | bytes) else given[-1]
        return int(answer["usage"]["completion_tokens"])


def main() -> None:
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(database=f"sqlite:///{folder}/conversations.db")
        turns = measure(settings, given.rounds)
    document = summary(turns, settings, given.rounds)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "turn.json").write_text(json.dumps(document, indent=1) + "\n")
    draw(turns, given.out / "turn.svg")
    print(json.dumps({key: value for key, value in document.items() if key != "turns"}, indent=1))


def measure(settings: Settings, rounds: int) -> list[dict[str, Any]]:
    """Every message of every round: its milestones, and the seconds of the raw calls."""
    bars = Bars()
    app = build(settings, bars)
    recorder = Recorder(app.agent.model)
    agent = replace(app.agent, model=recorder, writer=replace(app.agent.writer, model=recorder))
    session = open_session(settings, app.shop, Store.open(settings.database_url), agent)
    raw = RawLlama(local_path(settings.model, settings.cache_folder), settings.threads)
    for slot, prompt in enumerate(agent.warm_prompts()):
        raw.answer(Call(slot, prompt, None, 1))
    turns: list[dict[str, Any]] = []
    total = rounds * sum(len(texts) for _, texts in CONVERSATIONS)
    for number in range(rounds):
        for customer, texts in CONVERSATIONS:
            shopper = session.customer(customer) if customer else session.visit(None)[1]
            conversation = session.start(shopper).conversation_id
            for text in texts:
                recorder.calls.clear()
                seconds = listen(partial(session.handle, shopper, conversation, text))
                calls = list(recorder.calls)
                started = time.perf_counter()
                written = sum(raw.answer(call) for call in calls)
                turns.append(
                    {
                        "text": text,
                        "round": number,
                        "calls": len(calls),
                        "tokens": written,
                        "raw": round(time.perf_counter() - started, 3),
                        **seconds,
                    }
                )
                bars("Timing turns", len(turns), total)
    session.close()
    return turns


def listen(send: Callable[[], Iterator[Event]]) -> dict[str, float | None]:
    """Seconds from sending a message to each milestone, on the listener's clock."""
    started = time.perf_counter()
    seconds: dict[str, float | None] = dict.fromkeys(MILESTONES)
    last = None
    for last in send():
        passed = round(time.perf_counter() - started, 3)
        reached = ["first_event"]
        if isinstance(last, CardsShown) and (last.products or last.orders):
            reached.append("first_card")
        if isinstance(last, ReplyPiece):
            reached.append("first_text")
        for name in reached:
            seconds[name] = passed if seconds[name] is None else seconds[name]
    assert isinstance(last, TurnFinished), last
    return seconds | {"total": round(time.perf_counter() - started, 3)}


def summary(turns: list[dict[str, Any]], settings: Settings, rounds: int) -> dict[str, Any]:
    """Milestones over all turns, and the overhead as a ratio of whole rounds with its spread."""
    asked = [each for each in turns if each["calls"]]
    ratios = [
        sum(each["total"] for each in asked if each["round"] == number)
        / sum(each["raw"] for each in asked if each["round"] == number)
        for number in range(rounds)
    ]
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, no GPU",
        "model": find(settings.model).title,
        "xllamacpp": xllamacpp.__version__,
        "rounds": rounds,
        "turns_per_round": len(turns) // rounds,
        "seconds": {name: spread([each[name] for each in turns]) for name in MILESTONES},
        "limits_of_the_median": LIMITS,
        "overhead": {
            "median": round(statistics.median(ratios), 3),
            "lowest": round(min(ratios), 3),
            "highest": round(max(ratios), 3),
            "limit": MOST_OVERHEAD,
        },
        "turns": turns,
    }


def spread(values: Sequence[float | None]) -> dict[str, float]:
    known = sorted(value for value in values if value is not None)
    return {
        "turns": len(known),
        "median": round(statistics.median(known), 3),
        "p95": round(known[min(len(known) - 1, int(len(known) * 0.95))], 3),
        "lowest": known[0],
        "highest": known[-1],
    }


def draw(turns: list[dict[str, Any]], path: Path) -> None:
    """Milestones by message as boxes over the rounds, raw llama.cpp beside them."""
    texts = list(dict.fromkeys(each["text"] for each in turns))
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(texts) + 1.2))
    for offset, name, colour in (
        (-0.24, "raw", "#9aa5a0"), (0, "first_text", "#5fc493"), (0.24, "total", "#1d6b48"),
    ):  # fmt: skip
        for row, text in enumerate(texts):
            values = [each[name] for each in turns if each["text"] == text]
            middle = statistics.median(values)
            label = {"raw": "raw llama.cpp, same calls", "first_text": "first text",
                     "total": "whole turn"}[name]  # fmt: skip
            axes.barh(row + offset, middle, 0.22, color=colour, label=None if row else label)
            axes.plot([min(values), max(values)], [row + offset] * 2, color="#333", linewidth=1)
    axes.set_yticks(range(len(texts)), texts, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("seconds: median, and the line from lowest to highest")
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
