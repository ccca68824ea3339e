"""One-time codes, changes that wait for a yes, and the log of those that were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sign_in_codes",
        sa.Column("code_id", sa.String, primary_key=True),
        sa.Column("visit_hash", sa.String, nullable=False),
        sa.Column("address_hash", sa.String, nullable=False),
        sa.Column("customer_id", sa.String),
        sa.Column("salt", sa.String, nullable=False),
        sa.Column("code_hash", sa.String, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("sign_in_codes_of_visit", "sign_in_codes", ["visit_hash", "sent_at"])
    op.create_index("sign_in_codes_of_address", "sign_in_codes", ["address_hash", "sent_at"])
    op.create_table(
        "changes",
        sa.Column("change_id", sa.String, primary_key=True),
        sa.Column(
            "turn_id",
            sa.String,
            sa.ForeignKey("turns.turn_id", name="changes_turn", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("shopper_key", sa.String, nullable=False),
        sa.Column("customer_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("changes_of_conversation", "changes", ["conversation_id"])
    op.create_table(
        "audit_log",
        sa.Column("change_id", sa.String, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shopper_key", sa.String, nullable=False),
        sa.Column("customer_id", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("audit_log_of_shopper", "audit_log", ["shopper_key", "at"])
