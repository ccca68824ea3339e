"""The desk over the real store: one owner, one winner, nothing said over a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from assistant.desk import states
from assistant.desk.desk import Rules
from assistant.desk.hours import support_hours
from assistant.desk.tables import handoffs
from assistant.errors import BadInput, Conflict, NotFound, SignInRefused, TooMany
from assistant.events import TurnFinished
from assistant.shop.schema import ShopInfo
from assistant.types import Shopper

GUEST = Shopper("guest:test")
PASSWORD = "a long enough password"


@pytest.fixture
def staffed(open_session):
    """A session with colleagues: the session, and one for each name."""

    def staffed_(*names, decisions=({"tool": "reply"},), **options):
        session, model = open_session(*decisions, **options)
        return session, model, [session.desk.staff.add(name, PASSWORD, "agent") for name in names]

    return staffed_


def waiting(session, shopper=GUEST):
    conversation = session.start(shopper).conversation_id
    session.ask_for_person(shopper, conversation)
    return conversation


def said(session, conversation):
    return [(turn.kind, turn.text) for turn in session.desk.view.conversation(conversation).turns]


def test_a_person_can_be_asked_for_before_the_first_message(staffed):
    session, model, _ = staffed()
    conversation = waiting(session)
    assert session.conversation(GUEST, conversation).state == "waiting"
    session.ask_for_person(GUEST, conversation)
    assert len(session.desk.view.queue()) == 1
    assert model.asked == []


@pytest.mark.parametrize("words", ["let me talk to a human", "转人工", "I want a real person!"])
def test_words_ask_for_a_person_whatever_the_model_says(staffed, words):
    session, _, _ = staffed()
    conversation = session.start(GUEST).conversation_id
    turn = list(session.handle(GUEST, conversation, words))[-1].turn
    assert turn.handoff.reason == "asks_for_a_person"
    assert [each.conversation_id for each in session.desk.view.queue()] == [conversation]


def test_while_a_person_has_it_messages_are_kept_without_the_model(staffed):
    session, model, (ann,) = staffed("Ann")
    conversation = waiting(session)
    (event,) = session.handle(GUEST, conversation, "is anybody there?")
    assert isinstance(event, TurnFinished)
    session.desk.claim(ann, conversation)
    session.desk.reply(ann, conversation, "I am. What is it?")
    list(session.handle(GUEST, conversation, "my milk was sour"))
    assert model.asked == []
    assert said(session, conversation) == [
        ("message", "is anybody there?"),
        ("staff", "I am. What is it?"),
        ("message", "my milk was sour"),
    ]


def test_a_running_turn_ends_when_a_colleague_takes_over(staffed):
    session, _, (ann,) = staffed("Ann", decisions=[{"tool": "search_products", "query": "pasta"}])
    conversation = session.start(GUEST).conversation_id
    running = session.handle(GUEST, conversation, "pasta")
    heard = [next(running), next(running)]
    session.desk.claim(ann, conversation)
    heard += list(running)
    turn = heard[-1].turn
    assert (turn.status, turn.pieces) == ("stopped", ())
    assert len(heard) == 3, "nothing but the end is told once a person has it"
    assert session.conversation(GUEST, conversation).turns == (turn,)
    assert session.conversation(GUEST, conversation).state == "with_staff"


def test_of_fifty_at_once_one_has_it(staffed):
    session, _, (first,) = staffed("Ann")
    colleagues = [type(first)(f"token:{number}", f"{number}", "agent") for number in range(50)]
    conversation = waiting(session)
    together = Barrier(50)

    def claim(who):
        together.wait()
        try:
            session.desk.claim(who, conversation)
        except Conflict as refused:
            assert "has this conversation" in refused.message
            return None
        return who

    with ThreadPoolExecutor(50) as pool:
        won = [each for each in pool.map(claim, colleagues) if each]
    assert len(won) == 1
    assert session.desk.view.queue()[0].staff_id == won[0].staff_id
    assert [each["to"] for each in session.desk.view.history(conversation)] == [
        "waiting",
        "with_staff",
    ]


def test_only_the_owner_speaks(staffed):
    session, _, (ann, ben) = staffed("Ann", "Ben")
    conversation = waiting(session)
    with pytest.raises(Conflict, match="claim it first"):
        session.desk.reply(ann, conversation, "hello")
    session.desk.claim(ann, conversation)
    for act in (session.desk.release, session.desk.give_back, session.desk.resolve):
        with pytest.raises(Conflict, match="Ann has this conversation"):
            act(ben, conversation)
    with pytest.raises(Conflict, match="Ann has this conversation"):
        session.desk.reply(ben, conversation, "hello")
    with pytest.raises(NotFound):
        session.desk.claim(ann, "no such conversation")


def test_capacity_and_the_next_in_line(staffed):
    session, _, (ann, ben) = staffed("Ann", "Ben", rules=Rules(capacity=2))
    made = [waiting(session) for _ in range(3)]
    assert [session.desk.view.standing(each).place for each in made] == [1, 2, 3]
    assert [session.desk.claim_next(ann) for _ in range(2)] == made[:2]
    with pytest.raises(TooMany, match="the most at a time"):
        session.desk.claim(ann, made[2])
    assert session.desk.view.standing(made[2]).place == 1
    assert session.desk.claim_next(ben) == made[2]
    assert session.desk.claim_next(ben) is None
    session.desk.resolve(ann, made[0])
    session.desk.claim(ann, waiting(session))


def test_a_complaint_goes_first(staffed):
    session, _, _ = staffed(decisions=[{"tool": "hand_off", "reason": "complaint"}])
    first = waiting(session)
    urgent = session.start(GUEST).conversation_id
    list(session.handle(GUEST, urgent, "the milk was sour again"))
    assert [each.conversation_id for each in session.desk.view.queue()] == [urgent, first]


def test_what_a_silent_colleague_has_goes_back_to_the_front(staffed):
    session, _, (ann,) = staffed("Ann")
    first, other = waiting(session), waiting(session)
    session.desk.claim(ann, other)
    session.desk.reply(ann, other, "I am looking")
    assert session.desk.sweep() == []
    list(session.handle(GUEST, other, "and?"))
    with session._store.database.write() as connection:
        past = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(sa.update(handoffs).values(claimed_at=past, unanswered_at=past))
    assert session.desk.sweep() == [other]
    assert [each.conversation_id for each in session.desk.view.queue()] == [other, first]
    assert session.desk.view.history(other)[-1]["by"] == "system"


def test_returned_it_is_the_assistants_again_and_the_stretch_is_marked(staffed):
    session, model, (ann,) = staffed("Ann")
    conversation = waiting(session)
    session.desk.claim(ann, conversation)
    list(session.handle(GUEST, conversation, "my milk was sour"))
    session.desk.reply(ann, conversation, "I have noted it for a refund.", ["14"])
    session.desk.give_back(ann, conversation)
    list(session.handle(GUEST, conversation, "do you have pasta?"))
    asked = model.asked[-1][-1].content
    assert asked.startswith("(A colleague had the conversation.")
    assert "Colleague: I have noted it for a refund. [P1 Oat milk, 64 oz]" in asked
    assert asked.endswith("do you have pasta?")


def test_notes_reach_neither_the_shopper_nor_the_model(staffed):
    session, model, (ann,) = staffed("Ann")
    conversation = waiting(session)
    session.desk.claim(ann, conversation)
    session.desk.note(ann, conversation, "SECRET: a regular, be generous")
    session.desk.give_back(ann, conversation)
    list(session.handle(GUEST, conversation, "hello"))
    assert session.desk.view.notes(conversation)[0].text == "SECRET: a regular, be generous"
    assert "SECRET" not in repr(session.conversation(GUEST, conversation))
    assert "SECRET" not in repr(model.asked) + repr(model.written)


def test_resolved_it_can_be_rated_and_opens_again_by_a_message(staffed):
    session, _, (ann,) = staffed("Ann")
    conversation = waiting(session)
    with pytest.raises(Conflict, match="nothing to rate"):
        session.desk.rate(GUEST.key, conversation, 5)
    session.desk.claim(ann, conversation)
    session.desk.resolve(ann, conversation)
    assert session.desk.view.queue() == []
    with pytest.raises(BadInput):
        session.desk.rate(GUEST.key, conversation, 6)
    with pytest.raises(NotFound):
        session.desk.rate("guest:other", conversation, 1)
    session.desk.rate(GUEST.key, conversation, 4)
    assert session.desk.view.standing(conversation).rating == 4
    list(session.handle(GUEST, conversation, "one more thing"))
    assert session.conversation(GUEST, conversation).state == "with_assistant"


def test_an_address_is_kept_and_nothing_is_promised(staffed):
    session, _, _ = staffed()
    conversation = waiting(session)
    standing = session.desk.view.standing(conversation)
    assert (standing.there, standing.place) == (False, 1)
    with pytest.raises(BadInput, match="not an e-mail"):
        session.desk.leave_email(GUEST.key, conversation, "nobody")
    session.desk.leave_email(GUEST.key, conversation, "noor@example.org")
    assert session.desk.view.queue()[0].email == "noor@example.org"


def test_the_packet_is_the_record(staffed):
    session, _, _ = staffed(decisions=[{"tool": "find_orders"}])
    anna = session.customer("1")
    conversation = session.start(anna).conversation_id
    session.set_quantity(anna, "14", 2)
    list(session.handle(anna, conversation, "where is my order?"))
    list(session.handle(anna, conversation, "let me talk to a human"))
    packet, _ = session.aid.packet(conversation)
    assert (packet.verified, packet.customer_id) == (True, "1")
    assert packet.wants == "where is my order?"
    assert [each.tool for each in packet.tried] == ["find_orders", "hand_off"]
    assert packet.cart.lines[0].quantity == 2
    assert packet.orders


def test_a_draft_is_the_assistants_answer_and_changes_nothing(staffed):
    session, _, _ = staffed(decisions=[{"tool": "search_products", "query": "pasta"}])
    conversation = waiting(session)
    with pytest.raises(BadInput, match="asked nothing"):
        session.aid.draft_reply(conversation)
    list(session.handle(GUEST, conversation, "do you have pasta?"))
    before = session.conversation(GUEST, conversation)
    draft = session.aid.draft_reply(conversation)
    assert draft.products
    assert session.conversation(GUEST, conversation) == before


@pytest.mark.parametrize("came", states.ALLOWED)
@pytest.mark.parametrize("to", states.ALLOWED)
def test_moves_that_are_not_allowed_are_refused(staffed, came, to):
    session, _, _ = staffed()
    conversation = session.start(GUEST).conversation_id
    with session._store.database.write() as connection:
        if came != "with_assistant":
            states.move(connection, conversation, came, "system")
    if to in states.ALLOWED[came]:
        with session._store.database.write() as connection:
            states.move(connection, conversation, to, "system")
        return
    with pytest.raises(Conflict), session._store.database.write() as connection:
        states.move(connection, conversation, to, "system")
    assert session.conversation(GUEST, conversation).state == came


def test_anger_and_repeated_failure_are_offered_a_person(staffed):
    session, _, _ = staffed(decisions=[{"tool": "search_products", "query": "zzz"}])
    conversation = session.start(GUEST).conversation_id

    def answer(text):
        return list(session.handle(GUEST, conversation, text))[-1].turn.reply

    offer = "Talk to a person"
    assert offer not in answer("xyzzy")
    assert offer in answer("qwxyz")
    assert offer in answer("this is useless!")


def test_hours_are_the_shops():
    def hours_of(first, last):
        policy = {"support_first_hour": first, "support_last_hour": last}
        return support_hours(ShopInfo("Shop", "USD", policy=policy))

    hours = hours_of("8 a.m.", "8 p.m.")
    at = datetime(2024, 6, 1, tzinfo=UTC)
    found = [hours.open_at(at.replace(hour=hour)) for hour in (7, 8, 19, 20)]
    assert found == [False, True, True, False]
    assert support_hours(ShopInfo("Shop", "USD")) is None
    assert hours_of("20:00", "2:30").open_at(at.replace(hour=1))
    with pytest.raises(BadInput, match="noonish"):
        hours_of("noonish", "8")


def test_accounts_sessions_and_wrong_passwords(open_session):
    session, _ = open_session({"tool": "reply"})
    staff = session.desk.staff
    staff.add("Ann", PASSWORD, "admin")
    with pytest.raises(Conflict, match="'Ann'"):
        staff.add("Ann", PASSWORD, "agent")
    for name, password, role in (
        ("Ben", "short", "agent"),
        ("Ben", PASSWORD, "king"),
        ("", "", ""),
    ):
        with pytest.raises(BadInput):
            staff.add(name, password, role)
    token, ann = staff.log_in("Ann", PASSWORD, "1.2.3.4")
    assert staff.who(token) == ann
    assert staff.anybody_there()
    later = type(staff)(session._store.database, lambda: datetime.now(UTC) + timedelta(hours=3))
    assert later.who(token) is None
    staff.log_out(token)
    assert staff.who(token) is None
    assert not staff.anybody_there()
    for _ in range(5):
        with pytest.raises(SignInRefused):
            staff.log_in("Ann", "a wrong password", "1.2.3.4")
    with pytest.raises(TooMany):
        staff.log_in("Ann", PASSWORD, "5.6.7.8")
    with session._store.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM staff").all())
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_the_desks_export_has_it_all_and_the_shoppers_what_is_about_them(staffed):
    session, _, (ann,) = staffed("Ann")
    conversation = waiting(session)
    session.desk.claim(ann, conversation)
    session.desk.note(ann, conversation, "a regular, be generous")
    session.desk.leave_email(GUEST.key, conversation, "noor@example.org")
    session.desk.resolve(ann, conversation)
    session.desk.rate(GUEST.key, conversation, 5)
    whole = session.desk.view.export(conversation)
    assert [(note["author"], note["text"]) for note in whole["notes"]] == [
        ("Ann", "a regular, be generous")
    ]
    assert (whole["handoffs"][0]["rating"], whole["handoffs"][0]["staff_id"]) == (5, ann.staff_id)
    theirs = session._store.export(GUEST.key)
    assert [note["text"] for note in theirs["notes"]] == ["a regular, be generous"]
    (handoff,) = theirs["handoffs"]
    assert (handoff["rating"], handoff["email"]) == (5, "noor@example.org")
    assert "Ann" not in repr(theirs["notes"]) + repr(theirs["handoffs"])
    assert ann.staff_id not in repr(theirs)
    assert session._store.export("guest:other")["notes"] == []
    session._store.erase(GUEST.key)
    assert session._store.export(GUEST.key)["handoffs"] == []
