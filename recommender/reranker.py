"""The learned slots: gradient-boosted trees that put a shopper's candidates in order.

LambdaMART (Burges, "From RankNet to LambdaRank to LambdaMART: An Overview", MSR-TR-2010-82) by
LightGBM, over the features of `features`. It learns from each shopper's last baskets: the models
under the features are fitted without those baskets, so that what they say of them is a guess as it
will be in serving, then fitted again on everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.ease import Ease, tastes_of
from recommender.errors import ModelMissing
from recommender.factors import Factors
from recommender.features import Part, Sources, Table, table
from recommender.frequency import Frequency
from recommender.interactions import Baskets, Floats, Ints
from recommender.moments import Moments
from recommender.neighbours import UserNeighbours
from recommender.trend import Facts, Trend

TARGETS = 8
"""The last baskets of each shopper that are learned from."""
KEPT = 0.3
"""The share of what was not bought that is learned from; of what was bought all is."""
FEWEST = 500
"""Baskets to learn from, below which a re-ranker would learn the noise."""
_BATCH = 128
_ROUNDS = 150
_FORESTS = {"next_basket": 2, "new_items": 1}
"""Their scores are added: half of what a single one owes to its seed is noise."""
_TREES: dict[str, dict[str, Any]] = {
    "next_basket": {"learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 100,
                    "feature_fraction": 0.5, "lambdarank_truncation_level": 20},
    "new_items": {"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 200,
                  "feature_fraction": 0.4, "lambdarank_truncation_level": 30, "lambda_l2": 10},
}  # fmt: skip
_COMMON = {
    "objective": "lambdarank",
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 127,
    "num_threads": 0,  # as OpenMP says; the trees are the same
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True, slots=True)
class Ranked:
    """A shopper's candidates with their scores; `own` says which they bought before."""

    item: Ints
    own: NDArray[np.bool_]
    score: Floats


class Reranker:
    """`next_basket` ranks own and new items together, `new_items` only what is new."""

    def __init__(self, sources: Sources, boosters: dict[str, list[Any]]) -> None:
        self.sources = sources
        self._boosters = boosters

    @classmethod
    def fit(
        cls,
        baskets: Baskets,
        group: Ints,
        leaf: Ints,
        seed: int,
        progress: Callable[[int, int], None],
    ) -> Reranker | None:
        """None where too few baskets are there to learn from, or where nobody bought anything new.
        `group` and `leaf` by item.
        """
        if sum(len(targets(baskets, rank)[0]) for rank in range(TARGETS)) < FEWEST:
            return None
        steps = TARGETS + 3
        # Features as they were: models without the targets, trends of all days before each.
        past = sources_of(baskets.before(TARGETS), group, leaf, seed, seen=baskets)
        whole, new = _Examples(), _Examples()
        draw = np.random.default_rng(seed)
        for rank in range(TARGETS):
            progress(rank, steps)
            moments, wanted = targets(baskets, rank)
            for start in range(0, len(moments), _BATCH):
                part = slice(start, start + _BATCH)
                found = table(past, moments.part(part))
                bought = _bought(found, wanted[part], baskets.n_items)
                kept = bought | (draw.random(len(bought)) < KEPT)
                whole.add(found, bought, kept)
                new.add(found, bought, kept & ~found.own)
        if not (whole.teaches and new.teaches):
            return None
        boosters = {}
        for done, (slot, examples) in enumerate((("next_basket", whole), ("new_items", new))):
            progress(TARGETS + done, steps)
            boosters[slot] = examples.learn(slot, seed)
        progress(steps - 1, steps)
        return cls(sources_of(baskets, group, leaf, seed), boosters)

    def rank(
        self, slot: str, moments: Moments, session: Any = None, part: Part = "all"
    ) -> list[Ranked]:
        """The candidates of each moment, in no order; `session` and `part` as for
        `features.table`.
        """
        found = table(self.sources, moments, session, "new" if slot == "new_items" else part)
        scores = np.empty(len(found.item), np.float32)
        if len(scores):
            scores[:] = sum(
                each.predict(found.values, num_threads=1) for each in self._boosters[slot]
            )
        edges = np.searchsorted(found.moment, np.arange(len(moments) + 1))
        parts = [slice(*edge) for edge in pairwise(edges)]
        return [Ranked(found.item[each], found.own[each], scores[each]) for each in parts]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The trees as text; what they are asked with is fitted from the baskets, or in it."""
        trees = {
            f"{slot}_{n}": np.frombuffer(booster.model_to_string().encode(), np.uint8)
            for slot, boosters in self._boosters.items()
            for n, booster in enumerate(boosters)
        }
        ease, factors = self.sources.ease.arrays(), self.sources.factors.arrays()
        named = {f"ease_{name}": values for name, values in ease.items()}
        return trees | named | {f"factors_{name}": values for name, values in factors.items()}

    @classmethod
    def from_arrays(
        cls, saved: dict[str, NDArray[Any]], baskets: Baskets, group: Ints, leaf: Ints
    ) -> Reranker:
        """Raises ModelMissing where it was learned from other features than are made now."""
        counts = Frequency.fit(baskets).counts
        tastes = tastes_of(counts)

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {n.removeprefix(prefix): v for n, v in saved.items() if n.startswith(prefix)}

        sources = Sources(
            baskets, group, leaf,
            Ease.from_arrays(part("ease_"), tastes),
            Factors.from_arrays(part("factors_"), tastes),
            UserNeighbours.fit(counts), Trend(baskets), Facts(baskets, leaf),
        )  # fmt: skip
        boosters = {
            slot: [
                lightgbm.Booster(model_str=saved[f"{slot}_{n}"].tobytes().decode())
                for n in range(forests)
            ]
            for slot, forests in _FORESTS.items()
        }
        moment = Moments(np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1, np.int64))
        names = list(table(sources, moment).names)
        if any(each.feature_name() != names for trees in boosters.values() for each in trees):
            raise ModelMissing("the re-ranker knows other features; run `aisle train`")
        return cls(sources, boosters)


def sources_of(
    baskets: Baskets, group: Ints, leaf: Ints, seed: int, seen: Baskets | None = None
) -> Sources:
    """The models fitted on `baskets`; trends and moments look at `seen`, which may be longer."""
    counts = Frequency.fit(baskets).counts
    tastes = tastes_of(counts)
    known = np.arange(baskets.n_items, dtype=np.int32)
    seen = baskets if seen is None else seen
    return Sources(
        seen, group, leaf,
        Ease.fit(tastes, known), Factors.fit(tastes, known, seed=seed),
        UserNeighbours.fit(counts), Trend(seen), Facts(baskets, leaf),
    )  # fmt: skip


def targets(baskets: Baskets, rank: int) -> tuple[Moments, list[Ints]]:
    """The moments before each customer's basket of that rank, and what was in it; only of
    customers who bought something before.
    """
    rows = np.flatnonzero(baskets.rank == rank)
    user = baskets.user[rows]
    firsts = np.flatnonzero(np.diff(user, prepend=-1))
    start, users = rows[firsts], user[firsts]
    end = rows[np.append(firsts[1:], len(rows)) - 1] + 1 if len(rows) else start
    fine = start > baskets.starts[users]
    moments = Moments(users[fine].astype(np.int32), start[fine], baskets.at[start[fine]])
    spans = zip(start[fine], end[fine], strict=True)
    return moments, [np.unique(baskets.item[a:b]) for a, b in spans]


def _bought(found: Table, wanted: list[Ints], n_items: int) -> NDArray[np.bool_]:
    keys = [np.int64(moment) * n_items + items for moment, items in enumerate(wanted)]
    return np.isin(found.moment.astype(np.int64) * n_items + found.item, np.concatenate(keys))


class _Examples:
    """Candidates of many moments, with whether they were bought."""

    def __init__(self) -> None:
        self._values: list[Floats] = []
        self._bought: list[NDArray[np.bool_]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._names: tuple[str, ...] = ()

    def add(self, found: Table, bought: Any, kept: Any) -> None:
        """Moments where nothing was bought teach no order and are left out."""
        hits = np.bincount(found.moment[kept], bought[kept])
        kept = kept & (np.append(hits, np.zeros(_BATCH))[found.moment] > 0)
        sizes = np.bincount(found.moment[kept])
        self._values.append(found.values[kept])
        self._bought.append(bought[kept])
        self._sizes.append(sizes[sizes > 0])
        self._names = found.names

    @property
    def teaches(self) -> bool:
        return any(len(sizes) for sizes in self._sizes)

    def learn(self, slot: str, seed: int) -> list[Any]:
        values = np.concatenate(self._values)
        self._values.clear()
        data = lightgbm.Dataset(
            values,
            np.concatenate(self._bought).astype(np.int8),
            group=np.concatenate(self._sizes),
            feature_name=list(self._names),
            params={"max_bin": _COMMON["max_bin"], "verbose": -1},
        )
        data.construct()
        del values
        params = {**_COMMON, **_TREES[slot]}
        return [
            lightgbm.train({**params, "seed": seed + n}, data, _ROUNDS)
            for n in range(_FORESTS[slot])
        ]
