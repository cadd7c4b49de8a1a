"""What a rule may compare with: the constant of each operator, read once or refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from volano.errors import BadRule
from volano.rules.pattern import matcher
from volano.rules.version import version

MAX_DEPTH = 20
MAX_CONSTANTS = 1_000  # in one list
EXACT = 2**53  # whole numbers beyond it are not exact in JSON
TYPES = ("array", "boolean", "null", "number", "object", "string")

Scalar = str | int | float | bool | None


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """The object that stands there; BadRule if it is none."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise BadRule(f"{what} must be an object, not {short(value)}")
    return value


def members(name: str, wanted: Any) -> list[Any]:
    """The list that stands there; BadRule if it is none or too long."""
    if not isinstance(wanted, list | tuple):
        raise BadRule(f"{name} needs a list, not {short(wanted)}")
    if len(wanted) > MAX_CONSTANTS:
        raise BadRule(
            f"the list of {name} has {len(wanted):,} members; at most {MAX_CONSTANTS:,} are allowed"
        )
    return list(wanted)


def constant(name: str, wanted: Any, depth: int = 1) -> Any:
    """A JSON value to compare with."""
    if depth > MAX_DEPTH:
        raise BadRule(f"the constant of {name} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(wanted, Mapping):
        inside = mapping(wanted, "a constant")
        return {key: constant(name, each, depth + 1) for key, each in inside.items()}
    if isinstance(wanted, list | tuple):
        return [constant(name, each, depth + 1) for each in members(name, wanted)]
    return scalar(name, wanted)


def scalar(name: str, wanted: Any) -> Scalar:
    """A text, number, true, false or null."""
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        return wanted
    if not isinstance(wanted, int | float):
        raise BadRule(f"{name} cannot compare with {short(wanted)}")
    if abs(wanted) > EXACT or not isfinite(wanted):  # in this order: not every whole number has a float
        raise BadRule(f"{name} cannot compare with {short(wanted)}: numbers must be within ±2^53")
    return wanted


def text(name: str, wanted: Any) -> str:
    """A text."""
    if not isinstance(wanted, str):
        raise BadRule(f"{name} needs a text, not {short(wanted)}")
    return wanted


def short(value: Any) -> str:
    """The value as a message can hold it."""
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"


def _scalars(name: str, wanted: Any) -> tuple[Scalar, ...]:
    return tuple(scalar(name, each) for each in members(name, wanted))


def _folded(name: str, wanted: Any) -> tuple[Scalar, ...]:
    return tuple(each.lower() if isinstance(each, str) else each for each in _scalars(name, wanted))


def _ordered(name: str, wanted: Any) -> Scalar:
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        raise BadRule(f"{name} needs a number or a text, not {short(wanted)}")
    return scalar(name, wanted)


def _flag(name: str, wanted: Any) -> bool:
    if not isinstance(wanted, bool):
        raise BadRule(f"{name} needs true or false, not {short(wanted)}")
    return wanted


def _type(name: str, wanted: Any) -> str:
    if wanted not in TYPES:
        raise BadRule(f"{name} needs one of {', '.join(TYPES)}, not {short(wanted)}")
    return str(wanted)


def _version(name: str, wanted: Any) -> str:
    version(text(name, wanted))
    return str(wanted)


def _pattern(name: str, wanted: Any) -> str:
    matcher(text(name, wanted), ignoring_case=name == "$regexi")
    return str(wanted)


CONSTANTS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("$eq", "$ne"), constant),
    **dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), _ordered),
    **dict.fromkeys(("$in", "$nin", "$all"), _scalars),
    **dict.fromkeys(("$ini", "$nini", "$alli"), _folded),
    **dict.fromkeys(("$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"), _version),
    **dict.fromkeys(("$prefix", "$suffix", "$contains"), text),
    **dict.fromkeys(("$regex", "$regexi"), _pattern),
    "$exists": _flag,
    "$type": _type,
}
