"""The shop as it was taken in: products, customers, purchases, orders, help. Read only."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from assistant.errors import NotFound, SetupNeeded
from assistant.orders.types import Address, Customer, Delivery, Payment, PaymentMethod
from assistant.record import decode
from assistant.shop.articles import Article
from assistant.shop.ingest import VERSION
from assistant.shop.schema import SEPARATOR, shop_info
from assistant.types import Order, OrderLine, Product

_MANY = 900
"""Values in one IN list; SQLite takes at least 999."""
_PRODUCT = (
    "product_id, title, description, category, brand, price, stock, image, attributes, variant_of"
)


@dataclass(frozen=True, slots=True)
class Purchase:
    product_id: str
    at: datetime
    quantity: float


@dataclass(frozen=True, slots=True)
class SampleShopper:
    """A customer whom visitors of a demonstration may speak as."""

    customer_id: str
    description_en: str
    description_zh: str


@dataclass(frozen=True, slots=True)
class StockedProduct:
    """A product with what search needs beside it: how often it was bought, and which others are
    the same thing (same title, same brand)."""

    product: Product
    bought: int
    group: str


class Catalogue:
    """Every query about a customer says which. Safe to share between threads.

    Raises SetupNeeded if the database is missing, half-written or of another version.
    """

    def __init__(self, database: Path) -> None:
        if not database.is_file():
            raise SetupNeeded(f"no shop at {str(database)!r}; run `aisle setup` first")
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                f"{database.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            meta = dict(self._rows("SELECT key, value FROM meta"))
        except sqlite3.Error as error:
            raise SetupNeeded(
                f"{str(database)!r} is no shop that can be read ({error}); run `aisle setup` again"
            ) from None
        if meta.get("version") != str(VERSION):
            raise SetupNeeded(
                f"{str(database)!r} was made by another version of Aisle; run `aisle setup` again"
            )
        self.content_hash: str = meta["content_hash"]
        self.info = shop_info(json.loads(meta["shop"]), str(database))
        self.clock = self.info.make_clock()
        self._category_names = self._read_category_names()
        self._folded = frozenset(name.casefold() for name in self._category_names)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    # --- products ---

    def product(self, product_id: str) -> Product | None:
        rows = self._rows(f"SELECT {_PRODUCT} FROM product WHERE product_id = ?", (product_id,))
        return self._product(rows[0]) if rows else None

    def products(self, product_ids: Sequence[str]) -> list[Product]:
        """The products that are sold, in the order asked for."""
        found: dict[str, Product] = {}
        for start in range(0, len(product_ids), _MANY):
            some = product_ids[start : start + _MANY]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_PRODUCT} FROM product WHERE product_id IN ({marks})"
            for row in self._rows(query, some):
                found[row[0]] = self._product(row)
        return [found[each] for each in product_ids if each in found]

    def naming(self, pieces: Sequence[str]) -> list[tuple[str, str]]:
        """Product ids, each with its title and category, that contain one of these pieces."""
        where = " OR ".join("title LIKE ? OR category LIKE ?" for _ in pieces) or "0"
        values = [f"%{piece}%" for piece in pieces for _ in range(2)]
        return self._rows(
            f"SELECT product_id, title || '. ' || category FROM product WHERE {where}", values
        )

    def all_products(self) -> Iterator[StockedProduct]:
        query = f"SELECT {_PRODUCT}, bought FROM product ORDER BY product_id"
        for row in self._rows(query):
            product = self._product(row[:-1])
            yield StockedProduct(product, row[-1], group_of(product))

    def variants(self, product: Product) -> list[Product]:
        """The product and those that differ from it in their options alone."""
        if not product.variant_of:
            return [product]
        query = f"SELECT {_PRODUCT} FROM product WHERE variant_of = ? ORDER BY product_id"
        return [self._product(row) for row in self._rows(query, (product.variant_of,))]

    def category_names(self) -> frozenset[str]:
        """The names of every level of every category."""
        return self._category_names

    def has_category(self, name: str) -> bool:
        """Whether a level of some category has this name, whatever its case."""
        return name.casefold() in self._folded

    def _read_category_names(self) -> frozenset[str]:
        paths = self._rows("SELECT DISTINCT category FROM product")
        return frozenset(name for (path,) in paths for name in path.split(SEPARATOR))

    def _product(self, row: Sequence[Any]) -> Product:
        product_id, title, description, category, brand, price, stock, image = row[:8]
        attributes, variant_of = row[8:]
        known = json.loads(attributes)
        return Product(
            product_id=product_id,
            title=title,
            category=tuple(category.split(SEPARATOR)),
            price=Decimal(price),
            currency=self.info.currency,
            description=description,
            brand=brand,
            size=known.get("size", ""),
            in_stock=stock > 0,
            image=image,
            attributes=known,
            variant_of=variant_of,
        )

    # --- customers ---

    def customer_exists(self, customer_id: str) -> bool:
        return bool(self._rows("SELECT 1 FROM customer WHERE customer_id = ?", (customer_id,)))

    def check_customer(self, customer_id: str) -> None:
        """Raises NotFound for a customer who does not exist."""
        if not self.customer_exists(customer_id):
            raise NotFound(
                f"no customer {customer_id!r} in {self.info.name}; "
                "leave the customer out to speak as a guest"
            )

    def customer_by_email(self, address: str) -> str | None:
        """Whose e-mail address this is in the shop's record; None for nobody's and for several's.

        `address` in lower case.
        """
        rows = self._rows(
            "SELECT customer_id FROM customer WHERE lower(email) = ? LIMIT 2",
            (address,),
        )
        return rows[0][0] if len(rows) == 1 else None

    def customer_ids(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT customer_id FROM customer ORDER BY 1")]

    def profile(self, customer_id: str) -> dict[str, Any]:
        """What the shop's data say of this customer; empty for one that does not exist."""
        rows = self._rows("SELECT profile FROM customer WHERE customer_id = ?", (customer_id,))
        return dict(json.loads(rows[0][0])) if rows else {}

    def customer(self, customer_id: str) -> Customer | None:
        """The account as it was taken in; what changed since is in the order book."""
        rows = self._rows(
            "SELECT name, email, address, payment_methods FROM customer WHERE customer_id = ?",
            (customer_id,),
        )
        for name, email, address, methods in rows:
            return Customer(customer_id, name, email, _address(address), _methods(methods))
        return None

    def sample_shoppers(self) -> list[SampleShopper]:
        return [SampleShopper(*row) for row in self._rows("SELECT * FROM sample ORDER BY rowid")]

    def purchases(
        self, customer_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Purchase]:
        """What this customer bought from `since` up to but not including `until`, oldest first.

        Without `until` up to now: a time after the shop's clock is a mistake.
        """
        rows = self._rows(
            "SELECT product_id, at, value FROM interaction"
            " WHERE customer_id = ? AND kind = 'purchase' AND at >= ? AND at < ? ORDER BY at",
            (customer_id, _stamp(since, -(2**62)), _stamp(until, self._now() + 1)),
        )
        return [Purchase(product_id, _moment(at), value) for product_id, at, value in rows]

    def purchase_counts(self, customer_id: str) -> dict[str, int]:
        """How often this customer bought each product."""
        query = (
            "SELECT product_id, count(*) FROM interaction"
            " WHERE customer_id = ? AND kind = 'purchase' GROUP BY product_id"
        )
        return dict(self._rows(query, (customer_id,)))

    def looked_at(self, customer_id: str, since: datetime, most: int) -> list[str]:
        """Products that this customer viewed, put into a cart or wrote about, the latest first."""
        rows = self._rows(
            "SELECT product_id FROM interaction"
            " WHERE customer_id = ? AND kind IN ('view', 'cart', 'message') AND at BETWEEN ? AND ?"
            " GROUP BY product_id ORDER BY max(at) DESC, product_id LIMIT ?",
            (customer_id, _stamp(since, 0), self._now(), most),
        )
        return [product_id for (product_id,) in rows]

    def orders(
        self,
        customer_id: str,
        *,
        order_id: str | None = None,
        status: str | None = None,
        limit: int | None = 20,
    ) -> list[Order]:
        """This customer's orders as they were taken in, newest first; all without a limit.

        The order book (`assistant.orders.book`) has them as they are now.
        """
        rows = self._rows(
            "SELECT order_id, status, placed_at, deliver_from, delivered_at, address, payment,"
            ' total, details FROM "order"'
            " WHERE customer_id = ? AND (? IS NULL OR order_id = ?) AND (? IS NULL OR status = ?)"
            " ORDER BY placed_at DESC, order_id DESC LIMIT ?",
            (customer_id, order_id, order_id, status, status, -1 if limit is None else limit),
        )
        return [self._order(row) for row in rows]

    def _order(self, row: Sequence[Any]) -> Order:
        order_id, status, placed_at, deliver_from, delivered_at = row[:5]
        address, payment, total, details = row[5:]
        lines = self._rows(
            "SELECT order_line.product_id, coalesce(title, order_line.product_id), quantity,"
            " order_line.price FROM order_line LEFT JOIN product USING (product_id)"
            " WHERE order_id = ? ORDER BY order_line.rowid",
            (order_id,),
        )
        deliver_to = _address(address)
        known = json.loads(details)
        return Order(
            order_id=order_id,
            status=status,
            placed_at=_moment(placed_at),
            lines=tuple(
                OrderLine(product_id, title, round(quantity), Decimal(price))
                for product_id, title, quantity, price in lines
            ),
            total=Decimal(total),
            currency=self.info.currency,
            address=deliver_to.text if deliver_to else address,
            payment=payment,
            deliver_to=deliver_to,
            payments=tuple(
                Payment(each["kind"], Decimal(each["amount"]), each["payment_id"])
                for each in known.get("payments", [])
            ),
            deliver_from=None if deliver_from is None else _moment(deliver_from),
            delivered_at=None if delivered_at is None else _moment(delivered_at),
            deliveries=tuple(decode(Delivery, each) for each in known.get("deliveries", [])),
            cancel_reason=known.get("cancel_reason", ""),
        )

    # --- help ---

    def article(self, article_id: str) -> Article:
        """Raises KeyError for an article that the shop does not have."""
        for each in self._articles("WHERE article_id = ?", (article_id,)):
            return each
        raise KeyError(article_id)

    def articles(self) -> list[Article]:
        return list(self._articles("ORDER BY article_id", ()))

    def _articles(self, which: str, values: Iterable[str]) -> Iterator[Article]:
        query = f"SELECT article_id, title, sentences FROM article {which}"
        for article_id, title, sentences in self._rows(query, tuple(values)):
            yield Article(article_id, title, tuple(json.loads(sentences)))

    # --- what models learn from ---

    def interactions(self) -> pl.DataFrame:
        """customer_id, product_id, kind, value, at (UTC), oldest first; nothing after the shop's
        clock, which would make all that is true look long ago.
        """
        rows = self._rows(
            "SELECT customer_id, product_id, kind, value, at FROM interaction"
            " WHERE at <= ? ORDER BY at",
            (self._now(),),
        )
        schema = {
            "customer_id": pl.String,
            "product_id": pl.String,
            "kind": pl.String,
            "value": pl.Float64,
            "at": pl.Int64,
        }
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        return frame.with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))

    def later_interactions(self) -> int:
        """How many rows lie after the shop's clock, which nothing learns from."""
        query = "SELECT count(*) FROM interaction WHERE at > ?"
        return int(self._rows(query, (self._now(),))[0][0])

    def _now(self) -> int:
        return _stamp(self.clock.now(), 0)

    def product_table(self) -> pl.DataFrame:
        """product_id, category (path from the department down), group, price (a float)."""
        return pl.DataFrame(
            [
                {
                    "product_id": each.product.product_id,
                    "category": list(each.product.category),
                    "group": each.group,
                    "price": float(each.product.price),
                }
                for each in self.all_products()
            ]
        )


def _address(text: str) -> Address | None:
    """An address that is written as an object, None for one that is plain text or none."""
    if not text.startswith("{"):
        return None
    known = json.loads(text)
    return decode(Address, {"address1": ""} | known) if known else None


def _methods(text: str) -> tuple[PaymentMethod, ...]:
    return tuple(
        decode(PaymentMethod, {"payment_id": payment_id, "kind": "other"} | known)
        for payment_id, known in json.loads(text).items()
    )


def group_of(product: Product) -> str:
    """Products under one name from one brand look the same to a shopper: results show one."""
    return f"{product.title}|{product.brand}".casefold()


def _stamp(at: datetime | None, default: int) -> int:
    return default if at is None else int(at.timestamp() * 1_000_000)


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1_000_000, UTC)
