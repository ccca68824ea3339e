"""Factors from interactions that one machine does not hold, trained on a Spark cluster.

    aisle train --plain
    python scripts/train_spark.py spark://host:7077 INTERACTIONS.parquet [--home .aisle]

INTERACTIONS is a path or URL that every worker can read, with the columns of a shop folder. The
factors become a part of the model in the home: from its next start the server, and `aisle
recommend` at once, say by them what is new for a shopper, where that list is not learned (`aisle
train` without --plain). `aisle train` makes a model without them again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assistant.errors import AisleError
from assistant.settings import read_settings
from recommender import storage
from recommender.errors import ExtraMissing, ModelMissing
from recommender.factors import EPOCHS, FACTORS
from recommender.spark import fit_factors, open_spark


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("master")
    parser.add_argument("interactions")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--factors", type=int, default=FACTORS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--least", type=int, default=10, help="Rows of a product to learn it.")
    asked = parser.parse_args()
    try:
        folder = read_settings(home=asked.home).recommender_folder
        parts, _ = storage.load(folder)
        spark = open_spark(asked.master)
        try:
            arrays = fit_factors(
                spark,
                asked.interactions,
                parts["catalogue"]["ids"].tolist(),
                least=asked.least,
                factors=asked.factors,
                epochs=asked.epochs,
            )
        finally:
            spark.stop()
        storage.add(folder, "factors", arrays)
    except (AisleError, ExtraMissing, ModelMissing, ValueError) as error:
        print(f"train_spark: {error}", file=sys.stderr)
        sys.exit(2)
    known, factors = arrays["items"].shape
    print(f"{known:,} items, {factors} factors in {folder}")


if __name__ == "__main__":
    main()
