"""What everyone buys now: baskets of the last four weeks of the data, the latest counting most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import DAY, Baskets, Floats

WINDOW_DAYS = 28
HALF_LIFE_DAYS = 14.0
_OLDER = 1e-6


class Popular:
    """`recent` is the baskets of the window with each item, `score` the same decayed by age.

    An item that nobody bought in the window is ordered behind, by its baskets of all time.
    """

    def __init__(self, recent: NDArray[np.int32], score: Floats) -> None:
        self.recent = recent
        self.score = score

    @classmethod
    def fit(cls, baskets: Baskets) -> Popular:
        n_items = baskets.n_items
        end = baskets.at.max(initial=0)
        age = (end - baskets.at) / DAY
        fresh = age < WINDOW_DAYS
        weights = np.where(fresh, 0.5 ** (age / HALF_LIFE_DAYS), 0) + _OLDER
        return cls(
            np.bincount(baskets.item[fresh], minlength=n_items).astype(np.int32),
            np.bincount(baskets.item, weights, n_items).astype(np.float32),
        )

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items): the same row for everyone, whoever it is."""
        return np.tile(self.score, (len(users), 1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"recent": self.recent, "score": self.score}

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]]) -> Popular:
        return cls(saved["recent"], saved["score"])
