import pytest

from retrieval.words import terms


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("gluten free pasta under 4 dollars", ["gluten", "free", "pasta"]),
        ("what's the cheapest oat milk?", ["oat", "milk"]),
        ("ice cream between 3 and 6 dollars please", ["ice", "cream"]),
        ("48 oz ice cream for $5.99", ["48", "oz", "ice", "cream"]),
        ("vitamin d", ["vitamin", "d"]),
        ("chicken stock, is it in stock?", ["chicken", "stock"]),
        ("Milk milk MILK", ["Milk"]),
        ("toilet paper", ["toilet paper"]),
        ("有没有牛奶 milk", ["有没有牛奶", "milk"]),
        ("show me something cheap", []),
    ],
)
def test_a_query_is_what_it_asks_for(query, words):
    assert [term.text for term in terms(query)] == words
