"""Several processes take events at one address, and live and die together."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx

from tests.served import Served, lives, serving, until
from volano.wiring import journal_names, open_house, read_settings


def both_wrote(served: Served) -> bool:
    """Sends an event and looks whether each of two processes has taken one by now."""
    assert served.send(os.urandom(8).hex()).status_code == 200
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
