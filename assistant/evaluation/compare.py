"""Whether run B is better than run A: paired, turn by turn, with a verdict for CI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.errors import BadInput
from assistant.evaluation.checks import FAILURES, GROUNDING
from assistant.evaluation.metrics import RATES
from assistant.evaluation.statistics import RESAMPLES

Verdict = Literal["better", "no worse", "unclear", "worse"]
Result = Mapping[str, Any]
Key = tuple[str, int, int]

NEVER = frozenset({*GROUNDING, "limit_broken", "leak", "empty_promise"})
"""Failures of which one new one is too many, whatever the rates say."""
MOST_LOST = 0.02


def compare(
    a: Mapping[str, Any], b: Mapping[str, Any], most_lost: float = MOST_LOST, seed: int = 1
) -> dict[str, Any]:
    """The document of `aisle evaluate compare --json`, from two documents of runs.

    Differences are B minus A over the turns that both runs hold, with 95 % intervals from
    resampling conversations (paired percentile bootstrap, Efron and Tibshirani 1993). A metric is
    `worse` when it lost more than `most_lost` and the interval lies below zero, `better` when the
    interval lies above zero, `no worse` when not more than `most_lost` can have been lost, else
    `unclear`. The run is worse when one metric is, or when a turn newly has one of NEVER. Raises
    BadInput when the runs have no turn in common.
    """
    before, after = _by_key(a), _by_key(b)
    both = [key for key in before if key in after]
    if not both:
        raise BadInput("the two runs have no turn in common; compare runs of one transcript set")
    pairs = [(before[key], after[key]) for key in both]
    drawn = _Drawn([key[0] for key in both], seed)
    metrics = {}
    for name, (left, right) in _scores(pairs).items():
        row = drawn.difference(left, right)
        if row is not None:
            metrics[name] = {**row, "verdict": _verdict(row["difference"], most_lost)}
    changed = [each for key, pair in zip(both, pairs, strict=True) if (each := _change(key, *pair))]
    lies = [each for each in changed if NEVER & set(each["broken"])]
    verdicts = [each["verdict"] for each in metrics.values()]
    return {
        "a": a["run"],
        "b": b["run"],
        "differs": _differs(a["run"], b["run"]),
        "turns": len(both),
        "only_in_a": len(before) - len(both),
        "only_in_b": len(after) - len(both),
        "most_lost": most_lost,
        "metrics": metrics,
        "seconds": _seconds(pairs, drawn),
        "changed": changed,
        "verdict": "worse" if lies else _overall(verdicts),
        "because": _because(lies, metrics),
    }


class _Drawn:
    """Resampled conversations: one set of draws for every metric, so that they stay paired."""

    def __init__(self, conversations: Sequence[str], seed: int) -> None:
        names = {name: place for place, name in enumerate(dict.fromkeys(conversations))}
        self._rows = np.array([names[name] for name in conversations])
        count = len(names)
        rng = np.random.default_rng(seed)
        self._draws = rng.multinomial(count, [1 / count] * count, size=RESAMPLES)

    def difference(
        self, left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> dict[str, Any] | None:
        """Means of two columns over turns (NaN: not counted) and what they differ by."""
        if np.isnan(left).all() or np.isnan(right).all():
            return None
        drawn = self._means(right, self._draws) - self._means(left, self._draws)
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        one = np.ones((1, self._draws.shape[1]))
        before, after = float(self._means(left, one)[0]), float(self._means(right, one)[0])
        rounded = [round(float(each), 4) for each in (after - before, low, high)]
        return {"a": round(before, 4), "b": round(after, 4), "difference": rounded}

    def _means(self, values: NDArray[np.float64], draws: NDArray[Any]) -> NDArray[np.float64]:
        counted = ~np.isnan(values)
        size = self._draws.shape[1]
        totals = np.bincount(self._rows, np.where(counted, values, 0.0), size)
        counts = np.bincount(self._rows, counted, size)
        with np.errstate(invalid="ignore"):
            means: NDArray[np.float64] = (draws @ totals) / (draws @ counts)
        return means


def _scores(
    pairs: Sequence[tuple[Result, Result]],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """By metric two columns over the turns: 1 good, 0 bad, NaN not judged."""

    def both(score: Callable[[Result], float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        columns = ([score(each[side]) for each in pairs] for side in (0, 1))
        left, right = (np.array(column, float) for column in columns)
        return left, right

    def rate(key: str, bad: Iterable[str]) -> Callable[[Result], float]:
        names = set(bad)
        return lambda each: (
            float(not names & set(each["failures"])) if key in each["judged"] else np.nan
        )

    def wanted(each: Result) -> bool | None:
        return bool(each["expect"]["handoff"]) if "handoff" in each["judged"] else None

    return {
        **{name: both(rate(key, bad)) for name, (key, bad) in RATES.items()},
        "handoff_precision": both(
            lambda each: np.nan if wanted(each) is None or not each["handoff"]
            else float(bool(wanted(each)))
        ),
        "handoff_recall": both(
            lambda each: float(bool(each["handoff"])) if wanted(each) else np.nan
        ),
        "clean_rate": both(rate("always", FAILURES)),
    }  # fmt: skip


def _verdict(difference: Sequence[float], most_lost: float) -> Verdict:
    value, low, high = difference
    if high < 0 and value < -most_lost:
        return "worse"
    if low > 0:
        return "better"
    return "no worse" if low >= -most_lost else "unclear"


def _overall(verdicts: Sequence[Verdict]) -> Verdict:
    for verdict in ("worse", "unclear", "better"):
        if verdict in verdicts:
            return verdict
    return "no worse"


def _because(lies: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any]) -> list[str]:
    told = [
        f"{each['id']}, turn {each['turn']}: newly {', '.join(sorted(NEVER & set(each['broken'])))}"
        for each in lies
    ]
    return told + [
        f"{name} is {each['verdict']}: {each['difference'][0]:+.3f} "
        f"[{each['difference'][1]:+.3f}, {each['difference'][2]:+.3f}]"
        for name, each in metrics.items()
        if each["verdict"] in ("worse", "better")
    ]


def _change(key: Key, before: Result, after: Result) -> dict[str, Any] | None:
    """What is other in this turn, None where nothing is that a shopper would see."""
    fixed = [name for name in before["failures"] if name not in after["failures"]]
    broken = [name for name in after["failures"] if name not in before["failures"]]
    same = all(before[name] == after[name] for name in ("reply", "tools_run", "arguments"))
    if same and not fixed and not broken:
        return None
    return {
        "id": key[0],
        "trial": key[1],
        "turn": key[2],
        "text": after["text"],
        "fixed": fixed,
        "broken": broken,
        "tools": [before["tools_run"], after["tools_run"]],
        "replies": [before["reply"], after["reply"]],
    }


def _seconds(pairs: Sequence[tuple[Result, Result]], drawn: _Drawn) -> dict[str, Any]:
    rows = {}
    for name in ("first_text", "total"):
        left, right = (
            np.array([np.nan if each[side][name] is None else each[side][name] for each in pairs])
            for side in (0, 1)
        )
        rows[name] = drawn.difference(left, right)
    return rows


def _differs(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [a.get(name), b.get(name)]
        for name in dict.fromkeys([*a, *b])
        if name != "started_at" and a.get(name) != b.get(name)
    }


def _by_key(run: Mapping[str, Any]) -> dict[Key, Result]:
    return {(each["id"], each["trial"], each["turn"]): each for each in run["turn_results"]}
