"""Why an item was suggested: facts of the purchases that the models were fitted on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from recommender.frequency import Habits
from recommender.interactions import Ints
from recommender.models import Models
from recommender.types import Reason

_OFTEN = 3
_ANCHORS = 100
"""The strongest tastes of a shopper that are looked through for an anchor."""


class Reasons:
    """Every count is of the data, not of a score."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def own(self, habits: Habits, row: int) -> Reason:
        """The shopper's own purchases of the item in that row of their habits."""
        count, every = int(habits.baskets[row]), float(habits.every_days[row])
        return Reason(
            "bought_often" if count >= _OFTEN else "bought_before",
            count=count,
            every_days=max(1, round(every)) if np.isfinite(every) else None,
            last_at=datetime.fromtimestamp(int(habits.last_at[row]), UTC),
        )

    def by_similar(self, tastes: Any, items: list[int]) -> list[Reason | None]:
        """For each item the one of the tastes whose customers it shares the most, by shrunk cosine
        times the taste; None where it shares none.
        """
        if not items or not tastes.nnz:
            return [None] * len(items)
        strongest = np.argsort(-tastes.data, kind="stable")[:_ANCHORS]
        mine, strength = tastes.indices[strongest].astype(np.int32), tastes.data[strongest]
        cosine, both = self._models.similar.shared(mine, np.array(items, np.int32))
        best = np.argmax(cosine * strength[:, None], axis=0)
        return [
            Reason(
                "bought_by_similar",
                count=int(both[row, column]),
                anchor_product_id=self._models.catalogue.ids[int(mine[row])],
            )
            if both[row, column] > 0
            else None
            for column, row in enumerate(best)
        ]

    def like(self, item: int, tastes: Ints) -> Reason | None:
        """The product that one which too few bought is like, one of the shopper's own if any is;
        None where it was not suggested for its text.
        """
        models = self._models
        anchor = models.content.nearest(item, tastes)
        if anchor < 0 or models.ease.learned(item):
            return None
        return Reason("similar_text", anchor_product_id=models.catalogue.ids[anchor])

    def together(self, item: int, anchor: int, asked: bool) -> Reason:
        """Baskets with both; `asked` when the shopper named the anchor, else it is in the cart."""
        return Reason(
            "bought_with" if asked else "goes_with_cart",
            count=self._models.cooccurrence.together(anchor, item),
            anchor_product_id=self._models.catalogue.ids[anchor],
        )

    def similar(self, item: int, anchor: int, both: int) -> Reason:
        """Customers who bought both, or else the shelf that both stand on."""
        return Reason(
            "bought_by_similar" if both >= _OFTEN else "same_category",
            count=both if both >= _OFTEN else 0,
            anchor_product_id=self._models.catalogue.ids[anchor],
            category=self._models.catalogue.leaf_name(item),
        )

    def popular(self, item: int, category: str | None) -> Reason:
        """Baskets with the item in the window, of the category that was asked for."""
        count = int(self._models.popular.recent[item])
        if category is None:
            return Reason("popular", count=count)
        name = self._models.catalogue.level_name(category)
        return Reason("popular_in", count=count, category=name)
