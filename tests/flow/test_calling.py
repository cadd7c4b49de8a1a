"""Other systems are told who enters and leaves segments: nothing is lost, nothing is made up, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.flow.folk import ANN, BOB, House
from tests.flow.site import MINUTE, NOW, event, order
from tests.receiver import Receiver, receiving
from volano.act.hooks import verified
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.outside_http import HttpOutside
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.change import Change
from volano.domain.durations import DAY, HOUR
from volano.domain.hook import Call, DeadCall, Hook, Standing
from volano.domain.segment import Segment
from volano.errors import BadInput, Behind
from volano.flow import hooks
from volano.flow.calling import Caller
from volano.flow.calls import calls_of, seen
from volano.flow.handing_out import export
from volano.flow.ingest import drain, look_again, rebuild_profiles
from volano.flow.joining import merge
from volano.flow.knowledge import knowledge
from volano.flow.people import timeline
from volano.ports import Outside


@dataclass
class Shop(House):
    """A house with two segments, a clock that is moved by hand, and a way to servers of this machine."""

    now: int = NOW
    ways: HttpOutside = field(default_factory=lambda: HttpOutside("127.0.0.1"))

    def __post_init__(self) -> None:
        """Buyers are those with an order, quiet ones have not bought for a day."""
        quiet: dict[str, Any] = {
            "orders": {"$gte": 1},
            "$didNot": {"event": "Order Completed", "within": "1d"},
        }
        buyers: dict[str, Any] = {"orders": {"$gte": 1}}
        for key, rule in {"buyers": buyers, "quiet": quiet}.items():
            self.state.put(Segment(key=key, name=key.capitalize(), rule=rule))
        self.caller = Caller(self, lambda: self.now)

    def outside(self) -> Outside:
        """By real sockets."""
        return self.ways

    def drain(self, limit: int = 2000) -> int:
        """All that waits, now."""
        by = knowledge(self.state, self.settings)

        def once() -> int:
            return drain(self.journal, self.lake, self.profiles, limit=limit, by=by, now=self.now)

        return sum(iter(once, 0))

    def hooked(self, receiver: Receiver, *segments: str, name: str = "CRM") -> tuple[Hook, str]:
        """A hook at this receiver."""
        return hooks.make(self.state, self.profiles, receiver.url, name=name, segments=segments, now=self.now)

    def bought(self, *users: str) -> None:
        """They order."""
        for user in users:
            self.send(order(f"o-{user}-{self.now}", user=user, anon=f"phone-{user}", time=self.now))
        self.drain()

    def passes(self, time: int) -> None:
        """Time goes by, and those whose moment has come are settled."""
        self.now += time
        look_again(self.lake, self.profiles, knowledge(self.state, self.settings), now=self.now)

    def calls(self) -> int:
        """Makes all calls that may be made now; how many stretches."""
        return sum(iter(self.caller.step, False))

    def seen(self, hook: Hook) -> tuple[int, int]:
        """How many calls wait, and how many are dead."""
        found = seen(self.profiles, hook)
        return found.waiting, found.dead

    def standing(self, hook: Hook) -> Standing:
        """How it goes with it."""
        return seen(self.profiles, hook).standing


@pytest.fixture(params=["memory", "disk"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """The house, in memory and on the disk."""
    if request.param == "memory":
        return Shop(home=tmp_path)
    return Shop(
        home=tmp_path,
        lake=DuckLake(tmp_path / "lake", 2),
        profiles=LmdbProfiles(tmp_path / "live"),
        on_disk=ParquetCensus(tmp_path / "live"),
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody else's server."""
    with receiving() as found:
        yield found


def told(receiver: Receiver) -> list[tuple[str, str, str]]:
    """What was taken: type, segment and user."""
    bodies = [json.loads(one.body) for one in receiver.taken()]
    return [(one["type"], one["data"]["segment"], one["data"]["user_id"]) for one in bodies]


def test_who_enters_and_leaves_is_told_signed_and_in_order(shop: Shop, receiver: Receiver) -> None:
    hook, secret = shop.hooked(receiver)
    shop.bought("ann", "bob")
    shop.passes(DAY + 1)
    assert shop.seen(hook) == (4, 0)
    shop.calls()
    assert told(receiver)[:2] == [("segment.entered", "buyers", "ann"), ("segment.entered", "buyers", "bob")]
    assert sorted(told(receiver)[2:]) == [("segment.entered", "quiet", user) for user in ("ann", "bob")]
    shop.bought("bob")
    shop.calls()
    assert told(receiver)[4:] == [("segment.left", "quiet", "bob")]
    for one in receiver.got:
        assert verified(one.headers, one.body, secret, now=shop.now)
        assert one.headers["content-type"] == "application/json"
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 5
    data = json.loads(receiver.got[0].body)["data"]
    assert data == {
        "segment": "buyers",
        "person_id": str(ANN),
        "user_id": "ann",
        "anonymous_id": "phone-ann",
    }
    assert (shop.seen(hook), shop.standing(hook).delivered) == ((0, 0), 5)


def test_each_call_that_ended_is_a_delivery_on_the_timeline_of_the_person(
    shop: Shop, receiver: Receiver
) -> None:
    shop.hooked(receiver)
    receiver.script += [500]
    shop.bought("ann")
    shop.calls()
    assert shop.rows("deliveries") == []
    shop.passes(HOUR)
    shop.calls()
    shop.drain()
    (row,) = [row for row in timeline(shop, ANN) if row["table"] == "deliveries"]
    assert (row["about"], row["receiver"], row["status"], row["attempts"]) == (
        "segment.entered buyers",
        "crm",
        "delivered",
        2,
    )


def test_a_hook_hears_of_its_segments_only_and_each_hook_of_its_own(shop: Shop, receiver: Receiver) -> None:
    with receiving() as other:
        shop.hooked(receiver, "quiet")
        shop.hooked(other, name="Other")
        shop.bought("ann")
        shop.passes(DAY + 1)
        shop.calls()
        assert [what[1] for what in told(receiver)] == ["quiet"]
        assert [what[1] for what in told(other)] == ["buyers", "quiet"]
        ids = {one.headers["webhook-id"] for one in (*receiver.got, *other.got)}
        assert len(ids) == 3


def test_a_call_that_fails_is_made_again_with_the_same_id_and_those_behind_it_wait(
    shop: Shop, receiver: Receiver
) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [500, (503, {"Retry-After": "1800"})]
    shop.bought("ann", "bob")
    for _ in range(5):
        shop.calls()
    assert [one.reply for one in receiver.got] == [500]
    shop.now += MINUTE
    shop.calls()
    assert [one.reply for one in receiver.got] == [500, 503]
    shop.now += 1800 * 1_000_000 - 1
    shop.calls()
    assert len(receiver.got) == 2
    shop.now += HOUR
    shop.calls()
    ids = [one.headers["webhook-id"] for one in receiver.got]
    assert (ids[0] == ids[1] == ids[2] != ids[3], len(ids)) == (True, 4)
    assert len({one.body for one in receiver.got[:3]}) == 1
    assert [what[2] for what in told(receiver)] == ["ann", "bob"]
    assert shop.standing(hook).failures == 0


def test_a_server_that_was_away_hears_all_of_it_once_it_is_back(shop: Shop) -> None:
    with receiving() as first:
        hook, _ = shop.hooked(first)
        shop.bought("ann")
        shop.calls()
    shop.bought("bob", "cat")
    shop.calls()
    assert "cannot be reached" in shop.standing(hook).last[0].words
    with receiving(port=first.port) as back:
        shop.now += HOUR
        shop.calls()
        assert sorted(what[2] for what in told(back)) == ["bob", "cat"]


def test_what_has_failed_for_three_days_is_dead_kept_and_can_be_told_again(
    shop: Shop, receiver: Receiver
) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [500] * 100
    shop.bought("ann", "bob")
    while shop.seen(hook)[0]:
        shop.calls()
        shop.now += HOUR
    assert (shop.seen(hook), 3 * DAY <= shop.now - NOW <= 3 * DAY + 2 * HOUR) == ((0, 2), True)
    shop.drain()
    rows = shop.rows("deliveries")
    assert [(row["status"], row["reason"]) for row in rows] == [("failed", "it answered 500")] * 2
    assert sorted(row["attempts"] for row in rows)[0] == 0  # it only waited behind the other
    receiver.script.clear()
    assert hooks.again(shop.state, shop.profiles, hook.key, now=shop.now) == 2
    shop.calls()
    assert [what[2] for what in told(receiver)] == ["ann", "bob"]
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 2
    shop.drain()
    assert sorted(row["status"] for row in shop.rows("deliveries")) == ["delivered"] * 2 + ["failed"] * 2


def test_a_call_that_is_refused_for_what_it_says_does_not_hold_up_the_others_for_days(
    shop: Shop, receiver: Receiver
) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [422] * 10
    shop.bought("ann", "bob")
    while shop.seen(hook)[0]:
        shop.calls()
        shop.now += HOUR
    assert shop.now - NOW < DAY
    assert (shop.seen(hook), [what[2] for what in told(receiver)]) == ((0, 1), ["bob"])


def test_gone_switches_the_hook_off_until_somebody_asks_again(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [410]
    shop.bought("ann")
    shop.calls()
    shop.now += DAY
    shop.bought("bob")
    assert shop.calls() == 0
    assert shop.state.get(Hook, hook.key).off_at
    assert shop.seen(hook) == (1, 0)  # of what happens while it is off nothing is told
    hooks.again(shop.state, shop.profiles, hook.key, now=shop.now)
    shop.calls()
    assert [what[2] for what in told(receiver)] == ["ann"]


def test_a_rebuild_neither_loses_nor_makes_up_calls(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    shop.bought("ann")
    before = list(calls_of(shop.profiles, Call, hook.key))
    by = knowledge(shop.state, shop.settings)
    rebuild_profiles(shop.lake, shop.profiles, now=shop.now, by=by)
    assert list(calls_of(shop.profiles, Call, hook.key)) == before
    assert len(before) == 1


@dataclass
class Dying:
    """A store whose process dies in the moment in which something is put."""

    inner: Any
    left: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def put(self, change: Change) -> None:
        """The last that it did."""
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("killed")
        self.inner.put(change)


def test_whoever_dies_between_lake_and_store_tells_a_move_once(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    store, shop.profiles = shop.profiles, Dying(shop.profiles, 0)
    with pytest.raises(RuntimeError):
        shop.bought("ann")
    shop.profiles = store
    shop.drain()
    shop.bought("bob")
    assert shop.seen(hook) == (2, 0)
    shop.calls()
    assert [what[2] for what in told(receiver)] == ["ann", "bob"]


def test_whoever_dies_after_a_call_makes_it_again_with_the_same_id_and_one_delivery(
    shop: Shop, receiver: Receiver
) -> None:
    shop.hooked(receiver)
    shop.bought("ann")
    store, shop.profiles = shop.profiles, Dying(shop.profiles, 0)
    with pytest.raises(RuntimeError):
        shop.calls()
    shop.profiles = store
    shop.caller = Caller(shop, lambda: shop.now)
    shop.calls()
    shop.drain()
    assert len(receiver.got) == 2
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
    assert len(shop.rows("deliveries")) == 1


def test_what_could_not_be_put_on_record_is_before_anybody_is_called_again(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.hooked(receiver)
    shop.bought("ann")

    def full(_: bytes) -> None:
        raise Behind("behind")

    with monkeypatch.context() as patch:
        patch.setattr(shop.journal, "append_now", full)
        for _ in range(3):
            with pytest.raises(Behind):
                shop.calls()
    shop.calls()
    shop.drain()
    assert (len(receiver.got), len(shop.rows("deliveries"))) == (1, 1)


def test_who_is_forgotten_is_told_of_no_more_and_nothing_waits_of_them(
    shop: Shop, receiver: Receiver
) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [500, 500]
    shop.bought("ann", "bob")
    shop.calls()
    assert [call["person_id"] for call in export(shop, ANN, now=shop.now)["calls"]] == [ANN]
    shop.forget("ann")
    assert [call.person_id for _, call in calls_of(shop.profiles, Call, hook.key)] == [BOB]
    shop.now += HOUR
    receiver.script.clear()
    shop.calls()
    assert [what[2] for what in told(receiver)] == ["bob"]


def test_who_is_forgotten_in_the_middle_of_a_call_leaves_no_trace(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    shop.bought("ann", "bob")
    post = shop.ways.post

    def forgetful(*told: Any) -> Any:
        answer = post(*told)
        if len(receiver.got) == 1:
            shop.forget("ann", "bob")
        return answer

    shop.ways.post = forgetful  # type: ignore[method-assign, assignment]
    shop.calls()
    shop.drain()
    assert len(receiver.got) == 1
    assert (shop.seen(hook), shop.rows("deliveries")) == ((0, 0), [])


def test_somebody_who_became_another_is_told_of_as_who_they_are_now(shop: Shop, receiver: Receiver) -> None:
    shop.hooked(receiver)
    shop.send(order("o1", anon="kiosk", time=shop.now))
    shop.drain()
    shop.send(event("Identified", kind="identify", user="ann", anon="kiosk", time=shop.now))
    shop.drain()
    shop.calls()
    data = json.loads(receiver.got[0].body)["data"]
    assert (data["person_id"], data["user_id"], data["anonymous_id"]) == (str(ANN), "ann", "kiosk")


def test_people_known_by_one_name_are_told_by_it(shop: Shop, receiver: Receiver) -> None:
    shop.hooked(receiver)
    shop.send(order("o1", user="bob", time=shop.now), order("o2", anon="kiosk", time=shop.now))
    shop.drain()
    shop.calls()
    found = [json.loads(one.body)["data"] for one in receiver.got]
    assert sorted((one["user_id"] or "", one["anonymous_id"] or "") for one in found) == [
        ("", "kiosk"),
        ("bob", ""),
    ]


def test_a_hook_that_is_removed_is_told_nothing_and_comes_back_with_what_waited(
    shop: Shop, receiver: Receiver
) -> None:
    hook, _ = shop.hooked(receiver)
    shop.bought("ann")
    hooks.remove(shop.state, hook.key, now=shop.now)
    shop.caller.sweep()
    assert shop.calls() == 0
    again, _ = shop.hooked(receiver)
    assert again.key == "crm-2"
    hooks.remove(shop.state, again.key, now=shop.now)
    assert hooks.restore(shop.state, hook.key) == hook
    shop.calls()
    assert [what[2] for what in told(receiver)] == ["ann"]
    hooks.remove(shop.state, hook.key, now=shop.now)
    shop.now += DAY + 1
    shop.caller.sweep()
    for kind in (Call, Standing):
        assert list(shop.profiles.scan(kind)) == []
    with pytest.raises(BadInput, match="nothing to take back"):
        hooks.restore(shop.state, hook.key)


def test_dead_calls_are_kept_for_a_month(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [400] * 10
    shop.bought("ann")
    while shop.seen(hook)[0]:
        shop.calls()
        shop.now += HOUR
    shop.caller.sweep()
    assert len(list(shop.profiles.scan(DeadCall))) == 1
    shop.now += 30 * DAY
    shop.caller.sweep()
    assert list(shop.profiles.scan(DeadCall)) == []


def test_the_owner_is_told_of_a_hook_that_fails(shop: Shop, receiver: Receiver) -> None:
    shop.hooked(receiver)
    receiver.script += [500] * 9
    shop.bought("ann")
    shop.calls()
    assert shop.caller.troubles() == {"CRM": ""}
    shop.now += HOUR
    shop.calls()
    assert shop.caller.troubles() == {"CRM": "it answered 500; 1 calls wait"}


def test_one_hook_that_fails_holds_up_no_other(shop: Shop, receiver: Receiver) -> None:
    with receiving(*[500] * 99) as broken:
        shop.hooked(broken, name="Broken")
        shop.hooked(receiver)
        shop.bought("ann", "bob")
        shop.calls()
        assert len(told(receiver)) == 2


def test_a_hook_can_be_tried_out_and_tells_nothing_of_anybody(shop: Shop, receiver: Receiver) -> None:
    hook, secret = shop.hooked(receiver)
    said = hooks.try_out(shop.outside(), hook, clock=lambda: shop.now)
    (got,) = receiver.got
    assert (said.ok, said.words) == (True, "it answered 204")
    assert verified(got.headers, got.body, secret, now=shop.now)
    assert json.loads(got.body)["type"] == "hook.test"
    assert json.loads(got.body)["data"] == {"hook": "crm"}


def test_a_new_secret_signs_beside_the_old_one_for_a_while(shop: Shop, receiver: Receiver) -> None:
    hook, old = shop.hooked(receiver)
    changed, new = hooks.rotate(shop.state, hook.key, now=shop.now, days=1)
    shop.bought("ann")
    shop.calls()
    shop.now += DAY
    shop.bought("bob")
    shop.calls()
    good = [
        [verified(one.headers, one.body, key, now=NOW + at) for key in (old, new)]
        for at, one in zip((0, DAY), receiver.got, strict=False)
    ]
    assert good == [[True, True], [False, True]]
    assert len(changed.secrets) == 2
    for _ in range(5):
        changed, _ = hooks.rotate(shop.state, hook.key, now=shop.now)
    assert len(changed.secrets) == 3


def test_what_cannot_be_a_hook_is_refused_in_a_sentence(shop: Shop, receiver: Receiver) -> None:
    with pytest.raises(BadInput, match="no segment 'vip'; there are: buyers, quiet"):
        shop.hooked(receiver, "vip")
    shop.hooked(receiver)
    with pytest.raises(BadInput, match="already"):
        shop.hooked(receiver)
    with pytest.raises(BadInput, match="from 0 to 365"):
        hooks.rotate(shop.state, "crm", now=NOW, days=-1)


def test_two_people_made_one_by_hand_are_told_of_as_one(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    shop.bought("ann")
    shop.send(event(user="bob", time=shop.now))
    shop.drain()
    merge(shop, ANN, BOB, by="owner", now=shop.now)
    assert shop.seen(hook) == (1, 0)
    shop.calls()
    data = json.loads(receiver.got[0].body)["data"]
    assert data["user_id"] == "ann"
