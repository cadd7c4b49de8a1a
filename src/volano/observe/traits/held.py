"""What rules remember of a person: the moments of history conditions, and the segments they are in."""

from __future__ import annotations

from typing import Any

from volano.domain.profile import Profile
from volano.observe.moments import united
from volano.observe.traits.trait import Field, Trait


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The moments of both; the segments of either since the earlier entry."""
    done = united(one.done, other.done) if one.done and other.done else one.done or other.done
    segments = one.segments or other.segments
    if one.segments and other.segments:
        segments = dict(one.segments)
        for key, at in other.segments.items():
            segments[key] = min(at, segments.get(key, at))
    return {"done": done, "segments": segments, "due": min(one.due or other.due, other.due or one.due)}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """The keys of the segments."""
    found["segments"] = sorted(profile.segments)


HELD = Trait(
    name="held",
    joined=joined,
    facts=facts,
    fields={"segments": Field("Segments", "list", "Keys of the segments the person is in.")},
)
