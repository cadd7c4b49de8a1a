"""Whether a read-out may be believed at all."""

from __future__ import annotations

from volano.domain.campaign import Campaign
from volano.evaluate.offsets import ArmTally
from volano.maths.ratio import ratio_p

BROKEN = 0.001


def expected_shares(campaign: Campaign) -> dict[str, float]:
    """The share of people that each arm should have."""
    whole = sum(arm.weight for arm in campaign.arms)
    return {arm.key: arm.weight / whole for arm in campaign.arms}


def sample_ratio(campaign: Campaign, tally: ArmTally) -> float:
    """The p-value that people fell into the arms by their weights; below 0.001 the read-out is broken.

    All exposed people are counted but those seen in two arms.
    """
    return ratio_p(tally.exposed, [arm.weight for arm in campaign.arms])
