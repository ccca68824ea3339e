from datetime import timedelta

import polars as pl

from recommender.interactions import clean
from recommender.quality import Quality
from tests.recommender.shop import EVERY, HABITS, START, interactions, products

ROWS = interactions().height


def with_rows(*rows):
    extra = pl.DataFrame(rows, schema=interactions().schema, orient="row")
    return pl.concat([interactions(), extra])


def test_every_row_is_used_or_counted_with_its_reason():
    dirty = with_rows(
        (None, "milk", "purchase", 1.0, START),
        ("ann", "milk", "purchase", 1.0, None),
        ("ann", "milk", "stolen", 1.0, START),
        ("ann", "milk", None, 1.0, START),
        ("ann", "milk", "purchase", float("nan"), START),
        ("ann", "milk", "purchase", None, START),
        ("ann", "milk", "purchase", 0.0, START),
        ("ann", "milk", "purchase", -2.0, START),
        ("ann", "unheard-of", "purchase", 1.0, START),
        ("ann", "milk", "purchase", 3.0, START),  # the same as the first of her own
    )
    quality = Quality.of(dirty, products())
    assert quality.rows == ROWS + 10
    assert quality.unusable == {
        "an unknown kind": 2,
        "no finite value": 2,
        "a purchase of nothing": 2,
        "no customer": 1,
        "no time": 1,
        "a product that is not sold": 1,
    }
    assert quality.repeated == 1
    used = clean(dirty, products())
    assert sum(quality.used.values()) == used.height
    assert quality.rows - sum(quality.unusable.values()) - quality.repeated == used.height


def test_what_is_far_from_the_usual_is_counted():
    hoard = with_rows(
        ("ann", "rice", "purchase", 400.0, START),
        *(("bob", "rice", "purchase", 1.0, START + timedelta(hours=n)) for n in range(50)),
    )
    quality = Quality.of(hoard, products())
    assert quality.bulk == 1
    assert quality.heavy == 1
    clean_shop = Quality.of(interactions(), products())
    assert (clean_shop.bulk, clean_shop.heavy) == (0, 0)


def test_the_split_holds_out_a_basket_of_those_with_five():
    longer = with_rows(
        *(("ann", "milk", "purchase", 1.0, START + EVERY * (10 + n)) for n in range(6))
    )
    validation, test = Quality.of(longer, products()).splits
    assert (test.name, test.customers, test.rows) == ("test", 1, 1)
    assert validation.past == test.past - 1
    assert len(HABITS) == Quality.of(longer, products()).customers - 1  # zoe only looks


def test_a_shop_without_interactions():
    quality = Quality.of(interactions().clear(), products())
    assert (quality.rows, quality.customers, quality.used) == (0, 0, {})
    assert all(each.customers == 0 for each in quality.splits)
