"""What is live, for pages that draw by themselves: small, kept by caches, and nothing of anybody in it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.act.campaigns import campaign
from tests.web.shop import LIVE
from tests.web.test_decisions import Room
from volano.act.assign import variant
from volano.act.choose import snapshot
from volano.act.configuration import configuration, page_can_judge
from volano.act.draft import arms
from volano.domain.account import Source
from volano.domain.campaign import CONTROL, Arm, Campaign, Cap, Trigger
from volano.domain.idea import Content
from volano.maths.hashing import hash63
from volano.plan.playbook import RECIPES
from volano.settings import Settings
from volano.web.decisions import is_decision

PATH = "/c/w.json"
BUDGET = 2_048  # bytes, gzipped, of twenty usual campaigns


def told(*live: Campaign) -> list[dict[str, Any]]:
    """What pages are told of these."""
    found: list[dict[str, Any]] = json.loads(configuration(snapshot(live)))["campaigns"]
    return found


def usual(number: int) -> Campaign:
    """One as the playbook drafts it against a leak of its own."""
    recipe = RECIPES[number % len(RECIPES)]
    slices: list[dict[str, Any]] = [
        {"source": "instagram / social", "device": "low-end android"},
        {"visitor": "new", "landing": "/sale"},
        {"source": "google / cpc"},
        {"orders": {"$gte": 2}},
        {},
    ]
    events = ("Page Viewed", "Product Viewed", "Product Added", "Checkout Started")
    return campaign(
        key=f"c-{hash63(str(number)) % 16**12:012x}-{recipe.key}",
        name=recipe.title,
        format=recipe.format,
        audience=slices[number % len(slices)],
        trigger=Trigger(on=events[number % len(events)], then=recipe.then, value=recipe.value),
        arms=arms(recipe.content, 0.5),
    )


def test_twenty_usual_campaigns_are_at_most_2048_bytes() -> None:
    room = Room()
    room.state.put(*map(usual, range(20)))
    answer = room.send("GET", PATH)
    assert len(answer.json()["campaigns"]) == 20
    assert len(gzip.compress(answer.content, 9, mtime=0)) <= BUDGET
    assert int(answer.headers["content-length"]) <= BUDGET


def test_a_campaign_is_told_with_all_that_it_takes_to_draw_and_show_an_arm() -> None:
    live = campaign(
        audience={"landing": {"$prefix": "/sale"}},
        coverage=0.5,
        round=2,
        trigger=Trigger(on="Product Added", then="seconds", value=20),
        arms=(
            Arm(key=CONTROL, weight=0.2),
            Arm(key="a", weight=0.3, content=Content(headline="A")),
            Arm(key="b", weight=0.5, content=Content(headline="B", choices=("x",))),
        ),
    )
    assert told(live) == [
        {
            "campaign": "ten-off",
            "salt": "ten-off.2",
            "coverage": 0.5,
            "round": 2,
            "format": "popup",
            "trigger": {"on": "Product Added", "then": "seconds", "value": 20.0},
            "arms": [
                {"key": "control", "weight": 0.2},
                {"key": "a", "weight": 0.3, "content": {"headline": "A"}},
                {"key": "b", "weight": 0.5, "content": {"headline": "B", "choices": ["x"]}},
            ],
            "audience": {"landing": {"$prefix": "/sale"}},
        }
    ]


def drawn(one: dict[str, Any], id_: str) -> str | None:
    """The arm that a page draws, as docs/reference/decide.md tells it."""
    gate, draw = (mmh3.hash(f"{one['salt']}:{id_}", seed, signed=False) % 10_000 for seed in (0, 86028157))
    upto = 0.0
    for arm in one["arms"] if gate < int(one["coverage"] * 10_000 + 0.5) else ():
        upto += arm["weight"]
        if draw < int(upto * 10_000 + 0.5):
            return str(arm["key"])
    return None


@given(st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.1, 0.5, 0.95]), st.text(max_size=20))
def test_a_page_draws_the_arm_that_the_server_draws(coverage: float, control: float, id_: str) -> None:
    live = campaign(coverage=coverage, arms=arms(Content(headline="x"), control))
    assert drawn(told(live)[0], id_) == variant(live, id_)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"path": {"$prefix": "/p"}, "landing": "/", "visitor": "new", "language": "de"},
        {"source": "mail / letter", "$or": [{"device": "iphone"}, {"os": "iOS", "browser": "Safari"}]},
        {"$not": {"timezone": {"$in": ["Europe/Berlin"]}}},
    ],
)
def test_who_is_meant_by_the_visit_alone_a_page_may_judge(rule: dict[str, Any]) -> None:
    assert page_can_judge(rule)
    (one,) = told(campaign(audience=rule))
    assert (one["audience"], "ask" in one) == (rule, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": {"orders": {"$gte": 1}}},
        {"audience": {"path": "/", "email": "ann@shop.example"}},
        {"audience": {"$or": [{"path": "/"}, {"traits.plan": "gold"}]}},
        {"audience": {"country": "DE"}},
        {"audience": {"$did": {"event": "Order Completed"}}},
        {"audience": {"$not": {"segments": {"$in": ["lapsing"]}}}},
        {"audience": {"path": {"$inGroup": "pages"}}},
        {"cap": Cap(times=2, days=7)},
    ],
)
def test_what_takes_the_server_to_judge_is_asked_and_its_rule_stays_there(changes: dict[str, Any]) -> None:
    live = campaign(**changes)
    found = json.loads(configuration(snapshot([live], groups={"pages": ["/secret"]})))["campaigns"][0]
    assert (found["ask"], "audience" in found) == (True, False)
    assert found.get("cap") == ({"times": 2, "days": 7} if live.cap else None)
    assert "secret" not in str(found)


def test_nothing_of_the_console_leaves_the_house() -> None:
    one = replace(LIVE, key="c-1", name="the name", idea="the idea", recipe="the recipe", review_by=4_711)
    names = {
        "campaign", "salt", "coverage", "round", "format", "trigger", "arms", "audience",
    }  # fmt: skip
    assert told(one)[0].keys() == names
    text = json.dumps(told(one))
    for secret in ("the name", "the idea", "the recipe", "4711", "Order", "goals", "plan", "guardrail"):
        assert secret not in text, secret


def test_drafts_and_stopped_campaigns_are_not_told_and_shipped_ones_without_control() -> None:
    only = (Arm(key="a", weight=1.0, content=Content(headline="Hi")),)
    found = told(
        campaign(key="draft", status="draft"),
        campaign(key="stopped", status="stopped"),
        campaign(key="shipped", status="shipped", arms=only),
    )
    assert [(one["campaign"], len(one["arms"])) for one in found] == [("shipped", 1)]


def test_it_is_served_packed_kept_by_caches_and_asked_after_by_its_name() -> None:
    room = Room()
    room.state.put(campaign())
    first = room.send("GET", PATH, headers={"origin": "https://shop.example"})
    assert first.status_code == 200
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=86400"
    assert first.headers["access-control-allow-origin"] == "*"
    plain = room.send("GET", PATH, headers={"accept-encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.content) == (False, first.content)
    again = room.send("GET", PATH, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = room.send("HEAD", PATH)
    assert (head.content, head.headers["etag"]) == (b"", first.headers["etag"])
    room.state.put(campaign(status="stopped"))
    changed = room.send("GET", PATH, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()) == (200, {"campaigns": []})


def test_it_is_made_once_for_all_who_ask_until_something_changes() -> None:
    room = Room()
    room.state.put(campaign(), Source(key="app", name="App", write_key="v"))
    bodies = [room.served(path) for path in (PATH, PATH, "/c/v.json")]
    assert bodies[0] is bodies[1] is bodies[2]
    room.state.put(campaign(coverage=0.5))
    assert room.served(PATH) is not bodies[0]


def test_a_key_that_is_not_there_or_good_no_more_is_told_as_404() -> None:
    room = Room()
    room.state.put(Source(key="gone", name="Gone", write_key="r", revoked_at=1))
    for key in ("nobody", "r", "", "a/b", "%F0%9F%98%80"):
        answer = room.send("GET", f"/c/{key}.json")
        assert answer.status_code == 404, key
        assert "there is no write key" in answer.json()["message"]
    assert room.send("POST", PATH).status_code == 405
    assert room.send("OPTIONS", PATH, headers={"origin": "https://x.example"}).status_code == 200


def test_pages_of_other_origins_may_read_it_unless_the_owner_says_otherwise() -> None:
    room = Room(settings=Settings(origins="https://other.example"))
    room.state.put(Source(key="mine", name="Mine", write_key="m", origins="https://mine.example"))
    foreign = room.send("GET", PATH, headers={"origin": "https://mine.example"})
    assert foreign.status_code == 403
    mine = room.send("GET", "/c/m.json", headers={"origin": "https://mine.example"})
    assert (mine.status_code, mine.headers["access-control-allow-origin"]) == (200, "https://mine.example")
    plain = room.send("GET", "/c/m.json")  # a cache must not give it to pages
    assert plain.status_code == 200
    for answer in (mine, plain):
        assert "origin" in answer.headers["vary"].lower()


def test_the_path_is_known_by_name() -> None:
    asked = ("/c/w.json", "/c/w.json/", "/c/w", "/c.json", "/campaigns")
    assert [is_decision(path) for path in asked] == [True, True, False, False, False]
