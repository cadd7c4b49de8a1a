"""Campaigns → verdicts, beliefs and lessons: what runs is judged, and a decision is made and learned once."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from volano.domain.campaign import CONTROL, Campaign
from volano.domain.idea import Belief, Idea
from volano.domain.verdict import Lesson, Verdict
from volano.evaluate.learn import learn
from volano.evaluate.soundness import BROKEN
from volano.flow.judge import data_until, judge
from volano.flow.shop import PEOPLE, Lens
from volano.plan import playbook
from volano.ports import Lake, State


def review(lake: Lake, state: State, *, now: int, lens: Lens = PEOPLE) -> list[Verdict]:
    """The verdicts of all live and stopped campaigns, kept; those that were final stand as they are."""
    kept = {verdict.key: verdict for verdict in state.find(Verdict)}
    judged = [campaign for campaign in state.find(Campaign) if _is_test(campaign)]
    if not judged:
        return []
    as_of = data_until(lake, now=now)
    found = []
    for campaign in judged:
        before = kept.get(campaign.salt)
        if before is None or not before.final or campaign.status != "stopped":
            fresh = judge(lake, campaign, now=now, as_of=as_of, lens=lens)
            before = _reviewed(state, campaign, before, fresh, now)
        found.append(before)
    return found


def _is_test(campaign: Campaign) -> bool:
    """Whether there is something to judge: what is shipped, or was, has no control any more."""
    return campaign.status in ("live", "stopped") and any(arm.key == CONTROL for arm in campaign.arms)


def _reviewed(state: State, campaign: Campaign, before: Verdict | None, fresh: Verdict, now: int) -> Verdict:
    """One campaign's verdict, kept together with all that follows from it."""
    if before is not None and before.final:
        found = _still_sound(before, fresh)
        state.put(found)
        return found
    state.put(fresh, *(_consequences(state, campaign, fresh, now) if fresh.final else ()))
    return fresh


def _still_sound(stands: Verdict, fresh: Verdict) -> Verdict:
    """The final verdict with its soundness as of today; its call and its numbers are not judged again."""
    warning = ""
    if fresh.ratio_p < BROKEN and stands.call != "broken":
        warning = f"Since the decision the arms have come out of balance (p = {fresh.ratio_p:.1g})."
    return replace(stands, missing=warning)


def _consequences(state: State, campaign: Campaign, verdict: Verdict, now: int) -> list[msgspec.Struct]:
    """Belief and lesson of a final verdict, and the campaign stopped if it says so."""
    before = playbook.believed(state.find(Belief), campaign.recipe)
    after = learn(before, verdict)
    lesson = Lesson(
        key=verdict.key,
        campaign=campaign.key,
        recipe=campaign.recipe,
        call=verdict.call,
        sentence=verdict.sentence,
        before_mean=before.mean,
        before_sd=before.sd,
        after_mean=after.mean,
        after_sd=after.sd,
        learned_at=now,
    )
    stopped = _stopped(state, campaign, now) if verdict.call == "stop" else []
    return [after, lesson, *stopped]


def _stopped(state: State, campaign: Campaign, now: int) -> list[msgspec.Struct]:
    """The campaign and its idea at their end, unless somebody shipped it while it was being judged."""
    current = state.get(Campaign, campaign.key)
    if (current.status, current.salt) != ("live", campaign.salt):
        return []
    ended = replace(campaign, status="stopped", ended_at=campaign.ended_at or now)
    return [ended, *(replace(idea, status="done") for idea in state.find(Idea) if idea.key == campaign.idea)]
