"""A server as an owner runs it, one source for each client, and what has come into its lake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volano.domain.tables import TABLES
from volano.domain.view import View
from volano.flow.sources import make
from volano.wiring import open_house, read_settings

PATIENCE = 60.0  # seconds for the server to come up or to go down
ARRIVAL = 20.0  # seconds after the last client has ended in which its events have to be in the lake

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it listens, where it keeps what it was told, and the write key of each source."""

    address: str
    home: Path
    write_keys: dict[str, str]

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, ordered by person and time."""
        house = open_house(read_settings({}, home=str(self.home)), make=False)
        view = View(tables=(table,), columns=tuple(TABLES[table].names))
        rows: list[Row] = house.lake.read(view).to_pylist()
        return rows

    def events(self, enough: Callable[[list[Row]], bool]) -> list[Row]:
        """The events in the lake once they are enough, or as they are when the time is over."""
        ends = time.monotonic() + ARRIVAL
        while not enough(rows := self.rows("events")) and time.monotonic() < ends:
            time.sleep(0.1)
        return rows


@contextmanager
def serving(home: Path, sources: list[str]) -> Iterator[Server]:
    """`volano serve` on a new home with these sources, until the block is left."""
    state = open_house(read_settings({}, home=str(home))).state
    write_keys = {source: make(state, source, key=source, now=0)[1] for source in sources}
    command = [sys.executable, "-m", "volano", "serve", "--home", str(home), "--port", "0", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VOLANO_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Server(address=told["address"], home=home, write_keys=write_keys)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
