"""From judged turns to the numbers that are reported, each with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from assistant.evaluation.checks import FAILURES, GROUNDING
from assistant.evaluation.statistics import bootstrap, pass_hat, quantile, wilson

Results = Sequence[Mapping[str, Any]]
"""Turn results as `replay` makes them."""

RATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tool_accuracy": ("tools", ("wrong_tool",)),
    "argument_accuracy": ("arguments", ("wrong_argument",)),
    "cart_accuracy": ("cart", ("wrong_cart",)),
    "product_hit_rate": ("products", ("product_missing",)),
    "help_hit_rate": ("help", ("help_missing",)),
    "text_accuracy": ("text", ("text_missing", "text_forbidden")),
    "grounded_rate": ("always", GROUNDING),
    "limits_kept_rate": ("always", ("limit_broken",)),
    "no_leak_rate": ("always", ("leak",)),
    "kept_promise_rate": ("always", ("empty_promise",)),
    "language_rate": ("always", ("wrong_language",)),
    "length_rate": ("always", ("too_long",)),
    "valid_decision_rate": ("always", ("invalid_decision", "failed")),
}
"""By metric: the key of `expect` that makes a turn count, and the failures that make it bad."""


def metrics_of(results: Results, k: int) -> dict[str, Any]:
    """Rates as [value, low, high] with 95 % intervals, None where no turn was judged by them.

    A task is one conversation, tried `trials` times; it succeeds when no turn of it has a failure.
    Rates have Wilson intervals over turns; pass^k and the mean reciprocal rank bootstrap ones.
    Seconds are medians and 95th percentiles, calls and tokens means of a turn.
    """
    texts = [each["first_text"] for each in results if each["first_text"] is not None]
    events = [each["first_event"] for each in results if each["first_event"] is not None]
    totals = [each["total"] for each in results if each["total"] is not None]
    ranks = [each["product_rank"] for each in results if "products" in each["judged"]]
    return {
        **{name: _rate(results, key, bad) for name, (key, bad) in RATES.items()},
        "product_mrr": _mean([1 / rank if rank else 0.0 for rank in ranks]),
        **_handoffs(results),
        **_passes(results, k),
        "first_event_p50": quantile(events, 0.5),
        "first_text_p50": quantile(texts, 0.5),
        "first_text_p95": quantile(texts, 0.95),
        "total_p50": quantile(totals, 0.5),
        "total_p95": quantile(totals, 0.95),
        "model_calls": _average(each["model_calls"] for each in results),
        "tokens_read": _average(each["tokens_read"] for each in results),
        "tokens_written": _average(each["tokens_written"] for each in results),
    }


def failure_counts(results: Results) -> dict[str, int]:
    """How many turns have each failure, by name, those that never happened left out."""
    counts = Counter(name for each in results for name in each["failures"])
    return {name: counts[name] for name in FAILURES if counts[name]}


def confusion(results: Results) -> list[dict[str, Any]]:
    """Turns by the tool that was expected and the first one that ran: expected, ran, turns.

    Where several would do, the one that ran if it is among them, else the first.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for each in results:
        if "tools" in each["judged"]:
            wanted = each["expect"]["tools"] or ["reply"]
            ran = [name for name in each["tools_run"] if name in wanted] or each["tools_run"]
            first = ran[0] if ran else "reply"
            pairs[first if first in wanted else wanted[0], first] += 1
    return [
        {"expected": expected, "ran": ran, "turns": count}
        for (expected, ran), count in sorted(pairs.items())
    ]


def by_group(results: Results) -> dict[str, dict[str, Any]]:
    """Of each group of the set: turns, tool accuracy, and the share without a failure."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in results:
        if each["group"]:
            groups.setdefault(each["group"], []).append(each)
    return {
        name: {
            "turns": len(turns),
            "tool_accuracy": _rate(turns, *RATES["tool_accuracy"]),
            "clean_rate": wilson(sum(not each["failures"] for each in turns), len(turns)),
        }
        for name, turns in sorted(groups.items())
    }


def tasks(results: Results) -> dict[str, list[bool]]:
    """Whether each trial of each conversation is without a failure, in order of trials."""
    trials: dict[str, dict[int, bool]] = {}
    for each in results:
        done = trials.setdefault(each["id"], {})
        done[each["trial"]] = done.get(each["trial"], True) and not each["failures"]
    return {name: [done[number] for number in sorted(done)] for name, done in trials.items()}


def _rate(results: Results, key: str, bad: tuple[str, ...]) -> list[float] | None:
    judged = [each for each in results if key in each["judged"]]
    good = sum(not set(bad) & set(each["failures"]) for each in judged)
    return wilson(good, len(judged)) if judged else None


def _handoffs(results: Results) -> dict[str, list[float] | None]:
    judged = [each for each in results if "handoff" in each["judged"]]
    given = [each for each in judged if each["handoff"]]
    wanted = [each for each in judged if each["expect"]["handoff"]]
    right = sum(bool(each["expect"]["handoff"]) for each in given)
    return {
        "handoff_precision": wilson(right, len(given)) if given else None,
        "handoff_recall": wilson(right, len(wanted)) if wanted else None,
    }


def _passes(results: Results, k: int) -> dict[str, list[float]]:
    outcomes = tasks(results)
    trials = min(map(len, outcomes.values()), default=0)
    if not trials:
        return {}
    successes = [sum(each[:trials]) for each in outcomes.values()]
    return {
        "pass_1": pass_hat(successes, trials, 1),
        "pass_k": pass_hat(successes, trials, min(k, trials)),
    }


def _mean(values: Sequence[float]) -> list[float] | None:
    if not values:
        return None
    return bootstrap(np.array(values), lambda sample: float(sample.mean()))


def _average(values: Iterable[float]) -> float | None:
    given = list(values)
    return round(sum(given) / len(given), 2) if given else None
