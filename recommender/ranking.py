"""From scores to a short list: best first, no two of one group, few of one leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Ints


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


def pick(scores: Any, behind: NDArray[np.bool_], limits: Limits) -> list[Choice]:
    """The best `k` items with a finite score; those `behind` come after all others.

    Ties go to the lower number, so the same question has the same answer.
    """
    able = np.flatnonzero(np.isfinite(scores))
    order = able[np.lexsort((-scores[able], behind[able]))]
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
