"""What a shopper buys again: their own decayed counts and EASE's smoothing of them.

The counts say what this shopper buys; the smoothing moves them towards what shoppers of the same
tastes buy. How much it weighs, the decay and whether the rhythm counts are picked on the
validation basket of the shop, the second to last of each customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.ease import Ease, tastes_of
from recommender.frequency import Frequency, Habits
from recommender.interactions import DAY, Baskets, Question, split

DECAYS = (0.95, 0.97, 0.98)
EASE_WEIGHTS = (0.0, 0.3, 1.0, 2.0, 3.0, 5.0)
_ASKED = 2500
_FEWEST = 50
_BATCH = 100
_K = 10
_JUST_BOUGHT = 0.3
_GIVEN_UP = 3.0

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """The score is (decayed count + `ease` × smoothed count), times the rhythm's factor if any."""

    decay: float = 0.97
    ease: float = 2.0
    rhythm: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def blended(counts: Any, smoothed: Any, habits: Habits, weights: Weights, now: float) -> Scores:
    """Scores of a customer's own items (`habits.items`) from their decayed counts and EASE's
    smoothing of them, both over all items (NaN counts as 0). `now` is in seconds since 1970.
    """
    own = np.asarray(counts, np.float64)[habits.items]
    similar = np.nan_to_num(np.asarray(smoothed, np.float64)[habits.items])
    score = own + weights.ease * similar
    return np.asarray(score * due(habits, now) if weights.rhythm else score)


def due(habits: Habits, now: float) -> Scores:
    """A factor by item, 1 where no rhythm is known: from a half just after a purchase to 1 at
    three tenths of the usual gap, and falling once three gaps have passed.
    """
    gap = np.where(np.isfinite(habits.every_days), np.maximum(habits.every_days, 1), np.inf)
    waited = np.maximum((now - habits.last_at) / DAY, 0) / gap
    early = np.where(np.isfinite(gap), 0.5 + 0.5 * np.minimum(waited / _JUST_BOUGHT, 1), 1.0)
    return np.asarray(early * np.minimum(1, _GIVEN_UP / np.maximum(waited, _GIVEN_UP)))


def tuned(purchases: pl.DataFrame, hold: int = 1) -> Weights:
    """The weights of the best recall at 10 on the validation basket, of at most 2,500 customers:
    basket `hold` from the end, 1 where the last one is kept for the test.

    Fewer than 50 customers of five baskets say too little: then the defaults.
    """
    validation = split(purchases, hold)
    past, questions = validation.past, validation.questions
    if len(questions) < _FEWEST:
        return Weights()
    asked = questions[:: -(-len(questions) // _ASKED)]
    counted = {decay: Frequency.fit(past, decay) for decay in DECAYS}
    alone = [Weights(ease=0, rhythm=False)]
    decay = max(DECAYS, key=lambda each: recalls(past, asked, counted[each], None, alone)[0])
    known = np.arange(past.n_items, dtype=np.int32)
    ease = Ease.fit(tastes_of(counted[decay].counts), known)
    grid = [Weights(decay, weight, rhythm) for weight in EASE_WEIGHTS for rhythm in (False, True)]
    return grid[int(np.argmax(recalls(past, asked, counted[decay], ease, grid)))]


def recalls(
    past: Baskets,
    questions: Sequence[Question],
    frequency: Frequency,
    ease: Ease | None,
    grid: Sequence[Weights],
) -> Scores:
    """The mean recall at 10 of each of the weights; without `ease` nothing is smoothed."""
    total = np.zeros(len(grid))
    for start in range(0, len(questions), _BATCH):
        batch = questions[start : start + _BATCH]
        rows = frequency.rows([question.user for question in batch])
        counts = rows.toarray()
        smoothed = np.zeros_like(counts) if ease is None else ease.smooth(rows)
        for row, question in enumerate(batch):
            habits = Habits.of(past, question.user)
            for column, weights in enumerate(grid):
                score = blended(counts[row], smoothed[row], habits, weights, question.at)
                best = habits.items[np.argsort(-score, kind="stable")[:_K]]
                total[column] += np.isin(question.items, best).mean()
    return total / max(len(questions), 1)
