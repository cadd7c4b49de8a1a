"""Commands that look after a home: password, doctor, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volano.cli.doctor import Finding, examine
from volano.cli.say import Home, Json, answer, answers, now, progress, words
from volano.errors import BadInput
from volano.wiring import open_house, read_settings
from volano.wiring.backups import backup_home, restore_home


def password(
    generate: Annotated[bool, typer.Option("--generate", help="Make one up and print it.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Set a new password for the console; everybody is signed out.

    Example: volano password --generate
    """
    from secrets import token_urlsafe

    from volano.web.login import set_password

    house = open_house(read_settings(home=home))
    chosen = (
        token_urlsafe(12) if generate or as_json else typer.prompt("New password", hide_input=True, err=True)
    )
    if not (generate or as_json) and typer.prompt("Once more", hide_input=True, err=True) != chosen:
        raise BadInput("the two passwords differ; nothing was changed")
    set_password(house.state, chosen, now=now())
    value = {"user": "owner", "password": chosen if generate or as_json else None}
    said = f"The password is {chosen}" if generate else "The password is changed."
    answer(value, as_json, lambda: answers.print(said, markup=False))


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Say what is wrong with a home and how to mend it.

    Example: volano doctor --home ./shop
    """
    found = examine(read_settings(home=home), now=now())
    answer(found, as_json, lambda: _show(found))
    if any(finding.state == "bad" for finding in found):
        raise typer.Exit(2)


def _show(found: list[Finding]) -> None:
    signs = {"good": "✓", "warn": "!", "bad": "✗"}
    for finding in found:
        answers.print(f"{signs[finding.state]} {finding.what}: {finding.says}", markup=False)
        if finding.mend:
            answers.print(f"  → {finding.mend}", markup=False)


def backup(
    to: Annotated[str, typer.Argument(help="File to write, such as shop.tar.gz.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write everything a home knows to one file; the server may run on.

    Example: volano backup shop.tar.gz
    """
    target = Path(to)
    if target.exists():
        raise BadInput(f"{target} is there already; choose another name or remove it")
    with progress("backing up") as move:
        files = backup_home(read_settings(home=home), target, move, now=now())
    value = {"file": str(target), "files": files, "bytes": target.stat().st_size}
    answer(value, as_json, lambda: words.print(f"{files} files are in {target}", markup=False))


def restore(
    file: Annotated[str, typer.Argument(help="A file that `volano backup` wrote.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a home from a backup; the directory must be new or empty.

    Example: volano restore shop.tar.gz --home ./shop-again
    """
    with progress("restoring") as move:
        found = restore_home(read_settings(home=home), Path(file), move)
    settings = read_settings(home=home)
    value = {"home": str(Path(settings.home).resolve()), "files": found.files, "warning": found.warning}
    answer(value, as_json, lambda: words.print(f"{found.files} files are in {value['home']}", markup=False))
    if found.warning:
        words.print(f"! {found.warning}", markup=False)
