"""`volano serve`: the server of one home, and the lock that keeps a second one out."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from volano.cli.listening import run
from volano.cli.say import Home, Json, now, words
from volano.errors import BadInput, BrokenHome, VolanoError
from volano.ports import Profiles
from volano.settings import Settings
from volano.wiring import FIRST, claim, open_house, read_settings

if TYPE_CHECKING:
    from volano.domain.account import Source
    from volano.web.app import App

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on (default 127.0.0.1).")]
Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Port to listen on (default 8765; 0: any free)."),
]


Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=64, help="Processes that take events and decide (default 1)."),
]


BACKLOG = 2_048  # connections that may wait to be accepted


def serve(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Take events, decide, and show the console.

    Example: volano serve --home ./shop --port 8765
    """
    from volano.cli.crew import Crew
    from volano.web.relay import behind_workers

    settings = read_settings(home=home, host=host, port=port, workers=workers)
    listener = listen(settings.host, settings.port)
    with opened(settings) as (app, source, key):
        address = address_of(listener)
        note = {"address": address, "write_key": key, "setup": setup_address(app, address)}
        if as_json:
            print(msgspec.json.encode(note).decode(), flush=True)  # noqa: T201  the answer itself
        else:
            told = f"write key {key}, shown only now" if key else f"write key {source.shown}"
            words.print(f"Volano listens at {address} · {told}", markup=False)
            if note["setup"]:
                words.print(f"Choose a password for the console at {note['setup']}", markup=False)
        if settings.workers > 1:
            crew = Crew(settings, listener)
            run(behind_workers(app, crew.secret), [listener, crew.inner], crew=crew)
        else:
            run(app, [listener])


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[App, Source, str]]:
    """The home of these settings, which is ours alone, as an application.

    Also its first source, and the write key of that if it was made just now.
    """
    from volano.flow.segments import plant
    from volano.flow.sources import first_source
    from volano.web.app import create_app

    with locked(Path(settings.home).resolve()):
        house = open_house(settings)
        for cut in claim(house):
            words.print(cut, markup=False, soft_wrap=True)
        if trouble := unreached(house.profiles):
            words.print(f"Volano starts, but {trouble}", markup=False, soft_wrap=True)
        source, key = first_source(house.state, now=now())
        plant(house.state, now=now())
        yield create_app(house), source, key or ""


def unreached(profiles: Profiles) -> str:
    """Why the live profiles cannot be read, or ""; events are taken in all the same."""
    try:
        profiles.offset(FIRST)
    except VolanoError as error:
        return error.message
    return ""


def address_of(listener: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def setup_address(app: Any, address: str) -> str:
    """Where the first password is chosen, or "" when there is one."""
    return f"{address}/welcome?token={app.setup_token}" if app.setup_token else ""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, or one sentence that says who is in the way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # who comes while we start waits a moment instead of being refused
    except OSError as error:
        listener.close()
        raise BadInput(
            f"port {port} on {host} cannot be had ({error.strerror}); choose another: --port {port + 1}"
        ) from error
    return listener


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home for one server; BrokenHome names the process that holds it already."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds people: nobody else may look
        lock = (home / "server.lock").open("a+")
    except OSError as error:
        raise BrokenHome(
            f"{home} cannot be written ({error.strerror}); choose another with --home"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            who = lock.read().strip() or "unknown"
            raise BrokenHome(
                f"{home} is served already by process {who}; stop it, or choose another home with --home"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
