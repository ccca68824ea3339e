"""Conversations out of the store as a transcript set, personal data replaced.

The same person, address or order gets the same stand-in throughout one export, so a conversation
still makes sense; the table of stand-ins is not kept, so nobody can go back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.errors import StorageError
from assistant.evaluation.formats.aisle import as_record
from assistant.evaluation.transcripts import ExpectedTurn, Recorded, Transcript
from assistant.shop.catalogue import Catalogue
from assistant.store import Store
from assistant.types import Action, Conversation, ToolCall, Turn

_STAND_INS: Mapping[str, Callable[[int], str]] = {
    "email": lambda n: f"person{n}@example.com",
    "card": lambda n: f"0000 0000 0000 {n:04}",
    "phone": lambda n: f"555-01{n:02}",
    "order": lambda n: f"X{100_000 + n}",
    "address": lambda n: f"{n} Example Street",
    "name": lambda n: f"Person {_letters(n)}",
    "place": lambda n: f"Exampletown {_letters(n)}",
    "customer": lambda n: f"customer-{n}",
    "conversation": lambda n: f"conversation-{n}",
}
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("card", re.compile(r"\b\d(?:[ -]?\d){12,18}\b")),
    ("phone", re.compile(r"(?<![\w#])\+?\d{0,3}[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b")),
    ("phone", re.compile(r"(?<!\w)\+\d{9,15}\b|\b1[3-9]\d{9}\b")),
    ("order", re.compile(r"#?\b[A-Z]{1,3}-?\d{3,}\b|#\d{3,}\b|\b\d{7,}\b")),
    (
        "address",
        re.compile(
            r"\b\d{1,5} (?:[A-Z][\w'.]* ){1,4}"
            r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl)"
            r"\b\.?",
            re.IGNORECASE,
        ),
    ),
)
_NAMES_THEMSELVES = (
    re.compile(
        r"(?i:\bmy name is|\bname:|我叫|我是)\s*"
        r"((?:[A-Za-z][\w'’-]+)(?: [A-Z][\w'’-]+){0,2}|[\u4e00-\u9fff]{2,3})"
    ),
    re.compile(r"(?i:\bthis is|\bi am|\bi['’]m)\s+([A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})"),
)
"""What shoppers call themselves; a capital after "I am" may be no name, but it is not missed."""
_PROFILE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"mail", re.IGNORECASE)),
    ("phone", re.compile(r"phone|mobile", re.IGNORECASE)),
    ("address", re.compile(r"address|street", re.IGNORECASE)),
    ("place", re.compile(r"city|zip|postcode|postal", re.IGNORECASE)),
    ("name", re.compile(r"name", re.IGNORECASE)),
)


class StandIns:
    """One export's table: what was replaced, by what. `keep_ids` leaves order numbers alone."""

    def __init__(self, *, keep_ids: bool = False) -> None:
        self._keep_ids = keep_ids
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, kind: str, value: str) -> str:
        """The stand-in of a value; the same for the same value, whatever its case or spaces."""
        key = kind, re.sub(r"[\s()+.#-]", "", value).casefold()
        if key not in self._given:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[key] = _STAND_INS[kind](self._counts[kind])
        return self._given[key]

    def text(self, text: str, known: Iterable[tuple[str, str]] = ()) -> str:
        """`text` with what looks personal, and what is `known` to be, replaced."""
        held: list[str] = []

        def hold(kind: str, value: str) -> str:
            # Held aside, so that no later pattern replaces a stand-in again.
            held.append(self.of(kind, value))
            return f"\0{len(held) - 1}\0"

        for kind, value in sorted(known, key=lambda each: -len(each[1])):
            text = re.sub(
                rf"(?<!\w){re.escape(value)}(?!\w)",
                lambda match, kind=kind: hold(kind, match[0]),  # type: ignore[misc]
                text,
                flags=re.IGNORECASE,
            )
        for kind, pattern in _PATTERNS:
            if kind == "order" and self._keep_ids:
                continue
            text = pattern.sub(lambda match, kind=kind: hold(kind, match[0]), text)  # type: ignore[misc]
        for pattern in _NAMES_THEMSELVES:
            text = pattern.sub(
                lambda match: match[0].replace(match[1], hold("name", match[1])), text
            )
        return re.sub(r"\0(\d+)\0", lambda match: held[int(match[1])], text)


def export_transcripts(
    store: Store,
    catalogue: Catalogue,
    path: Path,
    *,
    since: datetime | None = None,
    keep_ids: bool = False,
) -> int:
    """Write every conversation since then that has a turn; how many there were.

    With `keep_ids` customer ids and order numbers stay as they are, so that the set can be replayed
    against this shop; nobody outside should get it. Raises StorageError where it cannot be written.
    """
    stand_ins = StandIns(keep_ids=keep_ids)
    count = 0
    fresh = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            for conversation in store.conversations(since):
                if any(turn.kind == "answered" for turn in conversation.turns):
                    told = _transcript(conversation, catalogue, stand_ins, keep_ids=keep_ids)
                    file.write(f"{json.dumps(as_record(told), ensure_ascii=False)}\n")
                    count += 1
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}") from None
    return count


def _transcript(
    conversation: Conversation, catalogue: Catalogue, stand_ins: StandIns, *, keep_ids: bool
) -> Transcript:
    customer_id = conversation.shopper.customer_id
    known = [] if customer_id is None else list(_known(catalogue, customer_id))
    shown = customer_id
    if customer_id is not None and not keep_ids:
        shown = stand_ins.of("customer", customer_id)
    return Transcript(
        stand_ins.of("conversation", conversation.conversation_id),
        shown,
        # What a colleague had is no example of the assistant's work.
        tuple(_turn(t, stand_ins, known) for t in conversation.turns if t.kind == "answered"),
    )


def _turn(turn: Turn, stand_ins: StandIns, known: list[tuple[str, str]]) -> ExpectedTurn:
    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return stand_ins.text(value, known)
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in value.items()}
        return value

    calls = tuple(
        ToolCall(Action(call.action.tool, plain(call.action.arguments)), call.ok)
        for call in turn.calls
    )
    cart = None
    if turn.cart is not None:
        cart = {line.product.product_id: line.quantity for line in turn.cart.lines}
    recorded = Recorded(
        plain(turn.reply),
        calls,
        tuple(card.product.product_id for card in turn.products),
        cart,
        turn.handoff is not None,
    )
    return ExpectedTurn(plain(turn.text), {}, recorded)


def _known(catalogue: Catalogue, customer_id: str) -> Iterable[tuple[str, str]]:
    """What the shop's own record says of this person: kind and value."""
    for key, value in _flat(catalogue.profile(customer_id)):
        kind = next((kind for kind, pattern in _PROFILE if pattern.search(key)), None)
        if kind and len(value) > 2:
            yield kind, value
            if kind == "name":
                yield from ((kind, part) for part in value.split() if len(part) > 2)
    for order in catalogue.orders(customer_id):
        if order.address:
            yield "address", order.address


def _flat(value: Any, key: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(each, f"{key}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _flat(each, key)
    elif value is not None:
        yield key, str(value)


def _letters(number: int) -> str:
    """A, B, … Z, AA, AB: a stand-in without a digit."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
