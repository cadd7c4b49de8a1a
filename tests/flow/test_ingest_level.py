"""Whoever was cut off between lake and store is brought level before anybody becomes somebody else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.flow.folk import House
from tests.flow.site import MINUTE, NOW, Site, event, order
from tests.flow.test_ingest_again import FailingProfiles, Stop
from volano.domain.change import Change
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.segment import Move, Segment
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.ingest import drain, level, rebuild_profiles
from volano.flow.joining import merge
from volano.flow.knowledge import Knowledge
from volano.observe.identity import identity
from volano.observe.membership import ready
from volano.testing.journal_memory import MemoryJournal
from volano.testing.profiles_memory import MemoryProfiles

KINDS = (Profile, Identity, Kin, Address)


def cut_off(site: Site) -> None:
    """A drain whose process dies when the lake has the rows and the store has not."""
    with suppress(Stop):
        replace(site, profiles=FailingProfiles(site.profiles, 1)).drain()


def agree(site: Site) -> None:
    """Store, lake and a store made anew say the same of everybody."""
    anew = MemoryProfiles()
    rebuild_profiles(site.lake, anew, now=NOW)
    for kind in KINDS:
        assert dict(site.profiles.scan(kind)) == dict(anew.scan(kind)), kind
    rows = site.lake.read(View(columns=("identity",))).to_pylist()
    assert all(row["person_id"] == person_of(site.profiles, row["identity"]) for row in rows)


@pytest.mark.parametrize("beside", [True, False])
def test_another_journal_that_comes_first_does_no_harm_to_one_that_was_cut_off(beside: bool) -> None:
    first = Site()
    second = replace(first, journal=MemoryJournal("j1"))
    first.send(order("o1", anon="phone", user="ann"), event(anon="phone"), event(user="bob"))
    first.drain()
    first.send(event(anon="kiosk", user="ann", time=NOW), event(anon="kiosk"))
    cut_off(first)
    second.send(event(anon="kiosk", user="bob", time=NOW + MINUTE), order("o2", user="bob"))
    with_it = [first.journal] if beside else []
    drain(second.journal, first.lake, first.profiles, beside=with_it)
    first.drain()
    assert person_of(first.profiles, identity("a:kiosk")) == identity("u:ann")
    agree(first)


@pytest.mark.parametrize("puts", [1, 2])
def test_what_was_done_by_hand_and_cut_off_can_be_done_again(puts: int) -> None:
    house = House()
    house.send(event(anon="phone"), order("o1", user="ann"))
    house.drain()
    ends = replace(house, profiles=FailingProfiles(house.profiles, puts))
    one, other = identity("u:ann"), identity("a:phone")
    with pytest.raises(Stop):
        merge(ends, other, one, by="me", now=NOW)
    merge(house, other, one, by="me", now=NOW + 1)
    assert house.profile("a:phone").events == 2
    agree(house)


def test_who_is_joined_by_hand_is_first_brought_level() -> None:
    house = House()
    house.send(event(anon="phone", user="ann"), event(anon="tablet"))
    house.drain()
    house.send(order("o1", anon="tablet", user="ann"), event(user="bob"))
    cut_off(house)
    merge(house, identity("u:ann"), identity("u:bob"), by="me", now=NOW)
    assert house.profile("a:tablet").orders == 1
    house.drain()
    agree(house)


def test_the_lakes_last_word_is_mended_when_all_is_made_anew() -> None:
    house = House()
    house.send(event(anon="phone", user="ann"), event(user="bob"))
    house.drain()
    ends = replace(house, profiles=FailingProfiles(house.profiles, 1))
    with pytest.raises(Stop):
        merge(ends, identity("u:ann"), identity("u:bob"), by="me", now=NOW)
    rebuild_profiles(house.lake, house.profiles, now=NOW + 1)
    assert house.profile("u:ann") == house.profile("u:bob")
    agree(house)


def test_making_anew_that_was_cut_off_is_begun_again_and_tells_of_no_moves() -> None:
    by = Knowledge(ready=ready([Segment(key="buyers", name="Buyers", rule={"orders": {"$gte": 1}})]))
    site = Site()
    site.send(order("o1", user="ann"))
    drain(site.journal, site.lake, site.profiles, by=by)
    before = site.profile("u:ann")
    assert before.segments
    site.profiles.put(Change(drops=tuple((Move, key) for key, _ in site.profiles.scan(Move))))
    with pytest.raises(Stop):
        rebuild_profiles(site.lake, FailingProfiles(site.profiles, 3), now=NOW + 1, by=by)
    assert site.profiles.offset("j0") != site.lake.offset("j0")
    with site.profiles.turn():
        level([site.journal], site.lake, site.profiles, by=by, now=NOW + 2)
    assert site.profile("u:ann").segments == before.segments
    assert list(site.profiles.scan(Move)) == []
    assert site.profiles.offset("j0") == site.lake.offset("j0")
