import numpy as np
import polars as pl
import pytest
from scipy import sparse

from recommender.catalogue import Catalogue
from recommender.content import Content
from recommender.ease import Ease, tastes_of
from recommender.frequency import Frequency
from recommender.interactions import Baskets, clean
from recommender.models import sold_enough
from tests.recommender.shop import embeddings, interactions, products


@pytest.fixture(scope="module")
def shop():
    purchases = clean(interactions(), products()).filter(pl.col("kind") == "purchase")
    catalogue = Catalogue.of(products())
    baskets = Baskets.of(purchases, catalogue.ids)
    return catalogue, tastes_of(Frequency.fit(baskets).counts), sold_enough(baskets)


def test_a_product_that_nobody_bought_takes_after_its_like(shop):
    catalogue, tastes, known = shop
    content = Content.fit(embeddings(catalogue), known, tastes)
    new = catalogue.number("never-sold")
    assert content.nearest(new) == catalogue.number("soap")
    soap = sparse.csr_matrix(
        ([1.0], ([0], [catalogue.number("soap")])), (1, len(catalogue)), dtype=np.float32
    )
    scores = content.fold_in(soap)[0]
    assert scores[new] > 0.9
    assert scores[catalogue.number("pasta")] == 0


def test_a_model_that_does_not_know_a_product_is_filled_from_its_like(shop):
    catalogue, tastes, known = shop
    content = Content.fit(embeddings(catalogue), known, tastes)
    scores = Ease.fit(tastes, known).scores([0, 1])
    new = catalogue.number("never-sold")
    assert np.isnan(scores[:, new]).all()
    filled = content.fill(scores)
    # Soap is its only near neighbour among those that are known.
    like = content._likeness[new]
    np.testing.assert_allclose(
        filled[:, new], scores[:, like.indices] @ like.data, rtol=1e-4, atol=1e-6
    )
    learned = np.isfinite(scores)
    np.testing.assert_array_equal(filled[learned], scores[learned])


def test_a_product_without_text_stays_unknown(shop):
    catalogue, tastes, known = shop
    content = Content.fit(embeddings(catalogue), known, tastes)
    treats = catalogue.number("dog-treats")
    assert content.nearest(treats) == -1
    assert np.isnan(content.fold_in(tastes)[:, treats]).all()


@pytest.mark.parametrize("width", [0, 4])
def test_a_shop_without_texts_has_nothing_to_say(shop, width):
    catalogue, tastes, known = shop
    content = Content.fit(np.full((len(catalogue), width), np.nan, np.float32), known, tastes)
    assert np.isnan(content.scores([0])).all()
    scores = Ease.fit(tastes, known).scores([0])
    np.testing.assert_array_equal(content.fill(scores), scores)
