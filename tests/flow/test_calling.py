"""Other systems are told who enters and leaves segments: nothing is lost, nothing is made up, in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.flow.folk import ANN, BOB
from tests.flow.hooked import Dying, Shop, told
from tests.flow.site import MINUTE, NOW
from tests.receiver import Receiver, receiving
from volano.act.hooks import verified
from volano.domain.durations import DAY, HOUR
from volano.domain.hook import Call, Hook
from volano.errors import Behind
from volano.flow import hooks
from volano.flow.calling import Caller
from volano.flow.calls import calls_of
from volano.flow.handing_out import export
from volano.flow.ingest import rebuild_profiles
from volano.flow.knowledge import knowledge
from volano.flow.people import timeline


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


def meanwhile(shop: Shop, what: Callable[[], object]) -> None:
    """Something happens once, while the next call is under way."""
    post, waiting = shop.ways.post, [what]

    def posted(*told: Any) -> Any:
        answer = post(*told)
        if waiting:
            waiting.pop()()
        return answer

    shop.ways.post = posted  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("reply", [204, 500, 422])
def test_who_is_forgotten_in_the_middle_of_a_call_leaves_no_trace(
    shop: Shop, receiver: Receiver, reply: int
) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script.append(reply)
    shop.bought("ann", "bob")
    meanwhile(shop, lambda: shop.forget("ann", "bob"))
    shop.calls()
    shop.drain()
    assert len(receiver.got) == 1
    assert (shop.seen(hook), shop.rows("deliveries")) == ((0, 0), [])


def test_who_asks_for_it_in_the_middle_of_a_call_need_not_wait(shop: Shop, receiver: Receiver) -> None:
    hook, _ = shop.hooked(receiver)
    receiver.script += [(503, {"Retry-After": "9999"})]
    shop.bought("ann")
    meanwhile(shop, lambda: hooks.again(shop.state, shop.profiles, hook.key, now=shop.now))
    shop.calls()
    assert [one.reply for one in receiver.got] == [503, 204]
