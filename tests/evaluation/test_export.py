"""Transcripts out of the store: nobody can be recognised, and the set can be replayed."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from assistant.cli import cli
from assistant.evaluation.export import StandIns, export_transcripts
from assistant.evaluation.formats import read_transcripts
from assistant.evaluation.replay import Plan, replay
from assistant.events import TurnFinished
from assistant.store import Store
from assistant.types import Shopper
from tests.evaluation.scripted import PERFECT, RoutedModel, tiny_checks, tiny_stage

PERSONAL = [
    "anna.k@mail.example.org", "+1 (977) 625-2661", "4111 1111 1111 1111", "W2378156",
    "6821 Maple Avenue", "Crystal Minh", "31225792369",
]  # fmt: skip


@pytest.mark.parametrize("value", PERSONAL)
@pytest.mark.parametrize("text", ["{}", "my data: {} thanks", "({}), {}?"])
def test_what_is_personal_does_not_stay(value, text):
    stand_ins = StandIns()
    told = stand_ins.text(text.format(value, value), [("name", "Crystal Minh")])
    assert value not in told
    assert not set(re.findall(r"\d{4,}", value)) & set(re.findall(r"\d{4,}", told))
    assert told == stand_ins.text(text.format(value, value), [("name", "Crystal Minh")])


def test_one_person_is_one_stand_in_however_they_are_written():
    stand_ins = StandIns()
    first = stand_ins.text("I wrote from Anna@Mail.example about order #W100200")
    second = stand_ins.text("anna@mail.example again, W100200, and bob@mail.example")
    assert first == "I wrote from person1@example.com about order X100001"
    assert second == "person1@example.com again, X100001, and person2@example.com"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("My name is Mei Kovacs, hi", "My name is Person A, hi"),
        ("I'm Yusuf Rossi in 19122", "I'm Person A in 19122"),
        ("I'm looking for milk", "I'm looking for milk"),
        ("I am hungry", "I am hungry"),
    ],
)
def test_who_names_themselves(text, told):
    assert StandIns().text(text) == told


@pytest.mark.parametrize(
    "text",
    ["2 bottles of oat milk, 64 oz, under $4.50", "P2 and P11 please", "in 2017, or 12/24"],
)
def test_what_is_no_ones_stays(text):
    assert StandIns().text(text) == text


def talked(session, texts, shopper):
    conversation = session.start(shopper).conversation_id
    for text in texts:
        *_, last = session.handle(shopper, conversation, text)
        assert isinstance(last, TurnFinished)


@pytest.fixture
def stored(open_session, tmp_path):
    """Anna's and a guest's conversations in a store; the path of its database."""
    session, _ = open_session(
        {"tool": "find_orders"}, {"tool": "search_products", "query": "milk"},
        {"tool": "add_to_cart", "product": "P2"}, {"tool": "reply"},
    )  # fmt: skip
    talked(
        session,
        ["I am Anna Ek, anna@ek.example: where is A101?", "milk", "add P2 please"],
        session.customer("1"),
    )
    talked(session, ["call me on 555-123-4567"], Shopper("guest:x"))
    return f"sqlite:///{tmp_path / 'conversations.db'}"


def test_the_export_names_nobody_and_reads_back(stored, catalogue, tmp_path):
    store = Store.open(stored)
    path = tmp_path / "out" / "set.jsonl"
    assert export_transcripts(store, catalogue, path) == 2
    told = path.read_text()
    for personal in ("Anna", "anna@ek", "A101", "555-123"):
        assert personal not in told
    loaded = read_transcripts(path)
    assert loaded.problems == ()
    mine, guests = loaded.transcripts
    assert (mine.customer_id, guests.customer_id) == ("customer-1", None)
    assert mine.turns[0].recorded.calls[0].action.tool == "find_orders"
    assert "X100001" in mine.turns[0].recorded.text, "the order has the same stand-in in the answer"
    assert mine.turns[2].recorded.cart
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert export_transcripts(store, catalogue, path, since=tomorrow) == 0
    store.close()


def test_with_its_ids_the_set_can_be_replayed_after_its_own_history(
    stored, catalogue, shop, tmp_path
):
    store = Store.open(stored)
    path = tmp_path / "set.jsonl"
    export_transcripts(store, catalogue, path, keep_ids=True)
    store.close()
    loaded = read_transcripts(path).transcripts
    assert loaded[0].customer_id == "1"
    assert "A101" in loaded[0].turns[0].text
    stage = tiny_stage(shop, RoutedModel({**PERFECT, "add P2 please": {"tool": "view_cart"}}))
    try:
        document = replay(stage.conversation, tiny_checks(shop), loaded, Plan("forced"))
    finally:
        stage.close()
    assert [each["status"] for each in document["turn_results"]] == ["finished"] * 4


def test_the_command_says_how_many(tmp_path, stored, monkeypatch):
    from tests.tinyapp import tiny_home

    settings = tiny_home(tmp_path / "home")
    monkeypatch.setenv("AISLE_DATABASE", stored)
    out = tmp_path / "set.jsonl"
    done = CliRunner().invoke(
        cli, ["export-transcripts", str(out), "--home", str(settings.home), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["conversations"] == 2
