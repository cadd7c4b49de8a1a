"""Saved lists: kept, read for the rules that name them, and dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from volano.domain.saved_list import Members, SavedList
from volano.errors import BadFile, BadInput
from volano.flow.asking import asking
from volano.flow.works import settling
from volano.ports import Profiles, State, TableFile
from volano.rules.lists import lists

MOST = 100_000  # members of a list
LONGEST = 500  # characters of one
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_READ_AT_ONCE = 50_000


def save_list(
    state: State, profiles: Profiles, kept: SavedList, values: Iterable[str], *, now: int
) -> SavedList:
    """Keep a list, or what is in it from now on; BadInput, in one sentence, if it cannot be."""
    if not _KEY.fullmatch(kept.key):
        raise BadInput(f"the key {kept.key!r} must be small letters, digits, - and _, at most 64")
    members = tuple(dict.fromkeys(one for value in values if (one := value.strip())))
    if not members:
        raise BadInput("the list would be empty; say which column holds its members with --column")
    if len(members) > MOST:
        raise BadInput(f"the list would have {len(members):,} members; at most {MOST:,} can be")
    if len(longest := max(members, key=len)) > LONGEST:
        raise BadInput(f"{longest[:40]!r}… is longer than {LONGEST} characters, which no member may be")
    before = next((one for one in state.find(SavedList) if one.key == kept.key), None)
    made = SavedList(
        key=kept.key,
        name=kept.name.strip() or (before.name if before else kept.key),
        members=len(members),
        round=before.round + 1 if before else 0,
        changed_at=now,
    )
    with profiles.turn():
        follows = _asked(state, made.key) is not None
        works = [settling(state, f"seeing who is in the list {made.name}", now=now)] if follows else []
        state.put(made, Members(key=made.key, values=members), *works)
    return made


def drop_list(state: State, profiles: Profiles, key: str) -> SavedList:
    """Forget a list; NotFound without it, BadInput if a rule names it."""
    kept = state.get(SavedList, key)
    needed = _asked(state, key)
    if needed:
        raise BadInput(f"the {needed[0]} {needed[1]!r} names the list {key!r}; change it first")
    with profiles.turn():
        state.drop(SavedList, key)
        state.drop(Members, key)
    return kept


def column_of(file: TableFile, column: str) -> list[str]:
    """The texts of a column of a file, without what is empty; BadInput if it has no such column."""
    found: list[str] = []
    names: list[str] = []
    for texts in file.chunks(_READ_AT_ONCE):
        names = list(dict.fromkeys([*names, *texts.table.column_names]))
        wanted = column or (names[0] if len(names) == 1 else "")
        if wanted in texts.table.column_names:
            found += [one for one in texts.table[wanted].to_pylist() if one]
        elif wanted not in names:
            there = ", ".join(names[:20])
            raise BadInput(f"say with --column which column of {file.name} holds the members: {there}")
        if len(found) > 10 * MOST:
            raise BadFile(
                f"{file.name} has more than {10 * MOST:,} rows; a list has {MOST:,} members at most"
            )
    return found


def _asked(state: State, key: str) -> tuple[str, str] | None:
    """What names the list: the word for it, and its key."""
    return next(((what, name) for what, name, rule in asking(state) if key in lists(rule)), None)
