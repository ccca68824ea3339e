"""What a transcript set is, whatever file it came from: conversations of shopper turns, each with
what is known of the answer (the one that was given, the one that is wanted)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from assistant.errors import BadInput
from assistant.types import ToolCall

EXPECTATIONS: Mapping[str, tuple[type, ...]] = {
    "tools": (list,),
    "arguments": (dict,),
    "products": (list,),
    "help": (list,),
    "handoff": (bool,),
    "must_include": (list,),
    "must_not_include": (list,),
    "cart": (dict,),
    "max_price": (int, float),
    "min_price": (int, float),
    "language": (str,),
    "max_words": (int,),
}
"""What a turn may be judged by, and the JSON type of each."""


class Malformed(BadInput):
    """A record that is no conversation: which field, and what is wrong with it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"field {name!r} {problem}")
        self.field = name


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer that was given when the conversation took place.

    `products` are ids in the order of their tags; `cart` is the cart afterwards, None if unknown.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    products: tuple[str, ...] = ()
    cart: Mapping[str, int] | None = None
    handoff: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedTurn:
    """A shopper's message and what the answer to it must be like; an absent key is not judged."""

    text: str
    expect: Mapping[str, Any] = field(default_factory=dict)
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation. `group` is a label of the source (an intent, a procedure) to report by."""

    transcript_id: str
    customer_id: str | None
    turns: tuple[ExpectedTurn, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held: its conversations, and a sentence for each line that is not one."""

    transcripts: tuple[Transcript, ...]
    problems: tuple[str, ...] = ()


def check_expect(expect: Any) -> dict[str, Any]:
    """`expect` as it may be judged by; raises Malformed naming the key that cannot."""
    if not isinstance(expect, dict):
        raise Malformed("expect", "must be an object")
    for key, value in expect.items():
        if key not in EXPECTATIONS:
            raise Malformed(f"expect.{key}", f"is not one of {', '.join(EXPECTATIONS)}")
        kinds = EXPECTATIONS[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise Malformed(f"expect.{key}", f"is {value!r}, not {kinds[0].__name__}")
    return dict(expect)


def sample(transcripts: Sequence[Transcript], per_group: int, seed: int) -> list[Transcript]:
    """At most `per_group` conversations of each group, drawn by seed.

    One of each group comes before a second of any, so a run that is stopped is stratified too.
    """
    groups: dict[str, list[Transcript]] = {}
    for each in transcripts:
        groups.setdefault(each.group, []).append(each)
    rng = random.Random(seed)
    drawn = [rng.sample(groups[name], min(per_group, len(groups[name]))) for name in sorted(groups)]
    return [each for row in zip_longest(*drawn) for each in row if each is not None]
