"""A server that can be killed, and a proxy in front of it that records what it acknowledged."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds for a server to come up, or a request to be taken


class Server:
    """`volano serve` on one home, at a new free port after each start; `before` stands before the command."""

    def __init__(self, home: Path, *words: str, before: Sequence[str] = (), **environment: str) -> None:
        self.home = home
        self.address = ""
        self.write_key = ""
        self._command = [*before, sys.executable, "-m", "volano", "serve", "--home", str(home), *words]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it listens."""
        command = [*self._command, "--port", "0", "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=self._environment)
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.write_key = told["write_key"] or self.write_key  # shown once
        self.address = urlsplit(told["address"]).netloc

    def stop(self, with_signal: signal.Signals | None = None) -> None:
        """Ends it and waits for the end; without a signal only waits."""
        self.address = ""
        if self._process is not None:
            if with_signal is not None:
                self._process.send_signal(with_signal)
            self._process.wait(PATIENCE)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def writer(self, journal: str) -> int:
        """The process that writes a journal, once there is one."""
        lock = self.home / "journal" / journal / "lock"
        self.wait_for(lambda: lock.exists() and lock.read_text())
        return int(lock.read_text() or 0)

    def wait_for(self, true: Callable[[], object]) -> None:
        """Returns once it is so."""
        until = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > until:
                raise TimeoutError("the server has not done it in time")
            time.sleep(0.02)

    def post(self, batch: list[dict[str, Any]]) -> None:
        """Sends events; anything but 200 is an error."""
        body = json.dumps({"writeKey": self.write_key, "batch": batch}).encode()
        status, answer, _ = relayed(self, "/v1/batch", body, {})
        if status != 200:
            raise RuntimeError(f"{status}: {answer.decode()}")


class Record:
    """What went through the proxy: the message ids of each request and how it was answered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: set[str] = set()
        self.cut = 0
        self.handed_on = 0  # requests
        self._changed = Condition()

    def hands_on(self) -> None:
        """A request is on its way to the server."""
        with self._changed:
            self.handed_on += 1
            self._changed.notify_all()

    def wait_for_request(self, number: int, patience: float) -> None:
        """Returns while that request is being answered, or when it has not come in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.handed_on >= number, patience)

    def answered(self, ids: list[str], status: int | None) -> None:
        """A request was answered, or (None) cut off."""
        with self._changed:
            if status == 200:
                self.acknowledged.update(ids)
            self.cut += status is None
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Returns when that many events have been acknowledged."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.acknowledged) >= count, PATIENCE * 4):
                raise TimeoutError(f"{len(self.acknowledged)} of {count} events were acknowledged in time")


@contextmanager
def recording(record: Record) -> Iterator[str]:
    """A proxy in front of the server; its address."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            ids = [event["messageId"] for event in json.loads(plain)["batch"]]
            try:
                told = dict(self.headers.items())
                status, answer, headers = relayed(record.server, self.path, body, told, record.hands_on)
            except (OSError, http.client.HTTPException):
                record.answered(ids, None)
                self.close_connection = True  # the client sees what it would have seen without us
                return
            record.answered(ids, status)
            self.send_response(status)
            for name in ("content-type", "retry-after"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
    finally:
        proxy.shutdown()
        proxy.server_close()


def relayed(
    server: Server,
    path: str,
    body: bytes,
    headers: dict[str, str],
    handed_on: Callable[[], None] = lambda: None,
) -> tuple[int, bytes, dict[str, str]]:
    """The server's answer; a request that comes while it is down waits until it is up."""
    connection = connected(server)
    try:
        connection.request("POST", path, body, headers)
        handed_on()
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, answer.read(), told
    finally:
        connection.close()


def connected(server: Server) -> http.client.HTTPConnection:
    """A connection to the server once it listens; OSError when it does not in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        connection = http.client.HTTPConnection(server.address or "127.0.0.1:1", timeout=PATIENCE)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return connection
    raise TimeoutError("the server does not listen")
