"""The re-ranker in the shop's numbers: it knows only items sold enough, under numbers of its own.

What it does not know follows behind what it ranked, in the order of the weighted blend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.catalogue import Catalogue
from recommender.interactions import Baskets, Ints
from recommender.moments import Moments
from recommender.reranker import Reranker

_REFUSED = -1e6
"""Added to a taste, it leaves none."""


class Learned:
    """`slots` are those that it serves: `next_basket`, `new_items`."""

    def __init__(self, reranker: Reranker, known: Ints, slots: frozenset[str]) -> None:
        self.slots = slots
        self._reranker = reranker
        self._known = known
        self._number = {item: number for number, item in enumerate(known.tolist())}

    @classmethod
    def fit(
        cls,
        baskets: Baskets,
        catalogue: Catalogue,
        known: Ints,
        slots: frozenset[str],
        progress: Callable[[str, int, int], None],
    ) -> Learned | None:
        """None where the shop has too few baskets to learn from."""

        def told(done: int, total: int) -> None:
            progress("learn to rank", done, total)

        group, leaf = catalogue.group[known], catalogue.leaf[known] + 1
        reranker = Reranker.fit(baskets.only(known), group, leaf, 0, told)
        return cls(reranker, known, slots) if reranker else None

    def scores(
        self, slot: str, user: int, now: float, session: Any, refused: Ints
    ) -> tuple[Ints, NDArray[np.float64]]:
        """The candidates and a score from 0 to 1 for each: the shopper's own items for
        `next_basket`, what is new to them for `new_items`. `session` is what is added to
        the shopper's tastes, CSR (1, items); `refused` items add nothing to them.
        """
        sources = self._reranker.sources
        moment = Moments(
            np.array([user], np.int32), sources.baskets.starts[[user + 1]], np.array([int(now)])
        )
        extra = self._extra(session, refused) if session.nnz or len(refused) else None
        (ranked,) = self._reranker.rank(slot, moment, extra, "own")
        return self._known[ranked.item], 1 / (1 + np.exp(-ranked.score.astype(np.float64)))

    def _extra(self, session: Any, refused: Ints) -> Any:
        """What is added to tastes, in the re-ranker's numbers."""
        added = dict(zip(session.indices.tolist(), session.data.tolist(), strict=True))
        added |= dict.fromkeys(refused.tolist(), _REFUSED)
        items = sorted(item for item in added if item in self._number)
        row = (
            np.array([added[item] for item in items], np.float32),
            np.array([self._number[item] for item in items], np.int32),
            [0, len(items)],
        )
        return sparse.csr_matrix(row, (1, len(self._known)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        slots = np.array(sorted(self.slots), np.str_)
        return {**self._reranker.arrays(), "known": self._known, "slots": slots}

    @classmethod
    def from_arrays(
        cls, saved: dict[str, NDArray[Any]], baskets: Baskets, catalogue: Catalogue
    ) -> Learned:
        known = saved["known"]
        group, leaf = catalogue.group[known], catalogue.leaf[known] + 1
        reranker = Reranker.from_arrays(saved, baskets.only(known), group, leaf)
        return cls(reranker, known, frozenset(saved["slots"].tolist()))
