"""What a shopper bought themselves, the latest baskets counting the most.

Own frequency is the baseline that few next-basket models beat: Hu et al., "Modeling Personalized
Item Frequency Information for Next-basket Recommendation", SIGIR 2020; Li et al., "A Next Basket
Recommendation Reality Check", TOIS 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.interactions import DAY, Baskets, Floats, Ints

DECAY = 0.97


class Frequency:
    """Baskets with an item, each worth `decay` to the power of its rank from the last.

    `counts` is customers by items in CSR.
    """

    def __init__(self, baskets: Baskets, decay: float) -> None:
        self._decay = decay
        self.counts = baskets.matrix((decay ** baskets.rank.astype(np.float64)).astype(np.float32))

    @classmethod
    def fit(cls, baskets: Baskets, decay: float = DECAY) -> Frequency:
        return cls(baskets, decay)

    def scores(self, users: Sequence[int]) -> Floats:
        """Decayed counts, (users, items); a row of NaN for an unknown number."""
        found: Floats = self.rows(users).toarray()
        found[[not 0 <= user < self.counts.shape[0] for user in users]] = np.nan
        return found

    def rows(self, users: Sequence[int]) -> Any:
        """Decayed counts in CSR, (users, items); empty rows for unknown numbers."""
        n_users, n_items = self.counts.shape
        empty = sparse.csr_matrix((1, n_items), dtype=np.float32)
        if len(users) == 1 and 0 <= users[0] < n_users:
            return self.counts[users[0] : users[0] + 1]
        if all(0 <= user < n_users for user in users):
            return self.counts[list(users)]
        parts = [self.counts[user] if 0 <= user < n_users else empty for user in users]
        return sparse.vstack(parts, format="csr")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the baskets are saved beside."""
        return {"decay": np.array(self._decay)}

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]], baskets: Baskets) -> Frequency:
        return cls(baskets, float(saved["decay"]))


@dataclass(frozen=True, slots=True)
class Habits:
    """A customer's own items, sorted, and by item: baskets with it, the median days between them
    (NaN below three baskets), and the last of them in seconds since 1970.
    """

    items: Ints
    baskets: NDArray[np.int64]
    every_days: NDArray[np.float64]
    last_at: NDArray[np.int64]

    @classmethod
    def of(cls, baskets: Baskets, user: int) -> Habits:
        rows = baskets.of_user(user)
        order = np.lexsort((baskets.at[rows], baskets.item[rows]))
        item, at = baskets.item[rows][order], baskets.at[rows][order]
        items, starts, sizes = np.unique(item, return_index=True, return_counts=True)
        gaps, of = np.diff(at) / DAY, item[1:]
        within = of == item[:-1]
        gaps = gaps[within][np.lexsort((gaps[within], of[within]))]
        # Sorted by item, then by length: an item's gaps start as many places before its rows as
        # there are items before it.
        middle = (starts - np.arange(len(items)))[sizes >= 3] + (sizes[sizes >= 3] - 2) / 2
        every = np.full(len(items), np.nan)
        every[sizes >= 3] = (
            gaps[np.floor(middle).astype(int)] + gaps[np.ceil(middle).astype(int)]
        ) / 2
        return cls(items, sizes, every, at[starts + sizes - 1])
