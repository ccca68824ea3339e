"""The money of a change: what is charged, held, given back, and to which of the customer's ways."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from assistant.orders.case import Case
from assistant.orders.types import Customer, Move, Payment, PaymentMethod
from assistant.types import Order


class Purse:
    """Collects the payments of one change, what they do to gift cards, and how to show them."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._history = case.order.payments
        self.customer = case.customer
        self.payments: tuple[Payment, ...] = ()
        self.moves: tuple[Move, ...] = ()

    @property
    def history(self) -> tuple[Payment, ...]:
        return (*self._history, *self.payments)

    def method(self, payment_id: str) -> PaymentMethod:
        """A method of this customer's; "" is the way the order was paid."""
        original = self._case.order.payments[0].payment_id if self._case.order.payments else ""
        wanted = payment_id or original
        found = self.customer.method(wanted)
        if found is None and payment_id and payment_id != original:
            raise self._case.refuse(
                "no_such_payment", payment=payment_id, methods=methods_of(self.customer)
            )
        # The shop's data may name no method, or one that the customer has taken off the account.
        return found or PaymentMethod(wanted, "other")

    def take(self, amount: Decimal, method: PaymentMethod) -> None:
        if method.balance is not None and method.balance < amount:
            raise self._case.refuse("gift_card_balance", amount=amount, balance=method.balance)
        self.payments += (Payment("payment", amount, method.payment_id),)
        self.moves += (Move("hold" if self._holds(method) else "charge", amount, method),)
        self._add(method, -amount)

    def give_back(self, amount: Decimal, method: PaymentMethod) -> None:
        self.payments += (Payment("refund", amount, method.payment_id),)
        if self._holds(method):
            self.moves += (Move("release", amount, method),)
        else:
            self.moves += (Move("refund", amount, method, refund_days(self._case, method)),)
        self._add(method, amount)

    def settle(self, difference: Decimal, method: PaymentMethod, total: Decimal) -> None:
        """Pay or give back a difference. A card that is only held is held for the new total."""
        only = self._history[0] if len(self._history) == 1 else None
        if only and only.payment_id == method.payment_id and self._holds(method):
            self._history = (replace(only, amount=only.amount + difference),)
            self.moves += (Move("hold", total, method),)
        elif difference > 0:
            self.take(difference, method)
        else:
            self.give_back(-difference, method)

    def _holds(self, method: PaymentMethod) -> bool:
        return method.kind != "gift_card" and self._case.order.status in self._case.rules.held_in

    def _add(self, method: PaymentMethod, amount: Decimal) -> None:
        if method.balance is None:
            return
        methods = tuple(
            replace(each, balance=method.balance + amount)
            if each.payment_id == method.payment_id
            else each
            for each in self.customer.payment_methods
        )
        self.customer = replace(self.customer, payment_methods=methods)


def paid_by(order: Order) -> dict[str, Decimal]:
    """What each payment method has paid for the order so far, refunds taken off."""
    if not order.payments:
        return {"": order.total}
    paid: dict[str, Decimal] = {}
    for each in order.payments:
        amount = each.amount if each.kind == "payment" else -each.amount
        paid[each.payment_id] = paid.get(each.payment_id, Decimal(0)) + amount
    return paid


def check_refund(case: Case, method: PaymentMethod) -> None:
    """Raises Refusal where the rule allows no refund to this way to pay."""
    original = case.order.payments[0].payment_id if case.order.payments else ""
    allowed = case.rule.refund_to
    if "any" in allowed:
        return
    if "original" in allowed and method.payment_id in (original, ""):
        return
    if "gift_card" in allowed and method.kind == "gift_card":
        return
    raise case.refuse("refund_to_gift_card" if "gift_card" in allowed else "refund_to_original")


def methods_of(customer: Customer) -> tuple[PaymentMethod, ...]:
    """The ways to pay to name in a refusal; a shop's data may have none."""
    return customer.payment_methods or (PaymentMethod("", "other"),)


def refund_days(case: Case, method: PaymentMethod) -> str:
    """The business days that a refund takes, as the policy words them; a gift card takes none."""
    return "" if method.kind == "gift_card" else case.rules.refund_days
