"""Sending the shopper turns of a transcript set through the real conversation, in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from assistant.evaluation.checks import Checks, product_rank, tools_run
from assistant.evaluation.metrics import by_group, confusion, failure_counts, metrics_of
from assistant.evaluation.rewording import reworded
from assistant.evaluation.stage import Answer, Assistant
from assistant.evaluation.transcripts import ExpectedTurn, Transcript
from assistant.progress import Progress, silent

History = Literal["free", "forced"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a set is replayed.

    history: `free` lets every answer build on the answers before it; `forced` puts the recorded
    answers in their place, so that each turn says what would have been answered here.
    trials: how often each conversation is had. A greedy model repeats itself, so from the second
    trial on the shopper words each message a little differently, drawn by `seed`.
    """

    history: History = "free"
    trials: int = 1
    seed: int = 1
    workers: int = 1


class Opens(Protocol):
    """Opens a fresh conversation of a customer; what `Stage.conversation` does."""

    def __call__(self, customer_id: str | None) -> AbstractContextManager[Assistant]: ...


def replay(
    open_conversation: Opens,
    checks: Checks,
    transcripts: Sequence[Transcript],
    plan: Plan = Plan(),
    progress: Progress = silent,
) -> dict[str, Any]:
    """The document of `aisle evaluate transcripts --json`, without what the run was made of.

    Results stand in the set's order, whatever the number of workers. An interrupt (Ctrl-C) stops
    it: `stopped` is true then, and the document holds the conversations that were finished.
    """
    jobs = [(each, trial) for each in transcripts for trial in range(1, plan.trials + 1)]
    total = plan.trials * sum(len(each.turns) for each in transcripts)
    done = _Counter(progress, total)

    def one(job: tuple[Transcript, int]) -> list[dict[str, Any]]:
        return _conversation(open_conversation, checks, *job, plan, done)

    done.report()
    found: list[list[dict[str, Any]]] = []
    pool = ThreadPoolExecutor(plan.workers)
    try:
        # One worker is the caller itself: an interrupt reaches what it is waiting for.
        found.extend(map(one, jobs) if plan.workers == 1 else pool.map(one, jobs))
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
    finally:
        pool.shutdown()
    results = [each for conversation in found for each in conversation]
    return {
        "conversations": len({each["id"] for each in results}),
        "turns": len(results),
        "stopped": len(found) < len(jobs),
        "trials": plan.trials,
        "metrics": metrics_of(results, plan.trials),
        "failures": failure_counts(results),
        "confusion": confusion(results),
        "groups": by_group(results),
        "turn_results": results,
    }


def _conversation(
    open_conversation: Opens,
    checks: Checks,
    transcript: Transcript,
    trial: int,
    plan: Plan,
    done: _Counter,
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    said: list[str] = []
    texts = [
        reworded(turn.text, f"{plan.seed}:{transcript.transcript_id}:{trial}:{place}")
        if trial > 1
        else turn.text
        for place, turn in enumerate(transcript.turns)
    ]
    if plan.history == "free":
        with open_conversation(transcript.customer_id) as assistant:
            for place, turn in enumerate(transcript.turns):
                answer = assistant.answer(texts[place])
                results.append(judged(checks, transcript, place, turn, trial, answer, said))
                said.append(texts[place])
                done.one()
        return results
    for place, turn in enumerate(transcript.turns):
        with open_conversation(transcript.customer_id) as assistant:
            for before, text in zip(transcript.turns[:place], texts, strict=False):
                assistant.remember(text, before.recorded)
            answer = assistant.answer(texts[place])
        results.append(judged(checks, transcript, place, turn, trial, answer, said))
        said.append(texts[place])
        done.one()
    return results


def judged(
    checks: Checks,
    transcript: Transcript,
    place: int,
    expected: ExpectedTurn,
    trial: int,
    answer: Answer,
    said: Sequence[str],
) -> dict[str, Any]:
    """One turn's result as JSON: what was asked, answered and expected, and what is wrong."""
    turn = answer.turn
    found = checks.failures(answer, expected.expect, customer_id=transcript.customer_id, said=said)
    keys = list(expected.expect)
    if {"must_include", "must_not_include"} & set(keys):
        keys.append("text")
    wanted = expected.expect.get("products") or ()
    return {
        "id": transcript.transcript_id,
        "turn": place + 1,
        "trial": trial,
        "group": transcript.group,
        "customer_id": transcript.customer_id,
        "text": turn.text,
        "reply": turn.reply,
        "reference": expected.recorded.text,
        "reference_tools": [call.action.tool for call in expected.recorded.calls],
        "expect": dict(expected.expect),
        "status": turn.status,
        "tools": [call.action.tool for call in turn.calls],
        "tools_run": tools_run(turn),
        "arguments": [dict(call.action.arguments) for call in turn.calls],
        "problems": [call.problem for call in turn.calls if call.problem],
        "products": [
            {
                "product_id": card.product.product_id,
                "title": card.product.title,
                "price": str(card.product.price),
                "reason": card.reason,
            }
            for card in turn.products
        ],
        "product_rank": product_rank(turn, wanted),
        "help": sorted({each.article_id for each in turn.citations}),
        "orders": [each.order.order_id for each in turn.orders],
        "handoff": turn.handoff.reason if turn.handoff else None,
        "cart": dict(answer.cart),
        "judged": ["always", *keys],
        "failures": [each.name for each in found],
        "details": {each.name: each.detail for each in found if each.detail},
        **_costs(answer),
    }


def _costs(answer: Answer) -> Mapping[str, Any]:
    seconds, cost = answer.seconds, answer.cost
    return {
        "first_event": seconds.first_event,
        "first_card": seconds.first_card,
        "first_text": seconds.first_text,
        "total": seconds.total,
        "model_calls": cost.calls,
        "known_calls": cost.known,
        "tokens_read": cost.read,
        "tokens_cached": cost.cached,
        "tokens_written": cost.written,
    }


class _Counter:
    """Counts turns as they are done, from any thread."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def one(self) -> None:
        with self._lock:
            self._done += 1
            self.report()

    def report(self) -> None:
        self._progress("Replaying transcripts", self._done, self._total)
