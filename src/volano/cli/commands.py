"""Which commands there are, in the order in which help shows them."""

from __future__ import annotations

import typer

from volano.cli import (
    bring,
    campaigns,
    demo,
    hooks,
    house,
    keys,
    lists,
    loop,
    people,
    segments,
    serve,
    sources,
    sql,
)


def register(app: typer.Typer) -> None:
    """Hang every command on the app."""
    app.command("demo")(demo.demo)
    app.command("serve")(serve.serve)
    app.command("sources")(sources.sources)
    app.command("keys")(keys.keys)
    app.command("hooks")(hooks.hooks)
    app.command("import")(bring.bring)
    app.command("people")(people.people)
    app.command("segment")(segments.segment)
    app.command("segments")(segments.segments)
    app.command("lists")(lists.lists)
    app.command("journey")(loop.journey)
    app.command("leaks")(loop.leaks)
    app.command("ideas")(loop.ideas)
    app.command("launch")(campaigns.launch)
    app.command("stop")(campaigns.stop)
    app.command("ship")(campaigns.ship)
    app.command("results")(loop.results)
    app.command("round")(loop.round_)
    app.command("password")(house.password)
    app.command("doctor")(house.doctor)
    app.command("backup")(house.backup)
    app.command("restore")(house.restore)
    app.command("sql")(sql.sql)
