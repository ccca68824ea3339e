"""What a turn streams, in order, to whoever listens: browser, API, terminal, evaluation.

    TurnStarted  (ToolStarted  CardsShown?)*  ReplyPiece*  TurnFinished | TurnFailed

Text arrives as `ReplyPiece`s of kind `text`, a checked sentence at a time: what a listener
has seen is never taken back.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.types import Action, Cart, Citation, Handoff, OrderCard, Piece, ProductCard, Turn


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The shopper's message is stored; `text` is that message."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is about to run; its name is for logs, a page words it for people."""

    turn_id: str
    action: Action


@dataclass(frozen=True, slots=True)
class CardsShown:
    """What a tool found, from its own data, before a word of the reply."""

    turn_id: str
    products: tuple[ProductCard, ...] = ()
    citations: tuple[Citation, ...] = ()
    orders: tuple[OrderCard, ...] = ()
    cart: Cart | None = None
    handoff: Handoff | None = None


@dataclass(frozen=True, slots=True)
class ReplyPiece:
    turn_id: str
    piece: Piece


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The turn is stored. Its status is `finished`, or `stopped` if the shopper stopped it."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """Something nobody foresaw: `reference` finds it in the log, `turn` holds what was sent."""

    turn: Turn
    reference: str
    message: str


Event = TurnStarted | ToolStarted | CardsShown | ReplyPiece | TurnFinished | TurnFailed
