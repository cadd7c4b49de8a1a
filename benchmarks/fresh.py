"""How long after its acknowledgement an event shows in the profile and in a segment of the person.

    python -m benchmarks.fresh [seconds] [events a second]

A real server takes batches of 50 events at the rate told; one person of each batch has never been seen
before, and is looked for in the store of profiles, which another process may read, until they are there and
in the segment `new`. The target is a 99th percentile below one second at 2,000 events a second.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import numpy as np

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile
from volano.observe.identity import identity, known_as
from volano.ports import Profiles

BATCH = 50
CONNECTIONS = 4
REGULARS = 20_000  # people the other events are of
LOOK = 0.004  # seconds between two looks
PATIENCE = 30.0


def batch(number: int) -> tuple[str, bytes]:
    """A batch with one new person, whose anonymous id comes first."""
    stranger = f"fresh-{number}"
    events = [{"type": "page", "anonymousId": stranger, "properties": {"path": "/"}}]
    for place in range(1, BATCH):
        who = f"regular-{(number * BATCH + place) * 7919 % REGULARS}"
        product = {"product_id": f"p{place}", "price": 20 + place, "category": "shoes"}
        events.append({"type": "track", "event": "Product Viewed", "anonymousId": who, "properties": product})
    told = [event | {"messageId": f"{number}-{place}"} for place, event in enumerate(events)]
    return stranger, json.dumps({"batch": told}).encode()


class Watch:
    """Looks for people until they are there; seconds from acknowledgement to profile and to segment."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self.waiting: deque[tuple[int, float]] = deque()
        self.profile: list[float] = []
        self.segment: list[float] = []
        self.done = False

    def run(self) -> None:
        """Until told that nobody comes any more and everybody is there, or patience ends."""
        open_: list[tuple[int, float, bool]] = []
        until = float("inf")
        while not (self.done and not open_ and not self.waiting) and time.monotonic() < until:
            if self.done and until == float("inf"):
                until = time.monotonic() + PATIENCE
            while self.waiting:
                open_.append((*self.waiting.popleft(), False))
            open_ = [one for one in map(self._look, open_) if one is not None]
            time.sleep(LOOK)

    def _look(self, one: tuple[int, float, bool]) -> tuple[int, float, bool] | None:
        person, acknowledged, seen = one
        profile = self._profiles.get(Profile, person)
        waited = time.monotonic() - acknowledged
        if profile is None:
            return one
        if not seen:
            self.profile.append(waited)
        if "new" not in profile.segments:
            return person, acknowledged, True
        self.segment.append(waited)
        return None


def send(address: str, key: str, numbers: range, pace: float, watch: Watch) -> None:
    """Sends every so many seconds, whether the answer to the last took long or not."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    token = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    began = time.monotonic()
    for turn, number in enumerate(numbers):
        stranger, body = batch(number)
        time.sleep(max(0.0, began + turn * pace - time.monotonic()))
        connection.request("POST", "/v1/batch", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            watch.waiting.append((identity(known_as("", stranger)), time.monotonic()))
    connection.close()


def listening(address: str) -> None:
    """Returns once the server answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            http.client.HTTPConnection(address).connect()
            return
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def measured(home: Path, seconds: float, rate: float) -> dict[str, float]:
    """Percentiles in milliseconds."""
    command = [sys.executable, "-m", "volano", "serve", "--home", str(home), "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        watch = Watch(LmdbProfiles(home / "profiles"))
        watcher = Thread(target=watch.run)
        watcher.start()
        listening(urlsplit(told["address"]).netloc)
        count, pace = int(seconds * rate / BATCH), CONNECTIONS * BATCH / rate
        address = urlsplit(told["address"]).netloc
        senders = [
            Thread(target=send, args=(address, told["write_key"], range(at, count, CONNECTIONS), pace, watch))
            for at in range(CONNECTIONS)
        ]
        began = time.monotonic()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        took = time.monotonic() - began
        watch.done = True
        watcher.join()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE)
    figures = {"batches": float(count), "events_per_second": round(count * BATCH / took)}
    for name, waits in (("profile", watch.profile), ("segment", watch.segment)):
        figures[f"{name}_seen"] = len(waits)
        for share in (50, 99):
            figures[f"{name}_p{share}_ms"] = round(1000 * float(np.percentile(waits or [np.nan], share)), 1)
    return figures


def main() -> None:
    """Prints the figures as JSON."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 2_000.0
    os.environ.pop("VOLANO_HOME", None)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(Path(folder), seconds, rate)))


if __name__ == "__main__":
    main()
