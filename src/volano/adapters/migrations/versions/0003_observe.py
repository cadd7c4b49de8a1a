"""Segments, a shop's own names, the shop itself, and what was backed up and forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("segments", "namings", "shops", "backups", "receipts")


def upgrade() -> None:
    """Make their tables."""
    for name in TABLES:
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
    for name in TABLES:
        op.drop_table(name)
