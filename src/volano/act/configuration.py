"""What is live, for a page that draws arms by itself: nothing of any person, nothing of the console."""

from __future__ import annotations

from typing import Any

import msgspec

from volano.act.choose import Snapshot, outline
from volano.act.eligible import OF_A_PAGE
from volano.domain.campaign import Campaign
from volano.rules.lists import lists
from volano.rules.nodes import At, leaves
from volano.rules.tree import parse


def configuration(ready: Snapshot) -> bytes:
    """All that is live, as JSON: the same until something is published, stopped or shipped."""
    told = [_told(offer.campaign) for offer in ready.offers.values()]
    return msgspec.json.encode({"campaigns": told})


def page_can_judge(rule: dict[str, Any]) -> bool:
    """Whether a page alone can tell whom a rule means: all that it asks for are facts of the visit.

    >>> page_can_judge({"landing": {"$prefix": "/sale"}}), page_can_judge({"orders": {"$gte": 1}})
    (True, False)
    >>> page_can_judge({"source": {"$inGroup": "partners"}})
    False
    """
    asked = leaves(parse(rule))
    return not lists(rule) and all(isinstance(leaf, At) and leaf.field in OF_A_PAGE for leaf in asked)


def _told(campaign: Campaign) -> dict[str, Any]:
    """Where the server must be asked, the rule stays in the house."""
    found = outline(campaign, lambda _: True)
    if campaign.cap is not None:
        return found | {"cap": campaign.cap, "ask": True}
    return found | ({"audience": campaign.audience} if page_can_judge(campaign.audience) else {"ask": True})
