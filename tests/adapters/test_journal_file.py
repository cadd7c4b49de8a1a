"""What a journal on disk survives: crashes, torn tails, disks that fail or are full."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.adapters import journal_notes as notes
from volano.adapters.journal_file import FileJournal, Limits
from volano.adapters.journal_frames import framed, frames_of
from volano.errors import Behind, BrokenHome, Busy, TooLarge

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


def payloads(journal: FileJournal, since: int = 0) -> list[bytes | None]:
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
    with pytest.raises(BrokenHome, match="lacks what came in from 33 to 44: put the missing file back"):
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


def flipped(path: Path, *places: int) -> None:
    """One bit of each of these bytes is not what was written."""
    raw = bytearray(path.read_bytes())
    for place in places:
        raw[place] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("place", range(11, 22))
@pytest.mark.parametrize("segment", [40, 1 << 20])
def test_a_damaged_frame_is_passed_over_kept_and_told(tmp_path: Path, place: int, segment: int) -> None:
    frames: list[bytes | None] = [b"%03d" % number for number in range(20)]
    written(tmp_path, *filter(None, frames), segment=segment)
    flipped(min((tmp_path / "j0").glob("*.log")), place)
    journal = FileJournal(tmp_path, segment=segment)
    frames[1] = None
    assert payloads(journal) == payloads(journal) == frames
    assert [end.position for end, _ in journal.read(0, 3)] == [11, 22, 33]
    assert notes.incidents(tmp_path / "j0") == [notes.Incident(what="damaged", at=11, size=11)]
    aside = tmp_path / "j0" / "damaged" / "00000000000000000011.bin"
    assert len(aside.read_bytes()) == 11
    assert journal.append_now(b"next").position == 20 * 11 + 12


def test_frames_behind_damage_in_the_last_segment_are_not_cut_off(tmp_path: Path) -> None:
    last = written(tmp_path, b"000", b"001", b"002")
    flipped(last, 0, 12)
    last.write_bytes(last.read_bytes() + b"torn")
    journal = FileJournal(tmp_path)
    assert payloads(journal) == [None, b"002"]
    told = journal.claim()
    assert told == ["journal j0 ended in 4 bytes at 33 that were never acknowledged; they are cut off"]
    journal.append_now(b"003")
    assert payloads(journal) == [None, b"002", b"003"]


def test_a_last_frame_that_is_damaged_is_cut_off_but_kept_aside(tmp_path: Path) -> None:
    flipped(written(tmp_path, b"000", b"001"), 20)
    assert "kept in j0/damaged" in FileJournal(tmp_path).claim()[0]
    assert len((tmp_path / "j0" / "damaged" / "00000000000000000011.bin").read_bytes()) == 11


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 200), st.binary(min_size=1, max_size=60))
def test_every_whole_frame_is_found_around_bytes_that_are_none(
    bodies: list[bytes], place: int, rubbish: bytes
) -> None:
    whole = [framed(body) for body in bodies]
    cut = min(place, len(whole))
    before, after = b"".join(whole[:cut]), b"".join(whole[cut:])
    found = list(frames_of(before + rubbish + after))
    assert [payload for _, payload in found[:cut]] == bodies[:cut]
    assert [payload for _, payload in found if payload is not None][
        -len(bodies[cut:]) or len(found) :
    ] == bodies[cut:]
    assert found[-1][0] == len(before + rubbish + after)


def test_a_long_stretch_of_noise_is_passed_over(tmp_path: Path) -> None:
    last = written(tmp_path, b"first", os.urandom(3 << 20), b"last", segment=16 << 20)
    flipped(last, 20)
    assert payloads(FileJournal(tmp_path)) == [b"first", None, b"last"]


def test_a_segment_that_is_missing_is_told_until_a_person_goes_on_without_it(tmp_path: Path) -> None:
    written(tmp_path, *(b"%03d" % number for number in range(20)), segment=40)
    lost = sorted((tmp_path / "j0").glob("*.log"))[2]
    lost.rename(tmp_path / "found.log")
    with pytest.raises(BrokenHome, match=f"lacks what came in from 88 to 132: .* named {lost.name} there"):
        payloads(FileJournal(tmp_path))
    lost.touch()
    assert payloads(FileJournal(tmp_path)).count(None) == 1
    assert "lacks 44 bytes at 88" in notes.incidents(tmp_path / "j0")[0].told("j0")
    shutil.move(tmp_path / "found.log", lost)
    assert payloads(FileJournal(tmp_path)) == [b"%03d" % number for number in range(20)]


def test_a_segment_that_lost_its_end_is_told_likewise(tmp_path: Path) -> None:
    written(tmp_path, *(b"%03d" % number for number in range(20)), segment=40)
    os.truncate(sorted((tmp_path / "j0").glob("*.log"))[2], 30)
    with pytest.raises(BrokenHome, match=r"from 110 to 132: .* named 00000000000000000110.log"):
        payloads(FileJournal(tmp_path))
    (tmp_path / "j0" / "00000000000000000110.log").touch()
    assert payloads(FileJournal(tmp_path))[9:12] == [b"009", None, b"012"]


def test_scrubbing_leaves_nothing_on_the_disk_also_beside_a_writer(tmp_path: Path) -> None:
    writer, drain = FileJournal(tmp_path), FileJournal(tmp_path)
    ends = [writer.append_now(body) for body in (b"secret" * 9, b"secret", b"kept")]
    drain.scrub(ends[1].position)
    writer.append_now(b"next")
    raw = b"".join(path.read_bytes() for path in (tmp_path / "j0").glob("*.log"))
    assert b"secret" not in raw
    assert payloads(drain, ends[1].position) == [b"kept", b"next"]
    writer.close()
    again = FileJournal(tmp_path, start=ends[1].position)
    again.append_now(b"more")
    assert payloads(again, ends[1].position) == [b"kept", b"next", b"more"]
    assert again.claim() == []


def test_scrubbing_deletes_what_was_set_aside(tmp_path: Path) -> None:
    flipped(written(tmp_path, b"secret", b"kept"), 9)
    journal = FileJournal(tmp_path)
    assert payloads(journal) == [None, b"kept"]
    journal.scrub(14)
    assert list((tmp_path / "j0" / "damaged").iterdir()) == []
    assert len(notes.incidents(tmp_path / "j0")) == 1


def test_a_long_journal_is_scrubbed_in_frames_that_can_be_read(tmp_path: Path) -> None:
    size = (5 << 20) + 3
    end = FileJournal(tmp_path).append_now(os.urandom(size))
    FileJournal(tmp_path).scrub(end.position)
    found = payloads(FileJournal(tmp_path))
    assert None not in found
    assert sum(len(body or b"") + 8 for body in found) == size + 8


def test_another_process_says_how_far_it_has_drained(tmp_path: Path) -> None:
    writer = FileJournal(tmp_path, limits=Limits(budget=50))
    end = writer.append_now(b"x" * 60)
    with pytest.raises(Behind, match="faster than it is stored"):
        asyncio.run(writer.append(b"y"))
    FileJournal(tmp_path).forget(end.position)
    later = FileJournal(tmp_path, limits=Limits(budget=50))
    writer.close()
    asyncio.run(later.append(b"y"))


def test_nothing_is_taken_while_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "no-room").write_text("the disk budget is used up: raise VOLANO_DISK_BUDGET")
    with pytest.raises(Busy, match="used up") as told:
        asyncio.run(FileJournal(tmp_path).append(b"x"))
    assert told.value.code == "no_room"
    (tmp_path / "no-room").unlink()
    asyncio.run(FileJournal(tmp_path).append(b"x"))


def test_a_frame_that_no_reader_would_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="send smaller batches"):
        FileJournal(tmp_path).append_now(bytes((32 << 20) + 1))


def test_a_writer_is_named_in_its_lock(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.claim()
    assert (tmp_path / "j0" / "lock").read_text() == str(os.getpid())


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
    journal = FileJournal(tmp_path, limits=Limits(waiting=100))

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
