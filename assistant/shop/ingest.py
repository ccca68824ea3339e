"""`aisle ingest`: a shop folder into the catalogue's database, in one step or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assistant.errors import BadInput, StorageError
from assistant.orders.rules import OrderRules
from assistant.progress import Progress
from assistant.shop.articles import read_articles
from assistant.shop.samples import choose_samples
from assistant.shop.schema import SEPARATOR, SHOP, TABLES, read_shop_info
from assistant.shop.tables import EXTRA, read_table

VERSION = 2
"""Of the database's layout: another one is made anew."""
REJECTED = "rejected"
_BATCH = 50_000
_LABEL = "Taking the shop in"
_LAYOUT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE product (
    product_id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL,
    category TEXT NOT NULL, brand TEXT NOT NULL, price TEXT NOT NULL, stock REAL NOT NULL,
    image TEXT NOT NULL, attributes TEXT NOT NULL, variant_of TEXT NOT NULL,
    bought INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE customer (
    customer_id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, address TEXT NOT NULL,
    payment_methods TEXT NOT NULL, profile TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE interaction (
    customer_id TEXT NOT NULL, product_id TEXT NOT NULL, kind TEXT NOT NULL,
    value REAL NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE "order" (
    order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, status TEXT NOT NULL,
    placed_at INTEGER NOT NULL, deliver_from INTEGER, delivered_at INTEGER,
    address TEXT NOT NULL, payment TEXT NOT NULL, total TEXT NOT NULL, details TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE order_line (
    order_id TEXT NOT NULL, product_id TEXT NOT NULL, quantity REAL NOT NULL, price TEXT NOT NULL
);
CREATE TABLE article (
    article_id TEXT PRIMARY KEY, title TEXT NOT NULL, sentences TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE sample (
    customer_id TEXT PRIMARY KEY, description_en TEXT NOT NULL, description_zh TEXT NOT NULL
);
"""
_INDEXES = """
CREATE INDEX interaction_customer ON interaction (customer_id, at);
CREATE INDEX customer_email ON customer (lower(email));
CREATE INDEX order_customer ON "order" (customer_id, placed_at);
CREATE INDEX order_line_order ON order_line (order_id);
CREATE INDEX product_variant ON product (variant_of) WHERE variant_of != '';
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an ingest: rows kept and set aside by table, and where the bad ones are."""

    shop: str
    kept: dict[str, int]
    rejected: dict[str, int]
    articles: int
    rejected_folder: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> str:
        kept = ", ".join(f"{count:,} {name}" for name, count in self.kept.items())
        lines = [f"{self.shop}: {kept}, {self.articles} help articles."]
        lines += [f"{count:,} rows of {name} set aside" for name, count in self.rejected.items()]
        if self.rejected_folder:
            lines.append(f"The reasons are in {self.rejected_folder}.")
        return "\n".join(lines)


def ingest(folder: Path, database: Path, progress: Progress) -> Report:
    """Check the folder and make the database of it; the old one stays until the new is whole.

    Rows that cannot be used go to `rejected/` in the folder with their reason. Ingesting the same
    folder twice gives the same shop. Raises BadInput for a file that cannot be used, StorageError
    where the disk does not hold the result.
    """
    if not (folder / SHOP).is_file():
        raise BadInput(f"{str(folder)!r} holds no {SHOP}; is it a shop folder?")
    info = read_shop_info(folder / SHOP)
    articles = read_articles(folder / "help", info)
    _check_cited(folder, info.order_rules(), {each.article_id for each in articles})
    tables: dict[str, pl.DataFrame] = {}
    rejected: dict[str, pl.DataFrame] = {}
    total = len(TABLES) + 5
    for done, table in enumerate(TABLES, 1):
        read = read_table(folder, table)
        if read:
            tables[table.name], rejected[table.name] = read.rows, read.rejected
        progress(_LABEL, done, total)
    _drop_strays(tables, rejected)
    if not tables["products"].height:
        aside = _set_aside(folder / REJECTED, rejected)
        why = f"the reasons are in {aside}" if aside else "products is empty; list what you sell"
        raise BadInput(f"{str(folder)!r} has no product that can be sold: {why}")
    partial = database.with_name(database.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        connection = sqlite3.connect(partial)
        try:
            # A database that was cut off is thrown away, so the journal would protect nothing.
            connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
            connection.executescript(_LAYOUT)
            _fill(connection, tables)
            progress(_LABEL, total - 3, total)
            connection.executemany(
                "INSERT INTO article VALUES (?, ?, ?)",
                [(a.article_id, a.title, json.dumps(a.sentences)) for a in articles],
            )
            connection.executemany("INSERT INTO sample VALUES (?, ?, ?)", choose_samples(tables))
            connection.executescript(_INDEXES)
            progress(_LABEL, total - 2, total)
            meta = {
                "version": str(VERSION),
                "content_hash": _content_hash(folder),
                "shop": json.dumps(asdict(info), default=str),
            }
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            connection.execute("ANALYZE")
            connection.commit()
        finally:
            connection.close()
        aside = _set_aside(folder / REJECTED, rejected)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(database)
    except (OSError, sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"{str(database)!r} cannot be written ({error}); free some space and run it again"
        ) from None
    progress(_LABEL, total, total)
    return Report(
        info.name,
        {name: frame.height for name, frame in tables.items()},
        {name: frame.height for name, frame in rejected.items() if frame.height},
        len(articles),
        aside,
    )


def _check_cited(folder: Path, rules: OrderRules, articles: set[str]) -> None:
    """A refusal cites the article of its rule, so the article must be there."""
    for kind, rule in rules.rules.items():
        if rule.article and rule.article not in articles:
            raise BadInput(
                f"{str(folder / SHOP)!r}: orders.{kind}.article is {rule.article!r}, "
                f"and there is no help/{rule.article}.md"
            )


def _drop_strays(tables: dict[str, pl.DataFrame], rejected: dict[str, pl.DataFrame]) -> None:
    """Set aside rows that point at nothing. Order lines of products no longer sold are history."""
    for name, column, target in (
        ("interactions", "product_id", "products"),
        ("order_lines", "order_id", "orders"),
    ):
        if name not in tables:
            continue
        known = tables[target].select(column) if target in tables else None
        rows = tables[name]
        strays = rows.join(known, on=column, how="anti") if known is not None else rows
        if strays.height:
            tables[name] = rows.join(strays.select(column).unique(), on=column, how="anti")
            reason = pl.format(f"{column} '{{}}' is not in {target}", pl.col(column))
            rejected[name] = pl.concat(
                [rejected[name], strays.drop(EXTRA).select(reason.alias("reason"), pl.all())],
                how="diagonal_relaxed",
            )


def _fill(connection: sqlite3.Connection, tables: dict[str, pl.DataFrame]) -> None:
    bought = _bought(tables.get("interactions"))
    products = tables["products"].join(bought, on="product_id", how="left")
    _insert(
        connection,
        "product",
        products.with_columns(
            pl.struct("attributes", EXTRA).map_elements(_attributes, pl.String).alias("attributes"),
            pl.col("bought").fill_null(0),
            _path(pl.col("category")),
        ),
        ("product_id", "title", "description", "category", "brand", "price", "stock", "image",
         "attributes", "variant_of", "bought"),
    )  # fmt: skip
    columns = ("customer_id", "name", "email", "address", "payment_methods", EXTRA)
    _insert(connection, "customer", _customers(tables), columns)
    if "interactions" in tables:
        _insert(
            connection,
            "interaction",
            tables["interactions"].with_columns(pl.col("at").cast(pl.Int64)),
            ("customer_id", "product_id", "kind", "value", "at"),
        )
    if "orders" in tables:
        _insert(
            connection,
            '"order"',
            tables["orders"].with_columns(
                pl.col("placed_at", "deliver_from", "delivered_at").cast(pl.Int64)
            ),
            (
                "order_id",
                "customer_id",
                "status",
                "placed_at",
                "deliver_from",
                "delivered_at",
                "address",
                "payment",
                "total",
                "details",
            ),
        )
    if "order_lines" in tables:
        lines = ("order_id", "product_id", "quantity", "price")
        _insert(connection, "order_line", tables["order_lines"], lines)


def _insert(
    connection: sqlite3.Connection, table: str, frame: pl.DataFrame, columns: Sequence[str]
) -> None:
    marks = ", ".join("?" for _ in columns)
    rows: Iterable[Any] = frame.select(columns).iter_rows(buffer_size=_BATCH)
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _bought(interactions: pl.DataFrame | None) -> pl.DataFrame:
    if interactions is None:
        return pl.DataFrame(schema={"product_id": pl.String, "bought": pl.UInt32})
    purchases = interactions.filter(pl.col("kind") == "purchase")
    return purchases.group_by("product_id").agg(pl.len().alias("bought"))


def _customers(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Whoever the folder names: a customer without a profile row is a customer too."""
    empty = {"name": "", "email": "", "address": "{}", "payment_methods": "{}", EXTRA: "{}"}
    schema = dict.fromkeys(("customer_id", *empty), pl.String)
    profiles = tables.get("customers", pl.DataFrame(schema=schema)).select("customer_id", *empty)
    known = [tables[name] for name in ("interactions", "orders") if name in tables]
    everyone = pl.concat([each.select("customer_id") for each in (profiles, *known)]).unique()
    return (
        everyone.join(profiles, on="customer_id", how="left")
        .with_columns(pl.col(name).fill_null(value) for name, value in empty.items())
        .sort("customer_id")
    )


def _attributes(row: dict[str, str]) -> str:
    """The attributes column and the columns that Aisle does not know, as one object of texts."""
    try:
        given = json.loads(row["attributes"])
    except ValueError:
        given = {}
    merged = {**json.loads(row[EXTRA]), **given}
    return json.dumps({key: str(value) for key, value in merged.items() if value not in (None, "")})


def _path(category: pl.Expr) -> pl.Expr:
    return category.str.split(">").list.eval(pl.element().str.strip_chars()).list.join(SEPARATOR)


def _set_aside(folder: Path, rejected: dict[str, pl.DataFrame]) -> str | None:
    shutil.rmtree(folder, ignore_errors=True)
    kept = {name: frame for name, frame in rejected.items() if frame.height}
    if not kept:
        return None
    folder.mkdir()
    for name, frame in kept.items():
        frame.write_csv(folder / f"{name}.csv")
    return str(folder)


def _content_hash(folder: Path) -> str:
    digest = hashlib.sha256(str(VERSION).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and REJECTED not in path.relative_to(folder).parts:
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
