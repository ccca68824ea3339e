"""The order book: orders and accounts as they are now, over those that the shop handed over.

What a shopper changes is kept in the conversation database, one row for each changed order and
each changed account; the shop's own database is never written. Every query says whose.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from assistant.database import Database, customer_records, order_records
from assistant.errors import StorageError
from assistant.orders.engine import Outcome, work_out
from assistant.orders.refusal import Refusal
from assistant.orders.types import Address, Change, Customer, Effect
from assistant.orders.wording import method_label
from assistant.record import decode, encode
from assistant.shop.catalogue import Catalogue
from assistant.types import Order

_RECORD_VERSION = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, with the state before and after it for the audit log.

    The orders are None where the change was to the account alone.
    """

    effect: Effect
    customer_before: Customer
    customer: Customer
    order_before: Order | None = None
    order: Order | None = None


class OrderBook:
    """Serves any number of threads. Methods raise StorageError when the database cannot do it."""

    def __init__(self, catalogue: Catalogue, database: Database) -> None:
        self._catalogue = catalogue
        self._database = database
        self.rules = catalogue.info.order_rules()

    def customer(self, customer_id: str) -> Customer:
        """The account with its address and gift-card balances as they are now."""
        with self._database.read() as connection:
            return self._customer(connection, customer_id)

    def orders(
        self,
        customer_id: str,
        *,
        order_id: str | None = None,
        status: str | None = None,
        limit: int | None = 20,
    ) -> list[Order]:
        """This customer's orders as they are now, newest first; all without a limit."""
        with self._database.read() as connection:
            return self._orders(connection, customer_id, order_id, status, limit)

    def preview(self, customer_id: str, change: Change) -> Effect:
        """Exactly what `apply` would do now; raises Refusal. Writes nothing."""
        with self._database.read() as connection:
            return self._work_out(connection, customer_id, change)[0].effect

    def apply(
        self,
        connection: sa.Connection,
        customer_id: str,
        change: Change,
        expected: Effect | None = None,
    ) -> Applied:
        """Make the change in the caller's transaction (`Database.write`), and say what was done.

        With `expected`, the effect that the shopper said yes to, nothing else is done: raises
        Refusal (rule `changed_since`) where the effect is another one by now. Raises Refusal as
        `preview` does. Once it has raised, nothing is written.
        """
        _lock(connection, customer_id)
        outcome, customer, order = self._work_out(connection, customer_id, change)
        if expected is not None and outcome.effect != expected:
            raise Refusal("changed_since", outcome.effect.article_id)
        if outcome.customer != customer:
            self._keep_customer(connection, outcome.customer)
        if outcome.order is not None:
            self._keep_order(connection, customer_id, outcome.order)
        return Applied(outcome.effect, customer, outcome.customer, order, outcome.order)

    def _work_out(
        self, connection: sa.Connection, customer_id: str, change: Change
    ) -> tuple[Outcome, Customer, Order | None]:
        customer = self._customer(connection, customer_id)
        found = (
            self._orders(connection, customer_id, change.order_id, None, 1)
            if change.order_id and change.order_id.isprintable()
            else []
        )
        order = found[0] if found else None
        outcome = work_out(
            self.rules,
            customer,
            order,
            change,
            self._catalogue.clock.now(),
            self._catalogue.product,
            self._catalogue.info.currency,
        )
        return outcome, customer, order

    # --- what is kept ---

    def _customer(self, connection: sa.Connection, customer_id: str) -> Customer:
        taken_in = self._catalogue.customer(customer_id) or Customer(customer_id)
        query = sa.select(customer_records.c.content).where(
            customer_records.c.customer_id == customer_id
        )
        known = _read(connection.scalar(query), customer_id)
        balances = known.get("balances", {})
        return replace(
            taken_in,
            address=decode(Address, known["address"]) if "address" in known else taken_in.address,
            payment_methods=tuple(
                replace(each, balance=Decimal(balances[each.payment_id]))
                if each.payment_id in balances
                else each
                for each in taken_in.payment_methods
            ),
        )

    def _keep_customer(self, connection: sa.Connection, customer: Customer) -> None:
        """Only what shoppers can change: the shop may add payment methods at any time."""
        content: dict[str, Any] = {
            "balances": {
                each.payment_id: str(each.balance)
                for each in customer.payment_methods
                if each.balance is not None
            }
        }
        if customer.address is not None:
            content["address"] = encode(customer.address)
        connection.execute(
            customer_records.update()
            .where(customer_records.c.customer_id == customer.customer_id)
            .values(content=_written(content), updated_at=datetime.now(UTC))
        )

    def _orders(
        self,
        connection: sa.Connection,
        customer_id: str,
        order_id: str | None,
        status: str | None,
        limit: int | None,
    ) -> list[Order]:
        query = sa.select(order_records.c.order_id, order_records.c.content).where(
            order_records.c.customer_id == customer_id
        )
        changed = {row.order_id: row.content for row in connection.execute(query)}
        taken_in = self._catalogue.orders(
            customer_id,
            order_id=order_id,
            # An order may have left the state that it was taken in with, or have come to it.
            status=None if changed else status,
            limit=None if changed and status else limit,
        )
        now = [
            decode(Order, _read(changed[each.order_id], customer_id)["order"])
            if each.order_id in changed
            else self._labelled(each, customer_id)
            for each in taken_in
        ]
        return [each for each in now if status in (None, each.status)][:limit]

    def _labelled(self, order: Order, customer_id: str) -> Order:
        """With the way it was paid in words, where the shop only gave the method's id."""
        if order.payment or not order.payments:
            return order
        customer = self._catalogue.customer(customer_id)
        method = customer and customer.method(order.payments[0].payment_id)
        return replace(order, payment=method_label(method, "en")) if method else order

    def _keep_order(self, connection: sa.Connection, customer_id: str, order: Order) -> None:
        values = {
            "content": _written({"order": encode(order)}),
            "updated_at": datetime.now(UTC),
        }
        line = _insert(connection, order_records).values(
            customer_id=customer_id, order_id=order.order_id, **values
        )
        keys = [order_records.c.customer_id, order_records.c.order_id]
        connection.execute(line.on_conflict_do_update(index_elements=keys, set_=values))


def _lock(connection: sa.Connection, customer_id: str) -> None:
    """Let no one else change this customer's orders until the transaction ends."""
    row = _insert(connection, customer_records).values(
        customer_id=customer_id, content=_written({}), updated_at=datetime.now(UTC)
    )
    connection.execute(row.on_conflict_do_nothing())
    query = sa.select(customer_records.c.customer_id).where(
        customer_records.c.customer_id == customer_id
    )
    connection.execute(query.with_for_update())


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


def _written(content: dict[str, Any]) -> str:
    return json.dumps({"version": _RECORD_VERSION} | content)


def _read(content: str | None, customer_id: str) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        record: dict[str, Any] = json.loads(content)
        if record["version"] != _RECORD_VERSION:
            raise ValueError(f"version {record['version']!r}")
    except (LookupError, TypeError, ValueError) as error:
        raise StorageError(
            f"the orders of customer {customer_id!r} cannot be read ({error}); "
            "run the version of Aisle that wrote them, or restore the database"
        ) from error
    return record
