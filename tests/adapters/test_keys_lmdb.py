"""Keys on the disk: for their owner only, shared by processes, gone when they are dropped."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from volano.adapters.keys_lmdb import LmdbKeys


def test_keys_are_for_their_owner_only_and_made_when_one_is_needed(tmp_path: Path) -> None:
    keys = LmdbKeys(tmp_path / "keys")
    assert (keys.of([1]), keys.drop([1]), [*keys.records()]) == ({}, 0, [])
    assert not (tmp_path / "keys").exists()
    keys.made([1])
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys", *(tmp_path / "keys").iterdir())
    ]
    assert modes == [0o700, 0o600, 0o600]


def test_dropped_keys_are_nowhere_on_the_disk(tmp_path: Path) -> None:
    keys, raw = LmdbKeys(tmp_path), tmp_path / "data.mdb"
    for low in range(0, 1_000, 100):
        made = keys.made(range(low, low + 100))
    gone = keys.of([3, 500, 501, 999])
    assert all(key in raw.read_bytes() for key in gone.values())
    assert keys.drop(gone) == 4
    assert [one for one, key in gone.items() if key in raw.read_bytes()] == []
    assert made[998] in raw.read_bytes()
    assert len(keys.of(range(1_000))) == 996


MAKER = """
import sys
from pathlib import Path
from volano.adapters.keys_lmdb import LmdbKeys
keys = LmdbKeys(Path(sys.argv[1]))
for low in range(0, 400, 10):
    made = keys.made(range(low, low + 25))
    print(sorted(made.items()), keys.mark("ann@shop.example"))
"""


def test_processes_that_need_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKER, str(tmp_path / "keys")]
    makers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {maker.communicate()[0] for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert len(said) == 1
