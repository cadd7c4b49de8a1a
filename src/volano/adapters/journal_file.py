"""The journal on disk: what has been acknowledged survives a crash."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from itertools import accumulate, islice
from pathlib import Path
from time import monotonic
from typing import NoReturn, TextIO

from volano.adapters import journal_notes as notes
from volano.adapters.journal_frames import LARGEST, framed
from volano.adapters.journal_segments import Segments
from volano.domain.view import Offset
from volano.errors import Behind, BrokenHome, Busy, TooLarge

SEGMENT = 64 << 20  # bytes after which a new file is begun
_MEND = "restore a backup, or move that folder aside to go on without what only it holds"
_ROOM = "free some disk"
_LOOK_EVERY = 0.5  # seconds between two looks at what another process may have told


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes that may wait for the disk, and acknowledged ones that may wait for the drain."""

    waiting: int = 32 << 20
    budget: int = 1 << 30


class FileJournal:
    """Frames in segment files named by the position of their first byte, in the folder `path/name`.

    Frames that arrive while the disk is busy are written and synced together (group commit). One process
    writes (`claim`, or the first `append`, takes the lock and cuts off a torn tail); any number may read.
    `sync` is called with a file descriptor and returns when the file is on the disk. Positions never go
    back: a new journal begins at `start`, how far the lake has read, and one that ends before it raises
    BrokenHome.
    """

    def __init__(
        self,
        path: Path,
        name: str = "j0",
        *,
        start: int = 0,
        segment: int = SEGMENT,
        limits: Limits = Limits(),  # noqa: B008  frozen
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.name = name
        self._files = Segments(Path(path) / name)
        self._roll = segment
        self._limits = limits
        self._sync = sync
        self._tail: _Tail | None = None
        self._turn = threading.Lock()
        self._broken = ""
        self._queue: list[tuple[bytes, asyncio.Future[Offset]]] = []
        self._waiting = 0
        self._flusher: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"journal-{name}")
        self._start = self._drained = start
        self._upto = self._last_end()
        self._looked = float("-inf")
        self._refusal = ""

    @property
    def end(self) -> int:
        """The position after the last durable frame, as far as this process knows."""
        return self._upto if self._tail else self._last_end()

    def claim(self) -> list[str]:
        """Takes the lock of the writer; what was cut off the end, a sentence each. Busy if another has it."""
        known = notes.incidents(self._files.folder)
        with self._turn:
            self._ready()
        return [one.told(self.name) for one in notes.incidents(self._files.folder) if one not in known]

    async def append(self, payload: bytes) -> Offset:
        """The position after the frame, once it is on the disk.

        Busy when too much is waiting for the disk or it is full (the frame may then be kept or not, and may
        come again), Behind when too much is waiting for the drain. BrokenHome for ever after a sync has
        failed, since nobody then knows what the disk holds.
        """
        self._check(len(payload))
        future: asyncio.Future[Offset] = asyncio.get_running_loop().create_future()
        self._queue.append((payload, future))
        self._waiting += len(payload)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())
        return await future

    def append_now(self, payload: bytes) -> Offset:
        """The same without an event loop; waits for the disk."""
        self._check(len(payload))
        return self._commit([payload])[0]

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes | None]]:
        """At most `limit` durable frames from a position on, each with the position after it.

        None stands for a stretch that is damaged: its bytes are kept in the folder `damaged`. BrokenHome
        when a part from `since` on is not there.
        """
        return islice(self._frames(since), limit)

    def _frames(self, since: int) -> Iterator[tuple[Offset, bytes | None]]:
        tail = self._tail
        known = None if tail is None else (tail.start, tail.end)
        for position, payload in self._files.frames(since, known):
            yield Offset(self.name, position), payload

    def forget(self, before: int) -> None:
        """Deletes segments that end at or below a position; the newest stays."""
        self._files.forget(before)
        if before != self._drained:
            self._drained = before
            notes.write_drained(self._files.folder, before)

    def scrub(self, before: int) -> None:
        """Deletes and writes over all that lies before a position, also while another process appends."""
        self.forget(before)
        self._files.scrub(before)

    def close(self) -> None:
        """Finishes what was begun and lets another process write."""
        self._thread.shutdown()
        with self._turn:
            self._broken = self._broken or f"journal {self.name!r} has been closed: open it again"
            if self._tail is not None:
                self._tail.file.close()
                self._tail.lock.close()
                self._tail = None

    def _last_end(self) -> int:
        """Where the newest segment ends; BrokenHome if the lake has read more than that."""
        starts = self._files.starts()
        end = starts[-1] + self._files.size(starts[-1]) if starts else self._start
        if end < self._start:
            raise BrokenHome(
                f"journal {self._files.folder} ends at {end}, the lake has read up to {self._start}: {_MEND}"
            )
        return end

    def _check(self, size: int) -> None:
        if self._broken:
            raise BrokenHome(self._broken)
        if size > LARGEST:
            raise TooLarge(f"{size:,} bytes are too much for one frame: send smaller batches")
        if self._waiting and self._waiting + size > self._limits.waiting:
            raise Busy(f"journal {self.name!r} has {self._waiting} bytes waiting for the disk: try again")
        self._look()
        if self._refusal:
            raise Busy(self._refusal, "no_room")
        if self._upto + self._waiting - self._drained > self._limits.budget:
            raise Behind("it comes in faster than it is stored: try again in a moment")

    def _look(self) -> None:
        """Hears now and then from the process that drains how far it is, and whether there is room."""
        now = monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            self._refusal = notes.refusal(self._files.folder.parent)
            self._drained = max(self._drained, notes.read_drained(self._files.folder))

    async def _flush(self) -> None:
        """Commits what is queued until nothing is."""
        while self._queue:
            batch, self._queue = self._queue, []
            payloads = [payload for payload, _ in batch]
            try:
                loop = asyncio.get_running_loop()
                offsets = await loop.run_in_executor(self._thread, self._commit, payloads)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, those who wait must hear of it
                _settle(batch, error)
            else:
                _settle(batch, offsets)
            finally:
                self._waiting -= sum(map(len, payloads))

    def _commit(self, payloads: Sequence[bytes]) -> list[Offset]:
        """Writes and syncs frames together; where each one ends."""
        with self._turn:
            if self._broken:
                raise BrokenHome(self._broken)
            try:
                tail = self._ready()
            except OSError as error:
                raise Busy(f"journal {self.name!r} cannot be written ({error.strerror}): {_ROOM}") from error
            written = [framed(payload) for payload in payloads]
            ends = [tail.end + size for size in accumulate(map(len, written))]
            failure = _write(tail.file.fileno(), b"".join(written))
            if failure is not None:
                if os.fstat(tail.file.fileno()).st_size == tail.end - tail.start:
                    raise self._unwritten(failure)  # not a byte of it: there is nothing to mend or to sync
                ends = self._cut(tail, ends)
            self._synced(tail.file)
            self._upto = tail.end = ends[-1] if ends else tail.end
            if failure is not None:
                raise self._unwritten(failure)
            return [Offset(self.name, end) for end in ends]

    def _unwritten(self, failure: OSError) -> Busy:
        return Busy(f"journal {self.name!r} could not be written ({failure.strerror}): {_ROOM}")

    def _cut(self, tail: _Tail, ends: list[int]) -> list[int]:
        """Cuts off the frame that a full disk tore; whole ones stay, since a reader may have seen them."""
        handle = tail.file.fileno()
        whole = [end for end in ends if end - tail.start <= os.fstat(handle).st_size]
        try:
            os.ftruncate(handle, (whole[-1] if whole else tail.end) - tail.start)
        except OSError as error:
            self._fail(f"could not be mended ({error.strerror})", error)
        return whole

    def _synced(self, file: FileIO) -> None:
        try:
            self._sync(file.fileno())
        except OSError as error:
            self._fail(f"could not be synced ({error.strerror})", error)

    def _begin(self, start: int) -> FileIO:
        """A new segment, its name on the disk."""
        file = self._files.begin(start)
        try:
            self._files.sync_names()
        except OSError as error:
            file.close()
            self._fail(f"could not be synced ({error.strerror})", error)
        return file

    def _fail(self, what: str, cause: OSError) -> NoReturn:
        self._broken = f"journal {self.name!r} {what}: check the disk and start again"
        raise BrokenHome(self._broken) from cause

    def _ready(self) -> _Tail:
        """The tail to write to: opened at first use, rolled when it is full."""
        if self._tail is None:
            self._tail = self._open()
        if self._tail.end - self._tail.start >= self._roll:
            full, self._tail.file = self._tail.file, self._begin(self._tail.end)
            full.close()
            self._tail.start = self._tail.end
        return self._tail

    def _open(self) -> _Tail:
        self._files.folder.mkdir(parents=True, exist_ok=True)
        lock = (self._files.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Busy(
                f"journal {self._files.folder} is written by another process: stop that first"
            ) from error
        with suppress(OSError):  # a full disk: the lock holds, and names nobody
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        starts = self._files.starts()
        if not starts:
            return _Tail(lock, self._begin(self._start), self._start, self._start)
        start = starts[-1]
        file = self._files.path(start).open("ab", buffering=0)
        self._upto = self._files.mend(file, start, self._start)
        self._synced(file)  # whole frames that nobody has acknowledged may lie in the cache only
        return _Tail(lock, file, start, self._upto)


@dataclass(slots=True)
class _Tail:
    """The segment being written: positions of its first byte and of the end of what is durable."""

    lock: TextIO
    file: FileIO
    start: int
    end: int


def _write(handle: int, data: bytes) -> OSError | None:
    """Writes all bytes, or says what was in the way."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError as error:
        return error
    return None


def _settle(batch: list[tuple[bytes, asyncio.Future[Offset]]], result: list[Offset] | Exception) -> None:
    """Tells those who still wait."""
    for at, (_, future) in enumerate(batch):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result[at])
