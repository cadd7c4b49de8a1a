"""`volano sources`: where events come from, and the write keys they come with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from volano.cli.say import Home, Json, answer, answers, day, now, table
from volano.domain.account import Source
from volano.errors import BadInput
from volano.flow import sources as keeping
from volano.ports import State
from volano.wiring import open_state, read_settings

ACTIONS = ("list", "add", "rotate", "revoke", "change")


def sources(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS)}.")] = "list",
    which: Annotated[
        str, typer.Argument(help="The name of a new source; else the key of one, from `volano sources`.")
    ] = "",
    days: Annotated[
        float, typer.Option("--days", help="rotate: days for which the old key stays good.")
    ] = keeping.GRACE,
    name: Annotated[str | None, typer.Option("--name", help="change: what people call it.")] = None,
    origins: Annotated[
        str | None,
        typer.Option("--origins", help='add, change: origins whose pages may send; "": as in the settings.'),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The places events come from, and their write keys.

    A write key is shown once, when it is made: the home keeps its SHA-256. It is public and can only write.
    Days are by the shop's clock.

    Example: volano sources add "Web shop" --origins "https://shop.example https://www.shop.example"

    Example: volano sources rotate web --days 30
    """
    if action not in ACTIONS:
        raise BadInput(f"{action!r} is nothing `volano sources` does: say one of {', '.join(ACTIONS)}")
    if action != "list" and not which:
        raise BadInput(f"`volano sources {action}` wants {'a name' if action == 'add' else 'a key'} after it")
    state = open_state(read_settings(home=home), make=False)  # alone: a server may be busy with the rest
    if action == "list":
        found = state.find(Source)
        return answer([_told(source) for source in found], as_json, lambda: _show(found, zone_of(state)))
    if action == "add":
        return _tell_key(*keeping.make(state, which, now=now(), origins=origins or ""), as_json)
    if action == "rotate":
        return _tell_key(*keeping.rotate(state, which, now=now(), days=days), as_json)
    source = keeping.revoke(state, which, now=now()) if action == "revoke" else None
    return _tell(state, source or _changed(state, which, name, origins), as_json)


def _changed(state: State, key: str, name: str | None, origins: str | None) -> Source:
    source = keeping.source_of(state, key)
    if name is not None:
        source = keeping.rename(state, key, name)
    return source if origins is None else keeping.allow(state, key, origins)


def _told(source: Source) -> dict[str, Any]:
    """What may be shown of a source; the hashes of its keys are of no use to anybody."""
    return {
        "key": source.key,
        "name": source.name,
        "write_key_begins": source.keys[-1].shown if source.keys else "",
        "origins": source.origins.split(),
        "made_at": source.made_at,
        "rotated_at": source.rotated_at,
        "revoked_at": source.revoked_at,
    }


def _tell(state: State, source: Source, as_json: bool) -> None:
    answer(_told(source), as_json, lambda: _show([source], zone_of(state)))


def _tell_key(source: Source, key: str, as_json: bool) -> None:
    def show() -> None:
        answers.print(f"{source.name} ({source.key}) has a new write key:", markup=False)
        answers.print(f"  {key}", markup=False)
        answers.print("Keep it: it is not shown again. It is public and can only write.", markup=False)

    answer(_told(source) | {"write_key": key}, as_json, show)


def zone_of(state: State) -> str:
    """The time zone of the shop."""
    from volano.flow.shop import shop_of

    return shop_of(state, read_settings()).timezone


def _show(found: list[Source], zone: str) -> None:
    rows = [
        [
            source.key,
            source.name,
            source.shown,
            source.origins or "as in the settings",
            day(source.made_at, zone),
            day(source.rotated_at, zone),
            day(source.revoked_at, zone),
        ]
        for source in found
    ]
    table("Sources", ["key", "name", "write key", "pages of", "made", "rotated", "revoked"], rows)
