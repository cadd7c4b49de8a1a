"""Which arm of a campaign an id draws: chance as a function of a key, the same in the browser tag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from volano.domain.campaign import Campaign
from volano.maths.hashing import VARIANT_SEED, bucket

BUCKETS = 10_000
OUTSIDE = -1


def variant(campaign: Campaign, identity: str) -> str | None:
    """The key of the arm that the id draws, or None outside the covered share.

    Raising the coverage moves nobody; a new round (another salt) draws everyone anew.
    """
    if bucket(campaign.salt, identity) >= _cut(campaign.coverage):
        return None
    draw = bucket(campaign.salt, identity, VARIANT_SEED)
    arms = zip(campaign.arms, _cuts(campaign), strict=True)
    return next((arm.key for arm, cut in arms if draw < cut), None)


def arms_of(campaign: Campaign, identities: Sequence[str]) -> npt.NDArray[np.int64]:
    """The index of the arm that each id draws, −1 outside the covered share: `variant` for a block."""
    size, salt = len(identities), campaign.salt
    gate = np.fromiter((bucket(salt, each) for each in identities), np.int64, size)
    draw = np.fromiter((bucket(salt, each, VARIANT_SEED) for each in identities), np.int64, size)
    cuts = np.array(_cuts(campaign), np.int64)
    index = np.searchsorted(cuts, draw, side="right")
    return np.where((gate < _cut(campaign.coverage)) & (index < len(cuts)), index, OUTSIDE)


def _cuts(campaign: Campaign) -> list[int]:
    """The upper ends of the arms on the line of 10,000."""
    reached, cuts = 0.0, []
    for arm in campaign.arms:
        reached += arm.weight
        cuts.append(_cut(reached))
    return cuts


def _cut(share: float) -> int:
    """A share as a whole number of buckets, half up like `Math.round` in the tag."""
    return int(share * BUCKETS + 0.5)
