"""The numbers of the evaluation, counted by hand."""

import math

import numpy as np
import polars as pl
import pytest

from recommender.evaluate import METRICS, best, evaluate, measured
from recommender.interactions import clean, split
from tests.recommender.shop import EVERY, HABITS, START, interactions, products

ROUNDS = 3


def silent(step, done, total):
    pass


def regulars():
    """Everyone of the shop comes back with the same baskets, three times over."""
    again = [
        interactions().with_columns(pl.col("at") + 4 * EVERY * number) for number in range(ROUNDS)
    ]
    return pl.concat(again).unique()


def test_metrics_by_hand():
    found = dict(zip(METRICS, measured(np.array([7, 3, 5, 9]), np.array([3, 9]), 4), strict=True))
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    assert found["precision"] == pytest.approx(2 / 4)
    assert found["recall"] == 1
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["ndcg"] == pytest.approx(gain / (1 + 1 / math.log2(3)))
    assert found["hit_rate"] == 1


def test_the_ideal_is_truncated_at_k():
    assert measured(np.array([1, 2]), np.arange(1, 6), 2)[METRICS.index("ndcg")] == 1


def test_best_leaves_out_what_has_no_score_and_breaks_ties_by_number():
    scores = np.array([np.nan, 1, 3, 1, -np.inf, 1])
    assert best(scores, 3).tolist() == [2, 1, 3]
    assert best(scores, 10).tolist() == [2, 1, 3, 5]


def test_the_split_hides_the_held_out_basket_and_all_after_it():
    purchases = clean(regulars(), products()).filter(pl.col("kind") == "purchase")
    for hold in (0, 1):
        found = split(purchases, hold, least=1)
        assert len(found.questions) == len(HABITS)
        for question in found.questions:
            rows = found.past.of_user(question.user)
            assert found.past.at[rows].max() < question.at
            baskets = HABITS[found.past.customers[question.user]]
            basket = baskets[len(baskets) - 1 - hold]
            assert len(question.items) == len(basket)


def test_rows_are_sound_and_habits_beat_popularity():
    found = evaluate(regulars(), products(), k=3, seed=1, progress=silent)
    assert found == evaluate(regulars(), products(), k=3, seed=1, progress=silent)
    recall = {row["model"]: row["recall"] for row in found["rows"] if row["task"] == "next_basket"}
    assert recall["buy_again"] > recall["popular"]
    for row in found["rows"]:
        assert all(0 <= row[metric] <= 1 for metric in METRICS)
        assert row["recall_ci"][0] <= row["recall"] <= row["recall_ci"][1]


def test_clean_drops_what_means_nothing_and_sums_what_is_twice():
    rows = [
        ("ann", "milk", "purchase", 1.0, START),
        ("ann", "milk", "purchase", 2.0, START),
        ("ann", "milk", "purchase", -1.0, START),
        ("ann", "milk", "purchase", math.nan, START),
        ("ann", "milk", "theft", 1.0, START),
        ("ann", "no such product", "purchase", 1.0, START),
        (None, "milk", "purchase", 1.0, START),
        ("ann", "bread", "view", 0.0, START),
    ]
    table = pl.DataFrame(rows, schema=interactions().schema, orient="row")
    kept = clean(table, products()).select("product_id", "kind", "value").rows()
    assert kept == [("bread", "view", 0.0), ("milk", "purchase", 3.0)]


def test_nothing_to_ask():
    assert evaluate(interactions().clear(), products(), progress=silent)["rows"] == []
