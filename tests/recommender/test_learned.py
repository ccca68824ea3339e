"""The learned slots: on a shop large enough to learn from, with habits that can be checked."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from recommender.learned import Learned
from recommender.models import Models
from recommender.recommend import Recommender, Session
from tests.recommender.shop import START

SHOPPERS, BASKETS, ITEMS = 150, 9, 60
SLOTS = frozenset({"next_basket", "new_items"})
NOTHING = Session()


def silent(step, done, total):
    pass


def product_table():
    numbers = range(ITEMS)
    return pl.DataFrame(
        {
            "product_id": [f"p{number:02}" for number in numbers],
            "category": [[f"Department {n % 3}", f"Shelf {n % 12}"] for n in numbers],
            "group": [f"p{number:02}" for number in numbers],
            "price": [1.0 + number for number in numbers],
        }
    )


def purchases():
    """Everyone buys their four staples most weeks and something of their third of the shop."""
    draw = np.random.default_rng(0)
    rows = []
    for shopper in range(SHOPPERS):
        third = np.arange(shopper % 3, ITEMS, 3)
        staples = draw.choice(third, 4, replace=False)
        for week in range(BASKETS):
            at = START + timedelta(days=7 * week, hours=int(draw.integers(0, 9)))
            bought = {*staples[draw.random(4) < 0.8], *draw.choice(third, 2)}
            rows += [(f"c{shopper}", f"p{item:02}", "purchase", 1.0, at) for item in bought]
    names = ["customer_id", "product_id", "kind", "value", "at"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("at").cast(pl.Datetime("us", "UTC"))
    )


@pytest.fixture(scope="module")
def rows():
    return purchases()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("learned")


@pytest.fixture(scope="module")
def trained(rows, folder):
    return Recommender.train(rows, product_table(), folder, silent, SLOTS)


@pytest.fixture(scope="module")
def shop(trained, folder):
    assert Models.load(folder).learned is not None
    return Recommender.load(folder)


def ids(found):
    return [item.product_id for item in found.items]


def own(rows, customer):
    return set(rows.filter(customer_id=customer)["product_id"].to_list())


@pytest.mark.parametrize("customer", ["c0", "c1", "c77"])
def test_buy_again_is_their_own_and_the_staples_lead(shop, rows, customer):
    found = shop.recommend("buy_again", customer_id=customer, session=NOTHING, k=40)
    counts = rows.filter(customer_id=customer).group_by("product_id").len()
    often = counts.sort("len", descending=True)["product_id"].head(4).to_list()
    assert set(ids(found)) == own(rows, customer)
    assert len(set(ids(found)[:6]) & set(often)) >= 3


@pytest.mark.parametrize("customer", ["c0", "c1", "c77"])
def test_new_for_you_was_never_bought_and_is_of_their_part_of_the_shop(shop, rows, customer):
    found = shop.recommend("new_for_you", customer_id=customer, session=NOTHING, k=5)
    assert found.items
    assert not set(ids(found)) & own(rows, customer)
    mine = int(customer[1:]) % 3
    assert sum(int(each[1:]) % 3 == mine for each in ids(found)) >= 4
    for item in found.items:
        if item.reason.code == "bought_by_similar":
            anchor, product = item.reason.anchor_product_id, item.product_id
            buyers = [set(rows.filter(product_id=p)["customer_id"]) for p in (anchor, product)]
            assert item.reason.count == len(buyers[0] & buyers[1])


def test_the_session_counts_at_once(shop):
    foreign = ("p01", "p04", "p07")  # of another third than c0's
    plain = shop.recommend("new_for_you", customer_id="c0", session=NOTHING, k=20)
    now = shop.recommend("new_for_you", customer_id="c0", session=Session(cart=foreign), k=20)
    assert not set(ids(now)) & set(foreign)

    def share(found):
        return sum(int(each[1:]) % 3 == 1 for each in ids(found)[:5])

    assert share(now) > share(plain)
    looked = shop.recommend("new_for_you", customer_id="c0", session=Session(viewed=foreign), k=20)
    assert share(looked) > share(plain), "what was only looked at counts too"


def test_what_was_refused_is_gone(shop):
    first = ids(shop.recommend("new_for_you", customer_id="c0", session=NOTHING, k=5))
    session = Session(disliked=(first[0],))
    again = ids(shop.recommend("new_for_you", customer_id="c0", session=session, k=5))
    assert first[0] not in again


def test_loaded_it_answers_as_trained(trained, shop):
    for kind in ("buy_again", "new_for_you"):
        for customer in ("c0", "c5"):
            asked = {"customer_id": customer, "session": NOTHING}
            assert trained.recommend(kind, **asked) == shop.recommend(kind, **asked)


def test_too_little_to_learn_from_stays_weighted(rows, tmp_path):
    few = rows.filter(pl.col("customer_id").is_in(["c0", "c1", "c2"]))
    Recommender.train(few, product_table(), tmp_path, silent, SLOTS)
    assert Models.load(tmp_path).learned is None
    assert Recommender.load(tmp_path).recommend("buy_again", customer_id="c0", session=NOTHING)


def test_where_everyone_has_bought_everything_nothing_is_learned(rows, tmp_path):
    everything = rows.with_columns(pl.lit("p00").alias("product_id")).unique()
    Recommender.train(everything, product_table(), tmp_path, silent, SLOTS)
    assert Models.load(tmp_path).learned is None
    found = Recommender.load(tmp_path).recommend("buy_again", customer_id="c0", session=NOTHING)
    assert ids(found) == ["p00"]


def test_only_the_slots_asked_for_are_learned(shop, folder):
    learned = Models.load(folder).learned
    assert isinstance(learned, Learned)
    assert learned.slots == SLOTS
    assert "learned" in {path.stem for path in folder.glob("*.npz")}
