"""What an event costs at the door: CPU of the intake beside that of a bare app, and of FastAPI with pydantic.

    python -m benchmarks.intake [batches]

Three servers in the same run, each in a process of its own under uvicorn with the same journal on the
same disk and the same group commit (`FileJournal`, fdatasync before the answer). `raw` decodes a batch
with msgspec into the fields of an event and appends the body; `fastapi` does that with FastAPI and
pydantic models; `intake` is ours, with keys, ids, times, quarantine, addresses and refusals. The CPU
time of each process is read before and after the same requests, sent over a few connections at a time.
A `_ratio` is to `raw`. FastAPI is no dependency of Volano: where it is not installed, its column is
left out.
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

EVENTS = 50  # in a batch of about 48 KB, as in the design notes
CONNECTIONS = 6
KEY = "wk_bench"
TICKS = os.sysconf("SC_CLK_TCK")


class Call(msgspec.Struct, rename="camel"):
    """The fields of an event, undecoded where they are objects."""

    type: str
    message_id: str
    timestamp: str
    event: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    context: msgspec.Raw = msgspec.Raw(b"{}")


class Batch(msgspec.Struct, rename="camel"):
    """A body."""

    batch: list[Call]
    sent_at: str


def raw() -> Any:
    """Decodes, appends, answers."""
    decoder, kept = msgspec.json.Decoder(Batch), on_disk()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        whole = await body(receive)
        decoder.decode(whole)
        await kept.append(whole)
        await answer(send)

    return app


def fastapi() -> Any:
    """The same with FastAPI and pydantic."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class PydanticCall(BaseModel):
        type: str
        messageId: str  # noqa: N815  as it is sent
        timestamp: str
        event: str | None = None
        userId: str | None = None  # noqa: N815
        anonymousId: str | None = None  # noqa: N815
        properties: dict[str, Any] = {}
        context: dict[str, Any] = {}

    class PydanticBatch(BaseModel):
        batch: list[PydanticCall]
        sentAt: str  # noqa: N815

    kept, app = on_disk(), FastAPI()

    async def take(sent: PydanticBatch) -> dict[str, bool]:
        await kept.append(sent.model_dump_json().encode())
        return {"success": True}

    take.__annotations__["sent"] = PydanticBatch  # a name of this function, which nobody else can look up
    app.post("/v1/batch")(take)
    return app


def on_disk() -> Any:
    """The journal on disk."""
    from volano.adapters.journal_file import FileJournal

    return FileJournal(Path(os.environ["BENCH_FOLDER"]))


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
    """Ours."""
    from types import SimpleNamespace

    from volano.domain.account import Source
    from volano.settings import Settings
    from volano.testing.state_memory import MemoryState
    from volano.web.intake import intake_app

    state = MemoryState()
    state.put(Source(key="web", name="Shop", write_key=KEY))
    return intake_app(SimpleNamespace(settings=Settings(), journal=on_disk(), state=state, geo=None))


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
    process = subprocess.Popen([*command, "--factory"], env={**os.environ, "BENCH_FOLDER": folder})
    try:
        shares = [bodies[number::CONNECTIONS] for number in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            connections = list(pool.map(lambda _: connected(port), shares))
            warm = [[batch(-5 * own - place) for place in range(1, 6)] for own in range(CONNECTIONS)]
            list(pool.map(send, connections, warm))  # none that comes again: a repeat costs us less
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
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/batch", body, headers)
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
    """Prints µs of CPU an event of each, and their ratios to `raw`, as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    bodies = [batch(number) for number in range(count)]
    apps = ["raw", "intake"] + (["fastapi"] if find_spec("fastapi") else [])
    seconds = dict.fromkeys(apps, 0.0)
    for share in (bodies[::2], bodies[1::2]):  # in turns, so that none has the quieter machine
        for app in apps:
            with tempfile.TemporaryDirectory() as folder:
                seconds[app] += served(f"benchmarks.intake:{app}", share, folder)
    each = 1e6 / (count * EVENTS)
    figures: dict[str, float] = {"events": count * EVENTS, "bytes_a_batch": len(bodies[0])}
    figures |= {f"{app}_us": round(spent * each, 2) for app, spent in seconds.items()}
    figures |= {f"{app}_ratio": round(seconds[app] / seconds["raw"], 2) for app in apps[1:]}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
