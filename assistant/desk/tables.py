"""The desk's tables, beside those of the conversations in `assistant.database`."""

from __future__ import annotations

import sqlalchemy as sa

from assistant.database import Time, conversations, metadata


def _conversation(name: str) -> sa.Column[str]:
    """Goes when its conversation goes: nothing at the desk outlives what a shopper had erased."""
    return sa.Column(
        "conversation_id",
        sa.ForeignKey(conversations.c.conversation_id, name=name, ondelete="CASCADE"),
        nullable=False,
    )


handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column("handoff_id", sa.String, primary_key=True),
    _conversation("handoffs_conversation"),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    # What the model made of it, as far as it passed; null before it was asked.
    sa.Column("brief", sa.Text),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("asked_at", Time, nullable=False),
    sa.Column("staff_id", sa.String),
    sa.Column("claimed_at", Time),
    sa.Column("answered_at", Time),
    # Since when the shopper waits for a colleague's word; null when they had the last one.
    sa.Column("unanswered_at", Time),
    sa.Column("seen_position", sa.Integer, nullable=False),
    sa.Column("ended_at", Time),
    sa.Column("outcome", sa.String),
    sa.Column("email", sa.String),
    sa.Column("rating", sa.Integer),
    # The database itself refuses a second open hand-off of a conversation, whoever writes it.
    sa.Index(
        "handoffs_open",
        "conversation_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index("handoffs_asked", "asked_at"),
    sa.Index("handoffs_of_staff", "staff_id"),
)
transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("transition_id", sa.Integer, primary_key=True, autoincrement=True),
    _conversation("transitions_conversation"),
    # How many messages the conversation had: a turn that began before is not the assistant's now.
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("from_state", sa.String, nullable=False),
    sa.Column("to_state", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Index("transitions_of_conversation", "conversation_id", "position"),
)
notes = sa.Table(
    "notes",
    metadata,
    sa.Column("note_id", sa.String, primary_key=True),
    _conversation("notes_conversation"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Index("notes_of_conversation", "conversation_id", "at"),
)
staff = sa.Table(
    "staff",
    metadata,
    sa.Column("staff_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("password_hash", sa.String, nullable=False),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("seen_at", Time),
)
staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column(
        "staff_id",
        sa.ForeignKey(staff.c.staff_id, name="staff_sessions_staff", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("seen_at", Time, nullable=False),
    sa.Index("staff_sessions_of_staff", "staff_id"),
)
staff_tries = sa.Table(
    "staff_tries",
    metadata,
    sa.Column("try_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Index("staff_tries_at", "at"),
)
desk_tokens = sa.Table(
    "desk_tokens",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("created_at", Time, nullable=False),
)
notices = sa.Table(
    "notices",
    metadata,
    sa.Column("notice_id", sa.String, primary_key=True),
    sa.Column("at", Time, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", Time),
    sa.Index("notices_due", "next_at"),
)
