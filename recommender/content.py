"""What a product's text says of who may want it: for products that nobody bought yet.

A product takes after the sold products whose texts are nearest, by the cosine of their embeddings:
its score is the mean of theirs, so that a shopper's tastes reach it through what is known of its
like (k nearest neighbours from content into a collaborative model, as in Gantner et al., "Learning
Attribute-to-Feature Mappings for Cold-Start Recommendations", ICDM 2010). Embeddings come in as
arrays, whoever made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.interactions import Floats, Ints

NEIGHBOURS = 20
SHARPNESS = 8.0
"""The power of a cosine that weighs a neighbour: the nearest count the most."""
_LEAST = 0.3
_BLOCK = 1024


class Content:
    """`likeness` is items by items in CSR: each row the weights of the nearest learned items, which
    sum to 1; an item without text or without a neighbour has an empty row. `known` are the learned
    items; `tastes` is customers by items, CSR, ≥ 0.
    """

    def __init__(self, likeness: Any, known: Ints, tastes: Any) -> None:
        self._likeness = likeness
        self._known = known
        self._tastes = tastes
        self._able = np.diff(likeness.indptr) > 0
        cold = self._able.copy()
        cold[known] = False
        self._cold = np.flatnonzero(cold)
        self._cold_likeness = likeness[self._cold]

    @property
    def knows(self) -> bool:
        """Whether any item takes after another."""
        return bool(self._able.any())

    @classmethod
    def fit(
        cls, embeddings: Floats, known: Ints, tastes: Any, neighbours: int = NEIGHBOURS
    ) -> Content:
        """`embeddings` is (items, dimension), a row of NaN or zeros for an item without text;
        `known` the items to take after. Nothing takes after itself.
        """
        units, text = _distinct(embeddings)
        able = known[text[known] >= 0]
        n_items = len(embeddings)
        if not len(able) or not len(units):
            return cls(sparse.csr_matrix((n_items, n_items), dtype=np.float32), known, tastes)
        # One more than asked for, since an item may be its own nearest.
        most = min(neighbours + 1, len(able))
        targets = units[text[able]].T
        near = np.empty((len(units), most), np.int32)
        cosine = np.empty((len(units), most), np.float32)
        for start in range(0, len(units), _BLOCK):
            cosines = units[start : start + _BLOCK] @ targets
            best = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
            near[start : start + _BLOCK] = able[best]
            cosine[start : start + _BLOCK] = np.take_along_axis(cosines, best, axis=1)
        items = np.flatnonzero(text >= 0)
        rows = np.repeat(items, most)
        columns, weights = near[text[items]].ravel(), cosine[text[items]].ravel()
        kept = (weights >= _LEAST) & (columns != rows)
        likeness = sparse.csr_matrix(
            (weights[kept] ** SHARPNESS, (rows[kept], columns[kept])),
            (n_items, n_items),
            dtype=np.float32,
        )
        total = np.asarray(likeness.sum(axis=1)).ravel()
        likeness.data /= np.repeat(total, np.diff(likeness.indptr))
        return cls(likeness, known, tastes)

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items): the mean taste for an item's like; NaN for an item that takes after
        none, and a row of it for an unknown number.
        """
        n_users = self._tastes.shape[0]
        valid = [0 <= user < n_users for user in users]
        found = np.full((len(users), len(self._able)), np.nan, np.float32)
        if any(valid):
            rows = [user for user, fine in zip(users, valid, strict=True) if fine]
            found[valid] = self.fold_in(self._tastes[rows])
        return found

    def fold_in(self, rows: Any) -> Floats:
        """As `scores` for any tastes, a sparse (n, items)."""
        found: Floats = (rows @ self._likeness.T).toarray().astype(np.float32)
        found[:, ~self._able] = np.nan
        return found

    def fill(self, scores: Floats) -> Floats:
        """(n, items): a model's scores, and for an item that was not learned the mean of those that
        it takes after, as far as they have scores.
        """
        filled = scores.copy()
        given = np.nan_to_num(scores)
        found = (self._cold_likeness @ given.T).T
        scored = np.isfinite(scores)
        if not scored[:, self._known].all():
            with np.errstate(invalid="ignore", divide="ignore"):
                found = found / (self._cold_likeness @ scored.T.astype(np.float32)).T
        filled[:, self._cold] = np.where(scored[:, self._cold], scores[:, self._cold], found)
        return filled

    def nearest(self, item: int, among: Ints | None = None) -> int:
        """The item that this one takes after the most, of those `among` if any is, −1 for none."""
        if not 0 <= item < len(self._able) or not self._able[item]:
            return -1
        row = self._likeness[item]
        weights = row.data
        if among is not None and np.isin(row.indices, among).any():
            weights = np.where(np.isin(row.indices, among), weights, 0)
        return int(row.indices[np.argmax(weights)])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the tastes come from the baskets, saved beside."""
        return {
            "data": self._likeness.data,
            "indices": self._likeness.indices,
            "indptr": self._likeness.indptr,
            "known": self._known,
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], tastes: Any) -> Content:
        size = len(saved["indptr"]) - 1
        parts = (saved["data"], saved["indices"], saved["indptr"])
        return cls(sparse.csr_matrix(parts, (size, size)), saved["known"], tastes)


def _distinct(embeddings: Floats) -> tuple[Floats, Ints]:
    """Each direction once, (n, dimension), and by item which is its own, −1 for none.

    A shop writes one text for many products.
    """
    length = np.linalg.norm(embeddings, axis=1)
    able = np.flatnonzero(np.isfinite(length) & (length > 0))
    text = np.full(len(embeddings), -1, np.int32)
    if not len(able):
        return embeddings[:0], text
    rows = np.ascontiguousarray(embeddings[able], np.float32)
    keys = rows.view(f"V{rows.shape[1] * rows.itemsize}").ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    text[able] = inverse
    return rows[first] / length[able[first]][:, None], text
