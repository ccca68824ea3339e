"""Values that cross between the parts of the conversation.

Everything here is frozen and carries no storage detail: the same `Turn` is what the
browser draws, what the API answers, what the store keeps and what evaluation judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from assistant.orders.types import Address, Change, Delivery, Effect, Payment, Request

Language = Literal["en", "zh"]
"""Languages that the interface and code-made sentences are written in."""

ConversationState = Literal["with_assistant", "waiting", "with_staff", "resolved"]
TurnKind = Literal["answered", "message", "staff"]
"""A message that the assistant answers, a shopper's to a colleague, or a colleague's."""
TurnStatus = Literal["running", "finished", "stopped", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who is speaking, as the server knows it; never as the text claims it.

    `key` owns conversations and carts: `customer:<id>` once signed in, else `guest:<random>`.
    """

    key: str
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the shop sells it; `category` is the path from the department down."""

    product_id: str
    title: str
    category: tuple[str, ...]
    price: Decimal
    currency: str
    description: str = ""
    brand: str = ""
    size: str = ""
    in_stock: bool = True
    image: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    variant_of: str = ""
    """What products that differ in their options alone have in common; "" has no variants."""


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product shown to the shopper under a tag (`P1`) that is unique in its conversation."""

    tag: str
    product: Product
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """One sentence of a help article: `tag` is `H1.2`, the second sentence of the first article."""

    tag: str
    article_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    product_id: str
    title: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """`address` and `payment` are worded for a reader; the fields after them are what the rules
    of orders read. `deliver_from` is when the delivery slot begins."""

    order_id: str
    status: str
    placed_at: datetime
    lines: tuple[OrderLine, ...]
    total: Decimal
    currency: str
    address: str = ""
    payment: str = ""
    deliver_to: Address | None = None
    payments: tuple[Payment, ...] = ()
    deliver_from: datetime | None = None
    delivered_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    items_changed: bool = False
    cancel_reason: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order shown to the shopper under a tag (`O1`)."""

    tag: str
    order: Order


@dataclass(frozen=True, slots=True)
class CartLine:
    product: Product
    quantity: int


@dataclass(frozen=True, slots=True)
class Cart:
    lines: tuple[CartLine, ...] = ()
    currency: str = ""

    @property
    def total(self) -> Decimal:
        return sum((line.product.price * line.quantity for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Handoff:
    """A conversation given to a colleague: why, and what they need to know to begin."""

    reason: str
    summary: str


ProposalState = Literal[
    "proposed", "done", "declined", "replaced", "withdrawn", "refused", "expired"
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change shown as its exact effect, that is made once if the shopper says yes in time.

    `change_id` is its idempotency key. Of the states, `replaced` means that another change was
    asked for in its place, `withdrawn` that the colleague who proposed it took it back, `refused`
    that a rule forbade it by the time of the yes. `by` is that colleague's name, "" for the
    assistant.
    """

    change_id: str
    change: Change
    effect: Effect
    state: ProposalState = "proposed"
    expires_at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What the model decided: a tool of the registry with its arguments, or `reply`."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An action that ran, or was refused by the argument check (`ok` false, `problem` says why)."""

    action: Action
    ok: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found. `note` is its own true sentence, in the shopper's language.

    The note is shown whenever the model's wording cannot be: it must stand alone.
    `ok` is false when there is nothing to show for it (no match, not signed in).
    """

    ok: bool
    note: str
    products: tuple[ProductCard, ...] = ()
    citations: tuple[Citation, ...] = ()
    orders: tuple[OrderCard, ...] = ()
    cart: Cart | None = None
    handoff: Handoff | None = None
    proposal: Proposal | None = None
    verbatim: bool = False
    """The note is the answer: code words it and the model adds nothing."""


PieceKind = Literal["text", "product", "citation", "order", "cart", "change"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply. `text` is wording; the other kinds point at a tag of this turn's results
    and `text` is what a reader without pictures gets in its place."""

    kind: PieceKind
    text: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds from the shopper's message to each milestone; None when it was not reached."""

    first_event: float | None = None
    first_card: float | None = None
    first_text: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message and all that came of it.

    A colleague's (`kind` "staff") is in `text`, under the name in `author`, with its cards; a
    change that they propose is its one piece. The shopper's answer to that is a "message", and what
    came of it are its pieces.
    """

    turn_id: str
    text: str
    status: TurnStatus = "running"
    pieces: tuple[Piece, ...] = ()
    products: tuple[ProductCard, ...] = ()
    citations: tuple[Citation, ...] = ()
    orders: tuple[OrderCard, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    cart: Cart | None = None
    handoff: Handoff | None = None
    proposal: Proposal | None = None
    answers: str = ""
    """The `change_id` of the proposal that this message says yes or no to."""
    model: str = ""
    seconds: Seconds = Seconds()
    rating: int = 0
    at: datetime | None = None
    kind: TurnKind = "answered"
    author: str = ""

    @property
    def reply(self) -> str:
        """The reply as plain text, references spelled out."""
        return " ".join(piece.text for piece in self.pieces if piece.text)

    @property
    def words(self) -> str:
        """What a person wrote, and what came with it, as plain text."""
        return " ".join(part for part in (self.text, self.reply) if part)


@dataclass(frozen=True, slots=True)
class Conversation:
    conversation_id: str
    shopper: Shopper
    language: Language = "en"
    state: ConversationState = "with_assistant"
    turns: tuple[Turn, ...] = ()
    started_at: datetime | None = None
