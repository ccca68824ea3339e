"""Sending the shopper turns of a transcript set through the real conversation, in order."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Any

from assistant.evaluation.checks import failures_of
from assistant.evaluation.transcripts import ExpectedTurn, Transcript
from assistant.events import TurnFailed, TurnFinished
from assistant.progress import Progress, silent
from assistant.session import Session
from assistant.types import Shopper, Turn


def replay(
    session: Session, transcripts: Sequence[Transcript], progress: Progress = silent
) -> dict[str, Any]:
    """The document of `aisle evaluate transcripts --json`. Each conversation has its own cart."""
    results: list[dict[str, Any]] = []
    total = sum(len(each.turns) for each in transcripts)
    for transcript in transcripts:
        shopper = _shopper(session, transcript)
        conversation = session.start(shopper).conversation_id
        for expected in transcript.turns:
            turn = _answer(session, shopper, conversation, expected.text)
            results.append(_judged(transcript, expected, turn))
            progress("Replaying transcripts", len(results), total)
    return {
        "conversations": len(transcripts),
        "turns": total,
        "model": session.model,
        "metrics": metrics_of(results, len(transcripts)),
        "turn_results": results,
    }


def metrics_of(results: Sequence[dict[str, Any]], conversations: int) -> dict[str, Any]:
    """Rates as [value, low, high] with 95 % Wilson intervals; seconds as medians and 95 %."""
    failed = {each["id"] for each in results if each["failures"]}
    texts = sorted(each["first_text"] for each in results if each["first_text"] is not None)

    def rate(key: str, bad: tuple[str, ...]) -> list[float] | None:
        judged = [each for each in results if key in each["judged"]]
        good = sum(not set(bad) & set(each["failures"]) for each in judged)
        return wilson(good, len(judged)) if judged else None

    return {
        "tool_accuracy": rate("tools", ("wrong_tool",)),
        "argument_accuracy": rate("arguments", ("wrong_argument",)),
        "product_hit_rate": rate("products", ("product_missing",)),
        "help_hit_rate": rate("help", ("help_missing",)),
        "grounded_rate": rate("always", ("ungrounded",)),
        "valid_decision_rate": rate("always", ("invalid_decision", "failed")),
        "pass_1": wilson(conversations - len(failed), conversations),
        "first_text_p50": _quantile(texts, 0.5),
        "first_text_p95": _quantile(texts, 0.95),
    }


def wilson(good: int, of: int) -> list[float]:
    """A proportion with its 95 % score interval (Wilson 1927): [value, low, high]."""
    z = 1.959964
    share = good / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return [round(share, 4), round(centre - spread, 4), round(centre + spread, 4)]


def _shopper(session: Session, transcript: Transcript) -> Shopper:
    """The transcript's customer under a key of its own, so that carts never meet."""
    key = f"replay:{secrets.token_hex(8)}"
    if transcript.customer_id is None:
        return Shopper(key)
    return Shopper(key, session.customer(transcript.customer_id).customer_id)


def _answer(session: Session, shopper: Shopper, conversation: str, text: str) -> Turn:
    for event in session.handle(shopper, conversation, text):
        if isinstance(event, TurnFinished | TurnFailed):
            return event.turn
    raise AssertionError("a turn ends with TurnFinished or TurnFailed")


def _judged(transcript: Transcript, expected: ExpectedTurn, turn: Turn) -> dict[str, Any]:
    return {
        "id": transcript.transcript_id,
        "text": expected.text,
        "reply": turn.reply,
        "tools": [call.action.tool for call in turn.calls],
        "arguments": [dict(call.action.arguments) for call in turn.calls],
        "products": [card.product.title for card in turn.products],
        "judged": ["always", *expected.expect],
        "failures": failures_of(turn, expected.expect),
        "first_card": turn.seconds.first_card,
        "first_text": turn.seconds.first_text,
        "total": turn.seconds.total,
    }


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
