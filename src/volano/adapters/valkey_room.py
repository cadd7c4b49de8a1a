"""A home's part of a Valkey or Redis server: commands, and what goes wrong with them in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha1
from typing import Any
from urllib.parse import urlsplit

from valkey import Valkey, exceptions
from valkey.connection import ConnectionPool, UnixDomainSocketConnection

from volano.errors import BadInput, BrokenHome, Busy

LOST = "LOST"  # how the error of a script begins that finds another in the turn
_UNDONE = ("BUSY", "MISCONF")  # how errors begin of a server that has not begun
_OLDEST = 7  # major version that knows the flags of scripts
_CONNECT, _PATIENCE, _GLANCE = 3.0, 60.0, 0.5  # seconds
_REST = 2.0  # seconds in which nobody is made to wait again after one waited in vain

Word = bytes | str | int


class Script:
    """A program that the server runs at one moment, all of it."""

    def __init__(self, text: str) -> None:
        self.text = text.strip().encode()
        self.name = sha1(self.text, usedforsecurity=False).hexdigest()


class ValkeyRoom:
    """The keys of one home, which begin with `prefix`; nothing is asked of the server before it is needed.

    Whatever goes wrong is a BrokenHome that names the server, without what lets us in, and Refused where it
    has done nothing; Busy where the turn was lost.
    """

    def __init__(self, address: str, home: str) -> None:
        self._address = address
        self.where = told_address(address)
        self.prefix = f"volano:{{{home}}}:".encode()
        self._rests_until = 0.0

    def key(self, name: str) -> bytes:
        """The key of that name."""
        return self.prefix + name.encode()

    def ask(self, *command: Word) -> Any:
        """What the server answers."""
        return self._tried(lambda: self.server.execute_command(*command))

    def told(self, section: str) -> dict[str, Any]:
        """What the server tells of itself."""
        return dict(self._tried(lambda: self.server.info(section)))

    def glance(self, *command: Word) -> Any:
        """The same in half a second or not at all, as somebody waits; then nobody waits for a while."""
        if time.monotonic() < self._rests_until:
            raise self._unreached("it has not answered in time")
        try:
            with self._words():
                return self._hasty.execute_command(*command)
        except _Late as error:
            self._rests_until = time.monotonic() + _REST
            raise self._unreached("it has not answered in time") from error

    def stream(self, *commands: Sequence[Word]) -> list[Any]:
        """What it answers to several, one after the other."""

        def send() -> list[Any]:
            pipe = self.server.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return list(pipe.execute())

        return list(self._tried(send))

    def run(self, script: Script, *words: Word) -> Any:
        """What a script returns, which is told the prefix and these words."""

        def call() -> Any:
            try:
                return self.server.execute_command("EVALSHA", script.name, 0, self.prefix, *words)
            except exceptions.NoScriptError:  # a server that was started anew
                return self.server.execute_command("EVAL", script.text, 0, self.prefix, *words)

        return self._tried(call)

    @cached_property
    def server(self) -> Any:
        """The server, whose long answers we wait for."""
        self._look()
        return self._opened(_PATIENCE)

    @cached_property
    def _hasty(self) -> Any:
        self._look()
        return self._opened(_GLANCE)

    def _opened(self, patience: float) -> Any:
        given = {"socket_connect_timeout": min(_CONNECT, patience), "socket_timeout": patience}
        return Valkey(connection_pool=_pool(self._address, socket_keepalive=True, **given))

    def _look(self) -> None:
        """BrokenHome where our keys would not be safe."""
        server = self._opened(_GLANCE)
        with self._words():
            told = {**server.info("server"), **server.info("memory")}
        version = str(told.get("valkey_version") or told.get("redis_version") or _OLDEST)
        if int(version.partition(".")[0]) < _OLDEST:
            raise BrokenHome(
                f"{self.where} is of version {version}: Volano needs Valkey, or Redis 7 or newer"
            )
        policy = str(told.get("maxmemory_policy", ""))
        if told.get("maxmemory") and policy.startswith("allkeys"):
            raise BrokenHome(
                f"{self.where} drops what it likes when its memory is full (maxmemory-policy {policy}): "
                "set that to noeviction"
            )

    def _tried(self, act: Callable[[], Any]) -> Any:
        try:
            with self._words():
                return act()
        except _Late as error:
            raise self._unreached("it has not answered in time") from error

    def _unreached(self, why: str) -> BrokenHome:
        return BrokenHome(
            f"the live profiles at {self.where} cannot be reached ({why}): "
            "start that server, or name another in VOLANO_PROFILES"
        )

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Errors of the server in our words. What it says itself holds no secrets of ours."""
        try:
            yield
        except exceptions.TimeoutError as error:
            raise _Late from error
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise _kind(error)(
                f"{self.where} does not let us in, or not do what is needed: look at name and password in "
                f"VOLANO_PROFILES ({error})"
            ) from error
        except exceptions.BusyLoadingError as error:
            raise Refused(f"{self.where} is still reading its files: wait a moment") from error
        except exceptions.ConnectionError as error:
            raise self._unreached(_reason(error)) from error
        except exceptions.OutOfMemoryError as error:
            raise _kind(error)(f"{self.where} has no memory left: raise its maxmemory") from error
        except exceptions.ReadOnlyError as error:
            raise Refused(
                f"{self.where} is a replica, which can only be read: name its primary in VOLANO_PROFILES"
            ) from error
        except exceptions.ResponseError as error:
            if str(error).startswith(LOST):
                raise Busy("another had the turn meanwhile, so nothing was kept: try again") from error
            said = str(error).partition(", with args")[0]
            kind = _kind(error) if said.startswith(_UNDONE) else BrokenHome
            raise kind(f"the server at {self.where} refuses: {said}") from error
        except exceptions.ValkeyError as error:
            raise BrokenHome(
                f"what answers at {self.where} is no Valkey and no Redis server: look at VOLANO_PROFILES"
            ) from error


class Refused(BrokenHome):
    """The server has done nothing of what it was told."""


def _kind(error: Exception) -> type[BrokenHome]:
    """Refused, unless a script had begun already."""
    return BrokenHome if " script: " in str(error) else Refused


class _Late(Exception):
    """The server has not answered in time."""


def _pool(address: str, **given: Any) -> Any:
    return ConnectionPool.from_url(address, **given)  # type: ignore[no-untyped-call]


def told_address(address: str) -> str:
    """An address without name, password and options; BadInput if it is none.

    >>> told_address("valkey://shop:secret@cache.example/2")
    'valkey://cache.example:6379/2'
    >>> told_address("redis://[::1]")
    'redis://[::1]:6379/0'
    """
    try:
        pool, parts = _pool(address), urlsplit(address)
        pool.make_connection()  # which it only does with options that it knows
    except (ValueError, TypeError):
        pool = None
    if pool is None or not (parts.scheme == "unix" or re.fullmatch(r"/?\d*", parts.path)):
        raise BadInput(  # the text is not told: a password may stand anywhere in it
            "VOLANO_PROFILES is no address such as valkey://host:6379/0 or redis://:password@host/0; "
            "in a password / is written %2F, # %23 and ? %3F"
        )
    known = pool.connection_kwargs
    if pool.connection_class is UnixDomainSocketConnection:
        return f"unix://{known.get('path', '')}"
    host = known.get("host", "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{known.get('port', 6379)}/{known.get('db', 0)}"


def _reason(error: Exception) -> str:
    """Why there is no connection, without the address that the text ends with.

    >>> _reason(Exception("Error 111 connecting to localhost:1. Connection refused."))
    'Connection refused'
    """
    return str(error).rstrip(".").rpartition(". ")[2]
