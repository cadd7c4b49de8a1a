"""The turn of a home whose profiles lie on a server: a lock in the home, and a lease for other machines."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from volano.adapters.valkey_room import Refused, ValkeyRoom
from volano.adapters.valkey_scripts import LEAVE, RENEW, TAKE
from volano.errors import BrokenHome, Busy

LEASE = 15.0  # seconds for which the turn is ours unless we say again that we have it
_RETRY = 0.02  # seconds between two looks whether it is free
_WAIT = 1.0  # seconds for which who waits is the next one, unless it looks again
_DIGITS = 20


class Turn:
    """One thread of one process of one machine at a time.

    On a machine a lock on a file is enough, and goes with the process that held it; so who has that lock may
    take over a lease that its own machine left behind.
    """

    def __init__(self, room: ValkeyRoom, folder: Path, *, lease: float, machine: str) -> None:
        self._room, self._lock, self._lease, self._machine = room, folder / "turn.lock", lease, machine
        self._mine = threading.local()
        self.untold = Untold(folder / "untold")

    @property
    def token(self) -> str:
        """What tells that this thread has the turn; "" while it has not."""
        return getattr(self._mine, "token", "")

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Waits for the turn and has it."""
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            token = f"{self._machine}:{secrets.token_hex(8)}"
            while not self._takes(token):
                time.sleep(_RETRY)
            self._mine.token = token
            try:
                with self._renewed(token):
                    yield
            finally:
                self._mine.token = ""
                with suppress(BrokenHome):  # the lease ends by itself
                    self._room.run(LEAVE, token)

    def _takes(self, token: str) -> bool:
        times = (int(1_000 * self._lease), int(1_000 * _WAIT))
        return bool(self._room.run(TAKE, self._machine, token, *times, self.untold.last()))

    @contextmanager
    def _renewed(self, token: str) -> Iterator[None]:
        """Says again and again that we have it. Whether that is still so, each put finds out by itself."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._lease / 3):
                with suppress(BrokenHome):
                    self._room.run(RENEW, token, int(1_000 * self._lease))

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class Untold:
    """The number, in the home, of the last change to the store of which no journal tells.

    It is on the disk before the server is told of the change with it: a server whose own number is smaller
    has lost what nobody could tell it again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> int:
        """The number; 0 before there was one."""
        try:
            return int(self._path.read_bytes() or 0)
        except FileNotFoundError:
            return 0

    @contextmanager
    def next(self) -> Iterator[int]:
        """One that is larger than all before, of a change under way; it does not count if that is refused."""
        before = self.last()
        number = max(time.time_ns() // 1_000, before + 1)
        self._write(number)
        try:
            yield number
        except (Refused, Busy):
            if self.last() == number:
                self._write(before)
            raise

    def _write(self, number: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, b"%0*d" % (_DIGITS, number), 0)
            os.fdatasync(handle)
        finally:
            os.close(handle)


@cache
def machine_name() -> str:
    """What no other machine has, nor this one after it was started anew; else what no other process has."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(16)
