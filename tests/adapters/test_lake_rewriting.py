"""Reading anew takes little memory, and is done wholly or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.adapters.test_lake_compaction import Watched
from tests.adapters.test_lake_duckdb import events, parts, rows
from volano.adapters import lake_rewriting
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_parts import ROW_GROUP
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS
from volano.domain.view import View

ALL = (("event", ("event 0", "event 1", "event 2")),)


def renamed(some: pa.Table) -> Rewritten:
    """Every event under another name."""
    at, name = some.column_names.index("event"), pa.array(["new"] * len(some))
    return Rewritten(rows={"events": some.set_column(at, EVENTS.field("event"), name)})


def names(lake: DuckLake) -> set[str]:
    return {*lake.read(View(columns=("event",)))["event"].to_pylist()}


def test_of_what_is_read_anew_only_a_little_is_at_hand_at_a_time(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    many = 4 * ROW_GROUP
    lake.append({"events": events(range(many))})
    kept: list[Any] = []

    def watched(some: pa.Table) -> Rewritten:
        assert len(some) < 2 * ROW_GROUP
        told = renamed(some)
        assert sum(one() is not None for one in kept) <= 2
        kept.extend([weakref.ref(some), weakref.ref(told.rows["events"])])
        return told

    added = lake.rewrite(ALL, watched)
    assert (len(kept) >= 8, added["events"].column_names) == (True, lake_rewriting.HEADS)
    assert (rows(lake), names(lake), lake.verify()) == (list(range(many)), {"new"}, [])


def test_what_comes_while_events_are_read_anew_is_read_anew_too(tmp_path: Path) -> None:
    files = Watched(tmp_path)
    lake = DuckLake(files, buckets=2, grace=0)
    lake.append({"events": events(range(30))})
    other = DuckLake(tmp_path)
    files.meanwhile = lambda: other.append({"events": events(range(20, 40))})
    assert len(lake.rewrite(ALL, renamed)["events"]) == 40
    lake.append({"events": events([99])})
    assert (rows(lake), names(lake), lake.verify()) == ([*range(40), 99], {"new", "event 0"}, [])
    manifest = lake._store.snapshot().manifest
    assert {name for name in manifest.paths() if name.endswith(".parquet")} == set(parts(lake))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.adapters.test_lake_rewriting import ALL, renamed
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files
at = int(sys.argv[2])
class Mortal(Files):
    def write(self, *told, **how):
        global at
        at -= 1
        if at < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(*told, **how)
    def replace(self, manifest):
        os.kill(os.getpid(), signal.SIGKILL)
DuckLake(Mortal(Path(sys.argv[1]))).rewrite(ALL, renamed)
"""


@pytest.mark.parametrize("written", [1, 99])
def test_a_reading_that_is_killed_leaves_all_as_it_was_and_can_be_done_again(
    tmp_path: Path, written: int
) -> None:
    lake = DuckLake(tmp_path, buckets=2, grace=0)
    lake.append({"events": events(range(30))})
    lake.compact()
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(written)]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert ran.returncode == -signal.SIGKILL
    again = DuckLake(tmp_path, grace=0)
    assert (rows(again), "new" in names(again)) == (list(range(30)), False)
    again.rewrite(ALL, renamed)
    assert (rows(again), names(again), again.verify()) == (list(range(30)), {"new"}, [])
