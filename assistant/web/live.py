"""Turns that are running: each in a thread of its own, heard by every page that shows it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace

from assistant.desk.view import Standing
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


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that passes and is kept nowhere: somebody types, the desk's list has changed."""

    name: str
    by: str = ""


Heard = Conversation | Standing | Signal | Update
"""What a listener hears: the conversation and its standing first, then all that happens."""
DESK = ""
"""The channel of the desk's list; no conversation has this id."""


@dataclass(slots=True)
class _Running:
    cancel: threading.Event
    view: View
    heard: list[Update] = field(default_factory=list)


_Listener = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[Heard | None]"]


class Live:
    """Starts turns and fans their events out. Methods may be called from any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        # Held while a message is stored and told, so that every page hears them as stored.
        self._order = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._threads: set[threading.Thread] = set()
        self._listeners: dict[str, set[_Listener]] = {}
        self._shoppers: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        """Turns by how they ended, since the server started."""

    def send(self, shopper: Shopper, conversation_id: str, text: str) -> str:
        """Begin a turn and return its id; its message is stored by then. Raises as `handle`.

        Where a person has the conversation, the message is told and that is all.
        """
        cancel = threading.Event()
        with self._order:
            events = self._session.handle(shopper, conversation_id, text, cancel)
            return self._begin(conversation_id, events, cancel)

    def answer(self, shopper: Shopper, conversation_id: str, change_id: str, *, yes: bool) -> str:
        """Begin the turn of a yes or a no to a change. Raises as `Session.answer`."""
        with self._order:
            events = self._session.answer(shopper, conversation_id, change_id, yes=yes)
            return self._begin(conversation_id, events, threading.Event())

    def _begin(self, conversation_id: str, events: Iterator[Event], cancel: threading.Event) -> str:
        """The caller holds `_order`."""
        first = next(events)
        if isinstance(first, TurnFinished):
            self._tell_turn(conversation_id, first.turn)
            if first.turn.answers:
                self.tell_state(conversation_id)
            return first.turn.turn_id
        assert isinstance(first, TurnStarted)
        running = _Running(cancel, View(Turn(first.turn_id, first.text)))
        thread = threading.Thread(
            target=self._run,
            args=(conversation_id, running, events),
            name=f"turn-{first.turn_id}",
        )
        with self._lock:
            self._running[conversation_id] = running
            self._threads.add(thread)
        self._tell(conversation_id, running, first)
        thread.start()
        return first.turn_id

    def say(self, conversation_id: str, write: Callable[[], Turn]) -> Turn:
        """Have a colleague's message stored and told; in this order on every page."""
        with self._order:
            turn = write()
            self._tell_turn(conversation_id, turn)
            if turn.proposal:
                self.tell_state(conversation_id)
        return turn

    def _tell_turn(self, conversation_id: str, turn: Turn) -> None:
        """The caller holds `_order`, under which `turn` was stored."""
        with self._lock:
            self._broadcast(conversation_id, Update(TurnFinished(turn), View(turn)))
            self._broadcast(DESK, Signal("queue"))

    def _run(self, conversation_id: str, running: _Running, events: Iterator[Event]) -> None:
        try:
            for event in events:
                self._tell(conversation_id, running, event)
            if running.view.turn.answers or running.view.turn.proposal:
                # A change that an earlier turn shows has been settled, or replaced by a new one.
                self.tell_state(conversation_id)
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
        if isinstance(event, TurnFinished) and event.turn.handoff:
            self.tell_standing(conversation_id)

    def tell_state(self, conversation_id: str) -> None:
        """Let the pages know that turns told before have changed."""
        conversation = self._session.desk.view.conversation(conversation_id)
        with self._lock:
            self._broadcast(conversation_id, conversation)

    def tell_standing(self, conversation_id: str) -> None:
        """Let the pages know that a conversation changed hands, and those behind it in the queue
        that they moved up. What the assistant is saying in it ends."""
        standing = self._session.desk.view.standing(conversation_id)
        if standing.state != "with_assistant":
            self.stop(conversation_id)
        with self._lock:
            self._broadcast(conversation_id, standing)
            self._broadcast(DESK, Signal("queue"))
            listening = [each for each in self._listeners if each not in (DESK, conversation_id)]
        if listening:
            waiting = {e.conversation_id for e in self._session.desk.view.queue() if not e.staff_id}
            for each in waiting.intersection(listening):
                standing = self._session.desk.view.standing(each)
                with self._lock:
                    self._broadcast(each, standing)

    def signal(self, conversation_id: str, signal: Signal) -> None:
        """Tell something that passes."""
        with self._lock:
            self._broadcast(conversation_id, signal)

    def _broadcast(self, conversation_id: str, update: Heard | None) -> None:
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

    async def listen(self, shopper: Shopper, conversation_id: str) -> AsyncIterator[Heard]:
        """The conversation as stored, its standing, what its running turn has told, then all that
        comes.

        Raises NotFound where it is not this shopper's. Ends when the server closes.
        """
        heard = self._listen(
            conversation_id, lambda: self._session.conversation(shopper, conversation_id)
        )
        here = False
        try:
            async for each in heard:
                if not here:
                    here = True
                    self._come(conversation_id, 1)
                if not (isinstance(each, Signal) and not each.by):  # their own doing
                    yield each
        finally:
            await heard.aclose()
            if here:
                self._come(conversation_id, -1)

    def _come(self, conversation_id: str, count: int) -> None:
        """A shopper's page opens, or goes."""
        with self._lock:
            self._shoppers[conversation_id] += count
            if not self._shoppers[conversation_id]:
                del self._shoppers[conversation_id]
        self.signal(conversation_id, Signal("here" if self.is_here(conversation_id) else "gone"))

    def is_here(self, conversation_id: str) -> bool:
        """Whether the shopper has a page of this conversation open."""
        with self._lock:
            return self._shoppers[conversation_id] > 0

    async def watch(self, conversation_id: str) -> AsyncIterator[Heard]:
        """The same for a colleague, who may see every conversation."""
        heard = self._listen(
            conversation_id, lambda: self._session.desk.view.conversation(conversation_id)
        )
        try:
            async for each in heard:
                yield each
        finally:
            await heard.aclose()

    async def watch_desk(self) -> AsyncIterator[Heard]:
        """A signal whenever the desk's list has changed."""
        listener: _Listener = (asyncio.get_running_loop(), asyncio.Queue())
        with self._lock:
            self._listeners.setdefault(DESK, set()).add(listener)
        try:
            yield Signal("queue")
            while (heard := await listener[1].get()) is not None:
                yield heard
        finally:
            self._leave(DESK, listener)

    async def _listen(
        self, conversation_id: str, load: Callable[[], Conversation]
    ) -> AsyncGenerator[Heard, None]:
        listener: _Listener = (asyncio.get_running_loop(), asyncio.Queue())
        first = await asyncio.to_thread(self._join, conversation_id, load, listener)
        try:
            for each in first:
                yield each
            while (heard := await listener[1].get()) is not None:
                yield heard
        finally:
            self._leave(conversation_id, listener)

    def _join(
        self, conversation_id: str, load: Callable[[], Conversation], listener: _Listener
    ) -> list[Heard]:
        with self._order, self._lock:
            # Under the locks no event can slip in between what is stored and what is heard.
            conversation = load()
            standing = self._session.desk.view.standing(conversation_id)
            running = self._running.get(conversation_id)
            self._listeners.setdefault(conversation_id, set()).add(listener)
            told: list[Heard] = list(running.heard) if running else []
            view = running.view.turn if running else None
        if view is not None:
            turns = conversation.turns
            if turns and turns[-1].turn_id == view.turn_id:
                turns = turns[:-1]  # what it has told follows
            # With messages of people after it, it must stay in its place.
            turns = tuple(view if each.turn_id == view.turn_id else each for each in turns)
            conversation = replace(conversation, turns=turns)
        return [conversation, standing, *told]

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
