"""The best items for a shopper's factors: all compared against an index, by the size of the shop.

    python scripts/bench_index.py [--items 10000 100000 1000000] [--out FILE.json]

Factors are drawn about centres, as learned ones lie, since no shop here has a million items: 64
factors, a centre for every 100 items. Both ways answer the same shoppers one at a time in the same
run; recall is the share of the true ten best that the index finds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from recommender.nearest import Nearest

FACTORS = 64
K = 10
SHOPPERS = 200
ROUNDS = 3


def factors(n_items: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Items (n, 64) and shoppers (200, 64)."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(max(10, n_items // 100), FACTORS)).astype(np.float32)
    items = centres[draw.integers(len(centres), size=n_items)]
    items += 0.7 * draw.normal(size=items.shape).astype(np.float32)
    # A shopper's tastes lie between a few centres.
    mixed = centres[draw.integers(len(centres), size=(SHOPPERS, 3))].mean(axis=1)
    return items, mixed + 0.3 * draw.normal(size=mixed.shape).astype(np.float32)


def timed(nearest: Nearest, shoppers: np.ndarray) -> tuple[list[float], np.ndarray]:
    """Milliseconds of each call over all rounds, and the numbers found (shoppers, k)."""
    nearest.top(shoppers[:1], K)
    found, spent = [], []
    for _ in range(ROUNDS):
        found = []
        for row in range(len(shoppers)):
            began = perf_counter()
            numbers, _ = nearest.top(shoppers[row : row + 1], K)
            spent.append(1000 * (perf_counter() - began))
            found.append(numbers[0])
    return spent, np.array(found)


def measured(n_items: int, seed: int) -> dict[str, object]:
    items, shoppers = factors(n_items, seed)
    exact_ms, exact = timed(Nearest.fit(items, exact=n_items), shoppers)
    began = perf_counter()
    index = Nearest.fit(items, exact=0, seed=seed)
    built = perf_counter() - began
    index_ms, found = timed(index, shoppers)
    recall = [len(set(a) & set(b)) / K for a, b in zip(exact, found, strict=True)]
    row = {"items": n_items, "build_seconds": round(built, 1)}
    for name, spent in (("exact", exact_ms), ("index", index_ms)):
        low, high = np.percentile(spent, [5, 95])
        row |= {
            f"{name}_ms": round(median(spent), 2),
            f"{name}_p5_p95": [round(low, 2), round(high, 2)],
        }
    row |= {
        "ratio": round(median(exact_ms) / median(index_ms), 1),
        "recall@10": round(float(np.mean(recall)), 4),
    }
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows = []
    for n_items in asked.items:
        rows.append(measured(n_items, asked.seed))
        print(json.dumps(rows[-1]), flush=True)
    if asked.out:
        asked.out.write_text(
            json.dumps({"factors": FACTORS, "k": K, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
