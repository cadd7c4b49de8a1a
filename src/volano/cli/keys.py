"""`volano keys`: secret keys, with which other programs read and forget people."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from volano.cli.say import Home, Json, answer, answers, day, minute, now, table
from volano.cli.sources import zone_of
from volano.domain.account import SCOPES, SecretKey
from volano.errors import BadInput
from volano.flow import secret_keys as keeping
from volano.wiring import open_pepper, open_state, read_settings

ACTIONS = ("list", "add", "revoke")


def keys(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS)}.")] = "list",
    which: Annotated[
        str, typer.Argument(help="Who will use a new key; else a key as `volano keys` lists it.")
    ] = "",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"add: what it is good for, may be repeated: {', '.join(SCOPES)}."),
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", help="add: days after which it is refused (default: never).")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The secret keys with which other programs read people and segments, or forget people.

    A secret is shown once, when it is made: the home keeps an HMAC of it. It belongs on servers only. Days
    are by the shop's clock.

    Example: volano keys add CRM --scope people:read --scope segments:read --days 365

    Example: volano keys revoke crm
    """
    if action not in ACTIONS:
        raise BadInput(f"{action!r} is nothing `volano keys` does: say one of {', '.join(ACTIONS)}")
    if action != "list" and not which:
        raise BadInput(f"`volano keys {action}` wants {'a name' if action == 'add' else 'a key'} after it")
    settings = read_settings(home=home)
    state = open_state(settings, make=False)
    zone = zone_of(state)
    if action == "add":
        pepper = open_pepper(settings)
        made, secret = keeping.make(state, pepper, which, scopes or [], now=now(), days=days)
        return _tell_secret(made, secret, as_json)
    uses = keeping.last_uses(state)
    if action == "list":
        found = state.find(SecretKey)
        return answer([_told(one, uses) for one in found], as_json, lambda: _show(found, uses, zone))
    gone = keeping.revoke(state, which, now=now())
    return answer(_told(gone, uses), as_json, lambda: _show([gone], uses, zone))


def _told(key: SecretKey, uses: dict[str, int]) -> dict[str, Any]:
    """What may be shown of a key; its digest is of no use to anybody."""
    return {
        "key": key.key,
        "name": key.name,
        "secret_begins": key.shown,
        "scopes": key.scopes,
        "made_at": key.made_at,
        "good_until": key.good_until,
        "revoked_at": key.revoked_at,
        "last_used_at": uses.get(key.key, 0),
    }


def _tell_secret(key: SecretKey, secret: str, as_json: bool) -> None:
    def show() -> None:
        answers.print(f"{key.name} ({key.key}) has a secret key:", markup=False)
        answers.print(f"  {secret}", markup=False)
        told = ", ".join(SCOPES[one] for one in key.scopes)
        answers.print(f"It can {told}. Keep it safe: it is not shown again.", markup=False)

    answer(_told(key, {}) | {"secret": secret}, as_json, show)


def _show(found: list[SecretKey], uses: dict[str, int], zone: str) -> None:
    rows = [
        [
            one.key,
            one.name,
            f"{one.shown}…",
            " ".join(one.scopes),
            day(one.made_at, zone),
            minute(uses.get(one.key, 0), zone),
            day(one.good_until, zone),
            day(one.revoked_at, zone),
        ]
        for one in found
    ]
    columns = ["key", "name", "secret", "scopes", "made", "last used", "good until", "revoked"]
    table("Secret keys", columns, rows)
