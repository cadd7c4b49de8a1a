"""Secret keys, and when each was last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("secret_keys", "key_uses")


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
