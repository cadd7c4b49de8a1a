"""What an event costs at the door: CPU of the intake against a raw ASGI app that decodes and answers 200.

    python -m benchmarks.intake [batches]

Each is served by uvicorn in a process of its own, whose CPU time is read before and after the same requests,
sent over a few connections at a time. `read_us` only reads the body; `floor_us` decodes it with msgspec too;
`unsynced_us` is the intake with a journal in memory: what is missing to `intake_us` is the price of the disk.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

EVENTS = 50  # in a batch of about 48 KB, as in the design notes
CONNECTIONS = 6
KEY = "wk_bench"
TICKS = os.sysconf("SC_CLK_TCK")


async def read(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and answers 200."""
    await body(receive)
    await answer(send)


async def floor(scope: Any, receive: Any, send: Any) -> None:
    """The same, and makes objects of the JSON."""
    msgspec.json.decode(await body(receive))
    await answer(send)


async def body(receive: Any) -> bytes:
    """All of it."""
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


async def answer(send: Any) -> None:
    """200 in the words of the intake."""
    head = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b'{"success":true}'})


def intake() -> Any:
    """The intake with the journal on disk."""
    from volano.adapters.journal_file import FileJournal

    return door(FileJournal(Path(os.environ["BENCH_FOLDER"])))


def unsynced() -> Any:
    """The intake with a journal in memory."""
    from volano.testing.journal_memory import MemoryJournal

    return door(MemoryJournal())


def door(journal: Any) -> Any:
    """The intake with one source in memory."""
    from types import SimpleNamespace

    from volano.domain.account import Source
    from volano.settings import Settings
    from volano.testing.state_memory import MemoryState
    from volano.web.intake import intake_app

    state = MemoryState()
    state.put(Source(key="web", name="Shop", write_key=KEY))
    return intake_app(SimpleNamespace(settings=Settings(), journal=journal, state=state))


def batch(number: int) -> bytes:
    """A batch of realistic events of a browser, each with its own message id."""
    page = {
        "path": "/p/41",
        "referrer": "https://www.google.com/",
        "search": "?utm_source=mail&utm_medium=newsletter&utm_campaign=spring",
        "title": "A product that many people look at · Shop",
        "url": "https://shop.example/p/41?utm_source=mail&utm_medium=newsletter&utm_campaign=spring",
    }
    agent = (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
    )
    context = {"page": page, "userAgent": agent, "locale": "en-GB", "timezone": "Europe/London"}
    products = [{"product_id": f"p{n}", "price": 19.9, "quantity": 1, "category": "shoes"} for n in range(2)]
    events = [
        {
            "type": "track",
            "event": "Product Viewed",
            "messageId": f"ajs-next-{number}-{index}-4833-2728-bb3a-e50e09df7b45",
            "anonymousId": "8bd2ed93-4833-4728-bb3a-e50e09df7b45",
            "userId": None,
            "timestamp": "2026-11-21T19:38:10.879Z",
            "properties": {"product_id": "p41", "price": 39.9, "currency": "EUR", "products": products},
            "context": context,
            "integrations": {"Segment.io": True},
        }
        for index in range(EVENTS)
    ]
    return json.dumps({"batch": events, "sentAt": "2026-11-21T19:38:11.132Z"}).encode()


def served(app: str, bodies: list[bytes], folder: str) -> float:
    """CPU seconds that serving the bodies costs the server process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        app,
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    factory = ["--factory"] if app.endswith((":intake", ":unsynced")) else []
    process = subprocess.Popen([*command, *factory], env={**os.environ, "BENCH_FOLDER": folder})
    try:
        shares = [bodies[number::CONNECTIONS] for number in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            connections = list(pool.map(lambda _: connected(port), shares))
            list(pool.map(lambda connection: send(connection, bodies[:5]), connections))
            before = cpu(process.pid)
            list(pool.map(send, connections, shares))
            return cpu(process.pid) - before
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def send(connection: http.client.HTTPConnection, bodies: list[bytes]) -> None:
    """Posts each body and checks that it is taken."""
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    for body in bodies:
        connection.request("POST", "/v1/batch", body, {"Authorization": f"Basic {basic}"})
        answer = connection.getresponse()
        told = answer.read()
        if (answer.status, told) != (200, b'{"success":true}'):
            raise RuntimeError(f"{answer.status}: {told!r}")


def connected(port: int) -> http.client.HTTPConnection:
    """A connection, once somebody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(600):
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return connection
    raise TimeoutError("the server does not come up")


def cpu(pid: int) -> float:
    """CPU seconds of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """Prints µs an event of both and their ratio as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    bodies = [batch(number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        seconds = {
            app: served(f"benchmarks.intake:{app}", bodies, folder)
            for app in ("read", "floor", "unsynced", "intake")
        }
    each = 1e6 / (count * EVENTS)
    figures: dict[str, float] = {"events": count * EVENTS, "bytes_a_batch": len(bodies[0])}
    figures |= {f"{app}_us": round(spent * each, 2) for app, spent in seconds.items()}
    for app in ("unsynced", "intake"):
        figures[f"{app}_to_floor"] = round(seconds[app] / seconds["floor"], 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
