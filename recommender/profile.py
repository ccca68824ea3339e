"""What a shopper's own purchases say of them: counted, never guessed.

Every statement carries the counts behind it, so that whoever reads it can count again. Nothing is
taken from other shoppers, and a statement that too few purchases support is not made.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

SHOWN = 3
"""Favourites, departments, brands and hints at the most."""
_FEWEST_VISITS = 3
_FEWEST_TIMES = 3
_DIET_SHARE = 0.05
_LATE = 3.0
_DAY_SHARE = 0.3

DIETS = {
    "gluten_free": r"gluten[- ]?free",
    "lactose_free": r"(lactose|dairy)[- ]?free",
    "sugar_free": r"(sugar[- ]?free|no sugar added|unsweetened)",
    "plant_based": r"(vegan|vegetarian|plant[- ]based|meatless|tofu|soy milk|oat milk|almond milk)",
    "organic": r"organic",
    "low_fat": r"(fat[- ]?free|low[- ]?fat|reduced fat|skim|nonfat)",
    "low_salt": r"(low sodium|no salt added|unsalted|reduced sodium)",
    "decaffeinated": r"decaf",
}


@dataclass(frozen=True, slots=True)
class Bought:
    """One product in one basket. `price` is today's for one of it; `at` in the shop's own time.

    `group` is the same for products that are one to a shopper.
    """

    product_id: str
    title: str
    group: str
    category: tuple[str, ...]
    brand: str
    price: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Favourite:
    """`every_days` is the median gap between purchases, None below three of them."""

    product_id: str
    title: str
    times: int
    every_days: int | None
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of` purchases (products in baskets) are of that name."""

    name: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Half of `count` purchases cost from `low` to `high`, at today's prices."""

    low: float
    middle: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`every_days` is the median gap between `visits`; `next_at` the day that the next is due
    after the last, None where the shopper has stayed away for three gaps. `weekday` (0 is Monday)
    holds `on_weekday` of the visits, None where no day stands out.
    """

    visits: int
    every_days: int
    last_at: datetime
    next_at: datetime | None
    weekday: int | None
    on_weekday: int


@dataclass(frozen=True, slots=True)
class Profile:
    """`first_at`, `last_at` and `rhythm` are None where there is nothing to say."""

    purchases: int
    visits: int
    first_at: datetime | None
    last_at: datetime | None
    favourites: tuple[Favourite, ...] = ()
    departments: tuple[Share, ...] = ()
    brands: tuple[Share, ...] = ()
    diets: tuple[Share, ...] = ()
    prices: PriceBand | None = None
    rhythm: Rhythm | None = None

    @classmethod
    def of(cls, bought: Iterable[Bought], now: datetime) -> Profile:
        """Of one shopper's purchases up to `now`; later ones and repeats don't count."""
        rows = sorted(
            {(each.at, each.product_id): each for each in bought if each.at <= now}.values(),
            key=lambda each: (each.at, each.product_id),
        )
        if not rows:
            return cls(0, 0, None, None)
        visits = sorted({each.at for each in rows})
        return cls(
            purchases=len(rows),
            visits=len(visits),
            first_at=visits[0],
            last_at=visits[-1],
            favourites=_favourites(rows),
            departments=_shares(rows, lambda each: each.category[0] if each.category else ""),
            brands=_shares(rows, lambda each: each.brand),
            diets=_diets(rows),
            prices=_prices(rows),
            rhythm=_rhythm(visits, now),
        )

    def text(self) -> str:
        """For a language model: one short line of facts, titles in quotes since they are data."""
        if not self.visits or self.last_at is None:
            return "Nothing is known of this shopper."
        parts = [f"{self.visits} visits, last on {self.last_at:%Y-%m-%d}"]
        if self.rhythm:
            parts.append(f"usually every {self.rhythm.every_days} days")
        for label, values in (
            ("buys most", [f"{each.title!r} ({each.times}×)" for each in self.favourites]),
            ("departments", [each.name for each in self.departments]),
            ("brands", [each.name for each in self.brands]),
            ("diet hints", [f"{each.name} ({each.count}×)" for each in self.diets]),
        ):
            if values:
                parts.append(f"{label}: {', '.join(values)}")
        if self.prices:
            parts.append(f"pays {self.prices.low:.2f} to {self.prices.high:.2f} an item")
        return "; ".join(parts) + "."


def _favourites(rows: Sequence[Bought]) -> tuple[Favourite, ...]:
    """The things in the most baskets, the latest first among equals; once is no favourite."""
    by_group: dict[str, list[Bought]] = defaultdict(list)
    for each in rows:
        by_group[each.group].append(each)
    found = []
    for group in by_group.values():
        times = sorted({each.at for each in group})
        if len(times) > 1:
            latest = group[-1]
            every = _gap(times) if len(times) >= _FEWEST_TIMES else None
            found.append(Favourite(latest.product_id, latest.title, len(times), every, times[-1]))
    found.sort(key=lambda each: (each.times, each.last_at, each.product_id), reverse=True)
    return tuple(found[:SHOWN])


def _shares(rows: Sequence[Bought], name: Callable[[Bought], str]) -> tuple[Share, ...]:
    counts = _counted(name(each) for each in rows)
    return tuple(
        Share(value, count, len(rows))
        for value, count in counts
        if value and count >= _FEWEST_TIMES
    )[:SHOWN]


def _diets(rows: Sequence[Bought]) -> tuple[Share, ...]:
    """What the titles say, not what the shopper is: 3 purchases and one in twenty at the least."""
    fewest = max(_FEWEST_TIMES, _DIET_SHARE * len(rows))
    titles = Counter(each.title for each in rows)
    found = [
        Share(
            name, sum(titles[each] for each in titles if re.search(pattern, each, re.I)), len(rows)
        )
        for name, pattern in DIETS.items()
    ]
    able = [share for share in found if share.count >= fewest]
    return tuple(sorted(able, key=lambda share: -share.count)[:SHOWN])


def _prices(rows: Sequence[Bought]) -> PriceBand | None:
    prices = [each.price for each in rows]
    if len(prices) < _FEWEST_TIMES:
        return None
    low, middle, high = quantiles(prices, n=4, method="inclusive")
    return PriceBand(round(low, 2), round(middle, 2), round(high, 2), len(prices))


def _rhythm(visits: Sequence[datetime], now: datetime) -> Rhythm | None:
    if len(visits) < _FEWEST_VISITS:
        return None
    every, last = _gap(visits), visits[-1]
    away = (now - last) / timedelta(days=every)
    ((day, most), *_) = _counted(each.weekday() for each in visits)
    stands_out = most >= _FEWEST_TIMES and most >= _DAY_SHARE * len(visits)
    return Rhythm(
        visits=len(visits),
        every_days=every,
        last_at=last,
        next_at=last + timedelta(days=every) if away <= _LATE else None,
        weekday=day if stands_out else None,
        on_weekday=most if stands_out else 0,
    )


def _gap(times: Sequence[datetime]) -> int:
    """The median days between these, at least one."""
    gaps = [(later - earlier) / timedelta(days=1) for earlier, later in pairwise(times)]
    return max(1, round(median(gaps)))


def _counted(values: Iterable[Any]) -> list[tuple[Any, int]]:
    """The most frequent first, equals in the order of their values."""
    counts: Counter[Any] = Counter(values)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
