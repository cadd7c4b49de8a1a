"""`volano serve` as a process of its own, and what it is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 30.0  # seconds


class Served:
    """A server that runs, its address, the first write key, and where the first password is set."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path) -> None:
        self.process, self.home = process, home
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the server has not started"
        told = json.loads(line)
        self.address: str = told["address"]
        self.key: str = told["write_key"]
        self.setup: str = told["setup"]

    def send(self, *messages: str, **more: Any) -> httpx.Response:
        """Events with these message ids, over a connection of their own."""
        batch = [
            {"type": "track", "event": "Seen", "messageId": one, "userId": "u", **more} for one in messages
        ]
        body = {"writeKey": self.key, "batch": batch}
        return httpx.post(f"{self.address}/v1/batch", json=body, timeout=PATIENCE, verify=False)

    def writer(self, journal: str) -> int:
        """The process that writes a journal; 0 if none ever did."""
        lock = self.home / "journal" / journal / "lock"
        return int(lock.read_text() or 0) if lock.exists() else 0


@contextmanager
def serving(home: Path, *words: str, **environment: str) -> Iterator[Served]:
    """A server on a free port, ended afterwards."""
    command = [sys.executable, "-m", "volano", "serve", "--home", str(home), "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}) as process:
        try:
            served = Served(process, home)
            until(lambda: answers(served))
            yield served
        finally:
            if process.poll() is None:
                process.terminate()


def answers(served: Served) -> bool:
    """Whether it listens."""
    try:
        return httpx.get(f"{served.address}/login", timeout=PATIENCE, verify=False).status_code < 500
    except httpx.TransportError:
        return False


def until(true: Callable[[], object]) -> None:
    """Returns once it is so; fails if that takes too long."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it has not come about in time"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
