"""The recommender in conversation, on baskets that nothing was trained on."""

from contextlib import closing
from functools import partial

import pytest

from assistant.app import open_session
from assistant.evaluation.lift import (
    FIRST,
    Household,
    alone,
    arm,
    asked,
    hold_out,
    households,
    lift,
    told,
)
from assistant.evaluation.stage import Stage
from assistant.progress import silent
from assistant.setup import train
from assistant.shop.catalogue import Catalogue
from assistant.tools.context import Shop
from recommender.recommend import Recommender
from tests.evaluation.scripted import RoutedModel
from tests.tinyapp import tiny_agent, tiny_home

TURNS = 3


@pytest.fixture(scope="module")
def held(tmp_path_factory, shop):
    """The tiny shop's home, its copy that ends two weeks earlier, and the cut."""
    settings = tiny_home(tmp_path_factory.mktemp("whole"))
    settings.index_folder.mkdir(exist_ok=True)
    copy, cut = hold_out(settings, tmp_path_factory.mktemp("held") / "home")
    train(copy, silent)
    return settings, copy, cut


@pytest.fixture(scope="module")
def whole(held):
    return Catalogue(held[0].shop_database)


@pytest.fixture(scope="module")
def chosen(whole, held):
    return households(whole, held[2], 6, TURNS, seed=1)


@pytest.fixture(scope="module")
def stage(held, shop):
    class Asks(RoutedModel):
        def decide(self, messages, schema, **options):
            text = messages[-1].content.split("\n")[-1]
            decision = {"tool": "recommend_products", "kind": "buy_again"}
            if text != FIRST:
                decision["category"] = text.removesuffix("?").rsplit(" in ", 1)[-1]
            return decision

    _, copy, _ = held
    mine = Shop(
        Catalogue(copy.shop_database), shop.retrieval, Recommender.load(copy.recommender_folder)
    )
    agent = tiny_agent(Asks({}))
    opened = Stage(mine, agent, partial(open_session, copy, mine))
    yield opened
    opened.close()


def test_nothing_after_the_cut_is_left_in_the_copy(held, whole):
    _, copy, cut = held
    before = Catalogue(copy.shop_database)
    assert before.clock.now() == cut
    interactions = before.interactions()
    assert interactions["at"].max() < cut
    assert len(interactions) < len(whole.interactions())
    assert all(
        order.placed_at < cut
        for customer in before.customer_ids()
        for order in before.orders(customer)
    )
    assert any(whole.purchases(customer, cut) for customer in before.customer_ids())


def test_popularity_is_counted_anew(held):
    _, copy, _ = held
    catalogue = Catalogue(copy.shop_database)
    purchases = catalogue.interactions()["product_id"].value_counts()
    counted = dict(zip(purchases["product_id"], purchases["count"], strict=True))
    for each in catalogue.all_products():
        assert each.bought == counted.get(each.product.product_id, 0)


def test_households_have_a_past_and_a_next_basket(chosen, whole, held):
    cut = held[2]
    assert chosen
    for who in chosen:
        next_time = min(each.at for each in whole.purchases(who.customer_id, cut))
        bought = {e.product_id for e in whole.purchases(who.customer_id, cut) if e.at == next_time}
        assert who.basket == bought
    assert households(whole, held[2], 6, TURNS, seed=1) == chosen


def test_the_shopper_never_names_a_product_of_the_basket(stage, whole, chosen):
    for who in chosen:
        titles = [each.title.split(",")[0].casefold() for each in whole.products(list(who.basket))]
        for exchange in asked(stage, whole, who):
            assert not any(title in exchange.text.casefold() for title in titles)


def test_the_arms_differ_only_in_who_is_asked(stage, whole, chosen, held):
    """A model that passes every wish on finds what the recommender finds when told directly."""
    document = lift(stage, whole, chosen, TURNS)
    assert document["arms"]["assistant"] == document["arms"]["told"]
    assert document["differences"]["told"] == {"hit": [0, 0, 0], "turns_to_hit": [0, 0, 0]}
    assert document["arms"]["told"]["hit_by_turn"][-1][0] > 0


def test_the_list_alone_goes_on_at_every_turn(stage, chosen, held):
    recommender = stage.shop.recommender
    shown = alone(recommender, chosen[0], TURNS, held[2], "popular")
    flat = [each for turn in shown for each in turn]
    assert len(flat) == len(set(flat))
    direct = told(recommender, Household(chosen[0].customer_id, frozenset(), ()), 1, held[2])
    assert len(direct) == 1


def test_hits_are_counted_by_hand():
    baskets = [frozenset("a"), frozenset("bc"), frozenset("z")]
    shown = [[["a"], []], [["x"], ["c"]], [["x"], ["y"]]]
    document = arm(shown, baskets, 2)
    assert [hit[0] for hit in document["hit_by_turn"]] == pytest.approx([1 / 3, 2 / 3], abs=1e-4)
    assert document["turns_to_hit"][0] == 2.0
    assert document["recall"][0] == 0.5


def test_the_home_itself_is_not_changed(held, whole):
    settings, _, cut = held
    with closing(Catalogue(settings.shop_database)._connection) as connection:
        (count,) = connection.execute("SELECT count(*) FROM interaction").fetchone()
    assert count == len(whole.interactions())
    assert whole.clock.now() > cut
