"""Candidates for a shopper's next basket, and what a re-ranker is told of each.

The candidates are the shopper's own items, best first by the weighted blend, and items new to them
that any of the models puts high. Everything is as of the moment: the shopper's earlier rows, what
everyone bought on earlier days. One call serves a shopper, thousands of moments train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from recommender.ease import Ease
from recommender.factors import Factors
from recommender.frequency import DECAY
from recommender.interactions import DAY, Baskets, Floats, Ints
from recommender.moments import Groups, Longs, Moments, Rows
from recommender.neighbours import UserNeighbours
from recommender.trend import Facts, Trend, weekday

OWN = 200
"""A shopper's own items that are ranked at most."""
NEW = (("ease", 80), ("factors", 40), ("week", 50), ("nearby", 50))
"""How many items new to the shopper each source adds."""
WINDOWS = (1, 2, 3, 7, 14, 28, 91)
NEARBY_DAYS = 14
SMOOTHING = 2.0
SAME_HOUR = 2.5


@dataclass(frozen=True, slots=True)
class Sources:
    """What features are made from; `group` and `leaf` by item, not negative."""

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


def table(sources: Sources, moments: Moments, session: Any = None) -> Table:
    """The candidates of each moment and their features.

    `session`, sparse (moments, items), is added to the tastes that the models are asked with: what
    is in the cart, what was liked; below zero what was refused.
    """
    rows = Rows.of(sources.baskets, moments)
    shape = (len(moments), sources.baskets.n_items)
    counts = sparse.csr_matrix(
        ((DECAY**rows.rank).astype(np.float32), (rows.moment, rows.item)), shape=shape
    )
    asked = counts
    if session is not None:
        asked = sparse.csr_matrix(counts + session)
        asked.data = np.maximum(asked.data, 0)
    day = sources.trend.day(moments.at)
    models = _scores(sources, moments, asked, day)
    items = Groups.of(rows, rows.item.astype(np.int64), shape[1])
    moment, item, own = _candidates(items, counts, models, shape)
    found = _Columns(sources, moments, rows, moment, item, day)
    found.shopper()
    found.habits("item", items, item)
    for name, number in (("group", sources.group), ("leaf", sources.leaf)):
        size = int(number.max(initial=0)) + 1
        found.habits(name, Groups.of(rows, number[rows.item].astype(np.int64), size), number[item])
    found.everyone()
    found.models(models)
    values = np.empty((len(item), len(found.columns)), np.float32)
    for column, each in enumerate(found.columns.values()):
        values[:, column] = each
    return Table(moment, item, own, values, tuple(found.columns))


def _scores(sources: Sources, moments: Moments, asked: Any, day: Longs) -> dict[str, Floats]:
    """(moments, items) by model."""
    tastes = asked.copy()
    tastes.data = np.sqrt(tastes.data)
    ease, smooth = sources.ease.both(tastes)
    weights = sources.neighbours.weights(asked, moments.user)
    close = weights.toarray()
    nearby = np.stack(
        [sources.trend.by(int(d), NEARBY_DAYS, close[row]) for row, d in enumerate(day)]
    )
    return {
        "ease": np.nan_to_num(ease),
        "smooth": np.nan_to_num(smooth),
        "factors": np.nan_to_num(sources.factors.fold_in(tastes)),
        "neighbours": sources.neighbours.spread(weights),
        "nearby": nearby,
        "week": sources.trend.window(day, 7),
    }


def _candidates(
    items: Groups, counts: Any, models: dict[str, Floats], shape: tuple[int, int]
) -> tuple[Ints, Ints, Any]:
    n_moments, n_items = shape
    moment, item = np.divmod(items.key, n_items)
    blend = np.asarray(counts[moment, item]).ravel() + SMOOTHING * models["smooth"][moment, item]
    order = np.lexsort((-blend, moment))
    place = np.arange(len(order)) - np.searchsorted(moment[order], moment[order])
    own = items.key[order[place < OWN]]
    keys = [own]
    for name, wanted in NEW:
        most = min(wanted, n_items)
        scores = models[name].copy()
        scores[moment, item] = -np.inf
        best = np.argpartition(-scores, most - 1, axis=1)[:, :most]
        rows = np.repeat(np.arange(n_moments, dtype=np.int64), most)
        fine = np.isfinite(scores[rows, best.ravel()])
        keys.append((rows * n_items + best.ravel())[fine])
    every = np.unique(np.concatenate(keys))
    mine = np.isin(every, own, assume_unique=True)
    return (every // n_items).astype(np.int32), (every % n_items).astype(np.int32), mine


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
        known = place >= 0
        count = groups.counts.astype(np.float32)
        last, first = groups.last(rows.days), groups.first(rows.days)
        ranks = rows.rank.astype(np.float32)
        last_rank, first_rank = groups.last(ranks), groups.first(ranks)
        again = np.where(count > 1, count - 1, np.nan)
        gap, rank_gap = (first - last) / again, (first_rank - last_rank) / again

        def put(name: str, values: Any, missing: float = np.nan) -> None:
            at = values[np.maximum(place, 0)] if len(values) else np.zeros(len(place))
            self.columns[f"{level}_{name}"] = np.where(known, at, missing)

        put("count", count, 0)
        for name, weights in self._weights.items():
            put(name, groups.sums(weights), 0)
        put("last", last)
        put("last_rank", last_rank)
        put("gap", gap)
        put("due", last / np.maximum(gap, 0.5))
        put("gap_rank", rank_gap)
        put("due_rank", last_rank / np.maximum(rank_gap, 0.5))
        put("rate", count / (first_rank + 1), 0)
        put("weekday", groups.sums(self._same_day) / np.maximum(count, 1))
        put("hour", groups.sums(self._same_hour) / np.maximum(count, 1))
        counted = self.columns[f"{level}_count"]
        self.columns[f"{level}_share"] = counted / np.maximum(self._visits[self._moment], 1)
        if level == "item" and len(groups.starts):
            days = rows.days[groups.order]
            steps = np.append(days[:-1] - days[1:], 0).astype(np.float32)
            ends = groups.starts + groups.counts - 1
            steps[ends] = 0
            spread = np.add.reduceat(steps**2, groups.starts) / again - gap**2
            put("gap_spread", np.sqrt(np.maximum(spread, 0)))
            put("gap_last", np.where(count > 1, steps[np.maximum(ends - 1, 0)], np.nan))
        elif level == "item":
            put("gap_spread", last)
            put("gap_last", last)

    def everyone(self) -> None:
        """How the item sells these days, and what kind of item it is."""
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
        week = sources.trend.window(self._day, 7)
        leaves = np.stack([np.bincount(sources.leaf, each) for each in week])
        of_leaf = np.maximum(leaves[self._moment, sources.leaf[item]], 1)
        columns["leaf_part"] = week[self._moment, item] / of_leaf
        columns["leaf_pull"] = columns["leaf_part"] * columns["leaf_decayed"]
        for level in ("leaf", "group"):
            whole = np.maximum(columns[f"{level}_decayed"], 1e-6)
            columns[f"part_of_{level}"] = columns["item_decayed"] / whole

    def models(self, scores: dict[str, Floats]) -> None:
        """Each model's score, and its share of the best one among the candidates."""
        starts = np.flatnonzero(np.diff(self._moment, prepend=-1))
        which = np.cumsum(np.diff(self._moment, prepend=-1) != 0) - 1
        for name in ("ease", "smooth", "factors", "neighbours", "nearby"):
            score = scores[name][self._moment, self._item]
            self.columns[f"model_{name}"] = score
            best = np.maximum.reduceat(score, starts) if len(starts) else score
            self.columns[f"best_{name}"] = score / np.maximum(best[which], 1e-9)
        smoothed = SMOOTHING * self.columns["model_smooth"]
        self.columns["blend"] = self.columns["item_decayed"] + smoothed
