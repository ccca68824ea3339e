"""Which product an item shall become, where its variants' names hold one another."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from assistant.orders.rules import Rule
from assistant.tools.order_changes import replacements
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
