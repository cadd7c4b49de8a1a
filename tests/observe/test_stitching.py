"""Who is one person does not depend on the order in which it is told."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.observe.tellings import USERS, Register, claim
from volano.domain.event import Event, Intake
from volano.domain.identity import (
    ALIAS,
    APART,
    BY_HAND,
    IDENTIFY,
    PARTED,
    REJOINED,
    SEEN_TOGETHER,
    Claim,
)
from volano.observe.claims import claims
from volano.observe.identity import identity
from volano.observe.kinship import kinship
from volano.observe.merges import rebuilt
from volano.observe.stitching import forgotten

ANN, BOB, CID = USERS, USERS + 1, USERS + 2
PHONE, LAPTOP, KIOSK = 1, 2, 3

devices, users = st.integers(1, 6), st.integers(USERS, USERS + 4)
times = st.integers(1, 6)
origins = st.sampled_from(["web", "imp_1"])
told = st.builds(claim, devices, users, times, st.just(IDENTIFY), origins)
aliases = st.builds(claim, users, users, times)
acts = st.builds(
    lambda one, other, reason: (one, one if reason in (APART, REJOINED) else other, reason),
    devices | users,
    devices | users,
    st.sampled_from([BY_HAND, PARTED, APART, REJOINED]),
)
caps = st.integers(2, 7)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Claim], list[list[Claim]]]:
    """Claims and acts, and the same in another order and in batches; each act has its own moment."""
    claims = draw(st.lists(told | aliases, max_size=25))
    by_hand = enumerate(draw(st.lists(acts, max_size=4)))
    claims += [claim(one, other, 10 + at, reason) for at, (one, other, reason) in by_hand]
    other = draw(st.permutations(claims))
    cuts = sorted(draw(st.lists(st.integers(0, len(other)), max_size=5)))
    return claims, [other[low:high] for low, high in pairwise([0, *cuts, len(other)])]


def naive(claims: list[Claim], cap: int) -> dict[int, int]:
    """Who is who, from all claims at once and the rules as they are written down."""
    names = {each.alias: each.known_as for each in claims} | {
        each.claimed: each.claimed_as for each in claims
    }
    named, users = set(names), {one for one, said in names.items() if said.startswith("u:")}
    told_ = [each for each in claims if each.reason not in (BY_HAND, PARTED, APART, REJOINED)]
    apart: dict[int, tuple[int, bool]] = {}
    hands: dict[tuple[int, int], tuple[int, bool]] = {}
    for each in claims:
        if each.reason in (APART, REJOINED):
            apart[each.alias] = max(apart.get(each.alias, (0, False)), (each.told_at, each.reason == APART))
        elif each.reason in (BY_HAND, PARTED) and each.alias != each.claimed:
            pair = (min(each.alias, each.claimed), max(each.alias, each.claimed))
            hands[pair] = max(hands.get(pair, (0, True)), (each.told_at, each.reason == BY_HAND))
    out = {one for one, (_, is_) in apart.items() if is_}
    pairs = [(False, at, *pair) for pair, (at, on) in hands.items() if on]
    seats: dict[int, list[tuple[int, int]]] = {}
    for user in users:
        here = sorted(
            (each.time, each.alias) for each in told_ if each.claimed == user and each.alias not in users
        )
        first = {one: time for time, one in reversed(here)}
        seats[user] = sorted((time, one) for one, time in first.items())[:cap]
    for one in named:
        own = [(each.time, each.claimed) for each in told_ if each.alias == one and one not in users]
        if own and one not in out and one in [alias for _, alias in seats[min(own)[1]]]:
            pairs.append((True, min(own)[0], one, min(own)[1]))
    for one in users:
        aliases_ = [(each.time, each.claimed) for each in told_ if each.alias == one != each.claimed]
        if aliases_ and not out & {one, min(aliases_)[1]}:
            time, other = min(aliases_)
            pairs.append((True, time, min(one, other), max(one, other)))
    groups = kinship(named, [(one, other) for _, _, one, other in sorted(pairs)], cap).groups
    return {one: min([each for each in some if each in users] or some) for some in groups for one in some}


@given(histories(), caps)
def test_any_order_and_any_split_gives_the_same_people(
    history: tuple[list[Claim], list[list[Claim]]], cap: int
) -> None:
    claims, batches = history
    named = {one for each in claims for one in (each.alias, each.claimed)}
    whole, split = Register(cap), Register(cap)
    whole.tell(claims)
    for batch in batches:
        split.tell(batch)
    assert whole.people(named) == split.people(named) == naive(claims, cap)
    assert whole.identities == split.identities
    assert whole.kins == split.kins


@given(histories(), caps)
def test_the_rows_of_the_lake_give_the_same_records(
    history: tuple[list[Claim], list[list[Claim]]], cap: int
) -> None:
    live = Register(cap)
    for batch in history[1]:
        live.tell(batch)
    assert rebuilt(live.merges, cap=cap) == (live.identities, live.kins)
    assert all(live.links.get(one, one) == person for one, person in live.people().items())


@given(histories(), caps)
def test_nothing_changes_when_all_is_told_again(
    history: tuple[list[Claim], list[list[Claim]]], cap: int
) -> None:
    live = Register(cap)
    for batch in history[1]:
        live.tell(batch)
    known, again = dict(live.identities), live.tell(history[0])
    assert (again.links, again.moved, again.kins) == ([], {}, {})
    assert live.identities == known


@given(histories(), caps)
def test_what_is_said_of_profiles_makes_everybody_whole(
    history: tuple[list[Claim], list[list[Claim]]], cap: int
) -> None:
    """Profiles as sets of identities: adding those of `whole` and making `anew` gives each person all."""
    live = Register(cap)
    named = {one for each in history[0] for one in (each.alias, each.claimed)}
    profiles = {one: {one} for one in named}
    for batch in history[1]:
        found = live.tell(batch)
        for old, new in found.whole.items():
            profiles[new] = profiles.get(new, set()) | profiles[old]
        for person in found.gone:
            del profiles[person]
        for person in found.anew:
            profiles[person] = {one for one in named if live.person(one) == person}
    people = live.people(named)
    assert profiles == {person: {one for one in named if people[one] == person} for person in people.values()}


ids = st.sampled_from(["ann", "bob", "cid", "d1", "d2"])
calls = st.builds(
    lambda kind, user, other, time: Event(
        kind=kind, event=kind, message_id="m", time=time, user_id=user, anonymous_id=other
    ),
    st.sampled_from(["track", "identify", "alias"]),
    ids,
    ids,
    times,
)


def numbered(events: list[Event]) -> list[Event]:
    """The events, each a message of its own: of what is told again only the first counts."""
    return [replace(one, message_id=f"m{number}") for number, one in enumerate(events)]


def claimed(events: list[Event]) -> list[Claim]:
    return claims([Intake(source="web", received_at=9, events=events)])


@given(st.lists(calls, max_size=15), st.data(), caps)
def test_any_order_and_any_split_of_calls_gives_the_same_people(
    events: list[Event], data: st.DataObject, cap: int
) -> None:
    events = numbered(events)
    shuffled = data.draw(st.permutations(events))
    cut = data.draw(st.integers(0, len(events)))
    whole, split = Register(cap), Register(cap)
    whole.tell(claimed(events))
    for part in (shuffled[:cut], shuffled[cut:]):
        split.tell(claimed(part))
    named = {one for each in claimed(events) for one in (each.alias, each.claimed)}
    assert whole.people(named) == split.people(named) == naive(claimed(events), cap)
    assert whole.identities == split.identities
    assert rebuilt(split.merges, cap=cap) == (split.identities, split.kins)


@given(
    st.lists(st.tuples(calls, st.sampled_from(["ann", "bob"]), st.sampled_from(["d1", "d2"])), max_size=15)
)
def test_no_call_about_a_shared_device_joins_two_users(told: list[tuple[Event, str, str]]) -> None:
    live = Register()
    calls_ = [replace(call, user_id=user, anonymous_id=one) for call, user, one in told]
    live.tell(claimed(numbered(calls_)))
    assert len({live.person(identity(f"u:{user}")) for user in ("ann", "bob")}) == 2


def test_a_previous_id_is_the_one_it_was_first_told_to_be_and_a_chain_of_them_holds() -> None:
    live = Register()
    live.tell([claim(BOB, ANN, 2), claim(CID, BOB, 1), claim(CID, ANN + 4, 3)])
    assert live.people() == {ANN: ANN, BOB: ANN, CID: ANN, ANN + 4: ANN + 4}


@given(st.lists(told, max_size=30))
def test_two_users_are_never_joined_by_what_they_share(claims: list[Claim]) -> None:
    live = Register()
    live.tell(claims)
    assert all(live.person(each.claimed) == each.claimed for each in claims)


@given(st.lists(told | aliases, min_size=1, max_size=20), st.data())
def test_who_was_taken_out_stays_out_whatever_is_told_again(claims: list[Claim], data: st.DataObject) -> None:
    live = Register()
    live.tell(claims)
    one = data.draw(st.sampled_from([each.alias for each in claims if each.alias < USERS] or [KIOSK]))
    live.tell([claim(one, one, 100, APART)])
    live.tell(data.draw(st.permutations(claims)))
    live.tell([claim(one, ANN, 0)])
    assert live.person(one) == one
    assert [other for other in live.people() if live.person(other) == one] == [one]


@given(st.lists(st.tuples(st.integers(1, 12), times), max_size=20), caps)
def test_nobody_has_more_identities_than_the_cap(claims: list[tuple[int, int]], cap: int) -> None:
    live = Register(cap)
    for device, time in claims:
        live.tell([claim(device, ANN, time)])
    kin = live.kins.get(ANN)
    many = len({device for device, _ in claims}) + 1
    assert (len(kin.identities) if kin else 1) == min(many, cap)
    assert (kin is not None and kin.crowded) == (many > cap)


def test_an_earlier_claim_that_comes_late_moves_the_device() -> None:
    live = Register()
    live.tell([claim(KIOSK, BOB, 5)])
    found = live.tell([claim(KIOSK, ANN, 4)])
    assert found.moved == {KIOSK: (BOB, ANN)}
    assert found.whole == {}
    assert found.anew == {ANN, BOB}
    assert live.kins.keys() == {ANN}


def test_a_device_that_becomes_somebody_is_added_whole() -> None:
    found = Register().tell([claim(PHONE, ANN, 5)])
    assert found.whole == {PHONE: ANN}
    assert not found.anew
    assert found.gone == {PHONE}
    assert [(row.alias, row.person_id, row.claimed, row.reason) for row in found.links] == [
        (PHONE, ANN, ANN, "identify")
    ]


def test_an_alias_joins_users_and_their_devices_move_along() -> None:
    live = Register()
    live.tell([claim(PHONE, ANN, 1), claim(LAPTOP, BOB, 1)])
    found = live.tell([claim(BOB, ANN, 2)])
    assert live.people() == dict.fromkeys([PHONE, LAPTOP, ANN, BOB], ANN)
    assert {(row.alias, row.reason) for row in found.links} == {(BOB, ALIAS), (LAPTOP, "taken along")}
    assert found.whole == {BOB: ANN}


def test_a_user_taken_out_keeps_the_devices_of_its_own() -> None:
    live = Register()
    live.tell([claim(PHONE, ANN, 1), claim(LAPTOP, BOB, 1), claim(BOB, ANN, 2)])
    live.tell([claim(BOB, BOB, 3, APART)])
    assert live.people() == {PHONE: ANN, ANN: ANN, LAPTOP: BOB, BOB: BOB}
    live.tell([claim(BOB, BOB, 4, REJOINED)])
    assert set(live.people().values()) == {ANN}


def test_what_was_joined_by_hand_stays_joined_until_it_is_parted_by_hand() -> None:
    live = Register()
    live.tell([claim(PHONE, PHONE, 1, APART), claim(PHONE, ANN, 1)])
    live.tell([claim(PHONE, ANN, 2, BY_HAND)])
    assert live.person(PHONE) == ANN
    live.tell([claim(PHONE, ANN, 3, PARTED)])
    assert live.person(PHONE) == PHONE


def test_a_ring_of_aliases_is_one_person() -> None:
    live = Register()
    live.tell([claim(ANN, BOB, 1), claim(BOB, CID, 1), claim(CID, ANN, 1)])
    assert set(live.people().values()) == {ANN}


def test_a_chain_of_aliases_beyond_what_is_kept_stays_within_the_cap() -> None:
    live = Register(cap=3)
    for at in range(40):
        live.tell([claim(USERS + at, USERS + at + 1, at)])
    assert max(len(kin.identities) for kin in live.kins.values()) == 3
    assert live.kins[ANN].crowded
    root = live.identities[ANN]
    assert (len(root.ties), root.frayed) == (12, True)


@given(st.permutations(range(30)))
def test_a_web_of_too_many_aliases_has_the_same_people_in_any_order(order: list[int]) -> None:
    claims = [claim(USERS + at % 13, USERS + (at * 7 + 1) % 14, at // 2) for at in range(30)]
    whole, split = Register(cap=2), Register(cap=2)
    whole.tell(claims)
    for at in order:
        split.tell([claims[at]])
    assert whole.people() == split.people()
    assert whole.kins == split.kins


@pytest.mark.parametrize("reason", ["identify", SEEN_TOGETHER])
def test_the_reason_of_a_join_is_kept(reason: str) -> None:
    live = Register()
    live.tell([claim(PHONE, ANN, 5, reason)])
    assert live.identities[PHONE].claims[0].reason == reason


@given(st.lists(told | aliases, min_size=1, max_size=20), st.data())
def test_the_others_stay_who_they_are_when_somebody_is_forgotten(
    claims: list[Claim], data: st.DataObject
) -> None:
    live = Register()
    live.tell(claims)
    person = data.draw(st.sampled_from(sorted({ANN, *live.people().values()})))
    gone = frozenset(one for one, whose in live.people().items() if whose == person)
    before = live.people()
    found = forgotten(gone, live.identities.get, live.kins.get)
    live.take(found.left)
    live.identities = {one: record for one, record in live.identities.items() if one not in found.dropped}
    rows = live.merges.filter(pc.invert(pc.is_in(live.merges["alias"], pa.array(gone, pa.int64()))))
    rows = rows.filter(pc.invert(pc.is_in(rows["claimed"], pa.array(gone, pa.int64()))))
    assert found.dropped == gone
    assert live.people() == {one: whose for one, whose in before.items() if one not in gone}
    if found.exact:
        people = {one: record.person_id for one, record in rebuilt(rows)[0].items()}
        assert live.kins == rebuilt(rows)[1]
        assert all(people.get(one, one) == whose for one, whose in live.people().items())
