"""A server of profiles that loses what it knew, or cannot be reached, and a home that is copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_home_commands import volano
from tests.faults.homes import caught_up, frame
from tests.flow.site import NOW, order
from tests.valkey_server import Server, a_server
from volano.cli.doctor import Finding, examine
from volano.domain.profile import Profile
from volano.errors import BadInput, BrokenHome
from volano.flow.everybody import everybody
from volano.flow.forgetting import forget
from volano.flow.ingest import drain_all
from volano.settings import Settings
from volano.wiring import House, open_house
from volano.wiring.backups import backup_home, restore_home


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that keeps no log unless the test says so."""
    with a_server(*getattr(request, "param", ())) as made:
        yield made


@pytest.fixture
def home(server: Server, tmp_path: Path) -> House:
    """A house in which Ann, Bob and Cid have ordered."""
    house = open_house(Settings(home=str(tmp_path / "home"), profiles=server.address))
    ordered(house, "ann", "bob", "cid")
    return house


def ordered(house: House, *users: str) -> None:
    """Each orders once more."""
    for user in users:
        number = f"{user}-{house.journal.end}"
        house.journal.append_now(frame(order(number, user=user, message_id=number)))
    assert caught_up(house) == {}


def orders(house: House) -> list[int]:
    return sorted(one.orders for _, one in house.profiles.scan(Profile))


def level(house: House) -> bool:
    return house.profiles.offset("j0") == house.lake.offset("j0") > 0


def found(settings: Settings, what: str = "profiles") -> list[Finding]:
    return [finding for finding in examine(settings, now=NOW) if finding.what == what]


def test_a_server_that_has_lost_its_memory_is_filled_anew(home: House, server: Server) -> None:
    assert everybody(home, ["orders"], now=NOW).num_rows == 3
    server.kill()
    server.start()
    assert (orders(home), home.profiles.offset("j0")) == ([], -1)
    ordered(home, "ann")
    assert (orders(home), level(home)) == ([1, 1, 2], True)
    assert sorted(everybody(home, ["orders"], now=NOW)["orders"].to_pylist()) == [1, 1, 2]


@pytest.mark.parametrize("server", [("--appendonly", "yes")], indirect=True)
def test_a_server_that_keeps_a_log_goes_on_where_it_was(home: House, server: Server) -> None:
    before = home.profiles.offset("j0")
    server.kill()
    server.start()
    assert (orders(home), home.profiles.offset("j0")) == ([1, 1, 1], before)


@pytest.mark.parametrize("server", [("--appendonly", "yes")], indirect=True)
def test_a_server_that_has_lost_its_last_seconds_is_caught_up(home: House, server: Server) -> None:
    before, (log,) = home.profiles.offset("j0"), server.folder.rglob("*.incr.aof")
    size = log.stat().st_size
    ordered(home, "ann", "dan")
    server.kill()
    os.truncate(log, size)  # of a machine that lost its power
    server.start()
    assert (orders(home), home.profiles.offset("j0")) == ([1, 1, 1], before)
    assert caught_up(home) == {}
    assert (orders(home), level(home)) == ([1, 1, 1, 2], True)


@pytest.mark.parametrize("server", [("--appendonly", "yes")], indirect=True)
def test_who_was_forgotten_does_not_come_back_with_what_a_server_has_lost(
    home: House, server: Server
) -> None:
    (log,) = server.folder.rglob("*.incr.aof")
    raw = log.read_bytes()
    forget(home, ["ann"], now=NOW, drain=lambda: drain_all(home))
    assert orders(home) == [1, 1]
    server.kill()
    for path in log.parent.iterdir():  # an old copy of its disk is all that is left
        path.unlink()
    log.write_bytes(raw)
    (log.parent / "appendonly.aof.manifest").write_text(f"file {log.name} seq 1 type i\n")
    server.start()
    assert (orders(home), home.profiles.offset("j0")) == ([1, 1, 1], -1)
    assert caught_up(home) == {}
    assert (orders(home), level(home)) == ([1, 1], True)


def test_events_are_taken_in_and_wait_while_the_server_is_away(home: House, server: Server) -> None:
    server.kill()
    number = f"late-{home.journal.end}"
    home.journal.append_now(frame(order(number, user="ann", message_id=number)))
    assert "cannot be reached" in caught_up(home)["bringing events in"]
    (said,) = found(home.settings)
    assert (said.state, "cannot be reached" in said.says) == ("bad", True)
    assert [one.state for one in found(home.settings, "contents")] == ["good"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOLANO_PROFILES", server.address)
        told = volano("segment", "--rule", "{}", home=home.home, code=2).stderr
    assert told.startswith(f"volano: the live profiles at {server.address} cannot be reached")
    server.start()
    assert caught_up(home) == {}
    assert (orders(home), level(home)) == ([1, 1, 2], True)


def test_a_backup_is_not_restored_to_a_server_that_cannot_be_reached(
    home: House, server: Server, tmp_path: Path
) -> None:
    file, again = tmp_path / "all.tar.gz", replace(home.settings, home=str(tmp_path / "again"))
    backup_home(home.settings, file, lambda *_: None, now=NOW)
    server.kill()
    with pytest.raises(BrokenHome, match="cannot be reached"):
        restore_home(again, file, lambda *_: None)
    assert not Path(again.home).exists()
    server.start()
    restore_home(again, file, lambda *_: None)
    assert orders(open_house(again)) == [1, 1, 1]


def test_the_doctor_says_how_the_server_is(home: House, server: Server) -> None:
    first, second = found(home.settings)
    assert first.says.startswith(f"{server.address} (Valkey ")
    assert (second.state, "writes nothing to its disk" in second.says) == ("warn", True)
    server.ask("CONFIG", "SET", "appendonly", "yes")
    log = found(home.settings)[1]
    assert (log.state, "appendonly yes, appendfsync everysec" in log.says) == ("good", True)
    server.ask("CONFIG", "SET", "maxmemory", "100mb")
    server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    assert "set that to noeviction" in found(home.settings)[0].says
    assert found(Settings(home=str(home.home / "none"))) == []


def test_profiles_are_in_one_place(home: House, server: Server) -> None:
    inside = replace(home.settings, profiles="")
    with pytest.raises(BadInput, match=r"are on a server: name it in VOLANO_PROFILES.*delete .*profiles"):
        open_house(inside)
    assert found(inside, "contents")[0].mend == "mend the setting that it names"
    shutil.rmtree(home.home / "profiles")
    local = open_house(inside)
    assert caught_up(local) == {}
    assert (orders(local), level(local)) == ([1, 1, 1], True)
    with pytest.raises(BadInput, match=r"are kept in .*profiles: to keep them where VOLANO_PROFILES says"):
        open_house(home.settings)


def test_a_copy_of_a_home_has_profiles_of_its_own(home: House, tmp_path: Path) -> None:
    shutil.copytree(home.home, tmp_path / "copy")
    copy = open_house(replace(home.settings, home=str(tmp_path / "copy")))
    assert (orders(copy), copy.profiles.offset("j0")) == ([], -1)
    ordered(copy, "ann")
    assert (orders(copy), orders(home)) == ([1, 1, 2], [1, 1, 1])
    home.home.rename(tmp_path / "moved")
    moved = open_house(replace(home.settings, home=str(tmp_path / "moved")))
    assert (orders(moved), level(moved)) == ([1, 1, 1], True)
