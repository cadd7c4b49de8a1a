"""What is acknowledged is kept: Segment's own client, a recording proxy, and a server killed with -9.

    python -m benchmarks.kill [events]

The floor is arithmetic, not speed: every acknowledged event is in the lake exactly once.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from urllib.parse import urlsplit

from segment.analytics.client import Client

from volano.domain.view import View
from volano.flow.ingest import drain
from volano.observe.identity import message_row
from volano.wiring import open_house, read_settings

KILLS = 3
UPLOAD = 50  # events in a request
SENDERS = 6  # threads of the client, so that a kill finds requests on their way
PATIENCE = 60.0  # seconds for a server to come up, or a request to be taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one trial: events, kills, and seconds."""

    sent: int
    acknowledged: int  # in batches that were answered 200
    in_lake: int
    lost: int  # acknowledged, not in the lake
    duplicates: int  # rows beyond the first of their message
    kills: int
    cut: int  # requests that a kill cut off
    seconds: float


class Server:
    """`volano serve` on one home, at a new free port after each start."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.address = ""
        self.write_key = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it listens."""
        command = [sys.executable, "-m", "volano", "serve", "--home", str(self.home), "--port", "0", "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.write_key = told["write_key"]
        self.address = urlsplit(told["address"]).netloc

    def stop(self, with_signal: signal.Signals) -> None:
        """Ends it and waits for the end."""
        self.address = ""
        if self._process is not None:
            self._process.send_signal(with_signal)
            self._process.wait(PATIENCE)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


class Record:
    """What went through the proxy: the message ids of each request and how it was answered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: list[str] = []
        self.cut = 0
        self._changed = Condition()

    def answered(self, ids: list[str], status: int | None) -> None:
        """A request was answered, or (None) cut off."""
        with self._changed:
            if status == 200:
                self.acknowledged += ids
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
                status, answer, headers = relayed(record.server, self.path, body, dict(self.headers.items()))
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
    server: Server, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, bytes, dict[str, str]]:
    """The server's answer; a request that comes while it is down waits until it is up."""
    connection = connected(server)
    try:
        connection.request("POST", path, body, headers)
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


def trial(events: int, home: Path, kills: int = KILLS) -> Figures:
    """Sends the events, kills and restarts the server on the way, and counts what the lake holds."""
    began = time.monotonic()
    server = Server(home)
    record = Record(server)
    server.start()
    try:
        with recording(record) as address:
            client = Client(
                server.write_key, host=address, gzip=True, thread=SENDERS, timeout=PATIENCE,
                upload_size=UPLOAD, upload_interval=0.2, max_queue_size=events + 1,
            )  # fmt: skip
            sender = Thread(target=send, args=(client, events))
            sender.start()
            for number in range(kills):
                record.wait_for(events * (number + 1) // (kills + 1))
                server.stop(signal.SIGKILL)
                server.start()
            sender.join()
            client.join()
    finally:
        server.stop(signal.SIGTERM)
    found = in_lake(home)
    promised = {message_row("web", message) for message in record.acknowledged}
    return Figures(
        sent=events,
        acknowledged=len(record.acknowledged),
        in_lake=found.total(),
        lost=len(promised - found.keys()),
        duplicates=found.total() - len(found),
        kills=kills,
        cut=record.cut,
        seconds=round(time.monotonic() - began, 1),
    )


def send(client: Client, events: int) -> None:
    """Visits, product views and orders of a few hundred people; returns when all were answered."""
    for number in range(events):
        person = f"visitor-{number % 300}"
        if number % 10 == 9:
            client.track(person, "Order Completed", {"revenue": 10 + number % 7, "currency": "EUR"})
        elif number % 10 == 0:
            client.page(person, properties={"url": "https://shop.example/"})
        else:
            client.track(person, "Product Viewed", {"product_id": f"p{number % 40}"})
    client.flush()


def in_lake(home: Path) -> Counter[int]:
    """How often each event's id is in the lake, once what waits in the journal has been moved there."""
    house = open_house(read_settings({}, home=str(home)))
    while drain(house.journal, house.lake, house.profiles):
        pass
    return Counter(house.lake.read(View(columns=("id",)))["id"].to_pylist())


def main() -> None:
    """Prints the figures as JSON; exits 1 when an acknowledged event is lost or doubled."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    os.environ.pop("VOLANO_HOME", None)
    with tempfile.TemporaryDirectory() as folder:
        figures = trial(events, Path(folder))
    print(json.dumps(asdict(figures)))
    sys.exit(1 if figures.lost or figures.duplicates else 0)


if __name__ == "__main__":
    main()
