"""Crashes, restores and rebuilds: whoever is behind catches up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from threading import Thread

import pyarrow as pa
import pytest

from tests.flow.site import NOW, Site, event, history, order, told
from volano.domain.change import Change, Key
from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.domain.tables import TABLES
from volano.domain.view import Offset, View
from volano.errors import BrokenHome
from volano.flow.decide import person_of
from volano.flow.ingest import rebuild_profiles
from volano.observe.identity import identity
from volano.ports import N, Profiles, T
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake


class Stop(Exception):
    """The process is gone."""


@dataclass
class FailingProfiles:
    """Profiles whose process dies at the `at`-th put."""

    inner: Profiles
    at: int

    def get(self, kind: type[N], key: Key) -> N | None:
        return self.inner.get(kind, key)

    def scan(self, kind: type[N], low: Key | None = None, high: Key | None = None) -> Iterator[tuple[Key, N]]:
        return self.inner.scan(kind, low, high)

    def put(self, change: Change) -> None:
        self.at -= 1
        if self.at == 0:
            raise Stop
        self.inner.put(change)

    def offset(self, journal: str) -> int:
        return self.inner.offset(journal)

    def turn(self) -> AbstractContextManager[None]:
        return self.inner.turn()


class Meanwhile(MemoryLake):
    """A lake whose first reader of blocks is slow: `then` runs in another thread when it has seen them."""

    then: Callable[[], object] | None = None
    thread: Thread | None = None

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
        found = super().tally(view, of)
        if self.then is not None:
            self.thread, self.then = Thread(target=self.then), None
            self.thread.start()
            self.thread.join(0.2)  # time to do harm; it has none to do when it must wait
        return found


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_crash_between_lake_and_profiles_neither_loses_nor_repeats(at: int) -> None:
    frames = history()
    calm, crashed = Site(), Site()
    for site in (calm, crashed):
        for frame in frames:
            site.frame(frame)
    calm.drain(limit=3)
    failing = Site(crashed.journal, crashed.lake, FailingProfiles(crashed.profiles, at))
    with pytest.raises(Stop):
        failing.drain(limit=3)
    crashed.drain(limit=3)
    assert crashed.rows() == calm.rows()
    assert told(crashed) == told(calm)


def test_profiles_ahead_of_a_restored_lake_are_not_counted_twice() -> None:
    site = Site()
    for frame in history():
        site.frame(frame)
    ahead = Site(site.journal, MemoryLake(), site.profiles)
    journal = site.journal
    site.journal = MemoryJournal()
    for _, payload in journal.read(0, 99):
        assert payload is not None
        site.journal.append_now(payload)
    site.drain()
    before = told(site)
    ahead.drain()
    assert told(ahead) == before
    assert ahead.rows() == site.rows()
    assert ahead.rows("merges") == site.rows("merges")


def test_profiles_rebuilt_from_the_lake_are_those_that_grew(site: Site) -> None:
    for frame in history():
        site.frame(frame)
    site.drain(limit=5)
    grown = told(site)
    assert rebuild_profiles(site.lake, site.profiles, now=NOW) == 4
    assert told(site) == grown
    assert site.profiles.offset("j0") == site.lake.offset("j0")


def test_lost_profiles_are_made_anew_before_the_next_frames_move() -> None:
    site = Site()
    for frame in history():
        site.frame(frame)
    site.drain()
    grown = told(site)
    site.profiles.put(Change(afresh=(Profile, Identity), upto=Offset("j0", 0)))
    site.send(event(anon="later"))
    site.drain()
    assert told(site) == grown


def test_what_is_drained_while_profiles_are_made_anew_is_in_them() -> None:
    lake = Meanwhile()
    site = Site(lake=lake)
    site.send(order("1", user="old"))
    site.drain()
    site.send(order("2", user="new", anon="phone"))
    lake.then = site.drain
    rebuild_profiles(lake, site.profiles, now=NOW)
    assert lake.thread is not None
    lake.thread.join()
    site.drain()
    assert (site.profile("u:old").orders, site.profile("u:new").orders) == (1, 1)
    assert site.profile("a:phone") == site.profile("u:new")
    assert len(site.rows()) == 2


def buyer(site: Site, orders: int) -> None:
    """Somebody who bought many times, from two devices."""
    for number in range(orders):
        site.send(order(f"o{number}", anon="phone" if number % 2 else "", user="" if number % 2 else "u"))
        site.drain()


@pytest.mark.parametrize("orders", [20, 40, 80])
def test_an_order_told_again_after_many_others_counts_once(site: Site, orders: int) -> None:
    buyer(site, orders)
    site.send(
        event(anon="phone", user="u"), order("o0", user="u"), order("o1", user="u"), order("x", user="u")
    )
    site.drain()
    site.send(order("o2", user="u"), order("x", user="u"), order("y", user="u"), order("y", user="u"))
    site.drain()
    assert (site.profile("u:u").orders, site.profile("u:u").revenue) == (orders + 2, 1000 * (orders + 2))


def test_an_old_order_told_again_counts_once_after_a_crash_too() -> None:
    site = Site()
    buyer(site, 80)
    site.send(event(anon="phone", user="u"))
    site.drain()
    site.send(order("o0", user="u"), order("x", user="u"))
    with pytest.raises(Stop):
        Site(site.journal, site.lake, FailingProfiles(site.profiles, 1)).drain()
    site.drain()
    assert (site.profile("u:u").orders, site.profile("u:u").revenue) == (81, 81_000)


def test_a_frame_of_another_version_stops_the_drain_with_a_sentence() -> None:
    site = Site()
    site.journal.append_now(b"\x93\xa5other\x01\x02")
    with pytest.raises(BrokenHome, match="another version"):
        site.drain()


def test_what_a_lake_is_given_fits_its_tables() -> None:
    class Checking(MemoryLake):
        def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, int]:
            for name, table in rows.items():
                assert table.schema.equals(TABLES[name])
            return super().append(rows, upto)

        def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
            return super().tally(view, of)

    site = Site(lake=Checking())
    for frame in history():
        site.frame(frame)
    assert site.drain() == 12


def test_only_the_first_event_of_a_message_says_who_is_who(site: Site) -> None:
    site.send(event(anon="x", user="ann", message_id="m", time=NOW + 9))
    site.send(event(anon="x", user="bob", message_id="m", time=NOW))
    site.drain()
    site.send(event(anon="x", user="cid", message_id="m", time=NOW - 9))
    site.drain()
    assert [row["known_as"] for row in site.rows()] == ["u:ann"]
    whose = {name: person_of(site.profiles, identity(f"u:{name}")) for name in ("ann", "bob", "cid")}
    assert person_of(site.profiles, identity("a:x")) == whose["ann"]
    assert len(set(whose.values())) == 3
    assert site.profiles.get(Identity, identity("u:bob")) is None


@pytest.mark.parametrize("at", [1, 2])
def test_a_crash_changes_nothing_of_whose_message_counts(at: int) -> None:
    calm, crashed = Site(), Site()
    for one in (calm, crashed):
        one.send(event(anon="x", user="ann", message_id="m", time=NOW + 9))
        one.drain()
        one.send(event(anon="x", user="bob", message_id="m", time=NOW))
        one.send(event(anon="y", user="cid", message_id="n", time=NOW))
        one.send(order("o1", anon="z", user="dan", time=NOW))
    calm.drain()
    whole = crashed.profiles
    crashed.profiles = FailingProfiles(whole, at)
    with suppress(Stop):
        crashed.drain()
    crashed.profiles = whole
    crashed.drain()
    assert dict(crashed.profiles.scan(Identity)) == dict(calm.profiles.scan(Identity))
    assert dict(crashed.profiles.scan(Profile)) == dict(calm.profiles.scan(Profile))
    assert person_of(crashed.profiles, identity("a:y")) == identity("u:cid")
    assert person_of(crashed.profiles, identity("a:z")) == identity("u:dan")
