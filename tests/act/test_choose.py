"""Choosing: every campaign alone, one person like a block of one."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.act.campaigns import campaign
from volano.act.assign import variant
from volano.act.choose import choose, choose_block, snapshot, told
from volano.domain.campaign import CONTROL, Arm, Campaign
from volano.domain.event import Option
from volano.domain.idea import Content

SOURCES = ("instagram / social", "google / cpc", "(direct) / (none)")
AUDIENCES: tuple[dict[str, Any], ...] = (
    {},
    {"source": SOURCES[0]},
    {"orders": {"$gte": 1}, "visitor": {"$ne": "new"}},
    {"$or": [{"device": "iphone"}, {"path": {"$prefix": "/p"}}]},
    {"landing": {"$exists": False}},
)

people = st.fixed_dictionaries(
    {
        "source": st.sampled_from(SOURCES),
        "device": st.sampled_from(["iphone", "desktop"]),
        "path": st.sampled_from([None, "/", "/p/1"]),
        "landing": st.sampled_from([None, "/"]),
        "visitor": st.sampled_from([None, "new", "returning"]),
        "orders": st.integers(0, 2),
    }
)


@st.composite
def campaigns(draw: st.DrawFn) -> list[Campaign]:
    cut = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return [
        campaign(
            key=f"c{number}",
            audience=audience,
            coverage=draw(st.sampled_from([0.0, 0.3, 1.0])),
            arms=(Arm(key=CONTROL, weight=cut), Arm(key="variant", weight=1 - cut)),
            status=draw(st.sampled_from(["live", "draft"])),
        )
        for number, audience in enumerate(AUDIENCES)
    ]


@given(campaigns(), st.lists(st.tuples(people, st.uuids().map(str)), min_size=1, max_size=20))
def test_a_block_is_chosen_for_like_its_people_one_by_one(
    live: list[Campaign], crowd: list[tuple[dict[str, Any], str]]
) -> None:
    ready = snapshot(live)
    schema = pa.schema([(name, pa.int64() if name == "orders" else pa.string()) for name in crowd[0][0]])
    table = pa.Table.from_pylist([facts for facts, _ in crowd], schema=schema)
    block = choose_block(ready, table, [identity for _, identity in crowd])
    for row, (facts, identity) in enumerate(crowd):
        chosen = choose(ready, facts, {each.salt: identity for each in live}.__getitem__, now=0)
        one = {found.campaign: found.variant for found in chosen}
        assert {key: str(arms[row]) for key, arms in block.items() if arms[row]} == one


def test_a_decision_tells_its_options_its_reason_and_the_id_that_was_hashed() -> None:
    arms = (Arm(key=CONTROL, weight=0.2), Arm(key="a", weight=0.8))
    live = campaign(arms=arms, round=3)
    (decision,) = choose(snapshot([live]), {}, lambda salt: f"first id of {salt}", now=7)
    assert decision.options == [Option(variant=CONTROL, propensity=0.2), Option(variant="a", propensity=0.8)]
    assert decision.assigned_by == "first id of ten-off.3"
    assert decision.variant == variant(live, "first id of ten-off.3")
    assert (decision.decision_id, decision.round) == ("ten-off.3:first id of ten-off.3:7", 3)
    assert decision.reason == "drawn by weight"


def test_drafts_and_stopped_campaigns_choose_nobody_and_shipped_ones_everybody() -> None:
    only = (Arm(key="a", weight=1.0, content=Content(headline="Hi")),)
    ready = snapshot(
        [
            campaign(key="draft", status="draft"),
            campaign(key="stopped", status="stopped"),
            campaign(key="shipped", status="shipped", arms=only),
        ]
    )
    found = choose(ready, {}, lambda _: "me", now=0)
    assert [(one.campaign, one.variant, one.reason) for one in found] == [
        ("shipped", "a", "shipped to everyone")
    ]


def test_a_campaign_with_a_bad_rule_is_left_out_alone() -> None:
    ready = snapshot([campaign(key="bad", audience={"orders": {"$near": 1}}), campaign(key="good")])
    assert [one.campaign for one in choose(ready, {}, lambda _: "me", now=0)] == ["good"]
    assert ready.broken[0][0] == "bad"
    assert "$near" in ready.broken[0][1]


def test_the_tag_hears_only_the_content_of_the_arm_that_was_chosen() -> None:
    arms = (
        Arm(key="a", weight=1.0, content=Content(headline="A", choices=("x",))),
        Arm(key="b", weight=0.0, content=Content(headline="secret")),
    )
    ready = snapshot([campaign(arms=arms)])
    (piece,) = told(ready, choose(ready, {}, lambda _: "me", now=0), "me")
    assert json.loads(bytes(piece)) == {
        "campaign": "ten-off",
        "salt": "ten-off.1",
        "coverage": 1.0,
        "round": 1,
        "format": "popup",
        "trigger": {"on": "Page Viewed", "then": "now", "value": 0.0},
        "arms": [
            {"key": "a", "weight": 1.0, "content": {"headline": "A", "choices": ["x"]}},
            {"key": "b", "weight": 0.0},
        ],
        "arm": "a",
    }


def test_the_tag_hears_of_an_id_that_was_hashed_earlier() -> None:
    ready = snapshot([campaign()])
    (piece,) = told(ready, choose(ready, {}, lambda _: 'élder"', now=0), "me")
    assert json.loads(bytes(piece))["id"] == 'élder"'
