"""Posts to servers of others: to none of ours, over a connection to just the address that was checked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpcore
import httpx

from volano.adapters.addresses import Address, Allowed, parsed, public, spelled
from volano.domain.answer import Answer
from volano.errors import BadInput, Unreachable

Resolve = Callable[[str, int], Iterable[str]]  # the addresses of a name, for a port

_LONGEST = 2_000  # characters of an address on the web
_TRIED = 3  # addresses of a name
_KEPT = 2_000  # bytes of the body of an answer
_OURS = "is an address of this machine or of a network that nobody else can reach"
_OPEN = "is not in VOLANO_HOOK_NETWORKS, and to no other is anything sent without encryption"
_HOW = "if you mean it, name it in VOLANO_HOOK_NETWORKS"


def resolve(host: str, port: int) -> list[str]:
    """What the system says; OSError or UnicodeError where there is no such name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds until it is given up, and how many bytes of an answer are read."""

    connect: float = 5.0
    read: float = 10.0
    whole: float = 15.0
    size: int = 1 << 20


class HttpOutside:
    """Keeps the promises of `ports.Outside`; threads may post at the same time.

    The name is resolved once for each connection and the connection goes to an address of those, so that a
    resolver that says something else the next time is not asked. Redirects are not followed, proxies of the
    environment not used, cookies not kept. `trust` says whose certificates are good (as the system is set).
    """

    def __init__(
        self,
        networks: str = "",
        *,
        resolve: Resolve = resolve,
        limits: Limits | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = Allowed.of(networks)
        self._resolve, self._trust = resolve, trust
        self._limits = limits or Limits()
        self._watch = _Watch()
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._making = threading.Lock()

    def check(self, url: str) -> str:
        """The address as it is kept; BadInput if nothing may be posted there, whatever a name stands for."""
        found = _url(url)
        told = spelled(found.host)
        may_be_named = told is None and self._allowed.networks  # when it is connected to, it is known
        if found.scheme == "http" and not may_be_named and not self._is_named(found.host):
            raise BadInput(f"{url[:200]!r} is not encrypted: give an address that begins with https://")
        if told is not None and not public(told) and not self._is_named(found.host):
            raise BadInput(f"{found.host} {_OURS}: {_HOW}")
        return str(found)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What it answers to the body; Unreachable, in words, if nothing comes back."""
        found, limits = _url(url), self._limits
        self._watch.until = monotonic() + limits.whole
        waits = {"connect": limits.connect, "read": limits.read, "write": limits.read, "pool": limits.whole}
        target = httpcore.URL(
            scheme=found.raw_scheme, host=found.raw_host, port=found.port, target=found.raw_path
        )
        try:
            with self._pool(found.scheme).stream(
                "POST", target, headers=list(headers.items()), content=body, extensions={"timeout": waits}
            ) as answer:
                told = {name.lower(): value for name, value in answer.headers}
                return Answer(
                    status=answer.status,
                    body=self._read(answer)[:_KEPT],
                    retry_after=told.get(b"retry-after", b"").decode("latin-1"),
                )
        except httpcore.TimeoutException as error:
            raise Unreachable(f"{found.host} took too long") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise Unreachable(f"{found.host} cannot be reached: {error or type(error).__name__}") from error

    def _is_named(self, host: str) -> bool:
        told = spelled(host)
        return self._allowed.name(host) or (told is not None and self._allowed.address(told))

    def _read(self, answer: httpcore.Response) -> bytes:
        read = b""
        for chunk in answer.iter_stream():
            read += chunk
            if len(read) >= self._limits.size:  # the rest is left unread, and the connection closed
                break
        return read

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        with self._making:
            if scheme not in self._pools:
                self._pools[scheme] = httpcore.ConnectionPool(
                    ssl_context=self._trust or httpx.create_ssl_context(),
                    network_backend=_Checked(
                        self._resolve, self._allowed, self._watch, only_allowed=scheme == "http"
                    ),
                )
            return self._pools[scheme]


class _Watch(threading.local):
    """Until when the request of this thread may go on."""

    until = float("inf")

    def left(self, wait: float | None) -> float:
        """Seconds of a wait that are left of the whole."""
        left = self.until - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it took too long")
        return left if wait is None else min(wait, left)


class _Checked(httpcore.NetworkBackend):
    """Makes sockets to addresses that may be reached, and to no other.

    `only_allowed`: only to those that the owner names.
    """

    def __init__(self, resolve: Resolve, allowed: Allowed, watch: _Watch, *, only_allowed: bool) -> None:
        self._resolve, self._allowed, self._watch = resolve, allowed, watch
        self._only_allowed = only_allowed
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the addresses that takes one."""
        failed: Exception | None = None
        for address in self._addresses(host, port, self._watch.left(timeout))[:_TRIED]:
            try:
                left = self._watch.left(timeout)
                stream = self._sockets.connect_tcp(str(address), port, left, local_address, socket_options)
                return _Stream(stream, self._watch)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        why = _OPEN if self._only_allowed else f"{_OURS}: {_HOW}"
        raise failed or Unreachable(f"{host} {why}")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        """Never."""
        raise Unreachable(f"{path} {_OURS}")

    def _addresses(self, host: str, port: int, wait: float) -> list[Address]:
        found = list(map(parsed, self._asked(host, port, wait)))
        named = self._allowed.name(host)
        return [one for one in found if one is not None and (named or self._may(one))]

    def _asked(self, host: str, port: int, wait: float) -> list[str]:
        """What the resolver says within so many seconds; one that says nothing is left to itself."""
        said: list[list[str] | OSError | UnicodeError] = []

        def ask() -> None:
            try:
                said.append(list(self._resolve(host, port)))
            except (OSError, UnicodeError) as error:
                said.append(error)

        asking = threading.Thread(target=ask, name="volano-resolving", daemon=True)
        asking.start()
        asking.join(wait)
        if not said:
            raise httpcore.ConnectTimeout(f"nobody says where {host} is")
        if isinstance(said[0], Exception):
            raise Unreachable(f"{host} is no name that anybody knows") from said[0]
        return said[0]

    def _may(self, address: Address) -> bool:
        return self._allowed.address(address) or (not self._only_allowed and public(address))


class _Stream(httpcore.NetworkStream):
    """A connection on which nothing takes longer than the whole may."""

    def __init__(self, inner: httpcore.NetworkStream, watch: _Watch) -> None:
        self._inner, self._watch = inner, watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes."""
        return self._inner.read(max_bytes, self._watch.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of them."""
        self._inner.write(buffer, self._watch.left(timeout))

    def close(self) -> None:
        """Ends it."""
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, *names: Any, **more: Any) -> httpcore.NetworkStream:
        """The same, encrypted; the certificate must be good for the name, not for the address."""
        more["timeout"] = self._watch.left(more.get("timeout"))
        return _Stream(self._inner.start_tls(ssl_context, *names, **more), self._watch)

    def get_extra_info(self, info: str) -> Any:
        """What is known of the socket."""
        return self._inner.get_extra_info(info)


def _url(text: str) -> httpx.URL:
    """The address; BadInput if it is none of a web server, or names a user."""
    if len(text) > _LONGEST:
        raise BadInput(f"the address has {len(text):,} characters; it may have {_LONGEST:,}")
    try:
        found = httpx.URL(text.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise BadInput(
            f"{text[:200]!r} is no address ({error}); give one such as https://crm.example/hook"
        ) from error
    if found.scheme not in ("https", "http") or not found.host:
        raise BadInput(
            f"{text[:200]!r} is no address of a web server; give one such as https://crm.example/hook"
        )
    if found.port is not None and not 0 < found.port < 65_536:
        raise BadInput(f"{text[:200]!r} has the port {found.port}; it must be from 1 to 65535")
    if found.userinfo:
        raise BadInput("the address names a user or a password: leave them out, each call is signed")
    return found.copy_with(fragment=None)
