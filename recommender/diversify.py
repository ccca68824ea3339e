"""A list that is not ten times the same shelf: maximal marginal relevance.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998. Two items are alike by 1 on one shelf and by a half in one
department.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Ints

POOL = 100
"""The best items that a list is chosen from."""


def diversified(
    scores: Any, leaf: Ints, department: Ints, k: int, dial: float
) -> NDArray[np.int64]:
    """At most `k` items, the best first. `dial` 0 is the order of the scores, at 1 only unlikeness
    counts; −1 in `leaf` or `department` is like nothing. A score that is not finite is left out.
    """
    able = np.flatnonzero(np.isfinite(scores))
    pool = able[np.argsort(-np.asarray(scores, np.float64)[able], kind="stable")[:POOL]]
    if dial <= 0 or len(pool) < 2:
        return pool[:k]
    # By rank: the models' scales differ, and the dial should mean the same for all.
    relevance = 1 - np.arange(len(pool)) / len(pool)
    alike = np.zeros(len(pool))
    open_ = np.ones(len(pool), bool)
    chosen: list[int] = []
    while len(chosen) < min(k, len(pool)):
        value = np.where(open_, (1 - dial) * relevance - dial * alike, -np.inf)
        best = int(np.argmax(value))
        open_[best] = False
        chosen.append(best)
        same_leaf = (leaf[pool] == leaf[pool[best]]) & (leaf[pool] >= 0)
        same_department = (department[pool] == department[pool[best]]) & (department[pool] >= 0)
        alike = np.maximum(alike, np.where(same_leaf, 1.0, 0.5 * same_department))
    return pool[chosen]
