"""What everyone buys around a day, and what is known of every item: only what came before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import DAY, Baskets, Floats, Ints

DAYS = 200
"""How far back days are told apart; what is older counts as one day."""


class Trend:
    """Rows by item and day, cumulated, and the rows themselves in order of their day.

    A day is counted from the first that is told apart; day `d` knows the rows of all days before
    it, none of its own. A time after the data's end is the day after its last.
    """

    def __init__(self, baskets: Baskets) -> None:
        stamps = baskets.at // int(DAY)
        self._first = int(stamps.max(initial=0)) - DAYS + 1
        day = np.maximum(stamps - self._first, 0).astype(np.int64)
        counts = np.zeros((DAYS + 1, baskets.n_items), np.float32)
        np.add.at(counts, (day + 1, baskets.item), 1)
        self._until: Floats = np.cumsum(counts, axis=0, dtype=np.float32)
        self._all = self._until.sum(axis=1)
        order = np.argsort(day, kind="stable")
        self._item, self._user = baskets.item[order], baskets.user[order]
        self._starts = np.searchsorted(day[order], np.arange(DAYS + 1))
        self._born = np.full(baskets.n_items, DAYS, np.int64)
        np.minimum.at(self._born, baskets.item, day)

    def day(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """The day of each time in seconds."""
        return np.clip(np.asarray(at) // int(DAY) - self._first, 0, DAYS).astype(np.int64)

    def window(self, day: Any, days: int, item: Any = slice(None)) -> Floats:
        """Rows of each item in the `days` before each day."""
        found: Floats = self._until[day, item] - self._until[np.maximum(day - days, 0), item]
        return found

    def rate(self, day: NDArray[np.int64], days: int, item: Ints) -> Floats:
        """Rows of the item per 10,000 rows of everything in the `days` before each day."""
        everything = self._all[day] - self._all[np.maximum(day - days, 0)]
        found: Floats = self.window(day, days, item) / np.maximum(everything, 1) * 1e4
        return found.astype(np.float32)

    def age(self, day: NDArray[np.int64], item: Ints) -> Floats:
        """Days since the item was first sold, `DAYS` at most."""
        return (day - self._born[item]).astype(np.float32)

    def by(self, day: int, days: int, weights: Floats) -> Floats:
        """Rows of each item in the `days` before a day, each weighted by its customer's weight."""
        rows = slice(self._starts[max(day - days, 0)], self._starts[day])
        found = np.bincount(
            self._item[rows], weights[self._user[rows]], minlength=self._until.shape[1]
        )
        return found.astype(np.float32)


class Facts:
    """What the purchases say of each item: `buyers`, `repeat` the share of its rows that repeat an
    earlier one of the same customer, `repeaters` the share of its buyers who came back for it,
    `size` the mean basket that holds it, `gap` the mean days between one customer's purchases,
    `share` its part of its leaf's rows, `weekday` (7, items) how much above its mean it sells.
    """

    def __init__(self, baskets: Baskets, leaf: Ints) -> None:
        n_items, item = baskets.n_items, baskets.item
        pairs = baskets.user.astype(np.int64) * n_items + item
        seen, times = np.unique(pairs, return_counts=True)
        of = seen % max(n_items, 1)
        rows = np.bincount(item, minlength=n_items)
        buyers = np.bincount(of, minlength=n_items)
        self.buyers = buyers.astype(np.float32)
        self.repeat = ((rows - buyers) / np.maximum(rows, 1)).astype(np.float32)
        again = np.bincount(of[times > 1], minlength=n_items)
        self.repeaters = (again / np.maximum(buyers, 1)).astype(np.float32)
        visits = baskets.user.astype(np.int64) * (int(baskets.rank.max(initial=0)) + 1)
        _, basket, sizes = np.unique(visits + baskets.rank, return_inverse=True, return_counts=True)
        total = np.bincount(item, sizes[basket] if len(sizes) else None, n_items)
        self.size = (total / np.maximum(rows, 1)).astype(np.float32)
        order = np.lexsort((baskets.at, pairs))
        same = np.diff(pairs[order]) == 0
        gaps, gap_of = np.diff(baskets.at[order])[same] / DAY, item[order][1:][same]
        repeats = np.bincount(gap_of, minlength=n_items)
        self.gap = (np.bincount(gap_of, gaps, n_items) / np.maximum(repeats, 1)).astype(np.float32)
        by_leaf = np.bincount(leaf[item], minlength=int(leaf.max(initial=0)) + 1)
        self.share = (rows / np.maximum(by_leaf[leaf], 1)).astype(np.float32)
        week = np.ones((7, n_items), np.float32)
        np.add.at(week, (weekday(baskets.at), item), 1)
        self.weekday: Floats = week / week.sum(axis=0) * 7


def weekday(at: Any) -> NDArray[np.int64]:
    """0 for Sunday; the first day of 1970 was a Thursday."""
    return (np.asarray(at, np.int64) // int(DAY) + 4) % 7
