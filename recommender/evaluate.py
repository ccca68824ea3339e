"""How well the models guess a basket that they did not see, next to the baselines.

The last basket of each customer of five or more is the test; every weight was picked on the one
before it. Four tasks, each with a full ranking of all items:

- `next_basket` asks for the whole basket;
- `new_items` for what in it the customer never bought before, their own items masked;
- `cold` for the rest of it from three of its items alone, the customer's history hidden;
- `cross_domain` for what a customer buys in a department where their history is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse  # type: ignore[import-untyped]

from recommender.blend import Weights, blended, tuned
from recommender.catalogue import Catalogue
from recommender.diversify import diversified
from recommender.ease import Ease, tastes_of
from recommender.factors import Factors
from recommender.frequency import Frequency, Habits
from recommender.interactions import Baskets, Ints, Question, Split, clean, split
from recommender.metrics import Guesses, best, beyond_accuracy, summary
from recommender.moments import Moments
from recommender.neighbours import ItemNeighbours, UserNeighbours
from recommender.popular import Popular
from recommender.reranker import Reranker
from recommender.scorer import FoldIn
from recommender.tifu import Tifu

KS = (5, 10, 20)
EVENTS = 3
"""What a cold shopper did in the session before we guess the rest."""
DIALS = (0.0, 0.1, 0.2, 0.3, 0.5)
"""Of `diversified`, at which the price of diversity is shown, for the items new to a shopper."""
DEPARTMENTS = 6
HIDDEN_SHARE = 0.2
_BATCH = 100
_LEAST_ITEMS = 100

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Lists:
    """Each model's best items for each question, of one task."""

    guessed: dict[str, list[Guesses]] = field(default_factory=dict)
    truth: dict[str, list[Ints]] = field(default_factory=dict)
    asked: dict[str, list[int]] = field(default_factory=dict)

    def add(self, model: str, user: int, guesses: Guesses, truth: Ints) -> None:
        self.guessed.setdefault(model, []).append(guesses)
        self.truth.setdefault(model, []).append(truth)
        self.asked.setdefault(model, []).append(user)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`document` is what `aisle evaluate recommender --json` prints; `predictions` has the columns
    task, model, customer_id, rank (from 1), product_id, truth (the held-out product ids).
    """

    document: dict[str, Any]
    predictions: pl.DataFrame


def evaluate(
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    *,
    data: str = "",
    hold: int = 0,
    seed: int = 0,
    learned: bool = True,
    users: int | None = None,
    progress: Progress,
) -> Evaluation:
    """Every task and model, means over users; tables as for `Recommender.train`.

    `hold` 0 asks for each customer's last basket, 1 for the one before it (to tune on). Without
    `learned` the re-ranker is left out, which takes seconds instead of minutes. `users` is how many
    shoppers are asked about at most in each task, evenly picked; all are learned from.
    """
    purchases = clean(interactions, products).filter(pl.col("kind") == "purchase")
    asked = split(purchases, hold)
    asked = replace(asked, questions=_evenly(asked.questions, users))
    catalogue = Catalogue.of(products.filter(pl.col("product_id").is_in(asked.product_ids)))
    progress("tune", 0, 1)
    weights = tuned(purchases, hold + 1)
    tasks: dict[str, Lists] = {
        name: Lists() for name in ("next_basket", "new_items", "cold", "dial")
    }
    if asked.questions:
        reranker = _reranker(asked, catalogue, seed, progress) if learned else None
        _baskets(asked, catalogue, weights, reranker, tasks, seed, progress)
        _cold(asked, weights, tasks["cold"], seed, progress)
        tasks["cross_domain"] = _cross_domain(asked.past, catalogue, weights, seed, users, progress)
    progress("intervals", 0, 1)
    dial = _rows({"dial": tasks.pop("dial")}, asked, catalogue, seed)
    rows = _rows(tasks, asked, catalogue, seed)
    progress("intervals", 1, 1)
    document = {
        "data": data,
        "seed": seed,
        "split": f"basket {hold + 1} from the end of customers with five or more; "
        "products of ten rows or more; full ranking",
        "items": asked.past.n_items,
        "weights": weights.as_json(),
        "rows": rows,
        "selected": _selected(rows, learned),
        "diversity_dial": [
            {"dial": float(row.pop("model")), **row} for row in dial if row.pop("task")
        ],
    }
    return Evaluation(document, _predictions(tasks, asked))


def _evenly(questions: tuple[Question, ...], most: int | None) -> tuple[Question, ...]:
    if most is None or most >= len(questions):
        return questions
    return tuple(questions[place * len(questions) // most] for place in range(most))


def _reranker(asked: Split, catalogue: Catalogue, seed: int, progress: Progress) -> Reranker | None:
    def told(done: int, total: int) -> None:
        progress("learn to rank", done, total)

    return Reranker.fit(asked.past, catalogue.group, catalogue.leaf + 1, seed, told)


def _baskets(
    asked: Split,
    catalogue: Catalogue,
    weights: Weights,
    reranker: Reranker | None,
    tasks: dict[str, Lists],
    seed: int,
    progress: Progress,
) -> None:
    past = asked.past
    most = max(KS)
    progress("fit the baselines", 0, 1)
    frequency = Frequency.fit(past, weights.decay)
    tastes = tastes_of(frequency.counts)
    known = np.arange(past.n_items, dtype=np.int32)
    popular, ease = Popular.fit(past), Ease.fit(tastes, known)
    scorers = {
        "popular": popular.scores,
        "own_frequency": Frequency.fit(past, 1.0).scores,
        "frequency": frequency.scores,
        "item_neighbours": ItemNeighbours.fit(tastes, known).scores,
        "user_neighbours": UserNeighbours.fit(frequency.counts).scores,
        "tifu": Tifu.fit(past).scores,
        "factors": Factors.fit(tastes, known, seed=seed).scores,
        "ease": ease.scores,
    }
    for start in range(0, len(asked.questions), _BATCH):
        progress("evaluate", start, len(asked.questions))
        batch = asked.questions[start : start + _BATCH]
        users = [question.user for question in batch]
        counts = frequency.rows(users)
        scores = {name: scorer(users) for name, scorer in scorers.items()}
        own = counts.toarray()
        smoothed = ease.smooth(counts)
        whole = np.full(own.shape, -np.inf)
        for row, question in enumerate(batch):
            habits = Habits.of(past, question.user)
            whole[row, habits.items] = blended(
                own[row], smoothed[row], habits, weights, question.at
            )
        scores["weighted"] = whole.astype(np.float32)
        for slot, name in (("next_basket", "learned"), ("new_items", "learned_new")):
            if reranker:
                scores[name] = np.full(own.shape, np.nan, np.float32)
                for row, ranked in enumerate(reranker.rank(slot, moments(past, batch))):
                    scores[name][row, ranked.item] = ranked.score
        for row, question in enumerate(batch):
            new = question.items[own[row, question.items] == 0]
            for model, found in scores.items():
                if model != "learned_new":
                    guesses = best(found[row], most)
                    tasks["next_basket"].add(model, question.user, guesses, question.items)
                if len(new) and model not in ("learned", "weighted", "own_frequency", "frequency"):
                    masked = np.where(own[row] > 0, -np.inf, found[row])
                    name = model.removesuffix("_new")
                    tasks["new_items"].add(name, question.user, best(masked, most), new)
                if len(new) and model == ("learned_new" if reranker else "ease"):
                    masked = np.where(own[row] > 0, -np.inf, found[row])
                    for dial in DIALS:
                        shelves = catalogue.leaf, catalogue.departments
                        guesses = diversified(masked, *shelves, most, dial)
                        tasks["dial"].add(str(dial), question.user, guesses, new)
    progress("evaluate", len(asked.questions), len(asked.questions))


def moments(past: Baskets, questions: Sequence[Question]) -> Moments:
    """The moments of some questions: everything in `past` is known."""
    user = np.array([question.user for question in questions], np.int32)
    at = np.array([question.at for question in questions], np.int64)
    return Moments(user, past.starts[user + 1], at)


def _cold(asked: Split, weights: Weights, lists: Lists, seed: int, progress: Progress) -> None:
    """Three events of a held-out basket are the session of a shopper whom nobody learned from: a
    fifth of those asked about, their rows taken out of the training data.
    """
    draw = np.random.default_rng(seed)
    chosen = [
        question
        for question in asked.questions
        if len(question.items) > EVENTS and draw.random() < HIDDEN_SHARE
    ]
    if not chosen:
        return
    past = asked.past.where(~np.isin(asked.past.user, [question.user for question in chosen]))
    known = np.arange(past.n_items, dtype=np.int32)
    tastes = tastes_of(Frequency.fit(past, weights.decay).counts)
    popular = Popular.fit(past).score
    models: dict[str, FoldIn] = {
        "ease": Ease.fit(tastes, known),
        "factors": Factors.fit(tastes, known, seed=seed),
        "item_neighbours": ItemNeighbours.fit(tastes, known),
    }
    for done, question in enumerate(chosen):
        progress("cold shoppers", done, len(chosen))
        events = draw.choice(question.items, EVENTS, replace=False)
        rest = np.setdiff1d(question.items, events)
        taste = sparse.csr_matrix(
            (np.ones(EVENTS, np.float32), (np.zeros(EVENTS, int), events)), (1, past.n_items)
        )
        scores = {"popular": popular} | {n: m.fold_in(taste)[0] for n, m in models.items()}
        for model, each in scores.items():
            masked = np.where(np.isin(known, events), -np.inf, each)
            lists.add(model, question.user, best(masked, max(KS)), rest)


def _cross_domain(
    past: Baskets,
    catalogue: Catalogue,
    weights: Weights,
    seed: int,
    users: int | None,
    progress: Progress,
) -> Lists:
    """For each large department a fifth of its buyers have their rows in it hidden; the truth is
    what they were.
    """
    lists = Lists()
    departments = catalogue.departments
    sizes = np.bincount(departments[departments >= 0], minlength=1)
    largest = [int(d) for d in np.argsort(-sizes)[:DEPARTMENTS] if sizes[d] >= _LEAST_ITEMS]
    draw = np.random.default_rng(seed)
    known = np.arange(past.n_items, dtype=np.int32)
    for done, department in enumerate(largest):
        progress("across departments", done, len(largest))
        inside = departments == department
        buyers = np.unique(past.user[inside[past.item]])
        elsewhere = np.unique(past.user[~inside[past.item]])
        chosen = np.intersect1d(buyers, elsewhere)
        chosen = chosen[draw.random(len(chosen)) < HIDDEN_SHARE][:users]
        if not len(chosen):
            continue
        hidden = inside[past.item] & np.isin(past.user, chosen)
        rest = past.where(~hidden)
        tastes = tastes_of(Frequency.fit(rest, weights.decay).counts)
        scores = {
            "popular": Popular.fit(rest).scores(chosen.tolist()),
            "ease": Ease.fit(tastes, known).scores(chosen.tolist()),
            "factors": Factors.fit(tastes, known, seed=seed).scores(chosen.tolist()),
        }
        rows = past.where(hidden)
        for row, user in enumerate(chosen.tolist()):
            truth = np.unique(rows.item[rows.of_user(user)])
            for model, found in scores.items():
                guesses = best(np.where(inside, found[row], -np.inf), max(KS))
                lists.add(model, user, guesses, truth)
    progress("across departments", len(largest), len(largest))
    return lists


def _rows(
    tasks: dict[str, Lists], asked: Split, catalogue: Catalogue, seed: int
) -> list[dict[str, Any]]:
    past = asked.past
    buyers = past.matrix().getnnz(axis=0).astype(np.float32)
    return [
        {
            "task": task,
            "model": model,
            **summary(guessed, lists.truth[model], k, seed),
            **beyond_accuracy(guessed, catalogue.leaf, buyers, len(past.customers), k),
        }
        for task, lists in tasks.items()
        for model, guessed in lists.guessed.items()
        for k in KS
    ]


def _selected(rows: list[dict[str, Any]], learned: bool) -> dict[str, str]:
    """The models that the slots use: the better one was found on the validation basket."""
    present = {(row["task"], row["model"]) for row in rows}
    wanted = {
        "next_basket": ("learned", "weighted") if learned else ("weighted",),
        "new_items": ("learned", "ease") if learned else ("ease",),
        "cold": ("ease",),
        "cross_domain": ("ease",),
    }
    return {
        task: next(model for model in models if (task, model) in present)
        for task, models in wanted.items()
        if any((task, model) in present for model in models)
    }


def _predictions(tasks: dict[str, Lists], asked: Split) -> pl.DataFrame:
    def records() -> Iterator[tuple[str, str, str, list[int], list[str], list[str]]]:
        ids, customers = asked.product_ids, asked.past.customers
        for task, lists in tasks.items():
            for model, guessed in lists.guessed.items():
                for row, guesses in enumerate(guessed):
                    truth = [ids[item] for item in lists.truth[model][row]]
                    customer = customers[lists.asked[model][row]]
                    shown = [ids[item] for item in guesses]
                    yield task, model, customer, list(range(1, len(shown) + 1)), shown, truth

    schema: dict[str, Any] = {
        "task": pl.String,
        "model": pl.String,
        "customer_id": pl.String,
        "rank": pl.List(pl.Int32),
        "product_id": pl.List(pl.String),
        "truth": pl.List(pl.String),
    }
    # A list a row, taken apart by the library: a row an item in Python takes minutes.
    rows = pl.DataFrame(list(records()), schema=schema, orient="row")
    return rows.filter(pl.col("rank").list.len() > 0).explode("rank", "product_id")


def validation_winner(rows: Sequence[dict[str, Any]], task: str, plain: str) -> bool:
    """Whether the learned order beats the plain one by recall at 10 in these rows."""
    recall = {row["model"]: row["recall"] for row in rows if row["task"] == task and row["k"] == 10}
    return bool(recall.get("learned", 0) > recall.get(plain, 0))
