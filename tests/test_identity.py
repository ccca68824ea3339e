import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from assistant.errors import NotFound
from assistant.identity import UNUSED_FOR, Visits
from assistant.store import Store
from assistant.types import Shopper


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'conversations.db'}")
    yield store
    store.close()


@pytest.fixture
def visits(store: Store, clock: Clock) -> Visits:
    return Visits(store, clock)


def test_a_visitor_stays_the_same_guest(visits: Visits) -> None:
    token, guest = visits.visit(None)
    assert visits.visit(token) == (token, guest)
    assert guest.key.startswith("guest:")
    assert guest.customer_id is None
    other_token, other = visits.visit(None)
    assert other_token != token
    assert other.key != guest.key


@pytest.mark.parametrize("wild", ["", "made up", "\x00", "\ud800", "guest:x", "t" * 100_000])
def test_a_token_that_was_never_given_is_replaced(visits: Visits, wild: str) -> None:
    token, _ = visits.visit(wild)
    assert token != wild
    assert len(token) >= 43  # 256 bits in base64
    for method in (lambda: visits.sign_in(wild, "1"), lambda: visits.sign_out(wild)):
        with pytest.raises(NotFound):
            method()


def test_signing_in_and_out(visits: Visits) -> None:
    token, guest = visits.visit(None)
    customer = Shopper("customer:7", "7")
    signed_in, who = visits.sign_in(token, "7")
    assert who == customer
    assert visits.visit(signed_in) == (signed_in, customer)
    fresh = visits.sign_out(signed_in)
    assert fresh.customer_id is None
    assert fresh.key != guest.key
    assert visits.visit(signed_in) == (signed_in, fresh)


def test_a_token_that_was_planted_before_the_sign_in_is_worth_nothing(visits: Visits) -> None:
    planted, _ = visits.visit(None)
    visits.sign_in(planted, "7")
    token, who = visits.visit(planted)
    assert token != planted
    assert who.customer_id is None


def test_a_customer_may_speak_from_two_browsers(visits: Visits) -> None:
    tokens = [visits.visit(None)[0] for _ in range(2)]
    signed_in = [visits.sign_in(token, "7") for token in tokens]
    assert {who for _, who in signed_in} == {Shopper("customer:7", "7")}
    visits.sign_out(signed_in[0][0])
    assert visits.visit(signed_in[1][0])[1].customer_id == "7"


def test_a_cart_never_moves_between_customers(visits: Visits, store: Store) -> None:
    token, _ = visits.visit(None)
    token, _ = visits.sign_in(token, "1")
    store.set_quantity("customer:1", "p1", 2)
    token, _ = visits.sign_in(token, "1")
    token, _ = visits.sign_in(token, "2")
    assert store.cart("customer:1") == [("p1", 2)]
    assert store.cart("customer:2") == []
    guest = visits.sign_out(token)
    assert store.cart(guest.key) == []


def test_a_guests_conversation_is_not_handed_to_the_customer(visits: Visits, store: Store) -> None:
    token, guest = visits.visit(None)
    begun = store.start(guest, "en")
    _, customer = visits.sign_in(token, "1")
    assert store.latest(customer.key) is None
    with pytest.raises(NotFound):
        store.conversation(customer.key, begun.conversation_id)


def test_a_visit_ends_when_it_is_not_used(visits: Visits, clock: Clock) -> None:
    token, _ = visits.visit(None)
    token, _ = visits.sign_in(token, "1")
    clock.now += UNUSED_FOR - timedelta(days=2)
    assert visits.visit(token)[0] == token
    clock.now += UNUSED_FOR - timedelta(days=2)
    assert visits.visit(token)[1].customer_id == "1"
    clock.now += UNUSED_FOR + timedelta(days=1)
    with pytest.raises(NotFound, match="ended"):
        visits.sign_in(token, "1")
    fresh, guest = visits.visit(token)
    assert fresh != token
    assert guest.customer_id is None


def test_ended_visits_are_not_kept(visits: Visits, clock: Clock, store: Store) -> None:
    visits.visit(None)
    clock.now += UNUSED_FOR + timedelta(days=1)
    visits.visit(None)
    with store.database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM visits")) == 1


def test_the_token_is_neither_stored_nor_said(
    visits: Visits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, _ = visits.visit(None)
    token, _ = visits.sign_in(token, "1")
    visits.visit(token)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"customer:1" in kept
    assert token.encode() not in kept
    with pytest.raises(NotFound) as ended:
        visits.sign_out(token + "x")
    assert token not in ended.value.message
    assert token not in caplog.text
