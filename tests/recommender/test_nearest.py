import sys

import numpy as np
import pytest

from recommender.errors import ExtraMissing
from recommender.nearest import Nearest


def factors(n_items, n_shoppers, seed=0):
    """Items about a hundred centres, shoppers near some of them, as tastes are."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(100, 32))
    items = centres[draw.integers(100, size=n_items)] + 0.5 * draw.normal(size=(n_items, 32))
    shoppers = centres[draw.integers(100, size=n_shoppers)] + draw.normal(size=(n_shoppers, 32))
    return items.astype(np.float32), shoppers.astype(np.float32)


def test_an_exact_search_gives_the_best_in_order():
    items, shoppers = factors(500, 20)
    numbers, scores = Nearest.fit(items).top(shoppers, 10)
    whole = shoppers @ items.T
    np.testing.assert_array_equal(numbers, np.argsort(-whole, axis=1)[:, :10])
    np.testing.assert_allclose(scores, -np.sort(-whole, axis=1)[:, :10], rtol=1e-5)


def test_more_than_there_are():
    items, shoppers = factors(4, 2)
    numbers, _ = Nearest.fit(items).top(shoppers, 10)
    assert numbers.shape == (2, 4)
    assert Nearest.fit(items).top(shoppers, 0)[0].shape == (2, 0)


def test_an_index_finds_what_brute_force_finds():
    pytest.importorskip("faiss", reason="faiss is not installed: pip install 'aisle[index]'")
    items, shoppers = factors(30_000, 200)
    exact, _ = Nearest.fit(items).top(shoppers, 10)
    found, scores = Nearest.fit(items, exact=1000).top(shoppers, 10)
    hits = [len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]
    assert np.mean(hits) >= 0.95
    own = np.take_along_axis(shoppers @ items.T, found, axis=1)
    np.testing.assert_allclose(scores, own, rtol=1e-4)


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    items, _ = factors(50, 1)
    with pytest.raises(ExtraMissing, match=r"aisle\[index\]"):
        Nearest.fit(items, exact=10)
