"""Several processes take events at one address, and live and die together."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import httpx
import pyarrow as pa

from tests.act.campaigns import campaign
from tests.served import Served, lives, serving, until
from volano.act.choose import snapshot
from volano.adapters.caps_lmdb import LmdbCaps
from volano.domain.campaign import Cap
from volano.domain.durations import HOUR
from volano.flow.decide import decide_block
from volano.observe.identity import identity
from volano.wiring import journal_names, open_house, read_settings


def both_wrote(served: Served) -> bool:
    """Sends an event and looks whether each of two processes has taken one by now."""
    assert served.send(os.urandom(8).hex()).status_code == 200
    return both_hold(served)


def both_hold(served: Served) -> bool:
    """Whether each of two processes has taken something by now."""
    journals = served.home / "journal"
    return all(any(path.stat().st_size for path in (journals / name).glob("*.log")) for name in ("j0", "j1"))


def test_two_processes_take_events_and_one_shows_the_console_to_all(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--workers", "2") as served:
        until(lambda: both_wrote(served))
        pages = [httpx.get(f"{served.address}/login") for _ in range(12)]
        assert {page.status_code for page in pages} <= {200, 303}
        assert all("content-security-policy" in page.headers for page in pages)
        guesses = [httpx.post(f"{served.address}/login", data={"password": "wrong"}) for _ in range(8)]
        assert "try again in" in guesses[-1].text  # one brake for all


def test_two_processes_count_caps_as_one_and_know_what_the_lake_tells(tmp_path: Path) -> None:
    house = open_house(read_settings({}, home=str(tmp_path / "home")))
    once, now = Cap(times=1, days=7), time.time_ns() // 1000
    live = campaign(cap=once)
    house.state.put(live)
    house.caps.fill(())
    ids = {"person_id": identity("a:old"), "identity": identity("a:old")}
    people = pa.Table.from_pylist([{**ids, "known_as": "a:old", "assigned_by": "old"}])
    block = decide_block(snapshot([live]), people, origin="web", now=now - 2 * HOUR, caps=house.caps)
    house.lake.append({"decisions": block.rows})
    shutil.rmtree(tmp_path / "home" / "caps")
    with serving(tmp_path / "home", "--workers", "2") as served:
        asked: list[str] = []

        def given(who: str = "") -> bool:
            asked.append(who or os.urandom(8).hex())
            body = {"writeKey": served.key, "anonymousId": asked[-1]}
            answer = httpx.post(f"{served.address}/v1/decide", json=body)
            assert answer.status_code == 200, answer.text
            return len(answer.json()["campaigns"]) == 1

        until(given)  # the counter is filled
        asked.clear()
        until(lambda: given() and both_hold(served))
        assert not any(given("old") for _ in range(12))
        caps = LmdbCaps(tmp_path / "home" / "caps")
        for who in asked:
            assert not caps.take([identity(f"a:{who}")], [(live.salt, once)], now=now + HOUR), who


def test_a_process_that_dies_is_started_again_and_all_end_with_the_first(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--workers", "2") as served:
        until(lambda: served.writer("j1"))
        first = served.writer("j1")
        os.kill(first, signal.SIGKILL)
        until(lambda: served.writer("j1") != first)
        second = served.writer("j1")
        until(lambda: both_wrote(served))
        served.process.terminate()
        served.process.wait(20)
        until(lambda: not lives(second))


def test_nobody_goes_on_when_the_first_process_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--workers", "2") as served:
        until(lambda: served.writer("j1"))
        worker = served.writer("j1")
        served.process.kill()
        until(lambda: not lives(worker))
    house = open_house(read_settings({}, home=str(tmp_path / "home")))
    assert journal_names(house.home) == ["j0", "j1"]
    assert [journal.name for journal in house.journals()] == ["j0", "j1"]
