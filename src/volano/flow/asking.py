"""What has a rule, and the saved lists that rules name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from volano.domain.campaign import WATCHED, Campaign
from volano.domain.saved_list import Members
from volano.domain.segment import Segment
from volano.errors import NotFound
from volano.ports import State
from volano.rules.lists import lists
from volano.rules.tree import Groups


def asking(state: State) -> Iterator[tuple[str, str, Any]]:
    """What has a rule: the word for it, its key, the rule; campaigns as long as anybody may see them."""
    yield from (("segment", one.key, one.rule) for one in state.find(Segment))
    yield from (("campaign", one.key, one.audience) for one in state.find(Campaign) if one.status in WATCHED)


def groups_of(state: State, rules: Iterable[Any]) -> Groups:
    """The members of the lists that rules name, by key, as far as these are there."""
    found: dict[str, tuple[str, ...]] = {}
    for key in {name for rule in rules for name in lists(rule)}:
        try:
            found[key] = state.get(Members, key).values
        except NotFound:
            continue  # who compiles the rules says so
    return found
