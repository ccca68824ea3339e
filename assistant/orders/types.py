"""Values around orders: who pays and how, what a shopper asks for, and what would come of it.

Frozen and made of plain parts, so `assistant.record` keeps them and a page can show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

ChangeKind = Literal[
    "cancel_order",
    "change_order_items",
    "change_order_address",
    "change_order_payment",
    "return_items",
    "exchange_items",
    "change_address",
]
CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
ORDER_STATUSES = (
    "placed",
    "packed",
    "on_its_way",
    "delivered",
    "cancelled",
    "return_requested",
    "exchange_requested",
    # Other shops' words for the same road.
    "pending",
    "items_changed",
    "processed",
)
PaymentKind = Literal["credit_card", "debit_card", "paypal", "gift_card", "invoice", "other"]


@dataclass(frozen=True, slots=True)
class Address:
    address1: str
    address2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""

    @property
    def text(self) -> str:
        """On one line, as an envelope would have it."""
        region = " ".join(part for part in (self.state, self.zip) if part)
        parts = (self.address1, self.address2, self.city, region, self.country)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A way to pay that a customer has. Only a gift card has a balance."""

    payment_id: str
    kind: PaymentKind
    brand: str = ""
    last_four: str = ""
    balance: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """An account, by which the shop knows where to deliver and what may be charged."""

    customer_id: str
    name: str = ""
    email: str = ""
    address: Address | None = None
    payment_methods: tuple[PaymentMethod, ...] = ()

    def method(self, payment_id: str) -> PaymentMethod | None:
        return next((each for each in self.payment_methods if each.payment_id == payment_id), None)


@dataclass(frozen=True, slots=True)
class Payment:
    """An entry of an order's payment history; `amount` is never negative."""

    kind: Literal["payment", "refund"]
    amount: Decimal
    payment_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel: the numbers it travels under and the products in it."""

    tracking_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemChange:
    """`quantity` units of a product of the order; `new_product_id` is what they become.

    Without one they are returned (return_items) or taken out (change_order_items).
    """

    product_id: str
    quantity: int = 1
    new_product_id: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A return or an exchange that was asked for and waits for the goods.

    `amount` is what the shopper gets back, negative where the shopper has to pay.
    """

    kind: Literal["return", "exchange"]
    items: tuple[ItemChange, ...]
    amount: Decimal
    payment_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What a shopper asks for. Each kind reads its own fields and leaves the others empty.

    cancel_order: order_id, reason. change_order_items, exchange_items: order_id, items, payment_id
    (for the difference). return_items: order_id, items, payment_id (for the refund).
    change_order_address: order_id, address. change_order_payment: order_id, payment_id.
    change_address: address. An empty payment_id is the way the order was paid.
    """

    kind: ChangeKind
    order_id: str = ""
    items: tuple[ItemChange, ...] = ()
    address: Address | None = None
    payment_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EffectItem:
    """A product that is touched, at its price in the order, and what it becomes if anything."""

    product_id: str
    title: str
    quantity: int
    price: Decimal
    new_product_id: str = ""
    new_title: str = ""
    new_price: Decimal | None = None


MoveKind = Literal["charge", "refund", "hold", "release"]


@dataclass(frozen=True, slots=True)
class Move:
    """Money that moves. A card may be held when an order is placed and charged later: `hold` is
    the amount that it will be charged, `release` one that it will not be.

    `days` are business days, as the shop's policy words them, for a refund that takes some;
    `after_receipt` means not before the shop has the goods back.
    """

    kind: MoveKind
    amount: Decimal
    method: PaymentMethod
    days: str = ""
    after_receipt: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """Exactly what a change does, for a shopper to say yes or no to.

    `address` is the new one and `address_before` the old. `final` means that the shop's rules
    allow no further change of the order's items afterwards. `article_id` is the help article that
    holds the rule, "" where the shop has none.
    """

    kind: ChangeKind
    currency: str
    order_id: str = ""
    items: tuple[EffectItem, ...] = ()
    moves: tuple[Move, ...] = ()
    total_before: Decimal | None = None
    total_after: Decimal | None = None
    status_before: str = ""
    status_after: str = ""
    address_before: Address | None = None
    address: Address | None = None
    reason: str = ""
    final: bool = False
    article_id: str = ""
