"""People: found, looked at, joined, parted, handed out and forgotten."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
from litestar import Response

from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.errors import BadInput, VolanoError
from volano.flow import people as flow
from volano.flow.decide import person_of
from volano.flow.forgetting import forget as forget_for_good
from volano.flow.handing_out import export as handed_out
from volano.flow.ingest import drain_all
from volano.flow.joining import merge, undo, unmerge
from volano.flow.people import Found
from volano.flow.segments import named_people
from volano.flow.shop import shop_of
from volano.web.console.lists import people_list
from volano.web.console.person import face, happenings, joins, known, name_of, named
from volano.web.pages import Ask, Desk, Page, Route, back, form, page
from volano.wiring.backups import forget_in_backups

SHOWN = 30  # of the timeline at once
NEWEST = 10  # people who are shown before anybody is looked for
_LOOK = 300  # records looked at for them where nobody came by since the server began
_OWNER = "owner"  # who does it by hand: there is one account


def people(request: Ask, desk: Desk) -> Page:
    """Find somebody by id or e-mail."""
    text = request.query_params.get("q", "").strip()[:200]
    found = flow.find(desk.house, text) if text else []
    if len(found) == 1:
        return back(f"/people/{found[0].person_id}")
    lately = [] if text else _just_here(desk)
    some = [] if text or lately else _some(desk)
    shown = [one.person_id for one in (*found, *lately, *some) if not one.email]
    names = named_people(desk.house.lake, shown) if shown else {}
    many = 0 if text else len(_crowded(desk) or ())
    told: dict[str, Any] = {"found": found, "lately": lately, "some": some, "names": names}
    return page(request, desk, "people.html", q=text, crowded=many, **told)


def crowded(request: Ask, desk: Desk) -> Page:
    """Those of whom more identities are told than are believed."""
    return people_list(request, desk, "crowded.html", _crowded(desk))


def _crowded(desk: Desk) -> list[int] | None:
    found: list[int] | None = desk.memo.lately("crowded", lambda: flow.crowded(desk.house.profiles))
    return found


def _just_here(desk: Desk) -> list[Found]:
    """People who did something lately, as far as the server has seen them come."""
    names = dict.fromkeys(one.known_as for one in reversed(desk.turning.recent.after()) if one.known_as)
    found = [found for name in list(names)[: 2 * NEWEST] for found in flow.find(desk.house, name)]
    return list({one.person_id: one for one in found}.values())[:NEWEST]


def _some(desk: Desk) -> list[Found]:
    """A few of the people there are: of the first records, those who were here last."""
    first = [profile for _, profile in islice(desk.house.profiles.scan(Profile), _LOOK)]
    last = sorted(first, key=lambda one: -one.last_seen)[:NEWEST]
    return [found for one in last for found in flow.find(desk.house, str(one.person_id))]


def person(request: Ask, desk: Desk, person_id: int) -> Page:
    """Somebody: who, on what, what is known and why, and what they did."""
    return _show(request, desk, person_id)


def _show(request: Ask, desk: Desk, person_id: int, *, status: int = 200, problem: str = "") -> Page:
    before = request.query_params.get("before", "")
    shop, now = shop_of(desk.house.state, desk.house.settings), desk.clock()
    shown = flow.person(desk.house, person_id, now=now)
    try:
        rows, more = flow.timeline_page(desk.house, person_id, before, limit=SHOWN)
    except BadInput:  # nobody types it: look from now on
        before, (rows, more) = "", flow.timeline_page(desk.house, person_id, limit=SHOWN)
    return page(
        request,
        desk,
        "person.html",
        status=status,
        problem=problem,
        person=shown,
        name=name_of(shown),
        face=face(shown.profile, shop, now=now),
        traits=known(shown, shop, now=now),
        days=happenings(rows, desk.house.state, shop),
        identities=joins(shown, named(desk.house.state)),
        earlier=bool(before),
        more=more,
    )


def join(request: Ask, desk: Desk, person_id: int) -> Page:
    """Join somebody else to this person."""
    house, text = desk.house, form(request).get("other", "").strip()
    flow.person(house, person_id, now=desk.clock())
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
    body = msgspec.json.format(
        msgspec.json.encode(handed_out(desk.house, person_id, now=desk.clock())), indent=2
    )
    name = f'attachment; filename="person-{person_id}.json"'
    return Response(body, media_type="application/json", headers={"Content-Disposition": name})


def forget(request: Ask, desk: Desk, person_id: int) -> Page:
    """Forget somebody for good, once the owner has typed that they mean it."""
    house, now = desk.house, desk.clock()
    if form(request).get("sure", "").strip().lower() != "forget":
        told = "type the word forget, so that nobody is forgotten by a slip of the finger"
        return _show(request, desk, person_id, status=422, problem=told)

    ids = [one.known_as for one in flow.person(house, person_id, now=now).identities if one.known_as]
    receipt = forget_for_good(
        house,
        [*ids, str(person_id)],
        now=now,
        drain=lambda: drain_all(house),
        backups=lambda hashes: forget_in_backups(house.state, hashes, now=now),
    )
    desk.turning.touched()
    whole = msgspec.json.format(msgspec.json.encode(receipt), indent=2).decode()
    return page(request, desk, "forgotten.html", receipt=receipt, as_json=whole)


ROUTES = [
    Route("GET", "/people", people),
    Route("GET", "/people/crowded", crowded),
    Route("GET", "/people/{person_id:int}", person),
    Route("GET", "/people/{person_id:int}/export.json", export),
    Route("POST", "/people/{person_id:int}/join", join),
    Route("POST", "/people/{person_id:int}/part", part),
    Route("POST", "/people/{person_id:int}/forget", forget),
    Route("POST", "/people/undo", take_back),
]
