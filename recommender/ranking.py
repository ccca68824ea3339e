"""From scores to a short list: best first, no two of one group, few of one leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Ints

_FIRST = 400
_GROWTH = 8
_STRIDE = 64
_SPARE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """`group` and `leaf` by item, −1 for no leaf; `per_leaf` None for no limit."""

    k: int
    group: Ints
    leaf: Ints
    per_leaf: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    item: int
    score: float


def highest(values: Any, most: int) -> NDArray[np.int64]:
    """Where the `most` highest values are, in no order, with whatever equals the last of them."""
    if most <= 0:
        return np.empty(0, np.int64)
    # A sample says where the head begins: most of a shop is far behind it, and much of it equal.
    sample = np.sort(values[::_STRIDE])
    place = _SPARE * (most // _STRIDE + 1)
    if place < len(sample):
        head = np.flatnonzero(values > sample[-place])
        if len(head) >= most:
            top: NDArray[np.int64] = head[values[head] >= _least(values[head], most)]
            return top
    return np.flatnonzero(values >= _least(values, most))


def _least(values: Any, most: int) -> Any:
    return np.partition(values, len(values) - most)[len(values) - most]


def pick(scores: Any, behind: NDArray[np.bool_], limits: Limits) -> list[Choice]:
    """The best `k` items with a finite score; those `behind` come after all others.

    Ties go to the lower number, so the same question has the same answer.
    """
    able = np.flatnonzero(np.isfinite(scores))
    values = np.asarray(scores, np.float64)[able]
    if behind.any() and len(values):
        values = np.where(behind[able], values - float(np.ptp(values)) - 1, values)
    size = min(_FIRST, len(able))
    while True:
        # The whole shop is sorted only when its best items do not fill the list.
        top = highest(values, size)
        order = able[top[np.argsort(-values[top], kind="stable")]]
        chosen = _within(order, scores, limits)
        if len(chosen) >= limits.k or size == len(able):
            return chosen
        size = min(size * _GROWTH, len(able))


def _within(order: NDArray[np.int64], scores: Any, limits: Limits) -> list[Choice]:
    """The first `k` of these that keep the limits."""
    chosen: list[Choice] = []
    groups: set[int] = set()
    leaves: dict[int, int] = {}
    for item in order:
        if len(chosen) >= limits.k:
            break
        group, leaf = int(limits.group[item]), int(limits.leaf[item])
        full = limits.per_leaf is not None and leaf >= 0
        if group in groups or (full and leaves.get(leaf, 0) >= (limits.per_leaf or 0)):
            continue
        groups.add(group)
        leaves[leaf] = leaves.get(leaf, 0) + 1
        chosen.append(Choice(int(item), float(scores[item])))
    return chosen
