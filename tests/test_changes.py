"""Changes of orders, from the shopper's words to the record: shown exactly, made once, on yes."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from assistant.changes import answer_in
from assistant.database import audit_log, changes
from assistant.errors import Conflict, NotFound
from assistant.orders.book import OrderBook
from tests.test_turn import answer

CANCEL = {"tool": "cancel_order"}
OLGA = "9"


@pytest.fixture
def olga(open_session):
    """Olga's conversation with a model that decides so; what she says, and her orders."""

    class Olga:
        def __init__(self, *decisions, **options):
            self.session, self.model = open_session(*decisions or (CANCEL,), **options)
            self.shopper = self.session.customer(OLGA)
            self.conversation = self.session.start(self.shopper).conversation_id
            self.book = self.session._orders

        def say(self, text):
            return answer(self.session, text, self.shopper, self.conversation)

        def press(self, change_id, yes=True):
            events = self.session.answer(self.shopper, self.conversation, change_id, yes=yes)
            return list(events)[-1].turn

        def order(self, order_id):
            (order,) = self.book.orders(OLGA, order_id=order_id)
            return order

        def turns(self):
            return self.session.conversation(self.shopper, self.conversation).turns

        def log(self):
            with self.session._store.database.read() as connection:
                return connection.execute(sa.select(audit_log)).all()

    return Olga


def test_a_change_is_shown_exactly_and_nothing_is_done_before_the_yes(olga):
    olga = olga()
    turn = olga.say("please cancel my order")
    assert turn.proposal.change.order_id == "C300", "the only one that can be cancelled"
    assert turn.proposal.state == "proposed"
    for said in ("C300", "3 × Spaghetti, 16 oz, $1.50 each", "Sourdough bread", "$11.59", "4242"):
        assert said in turn.reply
    assert "Answer yes or no" in turn.reply
    assert olga.order("C300").status == "placed"
    assert olga.log() == []


def test_a_typed_yes_does_it_once_and_says_so(olga):
    olga = olga()
    asked = olga.say("please cancel my order")
    decided = len(olga.model.asked)
    turn = olga.say("Yes please!")
    assert len(olga.model.asked) == decided, "the model has no part in a yes"
    assert turn.reply.startswith("Done.")
    assert "has been cancelled" in turn.reply
    assert olga.order("C300").status == "cancelled"
    assert olga.turns()[0].proposal.state == "done"
    (entry,) = olga.log()
    assert (entry.change_id, entry.customer_id) == (asked.proposal.change_id, OLGA)
    assert entry.action == "cancel_order"
    content = json.loads(entry.content)
    assert content["before"]["order"]["status"] == "placed"
    assert content["after"]["order"]["status"] == "cancelled"
    again = olga.press(asked.proposal.change_id)
    assert "done already" in again.reply
    assert len(olga.log()) == 1


def test_a_no_changes_nothing_and_a_later_yes_neither(olga):
    olga = olga()
    change = olga.say("please cancel my order").proposal.change_id
    assert "nothing was changed" in olga.say("no").reply
    assert olga.turns()[0].proposal.state == "declined"
    assert "nothing was changed" in olga.press(change).reply
    assert olga.order("C300").status == "placed"
    assert olga.log() == []


@pytest.mark.parametrize("said", ["what does delivery cost?", "hello", "hmm, yes or no?"])
def test_a_yes_to_something_else_does_nothing(olga, said):
    olga = olga(CANCEL, {"tool": "reply"})
    change = olga.say("please cancel my order").proposal.change_id
    olga.say(said)
    olga.say("yes")
    assert olga.order("C300").status == "placed"
    assert olga.log() == []
    # The button says which change it means, so it still works.
    assert olga.press(change).reply.startswith("Done.")


def test_a_yes_that_says_more_is_a_message_like_any_other(olga):
    olga = olga()
    olga.say("please cancel my order")
    olga.say("yes but only the bread")
    assert olga.order("C300").status == "placed"


def test_another_change_takes_the_place_of_the_one_before(olga):
    move = {"tool": "change_order_address", "address": "5 Oak Avenue, Peoria, IL 61602"}
    olga = olga(CANCEL, move)
    first = olga.say("please cancel my order").proposal.change_id
    second = olga.say("no, rather send it to 5 Oak Avenue, Peoria, IL 61602")
    assert second.proposal.change.address.text == "5 Oak Avenue, Peoria, IL 61602"
    assert olga.turns()[0].proposal.state == "replaced"
    assert "nothing was changed" in olga.press(first).reply
    assert olga.order("C300").status == "placed"
    olga.press(second.proposal.change_id)
    assert olga.order("C300").address == "5 Oak Avenue, Peoria, IL 61602"
    assert len(olga.log()) == 1


def test_a_change_that_waited_too_long_is_not_made(olga):
    olga = olga(confirm_within=timedelta(0))
    change = olga.say("please cancel my order").proposal.change_id
    assert olga.turns()[0].proposal.state == "expired"
    assert "too long ago" in olga.say("yes").reply
    assert "nothing was changed" in olga.press(change).reply
    assert olga.order("C300").status == "placed"


def test_what_has_changed_since_is_not_done_blindly(olga):
    olga = olga()
    olga.say("please cancel my order")
    with olga.session._store.database.write() as connection:
        connection.execute(
            changes.update().values(
                content=sa.func.replace(changes.c.content, '"11.59"', '"1159.00"')
            )
        )
    turn = olga.say("yes")
    assert "has changed since this was shown" in turn.reply
    assert olga.order("C300").status == "placed"
    assert olga.turns()[0].proposal.state == "refused"
    assert olga.log() == []


def test_two_tabs_at_once_make_it_once(olga):
    import threading

    olga = olga()
    change = olga.say("please cancel my order").proposal.change_id
    replies, refused = [], []

    def press():
        try:
            replies.append(olga.press(change).reply)
        except Conflict as conflict:
            refused.append(conflict.message)

    tabs = [threading.Thread(target=press) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(replies) + len(refused) == 8
    assert sum(reply.startswith("Done.") for reply in replies) == 1
    assert len(olga.log()) == 1
    assert len([p for p in olga.order("C300").payments if p.kind == "refund"]) == 1


def test_a_change_is_for_its_shopper_and_conversation_alone(olga):
    olga = olga()
    change = olga.say("please cancel my order").proposal.change_id
    session = olga.session
    anna = session.customer("1")
    theirs = session.start(anna).conversation_id
    other = session.start(olga.shopper).conversation_id
    for who, where in ((anna, theirs), (anna, olga.conversation), (olga.shopper, other)):
        with pytest.raises(NotFound):
            list(session.answer(who, where, change, yes=True))
    with pytest.raises(NotFound, match="'made up'"):
        olga.press("made up")
    assert olga.order("C300").status == "placed"


def test_a_colleague_who_has_the_conversation_has_the_order_too(olga):
    olga = olga()
    change = olga.say("please cancel my order").proposal.change_id
    olga.session.ask_for_person(olga.shopper, olga.conversation)
    assert olga.say("yes").kind == "message"
    with pytest.raises(Conflict, match="colleague"):
        olga.press(change)
    assert olga.order("C300").status == "placed"
    assert olga.log() == []


# --- what is meant -----------------------------------------------------------------------------


def test_a_guest_is_asked_to_sign_in_whatever_they_claim(open_session):
    session, _ = open_session({"tool": "cancel_order", "order_id": "C300"})
    turn = answer(session, "I am Olga, olga@example.com, customer 9: cancel order C300")
    assert "signed in" in turn.reply
    assert turn.proposal is None
    assert turn.orders == ()


@pytest.mark.parametrize("order_id", ["C300", "c300", "#C300", "A101", "Z999"])
def test_another_shoppers_order_is_as_if_it_did_not_exist(open_session, order_id):
    session, _ = open_session({"tool": "cancel_order"})
    turn = answer(session, f"cancel order {order_id}", session.customer("2"))
    assert turn.proposal is None
    assert turn.orders == ()
    assert f"no order {order_id}" in turn.reply
    assert "Olga" not in turn.reply


def test_a_number_in_the_message_beats_the_models(olga):
    olga = olga({"tool": "cancel_order", "order_id": "C300"})
    turn = olga.say("cancel order C301")
    assert turn.proposal is None
    assert "is on its way" in turn.reply
    quoted = [piece.text for piece in turn.pieces if piece.kind == "citation"]
    assert any("left the store cannot be cancelled" in text for text in quoted), "the rule is cited"


def test_a_number_that_nobody_said_is_not_used(olga):
    olga = olga({"tool": "return_items", "items": ["milk"], "order_id": "C303"})
    assert olga.say("I want to return the milk").proposal.change.order_id == "C302"


def test_several_orders_are_shown_to_choose_from(olga):
    olga = olga({"tool": "return_items"})
    turn = olga.say("I want to send something back")
    assert "Which order" in turn.reply
    assert [card.order.order_id for card in turn.orders] == ["C302", "C303"]
    assert turn.proposal is None


def test_what_was_asked_back_is_answered_step_by_step(olga):
    olga = olga({"tool": "return_items"})
    assert "Which order" in olga.say("I want to send something back").reply
    assert "Which items of order C302" in olga.say("C302").reply
    proposal = olga.say("the parmesan").proposal
    assert [each.title for each in proposal.effect.items] == ["Parmesan cheese, 8 oz"]
    assert len(olga.model.asked) == 3, "an answer is no thoughtless copy of the last decision"


def test_items_are_found_by_their_words(olga):
    olga = olga({"tool": "return_items", "items": ["whole milk", "parmesan"]})
    proposal = olga.say("return the whole milk and the parmesan please").proposal
    assert [(each.title, each.quantity) for each in proposal.effect.items] == [
        ("Whole milk, 1 gal", 2),
        ("Parmesan cheese, 8 oz", 1),
    ]
    (move,) = proposal.effect.moves
    assert (move.kind, move.amount, move.after_receipt) == ("refund", Decimal("10.98"), True)


def test_items_are_asked_for_where_none_is_named(olga):
    olga = olga({"tool": "return_items"})
    turn = olga.say("I want to return something of order C302")
    assert "Which items of order C302" in turn.reply
    assert "Whole milk" in turn.reply
    assert turn.proposal is None


def test_what_cannot_be_returned_is_refused_with_the_rule(olga):
    olga = olga({"tool": "return_items", "items": ["cat food"]})
    turn = olga.say("return the cat food from order C302")
    assert "cannot be returned" in turn.reply
    assert turn.citations[0].article_id == "returns"


def test_a_window_that_has_closed_is_explained(olga):
    olga = olga({"tool": "return_items"})
    turn = olga.say("return everything from order C303")
    assert "30 days" in turn.reply
    assert turn.proposal is None


@pytest.mark.parametrize("quantity", [0, -1, 3, 1_000_000_000])
def test_an_impossible_quantity_is_refused(olga, quantity):
    olga = olga({"tool": "return_items", "items": ["whole milk"], "quantity": quantity})
    turn = olga.say(f"return {quantity} of the whole milk in order C302")
    assert turn.proposal is None
    assert str(quantity) in turn.reply.replace(",", "")


def test_a_quantity_that_nobody_said_is_not_used(olga):
    olga = olga({"tool": "return_items", "items": ["whole milk"], "quantity": 1})
    (item,) = olga.say("return the whole milk").proposal.effect.items
    assert item.quantity == 2
    (item,) = olga.say("no, return one whole milk").proposal.effect.items
    assert item.quantity == 1


def test_an_address_that_nobody_wrote_is_not_used(olga):
    olga = olga({"tool": "change_order_address", "address": "6 Thief Lane, Gotham, NY 10001"})
    turn = olga.say("I moved, change the address of my order")
    assert "Write the whole new address" in turn.reply
    assert turn.proposal is None


def test_the_address_of_the_account_changes_on_yes(olga):
    olga = olga({"tool": "change_address", "address": "5 Oak Avenue, Apt 2, Peoria, IL 61602"})
    turn = olga.say("I moved to 5 Oak Avenue, Apt 2, Peoria, IL 61602")
    assert "Until now: 1 Elm Street, Springfield, IL 62701" in turn.reply
    assert "5 Oak Avenue" in olga.say("yes").reply
    address = olga.book.customer(OLGA).address
    assert (address.address2, address.city, address.zip) == ("Apt 2", "Peoria", "61602")


def test_items_are_exchanged_and_taken_out(olga):
    olga = olga(
        {"tool": "change_order_items", "items": ["bread"]},
        {"tool": "change_order_items", "items": ["oat milk"], "new_items": ["whole milk"]},
    )
    assert "Sourdough bread, $3.10 each, is taken out" in olga.say("leave the bread out").reply
    olga.say("yes")
    assert "becomes Whole milk, 1 gal, $2.89 each" in olga.say("whole milk for the oat milk").reply
    olga.say("yes")
    order = olga.order("C300")
    assert [line.title.split(",")[0] for line in order.lines] == ["Spaghetti", "Whole milk"]
    assert order.total == Decimal("7.39")


def test_several_items_are_one_change(olga):
    """A shop's rules may allow an order's items to change a single time."""
    olga = olga(
        {
            "tool": "change_order_items",
            "items": ["oat milk", "spaghetti"],
            "new_items": ["whole milk", "gluten free penne"],
        },
        {"tool": "change_order_items", "items": ["oat milk", "bread"]},
    )
    said = "whole milk for the oat milk, gluten free penne for the spaghetti"
    effect = olga.say(said).proposal.effect
    assert [(each.title.split(",")[0], each.new_title.split(",")[0]) for each in effect.items] == [
        ("Oat milk", "Whole milk"),
        ("Spaghetti", "Gluten free penne"),
    ]
    olga.say("no")
    out = olga.say("take the oat milk and the bread out").proposal.effect
    assert [each.new_title for each in out.items] == ["", ""]


def test_a_swap_in_a_delivered_order_is_an_exchange_whatever_it_is_called(olga):
    decision = {"tool": "change_order_items", "items": ["whole milk"], "new_items": ["oat milk"]}
    turn = olga(decision).say("in order C302, change the whole milk for oat milk")
    assert turn.proposal.change.kind == "exchange_items"


def test_whole_names_are_what_is_returned_however_the_model_cut_them(olga):
    cut = {"tool": "return_items", "items": ["Whole milk", "1 gal", "Sourdough"], "quantity": 1}
    turn = olga(cut).say("return Whole milk, 1 gal and Sourdough bread from order C302")
    assert {each.title for each in turn.proposal.effect.items} == {
        "Whole milk, 1 gal",
        "Sourdough bread",
    }


def test_the_only_item_of_an_order_is_not_taken_for_another(olga):
    olga = olga({"tool": "return_items", "items": ["bread"]}, {"tool": "return_items"})
    turn = olga.say("return the bread of order C303")
    assert turn.proposal is None
    assert "no “bread” in order C303" in turn.reply
    assert olga.say("I want to return it, order C303").orders[0].order.order_id == "C303"


def test_a_number_in_a_name_is_no_quantity(olga):
    decision = {"tool": "return_items", "items": ["whole milk"], "quantity": 1}
    (item,) = olga(decision).say("return Whole milk, 1 gal from order C302").proposal.effect.items
    assert item.quantity == 2


def test_which_item_becomes_which_is_asked(olga):
    olga = olga(
        {
            "tool": "change_order_items",
            "items": ["oat milk"],
            "new_items": ["whole milk", "spaghetti"],
        }
    )
    turn = olga.say("whole milk and spaghetti for the oat milk")
    assert turn.proposal is None
    assert "Say which becomes which" in turn.reply


def test_an_order_is_paid_another_way(olga):
    olga = olga({"tool": "change_order_payment", "payment": "gift card"})
    assert "$11.59" in olga.say("pay my order with my gift card").reply
    olga.say("yes")
    assert olga.book.customer(OLGA).method("gift_9").balance == Decimal("8.41")


def test_a_way_to_pay_of_someone_else_is_no_way(olga):
    olga = olga({"tool": "change_order_payment", "payment": "visa 1111"})
    turn = olga.say("charge order C300 to the visa ending 1111")
    assert turn.proposal is None or turn.proposal.change.payment_id == "card_9"


def test_the_question_what_is_answered_next_time(olga):
    """`it` after an order was shown is that order."""
    olga = olga({"tool": "find_orders", "order_id": "C302"}, {"tool": "return_items"})
    olga.say("show me order C302")
    assert "Which items of order C302" in olga.say("I want to return something from it").reply


@pytest.mark.parametrize("said", ["yes", "Yes!", "ok, do it", "yes please", "好的", "是", "Sí"])
def test_a_plain_yes(said):
    assert answer_in(said) is True


@pytest.mark.parametrize("said", ["no", "No, thanks", "don't", "不要", "nope.", "no no no"])
def test_a_plain_no(said):
    assert answer_in(said) is False


@pytest.mark.parametrize(
    "said", ["yes, and the milk", "no milk?", "cancel", "yes " * 50, "", "yesterday", "noodles"]
)
def test_neither(said):
    assert answer_in(said) is None


def test_a_later_process_finds_the_book_as_it_was_left(olga, shop):
    first = olga()
    first.say("please cancel my order")
    first.say("yes")
    later = OrderBook(shop.catalogue, first.session._store.database)
    assert later.orders(OLGA, order_id="C300")[0].status == "cancelled"
    assert datetime.now(UTC) > first.log()[0].at
