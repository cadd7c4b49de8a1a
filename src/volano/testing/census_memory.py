"""A census in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import pyarrow as pa

from volano.domain.change import Counted
from volano.testing.profiles_memory import MemoryProfiles


class MemoryCensus:
    """The promises of `ports.Census` for profiles in memory."""

    def __init__(self, profiles: MemoryProfiles) -> None:
        self._profiles = profiles
        self._kept: tuple[str, pa.Table, pa.Table] | None = None
        self._lock = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread at a time."""
        with self._lock:
            yield

    def look(self, stamp: str) -> Counted:
        """How it stands; where nothing of that stamp is kept, changes are noted from now on."""
        profiles, kept = self._profiles, self._kept
        if kept is None or profiles.changed is None or stamp not in ("", kept[0]):
            self._kept, profiles.changed = None, {}
            return Counted(stamp=stamp, mark=profiles.puts)
        return Counted(
            stamp=kept[0],
            mark=profiles.puts,
            base=kept[1].num_rows,
            late=kept[2].num_rows,
            changed=frozenset(profiles.changed),
        )

    def read(self, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]:
        """The large table and the small one."""
        assert self._kept is not None
        return self._kept[1].select(columns), self._kept[2].select(columns)

    def parts(self) -> Iterator[pa.Table]:
        """The large table."""
        assert self._kept is not None
        yield self._kept[1]

    def keep(self, seen: Counted, late: pa.Table, base: Iterable[pa.Table] | None = None) -> None:
        """Keeps them, unless all were made afresh."""
        large = None if base is None else pa.concat_tables([late.schema.empty_table(), *base])
        changed = self._profiles.changed
        if changed is None:
            return
        if large is None:
            assert self._kept is not None
            large = self._kept[1]
        self._kept = (seen.stamp, large, late)
        self._profiles.changed = {one: at for one, at in changed.items() if at > seen.mark}
