"""A shop with something on every page of the console: events in a lake, and the nouns of one turn."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa
from msgspec.structs import replace

from volano.domain.account import SCOPES, Import, SecretKey, Source, User
from volano.domain.campaign import Arm, Campaign, Goal, Plan, Trigger
from volano.domain.durations import DAY
from volano.domain.idea import Content, Figure, Idea
from volano.domain.leak import Journey, Leak
from volano.domain.shop import Shop
from volano.domain.tables import EVENTS, QUARANTINE
from volano.domain.verdict import GoalResult, Lesson, Verdict
from volano.maths.hashing import hash63
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.census_memory import MemoryCensus
from volano.testing.journal_memory import MemoryJournal
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState
from volano.web.login import set_password
from volano.wiring import House

NOW = 1_760_000_000_000_000  # 9 October 2025, 08:53 UTC
PASSWORD = "correct horse battery"
MINUTE = 60_000_000


def empty_house(home: Path = Path("unused")) -> House:
    """A house nobody has entered; everything in memory."""
    lake = MemoryLake()
    state = MemoryState()
    state.put(Source(key="web", name="Shop", write_key="wk_test"))
    profiles = MemoryProfiles()
    return House(
        settings=Settings(),
        home=home,
        lake=lake,
        upkeep=lake,
        corrections=lake,
        journal=MemoryJournal(),
        state=state,
        profiles=profiles,
        census=MemoryCensus(profiles),
        caps=MemoryCaps(),
        keys=MemoryKeys(),
        pepper=b"p" * 32,
    )


def full_house(home: Path = Path("unused")) -> House:
    """A house with a password, a lake of people on a journey, and one noun or more for every card."""
    house = empty_house(home)
    house.state.put(_owner())
    house.lake.append({"events": _events(), "quarantine": _quarantined()})
    house.state.put(Shop(currency="EUR"), *LEAKS, *IDEAS, DRAFT, LIVE, VERDICT, LESSON, IMPORT, CRM)
    return house


@cache
def _owner() -> User:
    """Hashing a password is slow on purpose: once is enough."""
    return set_password(MemoryState(), PASSWORD, now=NOW)


@cache
def _events() -> pa.Table:
    rows = []
    depth = (900, 560, 240, 120, 70)
    for person in range(900):
        start = NOW - (person % 20) * DAY - person * MINUTE // 7 - 3 * MINUTE
        for at, name in enumerate(Journey().steps):
            if person < depth[at]:
                rows.append(_event(person, start + at * MINUTE // 3, name, at))
    return pa.Table.from_pylist(rows, EVENTS)


def _event(person: int, time: int, name: str, at: int) -> dict[str, object]:
    ordered = name == "Order Completed"
    place = ("instagram", "social") if person % 3 else ("google", "cpc")
    return {
        "person_id": hash63(f"a:{person}"),
        "time": time,
        "id": hash63(f"{person}.{at}"),
        "identity": hash63(f"a:{person}"),
        "known_as": f"a:{person}",
        "origin": "web",
        "event": name,
        "source": place[0],
        "medium": place[1],
        "device": ("low-end android", "iphone", "desktop")[person % 3],
        "path": "/sale" if person % 5 else "/",
        "revenue": 4_990 + person if ordered else None,
        "currency": "EUR" if ordered else None,
        "order_id": str(person) if ordered else None,
        "properties": "{}",
    }


def _quarantined() -> pa.Table:
    row = {
        "person_id": 0,
        "time": NOW - 40 * MINUTE,
        "id": 77,
        "identity": 0,
        "known_as": "",
        "origin": "web",
        "index": 3,
        "code": "bad_time",
        "message": "the timestamp '31-31-2025' is no ISO 8601 time; send 2025-10-09T08:53:20Z",
        "sample": '{"event":"<script>alert(1)</script>"}',
    }
    return pa.Table.from_pylist([row], QUARANTINE)


_LEAK = Leak(
    key="l1a2b3",
    step="Checkout Started",
    next_step="Order Completed",
    slice={"source": "instagram / social", "device": "low-end android"},
    people=1_240,
    went_on=508,
    expected=0.58,
    observed=0.41,
    gap=0.17,
    gap_low=0.12,
    gap_high=0.22,
    reach=5_400,
    lost_orders_per_week=38.2,
    lost_orders_low=21,
    lost_orders_high=55,
    lost_money_per_week=410_000,
    currency="EUR",
    p_value=1e-6,
    q_value=0.00004,
    order_share=0.41,
    people_per_week=415,
    found_at=NOW - DAY,
    review_by=NOW + 27 * DAY,
)
LEAKS = (
    _LEAK,
    replace(
        _LEAK,
        key="l9z",
        step="Page Viewed",
        next_step="Product Viewed",
        slice={"visitor": "new"},
        expected=0.66,
        observed=0.61,
        gap=0.05,
        gap_low=0.03,
        gap_high=0.07,
        lost_orders_per_week=9.4,
        lost_orders_low=5.1,
        lost_orders_high=13,
        lost_money_per_week=98_000,
        q_value=0.012,
        found_at=NOW - 20 * DAY,
    ),
)

_IDEA = Idea(
    key="l1a2b3.free-delivery-bar",
    leak="l1a2b3",
    recipe="free-delivery-bar",
    title="Free-delivery bar for instagram / social · low-end android",
    why="Delivery cost is the most named reason to leave a basket; say early that it is free.",
    format="bar",
    reach=Figure(value=5_400, origin="from the leak: 415 people a week × 13 weeks"),
    impact=Figure(value=0.08, origin="relative lift: the playbook says +8 % ± 5"),
    confidence=Figure(value=0.86, origin="chance that the lift is above 1 %: 92 %; reach known to ± 6 %"),
    effort=Figure(value=0.25, origin="playbook, in person-days"),
    score=1_486,
    score_low=12,
    score_high=2_994,
    made_at=NOW - DAY,
)
IDEAS = (
    _IDEA,
    replace(
        _IDEA,
        key="l1a2b3.cart-discount-10",
        recipe="cart-discount-10",
        title="10 % off for instagram / social · low-end android, before they leave the basket",
        why="A basket is often left because the total is a surprise; a small saving answers it.",
        format="popup",
        effort=Figure(value=0.5, origin="playbook, in person-days"),
        impact=Figure(value=0.05, origin="set by you", overridden=True),
        score=640,
        score_low=-40,
        score_high=1_300,
        status="open",
        overrides={"impact": 0.05},
    ),
    replace(
        _IDEA,
        key="l9z.first-order-coupon",
        leak="l9z",
        recipe="first-order-coupon",
        title="Newsletter with first-order coupon for new",
        score=210,
        score_low=20,
        score_high=420,
        status="running",
    ),
)

_GOALS = (
    Goal(key="click", role="leading", event="Campaign Clicked", days=1),
    Goal(key="orders", role="lagging", event="Order Completed", days=7),
    Goal(key="revenue", role="lagging", event="Order Completed", days=7, measure="revenue"),
    Goal(key="refunds", role="guardrail", event="Order Refunded", days=7, margin=0.01),
)
DRAFT = Campaign(
    key="c-l1a2b3-cart-discount-10",
    name="10 % off for Instagram <script>alert(1)</script>",
    idea="l1a2b3.cart-discount-10",
    recipe="cart-discount-10",
    format="popup",
    audience={"source": "instagram / social", "device": "low-end android"},
    trigger=Trigger(on="Product Added", then="exit"),
    arms=(
        Arm(key="control", weight=0.5),
        Arm(
            key="a",
            weight=0.5,
            content=Content(
                headline="Take 10 % off your basket",
                body="For everything you have picked.",
                button="Use the code",
                coupon="BASKET10",
            ),
        ),
    ),
    goals=_GOALS,
    plan=Plan(baseline=0.41, lift=0.08, people_per_arm=3_480, days=16.8),
    made_at=NOW - DAY,
    review_by=NOW + 24 * DAY,
)
LIVE = replace(
    DRAFT,
    key="c-l9z-first-order-coupon",
    name="First-order coupon for new visitors",
    idea="l9z.first-order-coupon",
    recipe="first-order-coupon",
    audience={"visitor": "new"},
    status="live",
    started_at=NOW - 9 * DAY,
    review_by=NOW + 6 * DAY,
)


def _result(goal: Goal, control: float, variant: float, half: float) -> GoalResult:
    gap = variant - control
    return GoalResult(
        goal=goal.key,
        role=goal.role,
        event=goal.event,
        days=goal.days,
        measure=goal.measure,
        variant="a",
        control_people=2_010,
        variant_people=1_985,
        control_value=control,
        variant_value=variant,
        control_converters=210,
        variant_converters=251,
        difference=gap,
        low=gap - half,
        high=gap + half,
        p_value=0.0031,
        relative=gap / control if control else None,
        relative_low=(gap - half) / control if control else None,
        relative_high=(gap + half) / control if control else None,
        maturity=0.92 if goal.role == "lagging" else 1.0,
    )


VERDICT = Verdict(
    key="c-l9z-first-order-coupon.1",
    campaign=LIVE.key,
    round=1,
    call="ship",
    sentence="Ship it: 2.2 points more people order (0.8 … 3.6)",
    results=[
        _result(_GOALS[0], 0.0, 0.081, 0.012),
        _result(_GOALS[1], 0.104, 0.126, 0.014),
        _result(_GOALS[2], 521.0, 603.0, 95.0),
        _result(_GOALS[3], 0.004, 0.005, 0.004),
    ],
    exposed={"control": 2_010, "a": 1_985},
    expected={"control": 0.5, "a": 0.5},
    ratio_p=0.69,
    mixed=3,
    missing="",
    as_of=NOW,
    made_at=NOW,
    final=True,
)
LESSON = Lesson(
    key="c-l9z-first-order-coupon.1",
    campaign=LIVE.key,
    recipe="first-order-coupon",
    call="ship",
    sentence="New visitors with the coupon ordered 21 % more often.",
    before_mean=0.07,
    before_sd=0.06,
    after_mean=0.12,
    after_sd=0.04,
    learned_at=NOW - DAY,
)
CRM = SecretKey(
    key="crm",
    name="CRM <script>alert(1)</script>",
    digest="0" * 64,
    shown="sk_aB3x",
    scopes=tuple(SCOPES),
    made_at=NOW - DAY,
    good_until=NOW + 300 * DAY,
)
IMPORT = Import(
    key="imp1",
    file="orders-2025.csv",
    kind="orders",
    rows=12_400,
    accepted=12_310,
    duplicates=80,
    refused=10,
    people=4_021,
    revenue_minor=83_112_000,
    currency="EUR",
    made_at=NOW - 30 * DAY,
)
