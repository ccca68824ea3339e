"""Candidates for a shopper's next basket, and what a re-ranker is told of each.

The candidates are the shopper's own items, best first by the weighted blend, and items new to them
that any of the models puts high. Everything is as of the moment: the shopper's earlier rows, what
everyone bought on earlier days. One call serves a shopper, thousands of moments train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from recommender.ease import Ease
from recommender.factors import Factors
from recommender.frequency import DECAY
from recommender.interactions import DAY, Baskets, Floats, Ints
from recommender.moments import Groups, Longs, Moments, Rows
from recommender.neighbours import UserNeighbours
from recommender.ranking import highest
from recommender.trend import Facts, Trend, weekday

OWN = 200
"""A shopper's own items that are ranked at most."""
OWN_ALONE = 120
"""As many where they are ranked alone, to be quick: on the validation basket no worse."""
NEW = (("ease", 80), ("factors", 40), ("week", 50), ("nearby", 50))
"""How many items new to the shopper each source adds."""
WINDOWS = (1, 2, 3, 7, 14, 28, 91)
NEARBY_DAYS = 14
SMOOTHING = 2.0
SAME_HOUR = 2.5

Part = Literal["all", "own", "new"]


@dataclass(frozen=True, slots=True)
class Sources:
    """What features are made from; `group` and `leaf` by item, not negative. The models have
    learned every item.
    """

    baskets: Baskets
    group: Ints
    leaf: Ints
    ease: Ease
    factors: Factors
    neighbours: UserNeighbours
    trend: Trend
    facts: Facts


@dataclass(frozen=True, slots=True)
class Table:
    """By candidate: the moment's number, the item, whether it is the shopper's own, and `values`
    (candidates, len(names)). Sorted by moment, then item.
    """

    moment: Ints
    item: Ints
    own: Any
    values: Floats
    names: tuple[str, ...]


def table(sources: Sources, moments: Moments, session: Any = None, part: Part = "all") -> Table:
    """The candidates of each moment and their features; of all candidates, or those that are the
    shopper's own or new to them.

    `session`, sparse (moments, items), is added to the tastes that the models are asked with: what
    is in the cart, what was liked; below zero what was refused.
    """
    rows = Rows.of(sources.baskets, moments)
    shape = (len(moments), sources.baskets.n_items)
    items = Groups.of(rows, rows.item.astype(np.int64), shape[1])
    counts = items.sums((DECAY**rows.rank).astype(np.float32))
    edges = np.searchsorted(items.key, np.arange(shape[0] + 1) * shape[1])
    asked = sparse.csr_matrix((counts, items.key % shape[1], edges), shape=shape)
    if session is not None:
        asked = asked + session
        asked.data = np.maximum(asked.data, 0)
    day = sources.trend.day(moments.at)
    models = _scores(sources, moments, asked, day)
    moment, item, own = _candidates(items, counts, models, shape, part)
    found = _Columns(sources, moments, rows, moment, item, day)
    found.shopper()
    found.habits("item", items, item)
    for name, number in (("group", sources.group), ("leaf", sources.leaf)):
        size = int(number.max(initial=0)) + 1
        found.habits(name, Groups.of(rows, number[rows.item].astype(np.int64), size), number[item])
    found.everyone(models["week"])
    found.models(models)
    values = np.empty((len(item), len(found.columns)), np.float32)
    for column, each in enumerate(found.columns.values()):
        values[:, column] = each
    return Table(moment, item, own, values, tuple(found.columns))


def _scores(sources: Sources, moments: Moments, asked: Any, day: Longs) -> dict[str, Floats]:
    """(moments, items) by model."""
    tastes = asked.copy()
    tastes.data = np.sqrt(tastes.data)
    user = int(moments.user[0]) if len(moments) == 1 else -1
    ease, smooth = sources.ease.both(tastes, user)
    close = sources.neighbours.weights(asked, moments.user)
    nearby = np.stack(
        [sources.trend.by(int(d), NEARBY_DAYS, close[row]) for row, d in enumerate(day)]
    )
    return {
        "ease": ease,
        "smooth": smooth,
        "factors": sources.factors.fold_in(tastes),
        "neighbours": sources.neighbours.spread(close),
        "nearby": nearby,
        "week": sources.trend.window(day, 7),
    }


def _candidates(
    items: Groups, counts: Floats, models: dict[str, Floats], shape: tuple[int, int], part: Part
) -> tuple[Ints, Ints, Any]:
    n_items = shape[1]
    moment, item = np.divmod(items.key, n_items)
    blend = counts + SMOOTHING * models["smooth"][moment, item]
    order = np.lexsort((-blend, moment))
    place = np.arange(len(order)) - np.searchsorted(moment[order], moment[order])
    most = {"all": OWN, "own": OWN_ALONE, "new": 0}[part]
    own = items.key[order[place < most]]
    keys = [own]
    for name, wanted in NEW if part != "own" else ():
        scores = models[name].copy()
        scores[moment, item] = -np.inf
        keys.append(_highest(scores, min(wanted, n_items)))
    every = np.unique(np.concatenate(keys))
    mine = np.isin(every, own, assume_unique=True)
    return (every // n_items).astype(np.int32), (every % n_items).astype(np.int32), mine


def _highest(scores: Floats, most: int) -> Longs:
    """The keys, row × items + item, of each row's best `most`, ties to the lower number, minus
    infinity never.
    """
    keys = []
    for row, values in enumerate(scores):
        best = highest(values, most)
        best = best[np.argsort(-values[best], kind="stable")[:most]]
        keys.append(row * scores.shape[1] + best[np.isfinite(values[best])])
    return np.concatenate(keys) if keys else np.empty(0, np.int64)


class _Columns:
    """Features by name, each by candidate; days and baskets are counted back from the moment."""

    def __init__(
        self,
        sources: Sources,
        moments: Moments,
        rows: Rows,
        moment: Ints,
        item: Ints,
        day: Longs,
    ) -> None:
        self.columns: dict[str, Any] = {}
        self._sources, self._moments, self._rows = sources, moments, rows
        self._moment, self._item, self._day = moment, item, day
        at = moments.at[rows.moment] - (rows.days * DAY).astype(np.int64)
        hours = np.abs(at % int(DAY) - moments.at[rows.moment] % int(DAY)) / 3600
        self._same_hour = (np.minimum(hours, 24 - hours) < SAME_HOUR).astype(np.float32)
        self._same_day = (weekday(at) == weekday(moments.at)[rows.moment]).astype(np.float32)
        self._weights = {
            "decayed": (DECAY**rows.rank).astype(np.float32),
            "lately": (0.85**rows.rank).astype(np.float32),
            "days10": (0.5 ** (rows.days / 10)).astype(np.float32),
            "days45": (0.5 ** (rows.days / 45)).astype(np.float32),
        }

    def shopper(self) -> None:
        """How many baskets, how large, how often, how late, at what hour."""
        rows, n = self._rows, len(self._moments)
        size = np.bincount(rows.moment, minlength=n)
        visits, first = np.zeros(n, np.float32), np.zeros(n, np.float32)
        last = np.full(n, 9999, np.float32)
        np.maximum.at(visits, rows.moment, rows.rank + 1)
        np.maximum.at(first, rows.moment, rows.days)
        np.minimum.at(last, rows.moment, rows.days)
        gap = (first - last) / np.maximum(visits - 1, 1)
        distinct = np.unique(rows.moment.astype(np.int64) * (1 << 32) + rows.item) >> 32
        five = np.bincount(rows.moment[rows.rank < 5], minlength=n) / np.clip(visits, 1, 5)
        self._visits, self._five = visits, five
        for name, values in (
            ("visits", visits),
            ("basket", size / np.maximum(visits, 1)),
            ("basket5", five),
            ("basket1", np.bincount(rows.moment[rows.rank == 0], minlength=n)),
            ("since", last),
            ("every", gap),
            ("late", last / np.maximum(gap, 0.5)),
            ("variety", np.bincount(distinct, minlength=n) / np.maximum(size, 1)),
            ("hour", self._moments.at % int(DAY) / 3600),
            ("weekday", weekday(self._moments.at)),
        ):
            self.columns[f"shopper_{name}"] = np.asarray(values, np.float32)[self._moment]

    def habits(self, level: str, groups: Groups, number: Any) -> None:
        """The shopper's purchases of the item, or of its group or leaf: how many, when, how
        regular, and whether the time has come.
        """
        rows = self._rows
        place = groups.find(self._moment, number.astype(np.int64))
        count = groups.counts.astype(np.float32)
        last, first = groups.last(rows.days), groups.first(rows.days)
        ranks = rows.rank.astype(np.float32)
        last_rank, first_rank = groups.last(ranks), groups.first(ranks)
        again = np.where(count > 1, count - 1, np.nan)
        gap, rank_gap = (first - last) / again, (first_rank - last_rank) / again

        regular: dict[str, Any] = {
            "last": last,
            "last_rank": last_rank,
            "gap": gap,
            "due": last / np.maximum(gap, 0.5),
            "gap_rank": rank_gap,
            "due_rank": last_rank / np.maximum(rank_gap, 0.5),
            "weekday": groups.sums(self._same_day) / np.maximum(count, 1),
            "hour": groups.sums(self._same_hour) / np.maximum(count, 1),
        }
        if level == "item":
            regular["gap_spread"], regular["gap_last"] = self._gaps(groups, gap, last)
        sums = {name: groups.sums(weights) for name, weights in self._weights.items()}
        amounts: dict[str, Any] = {"count": count, **sums, "rate": count / (first_rank + 1)}
        for values, missing in ((amounts, 0), (regular, np.nan)):
            # A last key of its own for what the shopper never bought.
            by_key = np.full((len(values), len(count) + 1), missing, np.float32)
            by_key[:, :-1] = list(values.values())
            by_candidate = by_key[:, place]
            self.columns |= {f"{level}_{name}": by_candidate[n] for n, name in enumerate(values)}
        counted = self.columns[f"{level}_count"]
        self.columns[f"{level}_share"] = counted / np.maximum(self._visits[self._moment], 1)

    def _gaps(self, groups: Groups, gap: Any, last: Any) -> tuple[Any, Any]:
        """How unlike each other the gaps between purchases are, and the latest of them."""
        if not len(groups.starts):
            return last, last
        days = self._rows.days[groups.order]
        steps = np.append(days[:-1] - days[1:], 0).astype(np.float32)
        ends = groups.starts + groups.counts - 1
        steps[ends] = 0
        again = np.where(groups.counts > 1, groups.counts - 1, np.nan)
        spread = np.add.reduceat(steps**2, groups.starts) / again - gap**2
        latest = np.where(groups.counts > 1, steps[np.maximum(ends - 1, 0)], np.nan)
        return np.sqrt(np.maximum(spread, 0)), latest

    def everyone(self, week: Floats) -> None:
        """How the item sells these days, and what kind of item it is. `week` (moments, items) is
        what all bought in the last seven days.
        """
        sources, item, columns = self._sources, self._item, self.columns
        day = self._day[self._moment]
        for days in WINDOWS:
            columns[f"sold_{days}"] = sources.trend.rate(day, days, item)
        for short, long in ((3, 28), (7, 28), (28, 91)):
            rise = (columns[f"sold_{short}"] + 0.2) / (columns[f"sold_{long}"] + 0.2)
            columns[f"rise_{short}"] = rise
        columns["age"] = sources.trend.age(day, item)
        facts = sources.facts
        for name in ("buyers", "repeat", "repeaters", "size", "gap", "share"):
            columns[f"fact_{name}"] = getattr(facts, name)[item]
        today = weekday(self._moments.at)[self._moment]
        columns["fact_weekday"] = facts.weekday[today, item]
        columns["fact_due"] = columns["item_last"] / np.maximum(columns["fact_gap"], 1)
        columns["fits_basket"] = columns["fact_size"] / np.maximum(self._five[self._moment], 1)
        leaves = np.stack([np.bincount(sources.leaf, each) for each in week])
        of_leaf = np.maximum(leaves[self._moment, sources.leaf[item]], 1)
        columns["leaf_part"] = week[self._moment, item] / of_leaf
        columns["leaf_pull"] = columns["leaf_part"] * columns["leaf_decayed"]
        for level in ("leaf", "group"):
            whole = np.maximum(columns[f"{level}_decayed"], 1e-6)
            columns[f"part_of_{level}"] = columns["item_decayed"] / whole

    def models(self, scores: dict[str, Floats]) -> None:
        """Each model's score, and its share of the best one in the shop."""
        for name in ("ease", "smooth", "factors", "neighbours", "nearby"):
            score = scores[name][self._moment, self._item]
            self.columns[f"model_{name}"] = score
            best = np.maximum(scores[name].max(axis=1), 1e-9)
            self.columns[f"best_{name}"] = score / best[self._moment]
        smoothed = SMOOTHING * self.columns["model_smooth"]
        self.columns["blend"] = self.columns["item_decayed"] + smoothed
