"""The data report of `aisle ingest`: one HTML page that opens offline, with plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from html import escape
from importlib import resources
from pathlib import Path

import polars as pl

from assistant.evaluation.charts import bars, histogram
from assistant.evaluation.runs import write_text
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import Report
from recommender.quality import Quality

_SHOWN = 15
_DAY = 86_400


def write_data_report(report: Report, catalogue: Catalogue, path: Path) -> None:
    """Raises StorageError where the file cannot be written."""
    write_text(data_report(report, catalogue), path)


def data_report(report: Report, catalogue: Catalogue) -> str:
    """The page of a shop that was just taken in."""
    interactions, products = catalogue.interactions(), _products(catalogue)
    quality = Quality.of(interactions, products)
    style = resources.files("assistant.evaluation").joinpath("report.css").read_text("utf-8")
    sections = [
        f"<p class=lead>{escape(report.summary().splitlines()[0])}</p>",
        _rejected(report),
        _cleaning(quality, catalogue.later_interactions()),
        _missing(products),
        _product_features(products, catalogue.info.currency),
        _interaction_features(interactions, catalogue),
        _split(quality),
    ]
    title = f"Data of {report.shop}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{''.join(sections)}</main></body></html>"
    )


def _products(catalogue: Catalogue) -> pl.DataFrame:
    schema = {
        "product_id": pl.String, "department": pl.String, "brand": pl.String, "size": pl.String,
        "description": pl.String, "image": pl.String, "price": pl.Float64, "in_stock": pl.Boolean,
        "bought": pl.Int64,
    }  # fmt: skip
    rows = [
        (p.product_id, p.category[0], p.brand, p.size, p.description, p.image, float(p.price),
         p.in_stock, each.bought)
        for each in catalogue.all_products()
        for p in (each.product,)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _rejected(report: Report) -> str:
    """How many rows were set aside, and for what: the same reason with other values is one."""
    if not report.rejected_folder:
        return "<h2>Set aside</h2><p>No row was set aside.</p>"
    rows: list[Sequence[object]] = []
    for table in report.rejected:
        frame = pl.read_csv(
            Path(report.rejected_folder) / f"{table}.csv", columns=["reason"], infer_schema=False
        )
        reasons = (
            frame.with_columns(pl.col("reason").str.replace_all(r"'[^']*'", "…"))
            .group_by("reason")
            .len()
            .sort("len", "reason", descending=[True, False])
        )
        rows += [(table, f"{count:,}", reason) for reason, count in reasons.head(5).iter_rows()]
    where = escape(report.rejected_folder)
    return (
        f"<h2>Set aside</h2>{_table(('table', 'rows', 'reason'), rows)}<p>Every row is in {where}."
    )


def _cleaning(quality: Quality, later: int) -> str:
    """What the recommender makes of the interactions; `later` lie after the shop's clock."""
    unusable = {"a time after the shop's clock": later, **quality.unusable}
    rows: list[Sequence[object]] = [("interactions", f"{quality.rows + later:,}", "")]
    rows += [(f"– {why}", f"{count:,}", "left out") for why, count in unusable.items() if count]
    rows += [
        ("– same customer, product, kind and time", f"{quality.repeated:,}", "made one"),
        *((f"used: {kind}", f"{count:,}", "") for kind, count in quality.used.items()),
        ("customers", f"{quality.customers:,}", ""),
        ("products that anyone touched", f"{quality.products:,}", ""),
        (
            f"outliers: purchases of more than {quality.bulk_above:g} at once",
            f"{quality.bulk:,}",
            "kept; a basket counts once, whatever the quantity",
        ),
        (
            f"outliers: customers of more than {quality.heavy_above:g} baskets",
            f"{quality.heavy:,}",
            "kept; older baskets fade",
        ),
    ]
    return f"<h2>Interactions, cleaned</h2>{_table(('', 'count', ''), rows)}"


def _missing(products: pl.DataFrame) -> str:
    """Empty fields of products; none is filled in."""
    named = ("brand", "size", "description", "image")
    empty = {name: int((products[name] == "").sum()) for name in named}
    empty["never bought"] = int((products["bought"] == 0).sum())
    empty["price is 0"] = int((products["price"] == 0).sum())
    empty["out of stock"] = int((~products["in_stock"]).sum())
    counted = {name: count for name, count in empty.items() if count}
    plot = bars(counted, products.height, "Missing values of products") if counted else ""
    return (
        f"<h2>Missing values of {products.height:,} products</h2>"
        f"{plot or '<p>No field is empty.</p>'}"
    )


def _product_features(products: pl.DataFrame, currency: str) -> str:
    departments = products.group_by("department").len().sort("len", descending=True).head(_SHOWN)
    prices = products["price"]
    marks = {
        name: float(prices.quantile(share) or 0)
        for name, share in (("lower", 0.25), ("middle", 0.5), ("upper", 0.75))
    }
    plot = bars(dict(departments.iter_rows()), products.height, "Products by department")
    return (
        f"<h2>Products by department</h2>{plot}"
        f"<h2>Prices and their quartiles, the bands of a price</h2>"
        f"{histogram(prices.to_list(), marks, currency)}"
    )


def _interaction_features(interactions: pl.DataFrame, catalogue: Catalogue) -> str:
    if not interactions.height:
        return "<h2>Interactions</h2><p>There are none: suggestions will be general.</p>"
    parts = []
    months = interactions.group_by(pl.col("at").dt.strftime("%Y-%m")).len().sort("at").tail(24)
    by_month = dict(months.iter_rows())
    parts.append("<h2>Interactions by month, at most the last 24</h2>")
    parts.append(bars(by_month, interactions.height, "Interactions by month"))
    now = catalogue.clock.now().astimezone(UTC)
    last = interactions.group_by("customer_id").agg(pl.col("at").max())
    days = [(now - at).total_seconds() / _DAY for at in last["at"]]
    middle = sorted(days)[len(days) // 2]
    parts.append("<h2>Recency: days since each customer's last interaction</h2>")
    parts.append(histogram(days, {"middle": middle}, "days"))
    ratings = interactions.filter(pl.col("kind") == "rating")
    if ratings.height:
        counts = ratings.group_by("value").len().sort("value")
        named = {f"{value:g}": count for value, count in counts.iter_rows()}
        parts.append(f"<h2>Ratings</h2>{bars(named, ratings.height, 'Ratings')}")
    return "".join(parts)


def _split(quality: Quality) -> str:
    rows = [
        (each.name, f"{each.customers:,}", f"{each.rows:,}", f"{each.past:,}")
        for each in quality.splits
    ]
    head = ("split", "customers asked about", "products held out", "purchases to learn from")
    return (
        "<h2>The split of evaluation</h2><p>Test is the last basket of customers of five or more, "
        "validation the one before; products of ten purchases or more take part "
        f"({quality.well_known:,}).</p>{_table(head, rows)}"
    )


def _table(head: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<div class=scroll><table><tr>{heads}</tr>{lines}</table></div>"
