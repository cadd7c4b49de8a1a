"""What a journal on disk survives: crashes, torn tails, disks that fail or are full."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from volano.adapters.journal_file import FileJournal
from volano.errors import BrokenHome, Busy

WRITER = """
import asyncio, sys
from pathlib import Path
from volano.adapters.journal_file import FileJournal
journal = FileJournal(Path(sys.argv[1]), segment=4096)

async def client(number):
    for turn in range(10**9):
        end = await journal.append(f"{number}:{turn}".encode() * 20)
        print(end.position, number, turn, flush=True)

async def main():
    await asyncio.gather(*(client(number) for number in range(8)))

asyncio.run(main())
"""


class Disk:
    """A disk that counts how often it is synced, and fails when told."""

    def __init__(self) -> None:
        self.syncs = 0
        self.broken = False

    def __call__(self, handle: int) -> None:
        self.syncs += 1
        if self.broken:
            raise OSError(5, "Input/output error")
        os.fdatasync(handle)


def payloads(journal: FileJournal, since: int = 0) -> list[bytes]:
    return [payload for _, payload in journal.read(since, 10**9)]


def written(path: Path, *frames: bytes, segment: int = 1 << 20) -> Path:
    """Appends and closes; the last segment file."""
    journal = FileJournal(path, segment=segment)
    for frame in frames:
        journal.append_now(frame)
    journal.close()
    return max((path / "j0").glob("*.log"))


def test_what_was_acknowledged_is_there_after_each_of_three_kills(tmp_path: Path) -> None:
    acknowledged: dict[int, bytes] = {}
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(300):
                position, number, turn = map(int, writer.stdout.readline().split())
                acknowledged[position] = f"{number}:{turn}".encode() * 20
            writer.send_signal(signal.SIGKILL)
    found = {end.position: payload for end, payload in FileJournal(tmp_path).read(0, 10**9)}
    assert acknowledged.items() <= found.items()


@pytest.mark.parametrize("cut", range(1, 8 + len(b"last")))
def test_a_torn_tail_is_cut_off_at_every_byte(tmp_path: Path, cut: int) -> None:
    last = written(tmp_path, b"first", b"last")
    whole = last.stat().st_size
    os.truncate(last, whole - cut)
    journal = FileJournal(tmp_path)
    assert payloads(journal) == [b"first"]
    assert journal.append_now(b"last").position == whole
    assert payloads(journal) == [b"first", b"last"]


def test_zeros_and_rubbish_after_the_last_frame_are_cut_off(tmp_path: Path) -> None:
    last = written(tmp_path, b"first")
    for rubbish in (b"\0" * 64, b"\xff" * 5, b"\x04\0\0\0abcdefgh"):
        last.write_bytes(last.read_bytes() + rubbish)
        journal = FileJournal(tmp_path)
        journal.append_now(b"next")
        journal.close()
    assert payloads(FileJournal(tmp_path)) == [b"first", b"next", b"next", b"next"]


def test_segments_roll_and_positions_go_on_over_them(tmp_path: Path) -> None:
    frames = [b"%03d" % number for number in range(20)]
    written(tmp_path, *frames, segment=40)
    journal = FileJournal(tmp_path, segment=40)
    assert len(list((tmp_path / "j0").glob("*.log"))) == 5
    ends = [end.position for end, _ in journal.read(0, 99)]
    assert ends == [11 * number for number in range(1, 21)]
    assert payloads(journal, since=ends[6]) == frames[7:]


def test_forgetting_deletes_whole_segments_only(tmp_path: Path) -> None:
    written(tmp_path, *(b"%03d" % number for number in range(20)), segment=40)
    journal = FileJournal(tmp_path, segment=40)
    journal.forget(11 * 10)
    assert payloads(journal, 11 * 8) == [b"%03d" % number for number in range(8, 20)]
    journal.forget(10**9)
    assert payloads(journal, 11 * 16) == [b"%03d" % number for number in range(16, 20)]


def test_a_lost_first_segment_is_told(tmp_path: Path) -> None:
    written(tmp_path, *(b"%03d" % number for number in range(20)), segment=40)
    min((tmp_path / "j0").glob("*.log")).unlink()
    journal = FileJournal(tmp_path, segment=40)
    with pytest.raises(BrokenHome, match="begins at 44, what came in from 33 is missing: restore"):
        payloads(journal, since=33)
    assert payloads(journal, since=44)[0] == b"004"


def test_a_new_journal_begins_where_the_lake_is(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, start=500)
    assert payloads(journal, since=500) == []
    assert journal.append_now(b"abc").position == 511
    journal.close()
    assert payloads(FileJournal(tmp_path, start=511), since=500) == [b"abc"]


def test_a_journal_shorter_than_what_the_lake_has_read_is_refused(tmp_path: Path) -> None:
    last = written(tmp_path, b"first", b"last")
    whole = last.stat().st_size
    FileJournal(tmp_path, start=whole)
    os.truncate(last, whole - 12)
    with pytest.raises(BrokenHome, match=f"the lake has read up to {whole}: restore a backup, or move"):
        FileJournal(tmp_path, start=whole)


def test_damage_before_the_last_segment_is_told(tmp_path: Path) -> None:
    written(tmp_path, *(b"%03d" % number for number in range(20)), segment=40)
    first = min((tmp_path / "j0").glob("*.log"))
    raw = bytearray(first.read_bytes())
    raw[20] ^= 1
    first.write_bytes(raw)
    with pytest.raises(BrokenHome, match="damaged at 11"):
        payloads(FileJournal(tmp_path))


def test_every_commit_is_synced_and_frames_that_wait_share_one(tmp_path: Path) -> None:
    disk = Disk()
    journal = FileJournal(tmp_path, sync=disk)

    async def many() -> None:
        await asyncio.gather(*(journal.append(b"x") for _ in range(1_000)))

    asyncio.run(many())
    assert disk.syncs == 1
    for _ in range(5):
        journal.append_now(b"y")
    assert disk.syncs == 6
    journal.close()


def test_after_a_failed_sync_nothing_is_acknowledged_any_more(tmp_path: Path) -> None:
    disk = Disk()
    journal = FileJournal(tmp_path, sync=disk)
    journal.append_now(b"kept")
    disk.broken = True
    with pytest.raises(BrokenHome, match="could not be synced"):
        asyncio.run(journal.append(b"lost?"))
    disk.broken = False
    with pytest.raises(BrokenHome, match="check the disk"):
        asyncio.run(journal.append(b"more"))
    assert payloads(journal) == [b"kept"]


def test_a_full_queue_says_busy(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, waiting=100)

    async def two() -> list[object]:
        return await asyncio.gather(*(journal.append(b"x" * 60) for _ in range(2)), return_exceptions=True)

    results = asyncio.run(two())
    assert [type(result) for result in results[1:]] == [Busy]
    assert payloads(journal) == [b"x" * 60]
    asyncio.run(journal.append(b"again"))
    journal.close()


FULL = """
import resource, signal, sys
from pathlib import Path
from volano.adapters.journal_file import FileJournal
from volano.errors import Busy
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = FileJournal(Path(sys.argv[1]))
journal.append_now(b"first")
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, limit[1]))
try:
    journal.append_now(b"x" * 100)
except Busy as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
journal.append_now(b"last")
print([payload for _, payload in journal.read(0, 9)])
"""


def test_a_full_disk_tears_nothing_and_the_journal_goes_on(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    sentence, found = run.stdout.splitlines()
    assert sentence == "journal 'j0' could not be written (File too large): free some disk"
    assert found == "[b'first', b'last']"


def test_two_writers_on_one_journal_are_refused_and_readers_are_not(tmp_path: Path) -> None:
    first, second = FileJournal(tmp_path), FileJournal(tmp_path)
    first.append_now(b"a")
    with pytest.raises(Busy, match="another process"):
        second.append_now(b"b")
    assert payloads(second) == [b"a"]
    first.close()
    second.append_now(b"b")
    assert payloads(second) == [b"a", b"b"]


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.append_now(b"a")
    journal.close()
    with pytest.raises(BrokenHome, match="closed"):
        asyncio.run(journal.append(b"b"))
    assert payloads(journal) == [b"a"]
