"""Changes, effects and refusals as sentences: every value from a record, none from a model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from assistant.orders.types import Effect, EffectItem, Move, PaymentMethod
from assistant.phrases import date, money, phrase
from assistant.types import Language

_LONGEST = 60


def describe(effect: Effect, language: Language) -> list[str]:
    """An effect in sentences, for a shopper to say yes or no to: what, how much, how, when."""
    return list(_sentences(effect, language))


def method_label(method: PaymentMethod, language: Language) -> str:
    """`Visa ending in 9212`, `a gift card`; never more of a number than its last four digits."""
    if method.last_four:
        brand = method.brand.title() or phrase(language, f"method_{method.kind}")
        return phrase(language, "method_card", brand=brand, last_four=method.last_four)
    return phrase(language, f"method_{method.kind}")


def spoken(language: Language, key: str, currency: str = "", **values: Any) -> str:
    """The phrase for `key` with money, dates, states and methods put into words."""
    return phrase(
        language,
        key,
        **{name: _said(name, value, currency, language) for name, value in values.items()},
    )


def _said(name: str, value: Any, currency: str, language: Language) -> str:
    if name == "status":
        return phrase(language, f"status_{value}")
    if name == "statuses":
        return phrase(language, "or").join(phrase(language, f"status_{each}") for each in value)
    if isinstance(value, Decimal):
        return money(value, currency)
    if isinstance(value, datetime):
        return f"{date(value, language)} {value:%H:%M}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, PaymentMethod):
        return method_label(value, language)
    if isinstance(value, tuple):
        return phrase(language, "or").join(_said("", each, currency, language) for each in value)
    # What a shopper wrote may be of any length.
    return str(value)[:_LONGEST] if name in ("order_id", "product", "payment") else str(value)


def _sentences(effect: Effect, language: Language) -> Iterator[str]:
    def say(key: str, **values: Any) -> str:
        return spoken(language, key, effect.currency, **values)

    yield say(f"effect_{effect.kind}", order_id=effect.order_id, reason=effect.reason)
    if effect.address:
        yield say("effect_address", address=effect.address.text)
        if effect.address_before:
            yield say("effect_address_before", address=effect.address_before.text)
    for item in effect.items:
        yield _item(effect, item, language)
    for move in effect.moves:
        yield _move(effect, move, language)
    if effect.kind == "change_order_items" and effect.total_after is not None:
        yield say("effect_total", total=effect.total_after)
    if effect.kind == "change_order_items" and effect.final:
        yield say("effect_final")


def _item(effect: Effect, item: EffectItem, language: Language) -> str:
    key = "effect_item"
    if item.new_product_id:
        key = "effect_item_becomes"
    elif effect.kind == "change_order_items":
        key = "effect_item_taken_out"
    return spoken(
        language,
        key,
        effect.currency,
        quantity=item.quantity,
        title=item.title,
        price=item.price,
        new_title=item.new_title,
        new_price=item.new_price if item.new_price is not None else Decimal(0),
    )


def _move(effect: Effect, move: Move, language: Language) -> str:
    sentence = spoken(
        language,
        f"move_{move.kind}" + ("_after_receipt" if move.after_receipt else ""),
        effect.currency,
        amount=move.amount,
        method=move.method,
    )
    if move.kind != "refund":
        return sentence
    if move.days:
        return sentence + phrase(language, "move_days", days=move.days)
    if move.method.kind == "gift_card" and not move.after_receipt:
        return sentence + phrase(language, "move_at_once")
    return sentence
