"""Gold actions of tau2-bench's retail tasks, made by Aisle's order book, and the state they leave.

The actions are the benchmark's tools by name with their arguments; the state is written in the
form of its db.json. docs/orders.md has the table of names, and where the two differ.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from assistant.database import Database, customer_records, order_records
from assistant.errors import BadInput
from assistant.orders.book import OrderBook
from assistant.orders.refusal import Refusal
from assistant.orders.types import Address, Change, ChangeKind, ItemChange, PaymentMethod
from assistant.shop.catalogue import Catalogue
from assistant.shop.tau2 import STATUSES
from assistant.types import Order, Product

ACTIONS: Mapping[str, ChangeKind] = {
    "cancel_pending_order": "cancel_order",
    "modify_pending_order_items": "change_order_items",
    "modify_pending_order_address": "change_order_address",
    "modify_pending_order_payment": "change_order_payment",
    "return_delivered_order_items": "return_items",
    "exchange_delivered_order_items": "exchange_items",
    "modify_user_address": "change_address",
}
"""The benchmark's writes and ours. Its other tools read, calculate or hand over."""
_UPSTREAM = {ours: theirs for theirs, ours in STATUSES.items()}


@dataclass(frozen=True, slots=True)
class Task:
    task_id: str
    actions: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """An action that a rule forbade, and the rule."""

    action: str
    order_id: str
    rule: str
    sentence: str


def read_tasks(path: Path) -> list[Task]:
    """Tasks of tau2-bench or tau-bench, one a line, .gz or not; raises BadInput."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error}") from None
    tasks = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            criteria = row.get("evaluation_criteria") or row
            actions = tuple((each["name"], each["arguments"]) for each in criteria["actions"])
            tasks.append(Task(str(row["id"]), actions))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{str(path)!r}, line {number}: {error!r}; each line needs an id and actions with "
                "name and arguments"
            ) from None
    return tasks


def change_of(name: str, arguments: Mapping[str, Any]) -> Change | None:
    """The change that a write of the benchmark asks for, None for a tool that writes nothing."""
    kind = ACTIONS.get(name)
    if kind is None:
        return None
    old = arguments.get("item_ids", [])
    new = arguments.get("new_item_ids", [""] * len(old))
    if len(old) != len(new):
        raise BadInput(f"{name}: {len(old)} items and {len(new)} new ones; name one for each")
    address = None
    if "address1" in arguments:
        parts = ("address1", "address2", "city", "state", "zip", "country")
        address = Address(**{each: str(arguments[each]) for each in parts})
    return Change(
        kind,
        arguments.get("order_id", ""),
        tuple(ItemChange(a, 1, b) for a, b in zip(old, new, strict=True)),
        address,
        arguments.get("payment_method_id", ""),
        arguments.get("reason", ""),
    )


class Replayer:
    """Applies tasks to a shop folder that was imported and ingested, each to a fresh copy."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        profiles = pl.read_parquet(folder / "customers.parquet")
        if "first_name" not in profiles.columns:
            raise BadInput(f"{str(folder)!r} was not imported with `aisle import tau2-retail`")
        self._profiles = {row["customer_id"]: row for row in profiles.iter_rows(named=True)}
        owners = pl.read_parquet(folder / "orders.parquet", columns=["order_id", "customer_id"])
        self._owners = dict(owners.iter_rows())
        self._products = {
            each.product.product_id: each.product for each in catalogue.all_products()
        }
        self._database = Database.open("sqlite://")
        self._book = OrderBook(catalogue, self._database)
        users, orders = self._accounts(self._profiles)
        self.untouched: dict[str, Any] = {
            "products": self._shelf(),
            "users": users,
            "orders": orders,
        }

    def close(self) -> None:
        self._database.close()

    def replay(self, task: Task, *, as_tau2: bool = False) -> tuple[dict[str, Any], list[Refused]]:
        """The final state in the form of db.json, and the actions that were refused.

        `as_tau2` writes modified items as tau2-bench's own tool leaves them: all with the price
        and the options of the last one, and a difference that was summed in binary.
        """
        with self._database.write() as connection:
            connection.execute(order_records.delete())
            connection.execute(customer_records.delete())
        refused = []
        touched: set[str] = set()
        modified: list[Change] = []
        for name, arguments in task.actions:
            change = change_of(name, arguments)
            if change is None:
                continue
            owner = arguments.get("user_id") or self._owners.get(change.order_id, "")
            touched.add(owner)
            try:
                # As a shopper would: shown first, then made as shown or not at all.
                effect = self._book.preview(owner, change)
                with self._database.write() as connection:
                    self._book.apply(connection, owner, change, effect)
                if change.kind == "change_order_items":
                    modified.append(change)
            except Refusal as refusal:
                refused.append(Refused(name, change.order_id, refusal.rule, str(refusal)))
        users, orders = self._accounts(each for each in touched if each in self._profiles)
        for change in modified if as_tau2 else ():
            self._slip(orders[change.order_id], change)
        state = {
            "products": self.untouched["products"],
            "users": self.untouched["users"] | users,
            "orders": self.untouched["orders"] | orders,
        }
        return state, refused

    def _accounts(self, customer_ids: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        users: dict[str, Any] = {}
        orders: dict[str, Any] = {}
        for customer_id in customer_ids:
            profile = self._profiles[customer_id]
            customer = self._book.customer(customer_id)
            users[customer_id] = {
                "user_id": customer_id,
                "name": {"first_name": profile["first_name"], "last_name": profile["last_name"]},
                "address": _address(customer.address),
                "email": customer.email,
                "payment_methods": {
                    each.payment_id: _method(each) for each in customer.payment_methods
                },
                "orders": json.loads(profile["orders"]),
            }
            for order in self._book.orders(customer_id, limit=None):
                orders[order.order_id] = self._order(customer_id, order)
        return users, orders

    def _slip(self, order: dict[str, Any], change: Change) -> None:
        before = self.untouched["orders"][change.order_id]["items"]
        paid = {each["item_id"]: each["price"] for each in before}
        difference = 0.0
        for each in change.items:
            difference += float(self._products[each.new_product_id].price) - paid[each.product_id]
        # No change comes after this one, so its entry is the last.
        order["payment_history"][-1]["amount"] = abs(difference)
        last = _variant(self._products[change.items[-1].new_product_id])
        for old, new in zip(before, order["items"], strict=True):
            if old["item_id"] != new["item_id"]:
                new.update(price=last["price"], options=last["options"])

    def _order(self, customer_id: str, order: Order) -> dict[str, Any]:
        state: dict[str, Any] = {
            "order_id": order.order_id,
            "user_id": customer_id,
            "address": _address(order.deliver_to),
            "items": [
                {
                    "name": self._products[line.product_id].category[-1],
                    "product_id": self._products[line.product_id].variant_of,
                    "item_id": line.product_id,
                    "price": float(line.price),
                    "options": dict(self._products[line.product_id].attributes),
                }
                for line in order.lines
                for _ in range(line.quantity)
            ],
            "status": _UPSTREAM[order.status],
            "fulfillments": [
                {"tracking_id": list(each.tracking_ids), "item_ids": list(each.product_ids)}
                for each in order.deliveries
            ],
            "payment_history": [
                {
                    "transaction_type": each.kind,
                    "amount": float(each.amount),
                    "payment_method_id": each.payment_id,
                }
                for each in order.payments
            ],
        }
        if order.cancel_reason:
            state["cancel_reason"] = order.cancel_reason
        return state | dict(_request(order))

    def _shelf(self) -> dict[str, Any]:
        shelf: dict[str, Any] = {}
        for product in self._products.values():
            group = shelf.setdefault(
                product.variant_of,
                {
                    "name": product.category[-1],
                    "product_id": product.variant_of,
                    "variants": {},
                },
            )
            group["variants"][product.product_id] = _variant(product)
        return shelf


def _variant(product: Product) -> dict[str, Any]:
    return {
        "item_id": product.product_id,
        "options": dict(product.attributes),
        "available": product.in_stock,
        "price": float(product.price),
    }


def _address(address: Address | None) -> dict[str, str]:
    given = address or Address("")
    return {
        "address1": given.address1,
        "address2": given.address2,
        "city": given.city,
        "country": given.country,
        "state": given.state,
        "zip": given.zip,
    }


def _method(method: PaymentMethod) -> dict[str, Any]:
    known: dict[str, Any] = {"source": method.kind, "id": method.payment_id}
    if method.kind == "gift_card":
        known["balance"] = float(method.balance or Decimal(0))
    elif method.last_four:
        known |= {"brand": method.brand, "last_four": method.last_four}
    return known


def _request(order: Order) -> Iterator[tuple[str, Any]]:
    request = order.request
    if request is None:
        return
    old = Counter({each.product_id: 0 for each in request.items})
    new = Counter({each.new_product_id: 0 for each in request.items})
    for each in request.items:
        old[each.product_id] += each.quantity
        new[each.new_product_id] += each.quantity
    if request.kind == "return":
        yield "return_items", sorted(old.elements())
        yield "return_payment_method_id", request.payment_id
        return
    yield "exchange_items", sorted(old.elements())
    yield "exchange_new_items", sorted(new.elements())
    yield "exchange_payment_method_id", request.payment_id
    yield "exchange_price_difference", float(0 - request.amount)
