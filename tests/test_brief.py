"""A conversation in short: shown as far as the conversation bears it out, made out of the way."""

import json
import threading

import pytest

from assistant.desk.desk import Rules
from assistant.errors import ModelError
from assistant.web.briefing import Briefing
from assistant.web.live import Live

PASSWORD = "a long enough password"
CALM = {"mood": "calm", "mood_words": ""}


@pytest.fixture
def brief_of(open_session):
    """What is shown of a conversation once the model has said this of it."""

    def brief_of_(given, *said, decision=None, customer="9"):
        words = given if isinstance(given, Exception) else json.dumps(given)
        session, model = open_session(
            decision or {"tool": "find_orders"}, words=(words,), wording="quote"
        )
        olga = session.customer(customer)
        conversation = session.start(olga).conversation_id
        for text in said:
            list(session.handle(olga, conversation, text))
        session.ask_for_person(olga, conversation)
        written = len(model.written)
        session.aid.write_brief(conversation, threading.Event())
        brief_of_.asked = len(model.written) - written
        return session.desk.view.brief(conversation)

    return brief_of_


def test_a_faithful_one_is_shown(brief_of):
    given = {
        "wants": "The shopper wants to know when order C300 arrives.",
        "open": "when does it arrive?",
        "mood": "worried",
        "mood_words": "I am worried",
    }
    brief = brief_of(given, "where is order C300?", "when does it arrive? I am worried")
    assert (brief.wants, brief.open) == (given["wants"], given["open"])
    assert (brief.mood, brief.mood_words, brief.position) == ("worried", "I am worried", 2)


@pytest.mark.parametrize(
    "wants",
    [
        "The shopper wants a refund of $99.95 for order C300.",
        "The shopper wants to cancel order C999.",
        "The shopper wants to return the trampoline.",
        "The shopper wants 47 of order C300.",
        "The shopper wants $12 for order C300.",
        "The shopper does not want order C300.",
        "The shopper was promised a discount.",
        "顾客想知道订单C300在哪里。",
        "",
    ],
)
def test_what_the_conversation_does_not_hold_is_dropped(brief_of, wants):
    given = {"wants": wants, "open": "where is order C300?", **CALM}
    brief = brief_of(given, "where is order C300?")
    assert (brief.wants, brief.open) == ("", "where is order C300?")


def test_what_was_shown_counts_as_said_and_a_mood_needs_the_shoppers_words(brief_of):
    given = {
        "wants": "The shopper wants to know why order C300 costs $11.59.",
        "open": "",
        "mood": "upset",
        "mood_words": "you are all thieves",
    }
    brief = brief_of(given, "why does it cost so much?")
    assert brief.wants == given["wants"]
    assert brief.mood == ""


def test_chinese_is_checked_by_its_characters(brief_of):
    said = "我要退货，牛奶坏了"
    assert brief_of({"wants": "顾客想退货，牛奶坏了。", "open": "", **CALM}, said).wants
    assert brief_of({"wants": "顾客想投诉送餐员。", "open": "", **CALM}, said) is None


def test_a_model_that_fails_and_a_shopper_who_said_nothing_leave_the_record(brief_of):
    assert brief_of(ModelError("broken"), "where is my order?") is None
    given = {"wants": "The shopper wants a person.", "open": "", **CALM}
    assert brief_of(given, "let me talk to a human") is None
    assert brief_of.asked == 0


def test_it_is_made_in_the_background_and_anew_while_nobody_has_it(open_session):
    given = {"wants": "The shopper wants order C300.", "open": "", **CALM}
    session, _ = open_session(
        {"tool": "find_orders"}, words=(json.dumps(given),), wording="quote", delay=0.05,
        rules=Rules(briefs=True),
    )  # fmt: skip
    ann = session.desk.staff.add("Ann", PASSWORD, "agent")
    olga = session.customer("9")
    conversation = session.start(olga).conversation_id
    list(session.handle(olga, conversation, "where is order C300?"))
    session.ask_for_person(olga, conversation)
    assert session.desk.view.unbriefed() == [conversation], "the hand-off waits for no model"
    briefing = Briefing(session, Live(session))
    briefing._brief_next()
    assert session.desk.view.brief(conversation).wants == given["wants"]
    assert session.desk.view.unbriefed() == []
    list(session.handle(olga, conversation, "hello?"))
    assert session.desk.view.unbriefed() == [conversation]
    briefing._brief_next()
    assert session.desk.view.brief(conversation).position == 2
    session.desk.claim(ann, conversation)
    list(session.handle(olga, conversation, "still there?"))
    assert session.desk.view.unbriefed() == [], "whoever has it reads along"
    briefing.rounds.start()
    briefing.rounds.stop()
