"""EASE, a linear item-to-item model in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: with
P = (XᵀX + λI)⁻¹ the weights are B = I − P / diag(P), so that diag(B) = 0. A shop has far more
items than customers to learn from; by the Woodbury identity P = (I − XᵀKX) / λ with
K = (XXᵀ + λI)⁻¹, customers by customers, and B is never written out: with h = K X xᵀ and
q_j = x_jᵀ K x_j (x_j the column of item j) a row of tastes x scores ((hX)_j − x_j q_j) / (1 − q_j).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg  # type: ignore[import-untyped]

from recommender.interactions import Floats, Ints

STRENGTH = 1.5
"""λ as a multiple of the mean squared length of a customer's row, so that it fits any shop."""
LEARNERS = 5000
"""The customers that weights are learned from at most (K is 100 MB then); all are scored."""
_BLOCK = 2048


class Ease:
    """Scores every item for a row of tastes: a customer's by number, or one made up just now.

    `tastes` is customers by items, CSR, ≥ 0; `learners` the rows learned from, `known` the items
    learned, both sorted; `kernel` is K, (learners, learners); `q` is by known item.
    """

    def __init__(self, tastes: Any, learners: Ints, known: Ints, kernel: Floats, q: Floats) -> None:
        self._tastes = tastes
        self._learners = learners
        self._known = known
        self._kernel = kernel
        self._q = q
        self._columns = tastes[learners][:, known].tocsc()
        self._place = np.full(tastes.shape[1], -1, np.int32)
        self._place[known] = np.arange(len(known), dtype=np.int32)

    @classmethod
    def fit(
        cls, tastes: Any, known: Ints, strength: float = STRENGTH, most: int = LEARNERS
    ) -> Ease:
        """Of more than `most` customers, those with the most items teach."""
        longest = np.argsort(-np.diff(tastes.indptr), kind="stable")[:most]
        learners = np.sort(longest).astype(np.int32)
        columns = tastes[learners][:, known].tocsc()
        gram = (columns @ columns.T).toarray().astype(np.float64)
        ridge = max(strength * float(np.trace(gram)) / max(len(gram), 1), 1e-6)
        gram[np.diag_indices_from(gram)] += ridge
        kernel = linalg.inv(gram, overwrite_a=True).astype(np.float32) if len(gram) else gram
        q = np.zeros(len(known), np.float32)
        for start in range(0, len(known), _BLOCK):
            block = columns[:, start : start + _BLOCK].toarray()
            q[start : start + _BLOCK] = np.einsum("ui,ui->i", kernel @ block, block)
        return cls(tastes, learners, known, kernel.astype(np.float32), q)

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); NaN for an item not learned, and a row of it for an unknown number."""
        valid = [0 <= user < self._tastes.shape[0] for user in users]
        found = np.full((len(users), self._tastes.shape[1]), np.nan, np.float32)
        if any(valid):
            rows = [user for user, fine in zip(users, valid, strict=True) if fine]
            found[valid] = self.fold_in(self._tastes[rows])
        return found

    def fold_in(self, rows: Any) -> Floats:
        """Scores for any tastes, a sparse (n, items): NaN for an item not learned."""
        return self.both(rows)[0]

    def smooth(self, rows: Any) -> Floats:
        """As `fold_in` without the constraint diag(B) = 0: ridge regression of X on itself.

        An item's own taste counts here, which is what ranks items that are bought already.
        """
        return self._spread(self._project(rows))

    def both(self, rows: Any) -> tuple[Floats, Floats]:
        """`fold_in` and `smooth` of the same tastes, in hardly more time than one of them."""
        projected = self._project(rows)
        tastes = rows[:, self._known].toarray().astype(np.float32)
        folded = (projected - tastes * self._q) / (1 - self._q)
        return self._spread(folded), self._spread(projected)

    def learned(self, item: int) -> bool:
        return 0 <= item < len(self._place) and bool(self._place[item] >= 0)

    def contributions(self, items: Ints, targets: Ints) -> Floats:
        """B of each item (rows) on each target (columns): the part of a target's score that one
        unit of taste for the item gives; 0 where either is not learned, and on itself.
        """
        weights = np.zeros((len(items), len(targets)), np.float32)
        rows, columns = self._place[items], self._place[targets]
        known_rows, known_columns = rows >= 0, columns >= 0
        rows, columns = rows[known_rows], columns[known_columns]
        if len(rows) and len(columns):
            # K is symmetric; a target's column is sparse, so this is far less than K X.
            shared = (self._columns[:, columns].T @ self._kernel).T
            found = self._columns[:, rows].T @ shared / (1 - self._q[columns])
            found[rows[:, None] == columns[None, :]] = 0
            weights[np.ix_(known_rows, known_columns)] = found
        return weights

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the tastes come from the baskets, saved beside."""
        return {
            "learners": self._learners,
            "known": self._known,
            "kernel": self._kernel,
            "q": self._q,
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], tastes: Any) -> Ease:
        return cls(tastes, saved["learners"], saved["known"], saved["kernel"], saved["q"])

    def _project(self, rows: Any) -> Floats:
        """x XᵀKX, (n, known)."""
        by_learner = (self._columns @ rows[:, self._known].T).toarray()
        projected = self._columns.T @ (self._kernel @ by_learner)
        return np.ascontiguousarray(projected.T, dtype=np.float32)

    def _spread(self, known_scores: Floats) -> Floats:
        spread = np.full((len(known_scores), self._tastes.shape[1]), np.nan, np.float32)
        spread[:, self._known] = known_scores
        return spread


def tastes_of(counts: Any) -> Any:
    """Tastes from decayed counts, CSR: the tenth purchase says less than the first."""
    tastes = counts.copy()
    tastes.data = np.sqrt(tastes.data)
    return tastes
