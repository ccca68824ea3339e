"""The next basket from a shopper's own decayed baskets and their nearest neighbours': TIFU-KNN.

Hu et al., "Modeling Personalized Item Frequency Information for Next-basket Recommendation",
SIGIR 2020. Baskets are put in groups of `group`, the last ones fresh; a basket counts `within` to
the power of its place in its group times `between` to the power of its group's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Baskets, Floats
from recommender.neighbours import UserNeighbours

GROUP = 7
WITHIN = 0.9
BETWEEN = 0.7
OWN = 0.7
NEAREST = 300


class Tifu:
    """`own` is the weight of the shopper's own vector, the rest the neighbours' mean."""

    def __init__(self, baskets: Baskets, own: float = OWN) -> None:
        self._own = own
        group, place = np.divmod(baskets.rank, GROUP)
        weights = WITHIN**place * BETWEEN**group
        self._vectors = baskets.matrix(weights.astype(np.float32))
        self._neighbours = UserNeighbours(self._vectors, NEAREST)

    @classmethod
    def fit(cls, baskets: Baskets, own: float = OWN) -> Tifu:
        return cls(baskets, own)

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); a row of NaN for an unknown number."""
        found = self._neighbours.scores(users)
        known = [row for row, user in enumerate(users) if 0 <= user < self._vectors.shape[0]]
        if known:
            mine = self._vectors[[users[row] for row in known]].toarray()
            found[known] = self._own * mine + (1 - self._own) * found[known]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the baskets are saved beside."""
        return {"own": np.array(self._own)}

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], baskets: Baskets) -> Tifu:
        return cls(baskets, float(saved["own"]))
