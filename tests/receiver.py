"""Somebody else's server, a real one: it answers as it is told and remembers what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = int | tuple[int, dict[str, str]]  # a status, or one with headers


@dataclass
class Got:
    """One request as it came; `reply` is the status it was answered with."""

    path: str
    headers: dict[str, str]
    body: bytes
    reply: int


@dataclass
class Receiver:
    """What came so far, and the answers that are still to be given before all is taken (204)."""

    host: str
    port: int
    script: list[Reply] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it takes calls."""
        return f"http://{self.host}:{self.port}/hook"

    def taken(self) -> list[Got]:
        """What was answered with a 2xx."""
        with self.lock:
            return [one for one in self.got if 200 <= one.reply < 300]


@contextmanager
def receiving(
    *script: Reply, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """One that listens until the block ends; then its port answers nobody."""

    class Handler(BaseHTTPRequestHandler):
        """Answers in turn as the script says."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Take it down and answer."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with receiver.lock:
                reply = receiver.script.pop(0) if receiver.script else 204
                status, headers = (reply, {}) if isinstance(reply, int) else reply
                told = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, told, body, status))
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        """Its connections end with it, so that a client must ask anew."""

        daemon_threads = True
        block_on_close = False
        open: Sequence[Any] = ()

        def process_request(self, request: Any, client_address: Any) -> None:
            """Remember the connection."""
            self.open = [*self.open, request]
            super().process_request(request, client_address)

        def handle_error(self, *_: Any) -> None:
            """Say nothing."""

    server = Server((host, port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(host, server.server_address[1], list(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        for request in server.open:
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
