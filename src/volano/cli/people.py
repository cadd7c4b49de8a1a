"""`volano people`: find, look at, join, part, hand out and forget people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from volano.cli.say import Home, Json, answer, answers, day, minute, now, table
from volano.errors import BadInput, NotFound
from volano.wiring import House, open_house, read_settings
from volano.wiring.backups import forget_in_backups

if TYPE_CHECKING:
    from volano.domain.erasure import Receipt
    from volano.flow.people import Found, PersonPage

ACTIONS = ("find", "show", "merge", "unmerge", "undo", "export", "forget")
_BY = "console"


def people(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS)}.")],
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            help="User ids, anonymous ids, e-mail addresses or person ids. For `unmerge` and `undo` an "
            "identity as `show` prints it, such as a:7f3e."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="forget: more ids, one a line.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="show: how many events of the timeline.")] = 20,
    yes: Annotated[bool, typer.Option("--yes", help="forget: do not ask.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Find, look at, join, part, hand out and forget people.

    Days and times are by the shop's clock; in JSON they are UTC microseconds. Ends with 0 when it is done,
    2 when nobody is known by an id or it cannot be.

    Example: volano people show ann@shop.example

    Example: volano people unmerge a:7f3e

    Example: volano people export ann@shop.example --json > ann.json

    Example: volano people forget --file ids.txt --yes
    """
    if action not in ACTIONS:
        raise BadInput(f"{action!r} is nothing `volano people` does: say one of {', '.join(ACTIONS)}")
    given = [*(ids or []), *_lines(file)]
    wanted = 2 if action == "merge" else 1
    if len(given) < wanted or (action != "forget" and len(given) > wanted):
        raise BadInput(f"`volano people {action}` wants {'two ids' if wanted == 2 else 'an id'} after it")
    house = open_house(read_settings(home=home), make=False)
    if action == "find":
        _find(house, given[0], as_json)
    elif action == "show":
        _show(house, given[0], limit, as_json)
    elif action == "export":
        _export(house, given[0])
    elif action == "forget":
        _forget(house, given, yes or as_json, as_json)
    else:
        _join(house, action, given, as_json)


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read as text ({error}); write one id a line") from error


def _find(house: House, text: str, as_json: bool) -> None:
    from volano.flow.people import find

    found = find(house, text)
    if not found and not as_json:
        raise NotFound(f"nobody is known as {text!r}")
    answer(found, as_json, lambda: _show_found(found, _zone(house)))


def _show_found(found: list[Found], zone: str) -> None:
    rows = [
        [
            str(one.person_id),
            one.by,
            one.email,
            day(one.first_seen, zone),
            day(one.last_seen, zone),
            str(one.orders),
        ]
        for one in found
    ]
    table("People", ["person", "found by", "e-mail", "first seen", "last seen", "orders"], rows)


def _show(house: House, text: str, limit: int, as_json: bool) -> None:
    from volano.flow.people import found_one, person, timeline

    page = person(house, found_one(house, text), now=now())
    happened = timeline(house, page.person_id, limit=limit)
    value = msgspec.to_builtins(page) | {"timeline": happened}
    answer(value, as_json, lambda: _show_page(page, happened, _zone(house)))


def _zone(house: House) -> str:
    from volano.flow.shop import shop_of

    return shop_of(house.state, house.settings).timezone


def _show_page(page: PersonPage, happened: list[dict[str, Any]], zone: str) -> None:
    answers.print(f"Person {page.person_id}, times by the clock of {zone}", markup=False)
    if page.crowded:
        answers.print("! More identities are told to be this person than are believed.", markup=False)
    rows = []
    for known in page.identities:
        joins = [
            f"{one.reason} with {one.other}, {minute(one.time, zone)}, by {one.origin}" for one in known.joins
        ]
        rows.append([known.known_as, "; ".join(joins) + (" (taken out by hand)" if known.apart else "")])
    table("Identities", ["identity", "why"], rows)
    if page.given:
        rows = [[one.name, str(one.value), minute(one.time, zone)] for one in page.given]
        table("Given", ["trait", "value", "when"], rows)
    if page.segments:
        rows = [[one.name, minute(one.since, zone), one.why] for one in page.segments]
        table("Segments", ["segment", "since", "why"], rows)
    rows = [[minute(row["time"], zone), _what(row), _more(row)] for row in happened]
    table("Timeline", ["when", "what", ""], rows)


def _what(row: dict[str, Any]) -> str:
    named = " ".join(str(row[name]) for name in ("campaign", "variant", "receiver", "status") if name in row)
    return str(row.get("event") or f"{row['table']}: {named}")


def _more(row: dict[str, Any]) -> str:
    names = ("path", "product", "order_id", "source", "about")
    return " · ".join(str(row[name]) for name in names if name in row)


def _export(house: House, text: str) -> None:
    from volano.flow.handing_out import export
    from volano.flow.people import found_one

    print(msgspec.json.encode(export(house, found_one(house, text), now=now())).decode())  # noqa: T201  the answer itself


def _join(house: House, action: str, given: list[str], as_json: bool) -> None:
    from volano.flow import joining
    from volano.flow.people import found_one

    if action == "merge":
        one, other = (found_one(house, text) for text in given)
        found = joining.merge(house, one, other, by=_BY, now=now())
    else:
        act = joining.unmerge if action == "unmerge" else joining.undo
        found = act(house, _identity(given[0]), by=_BY, now=now())
    moved = [
        {"known_as": link.known_as, "person_id": str(link.person_id), "was": str(link.was)}
        for link in found.links
        if link.was != link.person_id
    ]
    answer(
        moved,
        as_json,
        lambda: table(
            "Moved", ["identity", "is now person", "was person"], [list(row.values()) for row in moved]
        ),
    )


def _identity(text: str) -> int:
    from volano.flow.people import NAMED
    from volano.observe.identity import identity

    if not NAMED.match(text):
        raise BadInput(f"{text!r} is no identity: write u:<user id> or a:<anonymous id>, as `show` prints it")
    return identity(text)


def _forget(house: House, given: Sequence[str], sure: bool, as_json: bool) -> None:
    from volano.flow.forgetting import forget
    from volano.flow.ingest import drain_all

    if not sure:
        typer.confirm(f"Forget {len(given):,} for ever? This cannot be undone", abort=True, err=True)

    at = now()
    receipt = forget(
        house,
        given,
        now=at,
        drain=lambda: drain_all(house),
        backups=lambda hashes: forget_in_backups(house.state, hashes, now=at),
    )
    answer(receipt, as_json, lambda: _show_receipt(receipt))


def _show_receipt(receipt: Receipt) -> None:
    rows = ", ".join(f"{count:,} of {name}" for name, count in sorted(receipt.rows.items())) or "none"
    answers.print(f"Receipt {receipt.key}: {receipt.people:,} people forgotten", markup=False)
    answers.print(f"  rows of the lake: {rows}", markup=False)
    told = f"  live records: {receipt.records:,}, refused lines: {receipt.lines:,}, staff: {receipt.staff:,}"
    answers.print(f"{told}, keys: {receipt.keys:,}", markup=False)
    answers.print(f"  secret of the marks, which is not kept: {receipt.secret}", markup=False)
    for name in receipt.rules:
        answers.print(f"  ! the rule of {name} may name them: look, and change it", markup=False)
    for path in receipt.backups:
        answers.print(f"  {path} will not bring them back", markup=False)
    for path in receipt.unreached:
        answers.print(f"  ! {path} cannot be reached: delete it, or forget again when it can", markup=False)
