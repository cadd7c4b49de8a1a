"""Whatever goes wrong in whatever order: every move is told, under one id, in order, and is one delivery."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.flow.hooked import Dying, Shop
from volano.domain.durations import DAY, HOUR, MINUTE
from volano.flow import hooks
from volano.flow.calling import Caller
from volano.flow.ingest import rebuild_profiles
from volano.flow.knowledge import knowledge
from volano.testing.outside_memory import MemoryOutside, Posted

STEPS = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from("abc")),
    st.tuples(st.just("wait"), st.sampled_from([MINUTE, HOUR, DAY + MINUTE])),
    st.tuples(st.just("call"), st.lists(st.sampled_from([204, 204, 204, 500, 503, 0]), max_size=4)),
    st.tuples(st.just("die"), st.integers(0, 2)),
    st.tuples(st.just("rebuild"), st.none()),
)


def attempt(shop: Shop, step: tuple[str, Any], replies: list[int]) -> None:
    """One thing that happens."""
    what, how = step
    if what == "buy":
        shop.bought(how)
    elif what == "wait":
        shop.passes(how)
    elif what == "call":
        replies[:] = how
        shop.caller.step()
    elif what == "rebuild":
        rebuild_profiles(shop.lake, shop.profiles, now=shop.now, by=knowledge(shop.state, shop.settings))
    else:  # whoever does all this dies at one of the next puts
        shop.profiles = Dying(getattr(shop.profiles, "inner", shop.profiles), how)


@settings(max_examples=10, deadline=None)
@given(st.lists(STEPS, max_size=18))
@example([("wait", MINUTE), ("buy", "a"), ("die", 0), ("buy", "a")])
def test_every_move_is_told_once_by_its_id(steps: list[tuple[str, Any]]) -> None:
    shop, replies, taken = Shop(), list[int](), dict[str, bytes]()

    def says(posted: Posted) -> int:
        status = replies.pop(0) if replies else 204
        if status == 204:
            taken.setdefault(posted.headers["webhook-id"], posted.body)
        return status

    outside = MemoryOutside(says)
    shop.outside = lambda: outside  # type: ignore[method-assign]
    hooks.make(shop.state, shop.profiles, "https://crm.test/", name="CRM", now=shop.now)
    for step in steps:
        try:
            attempt(shop, step, replies)
        except RuntimeError:  # killed: another process takes up what is on the disk
            shop.profiles = getattr(shop.profiles, "inner", shop.profiles)
            shop.caller = Caller(shop, lambda: shop.now)
    shop.profiles = getattr(shop.profiles, "inner", shop.profiles)
    shop.drain()
    replies.clear()
    while shop.waiting():
        shop.passes(HOUR)
        shop.calls()
    shop.drain()
    told = [json.loads(body) for body in taken.values()]
    assert [one["timestamp"] for one in told] == sorted(one["timestamp"] for one in told)
    kinds = {"Segment Entered": "segment.entered", "Segment Left": "segment.left"}
    moves = [
        (kinds[row["event"]], json.loads(row["properties"])["segment"], str(row["identity"]))
        for row in shop.rows()
        if row["event"] in kinds
    ]
    assert sorted(moves) == sorted(
        (one["type"], one["data"]["segment"], one["data"]["person_id"]) for one in told
    )
    assert len({(one.headers["webhook-id"], one.body) for one in outside.got}) == len(taken)
    assert len(shop.rows("deliveries")) == len(taken)
