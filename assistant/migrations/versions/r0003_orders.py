"""Orders and accounts that shoppers changed, as they are now.

A revision is never edited once released: what changes later is a new file after this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "customer_records",
        sa.Column("customer_id", sa.String, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "order_records",
        sa.Column("customer_id", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
