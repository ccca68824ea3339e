import shutil
from dataclasses import replace
from decimal import Decimal

import pytest

from retrieval.errors import IndexMissing
from retrieval.search import ProductSearch, build_retrieval, open_retrieval
from retrieval.types import Filters
from tests.retrieval.fakes import BY_ID, SHOP, HashingEmbedder, entry
from tests.retrieval.helpdesk import ARTICLES


def ids(hits):
    return [hit.product_id for hit in hits]


def test_hybrid_finds_what_only_one_method_knows(products):
    # "tissues" stems to the title's word; the brand is in no vector.
    assert ids(products.search("oatify", k=1).hits) == ["oat-1"]
    assert products.search("oatify", k=1, method="dense").hits == ()


def test_sizes_of_one_thing_leave_room_for_others(tmp_path):
    sizes = [
        entry(f"van-{n}", f"Vanilla ice cream, {n} oz", "Frozen", "3", popularity=100 + n)
        for n in range(8)
    ]
    other = entry("mint", "Mint ice cream, 48 oz", "Frozen", "3", popularity=1)
    found = ProductSearch.build(tmp_path, [*sizes, other], HashingEmbedder())
    assert "mint" in ids(found.search("ice cream", k=4).hits)
    assert len(found.search("ice cream", k=9).hits) == 9
    found.close()


def test_words_of_price_and_shopping_are_not_searched_for(products):
    plain = products.search("ice cream")
    asked = products.search("Hi, I'd like to buy some cheap ice cream for under $6 please")
    assert ids(asked.hits) == ids(plain.hits)
    assert asked.missing == ()


def test_other_names_and_slips_of_spelling_are_understood(products):
    paper = products.search("toilet paper")
    assert ids(paper.hits)[0] == "tissue-1"
    assert paper.missing == ()
    slip = products.search("choclate bar")
    assert ids(slip.hits)[0] == "choc-1"
    assert slip.missing == ()


def test_signs_without_spaces_match(products):
    assert ids(products.search("我想买绿茶", method="lexical").hits) == ["tea-1"]
    assert products.search("牛奶", method="lexical").hits == ()


def test_a_query_without_content_gives_what_is_popular_under_the_limits(products):
    found = products.search("something cheap", Filters(category="grocery"), k=2)
    assert ids(found.hits) == ["milk-1", "pasta-1"]
    assert products.search("something cheap").hits == ()


def test_what_is_in_stock_comes_before_what_is_not(products):
    found = ids(products.search("chocolate bar", k=5).hits)
    assert found.index("choc-1") < found.index("choc-2")


def test_similar_is_near_and_not_the_product_itself(products):
    near = ids(products.similar("ice-1", 3))
    assert near[0] == "ice-2"
    assert "ice-1" not in near
    cheap = Filters(max_price=Decimal("4.98"))
    assert "ice-2" not in ids(products.similar("ice-1", 3, cheap))
    assert products.similar("no-such-product", 3) == ()


def test_a_limit_must_be_a_number():
    with pytest.raises(ValueError, match="max_price"):
        Filters(max_price=Decimal("NaN"))


def test_an_unbounded_limit_is_no_limit(products):
    wide = Filters(min_price=Decimal("-1e99"), max_price=Decimal("Infinity"))
    assert products.search("milk", wide).hits == products.search("milk").hits


def test_building_the_same_again_embeds_nothing(shop_folder, tmp_path):
    folder = tmp_path / "search"
    shutil.copytree(shop_folder, folder)
    again = HashingEmbedder()
    ProductSearch.build(folder, SHOP, again).close()
    assert again.embedded == []


def test_a_change_of_price_embeds_nothing_and_shows(shop_folder, tmp_path):
    folder = tmp_path / "search"
    shutil.copytree(shop_folder, folder)
    embedder = HashingEmbedder()
    dearer = [replace(e, price=e.price + 10) for e in SHOP]
    found = ProductSearch.build(folder, dearer, embedder)
    assert embedder.embedded == []
    assert found.search("milk", Filters(max_price=Decimal(9))).hits == ()
    found.close()


def test_a_rebuild_drops_what_is_no_longer_sold_and_embeds_only_what_is_new(shop_folder, tmp_path):
    folder = tmp_path / "search"
    shutil.copytree(shop_folder, folder)
    embedder = HashingEmbedder()
    new = entry("soap", "Bar soap", "Household", "1")
    left = [e for e in SHOP if "pizza" not in e.title]
    found = ProductSearch.build(folder, [*left, new], embedder)
    assert embedder.embedded == ["Bar soap. Household"]
    assert found.search("pizza").hits == ()
    assert ids(found.search("soap").hits) == ["soap"]
    found.close()


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path):
    class Tired(HashingEmbedder):
        def embed(self, texts, progress=None):
            if self.embedded:
                raise KeyboardInterrupt
            return super().embed(texts, progress)

    entries = [entry(f"p{n}", f"Thing {n:04}x", "All", "1") for n in range(700)]
    tired = Tired()
    with pytest.raises(KeyboardInterrupt):
        ProductSearch.build(tmp_path, entries, tired)
    with pytest.raises(IndexMissing, match="build"):
        ProductSearch.open(tmp_path, tired)
    rested = HashingEmbedder()
    seen = []
    ProductSearch.build(tmp_path, entries, rested, lambda *each: seen.append(each)).close()
    assert len(tired.embedded) + len(rested.embedded) == 700
    assert seen[-1] == (700, 700)


def test_other_weights_make_every_vector_anew(shop_folder, tmp_path):
    folder = tmp_path / "search"
    shutil.copytree(shop_folder, folder)
    other = HashingEmbedder("other")
    with pytest.raises(IndexMissing, match="another embedding model"):
        ProductSearch.open(folder, other)
    ProductSearch.build(folder, SHOP, other).close()
    assert len(other.embedded) > 10
    ProductSearch.open(folder, other).close()


@pytest.mark.parametrize("name", ["products.sqlite", "help.json", "vectors/chroma.sqlite3"])
def test_a_missing_or_damaged_file_is_said(shop_folder, tmp_path, name):
    folder = tmp_path / "search"
    build_retrieval(folder, SHOP, ARTICLES, HashingEmbedder()).close()
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / name).write_bytes(b"no such format" * 999)
    with pytest.raises(IndexMissing, match="build"):
        open_retrieval(broken, HashingEmbedder())
    gone = tmp_path / "gone"
    shutil.copytree(folder, gone)
    (gone / name).unlink()
    with pytest.raises(IndexMissing, match="build"):
        open_retrieval(gone, HashingEmbedder())


def test_an_empty_shop_is_a_shop(tmp_path):
    found = ProductSearch.build(tmp_path, [], HashingEmbedder())
    assert found.search("milk").hits == ()
    found.close()


def test_words_and_meaning_with_the_real_model(real_embedder, tmp_path):
    found = ProductSearch.build(tmp_path, SHOP, real_embedder)
    assert ids(found.search("puppy kibble").hits)[0] == "dog-1"
    assert ids(found.search("macaroni").hits)[0].startswith("pasta")
    for nothing in ("a helicopter", "xqzzt", "mortgage"):
        assert found.search(nothing).hits == ()
    assert {BY_ID[each].category[-1] for each in ids(found.similar("ice-1", 1))} == {"Ice cream"}
    found.close()
