"""Each kind of suggestion, its reason counted again, and what a session changes."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.blend import due
from recommender.catalogue import Catalogue
from recommender.errors import ModelMissing
from recommender.frequency import Habits
from recommender.recommend import Recommender, Session
from tests.recommender.shop import (
    CATEGORIES,
    EVERY,
    HABITS,
    START,
    baskets_with,
    buyers,
    embeddings,
    group,
    interactions,
    products,
)

KINDS = ("buy_again", "new_for_you", "goes_with", "similar", "popular")
NOTHING = Session()


def silent(step, done, total):
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommender")
    Recommender.train(interactions(), products(), folder, silent)
    return folder


@pytest.fixture(scope="module")
def shop(folder):
    return Recommender.load(folder)


def ids(found):
    return [item.product_id for item in found.items]


def own(customer):
    return {product_id for basket in HABITS[customer] for product_id in basket}


class TestBuyAgain:
    def test_suggests_only_own_items_the_usual_first(self, shop):
        found = shop.recommend("buy_again", customer_id="ann", session=NOTHING)
        assert not found.cold
        assert ids(found)[0] == "milk"
        assert set(ids(found)) == own("ann")

    @pytest.mark.parametrize("customer", HABITS)
    def test_reasons_are_true(self, shop, customer):
        found = shop.recommend("buy_again", customer_id=customer, session=NOTHING)
        for item in found.items:
            when = [
                START + EVERY * number
                for number, basket in enumerate(HABITS[customer])
                if item.product_id in basket
            ]
            gaps = sorted((b - a).days for a, b in pairwise(when))
            reason = item.reason
            assert reason.count == len(when)
            assert reason.last_at == when[-1]
            assert reason.code == ("bought_often" if len(when) >= 3 else "bought_before")
            assert reason.every_days == (gaps[len(gaps) // 2] if len(when) >= 3 else None)

    def test_several_purchases_a_day_are_never_every_zero_days(self, tmp_path):
        rows = pl.DataFrame(
            {
                "customer_id": ["ann"] * 4,
                "product_id": ["milk"] * 4,
                "kind": ["purchase"] * 4,
                "value": [1.0] * 4,
                "at": [START + timedelta(hours=hour) for hour in range(4)],
            }
        )
        shop = Recommender.train(rows, products(), tmp_path, silent)
        (item,) = shop.recommend("buy_again", customer_id="ann", session=NOTHING).items
        assert (item.reason.count, item.reason.every_days) == (4, 1)

    @pytest.mark.parametrize("customer", [None, "nobody", "zoe", ""])
    def test_without_purchases_it_is_what_others_buy(self, shop, customer):
        found = shop.recommend("buy_again", customer_id=customer, session=NOTHING)
        popular = shop.recommend("popular", customer_id=None, session=NOTHING)
        assert found.cold
        assert found.items == popular.items

    def test_just_bought_is_less_due_and_given_up_even_less(self):
        every, last = 9 * 86_400, START.timestamp()
        habits = Habits(*(np.array([each]) for each in (0, 5, 9.0, last)))
        now, soon, usual, late = (due(habits, last + every * gaps)[0] for gaps in (0, 0.1, 1, 6))
        assert (now, usual, late) == (0.5, 1, 0.5)
        assert now < soon < usual


class TestNewForYou:
    @pytest.mark.parametrize("customer", HABITS)
    def test_nothing_of_what_they_bought_nor_its_group(self, shop, customer):
        found = shop.recommend("new_for_you", customer_id=customer, session=NOTHING)
        assert found.items
        assert not {group(each) for each in ids(found)} & {group(each) for each in own(customer)}

    @pytest.mark.parametrize("customer", HABITS)
    def test_the_anchor_is_theirs_and_the_count_true(self, shop, customer):
        found = shop.recommend("new_for_you", customer_id=customer, session=NOTHING)
        anchored = [item for item in found.items if item.reason.code == "bought_by_similar"]
        assert anchored
        for item in anchored:
            anchor = item.reason.anchor_product_id
            assert anchor in own(customer)
            assert item.reason.count == len(buyers(anchor) & buyers(item.product_id)) > 0

    def test_a_lover_of_pasta_and_rice_gets_what_they_share(self, shop):
        found = shop.recommend("new_for_you", customer_id="cat", session=NOTHING)
        assert ids(found)[0] == "rice"
        assert found.items[0].reason.anchor_product_id in ("pasta", "sauce")

    def test_at_most_two_of_a_leaf(self, shop):
        for customer in HABITS:
            found = shop.recommend("new_for_you", customer_id=customer, session=NOTHING, k=20)
            leaves = [CATEGORIES[each] for each in ids(found)]
            assert max(leaves.count(leaf) for leaf in leaves) <= 2

    def test_what_was_shown_comes_last(self, shop):
        first = shop.recommend("new_for_you", customer_id="bob", session=NOTHING, k=3)
        session = Session(shown=tuple(ids(first)))
        second = shop.recommend("new_for_you", customer_id="bob", session=session, k=3)
        assert len(second.items) == 3
        assert not set(ids(first)) & set(ids(second))

    @pytest.mark.parametrize("signal", ["cart", "liked"])
    def test_a_guest_with_a_session_is_no_stranger(self, shop, signal):
        session = Session(**{signal: ("dog-food",)})
        found = shop.recommend("new_for_you", customer_id=None, session=session, k=3)
        assert not found.cold
        top = next(item for item in found.items if item.product_id != "dog-food")
        assert top.product_id in ("dog-treats", "soap")
        assert top.reason.anchor_product_id == "dog-food"

    def test_the_cart_pulls(self, shop):
        def place(session):
            found = shop.recommend("new_for_you", customer_id="bob", session=session, k=20)
            return ids(found).index("dog-treats")

        assert place(Session(cart=("dog-food",))) < place(NOTHING)


class TestGoesWith:
    def test_what_lies_in_the_same_baskets(self, shop):
        found = shop.recommend("goes_with", customer_id=None, session=NOTHING, product_id="pasta")
        assert ids(found)[0] == "sauce"
        for item in found.items:
            assert item.reason.code == "bought_with"
            assert item.reason.anchor_product_id == "pasta"
            assert item.reason.count == baskets_with("pasta", item.product_id)

    def test_another_of_the_shelf_does_not_go_with_it(self, shop):
        found = shop.recommend("goes_with", customer_id=None, session=NOTHING, product_id="rye")
        assert "rolls" not in ids(found)

    def test_the_cart_is_an_anchor(self, shop):
        session = Session(cart=("coffee", "pasta"))
        found = shop.recommend("goes_with", customer_id=None, session=session)
        assert {"filters", "sauce"} <= set(ids(found))
        for item in found.items:
            anchor = item.reason.anchor_product_id
            assert item.reason.code == "goes_with_cart"
            assert anchor in session.cart
            assert item.reason.count == baskets_with(anchor, item.product_id)

    def test_with_no_anchor_it_is_what_others_buy(self, shop):
        assert shop.recommend("goes_with", customer_id="ann", session=NOTHING).cold


class TestSimilar:
    def test_the_same_shelf_and_true(self, shop):
        found = shop.recommend("similar", customer_id=None, session=NOTHING, product_id="milk")
        assert set(ids(found)) == {"oat-milk", "soy-milk"}
        for item in found.items:
            both = len(buyers("milk") & buyers(item.product_id))
            assert item.reason.anchor_product_id == "milk"
            assert item.reason.category == "Milk"
            if item.reason.code == "bought_by_similar":
                assert item.reason.count == both
            else:
                assert both < 3

    def test_a_product_that_nobody_bought_has_its_shelf(self, shop):
        found = shop.recommend(
            "similar", customer_id=None, session=NOTHING, product_id="never-sold"
        )
        assert [(i.product_id, i.reason.code) for i in found.items] == [("soap", "same_category")]


class TestPopular:
    def test_counts_are_those_of_the_window(self, shop):
        found = shop.recommend("popular", customer_id=None, session=NOTHING, k=20)
        assert not found.cold
        assert "never-sold" not in ids(found)
        for item in found.items:
            assert item.reason.code == "popular"
            assert item.reason.count == baskets_with(item.product_id)

    @pytest.mark.parametrize(("name", "level"), [("dairy", 1), ("BREAD", 2), (" Pets ", 0)])
    def test_a_category_of_any_level_and_case(self, shop, name, level):
        found = shop.recommend("popular", customer_id=None, session=NOTHING, category=name, k=20)
        named = CATEGORIES[ids(found)[0]][level]
        assert named.casefold() == name.strip().casefold()
        assert all(CATEGORIES[each][level] == named for each in ids(found))
        assert {(i.reason.code, i.reason.category) for i in found.items} == {("popular_in", named)}


class TestSession:
    SESSIONS = st.builds(
        Session,
        **{
            name: st.lists(st.sampled_from([*CATEGORIES, "unknown"]), max_size=4).map(tuple)
            for name in ("cart", "liked", "disliked", "shown")
        },
    )

    @settings(max_examples=150, deadline=None)
    @given(
        kind=st.sampled_from(KINDS),
        session=SESSIONS,
        asked=st.fixed_dictionaries(
            {
                "customer_id": st.sampled_from([*HABITS, None, "zoe", "nobody"]),
                "product_id": st.sampled_from([*CATEGORIES, None, "unknown"]),
                "category": st.sampled_from([None, "dairy", "Pets", "nowhere", ""]),
                "k": st.integers(0, 8),
            }
        ),
    )
    def test_masks_and_groups_hold_whatever_is_asked(self, shop, kind, session, asked):
        found = shop.recommend(kind, session=session, **asked)
        groups = [group(each) for each in ids(found)]
        assert found.kind == kind
        assert len(groups) == len(set(groups)) <= asked["k"]
        assert not set(groups) & {group(each) for each in session.cart + session.disliked}
        if asked["category"]:
            wanted = asked["category"].casefold()
            paths = [{name.casefold() for name in CATEGORIES[each]} for each in ids(found)]
            assert all(wanted in path for path in paths)

    def test_what_is_liked_rises(self, shop):
        def place(session):
            found = shop.recommend("buy_again", customer_id="ann", session=session)
            return ids(found).index("butter")

        assert place(Session(liked=("butter",))) <= place(NOTHING)
        plain = shop.recommend("buy_again", customer_id="ann", session=NOTHING)
        liked = shop.recommend("buy_again", customer_id="ann", session=Session(liked=("butter",)))
        score = {item.product_id: item.score for item in plain.items}
        assert {i.product_id for i in liked.items if i.score > score[i.product_id]} == {"butter"}

    def test_what_is_disliked_pulls_nothing(self, shop):
        session = Session(disliked=("pasta", "sauce"))
        found = shop.recommend("new_for_you", customer_id="bob", session=session, k=20)
        assert not {i.reason.anchor_product_id for i in found.items} & {"pasta", "sauce"}


class TestFolder:
    def test_load_answers_as_train_did(self, shop, tmp_path):
        trained = Recommender.train(interactions(), products(), tmp_path, silent)
        for kind in KINDS:
            asked = {"customer_id": "ann", "session": NOTHING, "product_id": "milk"}
            assert trained.recommend(kind, **asked) == shop.recommend(kind, **asked)

    def test_training_again_replaces(self, tmp_path):
        for _ in range(2):
            Recommender.train(interactions(), products(), tmp_path, silent)
        assert Recommender.load(tmp_path)
        assert not list(tmp_path.glob("*.part"))

    def test_nothing_there(self, tmp_path):
        with pytest.raises(ModelMissing, match="aisle train"):
            Recommender.load(tmp_path / "none")

    @pytest.mark.parametrize("name", ["model.json", "ease.npz", "baskets.npz", "catalogue.npz"])
    @pytest.mark.parametrize("harm", ["gone", "cut", "empty"])
    def test_half_written(self, tmp_path, name, harm):
        Recommender.train(interactions(), products(), tmp_path, silent)
        path = tmp_path / name
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
        if harm == "gone":
            path.unlink()
        with pytest.raises(ModelMissing, match="run `aisle train`"):
            Recommender.load(tmp_path)

    @pytest.mark.parametrize("content", [{"version": 999}, {"version": 1}, [], {"x": 1}])
    def test_another_version(self, tmp_path, content):
        Recommender.train(interactions(), products(), tmp_path, silent)
        (tmp_path / "model.json").write_text(json.dumps(content))
        with pytest.raises(ModelMissing, match="run `aisle train`"):
            Recommender.load(tmp_path)

    def test_a_shop_without_any_purchase(self, tmp_path):
        Recommender.train(interactions().clear(), products(), tmp_path, silent)
        shop = Recommender.load(tmp_path)
        for kind in KINDS:
            shop.recommend(kind, customer_id="ann", session=NOTHING, product_id="milk")

    def test_progress_counts_up(self, tmp_path):
        told = []
        Recommender.train(interactions(), products(), tmp_path, lambda *step: told.append(step))
        assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
        assert told[-1][1] == told[-1][2]


def test_threads_get_the_same_answers(shop):
    def ask(customer):
        return shop.recommend("new_for_you", customer_id=customer, session=NOTHING)

    alone = [ask(customer) for customer in HABITS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, HABITS)) == alone


def test_a_product_that_nobody_bought_is_suggested_to_those_who_buy_its_like(tmp_path):
    table = products()
    meanings = embeddings(Catalogue.of(table))
    numbers = Catalogue.of(table)
    rows = meanings[[numbers.number(each) for each in table["product_id"]]]
    Recommender.train(interactions(), table, tmp_path / "model", silent, embeddings=rows)
    recommender = Recommender.load(tmp_path / "model")
    found = recommender.recommend("new_for_you", customer_id="jon", session=Session(), k=20)
    item = next(each for each in found.items if each.product_id == "never-sold")
    assert item.reason.code == "similar_text"
    assert item.reason.anchor_product_id == "soap"
    # In a department where nobody like them bought anything, too.
    found = recommender.recommend(
        "new_for_you", customer_id="ann", session=Session(), category="Bath", k=20
    )
    assert {each.product_id for each in found.items} == {"soap", "never-sold"}
    # Without texts nothing is known of it.
    Recommender.train(interactions(), table, tmp_path / "model", silent)
    recommender = Recommender.load(tmp_path / "model")
    found = recommender.recommend("new_for_you", customer_id="jon", session=Session(), k=20)
    assert "never-sold" not in {each.product_id for each in found.items}


class TestViewed:
    """What was looked at counts at once, and for less than what lies in the cart."""

    def test_three_views_make_a_newcomer_known(self, shop):
        views = Session(viewed=("dog-food", "dog-treats", "soap"))
        found = shop.recommend("new_for_you", customer_id="newcomer", session=views, k=5)
        assert not found.cold
        anchors = {item.reason.anchor_product_id for item in found.items}
        assert anchors & set(views.viewed)
        assert found.items != shop.recommend("popular", customer_id=None, session=NOTHING).items

    def test_a_view_pulls_less_than_the_cart_and_more_than_nothing(self, shop):
        def score(session):
            found = shop.recommend("new_for_you", customer_id="bob", session=session, k=20)
            return next(i.score for i in found.items if i.product_id == "dog-treats")

        viewed, cart = Session(viewed=("dog-food",)), Session(cart=("dog-food",))
        assert score(NOTHING) < score(viewed) < score(cart)
        assert score(Session(cart=("dog-food",), viewed=("dog-food",))) == score(cart)

    def test_a_view_of_what_was_refused_pulls_nothing(self, shop):
        session = Session(viewed=("dog-food",), disliked=("dog-food",))
        refused = Session(disliked=("dog-food",))
        asked = {"customer_id": "bob", "k": 20}
        assert shop.recommend("new_for_you", session=session, **asked) == shop.recommend(
            "new_for_you", session=refused, **asked
        )
