"""What every model of the recommender must do, whatever its rows are: customers or products."""

import numpy as np
import polars as pl
import pytest

from recommender.catalogue import Catalogue
from recommender.cooccurrence import Cooccurrence
from recommender.ease import Ease, tastes_of
from recommender.frequency import Frequency
from recommender.interactions import Baskets, clean
from recommender.models import sold_enough
from recommender.popular import Popular
from recommender.similar import Similar
from tests.recommender.shop import interactions, products

SCORERS = ("frequency", "ease", "cooccurrence", "similar", "popular")


@pytest.fixture(scope="module")
def parts():
    purchases = clean(interactions(), products()).filter(pl.col("kind") == "purchase")
    catalogue = Catalogue.of(products())
    return catalogue, Baskets.of(purchases, catalogue.ids)


def fit(name, parts):
    catalogue, baskets = parts
    known = sold_enough(baskets)
    match name:
        case "frequency":
            return Frequency.fit(baskets)
        case "ease":
            return Ease.fit(tastes_of(Frequency.fit(baskets).counts), known)
        case "cooccurrence":
            return Cooccurrence.fit(baskets, known, catalogue.leaf)
        case "similar":
            return Similar.fit(baskets, catalogue.leaf)
        case _:
            return Popular.fit(baskets)


def again(name, scorer, parts, path):
    """What comes back after a write to disk."""
    catalogue, baskets = parts
    if name == "similar":  # nothing of its own to save
        return Similar.fit(Baskets.from_arrays(through(baskets.arrays(), path)), catalogue.leaf)
    saved = through(scorer.arrays(), path)
    match name:
        case "frequency":
            return Frequency.from_arrays(saved, baskets)
        case "ease":
            return Ease.from_arrays(saved, tastes_of(Frequency.fit(baskets).counts))
        case "cooccurrence":
            return Cooccurrence.from_arrays(saved)
        case _:
            return Popular.from_arrays(saved)


def through(arrays, path):
    np.savez(path, **arrays)
    with np.load(path, allow_pickle=False) as saved:
        return dict(saved)


@pytest.mark.parametrize("name", SCORERS)
class TestScorer:
    def test_a_row_for_each_and_a_column_for_every_item(self, name, parts):
        scores = fit(name, parts).scores([0, 1, 0])
        assert scores.shape == (3, len(parts[0]))
        assert scores.dtype == np.float32
        np.testing.assert_array_equal(scores[0], scores[2])

    def test_known_rows_have_finite_scores_and_no_infinite_ones(self, name, parts):
        catalogue, baskets = parts
        rows = range(len(baskets.customers))
        if name in ("cooccurrence", "similar"):
            rows = [catalogue.number(each) for each in ("milk", "bread")]
        scores = fit(name, parts).scores(rows)
        assert np.isfinite(scores).any(axis=1).all()
        assert not np.isinf(scores).any()

    def test_unknown_rows_never_raise(self, name, parts):
        scores = fit(name, parts).scores([-1, 10_000, -10_000])
        if name == "popular":  # knows no shopper, so all are alike
            assert np.isfinite(scores).all()
        else:
            assert np.isnan(scores).all()

    def test_no_rows_no_scores(self, name, parts):
        assert fit(name, parts).scores([]).shape == (0, len(parts[0]))

    def test_deterministic(self, name, parts):
        rows = range(5)
        first, second = (fit(name, parts).scores(rows) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_saved_and_loaded_it_scores_the_same(self, name, parts, tmp_path):
        scorer = fit(name, parts)
        loaded = again(name, scorer, parts, tmp_path / "saved.npz")
        rows = range(8)
        np.testing.assert_array_equal(scorer.scores(rows), loaded.scores(rows))
