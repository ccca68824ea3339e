"""What a colleague needs to begin: who it is, what they want, what was tried; from the record.

The model words none of it; what it does word is a brief (`assistant.brief`), which is checked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from assistant.errors import BadInput
from assistant.grounding import asks_for_a_person
from assistant.phrases import date, money
from assistant.tools.context import Context
from assistant.tools.handoff import summarise
from assistant.types import Cart, Conversation, Language, Order

_CANNED = Path(__file__).with_name("canned.toml")
_CLOSED = ("delivered", "cancelled")


@dataclass(frozen=True, slots=True)
class Tried:
    """A tool that the assistant ran, in order, and whether it found anything."""

    tool: str
    arguments: Mapping[str, Any]
    ok: bool


@dataclass(frozen=True, slots=True)
class Packet:
    """`verified` is whether the shop knows who this is: signed in, never merely claimed."""

    verified: bool
    customer_id: str | None
    profile: Mapping[str, Any]
    wants: str
    """The shopper's own words: the latest that say more than that they want a person."""
    summary: str
    orders: tuple[Order, ...]
    cart: Cart
    tried: tuple[Tried, ...]
    last_reply: str


@dataclass(frozen=True, slots=True)
class Canned:
    """A ready reply, filled in; `missing` names what the record does not have for it."""

    title: str
    text: str
    missing: tuple[str, ...] = ()


def packet_of(
    context: Context, conversation: Conversation, orders: tuple[Order, ...], language: Language
) -> Packet:
    """`context` is the shopper's, with the conversation's turns and an empty text; `language` is
    the colleague's."""
    said = [turn.text for turn in conversation.turns if turn.kind != "staff" and not turn.answers]
    telling = [text for text in said if not asks_for_a_person(text)]
    answered = [turn for turn in conversation.turns if turn.kind == "answered"]
    customer_id = conversation.shopper.customer_id
    return Packet(
        verified=customer_id is not None,
        customer_id=customer_id,
        profile=context.shop.catalogue.profile(customer_id) if customer_id else {},
        wants=(telling or said or [""])[-1],
        summary=summarise(context, language),
        orders=orders,
        cart=context.cart(),
        tried=tuple(
            Tried(call.action.tool, call.action.arguments, call.ok)
            for turn in answered
            for call in turn.calls
        )[-8:],
        last_reply=answered[-1].reply if answered else "",
    )


def canned_replies(
    path: Path | None,
    language: Language,
    facts: Mapping[str, str],
    *,
    titles: Language | None = None,
) -> list[Canned]:
    """The shop's ready replies, or Aisle's, with facts of this conversation filled in.

    Texts are in `language`, the shopper's; titles in the colleague's, where the file has it.

    Raises BadInput for a file that cannot be read.
    """
    file = path if path is not None and path.is_file() else _CANNED
    try:
        given = tomllib.loads(file.read_text("utf-8"))["reply"]
        title = f"title_{titles or language}"
        texts = [
            (str(each.get(title) or each["title"]), str(each.get(language) or each["en"]))
            for each in given
        ]
        wanted = [{name for _, name, _, _ in Formatter().parse(text) if name} for _, text in texts]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadInput(
            f"{str(file)!r} holds no ready replies ({error}); give each [[reply]] a title and en"
        ) from None
    found = []
    for (title, text), names in zip(texts, wanted, strict=True):
        missing = tuple(sorted(names - facts.keys()))
        found.append(Canned(title, "" if missing else text.format_map(facts), missing))
    return found


def facts_of(context: Context, packet: Packet, colleague: str) -> dict[str, str]:
    """What ready replies may name; an order's facts are of the latest one that is open."""
    info = context.shop.catalogue.info
    facts = {"shop": info.name, "colleague": colleague}
    facts |= {f"policy_{key}": str(value) for key, value in info.policy.items()}
    for key in ("first_name", "name"):
        if packet.profile.get(key):
            facts["customer"] = str(packet.profile[key])
            break
    if packet.orders:
        order = next((o for o in packet.orders if o.status not in _CLOSED), packet.orders[0])
        facts |= {
            "order_id": order.order_id,
            "order_date": date(order.placed_at, context.language),
            "order_total": money(order.total, order.currency),
            "order_status": context.phrase(f"status_{order.status}"),
        }
    if packet.cart.lines:
        facts["cart_total"] = money(packet.cart.total, packet.cart.currency)
    return facts
