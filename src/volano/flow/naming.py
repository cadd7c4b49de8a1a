"""A shop's own words taken as standard ones: said, taken back, looked at, and read into the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.durations import DAY
from volano.domain.event import ORDER_COMPLETED
from volano.domain.naming import Naming, naming_key
from volano.domain.tables import imported
from volano.domain.undo import Before
from volano.domain.view import Only, View
from volano.errors import BadInput
from volano.flow.house import House
from volano.flow.shop import shop_of
from volano.flow.undo import before, keep_before
from volano.flow.works import rereading
from volano.observe.naming import Names
from volano.observe.orders import Shopped
from volano.observe.rereading import Orders, OrdersTold, Reread, own_row
from volano.observe.rows import told_by
from volano.observe.shop_words import STANDARD
from volano.ports import Corrections, Lake, State

LATEST = 10
_LOOKS = (1, 7, 30, 400)  # days back in which the latest events are looked for
_COLUMNS = ("event", "told", "origin", "properties")


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it came and as a naming has it: `after` are columns of `events`, amounts minor units."""

    time: int
    source: str
    event: str
    properties: dict[str, Any]
    after: dict[str, Any]


def save_naming(
    house: House, naming: Naming, *, now: int, past: bool = False, instead: Naming | None = None
) -> Naming:
    """Keep a naming; from now on events come in under it. BadInput if it says nothing that can be.

    `past`: what came before is to be read under it, too. `instead` of that naming, which is dropped. As with
    segments, no event falls between what a drain sees and what is read of the past.
    """
    checked(naming)
    kept = msgspec.structs.replace(
        naming, key=naming_key(naming.source, naming.event), made_at=now, properties=_words(naming)
    )
    state = house.state
    known = [one for one in state.find(Naming) if one.key == kept.key or one == instead]
    with house.profiles.turn():
        keep_before(state, Before(key=_undo(kept.key), namings=tuple(known), past=past, at=now))
        _change(state, [kept], known, past=past, now=now)
    return kept


def drop_naming(house: House, key: str, *, now: int) -> Naming:
    """Take a naming back: events come in under their own name again, and so will have those before."""
    state = house.state
    naming = state.get(Naming, key)
    with house.profiles.turn():
        keep_before(state, Before(key=_undo(key), namings=(naming,), past=True, at=now))
        _change(state, [], [naming], past=True, now=now)
    return naming


def restore_naming(house: House, key: str, *, now: int) -> str:
    """Take back what was last done about the naming of this key; the source that it was about, "" for all.

    BadInput if that is not known any more.
    """
    state = house.state
    was = before(state, _undo(key))
    now_there = [one for one in state.find(Naming) if one.key == key]
    with house.profiles.turn():
        _change(state, was.namings, now_there, past=was.past, now=now)
        state.drop(Before, was.key)
    return next((one.source for one in (*was.namings, *now_there)), "")


def _undo(key: str) -> str:
    return f"naming {key}"


def _change(state: State, kept: Sequence[Naming], gone: Sequence[Naming], *, past: bool, now: int) -> None:
    """These namings for those; with their past to be read anew. In a turn of the profiles."""
    every = {one.key: one for one in (*gone, *kept)}
    works = [rereading(state, one, now=now) for one in every.values()] if past else []
    state.put(*works, *kept)
    for key in every.keys() - {one.key for one in kept}:
        state.drop(Naming, key)


def shown(namings: Iterable[Naming], source: str) -> dict[str, Naming]:
    """The naming by which each event of a source comes in: its own before one for all."""
    mine = sorted((one for one in namings if one.source in ("", source)), key=lambda one: one.source)
    return {one.event: one for one in mine}


def names_of(state: State) -> Names:
    """The namings of a house, ready for `Rows`."""
    return Names(state.find(Naming))


def checked(naming: Naming) -> Naming:
    """The naming; BadInput, with the mend, if it cannot be."""
    if not naming.event.strip():
        raise BadInput("a naming needs the name of an event as it comes")
    itself = naming.event == naming.to
    if naming.to not in STANDARD and not itself:
        raise BadInput(f"{naming.to!r} is no standard event; choose one such as Order Completed")
    if itself and naming.to in STANDARD and not naming.properties and not naming.minor:
        raise BadInput(f"{naming.event!r} is the standard word already; name a property of it, or nothing")
    return naming


def preview(lake: Lake, naming: Naming, *, currency: str, now: int) -> list[Example]:
    """The last ten events that a naming is about, before and after, newest first."""
    names = Names([checked(naming)])
    return [_example(row, names, currency) for row in _latest(lake, naming, now)]


def reread(house: House, corrections: Corrections, naming: Naming) -> set[int]:
    """Reads the past of a naming, kept or dropped, under the names of today; returns whose past it was.

    Their profiles are the caller's to make anew. Reading twice is the same as reading once, and returns the
    same people.
    """
    names, currency = names_of(house.state), shop_of(house.state, house.settings).currency
    orders = OrdersTold(names=names, currency=currency, naming=naming)
    told = Orders()
    for view in _order_rows(naming):
        told += house.lake.tally(view, orders) or Orders()
    repeats = told.repeats()  # those that are told no more are looked at again, under an id of their own
    of = Reread(names=names, currency=currency, repeats=repeats | set(map(own_row, repeats)))
    kept = any(one.event == naming.event for one in house.state.find(Naming))
    for column in ("told", "event") if kept or naming.event == naming.to else ("told",):
        corrections.rewrite(_only(naming, column), of)
    people: set[int] = set()
    for column in ("told", "event"):
        rows = house.lake.read(View(columns=("origin",), only=_only(naming, column)))
        people |= set(pc.unique(_of_sources(rows)["person_id"]).to_pylist())
    return people


def _order_rows(naming: Naming) -> list[View]:
    """The rows that may tell an order under this naming or without it; one may come twice."""
    wanted = ("event", (naming.event, ORDER_COMPLETED)), ("told", (naming.event,))
    return [View(columns=OrdersTold.COLUMNS, only=(some,)) for some in wanted]


def _only(naming: Naming, column: str) -> Only:
    source: Only = (("origin", (naming.source,)),) if naming.source else ()
    return ((column, (naming.event,)), *source)


def _latest(lake: Lake, naming: Naming, now: int) -> list[dict[str, Any]]:
    for days in _LOOKS:
        found: list[dict[str, Any]] = []
        for column in ("event", "told"):
            only = _only(naming, column)
            view = View(columns=_COLUMNS, only=only, since=now - days * DAY)
            found += _newest(_of_sources(lake.read(view)))
        if len(found) >= LATEST or days == _LOOKS[-1]:
            break
    return sorted(found, key=lambda row: row["time"], reverse=True)[:LATEST]


def _of_sources(rows: pa.Table) -> pa.Table:
    """Without rows of imports, which no naming is about."""
    return rows.filter(pc.invert(imported(rows["origin"])))


def _newest(rows: pa.Table) -> list[dict[str, Any]]:
    last = rows.sort_by([("time", "descending")]).slice(0, LATEST)
    found: list[dict[str, Any]] = last.to_pylist()
    times = last["time"].cast(pa.int64()).to_pylist()
    return [row | {"time": time} for row, time in zip(found, times, strict=True)]


def _example(row: dict[str, Any], names: Names, currency: str) -> Example:
    came = row["told"] or row["event"]
    properties = msgspec.json.decode(row["properties"] or "{}")
    said = told_by(row["origin"], came, properties, names, currency)
    columns = dict(zip(Shopped._fields, said.shopped, strict=True))
    after = {"event": said.event, **{name: value for name, value in columns.items() if value is not None}}
    return Example(time=row["time"], source=row["origin"], event=came, properties=properties, after=after)


def _words(naming: Naming) -> dict[str, str]:
    """The properties that are named at all, without blanks around."""
    pairs = ((name.strip(), to.strip()) for name, to in naming.properties.items())
    return {name: to for name, to in pairs if name and to and name != to}
