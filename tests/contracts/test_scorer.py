"""What every model of the recommender must do, whatever its rows are: customers or products."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from recommender.catalogue import Catalogue
from recommender.content import Content
from recommender.cooccurrence import Cooccurrence
from recommender.ease import Ease, tastes_of
from recommender.factors import Factors
from recommender.frequency import Frequency
from recommender.interactions import Baskets, clean
from recommender.logistic import Logistic, LogisticSettings
from recommender.models import sold_enough
from recommender.neighbours import ItemNeighbours, UserNeighbours
from recommender.popular import Popular
from recommender.sequence import SequenceModel, SequenceSettings, histories_of
from recommender.similar import Similar
from recommender.tifu import Tifu
from tests.recommender.shop import embeddings, interactions, products


@dataclass(frozen=True)
class Shop:
    catalogue: Catalogue
    baskets: Baskets

    @property
    def known(self):
        return sold_enough(self.baskets)

    @property
    def counts(self):
        return Frequency.fit(self.baskets).counts


@dataclass(frozen=True)
class Case:
    """How to fit a model on the tiny shop and to make it again from its arrays.

    `rows` says what its rows are; `everyone` that it knows no shopper, so that an unknown one is
    like any other; `folds` that it scores a taste made up just now.
    """

    fit: Callable[[Shop], Any]
    load: Callable[[dict[str, Any], Shop], Any]
    rows: str = "customers"
    everyone: bool = False
    folds: bool = False


CASES = {
    "popular": Case(
        lambda shop: Popular.fit(shop.baskets),
        lambda saved, shop: Popular.from_arrays(saved),
        everyone=True,
    ),
    "frequency": Case(
        lambda shop: Frequency.fit(shop.baskets),
        lambda saved, shop: Frequency.from_arrays(saved, shop.baskets),
    ),
    "ease": Case(
        lambda shop: Ease.fit(tastes_of(shop.counts), shop.known),
        lambda saved, shop: Ease.from_arrays(saved, tastes_of(shop.counts)),
        folds=True,
    ),
    "factors": Case(
        lambda shop: Factors.fit(tastes_of(shop.counts), shop.known, factors=4),
        lambda saved, shop: Factors.from_arrays(saved, tastes_of(shop.counts)),
        folds=True,
    ),
    "user_neighbours": Case(
        lambda shop: UserNeighbours.fit(shop.counts),
        lambda saved, shop: UserNeighbours.from_arrays(saved, shop.counts),
        folds=True,
    ),
    "item_neighbours": Case(
        lambda shop: ItemNeighbours.fit(tastes_of(shop.counts), shop.known),
        lambda saved, shop: ItemNeighbours.from_arrays(saved, tastes_of(shop.counts)),
        folds=True,
    ),
    "tifu": Case(
        lambda shop: Tifu.fit(shop.baskets),
        lambda saved, shop: Tifu.from_arrays(saved, shop.baskets),
    ),
    "cooccurrence": Case(
        lambda shop: Cooccurrence.fit(shop.baskets, shop.known, shop.catalogue.leaf),
        lambda saved, shop: Cooccurrence.from_arrays(saved),
        rows="products",
    ),
    "content": Case(
        lambda shop: Content.fit(embeddings(shop.catalogue), shop.known, tastes_of(shop.counts)),
        lambda saved, shop: Content.from_arrays(saved, tastes_of(shop.counts)),
        folds=True,
    ),
    "logistic": Case(
        lambda shop: Logistic.fit(shop.baskets, LogisticSettings(dim=8, epochs=3)),
        lambda saved, shop: Logistic.from_arrays(saved),
    ),
    "sequence": Case(
        lambda shop: SequenceModel.fit(shop.baskets, SequenceSettings(dim=8, epochs=2)),
        lambda saved, shop: SequenceModel.from_arrays(saved, histories_of(shop.baskets)),
    ),
    # Nothing of its own to save: it is the baskets.
    "similar": Case(
        lambda shop: Similar.fit(shop.baskets, shop.catalogue.leaf),
        lambda saved, shop: Similar.fit(Baskets.from_arrays(saved), shop.catalogue.leaf),
        rows="products",
    ),
}


@pytest.fixture(scope="module")
def shop():
    purchases = clean(interactions(), products()).filter(pl.col("kind") == "purchase")
    catalogue = Catalogue.of(products())
    return Shop(catalogue, Baskets.of(purchases, catalogue.ids))


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def scorer(case, shop):
    return case.fit(shop)


def rows_of(case, shop):
    if case.rows == "products":
        return [shop.catalogue.number(each) for each in ("milk", "bread")]
    return list(range(len(shop.baskets.customers)))


def test_a_row_for_each_and_a_column_for_every_item(scorer, shop):
    scores = scorer.scores([0, 1, 0])
    assert scores.shape == (3, len(shop.catalogue))
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores[0], scores[2])


def test_known_rows_have_finite_scores_and_no_infinite_ones(case, scorer, shop):
    scores = scorer.scores(rows_of(case, shop))
    assert np.isfinite(scores).any(axis=1).all()
    assert not np.isinf(scores).any()


def test_unknown_rows_never_raise(case, scorer):
    scores = scorer.scores([-1, 10_000, -10_000])
    if case.everyone:
        assert np.isfinite(scores).all()
    else:
        assert np.isnan(scores).all()


def test_unknown_rows_change_nothing_for_those_beside_them(case, scorer, shop):
    known = rows_of(case, shop)[:2]
    mixed = scorer.scores([known[0], -1, known[1]])
    np.testing.assert_allclose(mixed[[0, 2]], scorer.scores(known), rtol=1e-5, atol=1e-6)


def test_no_rows_no_scores(scorer, shop):
    assert scorer.scores([]).shape == (0, len(shop.catalogue))


def test_deterministic(case, scorer, shop):
    rows = rows_of(case, shop)[:5]
    np.testing.assert_array_equal(scorer.scores(rows), case.fit(shop).scores(rows))


def test_saved_and_loaded_it_scores_the_same(case, scorer, shop, tmp_path):
    path = tmp_path / "saved.npz"
    arrays = scorer.arrays() if hasattr(scorer, "arrays") else shop.baskets.arrays()
    np.savez(path, allow_pickle=False, **arrays)
    with np.load(path, allow_pickle=False) as saved:
        loaded = case.load(dict(saved), shop)
    rows = range(8)
    np.testing.assert_array_equal(scorer.scores(rows), loaded.scores(rows))


class TestFoldIn:
    @pytest.fixture
    def folding(self, case, scorer):
        if not case.folds:
            pytest.skip("this model does not fold in")
        return scorer

    def taste(self, shop, **weights):
        row = np.zeros((1, len(shop.catalogue)), np.float32)
        for product_id, weight in weights.items():
            row[0, shop.catalogue.number(product_id)] = weight
        return sparse.csr_matrix(row)

    def test_a_taste_made_up_just_now_has_scores(self, folding, shop):
        scores = folding.fold_in(self.taste(shop, pasta=1, sauce=1))
        assert scores.shape == (1, len(shop.catalogue))
        assert scores.dtype == np.float32
        rice, soap = (scores[0, shop.catalogue.number(each)] for each in ("rice", "soap"))
        assert rice > soap

    def test_an_empty_taste_prefers_nothing(self, folding, shop):
        assert not np.nan_to_num(folding.fold_in(self.taste(shop))).any()
