"""What happens in a conversation changes the very next suggestion, without training."""

import pytest

from assistant.events import TurnFinished
from assistant.types import Shopper

GUEST = Shopper("guest:at once")
ANNA = Shopper("customer:1", "1")
NEW = {"tool": "recommend_products", "kind": "new_for_you"}
POPULAR = {"tool": "recommend_products", "kind": "popular"}


def search(query):
    return {"tool": "search_products", "query": query}


class Talk:
    def __init__(self, open_session, shopper, *decisions):
        self.session, _ = open_session(*decisions)
        self.shopper = shopper
        self.conversation = self.session.start(shopper).conversation_id

    def say(self, text):
        last = list(self.session.handle(self.shopper, self.conversation, text))[-1]
        assert isinstance(last, TurnFinished)
        return last.turn


@pytest.fixture
def talk(open_session):
    return lambda shopper, *decisions: Talk(open_session, shopper, *decisions)


def ids(turn):
    return [card.product.product_id for card in turn.products]


def titles(turn):
    return " | ".join(card.product.title for card in turn.products).casefold()


def test_a_thumbs_down_takes_the_products_out(talk):
    anna = talk(ANNA, NEW)
    first = anna.say("what might I like?")
    anna.session.rate(ANNA, anna.conversation, first.turn_id, -1)
    again = anna.say("anything else for me?")
    assert ids(first)
    assert not set(ids(first)) & set(ids(again))
    anna.session.rate(ANNA, anna.conversation, first.turn_id, 0)
    assert set(ids(first)) & set(ids(anna.say("and now?"))), "taken back, they may come again"


def test_what_is_refused_in_words_is_left_out_and_said(talk):
    guest = talk(GUEST, POPULAR)
    assert "pasta" in titles(guest.say("what is popular?"))
    turn = guest.say("no pasta please")
    assert turn.products
    assert "pasta" not in titles(turn)
    assert all("Pasta" not in card.product.category for card in turn.products)
    assert "“pasta”" in turn.reply
    assert "on the label" in turn.reply
    assert "pasta" not in titles(guest.say("what else is popular?")), "it stands from then on"
    assert "pasta" in titles(guest.say("pasta is fine again, what is popular?"))


def test_a_message_that_only_refuses_asks_the_last_thing_anew(talk):
    """A small model searches for the very thing that is not wanted."""
    guest = talk(GUEST, search("gluten free"), search("cheese"), POPULAR)
    assert "penne" in titles(guest.say("anything gluten free?"))
    turn = guest.say("no penne please")
    assert [call.action.arguments["query"] for call in turn.calls] == ["gluten free"]
    assert turn.products
    assert "penne" not in titles(turn)
    first = talk(GUEST, search("cheese")).say("I'm allergic to cheese")
    assert [call.action.tool for call in first.calls] == ["recommend_products"]
    assert "cheese" not in titles(first)


def test_a_search_for_what_the_message_refuses_is_not_made(talk):
    guest = talk(GUEST, search("cheese"), POPULAR)
    turn = guest.say("what shall I get? but no cheese this time")
    assert [(call.action.tool, call.ok) for call in turn.calls] == [
        ("search_products", False),
        ("recommend_products", True),
    ]
    assert "cheese" not in titles(turn)


def test_a_kind_of_food_takes_its_members_along(talk):
    guest = talk(GUEST, POPULAR)
    turn = guest.say("what do people buy? I'm allergic to dairy")
    assert turn.products
    for word in ("milk", "cheese", "cream"):
        assert word not in titles(turn)


def test_a_search_leaves_out_too_unless_it_asks_for_that(talk):
    guest = talk(GUEST, search("gluten free"), search("gluten free"), search("pasta"))
    assert "penne" in titles(guest.say("anything gluten free?"))
    turn = guest.say("gluten free please, but no penne")
    assert turn.products
    assert "penne" not in titles(turn)
    assert "“penne”" in turn.reply
    assert "pasta" in titles(guest.say("show me pasta"))


def test_words_that_name_nothing_sold_change_nothing(talk):
    guest = talk(GUEST, POPULAR)
    before = guest.say("what is popular?")
    after = guest.say("no thanks, no hurry, without a doubt. What is popular?")
    assert ids(after) == ids(before)
    assert "label" not in after.reply


def test_what_lies_in_the_cart_pulls_what_goes_with_it(talk):
    guest = talk(GUEST, NEW)
    assert "I do not know your purchases" in guest.say("what might I like?").reply
    guest.session.set_quantity(GUEST, "17", 1)
    turn = guest.say("and now?")
    assert ids(turn)[0] == "18", "cat litter for whoever takes cat food"
    assert "I do not know your purchases" not in turn.reply


def test_three_things_that_a_newcomer_asked_about_make_it_personal(talk):
    guest = talk(GUEST, search("cat food"), search("cat litter"), search("milk"), NEW)
    for text in ("do you have cat food?", "and cat litter?", "some milk"):
        assert guest.say(text).products
    turn = guest.say("what might I like?")
    assert turn.products
    assert "I do not know your purchases" not in turn.reply
    reasons = " ".join(card.reason for card in turn.products)
    assert "Shoppers who buy" in reasons


def test_an_account_without_purchases_is_known_by_what_it_looked_at(aisle, monkeypatch, tmp_path):
    """Noor has an account and no purchase; the shop's record has three views of hers."""
    import json

    from tests.retrieval.fakes import HashingEmbedder
    from tests.tinyshop import TODAY, write_shop

    monkeypatch.setattr("assistant.app.open_embedder", lambda _: HashingEmbedder())
    folder = write_shop(tmp_path / "shop")
    with (folder / "interactions.csv").open("a") as file:
        for product_id in ("17", "18", "15"):
            file.write(f"8,{product_id},view,1,{TODAY.isoformat()}\r\n")
    for command in (["ingest", folder], ["train", "--plain"]):
        code, _, err = aisle(*command, "--home", tmp_path / "home")
        assert code == 0, err
    asked = ("recommend", "--kind", "new_for_you", "--home", tmp_path / "home", "--json")
    known = json.loads(aisle(*asked, "--customer", "8")[1])
    nobody = json.loads(aisle(*asked, "--customer", "999")[1])
    assert (known["cold"], nobody["cold"]) == (False, True)
    assert known["items"] != nobody["items"]
