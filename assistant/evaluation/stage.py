"""The real conversation, set up anew for each one that is replayed.

Every conversation gets an empty database: its carts, orders and hand-offs begin as the shop has
them, whatever the conversation before it did.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from assistant.agent import Agent
from assistant.database import Database
from assistant.evaluation.measured import Calls, Cost, MeasuredModel
from assistant.evaluation.transcripts import Recorded
from assistant.events import CardsShown, ReplyPiece, TurnFailed, TurnFinished
from assistant.session import Session
from assistant.store import Store
from assistant.tools.context import Shop
from assistant.types import Piece, ProductCard, Seconds, Shopper, Turn


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn as the shopper met it: `cart` is product ids with quantities once it was over.

    `seconds` are measured at the listener, with those of known model calls added.
    """

    turn: Turn
    cart: Mapping[str, int]
    seconds: Seconds
    cost: Cost


class Assistant(Protocol):
    """What is evaluated: answers one conversation's messages in order."""

    def answer(self, text: str) -> Answer: ...

    def remember(self, text: str, recorded: Recorded) -> None:
        """Take an earlier message with its recorded answer as what happened."""
        ...


DEADLINE = 600.0
"""Seconds: a busy machine must not change what is answered. How long it took is reported."""

OpensSession = Callable[[Store, Agent], Session]


class Stage:
    """A shop with an agent, and as many fresh conversations as are asked for. Thread-safe."""

    def __init__(
        self,
        shop: Shop,
        agent: Agent,
        open_session: OpensSession,
        calls: Calls | None = None,
        *,
        decisions_only: bool = False,
        fresh: bool = False,
    ) -> None:
        self.shop = shop
        self.agent = agent
        self._open_session = open_session
        self._calls = calls
        self._decisions_only = decisions_only
        self._fresh = fresh
        # None of it has to outlive the run, so in memory there is nothing to wait for.
        memory = Path("/dev/shm")
        place = memory if os.access(memory, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="aisle-replay-", dir=place)
        self._made = Path(self._folder.name) / "made.db"
        Store.open(f"sqlite:///{self._made}").close()
        self._empty: SimpleQueue[Database] = SimpleQueue()

    def close(self) -> None:
        while not self._empty.empty():
            self._empty.get_nowait().close()
        self._folder.cleanup()

    @contextmanager
    def _database(self) -> Iterator[Database]:
        """An empty database, used again afterwards: SQL is compiled anew for each one made."""
        try:
            database = self._empty.get_nowait()
        except Empty:
            file = Path(tempfile.mkdtemp(dir=self._folder.name)) / "conversation.db"
            shutil.copyfile(self._made, file)
            database = Database.known(f"sqlite:///{file}")
        try:
            yield database
        finally:
            database.empty()
            self._empty.put(database)

    @contextmanager
    def conversation(self, customer_id: str | None) -> Iterator[SessionAssistant]:
        """Raises NotFound for a customer whom the shop does not have."""
        with self._database() as database:
            store = Store(database)
            model = MeasuredModel(
                self.agent.model,
                self._calls,
                decisions_only=self._decisions_only,
                fresh=self._fresh,
            )
            agent = replace(
                self.agent,
                model=model,
                writer=replace(self.agent.writer, model=model),
                deadline=DEADLINE,
            )
            session = self._open_session(store, agent)
            yield SessionAssistant(self.shop, session, store, model, customer_id)


class SessionAssistant:
    """One shopper's conversation with the session itself."""

    def __init__(
        self,
        shop: Shop,
        session: Session,
        store: Store,
        model: MeasuredModel,
        customer_id: str | None,
    ) -> None:
        self.session = session
        self.store = store
        self.shopper = (
            Shopper("guest:replay") if customer_id is None else session.customer(customer_id)
        )
        self._shop = shop
        self._model = model
        self._conversation = session.start(self.shopper).conversation_id
        self._waiting = False

    def answer(self, text: str) -> Answer:
        if self._waiting:
            # Nobody is at a desk here: the next message is the assistant's again.
            self.session.stop_waiting(self.shopper, self._conversation)
            self._waiting = False
        self._model.start_turn()
        clock = _Clock(self._model)
        for event in self.session.handle(self.shopper, self._conversation, text):
            clock.mark("first_event")
            if isinstance(event, CardsShown) and (event.products or event.orders):
                clock.mark("first_card")
            elif isinstance(event, ReplyPiece):
                clock.mark("first_text")
            elif isinstance(event, TurnFinished | TurnFailed):
                clock.mark("total")
                self._waiting = event.turn.handoff is not None
                return Answer(event.turn, self._cart(), clock.seconds, self._model.cost)
        raise AssertionError("a turn ends with TurnFinished or TurnFailed")

    def remember(self, text: str, recorded: Recorded) -> None:
        """Store the recorded answer as this conversation's, cards under the tags they had."""
        catalogue = self._shop.catalogue
        products = catalogue.products(list(recorded.products))
        turn = self.store.begin_turn(
            self.shopper.key, self._conversation, text, catalogue.clock.now()
        )
        known = self._tags()
        cards = []
        for product in products:
            tag = known.setdefault(product.product_id, f"P{len(known) + 1}")
            cards.append(ProductCard(tag, product))
        pieces = (Piece("text", recorded.text),) if recorded.text else ()
        told = replace(
            turn,
            status="finished",
            pieces=pieces,
            products=tuple(cards),
            calls=recorded.calls,
            model="recorded",
        )
        self.store.finish_turn(self.shopper.key, self._conversation, told)
        for product_id in {**self._cart(), **(recorded.cart or {})}:
            if recorded.cart is not None:
                quantity = int(recorded.cart.get(product_id, 0))
                self.store.set_quantity(self.shopper.key, product_id, quantity)

    def _tags(self) -> dict[str, str]:
        turns = self.session.conversation(self.shopper, self._conversation).turns
        return {card.product.product_id: card.tag for turn in turns for card in turn.products}

    def _cart(self) -> dict[str, int]:
        return dict(self.store.cart(self.shopper.key))


class _Clock:
    """Seconds since the message, as they would have been had every model call been made now."""

    def __init__(self, model: MeasuredModel) -> None:
        self.seconds = Seconds()
        self._model = model
        self._started = time.monotonic()

    def mark(self, milestone: str) -> None:
        if getattr(self.seconds, milestone) is None:
            elapsed = time.monotonic() - self._started + self._model.cost.saved
            self.seconds = replace(self.seconds, **{milestone: round(elapsed, 3)})
