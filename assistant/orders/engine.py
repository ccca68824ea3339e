"""What a change does, or the rule that forbids it. Pure: values in, values out, no database.

The order's lines and its prices at the time of ordering come from the record, new prices from the
catalogue, never from whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.orders.refusal import Refusal
from assistant.orders.rules import OrderRules, Rule
from assistant.orders.types import (
    Address,
    Change,
    Customer,
    Effect,
    EffectItem,
    ItemChange,
    Move,
    Payment,
    PaymentMethod,
    Request,
)
from assistant.orders.wording import method_label
from assistant.types import Order, OrderLine, Product

MOST_ITEMS = 100
"""Entries in one request; an order has fewer lines."""
_LONGEST = 100
"""Characters of one part of an address, and of a reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to show, and the state afterwards."""

    effect: Effect
    customer: Customer
    order: Order | None = None


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


def work_out(
    rules: OrderRules,
    customer: Customer,
    order: Order | None,
    change: Change,
    now: datetime,
    product: Callable[[str], Product | None],
    currency: str,
) -> Outcome:
    """The outcome of a customer's change of their own order; raises Refusal, and changes nothing.

    `order` is None where this customer has none of that number, whoever else may.
    """
    rule = rules.rule(change.kind)
    if change.kind == "change_address" and rule is not None:
        return _change_address(rule, customer, change, currency)
    if rule is None or not rule.states:
        raise Refusal(f"not_offered_{change.kind}", rules.article(change.kind))
    if order is None:
        raise Refusal("no_such_order", rule.article, order_id=change.order_id)
    case = Case(rules, rule, customer, order, change, now, product)
    _check_state(case)
    match change.kind:
        case "cancel_order":
            return _cancel(case)
        case "change_order_items":
            return _change_items(case)
        case "change_order_address":
            return _change_order_address(case)
        case "change_order_payment":
            return _change_payment(case)
        case "return_items":
            return _return(case)
        case _:
            return _exchange(case)


# --- when ---


def _check_state(case: Case) -> None:
    kind, order = case.change.kind, case.order
    if order.request:
        raise case.refuse(f"{order.request.kind}_requested")
    if case.rule.once and order.items_changed:
        raise case.refuse("once")
    if order.status not in case.rule.states:
        raise case.refuse(f"state_{kind}", statuses=case.rule.states)
    if kind in ("return_items", "exchange_items"):
        _check_return_window(case)
    elif case.rules.change_hours is not None and order.deliver_from is not None:
        latest = order.deliver_from - timedelta(hours=case.rules.change_hours)
        if case.now > latest:
            raise case.refuse(
                "too_late", hours=case.rules.change_hours, latest=latest.astimezone(case.now.tzinfo)
            )


def _check_return_window(case: Case) -> None:
    days, order = case.rules.return_days, case.order
    if days is None:
        return
    window = timedelta(days=days)
    if order.delivered_at is not None:
        if case.now > order.delivered_at + window:
            raise case.refuse(
                "return_window", days=days, delivered=order.delivered_at.astimezone(case.now.tzinfo)
            )
    elif case.now > order.placed_at + window:
        # Delivered some time after it was placed, and the record does not say when.
        raise case.refuse("delivery_unknown", days=days)


# --- the changes ---


def _cancel(case: Case) -> Outcome:
    order, change = case.order, case.change
    reason = change.reason.strip()[:_LONGEST]
    if case.rule.reasons:
        known = {each.casefold(): each for each in case.rule.reasons}
        if reason.casefold() not in known:
            raise case.refuse("reason", reasons=case.rule.reasons)
        reason = known[reason.casefold()]
    purse = _Purse(case)
    for payment_id, amount in _paid(order).items():
        if amount > 0:
            purse.give_back(amount, purse.method(payment_id))
    status = case.rule.becomes or order.status
    after = replace(
        order, status=status, cancel_reason=reason, payments=(*order.payments, *purse.payments)
    )
    effect = case.effect(
        status, items=_everything(order), moves=purse.moves, reason=reason, final=True
    )
    return Outcome(effect, purse.customer, after)


def _change_items(case: Case) -> Outcome:
    order = case.order
    items, lines = _swap(case)
    if not lines:
        raise case.refuse("would_be_empty")
    difference = _difference(items)
    total = order.total + difference
    purse = _Purse(case)
    if difference:
        method = purse.method(case.change.payment_id)
        if difference < 0:
            _check_refund(case, method)
        purse.settle(difference, method, total)
    status = case.rule.becomes or order.status
    after = replace(
        order,
        status=status,
        lines=lines,
        total=total,
        payments=purse.history,
        items_changed=True,
    )
    effect = case.effect(
        status, items=items, moves=purse.moves, total_after=total, final=case.rule.once
    )
    return Outcome(effect, purse.customer, after)


def _change_order_address(case: Case) -> Outcome:
    address = _address(case.change, case.rule.article)
    if address == case.order.deliver_to:
        raise case.refuse("same_address", address=address.text)
    after = replace(
        case.order,
        deliver_to=address,
        address=address.text,
        status=case.rule.becomes or case.order.status,
    )
    effect = case.effect(after.status, address_before=case.order.deliver_to, address=address)
    return Outcome(effect, case.customer, after)


def _change_payment(case: Case) -> Outcome:
    order = case.order
    if len(order.payments) != 1 or order.payments[0].kind != "payment":
        raise case.refuse("payment_once")
    (paid,) = order.payments
    if not case.change.payment_id:
        raise case.refuse("no_payment", methods=_methods(case.customer))
    purse = _Purse(case)
    method = purse.method(case.change.payment_id)
    if method.payment_id == paid.payment_id:
        raise case.refuse("same_payment", method=method)
    purse.take(paid.amount, method)
    purse.give_back(paid.amount, purse.method(paid.payment_id))
    status = case.rule.becomes or order.status
    after = replace(
        order,
        status=status,
        payments=(*order.payments, *purse.payments),
        payment=method_label(method, "en"),
    )
    return Outcome(case.effect(status, moves=purse.moves), purse.customer, after)


def _return(case: Case) -> Outcome:
    items, _ = _swap(case)
    for item in items:
        product = case.product(item.product_id)
        barred = product and set(product.category) & set(case.rule.except_categories)
        if product and barred:
            category = next(each for each in product.category if each in barred)
            raise case.refuse("not_returnable", title=item.title, category=category)
    purse = _Purse(case)
    method = purse.method(case.change.payment_id)
    _check_refund(case, method)
    return _requested(case, items, -_difference(items), method)


def _exchange(case: Case) -> Outcome:
    items, _ = _swap(case)
    difference = _difference(items)
    method = _Purse(case).method(case.change.payment_id)
    if difference < 0:
        _check_refund(case, method)
    elif method.balance is not None and method.balance < difference:
        raise case.refuse("gift_card_balance", amount=difference, balance=method.balance)
    return _requested(case, items, -difference, method)


def _requested(
    case: Case, items: tuple[EffectItem, ...], amount: Decimal, method: PaymentMethod
) -> Outcome:
    """Goods have to come back first, so no money moves yet."""
    status = case.rule.becomes or case.order.status
    request = Request(
        "return" if case.change.kind == "return_items" else "exchange",
        tuple(ItemChange(each.product_id, each.quantity, each.new_product_id) for each in items),
        amount,
        method.payment_id,
        case.now,
    )
    moves: tuple[Move, ...] = ()
    if amount > 0:
        moves = (Move("refund", amount, method, _days(case, method), after_receipt=True),)
    elif amount < 0:
        moves = (Move("charge", -amount, method, after_receipt=True),)
    effect = case.effect(status, items=items, moves=moves, final=True)
    return Outcome(effect, case.customer, replace(case.order, status=status, request=request))


def _change_address(rule: Rule, customer: Customer, change: Change, currency: str) -> Outcome:
    address = _address(change, rule.article)
    if address == customer.address:
        raise Refusal("same_address", rule.article, address=address.text)
    effect = Effect(
        change.kind,
        currency,
        address_before=customer.address,
        address=address,
        article_id=rule.article,
    )
    return Outcome(effect, replace(customer, address=address))


# --- items ---


def _swap(case: Case) -> tuple[tuple[EffectItem, ...], tuple[OrderLine, ...]]:
    """The items asked for, found in the order's lines, and the lines with them changed."""
    asked, lines = case.change.items, case.order.lines
    if not asked:
        raise case.refuse("no_items")
    if len(asked) > MOST_ITEMS:
        raise case.refuse("too_many_items", most=MOST_ITEMS)
    left = [line.quantity for line in lines]
    become: list[list[OrderLine]] = [[] for _ in lines]
    touched: list[EffectItem] = []
    for item in asked:
        held = sum(each.quantity for each in lines if each.product_id == item.product_id)
        if not held:
            raise case.refuse("not_in_order", product=item.product_id)
        title = next(each.title for each in lines if each.product_id == item.product_id)
        if item.quantity < 1:
            raise case.refuse("quantity", quantity=item.quantity, title=title, held=held)
        new = _new_product(case, item, title)
        need = item.quantity
        for place, line in enumerate(lines):
            here = min(need, left[place]) if line.product_id == item.product_id else 0
            if not here:
                continue
            left[place] -= here
            need -= here
            touched.append(_touched(line, here, new))
            if new:
                become[place].append(OrderLine(new.product_id, new.title, here, new.price))
        if need:
            raise case.refuse("too_many", quantity=item.quantity, title=title, held=held)
    changed: list[OrderLine] = []
    for line, rest, others in zip(lines, left, become, strict=True):
        if rest:
            changed.append(replace(line, quantity=rest))
        changed += others
    return tuple(touched), tuple(changed)


def _touched(line: OrderLine, quantity: int, new: Product | None) -> EffectItem:
    found = EffectItem(line.product_id, line.title, quantity, line.price)
    if new is None:
        return found
    return replace(found, new_product_id=new.product_id, new_title=new.title, new_price=new.price)


def _new_product(case: Case, item: ItemChange, title: str) -> Product | None:
    """What an item becomes, None where it leaves the order; refuses what it may not become."""
    if case.change.kind == "return_items":
        return None
    if not item.new_product_id:
        if case.change.kind == "change_order_items" and case.rule.take_out:
            return None
        raise case.refuse("no_new_item", title=title)
    if item.new_product_id == item.product_id and not case.rule.same:
        raise case.refuse("same_item", title=title)
    # An id with characters that no text has is nobody's, and not every database can look for it.
    new = case.product(item.new_product_id) if item.new_product_id.isprintable() else None
    if new is None:
        raise case.refuse("not_sold", product=item.new_product_id)
    old = case.product(item.product_id)
    if new.product_id != item.product_id and not (old and _may_become(old, new, case.rule)):
        raise case.refuse(f"not_{case.rule.within}", title=title, new_title=new.title)
    if not new.in_stock:
        raise case.refuse("out_of_stock", title=new.title)
    return new


def _may_become(old: Product, new: Product, rule: Rule) -> bool:
    if rule.within == "category":
        return old.category == new.category
    return bool(old.variant_of) and old.variant_of == new.variant_of


def _difference(items: tuple[EffectItem, ...]) -> Decimal:
    """What the items cost more than before; negative where they cost less or leave."""
    return sum(
        (((each.new_price or Decimal(0)) - each.price) * each.quantity for each in items),
        Decimal(0),
    )


def _everything(order: Order) -> tuple[EffectItem, ...]:
    return tuple(_touched(line, line.quantity, None) for line in order.lines)


# --- money ---


class _Purse:
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
                "no_such_payment", payment=payment_id, methods=_methods(self.customer)
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
            self.moves += (Move("refund", amount, method, _days(self._case, method)),)
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


def _paid(order: Order) -> dict[str, Decimal]:
    """What each payment method has paid for the order so far, refunds taken off."""
    if not order.payments:
        return {"": order.total}
    paid: dict[str, Decimal] = {}
    for each in order.payments:
        amount = each.amount if each.kind == "payment" else -each.amount
        paid[each.payment_id] = paid.get(each.payment_id, Decimal(0)) + amount
    return paid


def _check_refund(case: Case, method: PaymentMethod) -> None:
    original = case.order.payments[0].payment_id if case.order.payments else ""
    allowed = case.rule.refund_to
    if "any" in allowed:
        return
    if "original" in allowed and method.payment_id in (original, ""):
        return
    if "gift_card" in allowed and method.kind == "gift_card":
        return
    raise case.refuse("refund_to_gift_card" if "gift_card" in allowed else "refund_to_original")


def _methods(customer: Customer) -> tuple[PaymentMethod, ...]:
    """The ways to pay to name in a refusal; a shop's data may have none."""
    return customer.payment_methods or (PaymentMethod("", "other"),)


def _days(case: Case, method: PaymentMethod) -> str:
    return "" if method.kind == "gift_card" else case.rules.refund_days


# --- addresses ---


def _address(change: Change, article: str) -> Address:
    """The address without stray blanks; refuses one that nothing could be delivered to."""
    if change.address is None:
        raise Refusal("address_missing", article)
    given = change.address
    parts = {
        name: getattr(given, name).strip()
        for name in ("address1", "address2", "city", "state", "zip", "country")
    }
    if not (parts["address1"] and parts["city"]):
        raise Refusal("address_missing", article)
    for value in parts.values():
        if len(value) > _LONGEST or not value.isprintable():
            raise Refusal("address_text", article, most=_LONGEST)
    return Address(**parts)
