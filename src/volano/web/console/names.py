"""What a source sends, by name, and the standard words that the shop's own names stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from volano.domain.naming import Naming, naming_key
from volano.domain.registry import Seen
from volano.errors import BadInput, NotFound
from volano.flow import naming as flow
from volano.flow.arrivals import event_seen, events_seen, source_seen, suggestions
from volano.flow.shop import shop_of
from volano.flow.sources import source_of
from volano.observe.shop_words import STANDARD, WORDS
from volano.web import words
from volano.web.pages import Ask, Desk, Page, Route, back, form, local, page

_MONEY = ("revenue", "price")
_TELLING = ("order_id", "revenue", "product", "price")
_LONGEST = 500  # characters of a value
_ROOM = 4  # empty rows for names of properties
SHOWN = 30  # events of a source at once


def source(request: Ask, desk: Desk, key: str) -> Page:
    """The names that a source sends, those that want a word first."""
    house = desk.house
    wanted = {one.event: one for one in suggestions(house.profiles, house.state) if one.source == key}
    namings = flow.shown(house.state.find(Naming), key)
    seen = events_seen(house.profiles, key)
    seen.sort(key=lambda one: (one.event not in wanted, -one.count))
    every = request.query_params.get("all") == "1"
    return page(
        request,
        desk,
        "source.html",
        source=source_of(house.state, key),
        whole=source_seen(house.profiles, key),
        kinds=len(seen),
        events=seen if every else seen[:SHOWN],
        wanted=wanted,
        namings=namings,
    )


def event(request: Ask, desk: Desk, key: str) -> Page:
    """One event of a source: its properties, its word, and the last ten before and after."""
    name = request.query_params.get("event", "")
    if not name:
        raise NotFound(f"there is no event without a name; choose one of those that {key} sends")
    return _show(request, desk, key, _kept(desk, key, name))


def _kept(desk: Desk, key: str, name: str) -> Naming:
    """The naming of an event, or what would be proposed."""
    house = desk.house
    known = flow.shown(house.state.find(Naming), key).get(name)
    if known is not None:
        return known
    for proposed in suggestions(house.profiles, house.state):
        if proposed.source == key and proposed.event == name:
            return Naming(key="", source=key, event=name, to=proposed.to, properties=proposed.properties)
    return Naming(key="", source=key, event=name, to="")


def _show(request: Ask, desk: Desk, key: str, naming: Naming, *, problem: str = "") -> Page:
    house, name = desk.house, naming.event
    seen = event_seen(house.profiles, key, name)
    return page(
        request,
        desk,
        "event.html",
        status=422 if problem else 200,
        problem=problem,
        source=source_of(house.state, key),
        event=name,
        seen=seen,
        properties=_properties(seen),
        naming=naming,
        pairs=[*naming.properties.items(), *[("", "")] * _ROOM],
        standard=STANDARD,
        words=WORDS,
        **_preview(desk, naming),
    )


def _properties(seen: Seen | None) -> list[dict[str, Any]]:
    """The properties of an event, the most frequent first."""
    if seen is None:
        return []
    return [
        {
            "name": name,
            "share": one.count / max(seen.count, 1),
            "types": " or ".join(sorted(one.types, key=lambda kind: -one.types[kind])),
            "examples": one.examples,
            "first": one.first_seen,
            "last": one.last_seen,
        }
        for name, one in sorted(seen.properties.items(), key=lambda pair: (-pair[1].count, pair[0]))
    ]


def _preview(desk: Desk, naming: Naming) -> dict[str, Any]:
    """The last ten events before and after; nothing while no word is chosen."""
    if naming.to in ("", naming.event):
        return {"examples": [], "trouble": ""}
    house = desk.house
    currency = shop_of(house.state, house.settings).currency
    try:
        found = flow.preview(house.lake, naming, currency=currency, now=desk.clock())
    except BadInput as error:
        return {"examples": [], "trouble": error.message}
    rows = [
        {
            "time": one.time,
            "about": _about(one.after, currency),
            "before": {"event": one.event, **{name: _short(value) for name, value in one.properties.items()}},
            "after": {name: _meant(name, value, one.after, currency) for name, value in one.after.items()},
        }
        for one in found
    ]
    return {"examples": rows, "trouble": ""}


def _about(after: Mapping[str, Any], currency: str) -> str:
    """What tells one example from the others: its order, its amount or its product."""
    told = [_meant(name, after[name], after, currency) for name in _TELLING if after.get(name) is not None]
    return " · ".join(told[:2])


def _meant(name: str, value: Any, after: Mapping[str, Any], currency: str) -> str:
    """A column as reports see it; money as people read it."""
    if name in _MONEY and isinstance(value, int):
        return words.money(value, after.get("currency") or currency)
    return _short(value)


def _short(value: Any) -> str:
    text = words.plain(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def preview(request: Ask, desk: Desk) -> Page:
    """The last ten events under what is being chosen, as a fragment."""
    return page(request, desk, "_examples.html", **_preview(desk, _sent(request)))


def _sent(request: Ask) -> Naming:
    sent = form(request)
    came = [name.removesuffix(".from") for name in sent if name.endswith(".from")]
    pairs = {sent[f"{row}.from"].strip(): sent.get(f"{row}.to", "").strip() for row in came}
    whose = "" if sent.get("whose") == "all" else sent.get("source", "")
    return Naming(
        key=naming_key(whose, sent.get("event", "")),
        source=whose,
        event=sent.get("event", ""),
        to=sent.get("to", ""),
        properties={name: to for name, to in pairs.items() if name and to},
        minor=sent.get("minor") == "1",
    )


def save(request: Ask, desk: Desk) -> Page:
    """Keep a naming; with the other button also read the past under it."""
    sent, naming = form(request), _sent(request)
    key, past = sent.get("source", ""), "past" in sent
    shown = _kept(desk, key, naming.event)
    instead = shown if shown.key else None  # what was shown was changed, also from one source to all
    try:
        kept = flow.save_naming(desk.house, naming, now=desk.clock(), past=past, instead=instead)
    except BadInput as error:
        return _show(request, desk, key, naming, problem=error.message)
    return back(f"/sources/{key}", "reread" if past else "named", kept.key)


def stands(request: Ask, desk: Desk) -> Page:
    """Take an event as what it is: no standard one."""
    sent = form(request)
    key, name = sent.get("source", ""), sent.get("event", "")
    itself = Naming(key=naming_key(key, name), source=key, event=name, to=name)
    flow.save_naming(desk.house, itself, now=desk.clock())
    return back(local(sent.get("next", f"/sources/{key}")), "not-one", itself.key)


def drop(request: Ask, desk: Desk) -> Page:
    """Take a naming back, and read the past without it."""
    naming = flow.drop_naming(desk.house, form(request).get("key", ""), now=desk.clock())
    return back(f"/sources/{form(request).get('source', '') or naming.source}", "unnamed", naming.key)


def take_back(request: Ask, desk: Desk) -> Page:
    """Take an event as it was taken before it was named or unnamed."""
    source = flow.restore_naming(desk.house, form(request).get("key", ""), now=desk.clock())
    return back(f"/sources/{source}" if source else "/sources", "named-back")


ROUTES = [
    Route("GET", "/sources/{key:str}", source),
    Route("GET", "/sources/{key:str}/event", event),
    Route("POST", "/names/preview", preview),
    Route("POST", "/names/save", save),
    Route("POST", "/names/drop", drop),
    Route("POST", "/names/none", stands),
    Route("POST", "/names/undo", take_back),
]
