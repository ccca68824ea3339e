import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.shop.titles import Titles


@pytest.fixture(scope="module")
def titles():
    return Titles()


@pytest.mark.parametrize(
    ("kind", "category", "package", "brand", "title"),
    [
        ("FLUID MILK WHITE ONLY", "FLUID MILK PRODUCTS", "1 GA", "Shop", "Shop milk, 1 gal"),
        ("PREMIUM", "ICE CREAM/MILK/SHERBTS", "48 OZ", "", "Premium ice cream, 48 oz"),
        ("PREMIUM", "PASTA SAUCE", "16 OZ", "", "Pasta sauce, premium, 16 oz"),
        ("BREAD:ITALIAN/FRENCH", "BREAD", None, "", "Italian or French bread"),
        ("SOUR CREAMS", "MILK BY-PRODUCTS", "16 OZ", "Shop", "Shop sour cream, 16 oz"),
        ("MEXICAN SEASONING MIXES", "HISPANIC", "1.25 OZ", "Shop",
         "Shop Mexican seasoning mix, 1.25 oz"),
    ],
)  # fmt: skip
def test_titles_read_like_a_shops(titles, kind, category, package, brand, title):
    assert titles.title(kind, category, titles.size(package), brand) == title


@pytest.mark.parametrize(
    ("package", "size"),
    [
        ("48 OZ", "48 oz"), ("14.0 OZ", "14 oz"), (".75 OZ", "0.75 oz"), ("1/2 GAL", "0.5 gal"),
        ("12 PK/12 OZ", "12 × 12 oz"), ("6/6.75 OZ", "6 × 6.75 oz"), ("(600) 4 LB", "4 lb"),
        ("PT", "1 pt"), ("2 L*", "2 L"), ("32 LOADS", "32 loads"),
        (None, ""), ("CTN", ""), ("OZ", ""), ("0 OZ", ""), ("971838  PK", ""), ("1/0 GAL", ""),
    ],
)  # fmt: skip
def test_sizes(titles, package, size):
    assert titles.size(package) == size


def test_a_size_is_of_what_the_shopper_gets(titles):
    assert titles.size("40 LB", "PRODUCE", "BANANAS") == ""
    assert titles.size("24 CT", "PRODUCE", "HEAD LETTUCE") == ""
    assert titles.size("5 LB", "PRODUCE", "POTATOES RUSSET (BULK&BAG)") == "5 lb"
    assert titles.size("12 OZ", "GROCERY", "SOFT DRINKS 12/18&15PK CAN CAR") == "12 oz each"


@pytest.mark.parametrize(
    ("department", "category", "kind"),
    [
        ("KIOSK-GAS", "FUEL", "GASOLINE-REG UNLEADED"),
        ("GROCERY", "COUPON/MISC ITEMS", "COUPON"),
        ("DRUG GM", "BOTTLE DEPOSITS", "BOTTLE DEPOSITS"),
        ("GROCERY", None, None),
        ("MISCELLANEOUS", "BREAD", "BREAD"),
    ],
)
def test_coupons_and_fuel_are_no_products(titles, department, category, kind):
    assert not titles.is_product(department, category, kind)


@given(st.text(), st.text())
def test_a_title_is_never_empty_or_shouted(kind, category):
    titles = Titles()
    title = titles.product_type(kind, category)
    assert title.strip()
    assert "  " not in title
