"""Segments: a list with sizes, a builder without JSON, and who moved between the types of customers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
from litestar import Response
from msgspec.structs import replace

from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.errors import BadInput, NotFound
from volano.flow import segments as flow
from volano.flow.arrivals import events_seen
from volano.flow.ingest import settle_everybody
from volano.flow.shop import lens_of
from volano.flow.transitions import transition_view
from volano.observe.overlap import sizes
from volano.observe.traits import FIELDS
from volano.rules.words import sentence
from volano.web import words
from volano.web.console.builder import MOST, OPERATORS, UNITS, Row, rows_of, rows_sent, rule_of
from volano.web.pages import Ask, Desk, Page, Route, back, form, page

_GROUPS = {
    "seen": "When they were here",
    "visits": "Visits",
    "hours": "Their hours",
    "buying": "Orders",
    "rfm": "Type of customer",
    "taste": "What they like",
    "touch": "Where they come from",
    "gear": "What they use",
    "cart": "Cart",
    "notices": "Messages",
    "given": "What was told of them",
    "phones": "Devices and push",
    "held": "Other segments",
}
_USUAL = ("Page Viewed", "Product Viewed", "Product Added", "Checkout Started", "Order Completed")
_SINCE = 90  # days back that the transition view looks unless told
_STALE = 30.0  # seconds for which the table of everybody may be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many people a rule fits, some of them, and in which other segments they are."""

    people: int
    everybody: int
    share: float
    said: str
    sample: list[tuple[int, str, str]]
    overlap: list[tuple[str, str, float]]
    as_of: int


def group_name(group: str) -> str:
    """A group of traits in words."""
    return _GROUPS.get(group, group)


def _everybody(desk: Desk) -> tuple[pa.Table, int]:
    """The facts of all people, and when they were read (UTC µs)."""

    def read() -> tuple[pa.Table, int]:
        now = desk.clock()
        return flow.everybody(desk.house.profiles, now=now), now

    found: tuple[pa.Table, int] = desk.memo.of("everybody", read, patience=_STALE)
    return found


def segments(request: Ask, desk: Desk) -> Page:
    """All segments with their sizes."""
    people, _ = _everybody(desk)
    inside, whole = sizes(people), people.num_rows
    cards = [
        {
            "segment": each,
            "sentence": _sentence(each.rule),
            "people": inside.get(each.key, 0),
            "share": inside.get(each.key, 0) / max(whole, 1),
        }
        for each in desk.house.state.find(Segment)
    ]
    cards.sort(key=lambda card: (card["segment"].starter, -card["people"]))
    return page(request, desk, "segments.html", segments=cards, everybody=whole)


def _sentence(rule: Any) -> str:
    try:
        return sentence(rule)
    except BadInput as error:
        return f"cannot be read: {error.message}"


def segment(request: Ask, desk: Desk, key: str) -> Page:
    """One segment in the builder, or a new one."""
    if key == "new":
        return _edit(
            request, desk, Segment(key="", name="", rule={}), [Row(kind="trait", field="orders", value="1")]
        )
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
        known = rows_of(shown.rule)
        rows, any_of = known if known is not None else (None, False)
    size, trouble = _size(desk, _rule(rows, any_of) if rows is not None else shown.rule, shown.key)
    return page(
        request,
        desk,
        "segment.html",
        status=422 if problem else 200,
        problem=problem or ("" if rows is None else trouble),
        segment=shown,
        sentence=_sentence(shown.rule) if shown.rule else "",
        rule=msgspec.json.format(msgspec.json.encode(shown.rule), indent=2).decode(),
        rows=rows,
        any_of=any_of,
        size=size,
        **_choices(desk),
    )


def _choices(desk: Desk) -> dict[str, Any]:
    fields: dict[str, list[tuple[str, str]]] = {}
    for name, each in FIELDS.items():
        if "*" not in name:
            fields.setdefault(group_name(each.group), []).append((name, each.label))
    names = [seen.event for seen in events_seen(desk.house.profiles)[:200]]
    return {
        "fields": fields,
        "types": types(),
        "operators": OPERATORS,
        "units": UNITS,
        "events": list(dict.fromkeys([*names, *_USUAL])),
    }


def types() -> Mapping[str, str]:
    """The kind of value of each fact."""
    return {name: each.kind for name, each in FIELDS.items()}


def _rule(rows: list[Row], any_of: bool) -> dict[str, Any] | str:
    """The rule of rows, or what is wrong with them."""
    try:
        return rule_of(rows, types(), any_of=any_of)
    except BadInput as error:
        return error.message


def _size(desk: Desk, rule: dict[str, Any] | str, key: str) -> tuple[Size | None, str]:
    """How many the rule fits, or why that cannot be said."""
    if isinstance(rule, str):
        return None, rule
    others = [each for each in desk.house.state.find(Segment) if each.key != key]
    people, as_of = _everybody(desk)
    try:
        found = flow.preview(desk.house.lake, people, rule, others, now=desk.clock())
    except BadInput as error:
        return None, error.message
    shares = [(one.name, one.segment, one.both / max(found.size, 1)) for one in found.overlap if one.both]
    return (
        Size(
            people=found.size,
            everybody=found.people,
            share=found.share,
            said=found.said,
            sample=[_told(desk, person) for person in found.sample[:5]],
            overlap=sorted(shares, key=lambda one: -one[2])[:5],
            as_of=as_of,
        ),
        "",
    )


def _told(desk: Desk, person: int) -> tuple[int, str, str]:
    profile = desk.house.profiles.get(Profile, person)
    if profile is None:
        return person, f"Person {person}", ""
    seen = f"{words.count(profile.orders)} orders" if profile.orders else "no order yet"
    return person, profile.email or f"Person {person}", f"{seen} · {profile.device or 'device not known'}"


def preview(request: Ask, desk: Desk) -> Page:
    """The size of what is being built, as a fragment."""
    sent = form(request)
    rule = _sent_rule(sent)
    size, trouble = _size(desk, rule, sent.get("key", ""))
    return page(request, desk, "_segment_size.html", size=size, problem=trouble)


def _sent_rule(sent: Mapping[str, str]) -> dict[str, Any] | str:
    if "rule" not in sent:
        return _rule(rows_sent(sent), sent.get("join") == "any")
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
    rows = rows_sent(sent) if "rule" not in sent else None
    any_of = sent.get("join") == "any"
    if rows is not None and "save" not in sent:
        added = [Row(kind=sent["add"])] if sent.get("add") in ("trait", "did", "sequence") else []  # type: ignore[arg-type]
        return _edit(request, desk, replace(before, name=name), [*rows, *added][:MOST], any_of=any_of)
    rule = _sent_rule(sent)
    kept = replace(before, name=name, key=before.key or _key(desk, name))
    try:
        if isinstance(rule, str):
            raise BadInput(rule)
        kept = flow.save(house.state, house.profiles, replace(kept, rule=rule), now=desk.clock())
    except BadInput as error:
        shown = replace(before, name=name, rule=rule if isinstance(rule, dict) else before.rule)
        return _edit(request, desk, shown, rows, any_of=any_of, problem=error.message)
    desk.turning.soon(f"seeing who is in {kept.name}", lambda: settle_everybody(house, now=desk.clock()))
    return back(f"/segments/{kept.key}", "saved")


def _before(desk: Desk, key: str) -> Segment:
    try:
        return desk.house.state.get(Segment, key)
    except NotFound:
        return Segment(key="", name="", rule={})


def _key(desk: Desk, name: str) -> str:
    """A key that no segment has."""
    wanted = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "segment"
    known = {each.key for each in desk.house.state.find(Segment)} | {
        "new",
        "preview",
        "moves",
        "drop",
        "restore",
    }
    place, key = 2, wanted
    while key in known:
        key, place = f"{wanted}-{place}", place + 1
    return key


def drop(request: Ask, desk: Desk) -> Page:
    """Take a segment out of the house."""
    key = form(request).get("key", "")
    kept = desk.house.state.get(Segment, key)
    try:
        flow.drop(desk.house.state, desk.house.profiles, key)
    except BadInput as error:
        return _edit(request, desk, kept, problem=error.message)
    desk.dropped[key] = kept
    desk.turning.touched()
    return back("/segments", "segment-dropped", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Put it back."""
    kept = desk.dropped.pop(form(request).get("key", ""), None)
    if kept is None:
        raise BadInput("there is nothing to take back; it was deleted too long ago")
    flow.save(desk.house.state, desk.house.profiles, kept, now=desk.clock())
    house = desk.house
    desk.turning.soon(f"seeing who is in {kept.name}", lambda: settle_everybody(house, now=desk.clock()))
    return back(f"/segments/{kept.key}", "restored")


def people_csv(request: Ask, desk: Desk, key: str) -> Response[str]:
    """Who is in a segment, for other programs."""
    desk.house.state.get(Segment, key)
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["person_id", "email", "orders", "revenue_minor", "last_seen"])
    for one in flow.members(desk.house.profiles, key):
        email = f"'{one.email}" if one.email[:1] in tuple("=+-@\t\r") and one.email else one.email
        out.writerow([one.person_id, email, one.orders, one.revenue, one.last_seen])
    name = f'attachment; filename="{key}.csv"'
    return Response(
        text.getvalue(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


def moves(request: Ask, desk: Desk) -> Page:
    """Who moved between the types of customers since a number of days ago."""
    text = request.query_params.get("days", "")
    days = int(text) if text.isdecimal() and 0 < int(text) <= 3650 else _SINCE
    now = desk.clock()
    house = desk.house

    def read() -> Any:
        return transition_view(house.lake, since=now - days * words.DAY, now=now, lens=lens_of(house))

    found = desk.memo.of(("moves", days), read, patience=_STALE)
    columns = [sum(row[at] for row in found.people) for at in range(len(found.columns))]
    rows = [
        {"name": name, "people": sum(row), "to": _flows(row, found.columns)}
        for name, row in zip(found.rows, found.people, strict=True)
        if sum(row)
    ]
    now_in = [(name, many) for name, many in zip(found.columns, columns, strict=True) if many]
    return page(request, desk, "moves.html", days=days, rows=rows, now_in=now_in, whole=max(1, sum(columns)))


def _flows(row: tuple[int, ...], names: tuple[str, ...]) -> list[tuple[str, int, float]]:
    """Where the people of a row are now, most first."""
    whole = max(1, sum(row))
    pairs = [(name, many, many / whole) for name, many in zip(names, row, strict=True) if many]
    return sorted(pairs, key=lambda pair: -pair[1])


ROUTES = [
    Route("GET", "/segments", segments),
    Route("GET", "/segments/moves", moves),
    Route("GET", "/segments/{key:str}", segment),
    Route("GET", "/segments/{key:str}/people.csv", people_csv),
    Route("POST", "/segments/preview", preview),
    Route("POST", "/segments/drop", drop),
    Route("POST", "/segments/restore", restore),
    Route("POST", "/segments/{key:str}", save),
]
