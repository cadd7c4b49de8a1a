"""By which id each campaign first drew a person's variant: it stays, whatever they sign in as."""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.maths.columns import changes
from volano.observe.traits.history import History, ranks
from volano.observe.traits.trait import Columns, Trait


def tally(history: History) -> Columns:
    """The earliest decision of each campaign's round; of those of one moment the first in the alphabet."""
    campaign, known = history.texts("campaign"), history.texts("known_as")
    rows = np.flatnonzero(history.texts("table").among(["decisions"]) & (campaign.codes >= 0))
    if not len(rows):
        return {}
    number, owner = history.numbers("round", null=1)[rows], history.owner[rows]
    rank = ranks(known.values)[known.codes[rows]]
    order = np.lexsort((rank, history.time[rows], number, campaign.codes[rows], owner))
    rows, number, owner = rows[order], number[order], owner[order]
    heads = np.flatnonzero(changes(owner, campaign.codes[rows], number))
    assigned: list[dict[str, str]] = [{} for _ in range(len(history))]
    moments: list[dict[str, int]] = [{} for _ in range(len(history))]
    told = zip(
        owner[heads].tolist(),
        campaign.values.take(campaign.codes[rows[heads]]).to_pylist(),
        number[heads].tolist(),
        known.values.take(known.codes[rows[heads]]).to_pylist(),
        history.time[rows[heads]].tolist(),
        strict=True,
    )
    for person, name, turn, said, at in told:
        assigned[person][f"{name}.{turn}"], moments[person][f"{name}.{turn}"] = said[2:], at
    return {"assigned": assigned, "assigned_at": moments}


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The earlier of each."""
    if not one.assigned or not other.assigned:
        whole = one if one.assigned else other
        return {"assigned": whole.assigned, "assigned_at": whole.assigned_at}
    assigned, moments = dict(one.assigned), dict(one.assigned_at)
    for salt, said in other.assigned.items():
        at = other.assigned_at.get(salt, 0)
        if salt not in assigned or (at, said) < (moments.get(salt, 0), assigned[salt]):
            assigned[salt], moments[salt] = said, at
    return {"assigned": assigned, "assigned_at": moments}


DRAWS = Trait(name="draws", columns=("table", "campaign", "round", "known_as"), tally=tally, joined=joined)
