from datetime import datetime, timedelta

import pytest

from retrieval.history import PastPurchase
from retrieval.search import build_retrieval, open_retrieval
from tests.retrieval.fakes import SHOP, HashingEmbedder

START = datetime(2017, 1, 1)


def bought(*product_ids):
    return [PastPurchase(each, START + timedelta(days=n)) for n, each in enumerate(product_ids)]


def ids(hits):
    return [hit.product_id for hit in hits]


@pytest.fixture(scope="module")
def retrieval(tmp_path_factory):
    found = build_retrieval(tmp_path_factory.mktemp("history"), SHOP, [], HashingEmbedder())
    yield found
    found.close()


def test_only_what_this_shopper_bought_is_found(retrieval):
    ada, bob = bought("oat-1", "ice-1"), bought("milk-1", "dog-1")
    assert ids(retrieval.history.search("ada", ada, "milk")) == ["oat-1"]
    assert ids(retrieval.history.search("bob", bob, "milk")) == ["milk-1"]
    assert ids(retrieval.history.search("ada", ada, "dog food")) == []
    assert ids(retrieval.history.search("ada", ada, "milk")) == ["oat-1"]


def test_without_a_query_the_latest_come_first(retrieval):
    purchases = bought("milk-1", "ice-1", "milk-1", "delisted")
    found = retrieval.history.search("cat", purchases, "")
    assert ids(found) == ["delisted", "milk-1", "ice-1"]


def test_dates_bound_what_is_found(retrieval):
    purchases = bought("yog-1", "yog-2", "milk-1")
    day = START + timedelta(days=1)
    assert ids(retrieval.history.search("dan", purchases, "yogurt", since=day)) == ["yog-2"]
    assert ids(retrieval.history.search("dan", purchases, "yogurt", until=day)) == ["yog-1"]
    assert ids(retrieval.history.search("dan", purchases, "", since=day, until=day)) == []


def test_a_new_purchase_is_found_at_once(retrieval):
    assert ids(retrieval.history.search("eve", bought("milk-1"), "pizza")) == []
    assert ids(retrieval.history.search("eve", bought("milk-1", "pizza-1"), "pizza")) == ["pizza-1"]


def test_nothing_is_embedded_but_the_query(tmp_path):
    embedder = HashingEmbedder()
    build_retrieval(tmp_path, SHOP, [], embedder).close()
    embedder.embedded.clear()
    found = open_retrieval(tmp_path, embedder)
    found.history.search("fay", bought("milk-1", "ice-1"), "ice cream")
    found.close()
    assert embedder.embedded == ["ice cream"]


def test_a_forgotten_shopper_leaves_nothing_on_disk(tmp_path):
    found = build_retrieval(tmp_path, SHOP, [], HashingEmbedder())
    files = set(tmp_path.rglob("*"))
    purchases = bought(*(each.product_id for each in SHOP))
    found.history.search("gil", purchases, "milk")
    assert set(tmp_path.rglob("*")) > files
    found.history.forget("gil")
    assert set(tmp_path.rglob("*")) == files
    found.history.forget("gil")
    assert ids(found.history.search("gil", purchases, "dog food")) == ["dog-1"]
    found.close()


def test_something_else_is_not_said_to_have_been_bought(real_embedder, tmp_path):
    found = build_retrieval(tmp_path, SHOP, [], real_embedder)
    purchases = bought("pizza-1", "dog-1", "tea-1")
    assert ids(found.history.search("hal", purchases, "yogurt")) == []
    assert ids(found.history.search("hal", purchases, "pizzas")) == ["pizza-1"]
    found.close()
