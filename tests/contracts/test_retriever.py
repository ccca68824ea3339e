"""What every way to search products must do."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.search import ProductSearch
from retrieval.types import Filters
from tests.retrieval.fakes import BY_ID, SHOP, HashingEmbedder

METHODS = ("hybrid", "lexical", "dense")
QUERIES = st.one_of(
    st.sampled_from(["milk", "chocolate ice cream", "pasta", "food for a dog", "yogurt or tea"]),
    st.lists(
        st.sampled_from([w for e in SHOP for w in e.title.split()]), min_size=1, max_size=4
    ).map(" ".join),
)
PRICES = st.none() | st.decimals(min_value=0, max_value=25, places=3)
FILTERS = st.builds(
    Filters,
    min_price=PRICES,
    max_price=PRICES,
    category=st.sampled_from([None, "Grocery", "dairy", "FROZEN", "Ice Creams", "Nowhere"]),
    brand=st.sampled_from([None, "acme", "Oatify", "None such"]),
    exclude=st.frozensets(st.sampled_from(sorted(BY_ID))),
)


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    found = ProductSearch.build(tmp_path_factory.mktemp("contract"), SHOP, HashingEmbedder())
    yield found
    found.close()


def keeps(entry, filters):
    names = {name.lower() for name in entry.category}
    wanted = (filters.category or "").lower()
    return (
        (filters.min_price is None or entry.price >= filters.min_price)
        and (filters.max_price is None or entry.price <= filters.max_price)
        and (filters.category is None or wanted in names or wanted.removesuffix("s") in names)
        and (filters.brand is None or entry.brand.lower() == filters.brand.lower())
        and entry.product_id not in filters.exclude
    )


@pytest.mark.parametrize("method", METHODS)
class TestRetriever:
    @settings(max_examples=60, deadline=None)
    @given(query=QUERIES, filters=FILTERS, k=st.integers(1, 8))
    def test_no_hit_breaks_a_limit(self, products, method, query, filters, k):
        hits = products.search(query, filters, k, method).hits
        assert all(keeps(BY_ID[hit.product_id], filters) for hit in hits)
        assert len(hits) <= k

    @settings(max_examples=60, deadline=None)
    @given(query=QUERIES, filters=FILTERS)
    def test_a_group_shows_its_most_popular_product_that_passes(
        self, products, method, query, filters
    ):
        hits = products.search(query, filters, len(SHOP), method).hits
        groups = [BY_ID[hit.product_id].group for hit in hits]
        assert len(set(groups)) == len(groups)
        for hit in hits:
            shown = BY_ID[hit.product_id]
            rivals = [e for e in SHOP if e.group == shown.group and keeps(e, filters)]
            assert shown.popularity == max(e.popularity for e in rivals)

    @settings(max_examples=40, deadline=None)
    @given(filters=FILTERS)
    def test_a_limit_does_not_hide_what_fits(self, products, method, filters):
        found = {hit.product_id for hit in products.search("milk", filters, 10, method).hits}
        fitting = {e.group for e in SHOP if "milk" in e.title and keeps(e, filters)}
        assert {BY_ID[each].group for each in found} >= fitting

    def test_the_thing_named_comes_first(self, products, method):
        for query, best in [("oat milk", "oat-1"), ("greek yogurt", "yog-2"), ("pizza", "pizza-1")]:
            assert products.search(query, k=3, method=method).hits[0].product_id == best

    def test_scores_fall(self, products, method):
        scores = [hit.score for hit in products.search("chocolate", k=9, method=method).hits]
        assert len(scores) > 1
        assert scores == sorted(scores, reverse=True)

    def test_nonsense_finds_nothing(self, products, method):
        assert products.search("xqzzt", method=method).hits == ()

    def test_a_missing_word_is_said(self, products, method):
        result = products.search("gluten free ice cream", Filters(category="frozen"), method=method)
        assert result.hits
        assert result.missing == ("gluten", "free")

    @settings(max_examples=80, deadline=None)
    @given(query=st.text(max_size=60) | st.text('"*^():-+ ANDORNOT牛奶milk\0\ud800', max_size=30))
    def test_any_text_is_a_query(self, products, method, query):
        assert len(products.search(query, k=3, method=method).hits) <= 3

    def test_threads_get_what_one_gets(self, products, method):
        queries = ["milk", "chocolate bar", "dog food", "penne pasta"] * 8
        alone = [products.search(query, k=5, method=method) for query in queries]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda q: products.search(q, k=5, method=method), queries))
        assert together == alone


def test_prices_are_exact(products):
    at_limit = Filters(min_price=Decimal("4.99"), max_price=Decimal("4.99"))
    hits = products.search("ice cream", at_limit).hits
    assert {hit.product_id for hit in hits} == {"ice-1", "ice-2"}
    below = Filters(max_price=Decimal("4.98999"))
    assert products.search("ice cream", below, method="lexical").hits == ()
