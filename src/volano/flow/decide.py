"""One person's decisions, or a block's: gather what is known, choose, put the decisions on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from volano.act.choose import (
    OUTSIDE,
    Arms,
    Offer,
    Snapshot,
    choose,
    choose_block,
    decision_name,
    reason,
    told,
    within_caps,
)
from volano.act.eligible import facts, returning
from volano.domain.campaign import Cap
from volano.domain.event import Decided, Decision
from volano.domain.identity import Identity, Kin
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.tables import DECISIONS
from volano.observe import traits
from volano.observe.identity import decision_row, identity, known_as
from volano.observe.traffic import traffic
from volano.ports import CapCounter, Journal, Profiles
from volano.rules.compile import DONE, NOW

_USUAL = RfmBounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who asks, from where, when (UTC µs); one of the ids is not empty, `source` is the key of the source."""

    source: str
    anonymous_id: str
    user_id: str
    context: Mapping[str, Any]
    now: int


class DecideAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The id that was hashed, and for each campaign what the tag needs to know, as JSON."""

    id: str
    campaigns: list[msgspec.Raw]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDecisions:
    """For each campaign's key the arm of every row ("" for none), and the rows of `decisions` to append."""

    arms: dict[str, Arms]
    rows: pa.Table


async def decide_one(
    ready: Snapshot, profiles: Profiles, caps: CapCounter, journal: Journal, ask: Ask
) -> DecideAnswer:
    """What this person gets on this page; the decisions are on the disk when it returns.

    A visit is counted against the caps before that: who asks again, as the journal failed, asks within it.
    """
    profile = known_profile(profiles, ask)
    hashed = ask.anonymous_id or ask.user_id
    assigned = profile.assigned if profile else {}
    found = facts_of(ask, profile, ready.bounds)
    decisions = choose(ready, found, lambda salt: assigned.get(salt, hashed), now=ask.now)
    if ready.caps:
        people = partial(counted_as, profiles, ask)
        decisions = within_caps(ready, decisions, lambda some: caps.take(people(), some, now=ask.now))
    if decisions:
        await journal.append(msgspec.msgpack.encode(_frame(ask, decisions)))
    return DecideAnswer(id=hashed, campaigns=told(ready, decisions, hashed))


def decide_block(
    ready: Snapshot, people: pa.Table, *, origin: str, now: int, caps: CapCounter | None = None
) -> BlockDecisions:
    """What each row of `people` gets, without the journal: for simulations and planned sends.

    `people` has the columns `person_id identity known_as assigned_by` and one per fact, and may have `time`
    (else everything is decided at `now`) and `path`. Its rows are counted against caps as questions are, in
    the order of their times; without a counter no campaign that has a cap is given.
    """
    hashed = people.column("assigned_by").to_pylist()
    arms = choose_block(ready, people, hashed)
    arms |= {key: _within_cap(arms[key], people, caps, one, now) for key, one in ready.caps.items()}
    parts = [_rows(offer, people, arms[key], origin, now) for key, offer in ready.offers.items()]
    return BlockDecisions(arms=arms, rows=pa.concat_tables([DECISIONS.empty_table(), *parts]))


def person_of(profiles: Profiles, identity: int) -> int:
    """Whom an identity stands for now; itself when nothing is known."""
    found = profiles.get(Identity, identity)
    return identity if found is None else found.person_id


def counted_as(profiles: Profiles, ask: Ask) -> tuple[int, ...]:
    """The ids under which the one who asks may have been counted; who they are now is the first.

    That is whoever they were before they were one, and the browser of who signs in there for the first time;
    but not a browser that is known to be somebody else's.
    """
    mine = identity(known_as(ask.user_id, ask.anonymous_id))
    person = person_of(profiles, mine)
    kin = profiles.get(Kin, person)
    found = {person, mine, *(kin.identities if kin else ())}
    if ask.anonymous_id:
        browser = identity(known_as("", ask.anonymous_id))
        found |= {browser} if person_of(profiles, browser) == browser else set()
    return (person, *(found - {person}))


def known_profile(profiles: Profiles, ask: Ask) -> Profile | None:
    """The profile of who is signed in, else of the browser, else none."""
    texts = [known_as(ask.user_id, ask.anonymous_id)]
    if ask.user_id and ask.anonymous_id:
        texts.append(known_as("", ask.anonymous_id))
    for known in texts:
        profile = profiles.get(Profile, person_of(profiles, identity(known)))
        if profile is not None:
            return profile
    return None


def facts_of(ask: Ask, profile: Profile | None, bounds: RfmBounds = _USUAL) -> dict[str, Any]:
    """The facts of one who asks; parts of the context that are not as they should be tell nothing."""
    session = ask.context.get("session")
    session = session if isinstance(session, dict) else {}
    landing, visits = session.get("landing"), session.get("visits")
    known = {
        NOW: ask.now,
        DONE: profile.done if profile else {},
        **traits.facts(profile, now=ask.now, bounds=bounds),
    }
    return facts(
        traffic(ask.context),
        known,
        landing=landing if isinstance(landing, str) else None,
        returning=returning(profile, visits if type(visits) is int else None, now=ask.now),
    )


def _frame(ask: Ask, decisions: list[Decision]) -> Decided:
    page = ask.context.get("page")
    path = page.get("path") if isinstance(page, dict) else None
    return Decided(
        source=ask.source,
        received_at=ask.now,
        anonymous_id=ask.anonymous_id,
        user_id=ask.user_id,
        path=path if isinstance(path, str) else "",
        decisions=decisions,
    )


def _within_cap(
    arms: Arms, people: pa.Table, caps: CapCounter | None, capped: tuple[str, Cap], now: int
) -> Arms:
    """The arms without those of the rows for which the cap of their campaign is used up."""
    left, who = arms.copy(), people.column("person_id").to_pylist()
    moments = _times(people, now).cast(pa.int64()).to_pylist()
    for row in sorted(np.flatnonzero(arms != OUTSIDE).tolist(), key=moments.__getitem__):
        if caps is None or not caps.take([who[row]], [capped], now=moments[row]):
            left[row] = OUTSIDE
    return left


def _rows(offer: Offer, people: pa.Table, arms: Arms, origin: str, now: int) -> pa.Table:
    """The rows of `decisions` for those whom the campaign gives something."""
    campaign = offer.campaign
    meant = np.flatnonzero(arms != OUTSIDE)
    chosen, size = people.take(meant), len(meant)
    time = _times(chosen, now)
    moments = time.cast(pa.int64()).to_pylist()
    named = zip(chosen.column("assigned_by").to_pylist(), moments, strict=True)
    weight = {arm.key: arm.weight for arm in campaign.arms}
    options = [{"variant": each.variant, "propensity": each.propensity} for each in offer.options]
    columns = {
        "person_id": chosen.column("person_id"),
        "time": time,
        "id": pa.array([decision_row(decision_name(campaign, who, when)) for who, when in named], pa.int64()),
        "identity": chosen.column("identity"),
        "known_as": chosen.column("known_as"),
        "origin": _all(origin, size),
        "campaign": _all(campaign.key, size),
        "round": _all(campaign.round, size),
        "variant": pa.array(arms[meant].tolist(), pa.string()),
        "propensity": pa.array([weight[arm] for arm in arms[meant].tolist()], pa.float64()),
        "options": _all(msgspec.json.encode(options).decode(), size),
        "reason": _all(reason(campaign), size),
        "path": chosen.column("path") if "path" in chosen.column_names else pa.nulls(size, pa.string()),
    }
    return pa.table(columns).cast(DECISIONS)


def _times(people: pa.Table, now: int) -> Any:
    """The moment at which each row is decided."""
    return people.column("time") if "time" in people.column_names else _all(now, people.num_rows).cast(_TIME)


def _all(value: Any, size: int) -> pa.Array:
    return pa.array([value] * size, pa.int64() if isinstance(value, int) else pa.string())


_TIME = DECISIONS.field("time").type
