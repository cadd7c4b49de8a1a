"""Every command of `volano`, by its word."""

from __future__ import annotations

import click
import typer.main

from volano.cli import app, commands


def the_commands() -> dict[str, click.Command]:
    if not app.registered_commands:
        commands.register(app)
    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    found: dict[str, click.Command] = group.commands
    return found
