"""What the recommender is worth inside a conversation: hit@k by turn, and turns to the first hit.

The data are cut at a moment: everything after it is taken out of a copy of the home (purchases,
orders, popularity), the shop's clock is set to it, and the recommender is trained on what is left.
The truth is the next basket of households who came back within a week. A scripted shopper asks for
suggestions, then for a department that their next basket holds, one a turn, and never names a
product of it.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.simulate import Exchange, ScriptedShopper, Secrets, converse
from assistant.evaluation.stage import Stage
from assistant.evaluation.statistics import bootstrap, wilson
from assistant.progress import Progress, silent
from assistant.settings import Settings
from assistant.shop.catalogue import Catalogue
from assistant.types import Product
from recommender.recommend import Recommender, Session

SHOWN = 5
"""Products that one answer of the recommender shows."""
FIRST = "what should I put on my list this week?"
DAYS = 14
"""Days before the end of the data at which they are cut."""
WITHIN = 7
"""Days after the cut in which the next basket must come."""


@dataclass(frozen=True, slots=True)
class Household:
    """A customer with their next basket, and the departments that they will ask about."""

    customer_id: str
    basket: frozenset[str]
    asks: tuple[str, ...]


def hold_out(settings: Settings, folder: Path, days: int = DAYS) -> tuple[Settings, datetime]:
    """A copy of the home that ends `days` before its data do; its settings, and the cut.

    The copy's clock stands at the cut and its recommender is not trained yet. The search index is
    the home's own: it holds titles, and no purchase.
    """
    held = settings.model_copy(update={"home": folder, "database": ""})
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.shop_database, held.shop_database)
    shutil.copytree(settings.index_folder, held.index_folder, dirs_exist_ok=True)
    if (settings.home / "prompts").is_dir():
        shutil.copytree(settings.home / "prompts", folder / "prompts", dirs_exist_ok=True)
    with closing(sqlite3.connect(held.shop_database)) as database, database:
        (last,) = database.execute("SELECT max(at) FROM interaction").fetchone()
        zone = Catalogue(settings.shop_database).clock.now().tzinfo
        end = datetime.fromtimestamp(last / 1_000_000, zone) - timedelta(days=days)
        cut = end.replace(hour=0, minute=0, second=0, microsecond=0)
        stamp = int(cut.timestamp() * 1_000_000)
        database.execute(
            "DELETE FROM order_line WHERE order_id IN"
            ' (SELECT order_id FROM "order" WHERE placed_at >= ?)',
            (stamp,),
        )
        database.execute('DELETE FROM "order" WHERE placed_at >= ?', (stamp,))
        database.execute("DELETE FROM interaction WHERE at >= ?", (stamp,))
        database.execute("UPDATE product SET bought = 0")
        database.execute(
            "UPDATE product SET bought = sold.times FROM (SELECT product_id, count(*) AS times"
            " FROM interaction WHERE kind = 'purchase' GROUP BY product_id) AS sold"
            " WHERE sold.product_id = product.product_id"
        )
        meta = dict(database.execute("SELECT key, value FROM meta"))
        shop = json.loads(meta["shop"]) | {"clock": str(cut)}
        changed = {"shop": json.dumps(shop), "content_hash": f"{meta['content_hash']}:{stamp}"}
        database.executemany("UPDATE meta SET value = ? WHERE key = ?", [
            (value, key) for key, value in changed.items()
        ])  # fmt: skip
    return held, cut


def households(
    whole: Catalogue, cut: datetime, count: int, turns: int, seed: int
) -> list[Household]:
    """`count` customers who bought before the cut and again within WITHIN days, drawn by seed."""
    until = cut + timedelta(days=WITHIN)
    everyone = sorted(whole.customer_ids())
    random.Random(seed).shuffle(everyone)
    found: list[Household] = []
    for customer_id in everyone:
        if len(found) == count:
            break
        after = whole.purchases(customer_id, cut, until)
        if not after or len({each.at for each in whole.purchases(customer_id, None, cut)}) < 5:
            continue
        basket = frozenset(each.product_id for each in after if each.at == after[0].at)
        products = whole.products(sorted(basket))
        if products:
            found.append(Household(customer_id, basket, _asks(products, turns - 1)))
    return found


def _asks(products: Sequence[Product], most: int) -> tuple[str, ...]:
    """Departments of the basket, those with most products first, none of which names a product."""
    secrets = _secrets(products)
    counts = Counter(product.category[0] for product in products)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(name for name in ranked if secrets.told_by(_line(name)) is None)[:most]


def _line(department: str) -> str:
    return f"what do I usually buy in {department}?"


def _secrets(products: Iterable[Product]) -> Secrets:
    return Secrets(tuple(product.title for product in products))


Shown = Sequence[Sequence[str]]
"""Product ids by turn, in the order in which they were shown."""


def alone(recommender: Recommender, who: Household, turns: int, now: datetime, kind: str) -> Shown:
    """The recommender's one list, SHOWN products further at every turn."""
    found = recommender.recommend(
        kind,  # type: ignore[arg-type]
        customer_id=who.customer_id,
        session=Session(),
        k=SHOWN * turns,
        now=now,
    )
    ids = [item.product_id for item in found.items]
    return [ids[at : at + SHOWN] for at in range(0, SHOWN * turns, SHOWN)]


def told(recommender: Recommender, who: Household, turns: int, now: datetime) -> Shown:
    """The recommender given what the shopper asks for directly: no language to be understood."""
    shown = []
    for department in (None, *who.asks)[:turns]:
        found = recommender.recommend(
            "buy_again",
            customer_id=who.customer_id,
            session=Session(),
            category=department,
            k=SHOWN,
            now=now,
        )
        shown.append([item.product_id for item in found.items])
    return shown


def asked(stage: Stage, whole: Catalogue, who: Household) -> list[Exchange]:
    """The conversation of a household's scripted shopper with the assistant."""
    secrets = _secrets(whole.products(sorted(who.basket)))
    shopper = ScriptedShopper((FIRST, *map(_line, who.asks)), secrets=secrets)
    with stage.conversation(who.customer_id) as assistant:
        return converse(assistant, shopper)


def lift(
    stage: Stage,
    whole: Catalogue,
    chosen: Sequence[Household],
    turns: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """By arm: hit rate by turn, share of the basket found, turns to the first hit.

    `assistant`: the conversation; `told`: the recommender given the shopper's words directly;
    `alone`: its one list; `popular`: what everybody buys. All show SHOWN products a turn at most.
    """
    recommender, now = stage.shop.recommender, stage.shop.catalogue.clock.now()
    shown: dict[str, list[Shown]] = {name: [] for name in ("assistant", "told", "alone", "popular")}
    conversations = []
    for place, who in enumerate(chosen):
        progress("Asking for suggestions", place, len(chosen))
        exchanges = asked(stage, whole, who)
        shown["assistant"].append(
            [[c.product.product_id for c in each.answer.turn.products] for each in exchanges]
        )
        shown["told"].append(told(recommender, who, turns, now))
        shown["alone"].append(alone(recommender, who, turns, now, "buy_again"))
        shown["popular"].append(alone(recommender, who, turns, now, "popular"))
        conversations.append(_told(who, exchanges))
    progress("Asking for suggestions", len(chosen), len(chosen))
    baskets = [who.basket for who in chosen]
    return {
        "households": len(chosen),
        "turns": turns,
        "shown_a_turn": SHOWN,
        "arms": {name: arm(each, baskets, turns) for name, each in shown.items()},
        "differences": {
            name: _difference(shown["assistant"], shown[name], baskets, turns)
            for name in ("told", "alone", "popular")
        },
        "conversations": conversations,
    }


def arm(shown: Sequence[Shown], baskets: Sequence[frozenset[str]], turns: int) -> dict[str, Any]:
    """hit by turn [value, low, high]: a product of the next basket was shown by then.

    `turns_to_hit` is a mean, `turns` + 1 where there was none; `recall` is of the basket.
    """
    firsts = [_first_hit(each, basket) for each, basket in zip(shown, baskets, strict=True)]
    waits = np.array([turns + 1 if first is None else first for first in firsts], float)
    recalls = np.array([
        len(basket & {product for turn in each[:turns] for product in turn}) / len(basket)
        for each, basket in zip(shown, baskets, strict=True)
    ])  # fmt: skip
    return {
        "hit_by_turn": [
            wilson(sum(first is not None and first <= turn for first in firsts), len(firsts))
            for turn in range(1, turns + 1)
        ],
        "turns_to_hit": bootstrap(waits, lambda sample: float(sample.mean())),
        "recall": bootstrap(recalls, lambda sample: float(sample.mean())),
    }


def _first_hit(shown: Shown, basket: frozenset[str]) -> int | None:
    return next((turn for turn, ids in enumerate(shown, 1) if basket & set(ids)), None)


def _difference(
    left: Sequence[Shown], right: Sequence[Shown], baskets: Sequence[frozenset[str]], turns: int
) -> dict[str, list[float]]:
    """The assistant less another arm, paired by household: hit by the last turn, turns to hit."""

    def waits(shown: Sequence[Shown]) -> np.ndarray[Any, np.dtype[np.float64]]:
        firsts = [_first_hit(e[:turns], b) for e, b in zip(shown, baskets, strict=True)]
        return np.array([turns + 1 if first is None else first for first in firsts], float)

    a, b = waits(left), waits(right)
    hits = (a <= turns).astype(float) - (b <= turns)
    return {
        "hit": bootstrap(hits, lambda sample: float(sample.mean())),
        "turns_to_hit": bootstrap(a - b, lambda sample: float(sample.mean())),
    }


def _told(who: Household, exchanges: Sequence[Exchange]) -> Mapping[str, Any]:
    return {
        "customer_id": who.customer_id,
        "basket": sorted(who.basket),
        "turns": [
            {
                "text": each.text,
                "tools": [call.action.tool for call in each.answer.turn.calls],
                "arguments": [dict(call.action.arguments) for call in each.answer.turn.calls],
                "products": [c.product.product_id for c in each.answer.turn.products],
                "hit": bool(who.basket & {c.product.product_id for c in each.answer.turn.products}),
            }
            for each in exchanges
        ],
    }
