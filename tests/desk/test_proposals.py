"""A colleague proposes a change of an order; the shopper's yes in the chat makes it, once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from assistant.database import audit_log
from assistant.errors import BadInput, Conflict, Forbidden, NotFound
from assistant.events import TurnFinished
from assistant.orders.refusal import Refusal
from assistant.orders.types import Address, Change, ItemChange
from assistant.types import Shopper

PASSWORD = "a long enough password"
CANCEL = Change("cancel_order", "C300", reason="no longer needed")
RETURN = Change("return_items", "C302", (ItemChange("15", 1),))


@pytest.fixture
def olga(open_session):
    """Olga's conversation, which Ann has."""

    class Olga:
        def __init__(self, *decisions, **options):
            self.session, self.model = open_session(*decisions or ({"tool": "reply"},), **options)
            self.shopper = self.session.customer("9")
            self.id = self.session.start(self.shopper).conversation_id
            self.ann, self.ben = (
                self.session.desk.staff.add(name, PASSWORD, "agent") for name in ("Ann", "Ben")
            )
            self.session.ask_for_person(self.shopper, self.id)
            self.session.desk.claim(self.ann, self.id)

        def propose(self, change=CANCEL, text="", key="", who=None):
            return self.session.proposals.propose(who or self.ann, self.id, change, text, key)

        def say(self, text):
            return list(self.session.handle(self.shopper, self.id, text))[-1].turn

        def press(self, turn, yes=True, shopper=None):
            change_id = turn.proposal.change_id
            events = self.session.answer(shopper or self.shopper, self.id, change_id, yes=yes)
            return list(events)[-1].turn

        def turns(self):
            return self.session.conversation(self.shopper, self.id).turns

        def order(self, order_id="C300"):
            return self.session._orders.orders("9", order_id=order_id)[0]

        def log(self):
            with self.session._store.database.read() as connection:
                return connection.execute(sa.select(audit_log)).all()

    return Olga


def test_the_shopper_sees_exactly_what_a_yes_does_and_nothing_is_done_before(olga):
    olga = olga()
    turn = olga.propose(text="I can do this for you:")
    assert (turn.kind, turn.author, turn.text) == ("staff", "Ann", "I can do this for you:")
    for said in ("C300", "3 × Spaghetti, 16 oz, $1.50 each", "$11.59", "4242"):
        assert said in turn.reply
    assert turn.proposal.by == "Ann"
    assert olga.turns()[-1] == turn
    assert olga.order().status == "placed"
    assert olga.log() == []


@pytest.mark.parametrize("typed", [False, True])
def test_the_shoppers_yes_makes_it_once_and_the_log_says_who(olga, typed):
    olga = olga()
    proposed = olga.propose()
    turn = olga.say("yes please") if typed else olga.press(proposed)
    assert (turn.kind, turn.status) == ("message", "finished")
    assert turn.reply.startswith("Done.")
    assert olga.order().status == "cancelled"
    assert olga.model.asked + olga.model.written == [], "the assistant is silent"
    assert [each.kind for each in olga.turns()] == ["staff", "message"]
    assert olga.turns()[0].proposal.state == "done"
    assert olga.session.conversation(olga.shopper, olga.id).state == "with_staff"
    (entry,) = olga.session.desk.view.queue()
    assert entry.unanswered_at, "the colleague's clock runs: the shopper has answered"
    (logged,) = olga.log()
    content = json.loads(logged.content)
    assert content["proposed_by"] == f"staff:{olga.ann.staff_id}"
    assert content["proposed_by_name"] == "Ann"
    assert content["confirmed_by"] == "customer:9"
    assert content["confirmed_in_turn"] == turn.turn_id
    assert "nothing more was changed" in olga.press(proposed).reply
    assert len(olga.log()) == 1


def test_a_no_drops_it(olga):
    olga = olga()
    turn = olga.press(olga.propose(), yes=False)
    assert "nothing was changed" in turn.reply
    assert olga.order().status == "placed"
    assert olga.turns()[0].proposal.state == "declined"


def test_of_many_yeses_at_once_one_makes_it(olga):
    olga = olga()
    proposed = olga.propose()
    with ThreadPoolExecutor(20) as pool:
        turns = list(pool.map(lambda _: olga.press(proposed), range(20)))
    assert sum(turn.reply.startswith("Done.") for turn in turns) == 1
    assert len(olga.log()) == 1
    assert len(olga.turns()) == 21


def test_a_colleague_cannot_say_yes_nor_another_shopper(olga):
    olga = olga()
    proposed = olga.propose()
    for stranger in (olga.session.customer("1"), Shopper(f"staff:{olga.ann.staff_id}")):
        with pytest.raises(NotFound):
            olga.press(proposed, shopper=stranger)
    olga.session.desk.reply(olga.ann, olga.id, "yes")
    assert olga.order().status == "placed"


def test_only_who_has_the_conversation_may_propose_or_take_back(olga):
    olga = olga()
    with pytest.raises(Conflict, match="Ann has this conversation"):
        olga.propose(who=olga.ben)
    proposed = olga.propose()
    change_id = proposed.proposal.change_id
    with pytest.raises(Conflict, match="Ann has this conversation"):
        olga.session.proposals.withdraw(olga.ben, olga.id, change_id)
    with pytest.raises(NotFound):
        olga.session.proposals.withdraw(olga.ann, olga.id, "no-such-change")
    olga.session.proposals.withdraw(olga.ann, olga.id, change_id)
    assert olga.turns()[0].proposal.state == "withdrawn"
    assert "nothing was changed" in olga.press(proposed).reply
    olga.session.desk.release(olga.ann, olga.id)
    with pytest.raises(Conflict, match="claim it first"):
        olga.propose()
    assert olga.order().status == "placed"


def test_the_same_key_proposes_once(olga):
    olga = olga()
    first = olga.propose(key="one-of-the-desk")
    assert olga.propose(key="one-of-the-desk").turn_id == first.turn_id
    assert len(olga.turns()) == 1
    with pytest.raises(Conflict, match="another change"):
        olga.propose(RETURN, key="one-of-the-desk")
    with pytest.raises(BadInput, match="'short'"):
        olga.propose(key="short")


def test_the_newest_takes_the_place_of_what_waited(olga):
    olga = olga()
    first, second = olga.propose(), olga.propose(RETURN)
    assert [each.proposal.state for each in olga.turns()] == ["replaced", "proposed"]
    assert "settled already" in olga.press(first).reply
    assert olga.press(second).reply.startswith("Done.")
    assert olga.order().status == "placed"
    assert olga.order("C302").status == "return_requested"


def test_every_kind_of_change_has_the_rules_of_the_chat(olga):
    olga = olga()
    preview = olga.session.proposals.preview
    moved = Change("change_order_address", "C300", address=Address("1 New Road", city="Dayton"))
    assert preview(olga.id, moved).address == moved.address
    account = Change("change_address", address=Address("1 New Road", city="Dayton"))
    assert preview(olga.id, account).kind == "change_address"
    for change, rule in (
        (Change("cancel_order", "C301"), "state_cancel_order"),
        (Change("cancel_order", "A100"), "no_such_order"),
        (Change("return_items", "C303", (ItemChange("16", 1),)), "return_window"),
        (Change("return_items", "C302", (ItemChange("17", 1),)), "not_returnable"),
        (Change("return_items", "C302", (ItemChange("15", 9),)), "too_many"),
        (Change("change_order_payment", "C300", payment_id="card_1"), "no_such_payment"),
    ):
        with pytest.raises(Refusal) as refused:
            preview(olga.id, change)
        assert refused.value.rule == rule
        with pytest.raises(Refusal):
            olga.propose(change)
    assert olga.turns() == ()


def test_what_may_be_proposed_is_what_the_state_allows(olga):
    olga = olga()
    options = olga.session.proposals.options(olga.id)
    kinds = {each.order.order_id: set(each.kinds) for each in options.orders}
    assert "cancel_order" in kinds["C300"]
    assert kinds["C301"] == set()
    assert kinds["C302"] == {"return_items", "exchange_items"}
    found = olga.session.aid.replacements(olga.id, "change_order_items", "C300", "10", "penne")
    assert "11" in [each.product_id for each in found]
    with pytest.raises(NotFound):
        olga.session.aid.replacements(olga.id, "change_order_items", "A100", "10", "penne")


def test_whom_the_shop_does_not_know_has_no_orders_to_change(olga):
    olga = olga()
    guest = Shopper("guest:test")
    conversation = olga.session.start(guest).conversation_id
    olga.session.ask_for_person(guest, conversation)
    olga.session.desk.claim(olga.ann, conversation)
    for act in (
        lambda: olga.session.proposals.options(conversation),
        lambda: olga.session.proposals.propose(olga.ann, conversation, CANCEL),
    ):
        with pytest.raises(Forbidden, match="does not know who"):
            act()


def test_what_the_assistant_proposed_waits_no_longer_once_a_person_has_it(olga):
    olga = olga({"tool": "cancel_order"})
    olga.session.desk.give_back(olga.ann, olga.id)
    shown = olga.say("cancel my order")
    olga.session.desk.claim(olga.ann, olga.id)
    with pytest.raises(Conflict, match="a colleague's now"):
        olga.press(shown)
    assert olga.say("yes").kind == "message"
    assert olga.order().status == "placed"


def test_given_back_the_shopper_may_still_say_yes_and_the_assistant_says_what_came(olga):
    olga = olga()
    proposed = olga.propose()
    olga.session.desk.give_back(olga.ann, olga.id)
    turn = olga.press(proposed)
    assert (turn.kind, turn.reply.startswith("Done.")) == ("answered", True)
    assert olga.order().status == "cancelled"
    list(olga.session.handle(olga.shopper, olga.id, "hello"))
    assert "Colleague: Order C300 will be cancelled" in repr(olga.model.asked[-1])


def test_shown_too_long_ago_or_changed_since_it_is_not_made(olga):
    late = olga(confirm_within=timedelta(0))
    assert "too long ago" in late.press(late.propose()).reply
    assert late.order().status == "placed"


def test_a_message_in_between_and_a_plain_yes_is_only_a_message(olga):
    olga = olga()
    proposed = olga.propose()
    olga.session.desk.reply(olga.ann, olga.id, "Do you like pasta?")
    assert olga.say("yes").pieces == ()
    assert olga.order().status == "placed"
    (event,) = olga.session.answer(olga.shopper, olga.id, proposed.proposal.change_id, yes=True)
    assert isinstance(event, TurnFinished)
    assert olga.order().status == "cancelled"
