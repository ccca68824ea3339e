"""The desk's API for changes of a shopper's own orders: a colleague proposes, the shopper says yes.

Nothing here makes a change. What a yes would do is shown in the shopper's chat, and only the answer
there, `POST /api/v1/conversations/…/changes/…/answer` by the shopper's own cookie, makes it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from assistant.desk.proposals import Options
from assistant.desk.staff import Colleague
from assistant.orders.types import Change, ChangeKind, ItemChange
from assistant.orders.wording import describe, method_label
from assistant.session import Session
from assistant.tools.choosing import read_address
from assistant.types import Language
from assistant.web.live import Live
from assistant.web.texts import text


class Item(BaseModel):
    product_id: str
    quantity: int = 1
    new_product_id: str = ""


class Asked(BaseModel):
    """What is asked for; each kind reads its own fields. `address` is whole, on one line."""

    kind: ChangeKind
    order_id: str = ""
    items: list[Item] = []
    address: str = ""
    payment_id: str = ""
    reason: str = ""

    def change(self) -> Change:
        return Change(
            self.kind,
            self.order_id,
            tuple(ItemChange(**item.model_dump()) for item in self.items),
            read_address(self.address) if self.address.strip() else None,
            self.payment_id,
            self.reason,
        )


class Proposed(Asked):
    """`text` is the colleague's own words before it; `key` makes sending it twice once."""

    text: str = ""
    key: str = ""


def change_routes(session: Session, live: Live, colleague: Any) -> APIRouter:
    """`colleague` is the dependency that says who acts at the desk."""
    routes = APIRouter(prefix="/conversations/{conversation_id}")
    proposals = session.proposals

    @routes.get("/orders")
    def orders(
        conversation_id: str, language: Language = "en", _: Colleague = colleague
    ) -> dict[str, Any]:
        """The shopper's orders with the kinds of change that their state allows, and the account's
        ways to pay. 403 for a shopper whom the shop does not know."""
        return _options(proposals.options(conversation_id), language)

    @routes.get("/orders/{order_id}/replacements")
    def replacements(
        conversation_id: str,
        order_id: str,
        kind: ChangeKind,
        product_id: str,
        q: str = "",
        _: Colleague = colleague,
    ) -> list[dict[str, Any]]:
        """What an item may become: its variants, or what a search of its category finds."""
        found = session.aid.replacements(conversation_id, kind, order_id, product_id, q)
        return [
            {
                "product_id": each.product_id,
                "title": each.title,
                "price": float(each.price),
                "in_stock": each.in_stock,
            }
            for each in found
        ]

    @routes.post("/changes/preview")
    def preview(
        conversation_id: str, body: Asked, language: Language = "en", _: Colleague = colleague
    ) -> dict[str, list[str]]:
        """Exactly what a yes would do, in sentences; 409 with the rule that forbids it."""
        effect = proposals.preview(conversation_id, body.change())
        return {"effect": describe(effect, language)}

    @routes.post("/changes", status_code=201)
    def propose(conversation_id: str, body: Proposed, who: Colleague = colleague) -> dict[str, str]:
        """Show it to the shopper with yes and no, in the place of what waited before. Only for
        the colleague who has the conversation."""
        change = body.change()
        turn = live.say(
            conversation_id,
            lambda: proposals.propose(who, conversation_id, change, body.text, body.key),
        )
        assert turn.proposal is not None
        return {"turn_id": turn.turn_id, "change_id": turn.proposal.change_id}

    @routes.post("/changes/{change_id}/withdraw", status_code=204)
    def withdraw(conversation_id: str, change_id: str, who: Colleague = colleague) -> None:
        """Take back what the shopper has not answered yet; what is done stays done."""
        proposals.withdraw(who, conversation_id, change_id)
        live.tell_state(conversation_id)

    return routes


def _options(options: Options, language: Language) -> dict[str, Any]:
    customer = options.customer
    return {
        "orders": [
            {
                "order_id": each.order.order_id,
                "status": text(language, f"status_{each.order.status}"),
                "kinds": each.kinds,
                "lines": [
                    {
                        "product_id": line.product_id,
                        "title": line.title,
                        "quantity": line.quantity,
                        "price": float(line.price),
                    }
                    for line in each.order.lines
                ],
            }
            for each in options.orders
        ],
        "payment_methods": [
            {"payment_id": each.payment_id, "label": method_label(each, language)}
            for each in customer.payment_methods
        ],
        "address": asdict(customer.address) if customer.address else None,
        "reasons": options.reasons,
        "of_account": options.of_account,
    }
