"""`volano lists`: ids, e-mail addresses or other texts that rules may name as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volano.cli.finishing import finish
from volano.cli.say import Home, Json, answer, answers, day, now, table
from volano.domain.saved_list import SavedList
from volano.errors import BadInput, NotFound
from volano.wiring import House, open_house, open_table, read_settings

ACTIONS = ("list", "add", "drop")


def lists(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS)}.")] = "list",
    key: Annotated[str, typer.Argument(help="The key by which rules name the list.")] = "",
    file: Annotated[str, typer.Argument(help="add: a file with the members, such as CSV.")] = "",
    column: Annotated[str, typer.Option("--column", help="add: the column that holds them.")] = "",
    name: Annotated[str, typer.Option("--name", help="add: what the list is called.")] = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The saved lists, which a rule names as {"email": {"$inGroup": "vip"}}.

    A list that is added again is replaced, and everybody is settled by it.

    Example: volano lists add vip customers.csv --column email --name "Our best customers"

    Example: volano lists drop vip
    """
    from volano.flow import lists as keeping
    from volano.flow.shop import shop_of

    if action not in ACTIONS:
        raise BadInput(f"{action!r} is nothing `volano lists` does: say one of {', '.join(ACTIONS)}")
    if action != "list" and not key:
        raise BadInput(f"`volano lists {action}` wants the key of a list after it, such as vip")
    house = open_house(read_settings(home=home), make=False)
    if action == "add":
        return _add(house, SavedList(key=key, name=name), file, column, as_json)
    if action == "drop":
        try:
            keeping.drop_list(house.state, house.profiles, key)
        except NotFound as error:
            raise BadInput(f"there is no list {key!r}; see `volano lists`") from error
        return answer({"dropped": key}, as_json, lambda: answers.print(f"{key} is no more.", markup=False))
    found = house.state.find(SavedList)
    return answer(found, as_json, lambda: _show(found, shop_of(house.state, house.settings).timezone))


def _add(house: House, kept: SavedList, file: str, column: str, as_json: bool) -> None:
    from volano.flow import lists as keeping

    if not file:
        raise BadInput(f"say which file holds the members: volano lists add {kept.key} customers.csv")
    values = keeping.column_of(open_table(Path(file), header=True), column)
    made = keeping.save_list(house.state, house.profiles, kept, values, now=now())
    finish(house)
    told = f"{made.name} ({made.key}): {made.members:,} members"
    answer(made, as_json, lambda: answers.print(told, markup=False))


def _show(found: list[SavedList], zone: str) -> None:
    rows = [[one.key, one.name, f"{one.members:,}", day(one.changed_at, zone)] for one in found]
    empty = "No list yet; bring one with `volano lists add vip customers.csv --column email`."
    table("Lists", ["key", "name", "members", "changed"], rows) if rows else answers.print(empty)
