"""The recommender's cost: training, memory, one call, and how they grow; JSON and a plot.

    python scripts/bench_recommender.py [--quick] [--out docs/benchmarks/recommender.json]

`--quick` takes every eighth shopper, fewer runs and no million items: it shows that the script
works, its figures mean nothing.

iALS is timed against `implicit` used directly, in turns, at the same factors and epochs. Every
training runs in a process of its own, so that its peak memory is its own. Times are medians with
their spread (the 25th and 75th percentile).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from implicit.als import AlternatingLeastSquares
from matplotlib.figure import Figure
from scipy import sparse
from threadpoolctl import threadpool_limits

from assistant.shop.catalogue import Catalogue
from recommender.ease import tastes_of
from recommender.factors import CONFIDENCE, REGULARISATION, Factors
from recommender.frequency import Frequency
from recommender.interactions import Baskets, clean, well_known
from recommender.recommend import Recommender, Session

ROOT = Path(__file__).resolve().parent.parent
FACTORS, EPOCHS = 128, 15
ITEMS = (10_000, 100_000, 1_000_000)
SHOPPERS = (1_000, 10_000, 50_000)
CALLS = 500


def home() -> Path:
    return Path(os.environ.get("AISLE_HOME", ROOT / ".aisle"))


def tables(quick: bool) -> tuple[Any, Any]:
    catalogue = Catalogue(home() / "shop.db")
    interactions = catalogue.interactions()
    if quick:
        few = interactions["customer_id"].unique().sort().gather_every(8)
        interactions = interactions.filter(pl.col("customer_id").is_in(few.implode()))
    return interactions, catalogue.product_table()


def spread(seconds: list[float]) -> dict[str, float]:
    low, median, high = np.percentile(seconds, [25, 50, 75])
    return {"median": float(median), "p25": float(low), "p75": float(high), "runs": len(seconds)}


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def factors(runs: int, quick: bool) -> dict[str, Any]:
    """Our iALS and the library's, in turns on the shop's matrix."""
    interactions, products = tables(quick)
    purchases = clean(interactions, products).filter(pl.col("kind") == "purchase")
    baskets = Baskets.of(purchases, well_known(purchases, 10))
    tastes = tastes_of(Frequency.fit(baskets).counts)
    known = np.arange(baskets.n_items, dtype=np.int32)

    def ours() -> None:
        Factors.fit(tastes, known, FACTORS, EPOCHS)

    def theirs() -> None:
        with threadpool_limits(1, "blas"):
            AlternatingLeastSquares(
                factors=FACTORS, iterations=EPOCHS, regularization=REGULARISATION,
                alpha=CONFIDENCE, random_state=0, use_gpu=False,
            ).fit(tastes, show_progress=False)  # fmt: skip

    pairs = [(timed(ours), timed(theirs)) for _ in range(runs)]
    return {
        "factors": FACTORS,
        "epochs": EPOCHS,
        "aisle_seconds": spread([a for a, _ in pairs]),
        "implicit_seconds": spread([b for _, b in pairs]),
        "speed_against_implicit": spread([b / a for a, b in pairs]),
    }


def training(mode: str, quick: bool) -> dict[str, Any]:
    """Run in a process of its own: seconds and peak memory of one training, and of its calls."""
    interactions, products = tables(quick)
    slots = frozenset({"next_basket", "new_items"}) if mode == "learned" else frozenset[str]()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        shop = Recommender.train(interactions, products, Path(folder), lambda *_: None, slots)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    draw = np.random.default_rng(0)
    customers = interactions["customer_id"].unique().sort().to_list()
    sold = interactions["product_id"].unique().sort().to_list()
    calls: dict[str, Any] = {}
    for kind in ("buy_again", "new_for_you"):
        times, busy = [], []
        for _ in range(CALLS):
            customer = customers[draw.integers(len(customers))]
            cart = tuple(sold[n] for n in draw.integers(len(sold), size=3))
            asked = {"customer_id": customer, "session": Session(cart=cart)}
            start = time.thread_time()
            times.append(timed(lambda kind=kind, asked=asked: shop.recommend(kind, **asked)) * 1e3)
            busy.append((time.thread_time() - start) * 1e3)
        calls[kind] = {}
        for clock, taken in (("", times), ("cpu_", busy)):
            percentiles = np.percentile(taken[50:], [50, 95, 99])
            for name, value in zip((50, 95, 99), percentiles, strict=True):
                calls[kind][f"{clock}p{name}_ms"] = float(value)
    return {"mode": mode, "seconds": seconds, "peak_gb": peak, "one_call_with_fold_in": calls}


def growth(shoppers: int, items: int) -> dict[str, float]:
    """A made-up shop, 40 purchases a shopper with a long tail: fit iALS once, fold in and score."""
    draw = np.random.default_rng(0)
    bought = (items * draw.random((shoppers, 40)) ** 3).astype(np.int64)
    rows = np.repeat(np.arange(shoppers), 40)
    tastes = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, bought.ravel())), (shoppers, items)
    )
    tastes.sum_duplicates()
    known = np.arange(items, dtype=np.int32)
    start = time.perf_counter()
    model = Factors.fit(tastes, known, 64, 3)
    fitted = time.perf_counter() - start
    calls = [timed(lambda row=row: model.fold_in(tastes[[row]])) * 1e3 for row in range(30)]
    return {
        "shoppers": shoppers,
        "items": items,
        "seconds_per_epoch": fitted / 3,
        "fold_in_and_score_all_ms": float(np.median(calls[5:])),
    }


def in_a_process(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def plot(rows: list[dict[str, float]], against: str, path: Path) -> None:
    """Both costs against items or shoppers, on logarithmic axes."""
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    at = [row[against] for row in rows]
    for name, scale, label in (
        ("seconds_per_epoch", 1e3, "one epoch of training"),
        ("fold_in_and_score_all_ms", 1.0, "one call, fold-in and all scores"),
    ):
        axes.loglog(at, [row[name] * scale for row in rows], "o-", label=label)
    axes.set_xticks(at, [f"{each:,}" for each in at])
    axes.minorticks_off()
    axes.set(xlabel=against, ylabel="milliseconds")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, no million items")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/benchmarks/recommender.json")
    parser.add_argument("--training", help=argparse.SUPPRESS)
    parser.add_argument("--growth", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.training:
        print(json.dumps(training(options.training, options.quick)))
        return
    if options.growth:
        print(json.dumps(growth(*options.growth)))
        return
    items = ITEMS[:2] if options.quick else ITEMS
    quick = ["--quick"] if options.quick else []
    found = {
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "ials": factors(2 if options.quick else 5, options.quick),
        "training": [in_a_process("--training", mode, *quick) for mode in ("plain", "learned")],
        "against_items": [in_a_process("--growth", "5000", str(n)) for n in items],
        "against_shoppers": [in_a_process("--growth", str(n), "20000") for n in SHOPPERS],
        "load_at_end": os.getloadavg()[0],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    for against in ("items", "shoppers"):
        path = options.out.with_name(f"{options.out.stem}-{against}.svg")
        plot(found[f"against_{against}"], against, path)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
