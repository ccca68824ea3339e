"""Comparing runs: what changed, by how much, and whether CI should stop."""

import copy
import json

import pytest
from typer.testing import CliRunner

from assistant.cli import cli
from assistant.errors import BadInput
from assistant.evaluation.compare import compare
from assistant.evaluation.replay import replay
from assistant.evaluation.runs import read_run, write_run
from tests.evaluation.scripted import PERFECT, SET, RoutedModel, tiny_checks, tiny_stage


@pytest.fixture(scope="module")
def run(shop):
    stage = tiny_stage(shop, RoutedModel(PERFECT))
    try:
        document = replay(stage.conversation, tiny_checks(shop), SET)
    finally:
        stage.close()
    return {"run": {"model": "scripted", "started_at": "now"}, **document}


def many(run, failing=0, failure="wrong_tool", copies=400):
    """A run of `copies` conversations of one turn, the first `failing` of them with a failure."""
    one = next(each for each in run["turn_results"] if each["id"] == "thanks")
    results = [{**one, "id": f"c{n}", "failures": [failure] * (n < failing)} for n in range(copies)]
    return {**run, "turn_results": results}


def test_a_run_is_no_worse_than_itself(run):
    document = compare(run, run)
    assert document["verdict"] == "no worse"
    assert document["changed"] == []
    assert document["differs"] == {}
    assert all(each["difference"] == [0, 0, 0] for each in document["metrics"].values())


def test_a_real_loss_is_worse_and_the_turns_are_named(run):
    document = compare(many(run), many(run, failing=20))
    assert document["verdict"] == "worse"
    row = document["metrics"]["tool_accuracy"]
    assert (row["a"], row["b"], row["verdict"]) == (1.0, 0.95, "worse")
    value, low, high = row["difference"]
    assert value == -0.05
    # The error of a share of 5 % in 400 is 1.1 %.
    assert (low, high) == pytest.approx((-0.0725, -0.03), abs=0.004)
    assert [each["id"] for each in document["changed"]] == [f"c{n}" for n in range(20)]
    assert document["changed"][0]["broken"] == ["wrong_tool"]


def test_a_gain_is_better(run):
    document = compare(many(run, failing=40), many(run, failing=4))
    assert document["verdict"] == "better"
    assert any("tool_accuracy is better" in each for each in document["because"])


def test_a_small_set_cannot_tell(run):
    document = compare(many(run, copies=12), many(run, failing=1, copies=12))
    assert document["metrics"]["tool_accuracy"]["verdict"] == "unclear"
    assert document["verdict"] == "unclear"


def test_one_new_lie_is_one_too_many(run):
    document = compare(many(run), many(run, failing=1, failure="ungrounded_price"))
    assert document["metrics"]["grounded_rate"]["verdict"] != "worse"
    assert document["verdict"] == "worse"
    assert document["because"][0] == "c0, turn 1: newly ungrounded_price"


def test_pairing_is_by_conversation_not_by_place(run):
    turned = {**many(run, failing=5), "turn_results": many(run, failing=5)["turn_results"][::-1]}
    assert compare(many(run, failing=5), turned)["verdict"] == "no worse"


def test_only_turns_in_both_are_compared(run):
    document = compare(many(run, copies=50), many(run, copies=30))
    assert (document["turns"], document["only_in_a"], document["only_in_b"]) == (30, 20, 0)


def test_runs_without_a_common_turn_are_refused(run):
    other = copy.deepcopy(many(run, copies=3))
    for each in other["turn_results"]:
        each["id"] = f"x{each['id']}"
    with pytest.raises(BadInput, match="no turn in common"):
        compare(many(run, copies=3), other)


def test_ci_stops_at_a_worse_run(run, tmp_path):
    good, bad = tmp_path / "a.json", tmp_path / "b.json"
    write_run(many(run), good)
    write_run(many(run, failing=30), bad)
    assert read_run(good)["metrics"] == json.loads(json.dumps(run["metrics"]))
    ask = ["evaluate", "compare", str(good), str(bad), "--json"]
    worse = CliRunner().invoke(cli, ask)
    assert worse.exit_code == 1
    assert json.loads(worse.stdout)["verdict"] == "worse"
    assert CliRunner().invoke(cli, [*ask[:2], str(good), str(good)]).exit_code == 0
    assert CliRunner().invoke(cli, [*ask, "--most-lost", "0.2"]).exit_code == 0


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_what_is_no_run_is_one_sentence(tmp_path, content):
    path = tmp_path / "run.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput) as raised:
        read_run(path)
    assert str(path) in raised.value.message
