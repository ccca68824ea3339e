"""The best items for a shopper's factors: all of them compared, or an index where that is slow.

Up to `EXACT` items a product of matrices answers within 20 ms and is exact. Above, faiss searches
an inverted file: items in cells about k-means centres, only the cells that the query points at are
read (Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011; the
vectors are kept whole here). `scripts/bench_index.py` measures both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ExtraMissing
from recommender.interactions import Floats

EXACT = 500_000
"""Items of 64 factors; see docs/recommender-sequence.md for the measurement."""
_PROBED = 0.1
_FEWEST_CELLS = 16
_SAMPLE = 64


class Nearest:
    """`items` is (items, factors) without NaN; `index` None for an exact search."""

    def __init__(self, items: Floats, index: Any = None) -> None:
        self._items = items
        self._index = index

    @classmethod
    def fit(cls, items: Floats, exact: int = EXACT, seed: int = 0) -> Nearest:
        """Raises ExtraMissing where an index is needed and faiss is not installed."""
        if len(items) <= exact:
            return cls(items)
        try:
            import faiss  # noqa: PLC0415
        except ImportError:
            raise ExtraMissing(
                f"{len(items):,} items need an index; install the extra: pip install 'aisle[index]'"
            ) from None
        cells = max(_FEWEST_CELLS, int(2 * np.sqrt(len(items))))
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(items.shape[1]), items.shape[1], cells, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.seed = seed
        index.cp.max_points_per_centroid = _SAMPLE
        index.cp.min_points_per_centroid = 1
        index.nprobe = max(_FEWEST_CELLS // 2, int(_PROBED * cells))
        vectors = np.ascontiguousarray(items, np.float32)
        index.train(vectors)
        index.add(vectors)
        return cls(items, index)

    def top(self, shoppers: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
        """For each row of (n, factors) the numbers and the scores of the best items, both (n, k),
        the best first; fewer columns where there are fewer items.
        """
        k = min(k, len(self._items))
        if self._index is not None:
            scores, numbers = self._index.search(np.ascontiguousarray(shoppers, np.float32), k)
            return numbers.astype(np.int64), scores
        scores = shoppers @ self._items.T
        if k < 1:
            return np.empty((len(shoppers), 0), np.int64), scores[:, :0]
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        return best.astype(np.int64), np.take_along_axis(scores, best, axis=1)
