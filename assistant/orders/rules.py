"""The rules of a shop about its orders, as [orders] of its shop.toml states them.

One table for each kind of change; one without a table, or about orders and without states, is
not offered. The windows are the
policy's own numbers, which the help articles quote: order_change_hours, return_days,
refund_business_days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from assistant.errors import BadInput
from assistant.orders.types import CHANGE_KINDS, ORDER_STATUSES, ChangeKind

_REFUND_TO = ("original", "gift_card", "any")
_WITHIN = ("variants", "category")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change: `states` an order may be in, the state it `becomes` ("" stays as it is),
    and the help `article` that says so.

    `reasons`: those a cancellation may have, any where none is named. `once`: the order's items
    change a single time. `within`: new items are variants of the old product, or of its category.
    `same`: an item may become itself again (a faulty one exchanged). `take_out`: items may leave
    the order. `refund_to`: where a refund may go. `except_categories`: whose products it is not
    for.
    """

    states: tuple[str, ...] = ()
    becomes: str = ""
    article: str = ""
    reasons: tuple[str, ...] = ()
    once: bool = False
    within: Literal["variants", "category"] = "variants"
    same: bool = False
    take_out: bool = False
    refund_to: tuple[str, ...] = ("original",)
    except_categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRules:
    """`held_in`: states in which a card is only held for the total and not charged yet."""

    rules: Mapping[ChangeKind, Rule] = field(default_factory=dict)
    held_in: tuple[str, ...] = ()
    change_hours: float | None = None
    return_days: float | None = None
    refund_days: str = ""

    def rule(self, kind: ChangeKind) -> Rule | None:
        return self.rules.get(kind)

    def article(self, kind: ChangeKind) -> str:
        """The help article to cite about this kind of change, "" where none is named."""
        rule = self.rules.get(kind)
        return rule.article if rule else ""


def read_rules(values: Any, policy: Mapping[str, Any], where: str) -> OrderRules:
    """The rules of the table [orders]; raises BadInput naming the file and the first wrong key."""
    if not isinstance(values, Mapping):
        raise BadInput(f"{where!r}: orders is {values!r}; make it a table [orders]")
    rules: dict[ChangeKind, Rule] = {}
    for key, value in values.items():
        if key == "held_in":
            continue
        if key not in CHANGE_KINDS:
            raise BadInput(
                f"{where!r}: unknown key orders.{key}; known are held_in, {', '.join(CHANGE_KINDS)}"
            )
        rules[key] = _rule(value, f"orders.{key}", where)
    return OrderRules(
        rules,
        _states(values.get("held_in", ()), "orders.held_in", where),
        _number(policy, "order_change_hours", where),
        _number(policy, "return_days", where),
        str(policy.get("refund_business_days", "")),
    )


def _rule(values: Any, key: str, where: str) -> Rule:
    if not isinstance(values, Mapping):
        raise BadInput(f"{where!r}: {key} is {values!r}; make it a table [{key}]")
    defaults = {each.name: each.default for each in fields(Rule)}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in defaults:
            raise BadInput(
                f"{where!r}: unknown key {key}.{name}; known are {', '.join(sorted(defaults))}"
            )
        default = defaults[name]
        if isinstance(default, tuple):
            read[name] = _texts(value, f"{key}.{name}", where)
        elif type(value) is type(default):
            read[name] = value
        else:
            kind = "true or false" if isinstance(default, bool) else "a text"
            raise BadInput(f"{where!r}: {key}.{name} is {value!r}; give {kind}")
    states = (*read.get("states", ()), *filter(None, [read.get("becomes", "")]))
    _one_of(states, ORDER_STATUSES, f"{key}.states", where)
    _one_of(read.get("refund_to", ()), _REFUND_TO, f"{key}.refund_to", where)
    _one_of([read.get("within", "variants")], _WITHIN, f"{key}.within", where)
    return Rule(**read)


def _texts(value: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise BadInput(f"{where!r}: {key} is {value!r}; give a list of texts")
    return tuple(value)


def _states(value: Any, key: str, where: str) -> tuple[str, ...]:
    states = _texts(value, key, where)
    _one_of(states, ORDER_STATUSES, key, where)
    return states


def _one_of(values: Any, allowed: tuple[str, ...], key: str, where: str) -> None:
    for each in values:
        if each not in allowed:
            raise BadInput(f"{where!r}: {key} has {each!r}; known are {', '.join(allowed)}")


def _number(policy: Mapping[str, Any], key: str, where: str) -> float | None:
    value = policy.get(key)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{where!r}: policy.{key} is {value!r}; give a number") from None
    if not 0 <= number < float("inf"):
        raise BadInput(f"{where!r}: policy.{key} is {value!r}; give a number from 0 up")
    return number
