"""Latent factors from implicit feedback: iALS, fitted by the `implicit` library.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008; that it
keeps up with newer models when tuned: Rendle et al., "Revisiting the Performance of iALS on Item
Recommendation Benchmarks", RecSys 2022. A customer's factors are solved anew from whatever tastes
are asked about, so that a session counts without training.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.interactions import Floats, Ints

FACTORS = 64
EPOCHS = 12
REGULARISATION = 5.0
CONFIDENCE = 3.0
"""A taste of 1 is trusted this many times as much as an item that was not bought."""


class Factors:
    """`items` (known, factors) of the items learned, `known` their numbers, sorted; `tastes` as in
    `Ease`.
    """

    def __init__(self, tastes: Any, known: Ints, items: Floats, regularisation: float) -> None:
        self._tastes = tastes
        self._known = known
        self._items = items
        self._regularisation = regularisation
        ridge = regularisation * np.eye(items.shape[1], dtype=np.float32)
        self._gram = items.T @ items + ridge

    @classmethod
    def fit(
        cls,
        tastes: Any,
        known: Ints,
        factors: int = FACTORS,
        epochs: int = EPOCHS,
        regularisation: float = REGULARISATION,
        seed: int = 0,
    ) -> Factors:
        """Alternating least squares, `epochs` times over customers and items."""
        factors = max(1, min(factors, len(known)))
        seen = tastes[:, known].tocsr()
        if not seen.nnz:
            return cls(tastes, known, np.zeros((len(known), factors), np.float32), regularisation)
        # Many threads of BLAS under the library's own threads make it ten times slower.
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            model = AlternatingLeastSquares(
                factors=factors,
                regularization=regularisation,
                alpha=CONFIDENCE,
                iterations=epochs,
                random_state=seed,
                use_gpu=False,
            )
            model.fit(seen, show_progress=False)
        return cls(tastes, known, np.asarray(model.item_factors, np.float32), regularisation)

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); NaN for an item not learned, and a row of it for an unknown number."""
        found = np.full((len(users), self._tastes.shape[1]), np.nan, np.float32)
        known = [0 <= user < self._tastes.shape[0] for user in users]
        if any(known):
            asked = [user for user, fine in zip(users, known, strict=True) if fine]
            found[known] = self.fold_in(self._tastes[asked])
        return found

    def fold_in(self, rows: Any) -> Floats:
        """Scores for any tastes, a sparse (n, items): NaN for an item not learned."""
        scores: Floats = self.shoppers(rows) @ self._items.T
        if len(self._known) == rows.shape[1]:
            return scores
        spread = np.full(rows.shape, np.nan, np.float32)
        spread[:, self._known] = scores
        return spread

    def shoppers(self, rows: Any) -> Floats:
        """The factors (n, factors) of any tastes: one half step of the fit."""
        seen = (rows if len(self._known) == rows.shape[1] else rows[:, self._known]).tocsr()
        found = np.zeros((seen.shape[0], self._items.shape[1]), np.float32)
        for row in range(seen.shape[0]):
            part = slice(seen.indptr[row], seen.indptr[row + 1])
            own, confidence = self._items[seen.indices[part]], CONFIDENCE * seen.data[part]
            if len(own):
                system = self._gram + (own.T * (confidence - 1)) @ own
                found[row] = np.linalg.solve(system, own.T @ confidence)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the tastes come from the baskets, saved beside."""
        return {
            "known": self._known,
            "items": self._items,
            "regularisation": np.array(self._regularisation, np.float32),
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], tastes: Any) -> Factors:
        return cls(tastes, saved["known"], saved["items"], float(saved["regularisation"]))
