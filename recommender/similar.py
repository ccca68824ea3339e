"""Items of the same leaf category that the same customers buy: cosine over customers.

Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms", WWW 2001;
shrunk as in `cooccurrence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recommender.interactions import Baskets, Floats, Ints

SHRINK = 3.0


class Similar:
    """Computed when asked: a leaf is a small part of the shop. `leaf` is the number of each item's
    leaf category, −1 for none.
    """

    def __init__(self, baskets: Baskets, leaf: Ints) -> None:
        self._buyers = baskets.matrix().tocsc()
        self._bought = np.diff(self._buyers.indptr).astype(np.float32)
        self._leaf = leaf

    @classmethod
    def fit(cls, baskets: Baskets, leaf: Ints) -> Similar:
        return cls(baskets, leaf)

    def scores(self, items: Sequence[int]) -> Floats:
        """(anchors, items): the shrunk cosine, NaN for itself and outside its leaf."""
        found = np.full((len(items), self._buyers.shape[1]), np.nan, np.float32)
        for row, item in enumerate(items):
            mates = self._mates(item)
            if len(mates):
                found[row, mates] = self.shared(np.array([item], np.int32), mates)[0][0]
                found[row, item] = np.nan
        return found

    def shared(self, items: Ints, others: Ints) -> tuple[Floats, Ints]:
        """Of each item (rows) and each of the others (columns) the shrunk cosine over customers,
        and how many bought both.
        """
        both = self.both(items, others)
        length = np.sqrt(np.maximum(self._bought[items][:, None] * self._bought[others], 1))
        return both / length * both / (both + SHRINK), both

    def both(self, items: Ints, others: Ints) -> Ints:
        """How many customers bought each item (rows) and each of the others (columns)."""
        few, many = sorted((items, others), key=len)
        counts: Ints = self._buyers[:, many].T @ self._buyers[:, few].toarray()
        return (counts if many is items else counts.T).astype(np.int32)

    def _mates(self, item: int) -> Any:
        """The items of an item's leaf, itself among them; none for an unknown number."""
        if not 0 <= item < len(self._leaf) or self._leaf[item] < 0:
            return np.empty(0, np.int64)
        return np.flatnonzero(self._leaf == self._leaf[item])
