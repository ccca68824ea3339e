"""A conversation in short, beside its hand-off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("brief", sa.Text))
