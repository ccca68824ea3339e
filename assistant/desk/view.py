"""What the desk shows: the queue, a conversation's standing, its notes, its history, searches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from assistant.brief import Brief, brief_from
from assistant.database import audit_log, conversations, turns
from assistant.desk.hours import support_hours
from assistant.desk.numbers import Numbers, numbers_of
from assistant.desk.staff import Staff
from assistant.desk.tables import handoffs, notes, staff, transitions
from assistant.errors import BadInput, NotFound
from assistant.record import encode
from assistant.store import Store
from assistant.tools.context import Shop
from assistant.types import Conversation, ConversationState, Language


@dataclass(frozen=True, slots=True)
class Standing:
    """What a shopper is told of where the conversation is. Nothing in it is a promise."""

    state: ConversationState
    place: int | None = None
    """In the queue, from 1; None when not waiting."""
    open: bool = True
    there: bool = False
    """Whether a colleague is at the desk now."""
    hours: tuple[str, str] | None = None
    colleague: str = ""
    email: str = ""
    """The address that the shopper left for this hand-off."""
    rating: int | None = None
    may_rate: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A conversation in the desk's list."""

    conversation_id: str
    state: ConversationState
    customer_id: str | None
    language: Language
    reason: str
    priority: int
    asked_at: datetime
    staff_id: str | None
    colleague: str
    claimed_at: datetime | None
    unanswered_at: datetime | None
    due_at: datetime | None
    """When the answer is late; None when the shopper does not wait for one."""
    unread: int
    last: str
    email: str


@dataclass(frozen=True, slots=True)
class Note:
    """A colleague's private note after so many messages: for colleagues alone."""

    note_id: str
    position: int
    at: datetime
    author: str
    text: str


class View:
    """Reads, and writes nothing. Raises NotFound for a conversation that is not there."""

    def __init__(self, shop: Shop, store: Store, people: Staff, answer_within: timedelta) -> None:
        self._shop = shop
        self._store = store
        self._people = people
        self._hours = support_hours(shop.catalogue.info)
        self._answer_within = answer_within
        self._database = store.database

    def queue(self) -> list[Entry]:
        """Open hand-offs: the most urgent first, then the one that has waited longest."""
        last = (
            sa.select(sa.func.max(turns.c.position))
            .where(turns.c.conversation_id == handoffs.c.conversation_id)
            .correlate(handoffs)
            .scalar_subquery()
        )
        unread = (
            sa.select(sa.func.count())
            .where(
                turns.c.conversation_id == handoffs.c.conversation_id,
                turns.c.position > handoffs.c.seen_position,
            )
            .correlate(handoffs)
            .scalar_subquery()
        )
        query = (
            sa.select(
                handoffs,
                conversations.c.state,
                conversations.c.shopper_key,
                conversations.c.language,
                staff.c.name.label("colleague"),
                unread.label("unread"),
                turns.c.content.label("last"),
            )
            .join(conversations, conversations.c.conversation_id == handoffs.c.conversation_id)
            .join(staff, staff.c.staff_id == handoffs.c.staff_id, isouter=True)
            .join(
                turns,
                (turns.c.conversation_id == handoffs.c.conversation_id)
                & (turns.c.position == last),
                isouter=True,
            )
            .where(handoffs.c.ended_at.is_(None))
            .order_by(handoffs.c.priority.desc(), handoffs.c.asked_at, handoffs.c.handoff_id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [self._entry(row) for row in rows]

    def _entry(self, row: Any) -> Entry:
        kind, _, customer_id = row.shopper_key.partition(":")
        token = str(row.staff_id or "").removeprefix("token:")
        return Entry(
            row.conversation_id,
            row.state,
            customer_id if kind == "customer" else None,
            row.language,
            row.reason,
            row.priority,
            row.asked_at,
            row.staff_id,
            row.colleague or token,
            row.claimed_at,
            row.unanswered_at,
            row.unanswered_at and row.unanswered_at + self._answer_within,
            row.unread,
            str(json.loads(row.last)["text"])[:140] if row.last else "",
            row.email or "",
        )

    def unbriefed(self) -> list[str]:
        """Open hand-offs without a brief, or that wait with newer messages than theirs; the one
        that has waited longest first."""
        last = (
            sa.select(sa.func.coalesce(sa.func.max(turns.c.position), 0))
            .where(turns.c.conversation_id == handoffs.c.conversation_id)
            .correlate(handoffs)
            .scalar_subquery()
        )
        query = (
            sa.select(
                handoffs.c.conversation_id,
                handoffs.c.brief,
                handoffs.c.staff_id,
                last.label("position"),
            )
            .where(
                handoffs.c.ended_at.is_(None),
                handoffs.c.brief.is_(None) | handoffs.c.staff_id.is_(None),
            )
            .order_by(handoffs.c.asked_at)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            row.conversation_id
            for row in rows
            if row.brief is None or brief_from(row.brief).position < row.position
        ]

    def brief(self, conversation_id: str) -> Brief | None:
        """The latest hand-off's; None where none was made, or nothing of it passed."""
        query = (
            sa.select(handoffs.c.brief)
            .where(handoffs.c.conversation_id == conversation_id)
            .order_by(handoffs.c.asked_at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            text = connection.scalar(query)
        brief = brief_from(text) if text else None
        return brief if brief and brief.says_something else None

    def standing(self, conversation_id: str) -> Standing:
        """Where the conversation is, as its shopper may know it."""
        query = (
            sa.select(conversations.c.state, handoffs, staff.c.name.label("colleague"))
            .join(handoffs, isouter=True)
            .join(staff, staff.c.staff_id == handoffs.c.staff_id, isouter=True)
            .where(conversations.c.conversation_id == conversation_id)
            .order_by(handoffs.c.asked_at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise missing(conversation_id)
        if row.state == "with_assistant":
            return Standing(row.state)
        if row.state == "resolved":
            return Standing(row.state, rating=row.rating, may_rate=row.outcome == "resolved")
        colleague = row.colleague or str(row.staff_id or "").removeprefix("token:")
        standing = Standing(
            row.state,
            open=self.is_open(),
            hours=self._hours.words if self._hours else None,
            there=self._people.anybody_there(),
            colleague=colleague,
            email=row.email or "",
        )
        if row.state != "waiting":
            return standing
        before = (handoffs.c.priority > row.priority) | (
            (handoffs.c.priority == row.priority)
            & (
                (handoffs.c.asked_at < row.asked_at)
                | ((handoffs.c.asked_at == row.asked_at) & (handoffs.c.handoff_id < row.handoff_id))
            )
        )
        ahead = sa.select(sa.func.count()).where(
            handoffs.c.ended_at.is_(None), handoffs.c.staff_id.is_(None), before
        )
        with self._database.read() as connection:
            place = 1 + int(connection.execute(ahead).scalar_one())
        return Standing(
            row.state, place, standing.open, standing.there, standing.hours, email=standing.email
        )

    def is_open(self) -> bool:
        """Whether the shop says that people are there at this hour."""
        return self._hours is None or self._hours.open_at(self._shop.catalogue.clock.now())

    def conversation(self, conversation_id: str) -> Conversation:
        return self._store.any_conversation(conversation_id)

    def notes(self, conversation_id: str) -> list[Note]:
        query = (
            sa.select(notes)
            .where(notes.c.conversation_id == conversation_id)
            .order_by(notes.c.at, notes.c.note_id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Note(row.note_id, row.position, row.at, row.author, json.loads(row.text))
            for row in rows
        ]

    def history(self, conversation_id: str) -> list[dict[str, Any]]:
        """Every change of hands, oldest first: the audit of this conversation."""
        query = (
            sa.select(transitions)
            .where(transitions.c.conversation_id == conversation_id)
            .order_by(transitions.c.transition_id)
        )
        names = {who.staff_id: who.name for who, _ in self._people.everyone()}
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            {
                "at": row.at,
                "position": row.position,
                "from": row.from_state,
                "to": row.to_state,
                "by": names.get(row.by.removeprefix("staff:"), row.by),
                "reason": row.reason,
            }
            for row in rows
        ]

    def search(self, wanted: str, limit: int = 30) -> list[dict[str, Any]]:
        """Conversations in which these words were written, or of this customer id, newest first."""
        wanted = wanted.strip()
        if not wanted:
            raise BadInput(
                "the search is empty; give a word, an order number or a customer id",
                "搜索内容为空；请输入词语、订单编号或顾客编号",
            )
        # Text is kept as ASCII JSON, so what is looked for takes the same form.
        needle = json.dumps(wanted)[1:-1]
        said = sa.exists().where(
            turns.c.conversation_id == conversations.c.conversation_id,
            turns.c.content.icontains(needle, autoescape=True),
        )
        query = (
            sa.select(conversations)
            .where(said | (conversations.c.shopper_key == f"customer:{needle}"))
            .order_by(conversations.c.updated_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            {
                "conversation_id": row.conversation_id,
                "customer_id": row.shopper_key.partition("customer:")[2] or None,
                "state": row.state,
                "updated_at": row.updated_at,
            }
            for row in rows
        ]

    def export(self, conversation_id: str) -> dict[str, Any]:
        """Everything about a conversation as JSON."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(handoffs)
                .where(handoffs.c.conversation_id == conversation_id)
                .order_by(handoffs.c.asked_at)
            ).mappings()
            stretches = [
                dict(row)
                | {
                    "summary": json.loads(row["summary"]),
                    "brief": json.loads(row["brief"]) if row["brief"] else None,
                }
                for row in rows
            ]
            made = connection.execute(
                sa.select(audit_log)
                .where(audit_log.c.conversation_id == conversation_id)
                .order_by(audit_log.c.at)
            ).all()
        return {
            "conversation": encode(self.conversation(conversation_id)),
            "handoffs": stretches,
            "notes": [encode(note) for note in self.notes(conversation_id)],
            "history": self.history(conversation_id),
            "changes": [
                {"at": row.at, "action": row.action, **json.loads(row.content)} for row in made
            ],
        }

    def numbers(self, since: datetime) -> Numbers:
        """A team lead's numbers since then."""
        return numbers_of(self._database, since, self._answer_within)


def missing(conversation_id: str) -> NotFound:
    return NotFound(
        f"there is no conversation {conversation_id[:80]!r}",
        f"没有对话{conversation_id[:80]!r}",
    )
