"""Prices per unit, which a comparison rests on."""

from decimal import Decimal

import pytest

from assistant.tools.products import unit_prices
from assistant.types import Product


def product(price, size):
    return Product("1", "Thing", ("Shelf",), Decimal(price), "USD", size=size)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([("4.49", "4 lb"), ("2.69", "5 oz")], [("0.070", "oz"), ("0.538", "oz")]),
        ([("2.56", "1 gal"), ("1.60", "1 pt")], [("0.020", "oz"), ("0.100", "oz")]),
        ([("4.00", "1 lb"), ("2.00", "1 lb")], [("4.000", "lb"), ("2.000", "lb")]),
        ([("3.00", "2 kg"), ("1.00", "500 g")], [("0.002", "g"), ("0.002", "g")]),
        ([("3.00", "12 ct"), ("1.00", "8 oz")], [("0.250", "ct"), ("0.125", "oz")]),
        ([("4.00", "1 lb"), ("2.00", "1 gal")], [("4.000", "lb"), ("2.000", "gal")]),
    ],
    ids=["pounds", "gallons", "the same", "metric", "counts", "weight beside volume"],
)
def test_prices_are_in_one_unit_where_there_is_one(sizes, expected):
    found = unit_prices([product(*each) for each in sizes])
    assert found == [(Decimal(price), unit) for price, unit in expected]


@pytest.mark.parametrize("size", ["", "large", "0 oz", "3 x 4 oz"])
def test_a_size_without_an_amount_has_no_price_per_unit(size):
    assert unit_prices([product("2.00", size)]) == [None]
