"""Each check is shown to fail when it should, and only then."""

import pytest

from assistant.evaluation.checks import FAILURES
from assistant.evaluation.metrics import RATES
from assistant.evaluation.replay import replay
from tests.evaluation.scripted import (
    BY_MODEL,
    PERFECT,
    SET,
    TURNS,
    RoutedModel,
    by_answer,
    spoiled,
    tiny_checks,
    tiny_stage,
)

METRIC = {failure: metric for metric, (_, bad) in RATES.items() for failure in bad}
SPOILED = (
    "a text left out", "a text that must not be", "a product that was not found",
    "a card that is no product", "a price in words", "a price without a sign",
    "a card with another price", "a date", "a date in Chinese", "an order number",
    "another's order", "a rule turned around", "a number", "a product over the limit",
    "a tool's name", "raw arguments", "the prompt", "an e-mail that nobody sends",
    "a cart that was not filled", "a refund that was not made", "a call that nobody makes",
    "English to a Chinese shopper", "Chinese to an English one", "an essay",
)  # fmt: skip


@pytest.fixture(scope="module")
def checks(shop):
    return tiny_checks(shop)


def rates(document):
    """The value of each rate, without its interval."""
    return {
        name: value[0] for name, value in document["metrics"].items() if isinstance(value, list)
    }


def of_model(shop, checks, decisions):
    stage = tiny_stage(shop, RoutedModel(decisions))
    try:
        return replay(stage.conversation, checks, SET)
    finally:
        stage.close()


@pytest.fixture(scope="module")
def perfect(shop, checks):
    return of_model(shop, checks, PERFECT)


def assert_only(document, perfect, failure):
    """One turn fails, by this name alone, and each metric says exactly that."""
    assert document["failures"] == {failure: 1}
    bad = [each for each in document["turn_results"] if each["failures"]]
    assert [each["failures"] for each in bad] == [[failure]]
    changed = {
        name: value for name, value in rates(document).items() if value != rates(perfect)[name]
    }
    tasks = pytest.approx(1 - 1 / len(SET), abs=1e-4)
    assert changed.pop("pass_1") == tasks
    assert changed.pop("pass_k") == tasks
    if failure == "handoff_missing":
        assert changed == {"handoff_recall": 0.5}
    elif failure == "handoff_unwanted":
        assert changed == {"handoff_precision": pytest.approx(2 / 3, abs=1e-4)}
    else:
        key = RATES[METRIC[failure]][0]
        judged = sum(key in each["judged"] for each in document["turn_results"])
        wanted = {METRIC[failure]: pytest.approx(1 - 1 / judged, abs=1e-4)}
        if failure == "product_missing":
            wanted["product_mrr"] = 0.0
        assert changed == wanted


def test_a_perfect_model_fails_nothing_and_every_metric_is_one(perfect):
    assert perfect["failures"] == {}
    assert perfect["turns"] == TURNS
    assert set(rates(perfect).values()) == {1.0}
    assert set(METRIC) | {"handoff_missing", "handoff_unwanted"} == set(FAILURES)


@pytest.mark.parametrize("failure", BY_MODEL)
def test_a_fault_of_the_model_is_named(shop, checks, perfect, failure):
    text, decision = BY_MODEL[failure]
    assert_only(of_model(shop, checks, {**PERFECT, text: decision}), perfect, failure)


@pytest.mark.parametrize("fault", SPOILED)
def test_a_fault_that_code_prevents_is_named_all_the_same(shop, checks, perfect, fault):
    failure, text, spoil = by_answer(shop)[fault]
    stage = tiny_stage(shop, RoutedModel(PERFECT))
    try:
        document = replay(spoiled(stage, text, spoil), checks, SET)
    finally:
        stage.close()
    assert_only(document, perfect, failure)


def test_every_failure_is_shown(shop):
    shown = set(BY_MODEL) | {failure for failure, _, _ in by_answer(shop).values()}
    assert shown == set(FAILURES)
    assert set(SPOILED) == set(by_answer(shop))
