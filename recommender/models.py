"""Every model of a shop, fitted together and saved together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recommender import storage
from recommender.blend import Weights, tuned
from recommender.catalogue import Catalogue
from recommender.content import Content
from recommender.cooccurrence import Cooccurrence
from recommender.ease import Ease, tastes_of
from recommender.errors import ModelMissing
from recommender.factors import Factors
from recommender.frequency import Frequency
from recommender.interactions import Baskets, Floats, Ints, clean
from recommender.learned import Learned
from recommender.popular import Popular
from recommender.similar import Similar

STEPS = 6


@dataclass(frozen=True, slots=True)
class Models:
    """`factors` are there only where a cluster trained them (see `spark`): then they, not EASE, say
    what is new for a shopper.
    """

    catalogue: Catalogue
    baskets: Baskets
    frequency: Frequency
    ease: Ease
    content: Content
    cooccurrence: Cooccurrence
    similar: Similar
    popular: Popular
    weights: Weights
    learned: Learned | None = None
    factors: Factors | None = None

    def liking(self, counts: Any) -> Floats:
        """Scores (n, items) for decayed counts (n, items), NaN for an item of which nothing is
        known.
        """
        if self.factors:
            return self.content.fill(self.factors.fold_in(tastes_of(counts)))
        return self.content.fill(self.ease.fold_in(counts))

    @classmethod
    def fit(
        cls,
        interactions: pl.DataFrame,
        products: pl.DataFrame,
        progress: Callable[[str, int, int], None],
        slots: frozenset[str] = frozenset(),
        embeddings: Floats | None = None,
    ) -> Models:
        """`progress` is told the step, how many are done, and of how many. `slots` names those that
        are learned (`next_basket`, `new_items`), which takes minutes; the others are weighted.
        `embeddings` are of the products' texts, a row for each of `products`, NaN for none.
        """
        progress("clean", 0, STEPS)
        purchases = clean(interactions, products).filter(pl.col("kind") == "purchase")
        catalogue = Catalogue.of(products)
        progress("tune", 1, STEPS)
        weights = tuned(purchases)
        progress("frequency", 2, STEPS)
        baskets = Baskets.of(purchases, catalogue.ids)
        known = sold_enough(baskets)
        frequency = Frequency.fit(baskets, weights.decay)
        progress("ease", 3, STEPS)
        tastes = tastes_of(frequency.counts)
        ease = Ease.fit(tastes, known)
        content = Content.fit(_by_number(embeddings, products, catalogue), known, tastes)
        progress("goes with", 4, STEPS)
        cooccurrence = Cooccurrence.fit(baskets, known, catalogue.leaf)
        progress("popular", 5, STEPS)
        models = cls(
            catalogue,
            baskets,
            frequency,
            ease,
            content,
            cooccurrence,
            Similar.fit(baskets, catalogue.leaf),
            Popular.fit(baskets),
            weights,
        )
        progress("done", STEPS, STEPS)
        if slots:
            learned = Learned.fit(baskets, catalogue, known, slots, progress)
            models = replace(models, learned=learned)
        return models

    def save(self, folder: Path) -> None:
        parts = {
            "catalogue": self.catalogue.arrays(),
            "baskets": self.baskets.arrays(),
            "ease": self.ease.arrays(),
            "cooccurrence": self.cooccurrence.arrays(),
            "popular": self.popular.arrays(),
        }
        if self.learned:
            parts["learned"] = self.learned.arrays()
        if self.content.knows:
            parts["content"] = self.content.arrays()
        if self.factors:
            parts["factors"] = self.factors.arrays()
        storage.save(folder, parts, {"weights": self.weights.as_json()})

    @classmethod
    def load(cls, folder: Path) -> Models:
        """Raises ModelMissing."""
        parts, facts = storage.load(folder)
        try:
            weights = Weights(**facts["weights"])
            catalogue = Catalogue.from_arrays(parts["catalogue"])
            baskets = Baskets.from_arrays(parts["baskets"])
            frequency = Frequency.fit(baskets, weights.decay)
            learned = parts.get("learned")
            tastes = tastes_of(frequency.counts)
            known = parts["ease"]["known"]
            return cls(
                catalogue,
                baskets,
                frequency,
                Ease.from_arrays(parts["ease"], tastes),
                # A model that was trained without texts has no such part.
                Content.from_arrays(parts["content"], tastes)
                if "content" in parts
                else Content.fit(_by_number(None, pl.DataFrame(), catalogue), known, tastes),
                Cooccurrence.from_arrays(parts["cooccurrence"]),
                Similar.fit(baskets, catalogue.leaf),
                Popular.from_arrays(parts["popular"]),
                weights,
                Learned.from_arrays(learned, baskets, catalogue) if learned else None,
                Factors.from_arrays(parts["factors"], tastes) if "factors" in parts else None,
            )
        except (KeyError, TypeError):
            raise ModelMissing(
                f"the recommender in {str(folder)!r} is incomplete; run `aisle train`"
            ) from None


def _by_number(embeddings: Floats | None, products: pl.DataFrame, catalogue: Catalogue) -> Floats:
    """The embeddings in the order of the catalogue; no columns where none were given."""
    if embeddings is None:
        return np.empty((len(catalogue), 0), np.float32)
    found = np.full((len(catalogue), embeddings.shape[1]), np.nan, np.float32)
    found[[catalogue.number(each) for each in products["product_id"]]] = embeddings
    return found


def sold_enough(baskets: Baskets, least: int = 10) -> Ints:
    """The items of at least `least` rows, fewer in a small shop: two and one per 50 customers."""
    least = min(least, 2 + len(baskets.customers) // 50)
    rows = np.bincount(baskets.item, minlength=baskets.n_items)
    return np.flatnonzero(rows >= least).astype(np.int32)
