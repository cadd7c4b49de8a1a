"""Segments: a list with sizes, and a builder without JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response
from msgspec.structs import replace

from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.domain.slug import free_slug
from volano.errors import BadInput, NotFound
from volano.flow import segments as flow
from volano.flow.asking import groups_of
from volano.flow.shop import lens_of, shop_of, units_of
from volano.observe.overlap import sizes
from volano.rules.words import sentence
from volano.web import words
from volano.web.console.builder import MOST, rows_of, rows_sent, rule_of
from volano.web.console.choices import choices, everybody, words_of
from volano.web.console.lists import people_file
from volano.web.console.row import Row
from volano.web.pages import Ask, Desk, Page, Route, back, form, page

SAMPLE = 5  # people who are shown
NEW = "-"  # stands in an address where a segment has its key; no segment has that one
_WORDS = {"preview", "rows", "moves", "drop", "restore"}  # that addresses use


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many people a rule fits, some of them, and in which other segments they are."""

    people: int
    everybody: int
    share: float
    sample: list[tuple[int, str, str]]
    overlap: list[tuple[str, str, float]]
    as_of: int


def segments(request: Ask, desk: Desk) -> Page:
    """All segments with their sizes."""
    found = everybody(desk, ["segments"])
    inside = sizes(found[0]) if found else {}
    whole = found[0].num_rows if found else 0
    cards: list[dict[str, Any]] = [
        {
            "segment": each,
            "sentence": _sentence(desk, each.rule),
            "people": inside.get(each.key, 0),
            "share": inside.get(each.key, 0) / max(whole, 1),
        }
        for each in desk.house.state.find(Segment)
    ]
    cards.sort(key=lambda card: (card["segment"].starter, -card["people"], card["segment"].name))
    full = [card for card in cards if card["people"]] or cards
    empties = [card for card in cards if card not in full]
    told = {"everybody": whole, "counted": found is not None}
    return page(request, desk, "segments.html", segments=full, empties=empties, **told)


def _sentence(desk: Desk, rule: Any) -> str:
    try:
        return sentence(rule, units_of(shop_of(desk.house.state, desk.house.settings)))
    except BadInput as error:
        return f"cannot be read: {error.message}"


def segment(request: Ask, desk: Desk, key: str) -> Page:
    """One segment in the builder, or a new one."""
    if key == NEW:
        first = Row(kind="trait", field="orders", value="1")
        return _edit(request, desk, Segment(key="", name="", rule={}), [first])
    return _edit(request, desk, desk.house.state.get(Segment, key))


def _edit(
    request: Ask,
    desk: Desk,
    shown: Segment,
    rows: list[Row] | None = None,
    *,
    any_of: bool = False,
    problem: str = "",
) -> Page:
    if rows is None:
        known = rows_of(shown.rule, words_of(desk))
        rows, any_of = known if known is not None else (None, False)
    size, trouble = _size(desk, _rule(desk, rows, any_of) if rows is not None else shown.rule, shown.key)
    return page(
        request,
        desk,
        "segment.html",
        status=422 if problem else 200,
        problem=problem,
        trouble="" if problem else trouble,
        segment=shown,
        sentence=_sentence(desk, shown.rule) if shown.rule else "",
        rule=msgspec.json.format(msgspec.json.encode(shown.rule), indent=2).decode(),
        size=size,
        **choices(desk, rows, any_of),
    )


def _rule(desk: Desk, rows: list[Row], any_of: bool) -> dict[str, Any] | str:
    """The rule of rows, or what is wrong with them."""
    try:
        return rule_of(rows, words_of(desk), any_of=any_of)
    except BadInput as error:
        return error.message


def _size(desk: Desk, rule: dict[str, Any] | str, key: str) -> tuple[Size | None, str]:
    """How many the rule fits, or why that cannot be said."""
    if isinstance(rule, str):
        return None, rule
    others = [each for each in desk.house.state.find(Segment) if each.key != key]
    try:
        known = everybody(desk, flow.facts_asked(rule))
    except BadInput as error:
        return None, error.message
    if known is None:
        return None, ""
    people, as_of = known

    def look() -> tuple[flow.Preview, dict[int, str]]:
        groups = groups_of(desk.house.state, [rule])
        seen = flow.preview(desk.house.lake, people, rule, others, now=desk.clock(), groups=groups)
        return seen, flow.named_people(desk.house.lake, seen.sample[:SAMPLE])

    try:  # what people did is read from the lake, and that may take a while
        told = desk.memo.lately(("size", msgspec.json.encode(rule), key, as_of), look)
    except BadInput as error:
        return None, error.message
    if told is None:
        return None, ""
    found, names = told
    shares = [(one.name, one.segment, one.both / max(found.size, 1)) for one in found.overlap if one.both]
    return (
        Size(
            people=found.size,
            everybody=found.people,
            share=found.share,
            sample=[_told(desk, person, names.get(person, "")) for person in found.sample[:SAMPLE]],
            overlap=sorted(shares, key=lambda one: -one[2])[:5],
            as_of=as_of,
        ),
        "",
    )


def _told(desk: Desk, person: int, known_as: str) -> tuple[int, str, str]:
    profile = desk.house.profiles.get(Profile, person)
    name = words.user(known_as) or words.person(person)
    if profile is None:
        return person, name, ""
    seen = words.many(profile.orders, "order") if profile.orders else "no order yet"
    return person, profile.email or name, f"{seen} · {profile.device or 'device not known'}"


def preview(request: Ask, desk: Desk) -> Page:
    """The size of what is being built, as a fragment."""
    sent = form(request)
    size, trouble = _size(desk, _sent_rule(desk, sent), sent.get("key", ""))
    return page(request, desk, "_segment_size.html", size=size, trouble=trouble)


def rows(request: Ask, desk: Desk) -> Page:
    """The rows of the form after one of their buttons or another choice, as a fragment."""
    sent = form(request)
    return page(
        request, desk, "_conditions.html", **choices(desk, _rows_after(sent), sent.get("join") == "any")
    )


def _rows_after(sent: Mapping[str, str]) -> list[Row]:
    """The rows of the form, with the one that is to be added."""
    added = [Row(kind=sent["add"])] if sent.get("add") in ("trait", "did", "sequence") else []  # type: ignore[arg-type]
    return [*rows_sent(sent), *added][:MOST]


def _sent_rule(desk: Desk, sent: Mapping[str, str]) -> dict[str, Any] | str:
    if "rule" not in sent:
        return _rule(desk, rows_sent(sent), sent.get("join") == "any")
    try:
        rule = msgspec.json.decode(sent["rule"] or "{}")
    except msgspec.DecodeError as error:
        return f"the rule is not JSON: {error}"
    return rule if isinstance(rule, dict) else "the rule must be a JSON object: {…}"


def save(request: Ask, desk: Desk, key: str) -> Page:
    """Keep a segment; or, with one of the other buttons, add or take away a row."""
    house, sent = desk.house, form(request)
    before = _before(desk, sent.get("key", ""))
    name = sent.get("name", "").strip()
    typed = rows_sent(sent) if "rule" not in sent else None
    any_of = sent.get("join") == "any"
    if typed is not None and "save" not in sent:
        return _edit(request, desk, replace(before, name=name), _rows_after(sent), any_of=any_of)
    rule = _sent_rule(desk, sent)
    kept = replace(before, name=name, key=before.key or _key(desk, name))
    try:
        if isinstance(rule, str):
            raise BadInput(rule)
        if not name:
            raise BadInput("the segment has no name: say what you call these people")
        kept = flow.save(house.state, house.profiles, replace(kept, rule=rule), now=desk.clock())
    except BadInput as error:
        shown = replace(before, name=name, rule=rule if isinstance(rule, dict) else before.rule)
        return _edit(request, desk, shown, typed, any_of=any_of, problem=error.message)
    return back(f"/segments/{kept.key}", "saved")


def _before(desk: Desk, key: str) -> Segment:
    try:
        return desk.house.state.get(Segment, key)
    except NotFound:
        return Segment(key="", name="", rule={})


def _key(desk: Desk, name: str) -> str:
    """A key that no segment has."""
    return free_slug(name, {each.key for each in desk.house.state.find(Segment)} | _WORDS, "segment")


def drop(request: Ask, desk: Desk) -> Page:
    """Take a segment out of the house."""
    key = form(request).get("key", "")
    kept = desk.house.state.get(Segment, key)
    try:
        flow.drop(desk.house.state, desk.house.profiles, key, now=desk.clock())
    except BadInput as error:
        return _edit(request, desk, kept, problem=error.message)
    desk.turning.touched()
    return back("/segments", "segment-dropped", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Put it back."""
    house = desk.house
    kept = flow.restore(house.state, house.profiles, form(request).get("key", ""), now=desk.clock())
    return back(f"/segments/{kept.key}", "restored")


def people_csv(request: Ask, desk: Desk, key: str) -> Response[str]:
    """Who is in a segment, for other programs."""
    desk.house.state.get(Segment, key)
    return people_file(flow.members(desk.house.profiles, key, lens=lens_of(desk.house)), key)


ROUTES = [
    Route("GET", "/segments", segments),
    Route("GET", "/segments/{key:str}", segment),
    Route("GET", "/segments/{key:str}/people.csv", people_csv),
    Route("POST", "/segments/preview", preview),
    Route("POST", "/segments/rows", rows),
    Route("POST", "/segments/drop", drop),
    Route("POST", "/segments/restore", restore),
    Route("POST", "/segments/{key:str}", save),
]
