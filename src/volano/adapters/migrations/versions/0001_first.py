"""The first tables: one per kind of noun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAMES = (
    "sources",
    "users",
    "sessions",
    "imports",
    "leaks",
    "ideas",
    "beliefs",
    "campaigns",
    "verdicts",
    "lessons",
)


def upgrade() -> None:
    """Make them."""
    for name in NAMES:
        op.create_table(
            name,
            sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            sa.Column("body", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
            sa.UniqueConstraint("key", name=f"uq_{name}_key"),
        )


def downgrade() -> None:
    """Drop them."""
    for name in NAMES:
        op.drop_table(name)
