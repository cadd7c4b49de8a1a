"""The table of what can be asked with a secret key: by it requests are routed and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from volano.domain.erasure import Receipt
from volano.errors import BadInput, NotFound
from volano.flow.kept_segments import Kept
from volano.web.api import shapes

ROOT = "/api/v1"
BODY_LIMIT = 8 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in the query: at least 1."""

    name: str
    otherwise: int
    most: int
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a list, as `next` said it, in the query."""

    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One thing to ask: how, with which scope, what for; `asks` is the body, `answers` what comes back."""

    name: str
    method: Literal["GET", "POST"]
    path: str
    scope: str
    about: str
    answers: Any
    asks: type[shapes.Lookup] | type[shapes.Erase] | None = None
    query: tuple[Number | Place, ...] = ()

    def matched(self, path: str) -> dict[str, str] | None:
        """What the path names, if it is one of this call.

        >>> BY_NAME["person"].matched("/api/v1/people/7")
        {'person_id': '7'}
        """
        wanted, told = self.path.split("/"), path.split("/")
        pairs = list(zip(wanted, told, strict=False))
        if len(wanted) != len(told) or any(one != two for one, two in pairs if one[:1] != "{"):
            return None
        return {one[1:-1]: two for one, two in pairs if one[:1] == "{"}

    def numbers(self, query: str) -> dict[str, Any]:
        """The values of the query, those that are missing as they are otherwise; BadInput names a bad one."""
        told = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
        known = {one.name: one for one in self.query}
        for name in told.keys() - known.keys():
            there = ", ".join(known) or "none"
            raise BadInput(f"{name[:60]!r} cannot be asked here; there are: {there}", "bad_query")
        return {name: _value(one, told.get(name)) for name, one in known.items()}


def _value(one: Number | Place, text: str | None) -> Any:
    if isinstance(one, Place):
        return text or ""
    if text is None:
        return one.otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= one.most):
        told = f"{one.name} is {text[:60]!r}; it must be a whole number from 1 to {one.most:,}"
        raise BadInput(told, "bad_query")
    return int(text)


_LIMIT = Number(name="limit", otherwise=50, most=1_000, about="How many rows of the timeline.")
_BEFORE = Place(
    name="before", about="Where the timeline goes on: a moment in UTC µs, or what `next` said the last time."
)
_MANY = Number(name="limit", otherwise=100, most=1_000, about="How many people at most.")
_AFTER = Place(name="after", about="After whom to go on: what `next` said the last time.")

CALLS = (
    Call(
        name="find_people",
        method="POST",
        path=f"{ROOT}/people/find",
        scope="people:read",
        about="Find people by user id, anonymous id, e-mail address or person id",
        asks=shapes.Lookup,
        answers=shapes.FoundPeople,
    ),
    Call(
        name="forget_people",
        method="POST",
        path=f"{ROOT}/people/forget",
        scope="people:forget",
        about="Forget people for ever, all in one pass; to forget somebody twice does no harm",
        asks=shapes.Erase,
        answers=Receipt,
    ),
    Call(
        name="person",
        method="GET",
        path=f"{ROOT}/people/{{person_id}}",
        scope="people:read",
        about="One person: identities, traits, segments, and what happened",
        answers=shapes.Person,
        query=(_LIMIT, _BEFORE),
    ),
    Call(
        name="export_person",
        method="GET",
        path=f"{ROOT}/people/{{person_id}}/export",
        scope="people:read",
        about="All that is kept of a person, as `volano people export` writes it",
        answers=dict[str, Any],
    ),
    Call(
        name="segments",
        method="GET",
        path=f"{ROOT}/segments",
        scope="segments:read",
        about="All segments with their rules and sizes",
        answers=shapes.Segments,
    ),
    Call(
        name="segment",
        method="GET",
        path=f"{ROOT}/segments/{{key}}",
        scope="segments:read",
        about="One segment with its rule and size",
        answers=Kept,
    ),
    Call(
        name="members",
        method="GET",
        path=f"{ROOT}/segments/{{key}}/people",
        scope="segments:read",
        about="Who is in a segment, by ascending id; a page may be short, go on until `next` is null",
        answers=shapes.SegmentMembers,
        query=(_MANY, _AFTER),
    ),
)
BY_NAME: Mapping[str, Call] = {call.name: call for call in CALLS}


def is_api(path: str) -> bool:
    """Whether the path is for programs with a secret key."""
    return path == "/api" or path.startswith("/api/")


def called(path: str) -> tuple[Call, dict[str, str]]:
    """The call at a path, with or without a slash at its end, and what the path names; NotFound for none."""
    for call in CALLS:
        found = call.matched(path.rstrip("/"))
        if found is not None:
            return call, found
    raise NotFound(f"there is nothing at {path[:100]}: /openapi.json tells what there is", "no_such_path")
