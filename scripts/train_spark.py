"""Factors from interactions that one machine does not hold, trained on a Spark cluster.

    python scripts/train_spark.py spark://host:7077 INTERACTIONS.parquet PRODUCTS.parquet OUT.npz

The paths are read by every worker: a shared folder or a URL that Spark knows. OUT.npz is what
`recommender.factors.Factors.from_arrays` loads, items numbered by the sorted product ids.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from recommender.errors import ExtraMissing
from recommender.spark import fit_factors, open_spark


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("master")
    parser.add_argument("interactions")
    parser.add_argument("products")
    parser.add_argument("out", type=Path)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=12)
    asked = parser.parse_args()
    try:
        spark = open_spark(asked.master)
        ids = [row[0] for row in spark.read.parquet(asked.products).select("product_id").collect()]
        arrays = fit_factors(
            spark,
            asked.interactions,
            tuple(sorted(ids)),
            factors=asked.factors,
            epochs=asked.epochs,
        )
    except (ExtraMissing, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    np.savez(asked.out, **arrays)
    print(f"{len(arrays['known']):,} items, {arrays['items'].shape[1]} factors: {asked.out}")


if __name__ == "__main__":
    main()
