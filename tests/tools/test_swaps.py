"""Which item shall become which product, by the shopper's own words."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from assistant.orders.rules import Rule
from assistant.tools.choosing import titles_in
from assistant.tools.swaps import pairs, replacements, swap_kind
from assistant.types import OrderLine, Product

CAMERAS = [
    Product(str(number), title, ("Cameras",), Decimal("9.00"), "USD", variant_of="camera")
    for number, title in enumerate(
        ["Camera, waterproof, silver", "Camera, waterproof, black", "Camera, no waterproof, black"]
    )
]


@pytest.fixture
def context():
    catalogue = SimpleNamespace(
        product=lambda product_id: CAMERAS[int(product_id)], variants=lambda _: CAMERAS
    )
    rules = SimpleNamespace(rule=lambda _: Rule(within="variants"))
    return SimpleNamespace(
        orders=SimpleNamespace(rules=rules), shop=SimpleNamespace(catalogue=catalogue)
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("camera, waterproof, black", ["1"]),
        ("no waterproof", ["2"]),
        ("black", ["1", "2"]),
        ("pink", ["1", "2"]),
    ],
    ids=["its very name", "words of one", "words of two", "words of none"],
)
def test_a_variant_by_its_words(context, words, found):
    line = OrderLine("0", "Camera, waterproof, silver", 1, Decimal("9.00"))
    shown = replacements(context, "exchange_items", line, words)
    assert [each.product_id for each in shown] == found


def test_a_title_is_not_read_out_of_a_longer_one():
    found, rest = titles_in("return the Oat milk, please", ["Milk", "Oat milk", "Bread"])
    assert found == ["Oat milk"]
    assert rest == "return the , please"


@pytest.fixture
def order():
    return SimpleNamespace(
        order_id="1",
        status="delivered",
        lines=[OrderLine("0", CAMERAS[0].title, 1, Decimal("9.00"))],
    )


def test_whole_names_decide_however_the_model_cut_them(context, order):
    """The old before the new, as people say it; said the other way round, the model is heard."""
    context.text = f"swap the {CAMERAS[0].title} for the {CAMERAS[2].title}"
    cut = ["Camera", "waterproof", "silver"], ["Camera", "no waterproof"]
    ((line, new),) = pairs(context, "exchange_items", order, *cut)
    assert (line.product_id, new.product_id) == ("0", "2")
    context.text = f"I want the {CAMERAS[2].title} instead of the {CAMERAS[0].title}"
    context.find = lambda _: None
    ((line, new),) = pairs(context, "exchange_items", order, ["silver"], ["no waterproof"])
    assert (line.product_id, new.product_id) == ("0", "2")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("delivered", "exchange_items"), ("placed", "change_order_items"), ("lost", "exchange_items")],
)
def test_the_order_says_what_a_swap_is(context, order, status, kind):
    states = {"exchange_items": ("delivered",), "change_order_items": ("placed",)}
    context.orders.rules.rule = lambda each: Rule(states=states[each])
    order.status = status
    assert swap_kind(context, "exchange_items", order) == kind
