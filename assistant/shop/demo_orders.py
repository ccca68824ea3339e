"""Orders, ways to pay and addresses for a demonstration whose data has baskets alone.

Everything here is made by rule from the data, the same at every import. Baskets and their times
are the data's own. Of a household's baskets of the last week, by the shop's clock, the newest waits
for its delivery slot, the one before is on its way (with three, one between is packed); all older
ones were delivered. Names, e-mails and addresses are placeholders: nobody lives there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from assistant.orders.types import Address, PaymentMethod
from assistant.record import encode

RECENT_DAYS = 60
"""Baskets this recent become orders: past the return window on one side of it."""
LEAST_ORDERS = 5
"""Of each household, however long ago."""
_WAITING = timedelta(days=7)
_SAME_DAY = timedelta(hours=3)
_SLOTS = (8, 10, 12, 14, 16, 18)
"""Hours at which a delivery slot begins."""
_LATE_EVERY = 5
"""One household in so many waits for a slot that is too near to change anything."""
_STREETS = (
    "Maple Street", "Oak Avenue", "Cedar Lane", "Elm Street", "Birch Road", "Walnut Street",
    "Chestnut Avenue", "Willow Lane", "Mill Road", "Church Street", "Park Avenue", "Lake Drive",
)  # fmt: skip
_BRANDS = ("visa", "mastercard", "discover")


def make_accounts(customer_ids: list[str]) -> pl.DataFrame:
    """customer_id, name, email, address and payment_methods (both JSON)."""
    return pl.DataFrame(
        [
            {
                "customer_id": each,
                "name": f"Household {each}",
                "email": f"household-{each}@example.com",
                "address": json.dumps(encode(_address(each))),
                "payment_methods": json.dumps(
                    {
                        method.payment_id: {
                            "kind": method.kind,
                            "brand": method.brand,
                            "last_four": method.last_four,
                            "balance": encode(method.balance),
                        }
                        for method in _methods(each)
                    }
                ),
            }
            for each in customer_ids
        ]
    )


def make_orders(lines: pl.DataFrame, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders and their lines from customer_id, order_id, product_id, quantity, sales_value, at."""
    baskets = (
        lines.group_by("customer_id", "order_id")
        .agg(pl.col("at").min().alias("placed_at"))
        .sort("placed_at", "order_id", descending=True)
        .with_columns(pl.int_range(pl.len()).over("customer_id").alias("nth"))
        .filter(
            (pl.col("nth") < LEAST_ORDERS)
            | (pl.col("placed_at") > pl.lit(now.astimezone(UTC) - timedelta(days=RECENT_DAYS)))
        )
    )
    order_lines = (
        lines.join(baskets.select("order_id"), on="order_id", how="semi")
        .select(
            "order_id",
            "product_id",
            "quantity",
            # A unit that cost nothing after rounding was still not free.
            (pl.col("sales_value") / pl.col("quantity"))
            .round(2)
            .clip(0.01)
            .map_elements("{:.2f}".format, pl.String)
            .alias("price"),
        )
        .sort("order_id", "product_id")
    )
    cents = (pl.col("price").str.replace(".", "", literal=True).cast(pl.Int64)).mul("quantity")
    totals = order_lines.group_by("order_id").agg(cents.sum().alias("cents"))
    rows = baskets.join(totals, on="order_id").sort("customer_id", "nth")
    orders = pl.DataFrame(list(_orders(rows, now)), infer_schema_length=None)
    return orders.sort("order_id"), order_lines


def _orders(rows: pl.DataFrame, now: datetime) -> Iterator[dict[str, Any]]:
    for _, own in rows.group_by("customer_id", maintain_order=True):
        week = own.filter(pl.col("placed_at") > pl.lit(now.astimezone(UTC) - _WAITING)).height
        for row in own.iter_rows(named=True):
            placed_at = row["placed_at"].astimezone(now.tzinfo)
            status = _status(row["nth"], week)
            deliver_from = _slot(row["order_id"], row["customer_id"], status, placed_at, now)
            total = Decimal(row["cents"]) / 100
            method = _payer(row["order_id"], row["customer_id"], total)
            paid = {"kind": "payment", "amount": f"{total:.2f}", "payment_id": method.payment_id}
            yield {
                "order_id": row["order_id"],
                "customer_id": row["customer_id"],
                "status": status,
                "placed_at": row["placed_at"],
                "deliver_from": deliver_from.astimezone(UTC),
                "delivered_at": _arrival(row["order_id"], deliver_from, now).astimezone(UTC)
                if status == "delivered"
                else None,
                "address": json.dumps(encode(_address(row["customer_id"]))),
                "payment": "",
                "total": f"{total:.2f}",
                "details": json.dumps({"payments": [paid]}),
            }


def _status(nth: int, week: int) -> str:
    """Of the nth newest basket of a household that has `week` baskets of the last week."""
    if nth >= min(week, 3):
        return "delivered"
    if nth == 0:
        return "placed"
    return "packed" if nth == 1 and week >= 3 else "on_its_way"


def _slot(
    order_id: str, customer_id: str, status: str, placed_at: datetime, now: datetime
) -> datetime:
    """When the delivery slot of an order begins."""
    hour = time(_pick(order_id, _SLOTS), tzinfo=now.tzinfo)
    if status == "placed":
        if _number(customer_id) % _LATE_EVERY == _LATE_EVERY - 1:
            return datetime.combine(now, time(now.hour + 2), now.tzinfo)
        days = 1 + zlib.crc32(order_id.encode()) % 2
        return datetime.combine(now + timedelta(days=days), hour)
    if status == "packed":
        return datetime.combine(now, time(now.hour + 3), now.tzinfo)
    if status == "on_its_way":
        return datetime.combine(now, time(now.hour - 1), now.tzinfo)
    same_day = (placed_at + _SAME_DAY).replace(minute=0, second=0, microsecond=0)
    if _SLOTS[0] <= same_day.hour <= _SLOTS[-1]:
        return same_day
    return datetime.combine(placed_at + timedelta(days=1), hour)


def _arrival(order_id: str, deliver_from: datetime, now: datetime) -> datetime:
    """Within the two hours of its slot."""
    arrival = deliver_from + timedelta(minutes=5 + zlib.crc32(order_id.encode()) % 110)
    return min(arrival, now - timedelta(minutes=30))


def _address(customer_id: str) -> Address:
    number = _number(customer_id)
    return Address(
        f"{100 + number * 7 % 900} {_pick(customer_id, _STREETS)}",
        f"Apt {1 + number % 40}" if number % 4 == 0 else "",
        "Springfield",
        "OH",
        f"455{number % 100:02}",
        "USA",
    )


def _methods(customer_id: str) -> tuple[PaymentMethod, ...]:
    """A credit card, and for some a debit card or a gift card."""
    number = zlib.crc32(customer_id.encode())
    card = PaymentMethod(
        f"card_{customer_id}",
        "credit_card",
        _BRANDS[number % len(_BRANDS)],
        f"{number % 10_000:04}",
    )
    others = (
        PaymentMethod(f"debit_{customer_id}", "debit_card", "visa", f"{number // 7 % 10_000:04}"),
        PaymentMethod(
            f"gift_{customer_id}",
            "gift_card",
            balance=Decimal(10 * (1 + number // 11 % 20)),
        ),
    )
    return (card, *others[: _number(customer_id) % 3])


def _payer(order_id: str, customer_id: str, total: Decimal) -> PaymentMethod:
    """Mostly the credit card; at times another one, a gift card only if it could have paid."""
    methods = _methods(customer_id)
    chosen = methods[zlib.crc32(order_id.encode()) % 4 % len(methods)]
    return methods[0] if chosen.balance is not None and chosen.balance < total else chosen


def _number(customer_id: str) -> int:
    return int(customer_id) if customer_id.isdecimal() else zlib.crc32(customer_id.encode())


def _pick(key: str, choices: Any) -> Any:
    return choices[zlib.crc32(key.encode()) % len(choices)]
