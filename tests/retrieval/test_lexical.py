from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.lexical import Lexical
from retrieval.types import Filters
from retrieval.words import terms
from tests.retrieval.fakes import entry

TEXT = st.text(max_size=30)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.tuples(TEXT, TEXT, TEXT), category=st.lists(TEXT, max_size=3), query=TEXT)
def test_any_text_can_be_kept_and_asked_for(tmp_path, texts, category, query):
    title, brand, text = texts
    path = tmp_path / "products.sqlite"
    path.unlink(missing_ok=True)
    kept = entry("1", f"{title} lamp", " > ".join(category), "1", brand=brand, text=text, group="g")
    Lexical.build(path, [(kept, "v")], {})
    lexical = Lexical(path)
    assert [each.product_id for each in lexical.by_words(terms("lamp"), Filters(), 5)] == ["1"]
    lexical.by_words(terms(query), Filters(category=category[0] if category else None), 5)
    if brand:
        assert lexical.popular(Filters(brand=brand), 5)
    lexical.close()


def test_title_counts_more_than_category_and_category_more_than_text(tmp_path):
    entries = [
        entry("text", "One", "Two", "1", text="lamp"),
        entry("category", "Three", "Lamp", "1", text="four"),
        entry("title", "Lamp", "Five", "1", text="six"),
    ]
    path = tmp_path / "products.sqlite"
    Lexical.build(path, [(each, each.product_id) for each in entries], {})
    lexical = Lexical(path)
    found = lexical.by_words(terms("lamps"), Filters(), 5)
    assert [each.product_id for each in found] == ["title", "category", "text"]
    lexical.close()


def test_a_category_is_any_level_or_a_path(tmp_path):
    path = tmp_path / "products.sqlite"
    kept = entry("1", "Lamp", "Home > Lights > Desk lamps", "2.50")
    Lexical.build(path, [(kept, "v")], {})
    lexical = Lexical(path)
    for name in ("home", "LIGHT", "desk lamp", "home > lights", "Lights > Desk Lamps"):
        assert lexical.popular(Filters(category=name), 1), name
    for name in ("desk", "home > desk lamps", ""):
        assert not lexical.popular(Filters(category=name), 1), name
    assert not lexical.popular(Filters(max_price=Decimal("2.4999")), 1)
    lexical.close()
