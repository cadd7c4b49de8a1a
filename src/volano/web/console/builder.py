"""A rule as rows of a form, and back: so that nobody has to write JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from volano.web.console.row import Row, Words
from volano.web.console.row_known import trait, trait_row
from volano.web.console.row_past import did, did_row, sequence, sequence_row

MOST = 30  # rows of one form
_PARTS = {"trait": trait, "did": did, "sequence": sequence}


def rule_of(rows: Iterable[Row], words: Words, *, any_of: bool = False) -> dict[str, Any]:
    """The rule that the rows mean; BadInput names the row that is not complete.

    >>> rule_of([Row(kind="trait", field="orders", value="4")], Words(kinds={"orders": "number"}))
    {'$and': [{'orders': {'$gte': 4}}]}
    """
    parts = [_PARTS[row.kind](row, words) for row in rows]
    if not parts:
        return {}
    return {"$or" if any_of else "$and": parts}


def rows_of(rule: Mapping[str, Any], words: Words) -> tuple[list[Row], bool] | None:
    """The rows of a rule and whether any of them is enough; None when it is more than a form can say.

    >>> rows_of({"orders": {"$gte": 2, "$lt": 9}}, Words(kinds={"orders": "text"})) is None
    True
    """
    if not rule:
        return [], False
    joint = next(iter(rule))
    if len(rule) == 1 and joint in ("$and", "$or") and isinstance(rule[joint], list):
        parts, any_of = rule[joint], joint == "$or"
    else:
        parts, any_of = [{name: wanted} for name, wanted in rule.items()], False
    if not any_of:
        parts = [single for part in parts for single in _singles(part)]
    rows = [_row(part, words) for part in parts]
    known = [row for row in rows if row is not None]
    return (known, any_of) if len(known) == len(rows) <= MOST else None


def _singles(part: Any) -> list[Any]:
    """A part with several comparisons as one part for each."""
    if not isinstance(part, Mapping) or len(part) != 1:
        return [part]
    name, wanted = next(iter(part.items()))
    if name.startswith("$") or not isinstance(wanted, Mapping):
        return [part]
    return [{name: {operator: value}} for operator, value in wanted.items()] or [part]


def rows_sent(form: Mapping[str, str]) -> list[Row]:
    """The rows of a form whose fields are `<number>.<name>`, in order, without those taken away."""
    numbers = sorted(
        {int(name.partition(".")[0]) for name in form if name.partition(".")[0].isdecimal() and "." in name}
    )
    rows = []
    for number in numbers[:MOST]:
        said = {
            name: form[f"{number}.{name}"].strip()
            for name in Row.__slots__
            if name != "kind" and f"{number}.{name}" in form
        }
        kind = form.get(f"{number}.kind", "")
        if kind in _PARTS and f"{number}.drop" not in form:
            rows.append(Row(kind=kind, **said))  # type: ignore[arg-type]
    return rows


def _row(part: Any, words: Words) -> Row | None:
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    name, wanted = next(iter(part.items()))
    if name in ("$did", "$didNot"):
        return did_row(wanted, words, happened=name == "$did")
    if name == "$sequence":
        return sequence_row(wanted, words)
    return None if name.startswith("$") else trait_row(name, wanted, words)
