"""Moments at which a customer is about to buy, and what their purchases say up to then.

A model that learns from several baskets of a customer must see before each of them only what came
earlier. A moment is a customer, the end of the rows that are known then, and the time; everything
here looks at those rows alone, for one moment in serving and for thousands in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import DAY, Baskets, Floats, Ints

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Moments:
    """`user` the index number, `end` where the known rows of that customer end, `at` seconds."""

    user: Ints
    end: Longs
    at: Longs

    def __len__(self) -> int:
        return len(self.user)

    def part(self, which: slice) -> Moments:
        return Moments(self.user[which], self.end[which], self.at[which])


@dataclass(frozen=True, slots=True)
class Rows:
    """The known rows of some moments, together: the moment's number, the item, days before the
    moment, and baskets before the last known one.
    """

    moment: Ints
    item: Ints
    days: Floats
    rank: Ints

    @classmethod
    def of(cls, baskets: Baskets, moments: Moments) -> Rows:
        first = baskets.starts[moments.user]
        lengths = moments.end - first
        moment = np.repeat(np.arange(len(moments), dtype=np.int32), lengths)
        before = np.cumsum(lengths) - lengths
        row = np.arange(len(moment)) + np.repeat(first - before, lengths)
        last = baskets.rank[np.maximum(moments.end - 1, 0)]
        days = (np.repeat(moments.at, lengths) - baskets.at[row]) / DAY
        return cls(
            moment,
            baskets.item[row],
            np.maximum(days, 0).astype(np.float32),
            baskets.rank[row] - np.repeat(last, lengths),
        )


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by moment and some number of the item (itself, its leaf): `key` is
    moment × `size` + number, sorted; `order` the rows in its order, the oldest first;
    `starts` where each key's rows begin, and `counts` how many they are.
    """

    size: int
    key: Longs
    order: Longs
    starts: Longs
    counts: Longs

    @classmethod
    def of(cls, rows: Rows, number: Ints, size: int) -> Groups:
        """`number` is by row, not negative."""
        keys = rows.moment.astype(np.int64) * size + number
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        counts = np.diff(starts, append=len(order))
        return cls(size, ordered[starts], order, starts, counts)

    def sums(self, values: Floats) -> Floats:
        """By key, of values by row."""
        if not len(self.starts):
            return np.empty(0, np.float32)
        summed: Floats = np.add.reduceat(values[self.order], self.starts).astype(np.float32)
        return summed

    def last(self, values: Floats) -> Floats:
        found: Floats = values[self.order[self.starts + self.counts - 1]]
        return found

    def first(self, values: Floats) -> Floats:
        found: Floats = values[self.order[self.starts]]
        return found

    def find(self, moment: Ints, number: Ints) -> Longs:
        """The place of each key, −1 where there is none."""
        wanted = moment.astype(np.int64) * self.size + number
        place = np.searchsorted(self.key, wanted)
        place[place == len(self.key)] = 0
        found: Longs = (
            np.where(self.key[place] == wanted, place, -1) if len(self.key) else place - 1
        )
        return found
