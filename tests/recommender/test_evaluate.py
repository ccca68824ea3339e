"""The numbers of the evaluation, counted by hand."""

import math

import ir_measures
import numpy as np
import polars as pl
import pytest
from ir_measures import P, R, Success, nDCG

from recommender.evaluate import evaluate
from recommender.interactions import clean, split
from recommender.metrics import METRICS, best, measured, summary
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
    assert found["f1_per_user"] == pytest.approx(2 / 3)
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


def asked(rows, **more):
    return evaluate(rows, products(), seed=1, learned=False, progress=silent, **more)


def often(rounds=5):
    """Everyone's year, so many times over that products have ten rows."""
    again = [
        interactions().with_columns(pl.col("at") + 4 * EVERY * number) for number in range(rounds)
    ]
    return pl.concat(again).unique()


def test_rows_are_sound_and_habits_beat_popularity():
    found = asked(often()).document
    assert found == asked(often()).document
    recall = {(r["task"], r["model"], r["k"]): r["recall"] for r in found["rows"]}
    assert recall["next_basket", "weighted", 5] > recall["next_basket", "popular", 5]
    assert found["selected"]["next_basket"] == "weighted"
    for row in found["rows"]:
        assert all(0 <= row[metric] <= 1 for metric in (*METRICS, "f1", "coverage", "diversity"))
        assert row["recall_ci"][0] <= row["recall"] <= row["recall_ci"][1]


def test_the_metrics_are_those_of_another_library():
    """Per shopper and on the mean, from the predictions that anyone can score anew."""
    found = asked(often())
    for (task, model), rows in found.predictions.group_by("task", "model"):
        run = [
            ir_measures.ScoredDoc(row["customer_id"], row["product_id"], -row["rank"])
            for row in rows.iter_rows(named=True)
        ]
        truth = {row["customer_id"]: row["truth"] for row in rows.iter_rows(named=True)}
        if len(truth) < rows.filter(rank=1).height:
            continue  # across departments a shopper is asked about several times
        qrels = [ir_measures.Qrel(c, item, 1) for c, items in truth.items() for item in items]
        theirs = ir_measures.calc_aggregate([P @ 5, R @ 5, nDCG @ 5, Success @ 5], qrels, run)
        ours = next(
            row
            for row in found.document["rows"]
            if (row["task"], row["model"], row["k"]) == (task, model, 5)
        )
        names = {"precision": P @ 5, "recall": R @ 5, "ndcg": nDCG @ 5, "hit_rate": Success @ 5}
        for name, measure in names.items():
            assert ours[name] == pytest.approx(theirs[measure]), (task, model, name)


def test_f1_is_that_of_the_means():
    row = summary([np.array([1, 2]), np.array([3, 4])], [np.array([1]), np.array([5])], 2, 0)
    assert (row["precision"], row["recall"]) == (0.25, 0.5)
    assert row["f1"] == pytest.approx(1 / 3)


def test_predictions_hold_what_the_rows_were_counted_from():
    found = asked(often())
    lists = found.predictions.filter(task="next_basket", model="popular")
    assert lists["rank"].min() == 1
    users = next(r["users"] for r in found.document["rows"] if r["model"] == "popular")
    assert lists["customer_id"].n_unique() == users


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
    assert asked(interactions().clear()).document["rows"] == []
