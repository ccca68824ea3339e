"""EASE, a linear item-to-item model in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: with
P = (XᵀX + λI)⁻¹ the weights are B = I − P / diag(P), so that diag(B) = 0. A shop has far more
items than customers to learn from; by the Woodbury identity P = (I − XᵀKX) / λ with
K = (XXᵀ + λI)⁻¹, customers by customers, and B is never written out: with h = K X xᵀ and
q_j = x_jᵀ K x_j (x_j the column of item j) a row of tastes x scores ((hX)_j − x_j q_j) / (1 − q_j).
Of customer u's own row h is e_u − λ K_u, since K (XXᵀ + λI) = I.
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
_FEW = 0.25
_SESSION = 20
"""So many tastes added to a customer's row are never much."""
_SAME = 1e-5
"""Two tastes no further apart are one: sums in another order."""


class Ease:
    """Scores every item for a row of tastes: a customer's by number, or one made up just now.

    `tastes` is customers by items, CSR, ≥ 0; `learners` the rows learned from, `known` the items
    learned, both sorted; `kernel` is K, (learners, learners); `q` is by known item.
    """

    def __init__(self, tastes: Any, learners: Ints, known: Ints, kernel: Floats, q: Floats) -> None:
        self._tastes = tastes
        self._learners = learners
        self._known = known
        self._kernel = np.ascontiguousarray(kernel)
        self._q = q
        self._columns = tastes[learners][:, known].tocsc()
        self._learned = np.zeros(tastes.shape[1], bool)
        self._learned[known] = True
        self._learner = np.full(tastes.shape[0], -1, np.int32)
        self._learner[learners] = np.arange(len(learners), dtype=np.int32)
        self._ridge = self._solved_ridge()

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
        return self._spread(self._by_item(self._by_learner(self._of_known(rows))))

    def both(self, rows: Any, user: int = -1) -> tuple[Floats, Floats]:
        """`fold_in` and `smooth` of the same tastes, in hardly more time than one of them.

        A single row that is nearly the customer `user`'s (a session of a few products more) takes a
        third of the time of any other.
        """
        tastes = self._of_known(rows)
        each = tastes.toarray().astype(np.float32)
        by_learner = None if user < 0 else self._from_own(each, user)
        projected = self._by_item(self._by_learner(tastes) if by_learner is None else by_learner)
        return self._spread((projected - each * self._q) / (1 - self._q)), self._spread(projected)

    def learned(self, item: int) -> bool:
        return 0 <= item < len(self._learned) and bool(self._learned[item])

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

    def _of_known(self, rows: Any) -> Any:
        return rows if len(self._known) == rows.shape[1] else rows[:, self._known]

    def _by_learner(self, tastes: Any) -> Floats:
        """h of each row as a column, (learners, n), from tastes for the known."""
        return self._through(np.asarray((self._columns @ tastes.T).toarray()))

    def _from_own(self, row: Floats, user: int) -> Floats | None:
        """h of one row by what parts it from a multiple of the customer's own, None where that is
        much. (Tastes of another day are a multiple: they fade together.)
        """
        learner = self._learner[user]
        own = self._of_known(self._tastes[user : user + 1])
        if learner < 0 or not own.nnz:
            return None
        scale = np.median(row[0, own.indices] / own.data)
        added = row[0].copy()
        added[own.indices] -= scale * own.data
        changed = np.flatnonzero(np.abs(added) > _SAME)
        if len(changed) > max(_FEW * own.nnz, _SESSION):
            return None
        found = -scale * self._ridge * self._kernel[learner]
        found[learner] += scale
        if len(changed):
            found += self._through(self._columns[:, changed] @ added[changed, None])[:, 0]
        by_learner: Floats = found[:, None].astype(np.float32)
        return by_learner

    def _through(self, by_learner: Floats) -> Floats:
        """K times (learners, n). K is symmetric: of a few learners, few of its rows are read."""
        who = np.flatnonzero(by_learner.any(axis=1))
        if len(who) < _FEW * len(by_learner):
            return self._kernel[who].T @ by_learner[who]
        return self._kernel @ by_learner

    def _by_item(self, by_learner: Floats) -> Floats:
        """hX, (n, known)."""
        return np.ascontiguousarray((self._columns.T @ by_learner).T, dtype=np.float32)

    def _solved_ridge(self) -> float:
        """λ, from the row of K (XXᵀ + λI) = I that says it the most exactly."""
        if not len(self._kernel):
            return 0.0
        row = int(np.argmax(np.diag(self._kernel)))
        gram = self._columns @ self._columns[[row]].toarray()[0]
        own = self._kernel[row].astype(np.float64)
        return float((1 - gram.astype(np.float64) @ own) / own[row])

    def _spread(self, known_scores: Floats) -> Floats:
        if known_scores.shape[1] == self._tastes.shape[1]:
            return known_scores
        spread = np.full((len(known_scores), self._tastes.shape[1]), np.nan, np.float32)
        spread[:, self._known] = known_scores
        return spread


def tastes_of(counts: Any) -> Any:
    """Tastes from decayed counts, CSR: the tenth purchase says less than the first."""
    tastes = counts.copy()
    tastes.data = np.sqrt(tastes.data)
    return tastes
