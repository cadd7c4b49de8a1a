"""The other processes of one server: started, started again when they die, and ended together."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from secrets import token_urlsafe
from threading import Event, Thread

from volano.errors import Busy, VolanoError
from volano.settings import Settings

_AGAIN = 0.5  # seconds before one that died is started again; doubled while it dies at once
_LONGEST = 30.0
_LIVED = 10.0  # seconds after which a death is a new story
_PATIENCE = 10.0  # seconds to finish requests, or to wait for the one before


class Crew:
    """`settings.workers` − 1 processes that accept on the same socket, each with a journal of its own.

    They hear through `inner`, a socket of this process, what is not for them, and end when this process does.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings, self._listener = settings, listener
        self.inner = socket.create_server(("127.0.0.1", 0))
        self.secret = token_urlsafe(24)
        self._ending = Event()
        self._thread = Thread(target=self._watch, name="volano-crew", daemon=True)
        self._members: dict[str, SpawnProcess] = {}

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Tell them to finish; returns at once."""
        self._ending.set()
        for member in list(self._members.values()):
            member.terminate()

    def join(self) -> None:
        """Wait until they have ended."""
        self._thread.join(_PATIENCE)
        for member in self._members.values():
            member.join(_PATIENCE)
            member.kill()

    def _watch(self) -> None:
        names = [f"j{number}" for number in range(1, self._settings.workers)]
        due = dict.fromkeys(names, 0.0)  # when one is to be started
        waits = dict.fromkeys(names, _AGAIN)
        began = dict.fromkeys(names, 0.0)
        while not self._ending.is_set():
            now = time.monotonic()
            for name in [name for name in due if due[name] <= now]:
                self._members[name] = self._spawn(name)
                began[name] = now
                del due[name]
            connection.wait([member.sentinel for member in self._members.values()], timeout=_AGAIN / 2)
            for name, member in list(self._members.items()):
                if name not in due and not member.is_alive():
                    now = time.monotonic()
                    waits[name] = min(_LONGEST, _AGAIN if now - began[name] > _LIVED else waits[name] * 2)
                    due[name] = now + waits[name]
                    del self._members[name]
        for member in self._members.values():  # one may have been started while stop() told the others
            member.terminate()

    def _spawn(self, name: str) -> SpawnProcess:
        host, port = self.inner.getsockname()
        onward = (f"http://{host}:{port}", self.secret)
        member = get_context("spawn").Process(
            target=work,
            args=(self._settings, name, self._listener, onward),
            name=f"volano-{name}",
            daemon=True,
        )
        member.start()
        return member


def work(settings: Settings, name: str, listener: socket.socket, onward: tuple[str, str]) -> None:
    """What such a process does: take events into the journal `name`, until its parent ends or tells it to."""
    from volano.cli.listening import run
    from volano.web.relay import worker_app
    from volano.wiring import claim, open_house

    os.setpgid(0, 0)  # Ctrl-C is for the first process, which tells us
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        house = open_house(settings, journal=name)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                told = claim(house)
                break
            except Busy:  # the one before still finishes its requests
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        for line in told:
            print(f"volano: {line}", file=sys.stderr)  # noqa: T201  what a log is for
        run(worker_app(house, *onward), [listener])
    except VolanoError as error:
        print(f"volano: worker {name}: {error.message}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
