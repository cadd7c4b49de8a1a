"""Web hooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "hooks"


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        TABLE,
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("key", name=f"uq_{TABLE}_key"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table(TABLE)
