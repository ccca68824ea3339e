"""What a change does, or the rule that forbids it. Pure: values in, values out, no database.

The order's lines and its prices at the time of ordering come from the record, new prices from the
catalogue, never from whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.orders.case import Case
from assistant.orders.purse import Purse, check_refund, methods_of, paid_by, refund_days
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
    purse = Purse(case)
    for payment_id, amount in paid_by(order).items():
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
    purse = Purse(case)
    if difference:
        method = purse.method(case.change.payment_id)
        if difference < 0:
            check_refund(case, method)
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
        raise case.refuse("no_payment", methods=methods_of(case.customer))
    purse = Purse(case)
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
    purse = Purse(case)
    method = purse.method(case.change.payment_id)
    check_refund(case, method)
    return _requested(case, items, -_difference(items), method)


def _exchange(case: Case) -> Outcome:
    items, _ = _swap(case)
    difference = _difference(items)
    method = Purse(case).method(case.change.payment_id)
    if difference < 0:
        check_refund(case, method)
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
        moves = (Move("refund", amount, method, refund_days(case, method), after_receipt=True),)
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
