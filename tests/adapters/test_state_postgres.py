"""The state in PostgreSQL: whose it is, what it does while the database is away, and what it leaves there."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from tests.flow.site import NOW
from tests.postgres import Postgres, kill_backends
from volano.adapters import state_postgres
from volano.adapters.state_sql import SqlState
from volano.domain.account import Source, User
from volano.domain.saved_list import Members, SavedList
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.errors import BadInput, BrokenHome, Busy, VolanoError
from volano.settings import Settings
from volano.wiring import open_house, open_state
from volano.wiring.backups import backup_home, restore_home


def source(key: str) -> Source:
    return Source(key=key, name=key, write_key=f"w_{key}")


def still(_done: int, _total: int) -> None:
    """Nobody watches."""


def run(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def name_of(address: str) -> str:
    """The name of the database."""
    return urlsplit(address).path[1:]


def test_a_connection_that_died_is_replaced(database: str) -> None:
    state = SqlState(database)
    state.put(source("before"))
    assert kill_backends(database) > 0
    assert state.find(Source) == [source("before")]
    assert kill_backends(database) > 0
    state.put(source("after"))
    assert len(state.find(Source)) == 2


def test_first_starts_at_once_migrate_once(database: str, tmp_path: Path) -> None:
    refused: list[VolanoError] = []

    def start() -> None:
        try:
            SqlState(database, tmp_path).find(Source)
        except VolanoError as error:
            refused.append(error)

    threads = [Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []


PUTS = """
import sys
from volano.adapters.state_sql import SqlState
from volano.domain.account import Source
state = SqlState(sys.argv[1])
for turn in range(50):
    state.put(*(Source(key=f"{number}", name=f"{sys.argv[2]} {turn}") for number in range(5)))
    state.put(Source(key=f"{sys.argv[2]} {turn}", name="own"))
"""


def test_two_processes_that_put_at_once_lose_nothing_and_mix_nothing(database: str) -> None:
    SqlState(database)
    at_once = [subprocess.Popen([sys.executable, "-c", PUTS, database, who]) for who in ("a", "b")]
    assert [process.wait(60) for process in at_once] == [0, 0]
    found = SqlState(database).find(Source)
    assert len({one.name for one in found[:5]}) == 1
    assert len(found) == 105


def test_a_change_uses_up_no_number(database: str) -> None:
    state = SqlState(database)
    for _ in range(20):
        state.put(source("a"))
    state.put(source("b"))
    with psycopg.connect(database) as connection:
        assert connection.execute("select max(seq) from sources").fetchone() == (2,)


def test_a_writer_waits_for_the_one_before_and_then_says_so_while_readers_go_on(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_postgres, "_WAIT", "50ms")
    state, other = SqlState(database), SqlState(database)
    state.put(source("a"))
    with other._database.engine.begin():
        assert state.find(Source) == [source("a")]
        with pytest.raises(Busy, match=r"did not take the change .*lock timeout.*try again"):
            state.put(source("b"))
    state.put(source("b"))


def test_a_reader_does_not_wait_for_long_for_one_who_holds_a_table(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_postgres, "_BRIEF", "50ms")
    state = SqlState(database)
    state.put(source("a"))
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE sources")
        with pytest.raises(Busy, match=r"did not answer .*lock timeout"):
            state.find(Source)
        with pytest.raises(Busy, match=r"did not wipe itself .*lock timeout"):
            state.wipe()
    state.wipe()
    assert state.find(Source) == [source("a")]


def test_a_host_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(BrokenHome, match="timeout expired"):
            SqlState(f"postgresql://shop@127.0.0.1:{port}/shop?connect_timeout=1")


def test_what_cannot_be_used_is_named_without_its_password(postgres: Postgres, tmp_path: Path) -> None:
    secret = "sesame%40open"
    told = []
    for address, says in (
        (f"postgresql://shop:{secret}@127.0.0.1:1/shop", "postgresql://127.0.0.1:1/shop did not open"),
        (postgres.address("nothing"), r"postgresql://localhost/nothing did not open \(.*does not exist"),
        (f"mysql://shop:{secret}@h/x", "takes a PostgreSQL address"),
        (f"postgresql://shop:{secret}@[::1/x", "cannot be read"),
        (f"postgresql://shop:{secret}@h/x?colour={secret}", "cannot be read"),
        (
            postgres.database(options="ENCODING 'SQL_ASCII' TEMPLATE template0"),
            "make it with ENCODING 'UTF8'",
        ),
    ):
        with pytest.raises((BrokenHome, BadInput), match=says) as refused:
            SqlState(address, tmp_path)
        told.append(str(refused.value))
    told.append(repr(Settings(state=postgres.address("any"))))
    assert not [text for text in told if "sesame" in text]


def test_one_that_may_not_make_tables_says_what_is_missing(postgres: Postgres, database: str) -> None:
    run(database, "CREATE ROLE guest LOGIN")
    guest = database.replace("postgres:sesame%40open@", "guest@")
    with pytest.raises(BrokenHome, match=r"permission denied for schema public.*let its user make"):
        SqlState(guest)
    run(database, "DROP ROLE guest")


def test_a_database_whose_disk_is_full_is_told_with_its_mend_and_keeps_none(database: str) -> None:
    state = SqlState(database)
    run(
        database,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON users EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(Busy, match=r"\(could not extend file\); make room on its disk"):
        state.put(source("a"), User(key="owner", password_hash="x"))
    assert state.find(Source) == []


def test_a_database_that_can_only_be_read_says_so(database: str) -> None:
    state = SqlState(database)
    run(database, f"ALTER DATABASE {name_of(database)} SET default_transaction_read_only = on")
    kill_backends(database)
    with pytest.raises(Busy, match="can only be read"):
        state.put(source("a"))


def test_while_no_connection_can_be_made_none_is_tried_and_all_are_told(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.database()
    state = SqlState(database)
    state.put(source("a"))
    postgres.shut(database)
    with pytest.raises(Busy, match="did not answer"):
        state.find(Source)
    postgres.reopen(database)
    with pytest.raises(Busy, match="did not answer"):
        state.find(Source)  # nobody tried
    monkeypatch.setattr(state_postgres, "_REST", 0.0)
    assert state.find(Source) == [source("a")]


def test_a_second_home_is_refused_and_may_have_a_schema_of_its_own(database: str, tmp_path: Path) -> None:
    first = open_house(Settings(home=str(tmp_path / "first"), state=database))
    first.state.put(source("a"))
    with pytest.raises(BrokenHome, match="is not empty, it has the state of another home"):
        open_house(Settings(home=str(tmp_path / "second"), state=database))
    run(database, "CREATE SCHEMA second")
    schema = f"{database}&options={quote('-csearch_path=second')}"
    second = open_house(Settings(home=str(tmp_path / "second"), state=schema))
    second.state.put(source("b"))
    assert [one.key for one in first.state.find(Source)] == ["a"]
    assert [
        one.key for one in open_state(Settings(home=str(tmp_path / "first"), state=database)).find(Source)
    ] == ["a"]
    with pytest.raises(BrokenHome, match="another home"):
        open_state(Settings(home=str(tmp_path / "second"), state=database))


def test_tables_of_another_program_are_left_alone(database: str, tmp_path: Path) -> None:
    run(database, "CREATE TABLE users (id int)", "INSERT INTO users VALUES (1)")
    with pytest.raises(BrokenHome, match="tables of another program"):
        SqlState(database, tmp_path)
    run(database, "DROP TABLE users", "CREATE TABLE alembic_version (version_num text)")
    with pytest.raises(BrokenHome, match="tables of another program"):
        SqlState(database, tmp_path)


def test_a_home_whose_state_is_elsewhere_gets_no_second_one(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    there, here = (
        Settings(home=str(tmp_path / "there"), state=database),
        Settings(home=str(tmp_path / "here")),
    )
    open_house(there).state.put(source("a"))
    with pytest.raises(BrokenHome, match=r"is in postgresql://localhost/\w+: set VOLANO_STATE"):
        open_state(Settings(home=there.home))
    with pytest.raises(BrokenHome, match="is empty: set VOLANO_STATE to the right one, or delete"):
        open_state(Settings(home=there.home, state=postgres.database()))
    open_house(here)
    with pytest.raises(BrokenHome, match="has a state of its own"):
        open_state(Settings(home=here.home, state=postgres.database()))
    assert "sesame" not in (tmp_path / "there" / "state.where").read_text()


def test_a_start_that_was_killed_leaves_a_database_that_can_be_taken(database: str, tmp_path: Path) -> None:
    SqlState(database, tmp_path)
    (tmp_path / "state.where").unlink()
    SqlState(database, tmp_path).put(source("a"))
    assert SqlState(database, tmp_path).find(Source) == [source("a")]


def test_what_was_replaced_or_dropped_is_in_no_file_of_a_table_after_a_wipe(
    postgres: Postgres, database: str
) -> None:
    state = SqlState(database)
    members = tuple(f"secret-{number}@shop.example" for number in range(2_000))
    state.put(SavedList(key="vip", name="VIP", members=2_000), Members(key="vip", values=members))
    for number in range(40):
        state.put(Shop(staff=(f"secret{number}@shop.example",)))
        state.put(Segment(key=f"s{number}", name="secret", rule={}))
    state.put(Shop(staff=("bob",)))
    state.drop(Members, "vip")
    for number in range(40):
        state.drop(Segment, f"s{number}")
    assert scraps(postgres, database)
    state.wipe()
    assert (scraps(postgres, database), state.get(Shop, "shop").staff) == ([], ("bob",))


def scraps(postgres: Postgres, database: str) -> list[str]:
    """The files of the tables in which a secret can be read."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        found = connection.execute(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't') "
            "AND relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)"
        ).fetchall()
    paths = [postgres.data / path for (path,) in found if path]
    return [path.name for path in paths if path.is_file() and b"secret" in path.read_bytes()]


def test_a_backup_takes_the_state_along_and_goes_into_any_other(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    house = open_house(Settings(home=str(tmp_path / "home"), state=database))
    house.state.put(source("b"), source("a"), User(key="owner", password_hash="x"), Shop(staff=("é\0😀",)))
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    for name, place in (("here", ""), ("there", postgres.database())):
        again = Settings(home=str(tmp_path / name), state=place)
        restore_home(again, tmp_path / "all.tar.gz", still)
        state = open_house(again).state
        assert [one.key for one in state.find(Source)] == ["b", "a"]
        assert state.find(Shop) == house.state.find(Shop)
        assert state.find(User) == house.state.find(User)
        assert (tmp_path / name / "state.db").exists() == (not place)


def test_a_backup_of_a_state_in_the_home_moves_into_a_database(database: str, tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    house.state.put(source("a"))
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    again = Settings(home=str(tmp_path / "again"), state=database)
    restore_home(again, tmp_path / "all.tar.gz", still)
    assert open_house(again).state.find(Source) == [source("a")]


def test_a_restore_into_a_database_that_is_not_empty_changes_nothing(database: str, tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home"), state=database))
    house.state.put(source("a"))
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    with pytest.raises(BrokenHome, match="is not empty"):
        restore_home(Settings(home=str(tmp_path / "again"), state=database), tmp_path / "all.tar.gz", still)
    assert not (tmp_path / "again").exists()
    assert house.state.find(Source) == [source("a")]
