import threading

import pytest

from assistant.errors import BadInput, Conflict, NotFound, SignInRefused
from assistant.events import TurnFinished
from assistant.messages import LONGEST, readable
from assistant.types import Shopper

GUEST = Shopper("guest:test")
OTHER = Shopper("guest:other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("a" * 20_480, "20,480 characters"),
        ("a\x00b", "not text"),
        ("\ud800", "not text"),
        (bytes(range(256)).decode("latin-1"), "not text"),
    ],
)
def test_a_message_that_cannot_be_one_is_one_sentence_and_changes_nothing(open_session, text, said):
    session, model = open_session({"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    with pytest.raises(BadInput, match=said):
        session.handle(GUEST, conversation, text)
    assert session.conversation(GUEST, conversation).turns == ()
    assert model.asked == []


def test_the_longest_message_is_taken():
    assert readable("é" * LONGEST) == "é" * LONGEST


def test_a_conversation_is_its_shoppers_alone(open_session):
    session, _ = open_session({"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    for act in (
        lambda: session.conversation(OTHER, conversation),
        lambda: session.handle(OTHER, conversation, "hello"),
        lambda: session.ask_for_person(OTHER, conversation),
        lambda: session.rate(OTHER, conversation, "t", 1),
    ):
        with pytest.raises(NotFound):
            act()


def test_one_turn_at_a_time(open_session):
    session, _ = open_session({"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    first = session.handle(GUEST, conversation, "hello")
    next(first)
    with pytest.raises(Conflict):
        session.handle(GUEST, conversation, "hello?")
    assert isinstance(list(first)[-1], TurnFinished)
    list(session.handle(GUEST, conversation, "hello again"))


def test_a_kill_in_the_middle_loses_nothing_that_was_sent(open_session):
    session, _ = open_session({"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    running = session.handle(GUEST, conversation, "is anybody there?")
    next(running)
    # A new process over the same store, while the old one never came to its end.
    after, _ = open_session({"tool": "reply"})
    (turn,) = after.conversation(GUEST, conversation).turns
    assert (turn.text, turn.status) == ("is anybody there?", "interrupted")
    list(after.handle(GUEST, conversation, "hello again"))
    running.close()
    kept = [each.text for each in after.conversation(GUEST, conversation).turns]
    assert kept == ["is anybody there?", "hello again"]


def test_a_listener_that_goes_away_leaves_a_stopped_turn(open_session):
    session, _ = open_session({"tool": "search_products", "query": "pasta"})
    conversation = session.start(GUEST).conversation_id
    running = session.handle(GUEST, conversation, "pasta")
    next(running)
    running.close()
    assert session.conversation(GUEST, conversation).turns[0].status == "stopped"


def test_a_new_start_finds_the_conversation_where_it_was(open_session):
    session, _ = open_session({"tool": "search_products", "query": "pasta"})
    conversation = session.start(GUEST).conversation_id
    list(session.handle(GUEST, conversation, "pasta"))
    before = session.conversation(GUEST, conversation)
    again, _ = open_session({"tool": "reply"})
    assert again.latest(GUEST) == before


def test_sign_in_is_for_demonstrations(open_session):
    session, _ = open_session({"tool": "reply"}, demo=False)
    token, _ = session.visit(None)
    with pytest.raises(BadInput, match="shop's own site"):
        session.demo_token("1")
    with pytest.raises(SignInRefused):
        session.sign_in(token, "1")
    assert session.samples() == []


def test_a_customer_who_does_not_exist_is_named(open_session):
    session, _ = open_session({"tool": "reply"})
    with pytest.raises(NotFound, match="'999'"):
        session.customer("999")


@pytest.mark.parametrize(
    ("product", "quantity", "said"),
    [("999", 1, "'999'"), ("10", -1, "-1"), ("10", 100, "100"), ("21", 1, "out of stock")],
)
def test_a_cart_takes_only_what_can_be_bought(open_session, product, quantity, said):
    session, _ = open_session({"tool": "reply"})
    with pytest.raises(BadInput, match=said):
        session.set_quantity(GUEST, product, quantity)
    assert session.cart(GUEST).lines == ()


def test_thumbs_change_what_is_suggested_next(open_session):
    session, _ = open_session({"tool": "recommend_products", "kind": "new_for_you"})
    anna = session.customer("1")
    conversation = session.start(anna).conversation_id

    def suggested():
        turn = list(session.handle(anna, conversation, "something new"))[-1].turn
        return turn.turn_id, {card.product.product_id for card in turn.products}

    turn_id, first = suggested()
    session.rate(anna, conversation, turn_id, -1)
    _, second = suggested()
    assert first
    assert not first & second


def test_many_shoppers_at_once_do_not_mix(open_session):
    session, _ = open_session({"tool": "recommend_products", "kind": "buy_again"}, delay=0.01)
    found = {}

    def talk(customer_id):
        shopper = session.customer(customer_id)
        conversation = session.start(shopper).conversation_id
        turn = list(session.handle(shopper, conversation, "my usual"))[-1].turn
        found[customer_id] = {card.product.product_id for card in turn.products}

    threads = [threading.Thread(target=talk, args=(each,)) for each in ("1", "2", "3", "4")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "14" in found["1"]
    assert "17" in found["2"]
    assert not found["1"] & found["2"]
