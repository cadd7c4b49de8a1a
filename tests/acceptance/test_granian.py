"""The home behind another server: Granian, as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from volano.domain.view import View
from volano.flow.sources import make
from volano.wiring import open_house, read_settings

PATIENCE = 60.0  # seconds


def command(port: int) -> list[str]:
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "error"]
    return [*granian, "--port", str(port), "volano.cli.asgi:application"]


@contextmanager
def served(home: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(command(port), env={**os.environ, "VOLANO_HOME": str(home)})
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_home_behind_granian_takes_events_and_stores_them_and_is_its_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    state = open_house(read_settings({}, home=str(home))).state
    _, key = make(state, "Shop", now=0)
    body = json.dumps({"batch": [{"type": "track", "event": "Seen", "userId": "u", "messageId": "m"}]})
    with served(home) as address:
        answer = httpx.post(f"{address}/v1/batch", content=body, auth=(key, ""))
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert httpx.get(f"{address}/welcome").status_code == 200
        lake = open_house(read_settings({}, home=str(home)), make=False).lake
        until = time.monotonic() + PATIENCE
        while not (rows := lake.read(View(columns=("event",)))).num_rows and time.monotonic() < until:
            time.sleep(0.1)
        assert "Seen" in rows.column("event").to_pylist()
        environment = {**os.environ, "VOLANO_HOME": str(home)}
        other = subprocess.run(
            command(0), env=environment, capture_output=True, timeout=PATIENCE, check=False
        )
        assert b"is served already by process" in other.stdout + other.stderr
