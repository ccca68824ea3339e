"""What every model of the recommender is to those who ask it.

A model is a module with one class, fitted by `Model.fit(...)` on `Baskets`, read only afterwards,
saved as the arrays of `arrays()` and made again by `Model.from_arrays(saved, ...)` with what is
saved beside it. `tests/contracts/test_scorer.py` holds each to it: add a `Case` there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from recommender.interactions import Floats


class Scorer(Protocol):
    """Scores of every item, higher is better; the scale is the model's own."""

    def scores(self, rows: Sequence[int]) -> Floats:
        """(rows, items), float32, never infinite. A row is a customer's index number, or a
        product's for a model of what goes with it or is like it. NaN where the model knows
        nothing: for an item that it did not learn, and all along for an unknown number.
        """

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved with `numpy.savez`, without pickle."""


class FoldIn(Scorer, Protocol):
    """A model of customers that also scores tastes made up just now, without training."""

    def fold_in(self, rows: Any) -> Floats:
        """(n, items) from a sparse (n, items) ≥ 0: what was bought, carted or liked, with its
        weight. NaN for an item that was not learned; the row of an empty taste is all NaN or 0.
        """
