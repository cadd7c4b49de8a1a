"""A disk that is full or read-only: never a false 200, and on it goes once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.faults.disks import read_only, small_disk
from tests.faults.homes import caught_up, opened, rows
from tests.served import Served, serving, until
from tests.web.door import Door
from volano.adapters.journal_file import FileJournal
from volano.errors import Busy
from volano.observe.identity import message_row

Note = Callable[[str, object], None]  # what the report of a run says beside the test
PADDING = "x" * 20_000


def until_refused(served: Served) -> tuple[list[str], httpx.Response]:
    """Sends until it is refused; the messages that were acknowledged, and the refusal."""
    for number in range(1_000):
        answer = served.send(f"m{number}", properties={"padding": PADDING})
        if answer.status_code != 200:
            return [f"m{one}" for one in range(number)], answer
    pytest.fail("it was never refused")


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(tmp_path: Path, record_property: Note) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        with serving(disk.folder / "home") as served:
            record_property("filled by", disk.how)
            assert served.send("before").status_code == 200
            disk.fill(served.process.pid)
            kept, refusal = until_refused(served)
            assert refusal.status_code == 503
            assert refusal.headers["retry-after"]
            assert "free some disk" in refusal.json()["message"]
            disk.free(served.process.pid)
            until(lambda: served.send("after").status_code == 200)
        house = opened(disk.folder / "home")
        assert caught_up(house) == {}
        found = [row["id"] for row in rows(house, "id")]
        assert len(found) == len(set(found))
        assert {message_row("web", one) for one in ("before", *kept, "after")} <= set(found)


def test_events_beyond_the_disk_budget_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "home", VOLANO_DISK_BUDGET="10000") as served:
        until(lambda: served.send("one").status_code == 503)
        refusal = served.send("two")
        assert "the disk budget is used up" in refusal.json()["message"]
        assert refusal.headers["retry-after"]


def test_a_journal_behind_its_budget_is_told_as_429(tmp_path: Path) -> None:
    with serving(tmp_path / "home", VOLANO_JOURNAL_BUDGET="10") as served:
        answers = [served.send(f"m{number}") for number in range(20)]
        late = next(answer for answer in answers if answer.status_code != 200)
        assert (late.status_code, late.json()["code"]) == (429, "behind")
        assert late.headers["retry-after"]
        until(lambda: served.send("later").status_code == 200)


def test_a_home_on_a_read_only_disk_is_told_in_one_sentence(tmp_path: Path, record_property: Note) -> None:
    with read_only(tmp_path / "disk") as how:
        record_property("read-only by", how)
        command = [
            sys.executable,
            "-m",
            "volano",
            "serve",
            "--port",
            "0",
            "--home",
            str(tmp_path / "disk" / "home"),
        ]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert "cannot be written" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_disk_that_becomes_read_only_under_an_open_segment_is_503_until_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = FileJournal(tmp_path)
    door = Door(journal=journal)  # type: ignore[arg-type]
    body = b'{"batch": [{"type": "track", "event": "Seen", "userId": "u"}]}'
    assert door.post(body).status_code == 200

    def refuse(handle: int, *_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as disk:
        for call in ("write", "ftruncate", "fdatasync"):
            disk.setattr(os, call, refuse)
        refused = [door.post(body) for _ in range(3)]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["retry-after"]
    assert door.post(body).status_code == 200
    assert len([*FileJournal(tmp_path).read(0, 9)]) == 2


def test_a_disk_that_becomes_read_only_is_no_reason_to_lie(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "disk")
    (tmp_path / "disk" / "j0").mkdir(parents=True)
    with read_only(tmp_path / "disk"), pytest.raises(Busy, match="cannot be written"):
        journal.append_now(b"x")
    journal.append_now(b"x")
    assert [payload for _, payload in journal.read(0, 9)] == [b"x"]
