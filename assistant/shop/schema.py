"""What a shop folder holds: shop.toml, and the columns of its tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assistant.errors import BadInput
from assistant.orders.rules import OrderRules, read_rules
from assistant.orders.types import ORDER_STATUSES
from assistant.shop.clock import Clock

SHOP = "shop.toml"
INTERACTIONS = ("view", "cart", "purchase", "rating", "message")
SEPARATOR = " > "
"""Between the levels of a category."""

ColumnKind = Literal["text", "money", "number", "flag", "time", "json"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that Aisle knows. Without a default a table must have it and no row may lack it."""

    kind: ColumnKind
    default: str | None = None
    allowed: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the folder: its file's stem, its key if rows must be unique, its columns."""

    name: str
    columns: Mapping[str, Column]
    key: str | None = None
    optional: bool = True


TABLES = (
    Table(
        "products",
        {
            "product_id": Column("text"),
            "title": Column("text"),
            "description": Column("text", ""),
            "category": Column("text", "Other"),
            "brand": Column("text", ""),
            "price": Column("money"),
            "stock": Column("number", "1"),
            "image": Column("text", ""),
            "attributes": Column("json", "{}"),
            "variant_of": Column("text", ""),
        },
        key="product_id",
        optional=False,
    ),
    Table(
        "customers",
        {
            "customer_id": Column("text"),
            "name": Column("text", ""),
            "email": Column("text", ""),
            "address": Column("json", "{}"),
            "payment_methods": Column("json", "{}"),
        },
        key="customer_id",
    ),
    Table(
        "interactions",
        {
            "customer_id": Column("text"),
            "product_id": Column("text"),
            "kind": Column("text", None, INTERACTIONS),
            "value": Column("number", "1"),
            "at": Column("time"),
        },
    ),
    Table(
        "orders",
        {
            "order_id": Column("text"),
            "customer_id": Column("text"),
            "status": Column("text", None, ORDER_STATUSES),
            "placed_at": Column("time"),
            "deliver_from": Column("time", ""),
            "delivered_at": Column("time", ""),
            "address": Column("text", ""),
            "payment": Column("text", ""),
            "total": Column("money"),
            "details": Column("json", "{}"),
        },
        key="order_id",
    ),
    Table(
        "order_lines",
        {
            "order_id": Column("text"),
            "product_id": Column("text"),
            "quantity": Column("number", "1"),
            "price": Column("money"),
        },
    ),
)


@dataclass(frozen=True, slots=True)
class ShopInfo:
    """shop.toml. `policy` holds the numbers that the help articles and the tools share, `orders`
    what may be done with an order."""

    name: str
    currency: str
    locale: str = "en_US"
    timezone: str = "UTC"
    clock: datetime | None = None
    tone: str = ""
    policy: Mapping[str, str | int | float] = field(default_factory=dict)
    orders: Mapping[str, Any] = field(default_factory=dict)

    def make_clock(self) -> Clock:
        return Clock(ZoneInfo(self.timezone), self.clock)

    def order_rules(self) -> OrderRules:
        return read_rules(self.orders, self.policy, SHOP)


def read_shop_info(path: Path) -> ShopInfo:
    """The shop of a shop.toml; raises BadInput naming the file and the first key that is wrong."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"{str(path)!r} is not TOML: {error}") from None
    return shop_info(values, str(path))


def shop_info(values: Mapping[str, Any], where: str) -> ShopInfo:
    """The shop of these values, as shop.toml or the catalogue's copy of it says them."""

    def text(key: str, default: str | None = None) -> str:
        value = values.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise BadInput(f"{where!r}: {key} is {value!r}; give it a text")
        return value

    known = {"name", "currency", "locale", "timezone", "clock", "tone", "policy", "orders"}
    for key in values:
        if key not in known:
            raise BadInput(f"{where!r}: unknown key {key!r}; known are {', '.join(sorted(known))}")
    timezone = text("timezone", "UTC")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{where!r}: timezone {timezone!r} is not known") from None
    policy = values.get("policy", {})
    if not isinstance(policy, Mapping):
        raise BadInput(f"{where!r}: policy is {policy!r}; make it a table [policy]")
    for key, value in policy.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadInput(f"{where!r}: policy.{key} is {value!r}; give a number or a text")
    orders = values.get("orders", {})
    read_rules(orders, policy, where)
    return ShopInfo(
        name=text("name"),
        currency=text("currency"),
        locale=text("locale", "en_US"),
        timezone=timezone,
        clock=_clock(values.get("clock"), zone, where),
        tone=text("tone", ""),
        policy=dict(policy),
        orders=dict(orders),
    )


def _clock(value: Any, zone: ZoneInfo, where: str) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise BadInput(f"{where!r}: clock {value!r} is not a time like 2018-01-01T09:00") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)
