"""How well the models guess a basket that they did not see.

The last basket of each customer of five or more is the test; every weight was picked on the one
before it (see `blend`). Two tasks: `next_basket` asks for the whole basket, `new_items` for what
in it the customer never bought before, their own items masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.blend import blended, tuned
from recommender.ease import Ease, tastes_of
from recommender.frequency import Frequency, Habits
from recommender.interactions import Floats, Ints, Question, clean, split
from recommender.popular import Popular

METRICS = ("precision", "recall", "f1", "ndcg", "hit_rate")
RESAMPLES = 1000
_BATCH = 100

Metrics = NDArray[np.float64]


def evaluate(
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    *,
    k: int = 10,
    seed: int = 0,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """The rows of every task and model, means over users; tables as for `Recommender.train`.

    `precision` is of k; `ndcg` has its ideal truncated at k; `recall_ci` is the 95 % bootstrap
    interval of the mean recall over users. `selected` names the model that the shop uses.
    """
    purchases = clean(interactions, products).filter(pl.col("kind") == "purchase")
    progress("tune", 0, 1)
    weights = tuned(purchases)
    test = split(purchases, hold=0)
    past = test.past
    popular = Popular.fit(past)
    plain = Frequency.fit(past, 1.0)
    frequency = Frequency.fit(past, weights.decay)
    ease = Ease.fit(tastes_of(frequency.counts), np.arange(past.n_items, dtype=np.int32))
    found: dict[tuple[str, str], list[Metrics]] = {}
    for start in range(0, len(test.questions), _BATCH):
        progress("evaluate", start, len(test.questions))
        batch = test.questions[start : start + _BATCH]
        users = [question.user for question in batch]
        rows = frequency.rows(users)
        counts, smoothed = rows.toarray(), ease.smooth(rows)
        buy_again = np.full_like(counts, -np.inf)
        for row, question in enumerate(batch):
            habits = Habits.of(past, question.user)
            buy_again[row, habits.items] = blended(
                counts[row], smoothed[row], habits, weights, question.at
            )
        whole = {
            "popular": popular.scores(users),
            "own_frequency": plain.scores(users),
            "frequency": counts,
            "ease": ease.fold_in(rows),
            "buy_again": buy_again,
        }
        for model, scores in whole.items():
            for row, question in enumerate(batch):
                metrics = measured(best(scores[row], k), question.items, k)
                found.setdefault(("next_basket", model), []).append(metrics)
        for row, new in _new(batch, counts):
            for model in ("popular", "ease"):
                scores = np.where(counts[row] > 0, -np.inf, whole[model][row])
                metrics = measured(best(scores, k), new, k)
                found.setdefault(("new_items", model), []).append(metrics)
    progress("evaluate", len(test.questions), len(test.questions))
    return {
        "seed": seed,
        "split": "last basket of customers with five or more, products of ten rows or more",
        "weights": weights.as_json(),
        "rows": [
            {"task": task, "model": model, "k": k, **_summary(np.array(each), seed)}
            for (task, model), each in found.items()
        ],
        "selected": {"next_basket": "buy_again", "new_items": "ease"},
    }


def _new(batch: Sequence[Question], counts: Floats) -> Iterator[tuple[int, Ints]]:
    """The rows of the questions that hold something new to the customer, and what."""
    for row, question in enumerate(batch):
        new = question.items[counts[row, question.items] == 0]
        if len(new):
            yield row, new


def best(scores: Any, k: int) -> NDArray[np.int64]:
    """The k items of the highest score, the best first; ties to the lower number, NaN never."""
    ranked = np.where(np.isfinite(scores), scores, -np.inf)
    k = min(k, len(ranked))
    if not k:
        return np.empty(0, np.int64)
    least = np.partition(ranked, len(ranked) - k)[len(ranked) - k]
    able = np.flatnonzero((ranked >= least) & np.isfinite(ranked))
    return able[np.argsort(-ranked[able], kind="stable")[:k]]


def measured(guessed: NDArray[np.int64], truth: Ints, k: int) -> Metrics:
    """The METRICS of one list of guesses, in their order; `truth` is not empty."""
    hits = np.isin(guessed, truth)
    precision, recall = hits.sum() / k, hits.sum() / len(truth)
    both = precision + recall
    gains = 1 / np.log2(np.arange(2, k + 2))
    ndcg = gains[: len(hits)][hits].sum() / gains[: len(truth)].sum()
    f1 = 2 * precision * recall / both if both else 0.0
    return np.array([precision, recall, f1, ndcg, float(hits.any())])


def _summary(metrics: Metrics, seed: int) -> dict[str, Any]:
    """`metrics` is (users, METRICS)."""
    draw = np.random.default_rng(seed)
    recall = metrics[:, METRICS.index("recall")]
    means = [recall[draw.integers(0, len(recall), len(recall))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    averages = dict(zip(METRICS, metrics.mean(axis=0).tolist(), strict=True))
    return {"users": len(metrics), **averages, "recall_ci": [float(low), float(high)]}
