from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from tests.evaluate.campaigns import CLICKS, NOW, ORDERS, REFUNDS, REVENUE, campaign, shares_tally
from volano.domain.campaign import Campaign, Plan
from volano.domain.durations import DAY
from volano.domain.verdict import Verdict
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.evaluate.verdict import converters_needed, primary, verdict
from volano.maths.moments import Moments


def judged(tally: ArmTally, made: Campaign | None = None) -> Verdict:
    return verdict(made or campaign(), tally, as_of=NOW, now=NOW + 1)


def test_a_sure_rise_at_the_planned_size_is_shipped() -> None:
    found = judged(shares_tally(((378, 1_000), (450, 1_010))))
    assert (found.call, found.final, found.missing) == ("ship", True, "")
    assert found.sentence == (
        "Ship: 17.9 % more people order within 7 days "
        "(44.6 % against 37.8 %; +6.8 points, 2.5 … 11.0; 2,010 people)."
    )
    assert (found.key, found.as_of, found.made_at) == ("c1.1", NOW, NOW + 1)


def test_a_sure_fall_is_stopped() -> None:
    found = judged(shares_tally(((450, 1_010), (378, 1_000))))
    assert (found.call, found.final) == ("stop", True)
    assert found.sentence.startswith(
        "Stop: 15.2 % fewer people order within 7 days (37.8 % against 44.6 %; −6.8"
    )


def test_what_may_be_chance_is_stopped_with_the_size_that_was_looked_for() -> None:
    found = judged(shares_tally(((378, 1_000), (390, 1_000))))
    assert (found.call, found.final) == ("stop", True)
    assert found.sentence.startswith("Stop: no effect of 10.0 % or more was seen: 3.2 % more people order")


def test_before_the_planned_size_nothing_is_decided_however_good_it_looks() -> None:
    made = campaign(started_at=NOW - 10 * DAY)
    found = judged(shares_tally(((200, 999), (700, 1_500)), exposed=(1_400, 1_500)), made)
    assert (found.call, found.final) == ("keep running", False)
    assert found.missing == (
        "999 of 1,000 planned people in the smallest arm have had their 7 days; at this pace within 7 days"
    )
    assert found.missing in found.sentence


def test_the_pace_tells_how_long_it_will_take() -> None:
    made = campaign(started_at=NOW - 10 * DAY)
    found = judged(shares_tally(((90, 250), (90, 250)), exposed=(500, 500)), made)
    assert "within 17 days" in found.missing


def test_too_few_converters_are_waited_for_but_not_for_ever() -> None:
    made = campaign(plan=Plan(baseline=0.3, lift=0.1, people_per_arm=1_000, days=9))
    found = judged(shares_tally(((99, 1_000), (140, 1_000))), made)
    assert found.missing == "99 of 100 people who order in the smallest arm"
    assert judged(shares_tally(((99, 2_000), (140, 2_000))), made).final


def test_a_small_plan_asks_for_three_quarters_of_the_converters_it_implies() -> None:
    for people, needed in ((100, 30), (200, 45), (5_000, 100)):
        assert (
            converters_needed(campaign(plan=Plan(baseline=0.3, lift=0.1, people_per_arm=people, days=1)))
            == needed
        )


def test_arms_out_of_balance_stop_the_read_out() -> None:
    found = judged(shares_tally(((378, 1_000), (500, 1_200))))
    assert (found.call, found.final) == ("broken", True)
    assert found.sentence.startswith(
        "Broken: the arms have 1,000 control, 1,200 a people where 50 % control, 50 % a"
    )
    early = judged(shares_tally(((30, 100), (40, 180))))
    assert (early.call, early.final) == ("broken", False)


def test_harm_to_a_guardrail_stops_at_once() -> None:
    made = campaign(goals=(ORDERS, REFUNDS))
    orders = ((100, 300), (150, 300))
    found = judged(shares_tally(orders, ((6, 300), (40, 300))), made)
    assert (found.call, found.final) == ("stop", True)
    assert "more people get a refund within 7 days" in found.sentence
    assert judged(shares_tally(orders, ((6, 300), (12, 300))), made).call == "keep running"


def test_harm_is_judged_less_strictly_at_the_planned_size() -> None:
    made = campaign(goals=(ORDERS, REFUNDS))
    refunds = ((20, 1_000), (55, 1_000))
    assert judged(shares_tally(((378, 1_000), (450, 1_000)), refunds), made).call == "stop"
    assert judged(shares_tally(((377, 999), (450, 1_000)), refunds), made).call == "keep running"


def test_a_fall_of_a_revenue_guardrail_is_harm() -> None:
    made = campaign(goals=(ORDERS, replace(REVENUE, role="guardrail", margin=50)))
    money = (GoalTally(values=Moments(500, 1_000, 5e6)), GoalTally(values=Moments(500, 700, 5e6)))
    tally = replace_goals(shares_tally(((200, 500), (200, 500)), ((0, 500), (0, 500))), money)
    found = judged(tally, made)
    assert found.call == "stop"
    assert "30.0 % less revenue a person within 7 days (700 against 1,000 minor units; −300" in found.sentence


def replace_goals(tally: ArmTally, last: tuple[GoalTally, ...]) -> ArmTally:
    return ArmTally(exposed=tally.exposed, mixed=tally.mixed, goals=(*tally.goals[:-1], last))


def test_the_level_is_split_over_the_variants_and_the_best_is_shipped() -> None:
    made = campaign({"control": 1 / 3, "a": 1 / 3, "b": 1 / 3})
    found = judged(shares_tally(((378, 1_000), (470, 1_000), (460, 1_000))), made)
    assert found.sentence.startswith("Ship a: 24.3 % more")
    barely = ((378, 1_000), (422, 1_000))  # p = 0.045: enough for one variant, not for one of two
    assert judged(shares_tally(barely)).call == "ship"
    assert judged(shares_tally((*barely, (380, 1_000))), made).call == "stop"


def test_a_test_that_somebody_ended_early_stops_when_the_last_window_has_closed() -> None:
    made = campaign(status="stopped")
    waiting = judged(shares_tally(((40, 100), (60, 100)), exposed=(110, 100)), made)
    assert waiting.call == "keep running"
    found = judged(shares_tally(((40, 100), (60, 100))), made)
    assert (found.call, found.final) == ("stop", True)
    assert "ended before its planned size (100 of 1,000" in found.sentence


def test_nobody_exposed_yet_is_no_error() -> None:
    found = judged(
        ArmTally.empty(campaign(goals=(CLICKS, ORDERS, REVENUE))), campaign(goals=(CLICKS, ORDERS, REVENUE))
    )
    assert found.call == "keep running"
    assert found.missing.startswith("0 of 1,000")


@pytest.mark.parametrize(
    ("goals", "at"),
    [((CLICKS, ORDERS, REVENUE), 1), ((REVENUE, CLICKS, ORDERS), 2), ((CLICKS, REVENUE), 1), ((REFUNDS,), 0)],
)
def test_the_lagging_share_decides(goals: tuple[object, ...], at: int) -> None:
    assert primary(campaign(goals=goals)) == at


def test_a_verdict_survives_json() -> None:
    found = judged(shares_tally(((378, 1_000), (450, 1_010))))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Verdict) == found
