from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.types import Cart, CartLine, Citation, Piece, Product, ProductCard, Turn
from assistant.web.cards import cart_html, icon_of, picture_html, product_html, turn_html
from assistant.web.texts import texts

PASTA = Product(
    "10", "Spaghetti, 16 oz", ("Grocery", "Pasta"), Decimal("1.50"), "USD", size="16 oz"
)
wild = st.text() | st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


def tags(html):
    parser = Tags()
    parser.feed(html)
    return parser.seen


@given(wild, wild, wild, wild, wild)
def test_no_text_of_anybody_becomes_markup(title, reason, said, rule, image):
    product = replace(PASTA, title=title, image=image, category=(reason,))
    turn = Turn(
        "t",
        said,
        "finished",
        pieces=(
            Piece("text", rule),
            Piece("product", title, "P1"),
            Piece("citation", rule, "H1.1"),
        ),
        products=(ProductCard("P1", product, reason),),
        citations=(Citation("H1.1", "a", title, rule),),
    )
    for tag, attributes in tags(turn_html(turn, "en")):
        assert tag not in ("script", "iframe", "object", "style", "link")
        assert not any(name.startswith("on") for name in attributes)
        if tag == "img":
            assert attributes["src"].startswith(("https://", "https:", "/"))


def test_a_card_says_what_it_is_what_it_costs_and_why():
    html = product_html(ProductCard("P1", PASTA, "You bought it 3 times"), "en")
    for part in ("<h3>Spaghetti</h3>", "16 oz", "$1.50", "You bought it 3 times", 'data-add="10"'):
        assert part in html


def test_what_is_out_of_stock_has_no_button():
    html = product_html(ProductCard("P1", replace(PASTA, in_stock=False)), "en")
    assert "data-add" not in html
    assert "Out of stock" in html


def test_suggestions_stand_where_the_reply_names_them():
    cards = tuple(ProductCard(f"P{n}", replace(PASTA, product_id=str(n))) for n in (1, 2, 3))
    turn = Turn(
        "t",
        "hello",
        "finished",
        pieces=(Piece("text", "First"), Piece("product", "", "P2"), Piece("text", "Last")),
        products=cards,
    )
    html = turn_html(turn, "en")
    places = [html.index(each) for each in ("First", 'data-product="2"', "Last")]
    assert places == sorted(places)
    assert html.count('data-product="2"') == 1
    assert html.index("tray") > html.index("Last")
    assert html.count("<article") == 3


@pytest.mark.parametrize("image", ["javascript:alert(1)", "data:text/html,x", "http://a/b.png", ""])
def test_a_picture_from_a_strange_place_is_an_icon(image):
    assert "<img" not in picture_html(replace(PASTA, image=image))


@pytest.mark.parametrize(
    ("category", "icon"),
    [
        (("Grocery", "Milk"), "milk"),
        (("Grocery", "Cat food"), "pet"),
        (("Meat", "Beef"), "meat"),
        (("Grocery", "Frozen pizza"), "frozen"),
        (("Fruit & vegetables", "Unheard of"), "carrot"),
        (("Hardware",), "basket"),
    ],
)
def test_icons_follow_the_category(category, icon):
    assert icon_of(category) == icon


def test_every_icon_is_drawn():
    from pathlib import Path

    from assistant.web import cards

    drawn = (Path(cards.__file__).parent / "static" / "icons.svg").read_text()
    for icon in [name for name, _ in cards._ICONS] + ["basket", "up", "down", "send", "stop"]:
        assert f'id="{icon}"' in drawn


def test_the_cart_adds_up():
    cart = Cart((CartLine(PASTA, 3),), "USD")
    html = cart_html(cart, "en")
    assert html.count("$4.50") == 2
    assert "empty" in cart_html(Cart((), "USD"), "en")


def test_every_text_is_in_both_languages():
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    assert all(chinese.values())
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in chinese[key])
               for key in chinese if key != "language")  # fmt: skip
