"""Which order, which items, which address is meant: worked out from words and the record.

The model only passes words on. What they point at is found here among the shopper's own orders,
and where they point at nothing or at too much, the shopper is asked with the choices shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.orders.types import Address, ChangeKind, Customer
from assistant.orders.wording import method_label
from assistant.tools.context import Context
from assistant.types import Order, OrderCard, OrderLine, ToolResult

RECENT = 20
"""So many of the latest orders are looked through."""
CHOICES = 5
_NAMED = re.compile(
    r"(?:orders?|订单|pedido|bestellung|commande)\s*(?:number|no\.?|num|id|号|编号|是|为|[:：])*\s*"
    r"(#?[a-z]{0,4}-?\d[\w-]*)|(#[a-z]{0,4}-?\d[\w-]*)",
    re.IGNORECASE,
)
_LATEST = re.compile(
    r"\b(?:last|latest|newest|most recent|recent)\b|最近|最新|上一个|último|letzte", re.IGNORECASE
)
_IT = re.compile(r"\b(?:it|this|that|this order|that order)\b|它|这个|这单|该订单", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:everything|all of (?:it|them)|all (?:the )?items|the whole order|entire order|both)\b"
    r"|全部|所有|整个",
    re.IGNORECASE,
)
_OF_ACCOUNT = re.compile(
    r"\b(?:my|the) (?:home|default|usual|account|profile|saved) address\b|我的地址|默认地址",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_EMPTY = frozenset(
    ["a", "an", "the", "of", "my", "to", "for", "and", "or", "some", "one", "it", "them", "that",
     "this", "these", "those", "item", "items", "please", "with", "in", "from", "order", "oz", "ct"]
)  # fmt: skip


class Asked(Exception):
    """Nothing to act on yet: the result asks the shopper."""

    def __init__(self, result: ToolResult) -> None:
        super().__init__(result.note)
        self.result = result


def order_named(text: str) -> str | None:
    """The order number that a message names: "order B-40811", "订单40811", "#W123"."""
    match = _NAMED.search(text)
    return (match[1] or match[2]) if match else None


def choose_order(
    context: Context, kind: ChangeKind, order_id: str | None, items: Sequence[str] = ()
) -> Order:
    """The order that a change is about.

    A number that the shopper wrote decides. Else it is the one order in sight, or the only one for
    which the change is possible and that holds the items; where there is none, the latest, whose
    rule then says why not. Raises Asked with the choices where it may be several.
    """
    customer_id = _customer_id(context)
    assert context.orders is not None
    orders = context.orders.orders(customer_id, limit=RECENT)
    if not orders:
        raise Asked(ToolResult(False, context.phrase("orders_none"), verbatim=True))
    given = _own_number(context.text, orders) or order_named(context.text) or order_id
    if given:
        wanted = given.strip("#").casefold()
        for order in orders:
            if order.order_id.strip("#").casefold() == wanted:
                return order
        older = context.orders.orders(customer_id, order_id=given, limit=1)
        if older:
            return older[0]
        note = context.phrase("orders_none_such", order_id=given)
        raise Asked(ToolResult(False, note, verbatim=True))
    rule = context.orders.rules.rule(kind)
    possible = [each for each in orders if rule and each.status in rule.states and not each.request]
    if items:
        among = possible or orders
        every = [each for each in among if all(find_lines(each, [item]) for item in items)]
        possible = every or [each for each in among if find_lines(each, items)] or possible
    if _LATEST.search(context.text):
        return (possible or orders)[0]
    in_sight = _in_sight(context, orders)
    if in_sight and (in_sight in possible or _IT.search(context.text)):
        return in_sight
    if len(possible) > 1:
        cards = order_cards(possible[:CHOICES])
        note = context.phrase(
            "orders_which", ids=", ".join(each.order_id for each in possible[:CHOICES])
        )
        raise Asked(ToolResult(False, note, orders=cards, verbatim=True))
    return (possible or orders)[0]


def _own_number(text: str, orders: Sequence[Order]) -> str | None:
    """The shopper's order whose number stands in the text by itself."""
    for order in orders:
        number = re.escape(order.order_id.strip("#"))
        if re.search(rf"(?<![\w-]){number}(?![\w-])", text, re.IGNORECASE):
            return order.order_id
    return None


def _in_sight(context: Context, orders: Sequence[Order]) -> Order | None:
    """The one order that the latest turn with orders or a change spoke of, as it is now."""
    for turn in reversed(context.turns):
        ids = {card.order.order_id for card in turn.orders}
        if turn.proposal and turn.proposal.change.order_id:
            ids = {turn.proposal.change.order_id}
        if ids:
            found = [each for each in orders if each.order_id in ids]
            return found[0] if len(ids) == 1 and found else None
    return None


def order_cards(orders: Iterable[Order]) -> tuple[OrderCard, ...]:
    return tuple(OrderCard(f"O{n}", order) for n, order in enumerate(orders, 1))


def choose_lines(context: Context, order: Order, items: Sequence[str]) -> list[OrderLine]:
    """The order's lines that the words mean; raises Asked where they mean none, or several."""
    only = len(order.lines) == 1 and (
        not items or _IT.search(context.text) or find_lines(order, items)
    )
    if only or _ALL.search(context.text):
        return list(order.lines)
    chosen, _ = named_lines(context.text, order)
    if chosen:
        # The shopper wrote whole names; a small model cuts them into pieces.
        known = set[str]().union(*(words_of(each.title) for each in chosen))
        items = [words for words in items if not words_of(words) <= known]
    elif not items:
        found = find_lines(order, [context.text])
        if len(found) != 1:
            raise Asked(_ask_which(context, order, found or order.lines))
        return found
    for words in items:
        chosen += [each for each in lines_of(context, order, words) if each not in chosen]
    return chosen


def named_lines(text: str, order: Order) -> tuple[list[OrderLine], str]:
    """The order's lines whose whole titles stand in a text, and the text without those."""
    found, rest = titles_in(text, (each.title for each in order.lines))
    titles = set(found)
    return [each for each in order.lines if each.title in titles], rest


def titles_in(text: str, titles: Iterable[str]) -> tuple[list[str], str]:
    """The titles that stand in a text as a whole, in its order, and what else it says. A title
    that is a part of a longer one ("milk", "oat milk") is not read out of that."""
    found: list[tuple[int, str]] = []
    rest = text
    for title in sorted(set(titles), key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(title)}(?!\w)", rest, re.IGNORECASE):
            found.append((match.start(), title))
            rest = rest[: match.start()] + "\0" * len(match[0]) + rest[match.end() :]
    return [title for _, title in sorted(found)], rest.replace("\0", "")


def lines_of(context: Context, order: Order, words: str) -> list[OrderLine]:
    """The order's lines of the one product that the words mean; raises as `choose_lines`."""
    card = context.find(words)
    if card:
        found = [each for each in order.lines if each.product_id == card.product.product_id]
    else:
        found = find_lines(order, [words])
    if not found:
        note = context.phrase("order_lacks", product=words, order_id=order.order_id)
        raise Asked(ToolResult(False, note, orders=order_cards([order]), verbatim=True))
    if len({each.product_id for each in found}) > 1:
        raise Asked(_ask_which(context, order, found))
    return found


def _ask_which(context: Context, order: Order, lines: Sequence[OrderLine]) -> ToolResult:
    titles = "; ".join(each.title for each in lines)
    note = context.phrase("order_which_items", order_id=order.order_id, items=titles)
    return ToolResult(False, note, orders=order_cards([order]), verbatim=True)


def find_lines(order: Order, items: Sequence[str]) -> list[OrderLine]:
    """The lines that hold most of some item's words; those that hold them all, where any does."""
    found: list[OrderLine] = []
    for words in items:
        wanted = words_of(words)
        shares = [len(wanted & words_of(each.title)) for each in order.lines]
        best = max(shares, default=0)
        if best and wanted and (2 * best >= len(wanted) or len(wanted) > 6):
            found += [each for each, n in zip(order.lines, shares, strict=True) if n == best]
    return found


def words_of(text: str) -> set[str]:
    """Its words as they are compared: lower case, without plural endings and empty words."""
    words = (word.casefold() for word in _WORD.findall(text))
    return {re.sub(r"(?:es|s)$", "", word) for word in words if word not in _EMPTY}


def choose_address(context: Context, address: str | None, customer: Customer) -> Address:
    """The address in the shopper's words, or the account's own; raises Asked where there is none.

    How it was understood is shown before anything is done.
    """
    if address:
        return read_address(address)
    if _OF_ACCOUNT.search(context.text) and customer.address:
        return customer.address
    raise Asked(ToolResult(False, context.phrase("address_which"), verbatim=True))


_COUNTRY = re.compile(
    r"U\.?S\.?A?\.?|United States(?: of America)?|Canada|China|UK|中国", re.IGNORECASE
)
_REGION = re.compile(r"(?P<state>[A-Za-z][A-Za-z .]*?)?\s*(?P<zip>\d{4,6}(?:-\d{4})?)?")


def read_address(text: str) -> Address:
    """An address on one line, taken apart: street, more of it, city, state and code, country."""
    parts = [part.strip() for part in re.split(r"[,，;；\n]", text) if part.strip(" .")]
    country = parts.pop().strip(". ") if len(parts) > 2 and _COUNTRY.fullmatch(parts[-1]) else ""
    state = code = ""
    if len(parts) > 1:
        region = _REGION.fullmatch(parts[-1].strip(". "))
        if region and region["zip"]:
            code, state = region["zip"], (region["state"] or "").strip()
            parts.pop()
            # "Springfield 62701": what stands before the code is a city where none stood before.
            if len(parts) < 2 and len(state) > 2:
                parts.append(state)
                state = ""
            elif not state and len(parts) > 2 and re.fullmatch(r"[A-Za-z]{2}", parts[-1]):
                state = parts.pop()
        elif len(parts) > 2 and re.fullmatch(r"[A-Z]{2}", parts[-1]):
            state = parts.pop()
    city = parts.pop().strip(". ") if len(parts) > 1 else ""
    return Address(parts[0] if parts else "", ", ".join(parts[1:]), city, state, code, country)


def choose_payment(context: Context, payment: str | None, customer: Customer) -> str:
    """The id of the customer's own way to pay that the words mean, "" where they name none.

    Raises Asked where they mean several.
    """
    said = f"{context.text} {payment or ''}".casefold()
    found = [
        each
        for each in customer.payment_methods
        if each.payment_id.casefold() in said
        or (each.last_four and each.last_four in said)
        or (each.brand and each.brand.casefold() in said)
        or each.kind.replace("_", " ") in said
        or (each.kind == "paypal" and "paypal" in said)
        or (each.kind == "gift_card" and re.search(r"gift ?card|礼品卡", said))
    ]
    if len(found) > 1:
        exact = [each for each in found if each.last_four and each.last_four in said]
        found = exact or found
    if len(found) == 1:
        return found[0].payment_id
    if found or payment:
        methods = "; ".join(
            method_label(each, context.language) for each in found or customer.payment_methods
        )
        key = "payment_which" if methods else "payment_none"
        raise Asked(ToolResult(False, context.phrase(key, methods=methods), verbatim=True))
    return ""


def _customer_id(context: Context) -> str:
    if context.shopper.customer_id is None:
        raise Asked(ToolResult(False, context.phrase("orders_guest_change"), verbatim=True))
    return context.shopper.customer_id


def speaking_customer(context: Context) -> Customer:
    """The account of whoever is signed in; raises Asked for a guest, whatever they say."""
    customer_id = _customer_id(context)
    assert context.orders is not None
    return context.orders.customer(customer_id)
