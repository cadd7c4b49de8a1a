"""`volano hooks`: other systems that are told who enters and leaves segments."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from volano.cli.say import Home, Json, answer, answers, day, minute, now, table
from volano.domain.hook import Hook, Said
from volano.errors import BadInput, Unreachable
from volano.flow import hooks as keeping
from volano.flow.calls import COUNTED, Seen, seen
from volano.wiring import House, open_house, read_settings

ACTIONS = ("list", "add", "test", "rotate", "again", "remove")


def hooks(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS)}.")] = "list",
    which: Annotated[
        str, typer.Argument(help="The address of a new web hook; else the key of one, from `volano hooks`.")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="add: what people call it (its host).")] = "",
    segments: Annotated[
        str,
        typer.Option("--segments", help="add: keys of the segments it is told of, with blanks; all of them."),
    ] = "",
    days: Annotated[
        float, typer.Option("--days", help="rotate: days for which the old secret signs, too.")
    ] = keeping.GRACE,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Other systems that are told who enters and leaves segments, by Standard Webhooks.

    The secret that signs the calls is shown once, when it is made. `test` calls a hook now and tells it of
    nobody; `again` switches it on and has the calls that were given up made. All calls are the server's.

    Example: volano hooks add https://crm.example/volano --name CRM --segments "lapsing cart-abandoners"

    Example: volano hooks test crm
    """
    if action not in ACTIONS:
        raise BadInput(f"{action!r} is nothing `volano hooks` does: say one of {', '.join(ACTIONS)}")
    if action != "list" and not which:
        wanted = "an address" if action == "add" else "a key"
        raise BadInput(f"`volano hooks {action}` wants {wanted} after it")
    house = open_house(read_settings(home=home), make=False)
    if action == "list":
        found = [seen(house.profiles, hook) for hook in house.state.find(Hook)]
        return answer([_told(one) for one in found], as_json, lambda: _show(found, _zone(house)))
    if action == "add":
        url = house.outside().check(which)
        made = keeping.make(house.state, house.profiles, url, name=name, segments=segments.split(), now=now())
        return _tell_secret(house, *made, as_json)
    if action == "rotate":
        return _tell_secret(house, *keeping.rotate(house.state, which, now=now(), days=days), as_json)
    return _did(house, action, which, as_json)


def _did(house: House, action: str, key: str, as_json: bool) -> None:
    if action == "test":
        return _tell_test(
            keeping.try_out(house.outside(), keeping.hook_of(house.state, key), clock=now), as_json
        )
    if action == "again":
        count = keeping.again(house.state, house.profiles, key, now=now())
        told = f"{key} is called again; of the calls that were given up {count:,} wait anew."
    else:
        count = 0
        told = f"{keeping.remove(house.state, key, now=now()).name} is told nothing more."
    answer({"hook": key, "calls": count}, as_json, lambda: answers.print(told, markup=False))
    return None


def _tell_test(said: Said, as_json: bool) -> None:
    if not said.ok:
        raise Unreachable(f"the call was not taken: {said.words}")
    answer({"status": said.status}, as_json, lambda: answers.print(f"Taken: {said.words}.", markup=False))


def _told(one: Seen) -> dict[str, Any]:
    """What may be shown of a hook; its secrets are nobody's but its own."""
    hook, standing = one.hook, one.standing
    return {
        "key": hook.key,
        "name": hook.name,
        "url": hook.url,
        "segments": list(hook.segments),
        "made_at": hook.made_at,
        "rotated_at": hook.rotated_at,
        "off_at": hook.off_at,
        "delivered": standing.delivered,
        "waiting": one.waiting,
        "waiting_since": one.oldest,
        "dead": one.dead,
        "failing_since": standing.failing_since,
        "last": [{"at": said.at, "status": said.status, "words": said.words} for said in standing.last],
    }


def _tell_secret(house: House, hook: Hook, secret: str, as_json: bool) -> None:
    def show() -> None:
        answers.print(f"{hook.name} ({hook.key}) has a new secret:", markup=False)
        answers.print(f"  {secret}", markup=False)
        answers.print("Give it to the other system: it is not shown again.", markup=False)

    answer(_told(seen(house.profiles, hook)) | {"secret": secret}, as_json, show)


def _zone(house: House) -> str:
    from volano.flow.shop import shop_of

    return shop_of(house.state, house.settings).timezone


def _show(found: list[Seen], zone: str) -> None:
    rows = [
        [
            one.hook.key,
            one.hook.url,
            " ".join(one.hook.segments) or "all segments",
            _many(one.standing.delivered),
            _many(one.waiting),
            minute(one.oldest, zone),
            _many(one.dead),
            "off since " + day(one.hook.off_at, zone)
            if one.hook.off_at
            else one.standing.last[0].words
            if one.standing.last
            else "",
        ]
        for one in found
    ]
    columns = ["key", "address", "told of", "delivered", "waiting", "since", "given up", "last"]
    table("Web hooks", columns, rows)


def _many(number: int) -> str:
    return f"{number:,}{'+' if number == COUNTED else ''}"
