"""Neighbours: customers of the same tastes, and items of the same customers.

User-based with decayed counts is UP-CF of Faggioli et al., "Recency Aware Collaborative Filtering
for Next Basket Recommendation", UMAP 2020; item-based is Sarwar et al., "Item-based Collaborative
Filtering Recommendation Algorithms", WWW 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        self._nearest = nearest
        self._length = _lengths(tastes)

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

    def weights(self, rows: Any, own: Any) -> Any:
        """Who counts how much, CSR (n, customers), each row summing to 1 or empty. `own` is the
        number of the customer that a row is, who is no neighbour of themselves, −1 for none.
        """
        # One taste by all customers: a dense vector is quicker than sparse algebra.
        cosines = (self._tastes @ rows.T.toarray()).T / np.maximum(self._length, 1e-9)
        cosines /= np.maximum(_lengths(rows), 1e-9)[:, None]
        mine = np.flatnonzero(np.asarray(own) >= 0)
        cosines[mine, np.asarray(own)[mine]] = 0
        if cosines.shape[1] > self._nearest:
            place = cosines.shape[1] - self._nearest
            least = np.partition(cosines, place, axis=1)[:, place]
            cosines[cosines < least[:, None]] = 0
        weights = np.maximum(cosines, 0) ** SHARPNESS
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        return sparse.csr_matrix(weights.astype(np.float32))

    def spread(self, weights: Any) -> Floats:
        """(n, items): the tastes of the weighted customers."""
        found: Floats = (weights @ self._tastes).toarray()
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
        buyers = np.diff(columns.indptr)
        length = _lengths(columns.T.tocsr())
        bought = columns.copy()
        bought.data = np.ones_like(bought.data)
        rows, targets, values = [], [], []
        for start in range(0, len(known), _BLOCK):
            block = columns[:, start : start + _BLOCK]
            both = (bought[:, start : start + _BLOCK].T @ bought).toarray()
            cosine = (block.T @ columns).toarray()
            cosine /= length[start : start + _BLOCK, None] * length + 1e-9
            cosine *= both / (both + ITEM_SHRINK)
            own = np.arange(len(cosine))
            cosine[own, own + start] = 0
            if cosine.shape[1] > nearest:
                place = cosine.shape[1] - nearest
                cosine[cosine < np.partition(cosine, place, axis=1)[:, place][:, None]] = 0
            row, column = np.nonzero(cosine)
            rows.append(known[row + start])
            targets.append(known[column])
            values.append(cosine[row, column].astype(np.float32))
        shape = (tastes.shape[1], tastes.shape[1])
        if not len(known) or not buyers.any():
            return cls(tastes, sparse.csr_matrix(shape, dtype=np.float32))
        where = (np.concatenate(rows), np.concatenate(targets))
        return cls(tastes, sparse.csr_matrix((np.concatenate(values), where), shape=shape))

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
    squares = rows.multiply(rows).sum(axis=1)
    return np.sqrt(np.asarray(squares, np.float32)).ravel()
