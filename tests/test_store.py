"""What the store promises of SQLite itself, and of the records in it.

What it promises of any database is in contracts/test_store_backends.py.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from assistant.errors import BadInput, Conflict, StorageError
from assistant.identity import Visits
from assistant.record import decode, encode
from assistant.store import Store, shopper_of
from assistant.types import (
    Action,
    Cart,
    CartLine,
    Citation,
    Handoff,
    Order,
    OrderCard,
    OrderLine,
    Piece,
    Product,
    ProductCard,
    Seconds,
    ToolCall,
    Turn,
)

ANN = shopper_of("customer:1")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "conversations.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{path}")
    yield store
    store.close()


# Records

words = st.text(max_size=12) | st.sampled_from(["", "\x00", "\ud800", "牛奶", '"}\n'])
prices = st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(0, 999, places=2)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=st.none() | zones).map(lambda at: at.replace(fold=0))
numbers = st.floats(allow_nan=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def some(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


products = st.builds(
    Product,
    words,
    words,
    some(words),
    prices,
    words,
    in_stock=st.booleans(),
    attributes=st.dictionaries(words, words, max_size=3),
)
lines = st.builds(OrderLine, words, words, st.integers(), prices)
orders = st.builds(Order, words, words, times, some(lines), prices, words, words, words)
actions = st.builds(Action, words, st.dictionaries(words, plain, max_size=3))
finished_turns = st.builds(
    Turn,
    turn_id=st.uuids().map(str),
    text=words,
    status=st.sampled_from(["finished", "stopped", "failed", "interrupted"]),
    pieces=some(st.builds(Piece, st.sampled_from(["text", "product", "cart"]), words, words)),
    products=some(st.builds(ProductCard, words, products, words)),
    citations=some(st.builds(Citation, words, words, words, words)),
    orders=some(st.builds(OrderCard, words, orders)),
    calls=some(st.builds(ToolCall, actions, st.booleans(), words)),
    cart=st.none() | st.builds(Cart, some(st.builds(CartLine, products, st.integers())), words),
    handoff=st.none() | st.builds(Handoff, words, words),
    model=words,
    seconds=st.builds(Seconds, *[st.none() | numbers] * 4),
)


@given(finished_turns, times)
@settings(deadline=None)
def test_a_turn_survives_json(turn: Turn, at: datetime) -> None:
    turn = replace(turn, at=at)
    again = decode(Turn, json.loads(json.dumps(encode(turn))))
    # repr tells apart what == does not: 1 and True, Decimal("1.0") and Decimal("1.00").
    assert (again, repr(again)) == (turn, repr(turn))


@given(finished_turns)
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_turn_survives_the_database(store: Store, turn: Turn) -> None:
    begun = store.start(ANN, "en")
    ids = ANN.key, begun.conversation_id
    running = store.begin_turn(*ids, turn.text, NOON)
    turn = replace(turn, turn_id=running.turn_id, at=NOON)
    store.finish_turn(*ids, turn)
    (again,) = store.conversation(*ids).turns
    assert (again, repr(again)) == (turn, repr(turn))


def test_a_record_may_have_fewer_fields_or_more() -> None:
    assert decode(Turn, {"turn_id": "t", "text": "hi", "mood": "good"}) == Turn("t", "hi")


def test_a_record_refuses_what_it_cannot_give_back() -> None:
    with pytest.raises(TypeError, match="object"):
        encode(Action("search_products", {"query": object()}))


# SQLite

CHILD = """
import json, os, random, signal, sys, time
from dataclasses import replace
from datetime import UTC, datetime
from assistant.store import Store, shopper_of
from assistant.types import Piece

url, conversation_id, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
ids = shopper_of("customer:1").key, conversation_id

def work(acknowledge):
    store = Store.open(url)
    store.interrupt_running()
    number = len(store.conversation(*ids).turns)
    while True:
        text = f"message {number} " + "x" * random.randrange(20_000)
        turn = store.begin_turn(*ids, text, datetime.now(UTC))
        os.write(acknowledge, f"begun {turn.turn_id}\\n".encode())
        turn = replace(turn, status="finished", pieces=(Piece("text", text),))
        store.finish_turn(*ids, turn)
        os.write(acknowledge, f"finished {turn.turn_id}\\n".encode())
        number += 1

for _ in range(kills):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        work(writing)
    os.close(writing)
    with os.fdopen(reading) as acknowledged:
        said = [acknowledged.readline() for _ in range(random.randrange(1, 12))]
        time.sleep(random.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        said += acknowledged.readlines()
    os.waitpid(child, 0)
    print(json.dumps([line.split() for line in said if line]), flush=True)
    sys.stdin.readline()
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(store: Store, path: Path) -> None:
    conversation_id = store.start(ANN, "en").conversation_id
    kills = 20
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, f"sqlite:///{path}", conversation_id, str(kills)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    expected: dict[str, str] = {}
    with child:
        for _ in range(kills):
            said = json.loads(child.stdout.readline())
            assert said
            expected |= {turn_id: what for what, turn_id in said}
            kept = store.conversation(ANN.key, conversation_id)
            by_id = {turn.turn_id: turn for turn in kept.turns}
            assert expected.keys() <= by_id.keys()
            for turn in kept.turns:
                if expected.get(turn.turn_id) == "finished":
                    assert turn.status == "finished"
                whole = turn.text if turn.status == "finished" else ""
                assert turn.reply == whole
            assert sum(turn.status == "running" for turn in kept.turns) <= 1
            child.stdin.write("\n")
            child.stdin.flush()
    assert child.returncode == 0
    with store.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_every_commit_waits_for_the_disk(store: Store) -> None:
    with store.database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_full_disk_is_one_sentence_and_nothing_half_written(store: Store, path: Path) -> None:
    begun = store.start(ANN, "en")
    ids = ANN.key, begun.conversation_id
    limit = "PRAGMA max_page_count = {}"
    with store.database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(limit.format(pages + 20))
    turns: list[Turn] = []
    with pytest.raises(StorageError, match="disk is full; free some space") as full:
        while len(turns) < 100:
            turn = store.begin_turn(*ids, "hello", NOON)
            turns.append(turn)
            turn = replace(turn, status="finished", pieces=(Piece("text", "x" * 30_000),))
            store.finish_turn(*ids, turn)
            turns[-1] = turn
    assert str(path) in full.value.message
    assert "xxx" not in str(full.value.__cause__)
    assert store.conversation(*ids).turns == tuple(turns)
    assert [turn.status for turn in turns[-2:]] == ["finished", "running"]

    with store.database.read() as connection:
        connection.exec_driver_sql(limit.format(10_000))
    done = replace(turns[-1], status="failed")
    store.finish_turn(*ids, done)
    assert store.conversation(*ids).turns == (*turns[:-1], done)


def test_a_read_only_file_is_one_sentence(store: Store) -> None:
    begun = store.start(ANN, "en")
    with store.database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="read-only; make the file and its folder writable"):
        store.begin_turn(ANN.key, begun.conversation_id, "hello", NOON)
    assert store.conversation(ANN.key, begun.conversation_id) == begun


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="name a file in a folder that can be written"):
        Store.open(f"sqlite:///{tmp_path / 'conversations.db'}")


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear shop, " * 1000)
    with pytest.raises(StorageError, match="letter"):
        Store.open(f"sqlite:///{letter}")
    with pytest.raises(StorageError, match="letter"):
        Store.open(f"sqlite:///{letter / 'conversations.db'}")
    assert letter.read_text() == "Dear shop, " * 1000


def test_a_url_of_another_kind_is_refused_without_its_password() -> None:
    for url in ("mysql://ann:hunter2@shop/db", "ann:hunter2@shop", ""):
        with pytest.raises(BadInput, match="postgresql") as refused:
            Store.open(url)
        assert "hunter2" not in refused.value.message


def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StorageError, match="conversations cannot be kept") as silent:
        Store.open("postgresql://ann:hunter2@127.0.0.1:1/shop")
    assert "hunter2" not in silent.value.message
    assert "\n" not in silent.value.message


def test_conversations_are_for_their_owner_alone(store: Store, path: Path) -> None:
    store.start(ANN, "en")
    assert len(list(path.parent.iterdir())) == 3  # the file, its log and the log's index
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_erased_is_gone_from_the_disk(store: Store, path: Path) -> None:
    begun = store.start(ANN, "en")
    store.begin_turn(ANN.key, begun.conversation_id, "my secret allergy", NOON)

    def on_disk() -> bool:
        return any(b"secret allergy" in file.read_bytes() for file in path.parent.iterdir())

    assert on_disk()
    store.erase(ANN.key)
    assert not on_disk()


def test_a_database_in_memory() -> None:
    store = Store.open("sqlite://")
    begun = store.start(ANN, "en")
    store.begin_turn(ANN.key, begun.conversation_id, "hello", NOON)
    with pytest.raises(Conflict):
        store.begin_turn(ANN.key, begun.conversation_id, "hello", NOON)
    assert len(store.latest(ANN.key).turns) == 1
    store.close()


def test_every_statement_can_be_said_to_postgresql(store: Store) -> None:
    said: list[str] = []

    def note(connection: sa.Connection, statement: sa.ClauseElement, *_: object) -> None:
        # The upsert has a form for each database: PostgreSQL's needs a server to be tried.
        if not isinstance(statement, sqlite.Insert):
            said.append(str(statement.compile(dialect=postgresql.dialect())))

    sa.event.listen(store.database.engine, "before_execute", note)
    visits = Visits(store)
    token, guest = visits.visit(None)
    begun = store.start(guest, "en")
    ids = guest.key, begun.conversation_id
    turn = store.begin_turn(*ids, "hello", NOON)
    store.finish_turn(*ids, replace(turn, status="finished"))
    store.rate(*ids, turn.turn_id, 1)
    store.set_quantity(guest.key, "p1", 1)
    store.set_quantity(guest.key, "p1", 0)
    store.set_quantity(guest.key, "p2", 1)
    store.interrupt_running()
    store.latest(guest.key)
    store.export(guest.key)
    token, _ = visits.sign_in(token, "1")
    visits.sign_out(token)
    store.erase(guest.key)
    assert any("FOR UPDATE" in each for each in said)
