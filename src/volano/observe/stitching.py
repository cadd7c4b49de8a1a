"""Which identities are one person: an anonymous id becomes the user it is first seen with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from volano.domain.event import Frame, Intake
from volano.observe.identity import identity, known_as


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From `time` (UTC µs) on we know that `alias`, the anonymous identity `known_as`, is `person_id`."""

    alias: int
    person_id: int
    known_as: str
    time: int
    origin: str


def identities(frames: Iterable[Frame]) -> set[int]:
    """Every identity that the frames name."""
    names: set[str] = set()
    for frame in frames:
        for one in frame.events if isinstance(frame, Intake) else [frame]:
            if one.user_id:
                names.add(known_as(one.user_id, ""))
            if one.anonymous_id:
                names.add(known_as("", one.anonymous_id))
    return {identity(name) for name in names}


def links(frames: Iterable[Frame], people: Mapping[int, int]) -> dict[int, Link]:
    """The links that are new in the frames, by alias. `people` says who each identity is so far.

    An event with both ids, or an alias, tells that they are one. The first telling counts: an anonymous
    id that is somebody's already stays with them.
    """
    found: dict[int, Link] = {}
    for frame in frames:
        for event in frame.events if isinstance(frame, Intake) else ():
            if not (event.user_id and event.anonymous_id):
                continue
            known = known_as("", event.anonymous_id)
            alias, user = identity(known), identity(known_as(event.user_id, ""))
            person = people.get(user, user)
            if alias not in found and people.get(alias, alias) == alias and person != alias:
                found[alias] = Link(
                    alias=alias, person_id=person, known_as=known, time=event.time, origin=frame.source
                )
    return found
