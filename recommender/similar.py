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
        self._leaf = leaf

    @classmethod
    def fit(cls, baskets: Baskets, leaf: Ints) -> Similar:
        return cls(baskets, leaf)

    def scores(self, items: Sequence[int]) -> Floats:
        """(anchors, items): the shrunk cosine, NaN for itself and outside its leaf."""
        found = np.full((len(items), self._buyers.shape[1]), np.nan, np.float32)
        for row, item in enumerate(items):
            mates = self._mates(item)
            bought = np.diff(self._buyers.indptr)[mates].astype(np.float32)
            own = bought[mates == item]
            if len(own):
                both = self.both(np.array([item], np.int32), mates)[0]
                cosine = both / np.sqrt(np.maximum(bought * own, 1))
                found[row, mates] = cosine * both / (both + SHRINK)
                found[row, item] = np.nan
        return found

    def both(self, items: Ints, others: Ints) -> Ints:
        """How many customers bought each item (rows) and each of the others (columns)."""
        counts: Ints = (self._buyers[:, items].T @ self._buyers[:, others]).toarray()
        return counts.astype(np.int32)

    def _mates(self, item: int) -> Any:
        """The items of an item's leaf, itself among them; none for an unknown number."""
        if not 0 <= item < len(self._leaf) or self._leaf[item] < 0:
            return np.empty(0, np.int64)
        return np.flatnonzero(self._leaf == self._leaf[item])
