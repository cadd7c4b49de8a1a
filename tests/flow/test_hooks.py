"""Web hooks of a shop: whom they are told of, and what the owner does with them."""

from __future__ import annotations

import json

import pytest

from tests.flow.folk import ANN, BOB
from tests.flow.hooked import Shop, told
from tests.flow.site import NOW, event, order
from tests.receiver import Receiver, receiving
from volano.act.hooks import verified
from volano.domain.durations import DAY, HOUR
from volano.domain.hook import Call, DeadCall, Standing
from volano.errors import BadInput
from volano.flow import hooks
from volano.flow.joining import merge


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
    assert shop.caller.troubles() == {"CRM": "it answered 500; 1 call waits"}


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
