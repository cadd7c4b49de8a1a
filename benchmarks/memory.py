"""How much memory the server takes once it has seen very many people.

    python -m benchmarks.memory [--people 1000000]

A real server is sent two events of each person, as fast as it acknowledges them; then somebody signs in and
walks through the console's pages that ask about everybody. The target is less than 1.5 GB at a million
people: of the server's own (anonymous) memory and, the stricter reading, of all that is resident, mapped
pages of files among them, which the system takes back when it needs room.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode, urlsplit

from benchmarks.fresh import listening

from volano.adapters.journal_file import FileJournal
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile

LIMIT = 1.5 * 2**30
BATCH = 500
PASSWORD = "as long as it takes"
RULE = {"0.kind": "trait", "0.field": "orders", "0.operator": "$gte", "0.value": "1"}


def batch(first: int, people: int) -> bytes:
    """Two events of each of the next people: a look, and every tenth orders."""
    told = []
    for person in range(first, min(first + BATCH // 2, people)):
        who = {"anonymousId": f"somebody-{person}", "timestamp": "2026-01-01T00:00:00Z"}
        product = {
            "product_id": f"p{person % 5_000}",
            "category": f"c{person % 40}",
            "price": 5 + person % 90,
        }
        told.append({**who, "type": "track", "event": "Product Viewed", "properties": product})
        order = {"order_id": f"o{person}", "revenue": 20 + person % 100, "products": [product]}
        told.append(
            {**who, "type": "track", "event": "Order Completed", "properties": order}
            if person % 10 == 0
            else {**who, "type": "page", "properties": {"path": "/"}}
        )
    return json.dumps({"batch": told}).encode()


class Watch(Thread):
    """Looks at the memory of a process until told to stop; peaks in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.resident = self.own = 0
        self._file, self._done = Path(f"/proc/{pid}/status"), Event()

    def run(self) -> None:
        while not self._done.wait(0.25):
            self.look()

    def look(self) -> None:
        """Once."""
        try:
            told = self._file.read_text()
        except OSError:
            return
        for name in ("VmRSS", "RssAnon"):
            found = re.search(rf"{name}:\s+(\d+)", told)
            kept = int(found[1]) * 1024 if found else 0
            if name == "VmRSS":
                self.resident = max(self.resident, kept)
            else:
                self.own = max(self.own, kept)

    def stop(self) -> None:
        self._done.set()
        self.join()

    def said(self, what: str) -> None:
        """Prints the peaks so far."""
        print(
            f"{what:42} own {self.own / 2**20:7,.0f} MB   resident {self.resident / 2**20:7,.0f} MB",
            flush=True,
        )


def fill(address: str, key: str, people: int) -> None:
    """All events, acknowledged; a server that asks to wait is waited for."""
    connection = http.client.HTTPConnection(address, timeout=120)
    token = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    for first in range(0, people, BATCH // 2):
        body = batch(first, people)
        while True:
            connection.request("POST", "/v1/batch", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                break
            assert answer.status == 429, answer.status
            time.sleep(float(answer.headers["Retry-After"]))


def drained(home: Path, patience: float) -> int:
    """How many people the store knows once it is level with the journal."""
    profiles, until = LmdbProfiles(home / "profiles"), time.monotonic() + patience
    journal = FileJournal(home / "journal", "j0")
    while profiles.offset("j0") < journal.end and time.monotonic() < until:
        time.sleep(0.5)
        journal = FileJournal(home / "journal", "j0")
    return sum(1 for _ in profiles.scan(Profile))


class Visitor:
    """Somebody at the console."""

    def __init__(self, setup: str) -> None:
        found = urlsplit(setup)
        self._address, self._cookie = found.netloc, ""
        page = self.ask("GET", f"{found.path}?{found.query}")
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        form |= {"password": PASSWORD} | ({"csrf": token[1]} if token else {})
        self.ask("POST", found.path, form)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        """The page at a path."""
        connection = http.client.HTTPConnection(self._address, timeout=300)
        headers = {"Cookie": self._cookie, "Origin": f"http://{self._address}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = connection.getresponse()
        said = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self._cookie = cookie.partition(";")[0]
        assert answer.status < 400, (path, answer.status, said[:500])
        return said


def main() -> int:
    """Prints the peaks; 1 when the limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command = [sys.executable, "-m", "volano", "serve", "--home", folder, "--port", "0", "--json"]
        fast = {**os.environ, "VOLANO_KEY_RATE": "1000000"}  # one key brings in what a year does
        server = subprocess.Popen(command, stdout=subprocess.PIPE, env=fast)
        watch = Watch(server.pid)
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            address = urlsplit(told["address"]).netloc
            listening(address)
            watch.start()
            visitor = Visitor(told["setup"])
            began = time.monotonic()
            fill(address, told["write_key"], people)
            watch.said(f"{2 * people:,} events acknowledged")
            known = drained(home, 3_600)
            watch.said(f"{known:,} people known, {time.monotonic() - began:,.0f} s")
            for path in (
                "/",
                "/people",
                "/segments",
                "/segments/-",
                "/live",
                "/plan",
                "/people?q=somebody-7",
            ):
                visitor.ask("GET", path)
                watch.said(path)
            time.sleep(60)
            for path in ("/segments", "/segments/new", "/segments/one-time-buyers"):
                visitor.ask("GET", path)
                watch.said(path)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(120)
            watch.stop()
    kept = watch.resident < LIMIT and known == people
    print(f"less than {LIMIT / 2**20:,.0f} MB resident: {'kept' if kept else 'BROKEN'}")
    return not kept


if __name__ == "__main__":
    sys.exit(main())
