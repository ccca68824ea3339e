"""The first things a shopper asks, answered by the real model over the real shop."""

import json

import pytest

from assistant.events import CardsShown, TurnFinished, TurnStarted

pytestmark = pytest.mark.model


def ask(grocer, text, customer=None, conversation=None):
    """The events of one message."""
    session = grocer.session
    shopper = session.customer(customer) if customer else session.visit(None)[1]
    conversation = conversation or session.start(shopper).conversation_id
    return list(session.handle(shopper, conversation, text))


def test_dinner_for_a_known_shopper_is_made_of_the_shops_products(grocer):
    turn = ask(grocer, "what might I like for dinner this week?", "1")[-1].turn
    assert turn.status == "finished"
    assert 1 <= len(turn.products) <= 6
    for card in turn.products:
        product = grocer.shop.catalogue.product(card.product.product_id)
        assert (card.product.title, card.product.price) == (product.title, product.price)
    assert any(piece.kind == "product" for piece in turn.pieces), "they stand inside the reply"


def test_a_stated_price_is_never_passed(grocer):
    turn = ask(grocer, "do you have any gluten free pasta under 4 dollars?")[-1].turn
    assert turn.calls[0].action.arguments["max_price"] == 4
    assert all(card.product.price <= 4 for card in turn.products)
    assert turn.products or "nothing" in turn.reply


def test_the_events_come_in_order(grocer):
    events = ask(grocer, "do you sell oat milk?")
    assert isinstance(events[0], TurnStarted)
    assert isinstance(events[-1], TurnFinished)
    shown = next(n for n, event in enumerate(events) if isinstance(event, CardsShown))
    assert all(card.product.price > 0 for card in events[shown].products)
    seconds = events[-1].turn.seconds
    assert seconds.first_event <= seconds.first_card <= seconds.first_text <= seconds.total


def test_the_terminal_answers_one_document(aisle):
    printed = aisle("chat", "--customer", "1", "--message", "what do I usually buy?", "--json")
    answer = json.loads(printed)
    assert set(answer) == {
        "reply", "products", "tools", "citations", "handoff", "model", "seconds",
    }  # fmt: skip
    assert answer["tools"][0]["name"] == "recommend_products"
    for product in answer["products"]:
        assert set(product) == {"product_id", "title", "price", "currency", "reason"}
        assert product["reason"].startswith("You bought it")
    assert set(answer["seconds"]) == {"first_event", "first_text", "total"}
