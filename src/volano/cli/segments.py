"""`volano segment` and `volano segments`: who fits a rule, and the segments that are kept."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec
import typer

from volano.cli.finishing import finish
from volano.cli.say import Home, Json, answer, answers, now, progress, table
from volano.errors import BadInput, NotFound
from volano.wiring import House, open_house, read_settings

if TYPE_CHECKING:
    from volano.domain.segment import Segment
    from volano.flow.segments import Preview


def segment(
    key: Annotated[str | None, typer.Argument(help="Key of a segment, from `volano segments`.")] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="JSON", help="A rule, see docs/reference/rules.md.")
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Only say how many people it fits.")] = False,
    members: Annotated[bool, typer.Option("--members", help="List who is in it.")] = False,
    export: Annotated[
        str | None, typer.Option("--export", metavar="FILE", help="Write who is in it as CSV; - for here.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the rule as the segment KEY.")] = False,
    name: Annotated[str, typer.Option("--name", help="What the segment is called.")] = "",
    drop: Annotated[bool, typer.Option("--drop", help="Forget the segment KEY.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Who fits a rule now: how many, some of them, and in which segments they are.

    Example: volano segment --rule '{"orders": {"$gte": 4}}' --count

    Example: volano segment big-spenders --rule '{"revenue": {"$gte": 50000}}' --name "Big spenders" --save

    Example: volano segment lapsing --export lapsing.csv
    """
    if (key is None) == (rule is None) and not save:
        raise BadInput('name a segment, or give a rule with --rule \'{"orders": {"$gte": 4}}\'')
    house = open_house(read_settings(home=home), make=False)
    if drop:
        return _drop(house, _needed(key), as_json)
    wanted = _rule(rule) if rule is not None else _kept(house, _needed(key)).rule
    if save:
        return _save(house, _needed(key), wanted, name, as_json)
    if members or export is not None:
        return _members(house, wanted, export, as_json)
    found = _preview(house, wanted)
    if count:
        return answer({"count": found.size}, as_json, lambda: answers.print(str(found.size)))
    value = {"said": _said(house, wanted)} | msgspec.to_builtins(found)
    return answer(value, as_json, lambda: _show(value["said"], found))


def segments(
    starters: Annotated[
        bool, typer.Option("--starters", help="Put the starter segments into a house that has none.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The segments that are kept, with their rules in words and their sizes.

    Example: volano segments --starters
    """
    from volano.flow.kept_segments import kept_segments
    from volano.flow.segments import plant

    house = open_house(read_settings(home=home), make=False)
    if starters and plant(house.state, now=now()):
        finish(house)
    found = kept_segments(house, _everybody(house, ["segments"], now()))
    rows = [[one.key, one.name, f"{one.people:,}", one.said] for one in found]
    empty = "No segment yet; put the usual ones here with `volano segments --starters`."
    answer(
        found,
        as_json,
        lambda: table("Segments", ["key", "name", "people", "rule"], rows) if rows else answers.print(empty),
    )


def _needed(key: str | None) -> str:
    if key is None:
        raise BadInput("name the segment, such as `volano segment big-spenders --save --rule …`")
    return key


def _rule(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadInput(
            f'the rule is not JSON ({error}); write it like {{"orders": {{"$gte": 4}}}}'
        ) from error


def _kept(house: House, key: str) -> Segment:
    from volano.domain.segment import Segment

    try:
        return house.state.get(Segment, key)
    except NotFound as error:
        raise BadInput(f"there is no segment {key!r}; see `volano segments`") from error


def _preview(house: House, rule: Any) -> Preview:
    from volano.domain.segment import Segment
    from volano.flow.asking import groups_of
    from volano.flow.segments import facts_asked, preview

    moment = now()
    people = _everybody(house, facts_asked(rule), moment)
    groups = groups_of(house.state, [rule])
    return preview(house.lake, people, rule, house.state.find(Segment), now=moment, groups=groups)


def _save(house: House, key: str, rule: Any, name: str, as_json: bool) -> None:
    from volano.domain.segment import Segment
    from volano.flow import segments as keeping
    from volano.flow.shop import lens_of

    kept = keeping.save(house.state, house.profiles, Segment(key=key, name=name, rule=rule), now=now())
    finish(house)
    size = sum(1 for _ in keeping.members(house.profiles, key, lens=lens_of(house)))
    value = {"key": key, "name": kept.name, "count": size}
    answer(value, as_json, lambda: answers.print(f"{kept.name} ({key}): {size:,} people", markup=False))


def _drop(house: House, key: str, as_json: bool) -> None:
    from volano.flow.segments import drop

    _kept(house, key)
    drop(house.state, house.profiles, key, now=now())
    finish(house)
    answer({"dropped": key}, as_json, lambda: answers.print(f"{key} is no more.", markup=False))


def _members(house: House, rule: Any, export: str | None, as_json: bool) -> None:
    from volano.flow.asking import groups_of
    from volano.flow.segments import facts_asked, fitting, named_people

    moment = now()
    everybody, groups = _everybody(house, facts_asked(rule), moment), groups_of(house.state, [rule])
    people = fitting(house.lake, everybody, rule, now=moment, groups=groups)
    names = named_people(house.lake, people)
    found = [{"person_id": person, "known_as": names[person]} for person in people]
    if export is None:
        rows = [[str(person), names[person]] for person in people]
        return answer(found, as_json, lambda: table(f"{len(rows):,} people", ["person", "known as"], rows))
    if export == "-":
        return _write(sys.stdout, found)
    with Path(export).open("w", newline="", encoding="utf-8") as file:
        _write(file, found)
    told = {"file": export, "people": len(found)}
    return answer(
        told, as_json, lambda: answers.print(f"{len(found):,} people are in {export}", markup=False)
    )


def _write(file: TextIO, found: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, ["person_id", "known_as"])
    writer.writeheader()
    writer.writerows(found)


def _said(house: House, rule: Any) -> str:
    """The rule in words, by the shop's clock and in its currency."""
    from volano.flow.shop import shop_of, units_of
    from volano.rules.words import sentence

    return sentence(rule, units_of(shop_of(house.state, house.settings)))


def _show(said: str, found: Preview) -> None:
    answers.print(said, markup=False, soft_wrap=True)
    answers.print(f"{found.size:,} of {found.people:,} people ({found.share:.1%})", markup=False)
    if found.overlap:
        rows = [[one.name, f"{one.both:,}", f"{one.size:,}"] for one in found.overlap]
        table("They are in", ["segment", "of these", "in all"], rows)


def _everybody(house: House, names: Iterable[str], moment: int) -> Any:
    """These facts of all people but staff, by the shop's own types of customers."""
    from volano.flow.everybody import everybody
    from volano.flow.shop import lens_of

    with progress("looking at people") as move:
        return everybody(house, names, now=moment, lens=lens_of(house), progress=move)
