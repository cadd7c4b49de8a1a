"""Who a campaign is for: the facts that rules look at, and whether a person is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from volano.domain.durations import HOUR
from volano.domain.profile import Profile
from volano.domain.visit import GAP, UNKNOWN, came_from

LONGEST_VISIT = 12 * HOUR  # whoever was first seen before that has been here before

_TOLD = ("device", "os", "browser", "language", "timezone", "country")
OF_A_PAGE = frozenset({"path", "landing", "visitor", "source", *_TOLD} - {"country"})  # that a page can tell

Facts = Mapping[str, Any]


class Visit(Protocol):
    """What is known of the present visit; None where nothing is."""

    @property
    def source(self) -> str | None: ...

    @property
    def medium(self) -> str | None: ...

    @property
    def device(self) -> str | None: ...

    @property
    def os(self) -> str | None: ...

    @property
    def browser(self) -> str | None: ...

    @property
    def language(self) -> str | None: ...

    @property
    def timezone(self) -> str | None: ...

    @property
    def country(self) -> str | None: ...

    @property
    def path(self) -> str | None: ...


def facts(
    visit: Visit, known: Facts, *, landing: str | None = None, returning: bool | None = None
) -> dict[str, Any]:
    """The flat facts a rule may name: what is `known` of the person, and on top what the visit tells.

    `source` is that of this visit, else the person's, else direct; `landing` is the visit's first path,
    taken to be this page where nobody says; `returning` None leaves `visitor` out.
    """
    found = {"source": came_from(None, None), "device": UNKNOWN, **known, "path": visit.path}
    found["landing"] = landing or visit.path
    if visit.source:
        found["source"] = came_from(visit.source, visit.medium)
    for name in _TOLD:
        value = getattr(visit, name)
        if value:
            found[name] = value
    if returning is not None:
        found["visitor"] = "returning" if returning else "new"
    return found


def returning(profile: Profile | None, visits: int | None, *, now: int) -> bool:
    """Whether this is not the person's first visit; `visits` is what the browser counts, None if it does not.

    A profile knows only the first and the last moment, so a first visit of more than twelve hours is taken
    for a second one.

    >>> returning(None, 1, now=0), returning(None, 2, now=0)
    (False, True)
    >>> returning(Profile(person_id=1, first_seen=0, last_seen=GAP), None, now=2 * GAP + 1)
    True
    """
    if visits is not None and visits > 1:
        return True
    if profile is None or not profile.last_seen:
        return False
    return now - profile.last_seen > GAP or now - profile.first_seen > LONGEST_VISIT
