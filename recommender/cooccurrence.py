"""What lies in the same baskets: cosine over baskets, shrunk where few hold both.

Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms", WWW 2001; the
shrinkage n / (n + s) is that of Bell and Koren, "Scalable Collaborative Filtering with Jointly
Derived Neighborhood Interpolation Weights", ICDM 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.interactions import Baskets, Floats, Ints

SHRINK = 10.0
NEIGHBOURS = 60
MIN_TOGETHER = 2
_BLOCK = 1024


class Cooccurrence:
    """The top neighbours of each item in CSR: `weights` the shrunk cosine, `together` the number
    of baskets with both. An item has none below `least` baskets, or two together.
    """

    def __init__(self, weights: Any, together: Any) -> None:
        self._weights = weights
        self._together = together

    @classmethod
    def fit(
        cls,
        baskets: Baskets,
        known: Ints,
        leaf: Ints | None = None,
        shrink: float = SHRINK,
        top: int = NEIGHBOURS,
    ) -> Cooccurrence:
        """`known` are the items sold enough. With `leaf`, the category number of every item,
        items of one leaf are no neighbours: another yogurt does not go with a yogurt.
        """
        content = _contents(baskets)[:, known].tocsc()
        sold = np.diff(content.indptr).astype(np.float64)
        by_basket = content.tocsr()
        kept: list[tuple[Ints, Ints, NDArray[np.float64], NDArray[np.int64]]] = []
        for start in range(0, len(known), _BLOCK):
            pairs = (content[:, start : start + _BLOCK].T @ by_basket).tocoo()
            row, column, both = pairs.row + start, pairs.col, pairs.data
            fine = (row != column) & (both >= MIN_TOGETHER)
            if leaf is not None:
                fine &= leaf[known[row]] != leaf[known[column]]
            row, column, both = row[fine], column[fine], both[fine].astype(np.int64)
            weight = both / np.sqrt(sold[row] * sold[column]) * both / (both + shrink)
            order = np.lexsort((column, -weight, row))
            firsts = np.searchsorted(row[order], row[order], side="left")
            order = order[np.arange(len(order)) - firsts < top]
            kept.append((known[row[order]], known[column[order]], weight[order], both[order]))
        rows, columns, weights, together = (
            np.concatenate(part) if kept else np.empty(0, np.int32)
            for part in (zip(*kept, strict=True) if kept else ((), (), (), ()))
        )
        shape = (baskets.n_items, baskets.n_items)
        return cls(
            sparse.csr_matrix((weights.astype(np.float32), (rows, columns)), shape=shape),
            sparse.csr_matrix((together.astype(np.int32), (rows, columns)), shape=shape),
        )

    def scores(self, items: Sequence[int]) -> Floats:
        """(anchors, items): the shrunk cosine, NaN where it is no neighbour or none is known."""
        found = np.full((len(items), self._weights.shape[1]), np.nan, np.float32)
        for row, item in enumerate(items):
            neighbours, weights = self.neighbours(item)
            found[row, neighbours] = weights
        return found

    def neighbours(self, item: int) -> tuple[Ints, Floats]:
        """The neighbours of an item and their weights; empty for an unknown one."""
        if not 0 <= item < self._weights.shape[0]:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        start, end = self._weights.indptr[item : item + 2]
        return self._weights.indices[start:end], self._weights.data[start:end]

    def together(self, item: int, other: int) -> int:
        """The baskets with both, 0 where they are no neighbours."""
        return int(self._together[item, other])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "indptr": self._weights.indptr,
            "indices": self._weights.indices,
            "weights": self._weights.data,
            "together": self._together.data,
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]]) -> Cooccurrence:
        indices, indptr = saved["indices"], saved["indptr"]
        shape = (len(indptr) - 1, len(indptr) - 1)
        return cls(
            sparse.csr_matrix((saved["weights"], indices, indptr), shape=shape),
            sparse.csr_matrix((saved["together"], indices, indptr), shape=shape),
        )


def _contents(baskets: Baskets) -> Any:
    """Baskets by items, 1 where the item is inside."""
    key = baskets.user.astype(np.int64) * (int(baskets.rank.max(initial=0)) + 1) + baskets.rank
    _, number = np.unique(key, return_inverse=True)
    shape = (int(number.max(initial=-1)) + 1, baskets.n_items)
    ones = np.ones(len(number), np.int32)
    return sparse.csr_matrix((ones, (number, baskets.item)), shape=shape)
