"""Whole tasks: the state that a conversation leaves, against that of the gold actions."""

import gzip
import json
from dataclasses import replace

import pytest

from assistant.errors import BadInput
from assistant.evaluation.tasks import (
    Task,
    attempt,
    perfect,
    played_by,
    read_tasks,
    run_tasks,
    shopper_for,
)
from assistant.evaluation.truth import Truth
from assistant.orders.book import OrderBook
from assistant.orders.types import Change, ItemChange
from assistant.store import Store
from tests.evaluation.scripted import RoutedModel, tiny_checks, tiny_stage
from tests.evaluation.test_formats import dataset
from tests.tinyapp import ScriptedModel

CANCEL = {
    "id": "cancel",
    "user_scenario": {"instructions": {"reason_for_call": "You no longer need C300."}},
    "evaluation_criteria": {
        "actions": [
            {"name": "find_user_id_by_email", "arguments": {"email": "olga@example.com"}},
            {"name": "cancel_pending_order",
             "arguments": {"order_id": "#C300", "reason": "no longer needed"}},
        ],
        "communicate_info": [],
    },
}  # fmt: skip
RETURN = {
    "id": "return",
    "user_id": "9",
    "instruction": "You are Olga. Return the cheese.",
    "actions": [{"name": "return_delivered_order_items", "arguments": {
        "order_id": "C302", "item_ids": ["20"], "payment_method_id": "card_9"}}],
    "outputs": [],
}  # fmt: skip
PERSON = {
    "id": "person",
    "user_id": "9",
    "instruction": "You want a person.",
    "actions": [{"name": "transfer_to_human_agents", "arguments": {"summary": "s"}}],
    "outputs": [],
}
CANCEL_LINE = "Please cancel order C300. Reason: no longer needed."
RETURN_LINE = "I want to return from order C302: Parmesan cheese, 8 oz. Use Visa ending in 4242."
GOOD = {
    CANCEL_LINE: {"tool": "cancel_order", "order_id": "C300", "reason": "no longer needed"},
    RETURN_LINE: {"tool": "return_items", "items": ["Parmesan cheese"], "order_id": "C302"},
}


def written(folder, *records):
    path = folder / "tasks.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    return path


@pytest.fixture
def tasks(tmp_path, catalogue):
    found, problems = read_tasks(written(tmp_path, CANCEL, RETURN, PERSON), catalogue)
    assert problems == []
    return found


@pytest.fixture
def stage_of(shop):
    opened = []

    def open_(decisions):
        opened.append(tiny_stage(shop, RoutedModel(decisions)))
        return opened[-1]

    yield open_
    for stage in opened:
        stage.close()


def test_both_benchmarks_tasks_become_changes_of_the_shops_own_orders(tasks):
    cancel, back, person = tasks
    assert cancel.customer_id == back.customer_id == person.customer_id == "9"
    assert cancel.changes == (Change("cancel_order", "C300", reason="no longer needed"),)
    assert back.changes[0].items == (ItemChange("20", 1),)
    assert person.handoff and person.changes == ()


def test_the_state_decides(stage_of, tasks):
    cancel = tasks[0]
    good = stage_of(GOOD)
    for task in tasks:
        outcome = attempt(good, task, 1, seed=1)
        assert (outcome.reward, outcome.why) == (1, "")
    texts = [each.text for each in attempt(good, cancel, 1, seed=1).exchanges]
    assert texts == [CANCEL_LINE, "yes"]


@pytest.mark.parametrize(
    "decision",
    [
        {"tool": "reply"},
        {"tool": "find_orders", "order_id": "C300"},
        {"tool": "change_order_items", "items": ["Oat milk"], "order_id": "C300"},
    ],
    ids=["talks", "looks", "changes something else"],
)
def test_what_leaves_another_state_earns_nothing(stage_of, tasks, decision):
    outcome = attempt(stage_of({CANCEL_LINE: decision}), tasks[0], 1, seed=1)
    assert outcome.reward == 0
    assert outcome.why == "the final state is not the gold one: C300"


def test_a_change_that_nobody_asked_for_costs_the_reward(stage_of, tasks):
    """Saying yes to more than was wanted is no success, though what was wanted is done too."""
    person = tasks[2]
    line = "I want to talk to a human about this."
    outcome = attempt(stage_of({line: {"tool": "reply"}}), person, 1, seed=1)
    assert outcome.reward == 1, "a plain wish for a person needs no model"
    silent = Task("x", "9", (), handoff=True)
    none = attempt(stage_of({}), silent, 1, 1, lambda *_: _Leaves())
    assert (none.reward, none.why) == (0, "no person was asked for")


class _Leaves:
    def speak(self, exchanges):
        return "hm" if not exchanges else None


def test_what_was_to_be_told_must_be_told(stage_of, catalogue):
    told = Task("t", "9", (), told=("3.99",))
    assert attempt(stage_of({}), told, 1, 1, lambda *_: _Leaves()).why == "never told: 3.99"


def test_gold_actions_that_the_rules_forbid_count_in_nothing(stage_of, shop, tasks):
    forbidden = Task("late", "9", (Change("cancel_order", "C301", reason="x"),))
    document = run_tasks(stage_of(GOOD), tiny_checks(shop), [*tasks, forbidden])
    assert document["metrics"]["pass_1"][0] == 1.0
    assert document["conversations"] == 3
    (late,) = [each for each in document["tasks"] if each["id"] == "late"]
    assert late["why"].startswith("the rules forbid the gold actions")


def test_every_turn_of_a_task_is_checked_and_clean(stage_of, shop, tasks):
    """What a change shows and claims is in the record: no check takes it for an invention."""
    document = run_tasks(stage_of(GOOD), tiny_checks(shop), tasks)
    assert document["failures"] == {}
    assert document["turns"] == 5


def test_pass_k_counts_tasks_that_every_trial_solves(stage_of, shop, tasks):
    """The model knows the first wording alone; the person needs none."""
    document = run_tasks(stage_of(GOOD), tiny_checks(shop), tasks, trials=2, seed=3)
    assert document["metrics"]["pass_1"][0] == pytest.approx((0.5 + 0.5 + 1) / 3, abs=1e-3)
    assert document["metrics"]["pass_k"][0] == pytest.approx(1 / 3, abs=1e-3)


def test_the_shopper_words_a_task_the_same_each_time_and_otherwise_by_seed(catalogue, shop, tasks,
                                                                           stage_of):  # fmt: skip
    with stage_of({}).conversation("9") as assistant:
        book = OrderBook(catalogue, assistant.store.database)
        first = shopper_for(tasks[0], catalogue, book).lines
        assert first == shopper_for(tasks[0], catalogue, book).lines == [CANCEL_LINE]
        other = shopper_for(tasks[0], catalogue, book, "s").lines
        assert other != first and "C300" in other[0]


def test_a_task_of_another_shop_is_named(tmp_path, catalogue):
    action = {"name": "cancel_pending_order", "arguments": {"order_id": "#W1", "reason": "x"}}
    stranger = {**CANCEL, "id": "other", "evaluation_criteria": {"actions": [action]}}
    found, problems = read_tasks(written(tmp_path, CANCEL, stranger), catalogue)
    assert len(found) == 1
    assert "line 2: nobody in this shop is the task's customer" in problems[0]
    with pytest.raises(BadInput, match="holds no task about this shop"):
        read_tasks(written(tmp_path, stranger), catalogue)


def test_the_public_sets_have_as_many_rows_as_they_say():
    for name, rows in (("tasks", 69), ("tau1_tasks_train_dev", 281)):
        path = dataset(f"tau_retail/{name}.jsonl.gz")
        assert len(gzip.decompress(path.read_bytes()).splitlines()) == rows


def test_a_model_that_understands_every_line_shows_what_the_tools_allow(shop, catalogue, tasks):
    book = OrderBook(catalogue, Store.open("sqlite://").database)
    stage = tiny_stage(shop, perfect(tasks, catalogue, book))
    document = run_tasks(stage, tiny_checks(shop), tasks)
    stage.close()
    assert document["metrics"]["pass_1"][0] == 1.0
    assert document["metrics"]["final_state_rate"][0] == 1.0
    assert document["failures"] == {}


def test_a_model_may_play_the_shopper_by_the_benchmarks_own_words(stage_of, tasks):
    words = [CANCEL_LINE, "[DONE]"]
    model = ScriptedModel(words=words)
    outcome = attempt(stage_of(GOOD), tasks[0], 1, 1, played_by(model, "You are a shopper."))
    assert [each.text for each in outcome.exchanges] == [CANCEL_LINE]
    assert outcome.reward == 0, "it never said yes"
    assert "You no longer need C300." in model.written[0][0].content


def test_a_change_that_is_shown_with_another_amount_is_untrue(stage_of, shop, tasks):
    turn = attempt(stage_of(GOOD), tasks[1], 1, seed=1).exchanges[0].answer.turn
    truth = Truth(shop.catalogue)
    assert truth.untrue(turn, "9", []) == []
    bent = tuple(replace(piece, text=piece.text.replace("$5.20", "$9.20")) for piece in turn.pieces)
    assert bent != turn.pieces
    assert ("ungrounded_price", "$9.20") in truth.untrue(replace(turn, pieces=bent), "9", [])
