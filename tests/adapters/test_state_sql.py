"""The state database and its migrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, NullPool, Table, create_engine

from tests.migration import lacking
from volano.adapters import migrations
from volano.adapters.state_schema import KINDS, METADATA, Key
from volano.adapters.state_sql import HEAD, SqlState
from volano.domain.account import Source, key_hash
from volano.domain.leak import HomeJourney
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.errors import BrokenHome


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind: one history of migrations is for both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    found: str = request.getfixturevalue("database")
    return found


def engine_of(address: str) -> Engine:
    """Without what the state adds to it."""
    return create_engine(address.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def migrated(address: str, version: str) -> None:
    """A database as an earlier version left it."""
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations.__path__))))
    with engine_of(address).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_the_migrations_make_exactly_the_schema(address: str) -> None:
    SqlState(address).close()
    with engine_of(address).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_each_migration_can_be_made_and_taken_back(address: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations.__path__))))
    with engine_of(address).begin() as connection:
        config.attributes["connection"] = connection
        for step in ("head", "base", *(["+1"] * int(HEAD))):
            command.downgrade(config, step) if step == "base" else command.upgrade(config, step)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_what_the_migrations_lack_is_written_for_both(database: str) -> None:
    more = MetaData(naming_convention=METADATA.naming_convention)
    for table in METADATA.sorted_tables:
        table.to_metadata(more)
    Table("whatever", more, Column("seq", Integer, primary_key=True), Column("key", Key, unique=True))
    more.tables["users"].append_column(Column("seen", Integer))
    written = lacking(database, more)
    assert "op.create_table('whatever'" in written
    assert "with op.batch_alter_table('users'" in written
    assert "sa.Column('key', sa.Text(), nullable=True)" in written
    assert "uq_whatever_key" in written
    assert "op." not in lacking(database)


@pytest.mark.parametrize("version", [f"{number:04d}" for number in range(1, int(HEAD))])
def test_a_state_of_an_earlier_version_is_brought_up_to_date(address: str, version: str) -> None:
    migrated(address, version)
    state = SqlState(address)
    state.put(HomeJourney(), Shop())
    assert (state.find(HomeJourney), state.find(Shop)) == ([HomeJourney()], [Shop()])
    state.close()


def test_a_state_of_a_newer_version_is_left_alone(address: str) -> None:
    SqlState(address).close()
    with engine_of(address).begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(BrokenHome, match=r"was written by a newer Volano \(9999\)"):
        SqlState(address)


def test_head_is_the_newest_file_of_the_folder() -> None:
    folder = Path(next(iter(migrations.__path__))) / "versions"
    assert max(file.name[:4] for file in folder.glob("[0-9]*.py")) == HEAD


def test_what_was_put_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    SqlState(url).put(Source(key="web", name="Web", write_key="w"))
    assert SqlState(url).get(Source, "web").keys[0].hash == key_hash("w")


def test_a_put_that_fails_keeps_none(tmp_path: Path) -> None:
    state = SqlState(f"sqlite:///{tmp_path / 'state.db'}")
    stranger = type(next(iter(KINDS)))  # a class is no noun
    with pytest.raises((KeyError, AttributeError)):
        state.put(Source(key="web", name="Web", write_key="w"), stranger)  # type: ignore[arg-type]
    assert state.find(Source) == []


def test_what_was_replaced_or_dropped_is_off_the_disk_after_a_wipe(tmp_path: Path) -> None:
    state = SqlState(f"sqlite:///{tmp_path / 'state.db'}")
    for number in range(40):
        state.put(Shop(staff=(f"whisper{number}@shop.example",)))
        state.put(Segment(key=f"s{number}", name="whisper", rule={}))
    state.put(Shop(staff=("bob",)))
    for number in range(40):
        state.drop(Segment, f"s{number}")
    state.wipe()
    found = [path.name for path in tmp_path.iterdir() if b"whisper" in path.read_bytes()]
    assert (found, state.get(Shop, "shop").staff) == ([], ("bob",))
