"""The conversation in a terminal, and one turn as a JSON document."""

from __future__ import annotations

import secrets
import sys
import threading
from typing import Any

from assistant.errors import BadInput
from assistant.events import CardsShown, ReplyPiece, ToolStarted, TurnFailed, TurnFinished
from assistant.session import Session
from assistant.types import Shopper, Turn


def guest() -> Shopper:
    return Shopper(f"guest:{secrets.token_hex(16)}")


class Terminal:
    """One shopper's conversation on standard output; `quiet` prints nothing."""

    def __init__(self, session: Session, shopper: Shopper, *, quiet: bool = False) -> None:
        self._session = session
        self._shopper = shopper
        self._quiet = quiet
        self._conversation = session.start(shopper).conversation_id

    def ask(self, text: str) -> Turn:
        """Send one message and print the reply as it streams. Ctrl-C stops the reply."""
        cancel = threading.Event()
        events = self._session.handle(self._shopper, self._conversation, text, cancel)
        while True:
            try:
                event = next(events)
            except KeyboardInterrupt:
                cancel.set()
                continue
            if isinstance(event, ToolStarted):
                self._print("…", end="\r")
            elif isinstance(event, CardsShown):
                self._print(f"({len(event.products)} products)" if event.products else "", end="\r")
            elif isinstance(event, ReplyPiece):
                mark = "" if event.piece.kind == "text" else "  • "
                tag = f"[{event.piece.tag}] " if event.piece.kind == "product" else ""
                self._print(f"{mark}{tag}{event.piece.text}")
            elif isinstance(event, TurnFailed):
                self._print(event.message)
                return event.turn
            elif isinstance(event, TurnFinished):
                return event.turn

    def converse(self) -> None:
        """Read messages until the end of input."""
        self._print(f"{self._session.info.name}. Write a message; Ctrl-D leaves.")
        while True:
            try:
                text = input("> ")
            except (EOFError, KeyboardInterrupt):
                self._print("")
                return
            try:
                self.ask(text)
            except BadInput as error:
                self._print(error.message)

    def _print(self, text: str, end: str = "\n") -> None:
        if not self._quiet:
            sys.stdout.write(text + end)
            sys.stdout.flush()


def as_document(turn: Turn) -> dict[str, Any]:
    """A turn as `aisle chat --json` answers it."""
    return {
        "reply": turn.reply,
        "products": [
            {
                "product_id": card.product.product_id,
                "title": card.product.title,
                "price": float(card.product.price),
                "currency": card.product.currency,
                "reason": card.reason,
            }
            for card in turn.products
        ],
        "tools": [
            {"name": call.action.tool, "arguments": dict(call.action.arguments), "ok": call.ok}
            for call in turn.calls
        ],
        "citations": [{"id": each.article_id, "title": each.title} for each in _cited(turn)],
        "handoff": {"reason": turn.handoff.reason, "summary": turn.handoff.summary}
        if turn.handoff
        else None,
        "model": turn.model,
        "seconds": {
            "first_event": turn.seconds.first_event,
            "first_text": turn.seconds.first_text,
            "total": turn.seconds.total,
        },
    }


def _cited(turn: Turn) -> list[Any]:
    tags = {piece.tag for piece in turn.pieces if piece.kind == "citation"}
    by_article = {each.article_id: each for each in turn.citations if each.tag in tags}
    return list(by_article.values())
