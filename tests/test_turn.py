"""Whole turns over the tiny shop, with a model that does as it is told: well, badly, or never."""

import json
import threading
import time
from decimal import Decimal

import pytest

from assistant.errors import ModelError
from assistant.events import (
    CardsShown,
    ReplyPiece,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.types import Shopper
from tests.test_grounding import LIES

SEARCH = {"tool": "search_products", "query": "pasta"}
GUEST = Shopper("guest:test")
ANNA = Shopper("customer:1", "1")


def ask(session, text, shopper=GUEST, conversation=None, cancel=None):
    """The events of one message, in a new conversation unless one is given."""
    conversation = conversation or session.start(shopper).conversation_id
    return list(session.handle(shopper, conversation, text, cancel))


def answer(session, text, shopper=GUEST, conversation=None):
    last = ask(session, text, shopper, conversation)[-1]
    assert isinstance(last, TurnFinished)
    return last.turn


def test_cards_come_before_words_and_the_stored_turn_last(open_session):
    session, _ = open_session(SEARCH)
    events = ask(session, "pasta please")
    kinds = [type(event) for event in events]
    assert kinds[:3] == [TurnStarted, ToolStarted, CardsShown]
    assert set(kinds[3:-1]) == {ReplyPiece}
    assert kinds[-1] is TurnFinished
    turn = events[-1].turn
    assert turn.status == "finished"
    assert [card.tag for card in turn.products] == ["P1", "P2", "P3", "P4"]
    assert turn.seconds.first_card <= turn.seconds.first_text <= turn.seconds.total


def test_the_cards_hold_the_shops_own_price_and_title(open_session, catalogue):
    session, _ = open_session(SEARCH)
    for card in answer(session, "pasta please").products:
        product = catalogue.product(card.product.product_id)
        assert (card.product.title, card.product.price) == (product.title, product.price)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("decision", [SEARCH, {"tool": "reply"}], ids=["found", "nothing"])
def test_a_lie_of_the_model_is_never_said(open_session, lie, decision):
    session, _ = open_session(decision, words=[json.dumps({"opening": lie})])
    turn = answer(session, "what have you got?")
    assert lie not in turn.reply
    assert turn.pieces, "the shopper gets a plain sentence in its place"


@pytest.mark.parametrize("decision", [SEARCH, {"tool": "reply"}], ids=["found", "nothing"])
@pytest.mark.parametrize(
    ("text", "opening", "said"),
    [
        ("有意大利面吗？", "Here you go:", False),
        ("有意大利面吗？", "您可以看看这些：", True),
        ("do you have pasta?", "您可以看看这些：", False),
        ("do you have pasta?", "Here you go:", True),
    ],
)
def test_the_reply_is_in_the_language_of_the_message(open_session, decision, text, opening, said):
    session, _ = open_session(decision, words=[json.dumps({"opening": opening})])
    assert (opening in answer(session, text).reply) == said


def test_a_rule_reaches_the_shopper_in_the_articles_words_alone(open_session):
    """The model picks sentences by number; what else it writes about them is not shown."""
    words = json.dumps({"opening": "We never give money back.", "sentences": ["H1.2"]})
    session, _ = open_session({"tool": "search_help", "query": "refund card paid"}, words=[words])
    turn = answer(session, "do I get my money back?")
    said = [piece for piece in turn.pieces if piece.kind == "citation"]
    assert len(said) == 1
    assert "We refund in full to the card you paid with." in said[0].text
    assert "never" not in turn.reply


@pytest.mark.parametrize(
    "words",
    ['{"sentences":["H9.9"]}', '{"sentences":[]}', "not json", "", ModelError("gone")],
)
def test_help_is_quoted_even_when_the_model_cannot_choose(open_session, words):
    session, _ = open_session({"tool": "search_help", "query": "refund card"}, words=[words])
    events = ask(session, "how do refunds work?")
    turn = events[-1].turn
    assert any("We refund in full" in piece.text for piece in turn.pieces)


def test_a_stated_limit_holds_whatever_the_model_decides(open_session):
    loose = {"tool": "search_products", "query": "gluten free", "max_price": 90}
    session, _ = open_session(loose)
    turn = answer(session, "gluten free pasta under 4 dollars")
    assert [card.product.title for card in turn.products] == ["Gluten free penne, 12 oz"]
    assert all(card.product.price <= 4 for card in turn.products)


def test_a_limit_that_nobody_stated_is_dropped(open_session):
    session, _ = open_session({"tool": "search_products", "query": "gluten free", "max_price": 1})
    turn = answer(session, "something gluten free")
    assert len(turn.products) == 2


def test_nothing_within_the_limit_is_said_so(open_session):
    session, _ = open_session({"tool": "search_products", "query": "truffle oil"})
    turn = answer(session, "truffle oil under 2 dollars")
    assert "$2.00" in turn.reply
    assert all(card.product.price <= 2 for card in turn.products)


def test_products_that_say_less_than_was_asked_are_called_closest(open_session):
    session, _ = open_session({"tool": "search_products", "query": "gluten free bread"})
    turn = answer(session, "gluten free bread?")
    assert turn.reply.startswith("I found nothing that says")


def test_an_order_number_nobody_gave_is_not_looked_up(open_session):
    session, _ = open_session({"tool": "find_orders", "order_id": "B200"})
    anna = session.customer("1")
    turn = answer(session, "where is my order?", anna)
    assert [card.order.order_id for card in turn.orders] == ["A101", "A100"]


def test_another_shoppers_order_is_as_if_it_did_not_exist(open_session):
    session, _ = open_session({"tool": "find_orders", "order_id": "B200"})
    turn = answer(session, "show me order B200", session.customer("1"))
    assert turn.orders == ()
    assert "B200" in turn.reply
    assert "8.00" not in turn.reply


@pytest.mark.parametrize("tool", ["find_orders", "search_history"])
def test_a_guest_is_told_why_there_is_nothing_of_theirs(open_session, tool):
    session, _ = open_session({"tool": tool})
    turn = answer(session, "I am customer 1, show me my things")
    assert "signed in" in turn.reply
    assert (turn.orders, turn.products) == ((), ())


def test_a_guests_suggestions_are_called_general(open_session):
    session, _ = open_session({"tool": "recommend_products", "kind": "buy_again"})
    turn = answer(session, "what should I get?")
    assert "do not know your purchases" in turn.reply
    assert turn.products


def test_the_usual_is_what_this_shopper_buys_and_says_how_often(open_session, catalogue):
    session, _ = open_session({"tool": "recommend_products", "kind": "buy_again"})
    turn = answer(session, "my usual please", session.customer("1"))
    own = {each.product_id for each in catalogue.purchases("1")}
    assert {card.product.product_id for card in turn.products} <= own
    oat_milk = next(c for c in turn.products if c.product.title.startswith("Oat milk"))
    assert oat_milk.reason == "You bought it 12 times, usually every 7 days; last on 25 May 2024"


def test_something_new_was_never_bought_by_them(open_session, catalogue):
    session, _ = open_session({"tool": "recommend_products", "kind": "new_for_you"})
    turn = answer(session, "something new", session.customer("1"))
    own = {each.product_id for each in catalogue.purchases("1")}
    assert turn.products
    assert not own & {card.product.product_id for card in turn.products}


def test_the_second_one_is_counted_by_code(open_session):
    session, _ = open_session(SEARCH, {"tool": "add_to_cart", "product": "P1", "quantity": 40})
    conversation = session.start(GUEST).conversation_id
    shown = answer(session, "pasta", conversation=conversation).products
    turn = answer(session, "add the second one", conversation=conversation)
    (line,) = turn.cart.lines
    assert (line.product.product_id, line.quantity) == (shown[1].product.product_id, 1)
    assert session.cart(GUEST) == turn.cart


def test_a_place_that_was_not_shown_is_refused_and_nothing_is_added(open_session):
    session, model = open_session(SEARCH, {"tool": "add_to_cart", "product": "P1"})
    conversation = session.start(GUEST).conversation_id
    answer(session, "gluten free penne under $4", conversation=conversation)
    turn = answer(session, "add the sixth one", conversation=conversation)
    assert session.cart(GUEST).lines == ()
    assert any(call.problem for call in turn.calls)
    assert "That failed" in model.asked[-1][-1].content
    assert turn.reply


def test_a_name_is_a_wish_not_a_choice(open_session):
    session, _ = open_session({"tool": "add_to_cart", "product": "pasta"})
    turn = answer(session, "add pasta to my cart")
    assert session.cart(GUEST).lines == ()
    assert len(turn.products) > 1


def test_what_is_out_of_stock_is_not_added(open_session):
    session, _ = open_session(
        {"tool": "search_products", "query": "truffle oil"},
        {"tool": "add_to_cart", "product": "P1"},
    )
    conversation = session.start(GUEST).conversation_id
    answer(session, "truffle oil", conversation=conversation)
    turn = answer(session, "add it", conversation=conversation)
    assert "out of stock" in turn.reply
    assert session.cart(GUEST).lines == ()


def test_the_cart_comes_to_what_the_shop_asks(open_session):
    session, _ = open_session({"tool": "view_cart"})
    session.set_quantity(GUEST, "10", 2)
    session.set_quantity(GUEST, "13", 1)
    turn = answer(session, "what is in my cart?")
    assert turn.cart.total == Decimal("5.20")
    assert "$5.20" in turn.reply


def test_two_wishes_are_both_met(open_session):
    session, model = open_session(
        {**SEARCH, "more": True}, {"tool": "search_help", "query": "delivery costs"}
    )
    turn = answer(session, "find me pasta, and what does delivery cost?")
    assert [call.action.tool for call in turn.calls] == ["search_products", "search_help"]
    assert "$4.95" in turn.reply
    second = json.dumps(model.schemas[1])
    assert "search_help" in second
    assert '"search_products"' not in second, "a tool that ran is not offered again"


def test_a_model_that_never_stops_is_stopped(open_session):
    wishes = [{"tool": "search_products", "query": f"pasta {n}", "more": True} for n in range(9)]
    session, model = open_session(*wishes, max_steps=3)
    turn = answer(session, "pasta and then what? and what else?")
    assert len(model.asked) <= 3
    assert turn.status == "finished"
    assert turn.reply


def test_the_same_refused_wish_is_not_tried_twice(open_session):
    session, model = open_session({"tool": "add_to_cart", "product": "P7"})
    turn = answer(session, "add P7")
    assert len(model.asked) == 2
    assert session.cart(GUEST).lines == ()
    assert turn.reply


def test_at_the_deadline_the_shopper_gets_what_there_is(open_session):
    session, _ = open_session(SEARCH, delay=0.15, deadline=0.4, words=['{"opening":"' + "a " * 90])
    started = time.monotonic()
    turn = answer(session, "pasta")
    assert time.monotonic() - started < 5
    assert turn.products
    assert "took too long" in turn.reply
    assert turn.status == "finished"


def test_a_stopped_turn_keeps_what_was_seen(open_session):
    session, _ = open_session(SEARCH, delay=0.2)
    conversation = session.start(GUEST).conversation_id
    cancel = threading.Event()
    seen = []
    for event in session.handle(GUEST, conversation, "pasta", cancel):
        seen.append(event)
        if isinstance(event, CardsShown):
            cancel.set()
    turn = seen[-1].turn
    assert turn.status == "stopped"
    assert turn.products
    assert session.conversation(GUEST, conversation).turns[-1] == turn


def test_a_person_is_fetched_without_asking_the_model(open_session):
    session, model = open_session({"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    answer(session, "hello", conversation=conversation)
    asked = len(model.asked)
    turn = answer(session, "let me talk to a human please", conversation=conversation)
    assert len(model.asked) == asked
    assert turn.handoff.reason == "asks_for_a_person"
    assert "hello" in turn.handoff.summary
    assert session.conversation(GUEST, conversation).state == "waiting"
    assert "waiting for a colleague" in turn.reply


def test_text_in_a_product_is_data(open_session):
    session, model = open_session({"tool": "search_products", "query": "mystery box"})
    conversation = session.start(GUEST).conversation_id
    turn = answer(session, "mystery box", conversation=conversation)
    assert turn.products[0].product.price == Decimal("6.66")
    answer(session, "and now?", conversation=conversation)
    system = [message for message in model.asked[-1] if message.role == "system"]
    assert len(system) == 1
    assert "everything is free" not in system[0].content


def test_tool_names_and_arguments_never_reach_the_shopper(open_session):
    words = json.dumps({"opening": "I called search_products with query pasta."})
    session, _ = open_session(SEARCH, words=[words])
    assert "search_products" not in answer(session, "pasta").reply


@pytest.mark.parametrize("error", [ModelError("the model is gone; restart it"), KeyError("x")])
def test_a_failure_keeps_the_message_and_offers_a_reference(open_session, error, caplog):
    session, _ = open_session(error)
    conversation = session.start(GUEST).conversation_id
    last = ask(session, "pasta", conversation=conversation)[-1]
    assert isinstance(last, TurnFailed)
    assert last.reference in last.message
    assert last.reference in caplog.text
    (turn,) = session.conversation(GUEST, conversation).turns
    assert (turn.text, turn.status) == ("pasta", "failed")


def test_a_chinese_shopper_gets_chinese_sentences(open_session):
    session, _ = open_session({"tool": "recommend_products", "kind": "buy_again"}, words=["{}"])
    turn = answer(session, "推荐我平时买的东西", session.customer("1"))
    assert "您买过12次" in turn.reply


def test_each_turn_only_appends_to_what_the_model_has_read(open_session):
    session, model = open_session(SEARCH, {"tool": "view_cart"}, {"tool": "reply"})
    conversation = session.start(GUEST).conversation_id
    for text in ("pasta", "my cart?", "thanks"):
        answer(session, text, conversation=conversation)
    first, second, third = model.asked
    assert list(second[: len(first)]) == list(first)
    assert list(third[: len(second)]) == list(second)


def test_a_trusted_model_may_drop_products_but_not_add_any(open_session):
    words = json.dumps({"opening": "Here you go:", "show": ["P2", "P99"]})
    session, _ = open_session(SEARCH, words=[words], wording="paraphrase")
    turn = answer(session, "pasta")
    assert [piece.tag for piece in turn.pieces if piece.kind == "product"] == ["P2"]


def test_only_a_trusted_model_reads_what_a_known_shopper_buys(open_session):
    """After its static prompt, titles quoted as data; nobody else's purchases, and no guest's."""
    words = json.dumps({"opening": "Here you go:", "show": ["P1"]})
    session, model = open_session(SEARCH, words=[words], wording="paraphrase")
    for shopper in (ANNA, GUEST):
        answer(session, "pasta", shopper)
    known, guest = model.written
    assert known[0] == guest[0]
    assert "'Oat milk, 64 oz' (12×)" in known[1].content
    assert "cat food" not in known[1].content
    assert "Of this shopper" not in guest[1].content
    assert not any("Oat milk" in each.content for each in model.asked[0])
    careful, plain = open_session(SEARCH)
    answer(careful, "pasta", ANNA)
    assert "Of this shopper" not in plain.written[0][1].content


def test_comparing_names_the_cheaper_per_unit(open_session):
    session, _ = open_session(SEARCH, {"tool": "compare_products", "products": ["P1", "P2"]})
    conversation = session.start(GUEST).conversation_id
    cards = answer(session, "pasta", conversation=conversation).products[:2]
    turn = answer(session, "compare P1 and P2", conversation=conversation)

    def per_ounce(card):
        return card.product.price / Decimal(card.product.size.split()[0])

    cheapest = min(cards, key=per_ounce).product.title
    assert f"Per oz, {cheapest} costs the least." in turn.reply


def test_past_purchases_are_found_by_words_and_by_time(open_session):
    session, _ = open_session(
        {"tool": "search_history", "query": "oat milk"},
        {"tool": "search_history", "period": "week"},
    )
    anna = session.customer("1")
    turn = answer(session, "when did I buy oat milk?", anna)
    assert [card.product.title for card in turn.products] == ["Oat milk, 64 oz"]
    assert "25 May 2024" in turn.products[0].reason
    assert answer(session, "what did I buy this week?", anna).products


def test_taking_the_last_product_out_says_that_the_cart_is_empty(open_session):
    session, _ = open_session({"tool": "remove_from_cart", "product": "spaghetti"})
    session.set_quantity(GUEST, "10", 1)
    turn = answer(session, "take the spaghetti out")
    assert "empty" in turn.reply
    assert session.cart(GUEST).lines == ()


def test_what_is_in_the_cart_alone_is_what_it_means(open_session):
    session, _ = open_session({"tool": "remove_from_cart", "product": "oat milk"})
    session.set_quantity(GUEST, "10", 2)
    assert "Took Spaghetti" in answer(session, "actually, take it out again").reply
    session.set_quantity(GUEST, "10", 2)
    session.set_quantity(GUEST, "19", 1)
    answer(session, "take it out again")
    assert len(session.cart(GUEST).lines) == 2, "of two it could be either"


def test_a_decision_that_copies_the_last_one_is_made_anew_without_it(open_session):
    bread = {"tool": "search_products", "query": "bread"}
    session, model = open_session(SEARCH, SEARCH, bread)
    conversation = session.start(GUEST).conversation_id
    answer(session, "pasta please", conversation=conversation)
    turn = answer(session, "do you have bread too?", conversation=conversation)
    assert [card.product.title for card in turn.products] == ["Sourdough bread"]
    first, again = model.asked[1], model.asked[2]
    assert [each.content for each in again] == [first[0].content, "do you have bread too?"]


def test_what_points_back_keeps_what_was_shown(open_session):
    session, model = open_session(SEARCH)
    conversation = session.start(GUEST).conversation_id
    answer(session, "pasta please", conversation=conversation)
    answer(session, "what goes with the second one?", conversation=conversation)
    first, again = model.asked[1], model.asked[2]
    assert [each.content for each in again] == [first[0].content, first[-1].content]
    assert "(Shown: P1" in again[-1].content


def test_the_same_message_twice_is_decided_once_each(open_session):
    session, model = open_session(SEARCH)
    conversation = session.start(GUEST).conversation_id
    for _ in range(2):
        assert answer(session, "pasta please", conversation=conversation).products
    assert len(model.asked) == 2


KNOWN = {"tool": "view_profile"}


def test_what_is_known_of_a_shopper_is_counted_from_their_own_purchases(open_session, catalogue):
    session, _ = open_session(KNOWN)
    turn = answer(session, "what do you know about me?", session.customer("1"))
    bought = catalogue.purchases("1")
    visits = len({each.at for each in bought})
    assert f"{visits} visits" in turn.reply
    assert f"{len(bought)} purchases" in turn.reply
    assert "every 7 days" in turn.reply
    assert {card.product.product_id for card in turn.products} <= {p.product_id for p in bought}
    oat_milk = next(c for c in turn.products if c.product.title.startswith("Oat milk"))
    assert "12 times" in oat_milk.reason


def test_what_is_known_is_said_in_chinese_too(open_session):
    session, _ = open_session(KNOWN)
    turn = answer(session, "你了解我什么?", session.customer("1"))
    assert "您的记录里有12次购物" in turn.reply


@pytest.mark.parametrize("customer", [None, "8"])
def test_of_a_guest_and_of_a_new_customer_nothing_is_known(open_session, customer):
    session, _ = open_session(KNOWN)
    turn = answer(
        session, "what do you know about me?", session.customer(customer) if customer else GUEST
    )
    assert "know nothing about you" in turn.reply
    assert not turn.products


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("help me do my weekly shop", None),
        ("any ideas from the grocery shelves?", "Grocery"),
        ("给我推荐点吃的", "Grocery"),
    ],
)
def test_a_department_that_nobody_named_narrows_nothing(open_session, said, category):
    decision = {"tool": "recommend_products", "kind": "popular", "category": "Grocery"}
    session, _ = open_session(decision)
    (call,) = answer(session, said).calls
    assert call.action.arguments.get("category") == category


@pytest.mark.parametrize(
    ("text", "shopper", "kind"),
    [
        ("what might I like for dinner?", ANNA, "new_for_you"),
        ("what do other people buy?", ANNA, "popular"),
        ("what is popular in bakery?", ANNA, "popular"),
        ("现在什么卖得最好？", ANNA, "popular"),
        ("what might I like for dinner?", GUEST, "popular"),
    ],
)
def test_what_others_buy_is_no_answer_to_what_i_might_like(open_session, text, shopper, kind):
    session, _ = open_session({"tool": "recommend_products", "kind": "popular"})
    assert answer(session, text, shopper).calls[0].action.arguments["kind"] == kind
