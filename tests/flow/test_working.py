"""Long work is done stretch by stretch, whatever happens between, and by whoever comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from threading import Thread
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.flow.site import MINUTE, NOW, event, order
from tests.web.shop import DRAFT, empty_house
from volano.domain.account import Import
from volano.domain.change import Change
from volano.domain.event import Event, Intake
from volano.domain.naming import Naming
from volano.domain.profile import Profile
from volano.domain.segment import Move, Segment
from volano.domain.shop import Shop
from volano.domain.undo import Before
from volano.domain.view import Offset, View
from volano.domain.work import Work
from volano.errors import BadInput
from volano.flow import segments
from volano.flow.decide import Ask, facts_of, known_profile, person_of
from volano.flow.importing import undo_later, withdrawn
from volano.flow.ingest import drain, look_again, rebuild_profiles
from volano.flow.joining import unmerge
from volano.flow.knowledge import Knowing, Knowledge, knowledge
from volano.flow.launch import publish, stop
from volano.flow.naming import drop_naming, reread, restore_naming, save_naming, shown
from volano.flow.segments import AT_ONCE, members
from volano.flow.shop import save_shop
from volano.flow.undo import keep_before
from volano.flow.working import Working
from volano.flow.works import HELD, bringing
from volano.observe.identity import identity
from volano.testing.journal_memory import MemoryJournal
from volano.testing.profiles_memory import MemoryProfiles
from volano.web.decisions import Live
from volano.wiring import House

DAY = 86_400_000_000
PURCHASE = Naming(
    key="", source="web", event="purchase", to="Order Completed", properties={"transaction_id": "order_id"}
)
VIEWED = {"$did": {"event": "Product Viewed", "count": {"$gte": 2}}}


@pytest.fixture
def house() -> House:
    """An empty house whose profiles are where its lake is."""
    made = empty_house()
    made.profiles.put(Change(upto=Offset("j0", 0)))
    return made


def came(house: House, *events: Event, at: int = NOW) -> None:
    """Events are sent and brought in."""
    journal = house.journal
    assert isinstance(journal, MemoryJournal)
    journal.append_now(msgspec.msgpack.encode(Intake(source="web", received_at=at, events=list(events))))
    drain(journal, house.lake, house.profiles, by=Knowing(house.state, house.settings), now=at)


def filled(house: House, people: int = AT_ONCE) -> None:
    """So many people come before all others, whom nothing is known of in the lake."""
    house.profiles.put(Change(puts=tuple((one, Profile(person_id=one)) for one in range(people))))


def saved(house: House, rule: Any, key: str = "x") -> None:
    segments.save(house.state, house.profiles, Segment(key=key, name=key.upper(), rule=rule), now=NOW)


def finished(house: House, clock: Callable[[], int] = lambda: NOW) -> None:
    """Another process takes up what is left."""
    Working(house, clock).finish()
    assert house.state.find(Work) == []


def known(house: House, name: str) -> Profile:
    found = house.profiles.get(Profile, person_of(house.profiles, identity(name)))
    assert found is not None
    return found


def inside(house: House, key: str = "x") -> list[int]:
    return [one.person_id for one in members(house.profiles, key)]


def anew(house: House) -> dict[Any, Any]:
    """What everybody did, read from the lake at once."""
    store, by = MemoryProfiles(), knowledge(house.state, house.settings)
    rebuild_profiles(house.lake, store, now=NOW, by=by)
    return {key: (one.done, [*one.segments]) for key, one in store.scan(Profile)}


def kept(house: House) -> dict[Any, Any]:
    found = dict(house.profiles.scan(Profile))
    return {
        key: (one.done, [*one.segments]) for key, one in found.items() if isinstance(key, int) and key > 2**20
    }


def test_segments_are_followed_to_the_end_by_another_process(house: House) -> None:
    filled(house, AT_ONCE + 5)
    saved(house, {"orders": 0})
    assert Working(house, lambda: NOW).step() is not None
    assert len(inside(house)) == AT_ONCE
    (work,) = house.state.find(Work)
    assert (work.low, work.said) == (AT_ONCE, "seeing who is in X (0 %)")
    finished(house)
    assert len(inside(house)) == AT_ONCE + 5


def test_what_is_brought_in_is_worked_through_when_it_is_there_or_whoever_brings_it_has_died(
    house: House,
) -> None:
    came(house, order("o1", user="ann"))
    house.profiles.put(Change(drops=((Profile, identity("u:ann")),)))
    house.state.put(bringing(house.state, "orders.csv", now=NOW, held=True))
    assert Working(house, lambda: NOW + HELD - 1).step() is None  # a server beside it
    assert house.profiles.get(Profile, identity("u:ann")) is None
    finished(house, lambda: NOW + HELD)
    assert known(house, "u:ann").orders == 1
    house.state.put(bringing(house.state, "orders.csv", now=NOW, held=False))
    assert Working(house, lambda: NOW).step() is not None


def test_two_do_the_same_work_and_each_stretch_once(house: House) -> None:
    filled(house, 2 * AT_ONCE + 5)
    saved(house, {"orders": 0})
    one, other = Working(house, lambda: NOW), Working(house, lambda: NOW)
    lows = [(worker.step() or Work(key="", kind="renew", what="")).low for worker in (one, other, one)]
    assert lows == [None, AT_ONCE, 2 * AT_ONCE]
    assert (one.step(), other.step(), len(inside(house))) == (None, None, 2 * AT_ONCE + 5)


def test_a_segment_changed_meanwhile_begins_the_work_again(house: House) -> None:
    filled(house, AT_ONCE + 5)
    saved(house, {"orders": 0})
    worker = Working(house, lambda: NOW)
    worker.step()
    saved(house, {"orders": 1})
    worker.finish()
    assert inside(house) == []


@pytest.mark.parametrize("times", [0, 1])
def test_the_past_of_a_name_is_read_to_the_end_after_a_crash_between_lake_and_people(
    house: House, times: int
) -> None:
    came(house, *(event("purchase", user=f"p{one}", properties={"transaction_id": one}) for one in range(3)))
    kept = save_naming(house, PURCHASE, now=NOW, past=True)
    for _ in range(times):
        reread(house, house.corrections, kept)
    finished(house)
    assert [known(house, f"u:p{one}").orders for one in range(3)] == [1, 1, 1]
    drop_naming(house, kept.key, now=NOW)
    for _ in range(times):
        reread(house, house.corrections, kept)
    finished(house)
    assert [known(house, f"u:p{one}").orders for one in range(3)] == [0, 0, 0]
    restore_naming(house, kept.key, now=NOW)
    finished(house)
    assert [known(house, f"u:p{one}").orders for one in range(3)] == [1, 1, 1]


def test_an_event_that_is_being_drained_while_its_name_is_said_is_not_passed_over(house: House) -> None:
    def said() -> None:
        save_naming(house, PURCHASE, now=NOW, past=True)
        Working(house, lambda: NOW).finish()

    saying = Thread(target=said)

    def by() -> Knowledge:
        found = knowledge(house.state, house.settings)
        saying.start()
        saying.join(0.1)  # it would be done if it could
        return found

    journal = house.journal
    assert isinstance(journal, MemoryJournal)
    sent = [event("purchase", user="late", properties={"transaction_id": "t"})]
    journal.append_now(msgspec.msgpack.encode(Intake(source="web", received_at=NOW, events=sent)))
    drain(journal, house.lake, house.profiles, by=by, now=NOW)
    saying.join(30)
    assert known(house, "u:late").orders == 1


def test_everybodys_days_are_counted_anew_after_a_restart(house: House) -> None:
    came(house, event(user="ann"))
    before = known(house, "u:ann").hours
    save_shop(house.state, Shop(timezone="Pacific/Auckland"), now=NOW)
    finished(house)
    assert known(house, "u:ann").hours != before


@pytest.mark.parametrize("died", ["before", "after the lake"])
def test_an_import_that_is_being_taken_back_is_so_after_a_restart(house: House, died: str) -> None:
    came(house, event(user="ann"))
    rows = house.lake.read(View(columns=tuple(house.lake.read(View()).schema.names)))
    assert rows.num_rows == 1
    house.state.put(Import(key="web", file="shop.csv", kind="orders", currency="EUR", made_at=NOW))
    entry = undo_later(house.state, "web", now=NOW)
    if died != "before":
        withdrawn(house, entry, now=NOW)
    assert house.state.find(Work)[0].what.endswith("without shop.csv")
    finished(house)
    assert [*house.profiles.scan(Profile)] == []


def test_who_moves_while_segments_are_followed_is_told_so_once(house: House) -> None:
    filled(house)
    times = iter(range(NOW, NOW + 100))
    saved(house, {"$did": {"event": "Order Completed", "within": "1d"}})
    worker = Working(house, lambda: next(times))
    worker.step()
    at = next(times)
    came(house, order("o1", user="ann", time=at), at=at)
    worker.finish()
    by = knowledge(house.state, house.settings)
    look_again(house.lake, house.profiles, by, now=lambda: next(times))
    look_again(house.lake, house.profiles, by, now=lambda: next(times))
    told = house.lake.read(View(columns=("event",)))["event"].to_pylist()
    assert told.count("Segment Entered") == 1
    assert [*house.profiles.scan(Move)] == []
    assert [*known(house, "u:ann").segments] == ["x"]


def test_who_is_parted_while_the_past_is_read_keeps_only_what_is_their_own(house: House) -> None:
    filled(house)
    came(house, event(anon="phone"), event(anon="phone"), event(user="ann", anon="phone"))
    saved(house, VIEWED)
    worker = Working(house, lambda: NOW)
    worker.step()
    unmerge(house, identity("a:phone"), by="me", now=NOW)
    worker.finish()
    assert kept(house) == anew(house)
    assert inside(house) == [identity("a:phone")]


def test_who_become_one_while_the_past_is_read_have_both_their_pasts(house: House) -> None:
    user = next(one for one in (f"u{n}" for n in range(99)) if identity(f"u:{one}") < identity("a:phone"))
    filled(house, AT_ONCE - 1)
    came(house, event(user=user), event(anon="phone"))
    saved(house, VIEWED)
    worker = Working(house, lambda: NOW)
    worker.step()
    assert known(house, f"u:{user}").done
    assert not known(house, "a:phone").done
    came(house, event("Page Viewed", user=user, anon="phone"), at=NOW + MINUTE)
    worker.finish()
    assert kept(house) == anew(house)
    assert inside(house) == [person_of(house.profiles, identity("a:phone"))]


def meant(house: House, user: str) -> list[str]:
    """The campaigns that mean somebody."""
    ask = Ask(source="web", anonymous_id="", user_id=user, context={}, now=NOW)
    ready = Live(house.state).ready(NOW)
    return ready.meant(facts_of(ask, known_profile(house.profiles, ask)))


def test_a_campaign_means_who_did_something_before_it_was_made(house: House) -> None:
    came(house, event(user="ann"), event(user="ann"), event(user="bob"))
    house.state.put(replace(DRAFT, audience=VIEWED))
    publish(house.state, DRAFT.key, now=NOW)
    finished(house)
    assert (meant(house, "ann"), meant(house, "bob")) == ([DRAFT.key], [])


def test_a_campaign_that_asks_nothing_of_the_past_needs_no_work(house: House) -> None:
    house.state.put(replace(DRAFT, audience={"device": "phone"}))
    publish(house.state, DRAFT.key, now=NOW)
    assert house.state.find(Work) == []


def test_starters_that_are_planted_after_people_came_have_their_members(house: House) -> None:
    came(house, order("o1", user="ann", time=NOW - 70 * DAY))
    assert segments.plant(house.state, now=NOW)
    finished(house)
    assert inside(house, "one-time-buyers") == [identity("u:ann")]


def test_nobody_is_in_a_segment_that_is_no_more_until_it_is_taken_back(house: House) -> None:
    came(house, order("o1", user="ann"))
    saved(house, {"orders": 1})
    finished(house)
    segments.drop(house.state, house.profiles, "x", now=NOW)
    finished(house)
    assert known(house, "u:ann").segments == {}
    later = changed(house)  # another process, with what was kept
    segments.restore(later.state, later.profiles, "x", now=NOW)
    finished(later)
    assert inside(later) == [identity("u:ann")]
    with pytest.raises(BadInput, match="nothing to take back"):
        segments.restore(later.state, later.profiles, "x", now=NOW)


def test_a_segment_that_a_campaign_names_stays_as_long_as_that_may_run(house: House) -> None:
    saved(house, {"orders": 1})
    house.state.put(replace(DRAFT, audience={"segments": {"$in": ["x"]}}))
    with pytest.raises(BadInput, match=f"the campaign '{DRAFT.key}' names 'x'; change it first"):
        segments.drop(house.state, house.profiles, "x", now=NOW)
    publish(house.state, DRAFT.key, now=NOW)
    stop(house.state, DRAFT.key, now=NOW)
    segments.drop(house.state, house.profiles, "x", now=NOW)


def test_what_is_too_old_to_be_taken_back_is_forgotten(house: House) -> None:
    keep_before(house.state, Before(key="segment old", at=NOW - 2 * DAY))
    keep_before(house.state, Before(key="segment new", at=NOW))
    assert [one.key for one in house.state.find(Before)] == ["segment new"]


def test_a_word_for_all_takes_the_place_of_the_one_that_was_shown_and_comes_back(house: House) -> None:
    own = save_naming(house, PURCHASE, now=NOW)
    every = replace(PURCHASE, source="", to="Checkout Started")
    save_naming(house, every, now=NOW, instead=own)
    assert [(one.key, one.to) for one in house.state.find(Naming)] == [(":purchase", "Checkout Started")]
    assert restore_naming(house, ":purchase", now=NOW) == "web"
    assert house.state.find(Naming) == [own]


def test_the_word_of_the_source_itself_is_shown_before_the_one_for_all(house: House) -> None:
    save_naming(house, PURCHASE, now=NOW)
    save_naming(house, replace(PURCHASE, source="", to="Checkout Started"), now=NOW)
    assert shown(house.state.find(Naming), "web")["purchase"].to == "Order Completed"
    assert shown(house.state.find(Naming), "app")["purchase"].to == "Checkout Started"
