"""A change of an order with everything that it is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from assistant.orders.refusal import Refusal
from assistant.orders.rules import OrderRules, Rule
from assistant.orders.types import Change, Customer, Effect
from assistant.types import Order, Product


@dataclass(frozen=True, slots=True)
class Case:
    """A change with everything that it is judged by. `product` finds one that is sold."""

    rules: OrderRules
    rule: Rule
    customer: Customer
    order: Order
    change: Change
    now: datetime
    product: Callable[[str], Product | None]

    def refuse(self, rule: str, **values: object) -> Refusal:
        values = {"order_id": self.order.order_id, "status": self.order.status} | values
        return Refusal(rule, self.rule.article, self.order.currency, **values)

    def effect(self, status: str, **parts: object) -> Effect:
        shown: dict[str, object] = {
            "order_id": self.order.order_id,
            "total_before": self.order.total,
            "total_after": self.order.total,
            "status_before": self.order.status,
            "status_after": status,
            "article_id": self.rule.article,
        }
        return Effect(self.change.kind, self.order.currency, **(shown | parts))  # type: ignore[arg-type]
