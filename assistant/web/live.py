"""Turns that are running: each in a thread of its own, heard by every page that shows it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from assistant.events import (
    CardsShown,
    Event,
    ReplyPiece,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.session import Session
from assistant.types import Action, Conversation, Shopper, Turn

_PATIENCE = 10.0
"""Seconds that a closing server waits for turns to be stored as stopped."""


@dataclass(frozen=True, slots=True)
class View:
    """A turn as it is now: what a page that comes late needs as much as one that saw it all."""

    turn: Turn
    action: Action | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What a listener hears: an event, and the turn after it."""

    event: Event
    view: View


@dataclass(slots=True)
class _Running:
    cancel: threading.Event
    view: View
    heard: list[Update] = field(default_factory=list)


_Listener = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[Update | Conversation | None]"]


class Live:
    """Starts turns and fans their events out. Methods may be called from any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._threads: set[threading.Thread] = set()
        self._listeners: dict[str, set[_Listener]] = {}
        self.finished: Counter[str] = Counter()
        """Turns by how they ended, since the server started."""

    def send(self, shopper: Shopper, conversation_id: str, text: str) -> str:
        """Begin a turn and return its id; its message is stored by then. Raises as `handle`."""
        cancel = threading.Event()
        events = self._session.handle(shopper, conversation_id, text, cancel)
        return self._begin(shopper, conversation_id, events, cancel)

    def answer(self, shopper: Shopper, conversation_id: str, change_id: str, *, yes: bool) -> str:
        """Begin the turn of a yes or a no to a change. Raises as `Session.answer`."""
        events = self._session.answer(shopper, conversation_id, change_id, yes=yes)
        return self._begin(shopper, conversation_id, events, threading.Event())

    def _begin(
        self,
        shopper: Shopper,
        conversation_id: str,
        events: Iterator[Event],
        cancel: threading.Event,
    ) -> str:
        first = next(events)
        assert isinstance(first, TurnStarted)
        running = _Running(cancel, View(Turn(first.turn_id, first.text)))
        thread = threading.Thread(
            target=self._run,
            args=(shopper, conversation_id, running, first, events),
            name=f"turn-{first.turn_id}",
        )
        with self._lock:
            self._running[conversation_id] = running
            self._threads.add(thread)
        thread.start()
        return first.turn_id

    def _run(
        self,
        shopper: Shopper,
        conversation_id: str,
        running: _Running,
        first: Event,
        events: Iterator[Event],
    ) -> None:
        try:
            self._tell(conversation_id, running, first)
            for event in events:
                self._tell(conversation_id, running, event)
            if running.view.turn.answers or running.view.turn.proposal:
                # A change that an earlier turn shows has been settled, or replaced by a new one.
                self.tell_state(shopper, conversation_id)
        finally:
            with self._lock:
                if self._running.get(conversation_id) is running:
                    del self._running[conversation_id]
                self._threads.discard(threading.current_thread())

    def _tell(self, conversation_id: str, running: _Running, event: Event) -> None:
        with self._lock:
            running.view = after(running.view, event)
            update = Update(event, running.view)
            running.heard.append(update)
            if isinstance(event, TurnFinished | TurnFailed):
                self.finished[event.turn.status] += 1
                # From here on the store tells it: a page that opens now must not hear it twice.
                self._running.pop(conversation_id, None)
            self._broadcast(conversation_id, update)

    def tell_state(self, shopper: Shopper, conversation_id: str) -> None:
        """Let the pages know that something but a turn changed: its state, a rating."""
        conversation = self._session.conversation(shopper, conversation_id)
        with self._lock:
            self._broadcast(conversation_id, conversation)

    def _broadcast(self, conversation_id: str, update: Update | Conversation | None) -> None:
        for loop, queue in self._listeners.get(conversation_id, ()):
            try:
                loop.call_soon_threadsafe(queue.put_nowait, update)
            except RuntimeError:
                continue  # its event loop has closed with the server

    def stop(self, conversation_id: str) -> bool:
        """End the running turn, if there is one. The caller has checked whose it is."""
        with self._lock:
            running = self._running.get(conversation_id)
        if running:
            running.cancel.set()
        return running is not None

    async def listen(
        self, shopper: Shopper, conversation_id: str
    ) -> AsyncIterator[Conversation | Update]:
        """The conversation as stored, what its running turn has told, then all that comes.

        Raises NotFound where it is not this shopper's. Ends when the server closes.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Update | Conversation | None] = asyncio.Queue()
        listener = (loop, queue)
        conversation, told = await asyncio.to_thread(self._join, shopper, conversation_id, listener)
        try:
            yield conversation
            for update in told:
                yield update
            while (heard := await queue.get()) is not None:
                yield heard
        finally:
            self._leave(conversation_id, listener)

    def _join(
        self, shopper: Shopper, conversation_id: str, listener: _Listener
    ) -> tuple[Conversation, list[Update]]:
        with self._lock:
            # Under the lock no event can slip in between what is stored and what is heard.
            conversation = self._session.conversation(shopper, conversation_id)
            running = self._running.get(conversation_id)
            self._listeners.setdefault(conversation_id, set()).add(listener)
            told = list(running.heard) if running else []
        if running:
            stored = tuple(t for t in conversation.turns if t.turn_id != running.view.turn.turn_id)
            conversation = replace(conversation, turns=stored)
        return conversation, told

    def _leave(self, conversation_id: str, listener: _Listener) -> None:
        with self._lock:
            listeners = self._listeners.get(conversation_id, set())
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(conversation_id, None)

    def counts(self) -> dict[str, int]:
        with self._lock:
            listening = sum(len(each) for each in self._listeners.values())
            return {"running": len(self._running), "listening": listening}

    def close(self) -> None:
        """Stop what runs, wait until it is stored, and let every listener go."""
        with self._lock:
            for running in self._running.values():
                running.cancel.set()
            threads = list(self._threads)
        for thread in threads:
            thread.join(_PATIENCE)
        with self._lock:
            for conversation_id in self._listeners:
                self._broadcast(conversation_id, None)


def after(view: View, event: Event) -> View:
    """The view once this event has happened."""
    turn = view.turn
    if isinstance(event, ToolStarted):
        return replace(view, action=event.action)
    if isinstance(event, CardsShown):
        grown = replace(
            turn,
            products=turn.products + event.products,
            citations=turn.citations + event.citations,
            orders=turn.orders + event.orders,
            cart=event.cart or turn.cart,
            handoff=event.handoff or turn.handoff,
        )
        return replace(view, turn=grown)
    if isinstance(event, ReplyPiece):
        return replace(view, turn=replace(turn, pieces=(*turn.pieces, event.piece)))
    if isinstance(event, TurnFailed):
        return View(event.turn, failure=event.message)
    if isinstance(event, TurnFinished):
        return View(event.turn)
    return view
