"""A value of `assistant.types` as plain JSON, and back again without loss.

Decimals and times travel as text, tuples as lists; the type hints of the dataclass say what to
make of them on the way back. A field that the record lacks takes its default and one that the
class lacks is dropped, so adding a field with a default needs no new version.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_FROM_TEXT: Mapping[Any, Callable[[str], Any]] = {
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
}


def encode(value: object) -> Any:
    """JSON of a dataclass or of a part of one.

    Where the hint is `Any` (an action's arguments) only JSON values come back as they were.
    Raises TypeError for a value of any other kind.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if dataclasses.is_dataclass(value):
        return {each.name: encode(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [encode(each) for each in value]
    if isinstance(value, Mapping):
        return {key: encode(each) for key, each in value.items()}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a record cannot hold {value!r}")


def decode(kind: type[T], record: Mapping[str, Any]) -> T:
    """The dataclass `kind` that `encode` made `record` of; raises ValueError or TypeError when
    the record is not one."""
    return typing.cast(T, _decode(kind, record))


def _decode(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        known = {name: _decode(hints[name], each) for name, each in value.items() if name in hints}
        return typing.cast(Any, kind)(**known)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(part for part in parts if part is not type(None))
        return None if value is None else _decode(inner, value)
    if origin is tuple:
        return tuple(_decode(parts[0], each) for each in value)
    if origin is Mapping:
        return {key: _decode(parts[1], each) for key, each in value.items()}
    parse = _FROM_TEXT.get(kind)
    return parse(value) if parse else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
