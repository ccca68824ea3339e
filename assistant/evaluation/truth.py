"""Whether everything an answer states is so: names, prices, dates, numbers, rules, orders.

The check trusts nobody: cards, citations and orders are compared with the shop's record, code's
own sentences with this turn's results, whoever wrote them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from assistant.orders.wording import describe
from assistant.record import encode
from assistant.shop.catalogue import Catalogue
from assistant.tools.products import unit_prices
from assistant.tools.profile import profile_of
from assistant.types import Product, Turn

Untrue = Literal[
    "ungrounded_name", "ungrounded_price", "ungrounded_date", "ungrounded_order",
    "ungrounded_help", "ungrounded_number",
]  # fmt: skip

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_PRICE = re.compile(
    r"(?:[$€£¥]|\bUS\$)\s*(\d[\d,]*(?:\.\d+)?)"
    r"|(\d[\d,]*(?:\.\d+)?)\s*(?:dollars?|cents?|USD|EUR|euros?|元|美元|块)",
    re.IGNORECASE,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS)
_DATES = (
    re.compile(rf"\b(?P<d>\d{{1,2}})\.? (?P<m>{_MONTH})\b,?(?: (?P<y>\d{{4}}))?", re.IGNORECASE),
    re.compile(rf"\b(?P<m>{_MONTH}) (?P<d>\d{{1,2}})\b,?(?: (?P<y>\d{{4}}))?", re.IGNORECASE),
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(r"(?:(?P<y>\d{4})年)?(?P<m>\d{1,2})月(?P<d>\d{1,2})日"),
)
_ORDER = re.compile(r"#?\b[A-Z]{1,3}-?\d{3,}\b|#\d{3,}\b|\b\d{7,}\b")
_WORD = re.compile(r"\w+")

Day = tuple[int | None, int, int]
"""Year (None where none is said), month, day."""


class Truth:
    """A shop's record, as the check asks it. Thread-safe; reads every title once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._bought: dict[str, frozenset[date]] = {}
        self._names: dict[str, set[tuple[str, ...]]] = {}
        for each in catalogue.all_products():
            name = _words(each.product.title.rsplit(",", 1)[0])
            if len(name) > 1:
                self._names.setdefault(name[0], set()).add(name)

    def untrue(
        self, turn: Turn, customer_id: str | None, said: Sequence[str]
    ) -> list[tuple[Untrue, str]]:
        """What this turn states that is not so, with the words that state it.

        `said` are the shopper's messages so far: what they wrote themselves may be repeated.
        """
        found = [*self._cards(turn), *self._orders(turn, customer_id), *self._help(turn)]
        facts = [*_results(turn), *self._rules_of_orders(turn), *self._profile(turn, customer_id)]
        known = " ".join([*said, turn.text, *facts])
        days = set(_days(known)) | self._days_of(customer_id) | set(_today(turn))
        numbers = _numbers(known, *_derived(turn))
        orders = {each.strip("#") for each in _ORDER.findall(known)}
        orders |= {each.order.order_id.strip("#") for each in turn.orders}
        found += self._pieces(turn)
        for text in _free_text(turn):
            found += [
                ("ungrounded_name", name) for name in self._named(text) if name not in _plain(known)
            ]
            rest = text
            for spoken, day in _dates(text):
                rest = rest.replace(spoken, " ")
                if not _same_day(day, days):
                    found.append(("ungrounded_date", spoken))
            for match in _ORDER.finditer(rest):
                rest = rest.replace(match[0], " ")
                if match[0].strip("#") not in orders and match[0] not in numbers:
                    found.append(("ungrounded_order", match[0]))
            for match in _PRICE.finditer(rest):
                rest = rest.replace(match[0], " ")
                if _bare(match[1] or match[2]) not in numbers:
                    found.append(("ungrounded_price", match[0]))
            found += [
                ("ungrounded_number", each)
                for each in _NUMBER.findall(rest)
                if _bare(each) not in numbers
            ]
        return list(dict.fromkeys(found))

    def _cards(self, turn: Turn) -> Iterator[tuple[Untrue, str]]:
        """Every card shown, against the shop: the product is sold, by this title, at this price."""
        shown = [card.product for card in turn.products]
        shown += [line.product for line in turn.cart.lines] if turn.cart else []
        sold = {each.product_id: each for each in self._catalogue.products(_ids(shown))}
        for product in shown:
            real = sold.get(product.product_id)
            if real is None or real.title != product.title:
                yield "ungrounded_name", product.title
            elif real.price != product.price:
                yield "ungrounded_price", f"{product.title}: {product.price}, not {real.price}"

    def _rules_of_orders(self, turn: Turn) -> Iterator[str]:
        """The numbers and moments by which the shop's rules let an order be changed, or not."""
        rules = self._catalogue.info.order_rules()
        yield f"{rules.change_hours or 0:g} {rules.return_days or 0:g} {rules.refund_days}"
        zone = self._catalogue.clock.now().tzinfo
        for card in turn.orders:
            moments = [card.order.delivered_at, card.order.deliver_from]
            if card.order.deliver_from and rules.change_hours:
                moments.append(card.order.deliver_from - timedelta(hours=rules.change_hours))
            for at in moments:
                yield f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""

    def _profile(self, turn: Turn, customer_id: str | None) -> Iterator[str]:
        """What the purchases say of the shopper, counted anew where the turn told it."""
        if not customer_id or all(call.action.tool != "view_profile" for call in turn.calls):
            return
        profile = profile_of(self._catalogue, customer_id)
        yield json.dumps(asdict(profile), ensure_ascii=False, default=lambda at: f"{at:%Y-%m-%d}")
        if profile.prices:
            yield f"{profile.prices.low:.2f} {profile.prices.high:.2f}"

    def _pieces(self, turn: Turn) -> Iterator[tuple[Untrue, str]]:
        """A piece that points at a result says what that result says."""
        cards = {card.tag: card.product for card in turn.products}
        quotes = {each.tag: each.text for each in turn.citations}
        for piece in turn.pieces:
            if piece.kind == "product":
                card = cards.get(piece.tag)
                if card is None or card.title not in piece.text:
                    yield "ungrounded_name", piece.text
                elif (price := _PRICE.search(piece.text)) and Decimal(
                    _bare(price[1] or price[2])
                ) != card.price:
                    yield "ungrounded_price", piece.text
            elif piece.kind == "change" and not (
                turn.proposal
                and piece.text.splitlines()
                in (describe(turn.proposal.effect, "en"), describe(turn.proposal.effect, "zh"))
            ):
                yield "ungrounded_order", piece.text
            elif piece.kind == "citation" and quotes.get(piece.tag, "\0") not in piece.text:
                yield "ungrounded_help", piece.text

    def _orders(self, turn: Turn, customer_id: str | None) -> Iterator[tuple[Untrue, str]]:
        for each in turn.orders:
            order_id = each.order.order_id
            own = customer_id and self._catalogue.orders(customer_id, order_id=order_id, limit=1)
            if not own:
                yield "ungrounded_order", f"{order_id} is no order of this shopper"

    def _help(self, turn: Turn) -> Iterator[tuple[Untrue, str]]:
        for citation in turn.citations:
            try:
                article = self._catalogue.article(citation.article_id)
            except KeyError:
                yield "ungrounded_help", f"there is no article {citation.article_id!r}"
                continue
            if citation.text not in article.sentences:
                yield "ungrounded_help", citation.text

    def _named(self, text: str) -> Iterator[str]:
        """Names of the shop's products that a text holds, as plain words."""
        words = _words(text)
        for start, word in enumerate(words):
            for name in self._names.get(word, ()):
                if words[start : start + len(name)] == name:
                    yield " ".join(name)

    def _days_of(self, customer_id: str | None) -> set[Day]:
        if customer_id is None:
            return set()
        with self._lock:
            if customer_id not in self._bought:
                self._bought[customer_id] = frozenset(
                    day
                    for each in self._catalogue.purchases(customer_id)
                    for day in self._local(each.at)
                )
            return {(day.year, day.month, day.day) for day in self._bought[customer_id]}

    def _local(self, at: datetime) -> tuple[date, date]:
        zone = self._catalogue.clock.now().tzinfo
        return at.date(), at.astimezone(zone).date()


def _ids(products: Sequence[Product]) -> list[str]:
    return [each.product_id for each in products]


def _results(turn: Turn) -> Iterator[str]:
    """What this turn's tools found, in words."""
    for card in turn.products:
        # A reason's dates are checked against the purchases, so here they prove nothing.
        reason = card.reason
        for spoken, _ in _dates(reason):
            reason = reason.replace(spoken, " ")
        yield f"{card.product.title} {card.product.size} {card.product.price} {reason}"
    for citation in turn.citations:
        yield f"{citation.title} {citation.text}"
    for each in turn.orders:
        order = each.order
        yield f"{order.order_id} {order.total} {order.address} {order.payment}"
        yield f"{order.placed_at:%Y-%m-%d}"
        for line in order.lines:
            yield f"{line.title} {line.quantity} {line.price}"
    for held in turn.cart.lines if turn.cart else ():
        yield f"{held.product.title} {held.quantity} {held.product.price}"
    if turn.proposal:
        yield json.dumps(encode(turn.proposal.effect), ensure_ascii=False)
    for call in turn.calls:
        for value in call.action.arguments.values():
            yield str(value)


def _derived(turn: Turn) -> Iterator[object]:
    """Numbers that code may compute from the results."""
    if turn.cart:
        yield turn.cart.total
        yield sum(line.quantity for line in turn.cart.lines)
    for call in turn.calls:
        for value in call.action.arguments.values():
            if isinstance(value, int | float):
                yield Decimal(str(value)).quantize(Decimal("0.01"))
    if any(call.action.tool == "compare_products" for call in turn.calls):
        for derived in unit_prices([card.product for card in turn.products]):
            if derived:
                yield derived[0]
                yield round(derived[0], 2)


def _free_text(turn: Turn) -> Iterator[str]:
    """All that is stated in words: wording, and the reason that stands with a card."""
    titles = {card.tag: card.product.title for card in turn.products}
    for piece in turn.pieces:
        if piece.kind in ("text", "change"):
            yield piece.text
        elif piece.kind == "product":
            yield piece.text.replace(titles.get(piece.tag, ""), " ")
    for card in turn.products:
        yield card.reason


def _today(turn: Turn) -> Iterator[Day]:
    if turn.at:
        yield turn.at.year, turn.at.month, turn.at.day


def _dates(text: str) -> Iterator[tuple[str, Day]]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            spoken = match["m"]
            month = (
                int(spoken)
                if spoken.isdigit()
                else next(n for n, m in enumerate(_MONTHS, 1) if m.startswith(spoken.lower()[:3]))
            )
            yield match[0], (int(match["y"]) if match["y"] else None, month, int(match["d"]))


def _days(text: str) -> Iterator[Day]:
    return (day for _, day in _dates(text))


def _same_day(day: Day, days: Iterable[Day]) -> bool:
    year, month, number = day
    return any(
        (month, number) == (m, d) and (year is None or y is None or year == y) for y, m, d in days
    )


def _numbers(*values: object) -> set[str]:
    return {_bare(each) for value in values for each in _NUMBER.findall(str(value))}


def _bare(number: str) -> str:
    """One writing for 1,234.50 and 1234.5."""
    plain = number.replace(",", "")
    try:
        return format(Decimal(plain).normalize(), "f")
    except ArithmeticError:
        return plain


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def _plain(text: str) -> str:
    return " ".join(_words(text))
