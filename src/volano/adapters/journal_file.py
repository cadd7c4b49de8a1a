"""The journal on disk: what has been acknowledged survives a crash."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from itertools import accumulate, islice, pairwise, zip_longest
from pathlib import Path
from typing import BinaryIO, NoReturn, TextIO
from zlib import crc32

from volano.domain.view import Offset
from volano.errors import BrokenHome, Busy

SEGMENT = 64 << 20  # bytes after which a new file is begun
WAITING = 32 << 20  # bytes that may wait for the disk
_MEND = "restore a backup, or move that folder aside to go on without what only it holds"
_HEAD = struct.Struct("<II")  # length of the payload, crc32 of length and payload
_LENGTH = struct.Struct("<I")


class FileJournal:
    """Frames in segment files named by the position of their first byte, in the folder `path/name`.

    Frames that arrive while the disk is busy are written and synced together (group commit). One process
    writes (the first `append` takes the lock and cuts off a torn tail); any number may read. `sync` is
    called with a file descriptor and returns when the file is on the disk. Positions never go back: a new
    journal begins at `start`, how far the lake has read, and one that ends before it raises BrokenHome.
    """

    def __init__(
        self,
        path: Path,
        name: str = "j0",
        *,
        start: int = 0,
        segment: int = SEGMENT,
        waiting: int = WAITING,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.name = name
        self._folder = Path(path) / name
        self._segment = segment
        self._limit = waiting
        self._sync = sync
        self._tail: _Tail | None = None
        self._turn = threading.Lock()
        self._broken = ""
        self._queue: list[tuple[bytes, asyncio.Future[Offset]]] = []
        self._waiting = 0
        self._flusher: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"journal-{name}")
        self._start = start
        self._check_end()

    async def append(self, payload: bytes) -> Offset:
        """The position after the frame, once it is on the disk.

        Busy when too much is waiting or the disk is full; the frame may then be kept or not, and may come
        again. BrokenHome for ever after a sync has failed, since nobody then knows what the disk holds.
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

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes]]:
        """At most `limit` durable frames from a position on, each with the position after it.

        BrokenHome when the journal begins only after `since`.
        """
        return islice(self._frames(since), limit)

    def forget(self, before: int) -> None:
        """Deletes segments that end at or below a position; the newest stays."""
        starts = self._starts()
        for start, end in pairwise(starts):
            if end <= before:
                self._path(start).unlink(missing_ok=True)

    def close(self) -> None:
        """Finishes what was begun and lets another process write."""
        self._thread.shutdown()
        with self._turn:
            self._broken = self._broken or f"journal {self.name!r} has been closed: open it again"
            if self._tail is not None:
                self._tail.file.close()
                self._tail.lock.close()
                self._tail = None

    def _check_end(self) -> None:
        for last in self._starts()[-1:]:
            end = last + self._path(last).stat().st_size
            if end < self._start:
                raise BrokenHome(
                    f"journal {self._folder} ends at {end}, the lake has read up to {self._start}: {_MEND}"
                )

    def _check(self, size: int) -> None:
        if self._broken:
            raise BrokenHome(self._broken)
        if self._waiting and self._waiting + size > self._limit:
            raise Busy(f"journal {self.name!r} has {self._waiting} bytes waiting for the disk: try again")

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
            tail = self._ready()
            frames = [_frame(payload) for payload in payloads]
            ends = [tail.end + size for size in accumulate(map(len, frames))]
            failure = _write(tail.file.fileno(), b"".join(frames))
            if failure is not None:
                ends = self._cut(tail, ends)
            try:
                self._sync(tail.file.fileno())
            except OSError as error:
                self._fail(f"could not be synced ({error.strerror})", error)
            tail.end = ends[-1] if ends else tail.end
            if failure is not None:
                raise Busy(f"journal {self.name!r} could not be written ({failure.strerror}): free some disk")
            return [Offset(self.name, end) for end in ends]

    def _cut(self, tail: _Tail, ends: list[int]) -> list[int]:
        """Cuts off the frame that a full disk tore; whole ones stay, since a reader may have seen them."""
        handle = tail.file.fileno()
        whole = [end for end in ends if end - tail.start <= os.fstat(handle).st_size]
        try:
            os.ftruncate(handle, (whole[-1] if whole else tail.end) - tail.start)
        except OSError as error:
            self._fail(f"could not be mended ({error.strerror})", error)
        return whole

    def _fail(self, what: str, cause: OSError) -> NoReturn:
        self._broken = f"journal {self.name!r} {what}: check the disk and start again"
        raise BrokenHome(self._broken) from cause

    def _ready(self) -> _Tail:
        """The tail to write to: opened at first use, rolled when it is full."""
        if self._tail is None:
            self._tail = self._open()
        if self._tail.end - self._tail.start >= self._segment:
            self._tail.file.close()
            self._tail.file = self._begin(self._tail.end)
            self._tail.start = self._tail.end
        return self._tail

    def _open(self) -> _Tail:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Busy(f"journal {self._folder} is written by another process: stop that first") from error
        starts = self._starts()
        if not starts:
            return _Tail(lock, self._begin(self._start), self._start, self._start)
        start = starts[-1]
        file = self._path(start).open("ab", buffering=0)
        with self._path(start).open("rb") as whole:
            size = sum(_HEAD.size + len(payload) for payload in _payloads(whole, file.tell()))
        os.ftruncate(file.fileno(), size)
        self._sync(file.fileno())  # whole frames that nobody has acknowledged may lie in the cache only
        return _Tail(lock, file, start, start + size)

    def _begin(self, start: int) -> FileIO:
        """A new segment, its name made durable."""
        file = self._path(start).open("ab", buffering=0)
        for folder in (self._folder, self._folder.parent):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return file

    def _frames(self, since: int) -> Iterator[tuple[Offset, bytes]]:
        starts = self._starts()
        if starts and since < starts[0]:
            raise BrokenHome(
                f"journal {self._folder} begins at {starts[0]}, what came in from {since} is missing: {_MEND}"
            )
        for start, following in zip_longest(starts, starts[1:]):
            if following is not None and following <= since:
                continue
            position = max(since, start)
            try:
                file = self._path(start).open("rb")
            except FileNotFoundError:
                continue  # forgotten meanwhile
            with file:
                end = self._durable(file, start)
                file.seek(position - start)
                for payload in _payloads(file, end - position):
                    position += _HEAD.size + len(payload)
                    yield Offset(self.name, position), payload
            if following is not None and position < following:
                raise BrokenHome(
                    f"journal {self._path(start)} is damaged at {position - start}: restore a backup"
                )

    def _durable(self, file: BinaryIO, start: int) -> int:
        """Up to which position this segment is on the disk; a reader that does not know makes it so."""
        tail = self._tail
        if tail is not None and start == tail.start:
            return tail.end
        size = os.fstat(file.fileno()).st_size
        os.fdatasync(file.fileno())
        return start + size

    def _starts(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.log"))

    def _path(self, start: int) -> Path:
        return self._folder / f"{start:020d}.log"


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


def _frame(payload: bytes) -> bytes:
    length = _LENGTH.pack(len(payload))
    return length + _LENGTH.pack(crc32(payload, crc32(length))) + payload


def _payloads(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The whole frames in the next `size` bytes; stops before one that is torn."""
    while size >= _HEAD.size:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        length, check = _HEAD.unpack(head)
        size -= _HEAD.size + length
        payload = file.read(length) if size >= 0 else b""
        if len(payload) < length or crc32(payload, crc32(head[:4])) != check:
            return
        yield payload


def _settle(batch: list[tuple[bytes, asyncio.Future[Offset]]], result: list[Offset] | Exception) -> None:
    """Tells those who still wait."""
    for at, (_, future) in enumerate(batch):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result[at])
