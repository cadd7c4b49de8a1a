"""People: found, looked at, joined, parted, handed out and forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response

from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.errors import BadInput, VolanoError
from volano.flow import people as flow
from volano.flow.decide import person_of
from volano.flow.forgetting import forget as forget_for_good
from volano.flow.ingest import drain_all
from volano.flow.joining import merge, undo, unmerge
from volano.flow.knowledge import knowledge
from volano.flow.people import Found, PersonPage
from volano.observe.traits import FIELDS, facts
from volano.web import words
from volano.web.console.segments import group_name
from volano.web.pages import Ask, Desk, Page, Route, back, form, page
from volano.wiring import forget_in_backups

SHOWN = 50  # of the timeline at once
_OWNER = "owner"  # who does it by hand: there is one account
_TABLES = {"decisions": "act", "exposures": "seg", "events": ""}
_ICONS = {
    "Page Viewed": "page",
    "Product Viewed": "page",
    "Product Added": "cart",
    "Checkout Started": "cart",
    "Order Completed": "ok",
    "Order Refunded": "no",
    "Identified": "key",
    "Segment Entered": "seg",
    "Segment Left": "seg",
}
_TOLD = ("product", "order_id", "path", "variant", "campaign", "reason")
_ORIGIN = {"given": "what they or the shop said", "phones": "their devices", "rfm": "their orders"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing that is known, in words, and what it was worked out from."""

    label: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One row of the timeline, in words."""

    time: int
    icon: str
    name: str
    about: str
    origin: str
    bot: str


def people(request: Ask, desk: Desk) -> Page:
    """Find somebody by id or e-mail."""
    text = request.query_params.get("q", "").strip()[:200]
    found = flow.find(desk.house, text) if text else []
    if len(found) == 1:
        return back(f"/people/{found[0].person_id}")
    return page(request, desk, "people.html", q=text, found=found, newest=_newest(desk) if not text else [])


def _newest(desk: Desk) -> list[Found]:
    """People who did something lately, as far as the server has seen them come."""
    names = dict.fromkeys(one.known_as for one in reversed(desk.turning.recent.after()) if one.known_as)
    some = [found for name in list(names)[:20] for found in flow.find(desk.house, name)]
    return list({one.person_id: one for one in some}.values())[:10]


def person(request: Ask, desk: Desk, person_id: int) -> Page:
    """Somebody: who, on what, what is known and why, and what they did."""
    return _show(request, desk, person_id)


def _show(request: Ask, desk: Desk, person_id: int, *, status: int = 200, problem: str = "") -> Page:
    before = request.query_params.get("before", "")
    shown = flow.person(desk.house, person_id)
    until = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = flow.timeline(desk.house, person_id, before=until, limit=SHOWN)
    currency = knowledge(desk.house.state, desk.house.settings).currency
    return page(
        request,
        desk,
        "person.html",
        status=status,
        problem=problem,
        person=shown,
        name=name_of(shown),
        traits=_traits(shown.profile, currency, now=desk.clock()),
        devices=_devices(shown.profile, now=desk.clock()),
        timeline=[_happening(row, currency) for row in rows],
        more=rows[-1]["time"] if len(rows) == SHOWN else 0,
    )


def name_of(shown: PersonPage) -> str:
    """What to call somebody: their e-mail, else a user id, else that nobody knows."""
    email = shown.profile.email if shown.profile else ""
    users = [one.known_as[2:] for one in shown.identities if one.known_as.startswith("u:")]
    return email or next(iter(users), "") or "Somebody without a name"


def _traits(profile: Profile | None, currency: str, *, now: int) -> dict[str, list[Trait]]:
    """What is known by group, in the order of the fields."""
    found: dict[str, list[Trait]] = {}
    known = facts(profile, now=now) if profile is not None else {}
    for name, value in known.items():
        field = FIELDS.get(name) or FIELDS.get("traits.*" if name.startswith("traits.") else "")
        if field is None or value in (None, "", [], 0) or name == "segments":
            continue
        label = name.removeprefix("traits.") if name.startswith("traits.") else field.label
        told = Trait(label=label, value=_said(name, value, field.kind, currency), meaning=field.meaning)
        found.setdefault(group_name(field.group), []).append(told)
    return found


def _said(name: str, value: Any, kind: str, currency: str) -> str:
    if kind == "time":
        return words.moment(value)
    if name in ("revenue", "refunded", "average_order", "cart_value"):
        return words.money(value, currency)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return words.number(value) if isinstance(value, int | float) else str(value)


def _devices(profile: Profile | None, *, now: int) -> list[dict[str, Any]]:
    told = profile.devices.items() if profile else ()
    seconds = now // words.SECOND
    return [
        {
            "key": key,
            "platform": one.platform,
            "state": one.state(now=seconds) if one.token else "",
            "seen_at": max(one.seen_at, one.token_at) * words.SECOND,
        }
        for key, one in told
    ]


def _happening(row: dict[str, Any], currency: str) -> Happening:
    name = row.get("event") or {"decisions": "Was given", "exposures": "Saw"}.get(row["table"], row["table"])
    told = [str(row[key]) for key in _TOLD if row.get(key)]
    if row.get("revenue"):
        told.append(words.money(row["revenue"], row.get("currency") or currency))
    if row.get("source"):
        told.append(f"{row['source']} / {row.get('medium') or '(none)'}")
    if row.get("event", "").startswith("Segment "):
        told.append(_segment(row.get("properties", "")))
    icon = _TABLES.get(row["table"]) or _ICONS.get(name, "live")
    where = row.get("origin", "")
    return Happening(
        time=row["time"], icon=icon, name=name, about=" · ".join(told), origin=where, bot=row.get("bot", "")
    )


def _segment(properties: str) -> str:
    try:
        return str(msgspec.json.decode(properties)["segment"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def join(request: Ask, desk: Desk, person_id: int) -> Page:
    """Join somebody else to this person."""
    house, text = desk.house, form(request).get("other", "").strip()
    try:
        other = flow.found_one(house, text)
        merge(house, person_id, other, by=_OWNER, now=desk.clock())
    except VolanoError as error:
        return _show(request, desk, person_id, status=422, problem=error.message)
    desk.turning.touched()
    at = person_of(house.profiles, other)
    return back(f"/people/{at}", "joined", str(other))


def part(request: Ask, desk: Desk, person_id: int) -> Page:
    """Take an identity out of this person."""
    identity = _identity(request)
    try:
        unmerge(desk.house, identity, by=_OWNER, now=desk.clock())
    except VolanoError as error:
        return _show(request, desk, person_id, status=422, problem=error.message)
    desk.turning.touched()
    return back(f"/people/{person_id}", "parted", str(identity))


def take_back(request: Ask, desk: Desk) -> Page:
    """Take back what was last done by hand about an identity."""
    identity = _identity(request)
    undo(desk.house, identity, by=_OWNER, now=desk.clock())
    desk.turning.touched()
    record = desk.house.profiles.get(Identity, identity)
    return back(f"/people/{record.person_id if record else identity}", "rejoined")


def _identity(request: Ask) -> int:
    text = form(request).get("key", "")
    if not (text.isdecimal() and len(text) < 20):
        raise BadInput("the form names no identity; go back, reload, and try again")
    return int(text)


def export(request: Ask, desk: Desk, person_id: int) -> Response[bytes]:
    """All that is kept of somebody, as a file."""
    body = msgspec.json.format(msgspec.json.encode(flow.export(desk.house, person_id)), indent=2)
    name = f'attachment; filename="person-{person_id}.json"'
    return Response(body, media_type="application/json", headers={"Content-Disposition": name})


def forget(request: Ask, desk: Desk, person_id: int) -> Page:
    """Forget somebody for good, once the owner has typed that they mean it."""
    house, now = desk.house, desk.clock()
    if form(request).get("sure", "").strip().lower() != "forget":
        told = "type the word forget, so that nobody is forgotten by a slip of the finger"
        return _show(request, desk, person_id, status=422, problem=told)

    ids = [one.known_as for one in flow.person(house, person_id).identities if one.known_as]
    receipt = forget_for_good(
        house,
        [*ids, str(person_id)],
        now=now,
        drain=lambda: drain_all(house),
        backups=lambda hashes: forget_in_backups(house.state, hashes, now=now),
    )
    desk.turning.touched()
    return page(request, desk, "forgotten.html", receipt=receipt)


ROUTES = [
    Route("GET", "/people", people),
    Route("GET", "/people/{person_id:int}", person),
    Route("GET", "/people/{person_id:int}/export.json", export),
    Route("POST", "/people/{person_id:int}/join", join),
    Route("POST", "/people/{person_id:int}/part", part),
    Route("POST", "/people/{person_id:int}/forget", forget),
    Route("POST", "/people/undo", take_back),
]
