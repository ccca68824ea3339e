"""The commands as an engineer runs them, over the tiny shop and a scripted model."""

import json

import pytest
from typer.testing import CliRunner

from assistant import app
from assistant.cli import cli
from assistant.errors import BadInput, NotFound
from assistant.evaluation.formats.aisle import as_record
from assistant.evaluation.runs import read_run
from tests.evaluation.scripted import PERFECT, SET, TURNS, RoutedModel

METRICS = {
    "tool_accuracy", "argument_accuracy", "product_hit_rate", "help_hit_rate",
    "handoff_precision", "handoff_recall", "grounded_rate", "valid_decision_rate", "pass_1",
    "pass_k", "first_text_p50", "first_text_p95",
}  # fmt: skip
"""The names that DESIGN.md's readers rely on."""


@pytest.fixture
def run(monkeypatch, shop, tmp_path):
    """Runs `aisle evaluate …`; what it printed as JSON, the model, and standard error."""
    model = RoutedModel(PERFECT)
    monkeypatch.setattr(app, "open_shop", lambda settings: shop)
    monkeypatch.setattr(app, "load_model", lambda settings: model)

    def run_(*arguments):
        words = [str(each) for each in arguments]
        home = ["--home", str(tmp_path / "home")]
        done = CliRunner().invoke(cli, ["evaluate", *words, *home, "--json"])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), model, done.stderr

    (tmp_path / "home").mkdir()
    return run_


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(json.dumps(as_record(each)) for each in SET))
    return path


def test_a_run_says_all_that_it_was_made_of(run, file, tmp_path):
    out, page = tmp_path / "run.json", tmp_path / "report.html"
    document, _, _ = run("transcripts", file, "--out", out, "--report", page)
    assert document["turns"] == TURNS == len(document["turn_results"])
    assert set(document["metrics"]) >= METRICS
    assert document["failures"] == {}
    for name in ("model", "model_checksum", "prompts_hash", "code_hash", "shop_hash", "data_hash",
                 "seed", "machine", "started_at"):  # fmt: skip
        assert name in document["run"]
    assert read_run(out) == document
    assert "The worst turns" in page.read_text()


def test_what_cannot_run_is_named_and_the_rest_runs(run, file):
    stranger = {"id": "who", "customer_id": "404", "turns": [{"role": "shopper", "text": "hm"}]}
    file.write_text(f"{file.read_text()}\n{{\n{json.dumps(stranger)}\n")
    document, _, told = run("transcripts", file)
    assert document["conversations"] == len(SET)
    bad_line, bad_customer = document["problems"]
    assert f"line {len(SET) + 1}: not JSON" in bad_line
    assert "'who'" in bad_customer and "'404'" in bad_customer
    assert bad_line in told and bad_customer in told


def test_the_second_run_asks_the_model_nothing(run, file):
    first, model, _ = run("transcripts", file)
    asked = model.decided
    second, _, _ = run("transcripts", file)
    assert model.decided == asked
    assert second["failures"] == first["failures"]
    run("transcripts", file, "--fresh")
    assert model.decided == 2 * asked


def test_a_sample_by_group_with_a_customer_for_all(run, tmp_path):
    path = tmp_path / "routing.jsonl"
    path.write_text("\n".join(
        json.dumps({"id": f"b{n}", "instruction": f"where is my order {n}", "intent": intent})
        for n, intent in enumerate(["track_order", "complaint"] * 5)
    ))  # fmt: skip
    document, _, _ = run(
        "transcripts", path, "--per-group", 2, "--customer", "1", "--decisions-only"
    )
    assert {name: each["turns"] for name, each in document["groups"].items()} == {
        "complaint": 2, "track_order": 2,
    }  # fmt: skip
    assert {each["customer_id"] for each in document["turn_results"]} == {"1"}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (("--history", "mixed"), BadInput, "'mixed' is neither"),
        (("--format", "xml"), BadInput, "'xml' is not one of"),
        (("--customer", "404"), NotFound, "no customer '404'"),
    ],
)
def test_bad_options_are_one_sentence(run, file, options, error, words):
    with pytest.raises(error, match=words):
        run("transcripts", file, *options)


def test_a_set_without_anyone_of_this_shop_is_one_sentence(run, tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "x", "customer_id": "404", "turns": [{"role":"shopper","text":"hm"}]}')
    with pytest.raises(BadInput, match="no conversation can be replayed"):
        run("transcripts", path)
