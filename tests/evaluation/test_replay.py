"""Replaying: the same numbers every time, a fresh state each, nothing asked twice."""

import json

import pytest

from assistant.errors import ModelError
from assistant.evaluation.measured import Calls
from assistant.evaluation.replay import Plan, replay
from assistant.evaluation.rewording import reworded
from assistant.evaluation.transcripts import ExpectedTurn, Recorded, Transcript
from assistant.types import Action, ToolCall
from tests.evaluation.scripted import PERFECT, SET, TURNS, RoutedModel, tiny_checks, tiny_stage

TIMES = ("first_event", "first_card", "first_text", "total")


@pytest.fixture(scope="module")
def checks(shop):
    return tiny_checks(shop)


@pytest.fixture
def stage_of(shop):
    opened = []

    def open_(model, calls=None, **options):
        opened.append(tiny_stage(shop, model, calls, **options))
        return opened[-1]

    yield open_
    for stage in opened:
        stage.close()


def numbers(document):
    """The document without what a clock says and what is known already."""
    kept = json.loads(json.dumps(document))
    for each in kept["turn_results"]:
        for name in (*TIMES, "known_calls"):
            del each[name]
    for name in list(kept["metrics"]):
        if name.startswith(("first_", "total_")):
            del kept["metrics"][name]
    return kept


def test_the_same_run_twice_gives_the_same_numbers(stage_of, checks):
    first = replay(stage_of(RoutedModel(PERFECT)).conversation, checks, SET)
    second = replay(stage_of(RoutedModel(PERFECT)).conversation, checks, SET)
    assert numbers(first) == numbers(second)


def test_workers_change_nothing(stage_of, checks):
    one = replay(stage_of(RoutedModel(PERFECT)).conversation, checks, SET)
    four = replay(stage_of(RoutedModel(PERFECT)).conversation, checks, SET, Plan(workers=4))
    assert numbers(one) == numbers(four)


class Killed(BaseException):
    """What stops a process is no error that a turn could survive."""


def test_a_run_that_was_killed_goes_on_where_it_stopped(stage_of, checks, tmp_path):
    unkilled = RoutedModel(PERFECT)
    whole = replay(stage_of(unkilled).conversation, checks, SET)

    def stop_half_way(_label, done, _total):
        if done == TURNS // 2:
            raise Killed

    model = RoutedModel(PERFECT)
    calls = Calls(tmp_path / "calls.db")
    with pytest.raises(Killed):
        replay(stage_of(model, calls).conversation, checks, SET, progress=stop_half_way)
    calls.close()
    before = model.decided
    assert 0 < before < TURNS
    calls = Calls(tmp_path / "calls.db")
    resumed = replay(stage_of(model, calls).conversation, checks, SET)
    calls.close()
    assert numbers(resumed) == numbers(whole)
    assert model.decided == unkilled.decided, "no decision was asked for twice"


def test_an_unchanged_turn_costs_no_model_call(stage_of, checks, tmp_path):
    calls = Calls(tmp_path / "calls.db")
    replay(stage_of(RoutedModel(PERFECT), calls).conversation, checks, SET)
    again = RoutedModel(PERFECT)
    document = replay(stage_of(again, calls).conversation, checks, SET)
    assert again.decided == 0
    assert all(each["known_calls"] == each["model_calls"] for each in document["turn_results"])
    changed = (*SET[:-1], Transcript("new", None, (ExpectedTurn("something else"),)))
    replay(stage_of(again, calls).conversation, checks, changed)
    assert again.decided == 1
    replay(stage_of(again, calls, fresh=True).conversation, checks, SET)
    assert again.decided > TURNS / 2
    calls.close()


def test_another_models_answers_are_not_taken(stage_of, checks, tmp_path):
    calls = Calls(tmp_path / "calls.db")
    replay(stage_of(RoutedModel(PERFECT), calls).conversation, checks, SET)
    other = RoutedModel({})
    other.checksum = "of other weights"
    document = replay(stage_of(other, calls).conversation, checks, SET)
    assert other.decided > 0
    assert document["failures"]["wrong_tool"] > 0
    calls.close()


def test_a_failed_call_is_not_kept(stage_of, checks, tmp_path):
    calls = Calls(tmp_path / "calls.db")
    ask = (Transcript("t", None, (ExpectedTurn("hm"),)),)
    replay(stage_of(RoutedModel({"hm": ModelError("down")}), calls).conversation, checks, ask)
    document = replay(stage_of(RoutedModel(PERFECT), calls).conversation, checks, ask)
    assert document["failures"] == {}
    calls.close()


def test_every_conversation_starts_with_the_shops_own_state(stage_of, checks):
    """One that filled its cart leaves nothing to the next, though both are the same customer's."""
    filled = Transcript("filled", "1", (ExpectedTurn("milk please"),
                                        ExpectedTurn("put it in my cart")))  # fmt: skip
    looks = Transcript("looks", "1", (ExpectedTurn("my cart?", {"cart": {}}),))
    model = RoutedModel({**PERFECT, "my cart?": {"tool": "view_cart"}})
    document = replay(stage_of(model).conversation, checks, (filled, looks))
    assert [each["cart"] for each in document["turn_results"]] == [{}, {"14": 1}, {}]
    assert document["failures"] == {}


RECORDED = Transcript(
    "recorded",
    "1",
    (
        ExpectedTurn(
            "milk?",
            recorded=Recorded(
                "Take this one.",
                (ToolCall(Action("search_products", {"query": "milk"}), True),),
                ("15", "14"),
                {"19": 3},
            ),
        ),
        ExpectedTurn("put the second one in", {"cart": {"19": 3, "14": 1}}),
    ),
)


def test_a_forced_history_is_the_recorded_one(stage_of, checks):
    """Its cards keep their places, its cart is there, and the model reads what was answered."""
    model = RoutedModel({"put the second one in": {"tool": "add_to_cart", "product": "P1"}})
    forced = replay(stage_of(model).conversation, checks, (RECORDED,), Plan("forced"))
    assert forced["failures"] == {}
    second = model.asked[-1]
    assert "P1 Whole milk, 1 gal; P2 Oat milk, 64 oz" in second[-1].content
    assert '"query":"milk"' in second[-2].content
    free = replay(stage_of(model).conversation, checks, (RECORDED,))
    assert free["failures"] == {"invalid_decision": 1, "wrong_cart": 1}


def test_trials_say_it_in_other_words_and_count_what_all_of_them_pass(stage_of, checks):
    """A model that only knows the first wording passes one trial of three of half the tasks."""
    asks = tuple(Transcript(text, None, (ExpectedTurn(text, {"tools": ["search_products"]}),))
                 for text in ("milk please", "bread"))  # fmt: skip
    first_only = RoutedModel({"milk please": {"tool": "search_products", "query": "milk"}})
    plan = Plan(trials=3, seed=4)
    document = replay(stage_of(first_only).conversation, checks, asks, plan)
    texts = [each["text"] for each in document["turn_results"] if each["id"] == "milk please"]
    assert texts[0] == "milk please"
    assert len(set(texts)) > 1
    assert document["metrics"]["pass_1"][0] == pytest.approx(1 / 6, abs=1e-4)
    assert document["metrics"]["pass_k"][0] == 0
    again = replay(stage_of(first_only).conversation, checks, asks, plan)
    assert numbers(again) == numbers(document)


@pytest.mark.parametrize(
    "text",
    ["add P2 and 3 of P11 under $4.50", "where is order W2378156?", "第二个多少钱", "Cheddar"],
)
def test_rewording_keeps_what_is_wanted(text):
    for seed in range(60):
        other = reworded(text, str(seed))
        assert other != text
        for kept in ("P2", "P11", "$4.50", "W2378156", "第二个多少钱"):
            assert (kept in other) == (kept in text)


def test_decisions_only_asks_for_no_wording(stage_of, checks):
    model = RoutedModel(PERFECT, wording="lead_in")
    document = replay(stage_of(model, decisions_only=True).conversation, checks, SET)
    assert model.written == []
    assert document["metrics"]["tool_accuracy"][0] == 1.0


def test_seconds_of_known_calls_count_as_they_were(stage_of, checks, tmp_path):
    calls = Calls(tmp_path / "calls.db")
    ask = (Transcript("t", None, (ExpectedTurn("milk please"),)),)
    slow = RoutedModel(PERFECT)
    decide = slow.decide

    def slowly(*arguments, **options):
        import time

        time.sleep(0.3)
        return decide(*arguments, **options)

    slow.decide = slowly
    replay(stage_of(slow, calls).conversation, checks, ask)
    (known,) = replay(stage_of(RoutedModel(PERFECT), calls).conversation, checks, ask)[
        "turn_results"
    ]
    assert known["known_calls"] == 1
    assert known["first_event"] < 0.3 <= known["first_card"] <= known["total"]
    calls.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupt_keeps_what_was_finished(stage_of, checks, workers):
    def interrupt(_label, done, _total):
        if done == TURNS // 2:
            raise KeyboardInterrupt

    stage = stage_of(RoutedModel(PERFECT))
    document = replay(stage.conversation, checks, SET, Plan(workers=workers), interrupt)
    assert document["stopped"]
    assert 0 < document["turns"] < TURNS
    assert document["turns"] == len(document["turn_results"])
    assert document["failures"] == {}
    whole = replay(stage.conversation, checks, SET)
    assert not whole["stopped"]
    kept = {(each["id"], each["turn"]) for each in document["turn_results"]}
    assert kept < {(each["id"], each["turn"]) for each in whole["turn_results"]}
