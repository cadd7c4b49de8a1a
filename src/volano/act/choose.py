"""Who gets what now: every live campaign against one person, or a block of people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from volano.act.assign import arms_of, variant
from volano.act.eligible import Facts
from volano.domain.campaign import Arm, Campaign, Cap
from volano.domain.event import Decision, Option
from volano.domain.rfm import RfmBounds
from volano.errors import BadRule
from volano.rules.block import compile_block
from volano.rules.compile import compile_trees
from volano.rules.lists import check_lists
from volano.rules.tree import Groups, parse

Arms = npt.NDArray[np.str_]
SERVED = ("live", "shipped")
OUTSIDE = ""
_USUAL = RfmBounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A campaign made ready: its audience for blocks, and what the tag is told for each arm, as JSON."""

    campaign: Campaign
    block: Callable[[pa.Table], npt.NDArray[np.bool_]]
    options: list[Option]
    told: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is live, by key, immutable; `broken` names the campaigns that were left out and why.

    `meant` gives the keys of those whose audience means the person of some facts: all audiences are one
    function. `caps` are the salt and the cap of those that have one, by key. `bounds` say where the types of
    customers begin that rules may ask for.
    """

    offers: Mapping[str, Offer]
    meant: Callable[[Facts], list[str]]
    caps: Mapping[str, tuple[str, Cap]]
    bounds: RfmBounds = _USUAL
    broken: tuple[tuple[str, str], ...] = ()


def snapshot(
    campaigns: Iterable[Campaign], bounds: RfmBounds = _USUAL, groups: Groups | None = None
) -> Snapshot:
    """The live and shipped ones of the campaigns, by key; one whose rule is bad harms no other.

    `groups` are saved lists; None: no audience names one.
    """
    offers, trees, broken = {}, {}, []
    for campaign in sorted(campaigns, key=lambda each: each.key):
        if campaign.status not in SERVED:
            continue
        try:
            check_lists(campaign.audience, groups or {})
            trees[campaign.key] = parse(campaign.audience, groups)
            offers[campaign.key] = _offer(campaign, groups)
        except BadRule as error:
            broken.append((campaign.key, error.message))
    caps = {key: (one.campaign.salt, one.campaign.cap) for key, one in offers.items() if one.campaign.cap}
    return Snapshot(offers=offers, meant=compile_trees(trees), caps=caps, broken=tuple(broken), bounds=bounds)


def choose(ready: Snapshot, facts: Facts, identity_for: Callable[[str], str], *, now: int) -> list[Decision]:
    """What each campaign that means this person gives them; nothing for campaigns that do not.

    `identity_for(salt)` is the id that is hashed: the one first hashed for that salt, if there was one.
    Caps are not looked at: `within_caps` leaves out what is too much. A decision is named by salt, id and
    moment, so that replaying a request names the same.
    """
    decisions = []
    for key in ready.meant(facts):
        offer = ready.offers[key]
        campaign = offer.campaign
        identity = identity_for(campaign.salt)
        arm = variant(campaign, identity)
        if arm is not None:
            decisions.append(_decision(offer, arm, identity, now))
    return decisions


def choose_block(ready: Snapshot, facts: pa.Table, ids: Sequence[str]) -> dict[str, Arms]:
    """For each campaign's key the arm of every row, "" for rows that get none: `choose` for a block.

    Columns of `facts` are facts (null: missing); `ids` are the ids that are hashed, one per row. Caps are not
    looked at.
    """
    found: dict[str, Arms] = {}
    for key, offer in ready.offers.items():
        keys = np.array([*(arm.key for arm in offer.campaign.arms), OUTSIDE], dtype=np.str_)
        meant = np.flatnonzero(offer.block(facts)).tolist()
        drawn = np.full(len(ids), len(keys) - 1, dtype=np.int64)
        drawn[meant] = arms_of(offer.campaign, [ids[row] for row in meant])  # −1 is the last key: outside
        found[key] = keys[drawn]
    return found


def within_caps(
    ready: Snapshot, decisions: list[Decision], take: Callable[[list[tuple[str, Cap]]], Collection[str]]
) -> list[Decision]:
    """The decisions without those whose cap is used up; `take` gives the salts that may be given once more.

    It is asked whatever the arm is, as a control that is capped less often would be no control.
    """
    wanted = {one.campaign: ready.caps[one.campaign] for one in decisions if one.campaign in ready.caps}
    if not wanted:
        return decisions
    given = take([*wanted.values()])
    return [one for one in decisions if one.campaign not in wanted or wanted[one.campaign][0] in given]


def told(ready: Snapshot, decisions: Sequence[Decision], identity: str) -> list[msgspec.Raw]:
    """What the tag hears of the decisions: one JSON object each, with `id` where another id was hashed."""
    found = []
    for decision in decisions:
        piece = ready.offers[decision.campaign].told[decision.variant]
        if decision.assigned_by != identity:
            piece = piece[:-1] + b',"id":' + msgspec.json.encode(decision.assigned_by) + b"}"
        found.append(msgspec.Raw(piece))
    return found


def _offer(campaign: Campaign, groups: Groups | None) -> Offer:
    return Offer(
        campaign=campaign,
        block=compile_block(campaign.audience, groups),
        options=[Option(variant=arm.key, propensity=arm.weight) for arm in campaign.arms],
        told={arm.key: _told(campaign, arm) for arm in campaign.arms},
    )


def _decision(offer: Offer, arm: str, identity: str, now: int) -> Decision:
    campaign = offer.campaign
    return Decision(
        decision_id=decision_name(campaign, identity, now),
        campaign=campaign.key,
        round=campaign.round,
        variant=arm,
        options=offer.options,
        reason=reason(campaign),
        assigned_by=identity,
    )


def decision_name(campaign: Campaign, identity: str, now: int) -> str:
    """The name of what was decided for that id at that moment (UTC µs)."""
    return f"{campaign.salt}:{identity}:{now}"


def reason(campaign: Campaign) -> str:
    """Why such a campaign gives what it gives."""
    return "shipped to everyone" if campaign.status == "shipped" else "drawn by weight"


def _told(campaign: Campaign, chosen: Arm) -> bytes:
    """The campaign as the tag needs it when `chosen` is the arm: no other arm's content."""
    told = outline(campaign, lambda arm: arm.key == chosen.key)
    return msgspec.json.encode({**told, "arm": chosen.key})


def outline(campaign: Campaign, shown: Callable[[Arm], bool]) -> dict[str, Any]:
    """What a page needs to draw the arm of an id and to show it, with the content of the arms `shown`."""
    trigger = campaign.trigger
    return {
        "campaign": campaign.key,
        "salt": campaign.salt,
        "coverage": campaign.coverage,
        "round": campaign.round,
        "format": campaign.format,
        "trigger": {"on": trigger.on, "then": trigger.then, "value": trigger.value},
        "arms": [_arm(arm, shown=shown(arm)) for arm in campaign.arms],
    }


def _arm(arm: Arm, *, shown: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"key": arm.key, "weight": arm.weight}
    if shown and arm.content is not None:
        found["content"] = {name: value for name, value in msgspec.to_builtins(arm.content).items() if value}
    return found
