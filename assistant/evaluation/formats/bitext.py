"""Bitext's customer-support utterances (2023), made into a routing set: one message each, with the
tools that a shop's assistant may answer its intent with.

Several tools stand where a careful assistant could take either. `handoff` is judged where the
intent leaves no doubt: a person is wanted (true), or the question is plain (false).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.evaluation.transcripts import ExpectedTurn, Malformed, Recorded, Transcript

_HELP = ("search_help",)
_ORDER = ("find_orders",)
_PERSON = ("hand_off",)

INTENTS: Mapping[str, tuple[tuple[str, ...], bool | None]] = {
    "cancel_order": (("cancel_order", *_ORDER, *_PERSON), None),
    "change_order": (("change_order_items", *_ORDER, *_HELP, *_PERSON), None),
    "change_shipping_address": (
        ("change_order_address", "change_address", *_HELP, *_PERSON), None,
    ),
    "check_cancellation_fee": (_HELP, False),
    "check_invoice": (_ORDER + _HELP, False),
    "check_payment_methods": (_HELP, False),
    "check_refund_policy": (_HELP, False),
    "complaint": (_PERSON, True),
    "contact_customer_service": (_HELP + _PERSON, None),
    "contact_human_agent": (_PERSON, True),
    "create_account": (_HELP, False),
    "delete_account": (_HELP + _PERSON, None),
    "delivery_options": (_HELP, False),
    "delivery_period": (_HELP + _ORDER, False),
    "edit_account": ((*_HELP, "change_address"), False),
    "get_invoice": (_ORDER + _HELP, False),
    "get_refund": (("return_items", *_HELP, *_ORDER, *_PERSON), None),
    "newsletter_subscription": (("reply", *_HELP), False),
    "payment_issue": (_HELP + _PERSON, None),
    "place_order": (
        ("search_products", "recommend_products", "add_to_cart", "view_cart", *_HELP), False,
    ),
    "recover_password": (_HELP, False),
    "registration_problems": (_HELP + _PERSON, None),
    "review": (("reply", *_HELP, *_PERSON), None),
    "set_up_shipping_address": (("change_address", *_HELP), False),
    "switch_account": (_HELP, False),
    "track_order": (_ORDER, False),
    "track_refund": (_ORDER + _HELP + _PERSON, None),
}  # fmt: skip


def fits(record: Mapping[str, Any]) -> bool:
    return "instruction" in record and "intent" in record


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    intent, text = record.get("intent"), record.get("instruction")
    if not isinstance(intent, str) or intent not in INTENTS:
        raise Malformed("intent", f"is {intent!r}, not one of the {len(INTENTS)} known")
    if not isinstance(text, str) or not text.strip():
        raise Malformed("instruction", f"is {text!r}, not a text")
    tools, handoff = INTENTS[intent]
    expect: dict[str, Any] = {"tools": list(tools)}
    if handoff is not None:
        expect["handoff"] = handoff
    recorded = Recorded(str(record.get("response", "")))
    turn = ExpectedTurn(text, expect, recorded)
    return Transcript(str(record.get("id", where)), None, (turn,), intent)
