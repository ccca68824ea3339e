"""The factors of `factors` from more data than one machine holds: ALS on a Spark cluster.

Spark reads the interactions itself, from a path that every worker can read, and solves the same
implicit-feedback problem (its ridge grows with the rows of a customer or item). What comes back is
what `Factors.from_arrays` loads, so the server does not know where it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ExtraMissing
from recommender.factors import CONFIDENCE, EPOCHS, FACTORS, REGULARISATION

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RIDGE = 0.02
"""Spark's regularisation, a share of each customer's and item's rows."""


def open_spark(master: str, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A session on the cluster (`spark://host:7077`) with Spark's own settings by name; raises
    ExtraMissing.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing(
            "training on a cluster needs pyspark and Java; install the extra: "
            "pip install 'aisle[spark]'"
        ) from None
    builder = SparkSession.builder.master(master).appName("aisle")
    chosen = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", **(settings or {})}
    for name, value in chosen.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def fit_factors(
    spark: SparkSession,
    interactions: str,
    product_ids: Sequence[str],
    *,
    least: int = 10,
    factors: int = FACTORS,
    epochs: int = EPOCHS,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """The arrays of `Factors`, by the index numbers of `product_ids`, from Parquet.

    `interactions` is a path or URL as of a shop folder: customer_id, product_id, kind, value, at.
    A taste is the square root of the baskets with an item; items of fewer than `least` rows are
    left out. Raises ValueError where nothing is left.
    """
    from pyspark.ml.feature import StringIndexer  # noqa: PLC0415
    from pyspark.ml.recommendation import ALS  # noqa: PLC0415
    from pyspark.sql import functions as f  # noqa: PLC0415

    numbers = spark.createDataFrame(
        list(zip(product_ids, range(len(product_ids)), strict=True)),
        "product_id string, item int",
    )
    baskets = (
        spark.read.parquet(interactions)
        .where("kind = 'purchase' and customer_id is not null and at is not null")
        .where("value > 0 and value < double('infinity')")  # to Spark, NaN is the largest
        .select("customer_id", "product_id", "at")
        .distinct()
        .join(f.broadcast(numbers), "product_id")
    )
    enough = baskets.groupBy("item").count().where(f.col("count") >= least).select("item")
    tastes = (
        baskets.join(enough, "item")
        .groupBy("customer_id", "item")
        .agg(f.sqrt(f.count("at")).cast("float").alias("taste"))
    )
    indexer = StringIndexer(inputCol="customer_id", outputCol="customer").fit(tastes)
    rows = indexer.transform(tastes).withColumn("customer", f.col("customer").cast("int")).cache()
    if rows.isEmpty():
        raise ValueError(f"{interactions!r} holds no product that was bought {least} times")
    als = ALS(
        rank=factors,
        maxIter=epochs,
        regParam=RIDGE,
        alpha=CONFIDENCE,
        implicitPrefs=True,
        userCol="customer",
        itemCol="item",
        ratingCol="taste",
        seed=seed,
        numUserBlocks=spark.sparkContext.defaultParallelism,
        numItemBlocks=spark.sparkContext.defaultParallelism,
    )
    learned = als.fit(rows).itemFactors.orderBy("id").collect()
    return {
        "known": np.array([row["id"] for row in learned], np.int32),
        "items": np.array([row["features"] for row in learned], np.float32),
        "regularisation": np.array(REGULARISATION, np.float32),
    }
