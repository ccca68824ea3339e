"""Neighbours: customers of the same tastes, and items of the same customers.

User-based with decayed counts is UP-CF of Faggioli et al., "Recency Aware Collaborative Filtering
for Next Basket Recommendation", UMAP 2020; item-based is Sarwar et al., "Item-based Collaborative
Filtering Recommendation Algorithms", WWW 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.interactions import Floats, Ints

NEAREST = 100
SHARPNESS = 2.0
"""The power of a similarity: the nearest neighbours count far more than the hundredth."""
ITEM_NEIGHBOURS = 100
ITEM_SHRINK = 10.0
_BLOCK = 1024


class UserNeighbours:
    """Scores are the tastes of the `nearest` customers, weighted by cosine to a power.

    `tastes` is customers by items, CSR, ≥ 0: decayed counts.
    """

    def __init__(self, tastes: Any, nearest: int = NEAREST) -> None:
        self._tastes = tastes
        # By item, so that only the customers of what is asked about are read.
        self._columns = tastes.tocsc()
        self._nearest = nearest
        self._length = np.maximum(_lengths(tastes), 1e-9)

    @classmethod
    def fit(cls, tastes: Any, nearest: int = NEAREST) -> UserNeighbours:
        return cls(tastes, nearest)

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); a row of NaN for an unknown number. Nobody is their own neighbour."""
        found = np.full((len(users), self._tastes.shape[1]), np.nan, np.float32)
        known = [0 <= user < self._tastes.shape[0] for user in users]
        if any(known):
            own = np.array([u for u, fine in zip(users, known, strict=True) if fine], np.int64)
            found[known] = self.spread(self.weights(self._tastes[own], own))
        return found

    def fold_in(self, rows: Any) -> Floats:
        """Scores for any tastes, a sparse (n, items)."""
        return self.spread(self.weights(rows, np.full(rows.shape[0], -1)))

    def weights(self, rows: Any, own: Any) -> Floats:
        """Who counts how much, (n, customers), each row summing to 1 or all 0. `own` is the
        number of the customer that a row is, who is no neighbour of themselves, −1 for none.
        """
        cosines = (self._columns @ rows.T).toarray().T / self._length
        cosines /= np.maximum(_lengths(rows), 1e-9)[:, None]
        mine = np.flatnonzero(np.asarray(own) >= 0)
        cosines[mine, np.asarray(own)[mine]] = 0
        if cosines.shape[1] > self._nearest:
            place = cosines.shape[1] - self._nearest
            least = np.partition(cosines, place, axis=1)[:, place]
            cosines[cosines < least[:, None]] = 0
        weights = np.maximum(cosines, 0) ** SHARPNESS
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        found: Floats = weights.astype(np.float32)
        return found

    def spread(self, weights: Floats) -> Floats:
        """(n, items): the tastes of the weighted customers."""
        if len(weights) == 1:
            return self._mixed(weights[0])[None]
        row, customer = np.nonzero(weights)
        edges = np.searchsorted(row, np.arange(len(weights) + 1))
        few = sparse.csr_matrix((weights[row, customer], customer, edges), shape=weights.shape)
        found: Floats = (few @ self._tastes).toarray()
        return found.astype(np.float32)

    def _mixed(self, weights: Floats) -> Floats:
        """`spread` of one row, without the overhead of sparse algebra."""
        customers = np.flatnonzero(weights)
        start = self._tastes.indptr[customers]
        length = self._tastes.indptr[customers + 1] - start
        at = np.arange(length.sum()) + np.repeat(start - (np.cumsum(length) - length), length)
        tastes = self._tastes.data[at] * np.repeat(weights[customers], length)
        found = np.bincount(self._tastes.indices[at], tastes, self._tastes.shape[1])
        return found.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the tastes come from the baskets, saved beside."""
        return {"nearest": np.array(self._nearest)}

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], tastes: Any) -> UserNeighbours:
        return cls(tastes, int(saved["nearest"]))


class ItemNeighbours:
    """Scores are the tastes' items' neighbours, by shrunk cosine over customers: `weights` is items
    by items, CSR, the nearest of each item's.
    """

    def __init__(self, tastes: Any, weights: Any) -> None:
        self._tastes = tastes
        self._weights = weights
        self._reached = np.asarray(weights.getnnz(axis=0) > 0)

    @classmethod
    def fit(cls, tastes: Any, known: Ints, nearest: int = ITEM_NEIGHBOURS) -> ItemNeighbours:
        """`known` are the items sold enough, sorted; among them neighbours are looked for."""
        columns = tastes[:, known].tocsc()
        length = _lengths(columns.T)
        bought = columns.copy()
        bought.data = np.ones_like(bought.data)
        targets, values = [], []
        sizes = np.zeros(tastes.shape[1] + 1, np.int64)
        for start in range(0, len(known), _BLOCK):
            block = slice(start, start + _BLOCK)
            # Both have the same entries in the same order.
            cosines = columns[:, block].T.tocsr() @ columns.tocsr()
            both = (bought[:, block].T.tocsr() @ bought.tocsr()).data
            row = np.repeat(np.arange(cosines.shape[0]), np.diff(cosines.indptr)) + start
            column = cosines.indices
            cosine = cosines.data / (length[row] * length[column] + 1e-9)
            cosine *= both / (both + ITEM_SHRINK)
            cosine[row == column] = 0
            for item, edges in enumerate(pairwise(cosines.indptr), start):
                part = slice(*edges)
                best = np.flatnonzero(cosine[part])
                if len(best) > nearest:
                    best = np.argpartition(-cosine[part], nearest)[:nearest]
                targets.append(known[column[part][best]])
                values.append(cosine[part][best].astype(np.float32))
                sizes[known[item] + 1] = len(best)
        shape = (tastes.shape[1], tastes.shape[1])
        if not targets:
            return cls(tastes, sparse.csr_matrix(shape, dtype=np.float32))
        parts = (np.concatenate(values), np.concatenate(targets), np.cumsum(sizes))
        return cls(tastes, sparse.csr_matrix(parts, shape=shape))

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); NaN for an item that is nobody's neighbour, and a row of it for an
        unknown number.
        """
        found = np.full((len(users), self._tastes.shape[1]), np.nan, np.float32)
        known = [0 <= user < self._tastes.shape[0] for user in users]
        if any(known):
            own = [user for user, fine in zip(users, known, strict=True) if fine]
            found[known] = self.fold_in(self._tastes[own])
        return found

    def fold_in(self, rows: Any) -> Floats:
        """Scores for any tastes, a sparse (n, items)."""
        found: Floats = (rows @ self._weights).toarray().astype(np.float32)
        found[:, ~self._reached] = np.nan
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "indptr": self._weights.indptr,
            "indices": self._weights.indices,
            "weights": self._weights.data,
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], tastes: Any) -> ItemNeighbours:
        parts = (saved["weights"], saved["indices"], saved["indptr"])
        shape = (tastes.shape[1], tastes.shape[1])
        return cls(tastes, sparse.csr_matrix(parts, shape=shape))


def _lengths(rows: Any) -> Floats:
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    squares = np.bincount(row, rows.data**2, rows.shape[0])
    return np.sqrt(squares).astype(np.float32)
