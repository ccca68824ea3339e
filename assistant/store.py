"""Conversations, turns and carts, kept for their shoppers.

What is queried has a column; the rest of a turn is one JSON record, cards as they were shown,
so that a reload shows the prices that the shopper saw. Every method that touches a shopper's
things takes that shopper's key: a conversation's id alone opens nothing.

What a method has returned from is on the disk: a killed process or a power cut loses no more
than the call it was in, and nothing of that call is half there.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from assistant.database import (
    Database,
    audit_log,
    cart_lines,
    changes,
    conversations,
    turns,
    visits,
)
from assistant.desk import states
from assistant.desk.tables import handoffs, notes
from assistant.errors import BadInput, Conflict, NotFound, StorageError
from assistant.record import decode, encode
from assistant.types import Conversation, Handoff, Language, Shopper, Turn

MAX_QUANTITY = 99
"""The most of one product that a cart holds."""

_RECORD_VERSION = 1
_IN_COLUMNS = ("turn_id", "status", "rating", "at")


class Store:
    """Any method raises StorageError, with nothing written, when the database cannot do it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """As `Database.open`: made or upgraded at the start, with its errors."""
        return cls(Database.open(url))

    def close(self) -> None:
        self.database.close()

    # Conversations

    def start(self, shopper: Shopper, language: Language) -> Conversation:
        """A new conversation of this shopper, without turns."""
        now = datetime.now(UTC)
        conversation = Conversation(
            secrets.token_urlsafe(16), shopper_of(shopper.key), language, started_at=now
        )
        with self.database.write() as connection:
            connection.execute(
                conversations.insert().values(
                    conversation_id=conversation.conversation_id,
                    shopper_key=shopper.key,
                    language=language,
                    state=conversation.state,
                    started_at=now,
                    updated_at=now,
                )
            )
        return conversation

    def conversation(self, shopper_key: str, conversation_id: str) -> Conversation:
        """A conversation with its turns in order; raises NotFound if it is absent or another's."""
        _check_id(conversation_id, _no_conversation(conversation_id))
        found = self._load(shopper_key, conversations.c.conversation_id == conversation_id)
        if not found:
            raise _no_conversation(conversation_id)
        return found[0]

    def latest(self, shopper_key: str) -> Conversation | None:
        """The conversation in which this shopper was last active."""
        newest = (
            sa.select(conversations.c.conversation_id)
            .where(conversations.c.shopper_key == shopper_key)
            .order_by(conversations.c.updated_at.desc(), conversations.c.conversation_id)
            .limit(1)
        )
        found = self._load(shopper_key, conversations.c.conversation_id == newest.scalar_subquery())
        return found[0] if found else None

    def any_conversation(self, conversation_id: str) -> Conversation:
        """Anybody's conversation, for the desk; never for a shopper. Raises NotFound."""
        _check_id(conversation_id, _no_conversation(conversation_id))
        found = self._load(None, conversations.c.conversation_id == conversation_id)
        if not found:
            raise _no_conversation(conversation_id)
        return found[0]

    def conversations(self, since: datetime | None = None) -> list[Conversation]:
        """Everybody's conversations begun since then, for whoever runs the shop; never for a
        shopper."""
        begun = sa.true() if since is None else conversations.c.started_at >= since
        return self._load(None, begun)

    def ask_for_person(self, shopper_key: str, conversation_id: str, handoff: Handoff) -> bool:
        """Let the conversation wait for a colleague; False if it does so, or has one, already.

        Raises NotFound if the conversation is absent or another's.
        """
        with self.database.write() as connection:
            if lock_conversation(connection, shopper_key, conversation_id) in states.PEOPLES:
                return False
            states.move(
                connection,
                conversation_id,
                "waiting",
                "shopper",
                reason=handoff.reason,
                handoff=handoff,
            )
        return True

    def stop_waiting(self, shopper_key: str, conversation_id: str) -> None:
        """Give the assistant back a conversation that no colleague has taken yet.

        Raises Conflict in any other state, NotFound if it is absent or another's.
        """
        with self.database.write() as connection:
            if lock_conversation(connection, shopper_key, conversation_id) != "waiting":
                raise Conflict(f"conversation {conversation_id!r} is not waiting; reload the page")
            states.move(connection, conversation_id, "with_assistant", "shopper", reason="withdrew")

    # Turns

    def begin_turn(
        self, shopper_key: str, conversation_id: str, text: str, at: datetime, *, answers: str = ""
    ) -> Turn:
        """Keep the shopper's message (`at` with its time zone) as a running turn.

        Where a person has the conversation, or is waited for, it is kept as a whole turn of kind
        "message"; the assistant has nothing to say to it. A resolved conversation is open again.
        `answers` is the change that it says yes or no to, if any.

        Raises Conflict while another turn of the conversation runs, NotFound if the
        conversation is absent or another's.
        """
        turn = Turn(secrets.token_urlsafe(16), text, at=at, answers=answers)
        with self.database.write() as connection:
            state = lock_conversation(connection, shopper_key, conversation_id)
            if state in states.PEOPLES:
                turn = replace(turn, status="finished", kind="message")
                states.shopper_wrote(connection, conversation_id)
            elif state == "resolved":
                states.move(
                    connection, conversation_id, "with_assistant", "shopper", reason="wrote again"
                )
            try:
                insert_turn(connection, conversation_id, turn)
            except exc.IntegrityError:
                raise Conflict(
                    f"conversation {conversation_id!r} is still answering the message before; "
                    "wait for the answer or stop it"
                ) from None
        return turn

    def may_answer(self, conversation_id: str, turn_id: str) -> bool:
        """Whether the conversation has been the assistant's since this turn began."""
        with self.database.read() as connection:
            return not states.left_assistant_since(connection, conversation_id, turn_id)

    def finish_turn(self, shopper_key: str, conversation_id: str, turn: Turn) -> Turn:
        """Keep what came of a turn and its status; a hand-off sets the conversation waiting.

        The turn as it is kept: `stopped`, and without a hand-off, if a person was given the
        conversation meanwhile.

        `at` and `rating` stay as the store has them. A turn that `interrupt_running` marked may
        still be finished, for its process may be alive after all. Raises Conflict for a turn
        finished before, NotFound for one that is absent or another's, ValueError for a turn
        that is still running.
        """
        with self.database.write() as connection:
            return keep_turn(connection, shopper_key, conversation_id, turn)

    def interrupt_running(self) -> int:
        """Mark the turns that a killed process left running; how many there were.

        For a server's start, before it takes a message.
        """
        with self.database.write() as connection:
            return connection.execute(
                turns.update().where(turns.c.status == "running").values(status="interrupted")
            ).rowcount

    def rate(self, shopper_key: str, conversation_id: str, turn_id: str, rating: int) -> None:
        """Keep a thumb up (1), down (-1) or none (0); raises NotFound if the turn is not theirs."""
        if rating not in (-1, 0, 1):
            raise BadInput(f"rating {rating!r} is not -1, 0 or 1")
        _check_id(turn_id, _no_turn(turn_id))
        with self.database.write() as connection:
            lock_conversation(connection, shopper_key, conversation_id)
            rated = connection.execute(
                turns.update()
                .where(turns.c.turn_id == turn_id, turns.c.conversation_id == conversation_id)
                .values(rating=rating)
            )
            if not rated.rowcount:
                raise _no_turn(turn_id)

    # Carts

    def cart(self, shopper_key: str) -> list[tuple[str, int]]:
        """Product ids with quantities, in the order in which they were first added."""
        query = (
            sa.select(cart_lines.c.product_id, cart_lines.c.quantity)
            .where(cart_lines.c.shopper_key == shopper_key)
            .order_by(cart_lines.c.added_at, cart_lines.c.product_id)
        )
        with self.database.read() as connection:
            return [(row.product_id, row.quantity) for row in connection.execute(query)]

    def set_quantity(self, shopper_key: str, product_id: str, quantity: int) -> None:
        """Have so many of a product in the cart, 0 for none; the caller knows the product exists.

        Raises BadInput outside 0 to MAX_QUANTITY.
        """
        if not 0 <= quantity <= MAX_QUANTITY:
            raise BadInput(f"quantity {quantity!r} is not between 0 and {MAX_QUANTITY}")
        with self.database.write() as connection:
            if quantity:
                _put_in_cart(connection, shopper_key, product_id, quantity, add=False)
            else:
                connection.execute(
                    cart_lines.delete().where(
                        cart_lines.c.shopper_key == shopper_key,
                        cart_lines.c.product_id == product_id,
                    )
                )

    # Privacy

    def erase(self, shopper_key: str) -> None:
        """Delete everything kept under this key, beyond recovery from SQLite's own files."""
        with self.database.write() as connection:
            # Turns, and the changes that they proposed, go with conversations.
            for table in (conversations, cart_lines, visits, audit_log):
                connection.execute(table.delete().where(table.c.shopper_key == shopper_key))
        self.database.forget()

    def export(self, shopper_key: str) -> dict[str, Any]:
        """Everything kept under this key, as JSON.

        What colleagues noted about the shopper is about the shopper, so it is in it, without who
        noted it; so is what became of each hand-off.
        """
        theirs = visits.c.shopper_key == shopper_key
        made = sa.select(audit_log).where(audit_log.c.shopper_key == shopper_key)
        owned = conversations.c.shopper_key == shopper_key
        asked = sa.select(handoffs).join(conversations).where(owned)
        noted = sa.select(notes).join(conversations).where(owned)
        with self.database.read() as connection:
            seen = connection.execute(sa.select(visits).where(theirs)).all()
            logged = connection.execute(made.order_by(audit_log.c.at)).all()
            stretches = connection.execute(asked.order_by(handoffs.c.asked_at)).all()
            written = connection.execute(noted.order_by(notes.c.at)).all()
        return {
            "shopper_key": shopper_key,
            "conversations": [encode(each) for each in self._load(shopper_key, sa.true())],
            "cart": [
                {"product_id": product_id, "quantity": quantity}
                for product_id, quantity in self.cart(shopper_key)
            ],
            "visits": [
                {"started_at": row.started_at.isoformat(), "seen_at": row.seen_at.isoformat()}
                for row in seen
            ],
            "changes": [
                {"at": row.at.isoformat(), "action": row.action, **json.loads(row.content)}
                for row in logged
            ],
            "handoffs": [
                {
                    "conversation_id": row.conversation_id,
                    "reason": row.reason,
                    "summary": json.loads(row.summary),
                    "brief": json.loads(row.brief) if row.brief else None,
                    "asked_at": row.asked_at.isoformat(),
                    "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                    "outcome": row.outcome,
                    "email": row.email,
                    "rating": row.rating,
                }
                for row in stretches
            ],
            "notes": [
                {
                    "conversation_id": row.conversation_id,
                    "at": row.at.isoformat(),
                    "text": json.loads(row.text),
                }
                for row in written
            ],
        }

    def _load(self, shopper_key: str | None, which: sa.ColumnElement[bool]) -> list[Conversation]:
        """Conversations of one shopper, or of all of them for None."""
        theirs = sa.true() if shopper_key is None else conversations.c.shopper_key == shopper_key
        # One statement, so that a state and the turn that set it are seen together.
        query = (
            sa.select(conversations, turns, changes.c.state, changes.c.expires_at)
            .select_from(conversations.outerjoin(turns).outerjoin(changes))
            .where(theirs, which)
            .order_by(conversations.c.started_at, conversations.c.conversation_id, turns.c.position)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            _conversation_of(list(group))
            for _, group in groupby(rows, key=lambda row: row[conversations.c.conversation_id])
        ]


def keep_turn(
    connection: sa.Connection, shopper_key: str, conversation_id: str, turn: Turn
) -> Turn:
    """`Store.finish_turn` as a part of a transaction that does more."""
    if turn.status == "running":
        raise ValueError(f"turn {turn.turn_id!r} is still running")
    lock_conversation(connection, shopper_key, conversation_id)
    this = (turns.c.turn_id == turn.turn_id) & (turns.c.conversation_id == conversation_id)
    status = connection.scalar(sa.select(turns.c.status).where(this))
    if status is None:
        raise _no_turn(turn.turn_id)
    if status not in ("running", "interrupted"):
        raise Conflict(f"turn {turn.turn_id!r} is {status} already; begin a new one")
    if states.left_assistant_since(connection, conversation_id, turn.turn_id):
        turn = replace(turn, status="stopped", handoff=None, proposal=None)
    elif turn.handoff is not None:
        states.move(
            connection,
            conversation_id,
            "waiting",
            "assistant",
            reason=turn.handoff.reason,
            handoff=turn.handoff,
        )
    connection.execute(
        turns.update().where(this).values(status=turn.status, content=_content_of(turn))
    )
    _touch(connection, conversation_id)
    return turn


def shopper_of(key: str) -> Shopper:
    """The shopper that a key stands for: a customer of the shop, or a guest."""
    kind, _, customer_id = key.partition(":")
    return Shopper(key, customer_id if kind == "customer" else None)


def merge_cart(connection: sa.Connection, from_key: str, to_key: str) -> None:
    """Move a cart's lines into another cart, quantities added up to MAX_QUANTITY."""
    theirs = cart_lines.c.shopper_key == from_key
    lines = connection.execute(
        sa.select(cart_lines).where(theirs).order_by(cart_lines.c.added_at)
    ).all()
    connection.execute(cart_lines.delete().where(theirs))
    for line in lines:
        _put_in_cart(connection, to_key, line.product_id, line.quantity, add=True)


def _put_in_cart(
    connection: sa.Connection, shopper_key: str, product_id: str, quantity: int, *, add: bool
) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    line = insert(cart_lines).values(
        shopper_key=shopper_key,
        product_id=product_id,
        quantity=quantity,
        added_at=datetime.now(UTC),
    )
    both = cart_lines.c.quantity + line.excluded.quantity
    total = sa.case((both > MAX_QUANTITY, MAX_QUANTITY), else_=both)
    connection.execute(
        line.on_conflict_do_update(
            index_elements=[cart_lines.c.shopper_key, cart_lines.c.product_id],
            set_={"quantity": total if add else line.excluded.quantity},
        )
    )


def insert_turn(connection: sa.Connection, conversation_id: str, turn: Turn) -> None:
    """Put a turn at the end of a conversation that the caller has locked.

    Raises sqlalchemy's IntegrityError for a second one that runs.
    """
    connection.execute(
        turns.insert().values(
            turn_id=turn.turn_id,
            conversation_id=conversation_id,
            position=states.last_position(connection, conversation_id) + 1,
            status=turn.status,
            rating=turn.rating,
            at=turn.at,
            content=_content_of(turn),
        )
    )
    _touch(connection, conversation_id)


def lock_conversation(connection: sa.Connection, shopper_key: str, conversation_id: str) -> str:
    """The state; no one else writes this conversation until the transaction ends."""
    _check_id(conversation_id, _no_conversation(conversation_id))
    owned = sa.select(conversations.c.state).where(
        conversations.c.conversation_id == conversation_id,
        conversations.c.shopper_key == shopper_key,
    )
    state: str | None = connection.scalar(owned.with_for_update())
    if state is None:
        raise _no_conversation(conversation_id)
    return state


def _touch(connection: sa.Connection, conversation_id: str) -> None:
    connection.execute(
        conversations.update()
        .where(conversations.c.conversation_id == conversation_id)
        .values(updated_at=datetime.now(UTC))
    )


def _check_id(given: str, error: NotFound) -> None:
    # Ids come from outside, and not every database takes every character in a query.
    if not (given.isascii() and given.isprintable()):
        raise error


def _no_conversation(conversation_id: str) -> NotFound:
    return NotFound(f"there is no conversation {conversation_id!r} of yours; start a new one")


def _no_turn(turn_id: str) -> NotFound:
    return NotFound(f"there is no message {turn_id!r} in this conversation; reload the page")


def _content_of(turn: Turn) -> str:
    record = {name: each for name, each in encode(turn).items() if name not in _IN_COLUMNS}
    return json.dumps({"version": _RECORD_VERSION} | record)


def _turn_of(row: Mapping[Any, Any]) -> Turn:
    try:
        record = json.loads(row[turns.c.content])
        if record["version"] != _RECORD_VERSION:
            raise ValueError(f"version {record['version']!r}")
        turn = decode(Turn, record | {"turn_id": row[turns.c.turn_id]})
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise StorageError(
            f"the record of turn {row[turns.c.turn_id]!r} cannot be read ({error}); "
            "run the version of Aisle that wrote it, or restore the database"
        ) from error
    proposal = turn.proposal
    if proposal is not None and row[changes.c.state] is not None:
        until, state = row[changes.c.expires_at], row[changes.c.state]
        if state == "proposed" and until <= datetime.now(UTC):
            state = "expired"
        proposal = replace(proposal, state=state, expires_at=until)
    return replace(
        turn,
        status=row[turns.c.status],
        rating=row[turns.c.rating],
        at=row[turns.c.at],
        proposal=proposal,
    )


def _conversation_of(rows: list[Mapping[Any, Any]]) -> Conversation:
    first = rows[0]
    return Conversation(
        first[conversations.c.conversation_id],
        shopper_of(first[conversations.c.shopper_key]),
        first[conversations.c.language],
        first[conversations.c.state],
        turns=tuple(_turn_of(row) for row in rows if row[turns.c.turn_id] is not None),
        started_at=first[conversations.c.started_at],
    )
