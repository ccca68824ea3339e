"""Who a conversation belongs to: the assistant, nobody yet, a colleague, the past.

    with_assistant ⇄ waiting → with_staff → with_assistant
          │             └───────────┴──→ resolved → with_assistant, waiting, with_staff
          └─→ with_staff, resolved

A move is made in the transaction of what causes it, under the conversation's lock, and leaves a
row in `transitions`: who moved it, when, why, and how many messages there were.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from assistant.database import conversations, turns
from assistant.desk.tables import handoffs, notices, transitions
from assistant.errors import Conflict
from assistant.types import ConversationState, Handoff

ALLOWED: Mapping[ConversationState, frozenset[ConversationState]] = {
    "with_assistant": frozenset({"waiting", "with_staff", "resolved"}),
    "waiting": frozenset({"with_assistant", "with_staff", "resolved"}),
    "with_staff": frozenset({"with_assistant", "waiting", "resolved"}),
    "resolved": frozenset({"with_assistant", "waiting", "with_staff"}),
}
PEOPLES: frozenset[ConversationState] = frozenset({"waiting", "with_staff"})
"""States in which the assistant is silent."""
_STILL_ASSISTANTS = sa.select(turns.c.turn_id).where(
    turns.c.turn_id == sa.bindparam("turn"),
    ~sa.exists().where(
        transitions.c.conversation_id == sa.bindparam("conversation"),
        transitions.c.from_state == "with_assistant",
        transitions.c.position >= turns.c.position,
    ),
)
"""The turn, unless the conversation was taken since. Asked before each event, so built once."""
URGENT = frozenset({"complaint", "problem_with_an_order", "upset"})
"""Reasons that go before others in the queue."""


def move(
    connection: sa.Connection,
    conversation_id: str,
    to: ConversationState,
    by: str,
    *,
    reason: str = "",
    handoff: Handoff | None = None,
    staff_id: str | None = None,
) -> None:
    """Move a conversation that the caller has locked, keep its hand-off in step, and leave a
    notice for `assistant.desk.notices`.

    `by` is "shopper", "assistant", "system", `staff:ID` or `token:NAME`. Raises Conflict for a
    move that is not allowed.
    """
    now = datetime.now(UTC)
    came: ConversationState = connection.execute(
        sa.select(conversations.c.state).where(conversations.c.conversation_id == conversation_id)
    ).scalar_one()
    if to not in ALLOWED[came]:
        raise Conflict(
            f"conversation {conversation_id!r} is {came!r} and cannot become {to!r}; "
            "reload to see who has it now"
        )
    connection.execute(
        conversations.update()
        .where(conversations.c.conversation_id == conversation_id)
        .values(state=to, updated_at=now)
    )
    position = last_position(connection, conversation_id)
    connection.execute(
        transitions.insert().values(
            conversation_id=conversation_id,
            position=position,
            at=now,
            from_state=came,
            to_state=to,
            by=by,
            reason=_word(reason),
        )
    )
    told = {
        "conversation_id": conversation_id,
        "from": came,
        "to": to,
        "by": by.partition(":")[0],
        "reason": _word(reason),
        "at": now.isoformat(),
    }
    connection.execute(
        notices.insert().values(
            notice_id=secrets.token_urlsafe(12),
            at=now,
            content=json.dumps(told),
            tries=0,
            next_at=now,
        )
    )
    if to in PEOPLES:
        _open(connection, conversation_id, handoff, reason, staff_id, position, now)
    else:
        change(connection, conversation_id, ended_at=now, outcome=_outcome(to, by))


def left_assistant_since(connection: sa.Connection, conversation_id: str, turn_id: str) -> bool:
    """Whether the conversation was taken from the assistant after this turn's message."""
    asked = {"conversation": conversation_id, "turn": turn_id}
    return connection.scalar(_STILL_ASSISTANTS, asked) is None


def shopper_wrote(connection: sa.Connection, conversation_id: str) -> None:
    """Start the clock of a colleague's answer, unless it runs."""
    connection.execute(
        handoffs.update()
        .where(_open_of(conversation_id), handoffs.c.unanswered_at.is_(None))
        .values(unanswered_at=datetime.now(UTC))
    )


def change(connection: sa.Connection, conversation_id: str, **values: Any) -> None:
    """Change the open hand-off of a conversation, if there is one."""
    connection.execute(handoffs.update().where(_open_of(conversation_id)).values(**values))


def last_position(connection: sa.Connection, conversation_id: str) -> int:
    """0 for a conversation without messages."""
    return int(
        connection.execute(
            sa.select(sa.func.coalesce(sa.func.max(turns.c.position), 0)).where(
                turns.c.conversation_id == conversation_id
            )
        ).scalar_one()
    )


def _open(
    connection: sa.Connection,
    conversation_id: str,
    handoff: Handoff | None,
    reason: str,
    staff_id: str | None,
    position: int,
    now: datetime,
) -> None:
    """Begin a hand-off, or let the open one change hands."""
    claimed = None if staff_id is None else now
    known = connection.scalar(sa.select(handoffs.c.handoff_id).where(_open_of(conversation_id)))
    if known is not None:
        change(connection, conversation_id, staff_id=staff_id, claimed_at=claimed)
        return
    why = handoff.reason if handoff else reason
    connection.execute(
        handoffs.insert().values(
            handoff_id=secrets.token_urlsafe(16),
            conversation_id=conversation_id,
            reason=_word(why),
            summary=json.dumps(handoff.summary if handoff else ""),
            priority=int(why in URGENT),
            asked_at=now,
            staff_id=staff_id,
            claimed_at=claimed,
            unanswered_at=now,
            seen_position=0 if staff_id is None else position,
        )
    )


def _word(reason: str) -> str:
    # What a database cannot keep as text is no reason that anybody counts.
    return reason.encode("ascii", "backslashreplace").decode().replace("\0", "")


def _outcome(to: ConversationState, by: str) -> str:
    if to == "resolved":
        return "resolved"
    return "withdrawn" if by == "shopper" else "returned"


def _open_of(conversation_id: str) -> sa.ColumnElement[bool]:
    return (handoffs.c.conversation_id == conversation_id) & handoffs.c.ended_at.is_(None)
