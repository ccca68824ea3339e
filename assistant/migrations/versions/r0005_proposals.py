"""Who proposed a change: the assistant or a colleague."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "changes",
        sa.Column("proposed_by", sa.String, nullable=False, server_default="assistant"),
    )
