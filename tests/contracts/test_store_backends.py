"""What every database under the store must do (see conftest.py for which)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from assistant.database import metadata
from assistant.errors import AisleError, BadInput, Conflict, NotFound, SetupNeeded
from assistant.identity import Visits
from assistant.store import MAX_QUANTITY, Store, shopper_of
from assistant.types import Conversation, Handoff, Piece, Product, ProductCard, Turn

ANN, BOB = shopper_of("customer:1"), shopper_of("guest:b")
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


def answered(turn: Turn, text: str = "Here it is.") -> Turn:
    product = Product("p1", "Oat milk", ("Dairy",), Decimal("2.50"), "USD")
    return replace(
        turn,
        status="finished",
        pieces=(Piece("text", text), Piece("product", "Oat milk, $2.50", "P1")),
        products=(ProductCard("P1", product, "bought before"),),
    )


def say(store: Store, conversation: Conversation, text: str) -> Turn:
    ids = conversation.shopper.key, conversation.conversation_id
    turn = answered(store.begin_turn(*ids, text, NOON))
    store.finish_turn(*ids, turn)
    return turn


def test_a_conversation_comes_back_as_it_was(store: Store, url: str) -> None:
    begun = store.start(ANN, "zh")
    turns = tuple(
        say(store, begun, text) for text in ("do you sell oat milk?", "燕麦奶 \x00 \ud800")
    )
    kept = replace(begun, turns=turns)
    assert store.conversation(ANN.key, begun.conversation_id) == kept

    store.close()
    reopened = Store.open(url)
    assert reopened.latest(ANN.key) == kept
    assert kept.shopper.customer_id == "1"
    reopened.close()


def test_conversations_have_ids_that_cannot_be_guessed(store: Store) -> None:
    ids = {store.start(ANN, "en").conversation_id for _ in range(20)}
    assert len(ids) == 20
    assert min(len(each) for each in ids) >= 22  # 128 bits in base64


def test_the_latest_conversation_is_the_last_one_used(store: Store) -> None:
    assert store.latest(ANN.key) is None
    first, second = store.start(ANN, "en"), store.start(ANN, "en")
    say(store, second, "hello")
    assert store.latest(ANN.key).conversation_id == second.conversation_id
    say(store, first, "hello again")
    assert store.latest(ANN.key).conversation_id == first.conversation_id


def test_the_message_is_kept_before_it_is_answered(store: Store) -> None:
    begun = store.start(ANN, "en")
    turn = store.begin_turn(ANN.key, begun.conversation_id, "hello", NOON)
    assert store.conversation(ANN.key, begun.conversation_id).turns == (turn,)
    assert (turn.status, turn.text, turn.at) == ("running", "hello", NOON)


def test_a_hand_off_brings_its_state_with_it(store: Store) -> None:
    begun = store.start(ANN, "en")
    ids = ANN.key, begun.conversation_id
    handoff = Handoff("asked for a person", "wants a refund")
    turn = replace(store.begin_turn(*ids, "a person please", NOON), status="finished")
    store.finish_turn(*ids, replace(turn, handoff=handoff))
    kept = store.conversation(*ids)
    assert (kept.state, kept.turns[0].handoff) == ("waiting", handoff)
    message = store.begin_turn(*ids, "are you there?", NOON)
    assert (message.kind, message.status) == ("message", "finished")
    assert store.conversation(*ids).turns[1] == message
    store.stop_waiting(*ids)
    say(store, begun, "thanks")
    assert store.conversation(*ids).state == "with_assistant"
    with pytest.raises(Conflict):
        store.stop_waiting(*ids)


def test_a_turn_that_runs_while_a_person_is_given_the_conversation_is_stopped(
    store: Store,
) -> None:
    begun = store.start(ANN, "en")
    ids = ANN.key, begun.conversation_id
    turn = store.begin_turn(*ids, "hello", NOON)
    assert store.may_answer(begun.conversation_id, turn.turn_id)
    assert store.ask_for_person(*ids, Handoff("asks_for_a_person", ""))
    assert not store.ask_for_person(*ids, Handoff("asks_for_a_person", ""))
    store.stop_waiting(*ids)  # even when the assistant has it again by the end
    assert not store.may_answer(begun.conversation_id, turn.turn_id)
    kept = store.finish_turn(*ids, answered(turn))
    assert (kept.status, kept.pieces) == ("stopped", answered(turn).pieces)
    assert store.conversation(*ids).turns == (kept,)


def test_one_message_at_a_time(store: Store) -> None:
    begun = store.start(ANN, "en")
    ids = ANN.key, begun.conversation_id
    turn = store.begin_turn(*ids, "one", NOON)
    with pytest.raises(Conflict):
        store.begin_turn(*ids, "two", NOON)
    store.finish_turn(*ids, answered(turn))
    with pytest.raises(Conflict):
        store.finish_turn(*ids, answered(turn, "another answer"))
    say(store, begun, "two")
    assert [each.text for each in store.conversation(*ids).turns] == ["one", "two"]
    with pytest.raises(ValueError, match="still running"):
        store.finish_turn(*ids, turn)


def test_eight_messages_at_once_become_one(store: Store) -> None:
    begun = store.start(ANN, "en")
    for attempt in range(5):
        together = Barrier(8)

        def begin(number: int, together: Barrier = together) -> Turn | None:
            together.wait()
            try:
                return store.begin_turn(ANN.key, begun.conversation_id, str(number), NOON)
            except Conflict:
                return None

        with ThreadPoolExecutor(8) as pool:
            won = [turn for turn in pool.map(begin, range(8)) if turn]
        assert len(won) == 1
        store.finish_turn(ANN.key, begun.conversation_id, answered(won[0]))
        assert len(store.conversation(ANN.key, begun.conversation_id).turns) == attempt + 1


def test_many_shoppers_at_once_keep_their_own(store: Store) -> None:
    def chat(number: int) -> Conversation:
        begun = store.start(shopper_of(f"guest:{number}"), "en")
        turns = tuple(say(store, begun, f"{number} {each}") for each in range(5))
        store.set_quantity(f"guest:{number}", "p1", number + 1)
        return replace(begun, turns=turns)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(chat, range(16)))
    for number, conversation in enumerate(said):
        assert store.latest(f"guest:{number}") == conversation
        assert store.cart(f"guest:{number}") == [("p1", number + 1)]


def test_turns_of_a_killed_process_are_interrupted(store: Store) -> None:
    cut, whole = store.start(ANN, "en"), store.start(BOB, "en")
    turn = store.begin_turn(ANN.key, cut.conversation_id, "hello", NOON)
    say(store, whole, "hello")
    assert store.interrupt_running() == 1
    assert store.interrupt_running() == 0
    interrupted = replace(turn, status="interrupted")
    assert store.conversation(ANN.key, cut.conversation_id).turns == (interrupted,)
    assert store.latest(BOB.key).turns[0].status == "finished"
    again = say(store, cut, "hello?")
    late = answered(turn)
    store.finish_turn(ANN.key, cut.conversation_id, late)
    assert store.conversation(ANN.key, cut.conversation_id).turns == (late, again)


def test_a_rating_stays_with_its_turn(store: Store) -> None:
    begun = store.start(ANN, "en")
    turn = say(store, begun, "hello")
    ids = ANN.key, begun.conversation_id
    store.rate(*ids, turn.turn_id, -1)
    store.rate(*ids, turn.turn_id, 1)
    assert store.conversation(*ids).turns == (replace(turn, rating=1),)
    with pytest.raises(BadInput, match="5"):
        store.rate(*ids, turn.turn_id, 5)
    other = store.start(ANN, "en")
    with pytest.raises(NotFound):
        store.rate(ANN.key, other.conversation_id, turn.turn_id, 1)
    with pytest.raises(NotFound):
        store.finish_turn(ANN.key, other.conversation_id, answered(turn))


def test_a_cart(store: Store) -> None:
    for product_id, quantity in (("p2", 1), ("p1", 3), ("p2", 5), ("p3", 1), ("p3", 0)):
        store.set_quantity(ANN.key, product_id, quantity)
    store.set_quantity(ANN.key, "never there", 0)
    assert store.cart(ANN.key) == [("p2", 5), ("p1", 3)]
    for quantity in (-1, MAX_QUANTITY + 1):
        with pytest.raises(BadInput, match=str(quantity)):
            store.set_quantity(ANN.key, "p1", quantity)


THEIR_METHODS: dict[str, Callable[[Store, str, str, Turn], object]] = {
    "conversation": lambda store, key, id, turn: store.conversation(key, id),
    "begin_turn": lambda store, key, id, turn: store.begin_turn(key, id, "let me in", NOON),
    "finish_turn": lambda store, key, id, turn: store.finish_turn(key, id, answered(turn)),
    "ask_for_person": lambda store, key, id, turn: store.ask_for_person(key, id, Handoff("", "")),
    "stop_waiting": lambda store, key, id, turn: store.stop_waiting(key, id),
    "rate": lambda store, key, id, turn: store.rate(key, id, turn.turn_id, -1),
}


@pytest.mark.parametrize("method", THEIR_METHODS)
def test_an_id_opens_nothing_to_another_shopper(store: Store, method: str) -> None:
    begun = store.start(ANN, "en")
    turn = say(store, begun, "my secret")
    running = store.begin_turn(ANN.key, begun.conversation_id, "and another", NOON)
    before = store.latest(ANN.key)
    with pytest.raises(NotFound) as theirs:
        THEIR_METHODS[method](store, BOB.key, begun.conversation_id, running)
    # The same sentence as for what is not there at all, so that nobody learns which ids exist.
    absent = "x" * len(begun.conversation_id)
    with pytest.raises(NotFound) as missing:
        THEIR_METHODS[method](store, BOB.key, absent, running)
    assert theirs.value.message.replace(begun.conversation_id, absent) == missing.value.message
    assert store.latest(ANN.key) == before
    assert before.turns == (turn, running)


@pytest.mark.parametrize("wild", ["", "\x00", "\ud800", "é" * 9, "' or 1=1 --", "a" * 10_000])
@pytest.mark.parametrize("method", THEIR_METHODS)
def test_a_wild_id_is_not_found(store: Store, method: str, wild: str) -> None:
    with pytest.raises(NotFound):
        THEIR_METHODS[method](store, ANN.key, wild, Turn(wild, "", "finished"))


def test_lists_hold_nothing_of_another_shopper(store: Store) -> None:
    say(store, store.start(ANN, "en"), "my secret")
    store.set_quantity(ANN.key, "p1", 1)
    assert store.latest(BOB.key) is None
    assert store.cart(BOB.key) == []
    assert store.export(BOB.key) == {
        "shopper_key": BOB.key,
        "conversations": [],
        "cart": [],
        "visits": [],
        "changes": [],
        "handoffs": [],
        "notes": [],
    }


def test_a_shopper_takes_everything_along_or_has_it_erased(store: Store) -> None:
    visits = Visits(store)
    token, guest = visits.visit(None)
    for shopper in (guest, BOB):
        say(store, store.start(shopper, "en"), f"hello from {shopper.key}")
        store.set_quantity(shopper.key, "p1", 2)
    kept = store.export(guest.key)
    assert kept["conversations"][0]["turns"][0]["text"] == f"hello from {guest.key}"
    assert kept["conversations"][0]["turns"][0]["products"][0]["product"]["price"] == "2.50"
    assert kept["cart"] == [{"product_id": "p1", "quantity": 2}]
    assert len(kept["visits"]) == 1

    others = store.export(BOB.key)
    store.erase(guest.key)
    assert store.latest(guest.key) is None
    assert store.cart(guest.key) == []
    assert visits.visit(token)[1] != guest
    assert store.export(BOB.key) == others


def test_a_guests_cart_comes_along_when_they_sign_in(store: Store) -> None:
    visits = Visits(store)
    token, guest = visits.visit(None)
    store.set_quantity(ANN.key, "p1", 2)
    store.set_quantity(ANN.key, "p2", MAX_QUANTITY)
    for product_id in ("p3", "p1", "p2"):
        store.set_quantity(guest.key, product_id, 4)
    token, who = visits.sign_in(token, "1")
    assert who == ANN
    assert store.cart(ANN.key) == [("p1", 6), ("p2", MAX_QUANTITY), ("p3", 4)]
    assert store.cart(guest.key) == []


def test_the_migrations_make_the_tables_that_the_code_uses(store: Store, url: str) -> None:
    with store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_two_servers_may_open_an_empty_database_at_once(url: str) -> None:
    together = Barrier(4)

    def open_and_use(number: int) -> None:
        together.wait()
        store = Store.open(url)
        store.set_quantity(ANN.key, f"p{number}", 1)
        store.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_and_use, range(4)))
    store = Store.open(url)
    assert len(store.cart(ANN.key)) == 4
    store.close()


def test_a_database_of_a_newer_aisle_is_left_alone(store: Store, url: str) -> None:
    store.set_quantity(ANN.key, "p1", 1)
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SetupNeeded, match=r"newer Aisle.*'9999'"):
        Store.open(url)
    assert store.cart(ANN.key) == [("p1", 1)]


def test_a_turn_of_a_newer_aisle_is_refused_and_named(store: Store) -> None:
    turn = say(store, store.start(ANN, "en"), "hello")
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE turns SET content = '{\"version\": 2}'"))
    with pytest.raises(AisleError, match=rf"{turn.turn_id}.*version 2"):
        store.latest(ANN.key)
