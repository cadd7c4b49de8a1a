"""`volano demo`: a simulated shop whose truth is known, live in the console or one turn as JSON."""

from __future__ import annotations

import shutil
import tempfile
from multiprocessing import get_context
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, Any

import msgspec
import typer

from volano.cli.listening import run
from volano.cli.say import Home, Json, answer, answers, now, one_of, words
from volano.cli.serve import Host, Port, address_of, listen, locked
from volano.domain.durations import DAY
from volano.domain.leak import slice_name
from volano.errors import BadInput
from volano.settings import Settings
from volano.wiring import open_house, read_settings
from volano.world.spec import WorldSpec

LIVE_DAYS = 120  # 28 of history, the rest live: about six minutes at the usual pace
TURN_DAYS = 60
MONDAY = 1_767_571_200_000_000  # 2026-01-05: a turn gives the same numbers whenever it is made
_IN_HOME = ""  # the state of a demo is with it, whatever VOLANO_STATE says of the real one
_MARK = "demo"  # a home with this file is a demo's, and may be begun anew


def demo(
    people: Annotated[
        int, typer.Option("--people", min=200, max=2_000_000, help="How many shoppers.")
    ] = 14_000,
    days: Annotated[
        int | None, typer.Option("--days", min=4, max=400, help="Days (live 120, else 60).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of all chance.")] = 7,
    truth: Annotated[
        str, typer.Option("--truth", help="planted, or none: a shop without a leak.")
    ] = "planted",
    effects: Annotated[str, typer.Option("--effects", help="true, or none: every idea is inert.")] = "true",
    live: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Watch live, or turn the wheel once.")
    ] = True,
    pace: Annotated[float, typer.Option("--pace", min=0, help="Seconds a simulated day takes.")] = 4.0,
    host: Host = None,
    port: Port = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Watch the wheel turn on a simulated shop whose truth is known.

    Example: volano demo --people 20000 --days 60 --seed 7 --no-serve --json
    """
    one_of("--truth", truth, ("planted", "none"))
    one_of("--effects", effects, ("true", "none"))
    length = days or (LIVE_DAYS if live else TURN_DAYS)
    start = now() // DAY * DAY - length * DAY if live else MONDAY
    spec = WorldSpec(people=people, days=length, seed=seed, start=start, truth=truth, effects=effects)
    if live:
        _live(spec, pace, read_settings(home=home, host=host, port=port, state=_IN_HOME), as_json)
    else:
        _turn(spec, home, as_json)


def _turn(spec: WorldSpec, home: str | None, as_json: bool) -> None:
    """One turn in bulk, in a home that goes away unless one was named."""
    from volano.cli.turn import turn_once

    with tempfile.TemporaryDirectory(prefix="volano-demo-") as passing:
        settings = read_settings(home=home or passing, state=_IN_HOME)
        with locked(Path(settings.home).resolve()):
            _begin_anew(settings)
            found = turn_once(open_house(settings), spec)
    answer(found, as_json, lambda: _show(msgspec.to_builtins(found)))


def _live(spec: WorldSpec, pace: float, settings: Settings, as_json: bool) -> None:
    """History in bulk, then the server with the shop talking to it."""
    from volano.cli.turn import HISTORY_DAYS, bring
    from volano.flow.ingest import rebuild_profiles
    from volano.flow.knowledge import knowledge
    from volano.flow.segments import plant
    from volano.flow.sources import make
    from volano.web.app import create_app
    from volano.web.demo_shop import with_shop
    from volano.web.login import set_password
    from volano.world.live import feed
    from volano.world.run import World

    listener = listen(settings.host, settings.port)
    address = address_of(listener)
    with locked(Path(settings.home).resolve()):
        _begin_anew(settings)
        house = open_house(settings)
        _, key = make(house.state, "Shop", key="web", now=now())
        plant(house.state, now=now())
        password = token_urlsafe(9)
        set_password(house.state, password, now=now())
        world = World(spec)
        before = min(HISTORY_DAYS, spec.days // 2)
        bring(house, world, 0, before)
        rebuild_profiles(house.lake, house.profiles, now=now(), by=knowledge(house.state, settings))
        shop = get_context("spawn").Process(
            target=feed, args=(spec, before, address, key, pace), name="demo-shop", daemon=True
        )
        note = {"address": address, "password": password, "shop": f"{address}/demo-shop", "write_key": key}

        def started() -> None:
            _greet(note, as_json)
            shop.start()

        run(with_shop(create_app(house), key), [listener], started)
        shop.terminate()


def _greet(note: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(note).decode(), flush=True)  # noqa: T201  the answer itself
        return
    words.print(f"The console is at {note['address']} · password {note['password']}", markup=False)
    words.print(f"The shop's own page is at {note['shop']} · stop with Ctrl-C", markup=False)


def _begin_anew(settings: Settings) -> None:
    """Empty the home of an earlier demo; BadInput if it holds anything else."""
    home = Path(settings.home).resolve()
    things = [path for path in home.iterdir() if path.name != "server.lock"]
    if things and not (home / _MARK).exists():
        raise BadInput(f"{home} holds data of your own; give the demo another directory with --home")
    brought = _own_imports(settings) if things else []
    if brought:
        raise BadInput(f"{home} holds imports of your own ({brought[0]}); give the demo another --home")
    for path in things:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (home / _MARK).touch()


def _own_imports(settings: Settings) -> list[str]:
    """Files that a person brought into the home of an earlier demo."""
    from volano.domain.account import Import
    from volano.wiring import open_state

    entries = open_state(settings).find(Import)
    return [entry.file for entry in entries if not entry.file.startswith("world-") and not entry.undone_at]


def _show(found: dict[str, Any]) -> None:
    answers.print("Truth, and what was found:", markup=False)
    for leak in found["truth"]["leaks"]:
        lost = leak["lost_orders_per_week"]
        answers.print(f"  planted {slice_name(leak['slice'])} at {leak['step']}: {lost:.1f} orders a week")
    for leak in found["leaks"]:
        lost = leak["lost_orders_per_week"]
        answers.print(f"  found   {slice_name(leak['slice'])} at {leak['step']}: {lost:.1f} orders a week")
    campaign, verdict = found["campaign"], found["verdict"]
    answers.print(f"Tried: {campaign['name'] if campaign else 'nothing, for there is no leak'}", markup=False)
    if verdict:
        answers.print(f"Verdict: {verdict['sentence']}", markup=False)
    for place, idea in enumerate(found["next_ranking"][:5], 1):
        answers.print(f"Next {place}. {idea['title']} ({idea['score']:,.1f}, {idea['status']})", markup=False)
