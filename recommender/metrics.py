"""The numbers of one list of guesses, and their means over many shoppers.

nDCG has binary gains and its ideal truncated at k. `f1` of a row is that of the mean precision and
the mean recall, as the published tables for next baskets count it; `f1_per_user` is the mean of
each shopper's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Floats, Ints

METRICS = ("precision", "recall", "f1_per_user", "ndcg", "hit_rate")
RESAMPLES = 1000

Metrics = NDArray[np.float64]
Guesses = NDArray[np.int64]


def best(scores: Any, k: int) -> Guesses:
    """The k items of the highest score, the best first; ties to the lower number, NaN never."""
    ranked = np.where(np.isfinite(scores), scores, -np.inf)
    k = min(k, len(ranked))
    if not k:
        return np.empty(0, np.int64)
    least = np.partition(ranked, len(ranked) - k)[len(ranked) - k]
    able = np.flatnonzero((ranked >= least) & np.isfinite(ranked))
    return able[np.argsort(-ranked[able], kind="stable")[:k]]


def measured(guessed: NDArray[Any], truth: Ints, k: int) -> Metrics:
    """The METRICS of the first k of one list of guesses; `truth` is not empty."""
    hits = np.isin(guessed[:k], truth)
    precision, recall = hits.sum() / k, hits.sum() / len(truth)
    both = precision + recall
    gains = 1 / np.log2(np.arange(2, k + 2))
    ndcg = gains[: len(hits)][hits].sum() / gains[: len(truth)].sum()
    f1 = 2 * precision * recall / both if both else 0.0
    return np.array([precision, recall, f1, ndcg, float(hits.any())])


def summary(
    guessed: Sequence[NDArray[Any]], truth: Sequence[Ints], k: int, seed: int
) -> dict[str, Any]:
    """Means over shoppers; `recall_ci` is the 95 % bootstrap interval of the mean recall."""
    each = np.array([measured(g, t, k) for g, t in zip(guessed, truth, strict=True)])
    means = dict(zip(METRICS, each.mean(axis=0).tolist(), strict=True))
    both = means["precision"] + means["recall"]
    f1 = 2 * means["precision"] * means["recall"] / both if both else 0.0
    draw = np.random.default_rng(seed)
    recall = each[:, METRICS.index("recall")]
    drawn = [recall[draw.integers(0, len(recall), len(recall))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "k": k,
        "users": len(each),
        "precision": means["precision"],
        "recall": means["recall"],
        "f1": f1,
        **{name: means[name] for name in ("ndcg", "hit_rate", "f1_per_user")},
        "recall_ci": [float(low), float(high)],
    }


def beyond_accuracy(
    guessed: Sequence[NDArray[Any]], leaf: Ints, buyers: Floats, n_customers: int, k: int
) -> dict[str, float]:
    """`coverage`: the share of the items that anybody is shown; `novelty`: the mean bits of
    surprise, −log2 of an item's share of customers; `diversity`: the share of pairs in a list that
    stand on different shelves.
    """
    shown = np.concatenate([each[:k] for each in guessed]) if guessed else np.empty(0, np.int64)
    share = np.maximum(buyers[shown.astype(np.int64)], 1) / max(n_customers, 1)
    apart = []
    for each in guessed:
        shelves = leaf[each[:k].astype(np.int64)]
        if len(shelves) > 1:
            pairs = shelves[:, None] != shelves
            apart.append(pairs.sum() / (len(shelves) * (len(shelves) - 1)))
    return {
        "coverage": len(np.unique(shown)) / max(len(leaf), 1),
        "novelty": float(-np.log2(share).mean()) if len(shown) else 0.0,
        "diversity": float(np.mean(apart)) if apart else 0.0,
    }
