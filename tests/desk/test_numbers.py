"""The team lead's numbers, of a day whose course is known."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from assistant.desk.numbers import Numbers, Spread, prometheus
from assistant.desk.tables import handoffs
from assistant.types import Shopper
from assistant.web.numbers import numbers_html

PASSWORD = "a long enough password"
ASKED = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture
def numbers(open_session) -> Numbers:
    """Four conversations: one with the assistant alone, one resolved, one returned, one waiting."""
    session, _ = open_session({"tool": "reply"})
    ann = session.desk.staff.add("Ann", PASSWORD, "agent")
    guest = Shopper("guest:test")
    alone, resolved, returned, waiting = (session.start(guest).conversation_id for _ in range(4))
    session.start(guest)  # opened and left without a word: no conversation
    turn = list(session.handle(guest, alone, "hello"))[-1].turn
    session.rate(guest, alone, turn.turn_id, 1)
    for each in (resolved, returned, waiting):
        session.ask_for_person(guest, each)
    for each in (resolved, returned):
        session.desk.claim(ann, each)
        session.desk.reply(ann, each, "hello")
    session.desk.resolve(ann, resolved)
    session.desk.give_back(ann, returned)
    session.desk.rate(guest.key, resolved, 4)

    def set_times(conversation, first, end):
        with session._store.database.write() as connection:
            connection.execute(
                sa.update(handoffs)
                .where(handoffs.c.conversation_id == conversation)
                .values(
                    asked_at=ASKED,
                    claimed_at=ASKED + timedelta(seconds=10),
                    answered_at=ASKED + timedelta(seconds=first),
                    ended_at=ASKED + timedelta(seconds=end),
                )
            )

    set_times(resolved, 30, 310)
    set_times(returned, 200, 610)
    return session.desk.view.numbers(datetime.now(UTC) - timedelta(days=1))


def test_they_are_those_of_the_record(numbers):
    assert (numbers.conversations, numbers.involved, numbers.without_a_person) == (4, 3, 0.25)
    assert (numbers.resolved, numbers.returned, numbers.withdrawn) == (1, 1, 0)
    assert (numbers.waiting, numbers.with_staff) == (1, 0)
    assert numbers.first_response == Spread(2, 30, 200)
    assert numbers.handling == Spread(2, 300, 600)
    assert numbers.late == 1, "200 seconds are more than the two minutes aimed at"
    assert (numbers.ratings, numbers.thumbs) == ({4: 1}, {1: 1})
    assert numbers.reasons == {"asks_for_a_person": 3}


def test_prometheus_can_read_them(numbers):
    lines = prometheus(numbers)
    assert "aisle_desk_waiting 1" in lines
    assert 'aisle_desk_first_response_seconds{quantile="0.95"} 200.000' in lines
    assert 'aisle_desk_handoffs{reason="asks_for_a_person"} 3' in lines


def test_the_page_shows_them(numbers):
    html = numbers_html(numbers, "Tiny <Shop>", 1)
    assert "Tiny &lt;Shop&gt;" in html
    assert "<strong>25%</strong>" in html
    assert "Asked for a person" in html
    assert "要求人工" in numbers_html(numbers, "Tiny Shop", 1, "zh")


def test_an_empty_day_has_no_figures(open_session):
    session, _ = open_session({"tool": "reply"})
    numbers = session.desk.view.numbers(datetime.now(UTC) - timedelta(days=1))
    assert (numbers.without_a_person, numbers.first_response) == (None, Spread(0, None, None))
    assert "Nothing yet." in numbers_html(numbers, "Shop", 1)
