"""The state database and its migrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from volano.adapters import migrations
from volano.adapters.state_schema import KINDS, METADATA
from volano.adapters.state_sql import HEAD, SqlState
from volano.domain.account import Source, key_hash
from volano.domain.leak import HomeJourney
from volano.domain.segment import Segment
from volano.domain.shop import Shop


def test_the_migrations_make_exactly_the_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    SqlState(url)
    with create_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_home_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations.__path__))))
    with create_engine(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    state = SqlState(url)
    state.put(HomeJourney())
    assert state.find(HomeJourney) == [HomeJourney()]


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
        state.put(Shop(staff=(f"secret{number}@shop.example",)))
        state.put(Segment(key=f"s{number}", name="secret", rule={}))
    state.put(Shop(staff=("bob",)))
    for number in range(40):
        state.drop(Segment, f"s{number}")
    state.wipe()
    found = [path.name for path in tmp_path.iterdir() if b"secret" in path.read_bytes()]
    assert (found, state.get(Shop, "shop").staff) == ([], ("bob",))
