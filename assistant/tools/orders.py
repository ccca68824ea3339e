"""The shopper's own orders, read from the record."""

from __future__ import annotations

import re

from assistant.tools.context import Context
from assistant.types import Order, OrderCard, ToolResult

SHOWN = 3


def find_orders(context: Context, order_id: str | None = None) -> ToolResult:
    """Look up the shopper's orders: where they are and what is in them.
    order_id: only if the shopper wrote one.
    """
    customer_id = context.shopper.customer_id
    if customer_id is None:
        return ToolResult(False, context.phrase("orders_guest"), verbatim=True)
    # Without a book nothing was ever changed: what was taken in is the present state.
    book = context.orders or context.shop.catalogue
    orders = book.orders(customer_id, order_id=order_id, limit=SHOWN)
    if not orders and order_id:
        return ToolResult(
            False, context.phrase("orders_none_such", order_id=order_id), verbatim=True
        )
    if not orders:
        return ToolResult(False, context.phrase("orders_none"), verbatim=True)
    cards = tuple(OrderCard(f"O{n}", order) for n, order in enumerate(orders, 1))
    return ToolResult(True, describe(context, orders[0], len(orders)), orders=cards, verbatim=True)


def describe(context: Context, order: Order, count: int) -> str:
    """One sentence of the record: which order, when, how much, where it is."""
    return context.phrase(
        "order_one" if count == 1 else "order_latest",
        order_id=order.order_id,
        placed=context.date(order.placed_at),
        total=context.amount(order.total, order.currency),
        status=context.phrase(f"status_{re.sub(r'[^a-z]+', '_', order.status.lower())}"),
    )
