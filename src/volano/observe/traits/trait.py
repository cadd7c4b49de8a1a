"""What a group of traits is made of: how it is tallied, added, and told as facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from volano.domain.profile import Profile
from volano.observe.traits.history import History
from volano.rules.change import Timed

Kind = Literal["number", "money", "text", "list", "flag", "time"]
Privacy = Literal["none", "indirect", "direct"]  # what it tells of who somebody is

Columns = Mapping[str, Sequence[Any]]  # by field of Profile: the values of all people of a history
DAY = 86_400_000_000  # µs


@dataclass(frozen=True, slots=True)
class Field:
    """One fact as rules and the console see it.

    `timed`: it grows with time, see `rules.change.Timed`; `broken`: a number that is not always whole.
    """

    label: str
    kind: Kind
    meaning: str
    pii: Privacy = "none"
    timed: Timed | None = None
    group: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A group of traits.

    `tally` gives some fields of the profiles of a history, `joined` those of two profiles added; `facts`
    puts what is known into a dictionary (`now` in UTC µs), what is missing it leaves out. `columns` are
    those of the events (and decisions) that `tally` looks at.
    """

    name: str
    columns: tuple[str, ...] = ()
    tally: Callable[[History], Columns] = lambda _: {}
    joined: Callable[[Profile, Profile], dict[str, Any]]
    facts: Callable[[Profile, int, dict[str, Any]], None] = lambda *_: None
    fields: Mapping[str, Field] = field(default_factory=dict)


def days_since(label: str, anchor: str, meaning: str) -> Field:
    """A number of whole days since the moment in the fact `anchor`."""
    return Field(label, "number", meaning, timed=Timed(DAY, anchor))
