"""Rules as one function of one person's facts, written as straight-line Python.

Each field is looked up once for all rules. Fields, constants and the functions for rarer tests are bound as
arguments: the text that is compiled holds only words and names made up here, nothing from a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from volano.rules.check import KINDS, LIST, NUMBER, TEXT, check, found_at, same
from volano.rules.nodes import At, Chain, Compare, Did, Every, Not, Some, Test
from volano.rules.past import past
from volano.rules.pattern import plain
from volano.rules.tree import Groups, parse

NOW, DONE = "$now", "$done"  # names under which facts carry the moment (UTC µs) and the past (`past.Done`)
_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Facts = Mapping[str, Any]


def compile_one(rule: Any, groups: Groups | None = None) -> Callable[[Facts], bool]:
    """The rule as a function; BadRule if it is not in the language.

    A dotted field is looked up as it stands first, then step by step in nested objects. Tests on the past
    need `$now` and `$done` among the facts; without them nothing was done.

    >>> ordered_twice = compile_one({"orders": {"$gte": 2}, "source": {"$prefix": "insta"}})
    >>> ordered_twice({"orders": 3, "source": "instagram / social"}), ordered_twice({"orders": "3"})
    (True, False)
    """
    writer = _Writer()
    found: Callable[[Facts], bool] = writer.function([f"return {writer.facts(parse(rule, groups))}"])
    return found


def compile_many(rules: Mapping[str, Any], groups: Groups | None = None) -> Callable[[Facts], list[str]]:
    """All rules as one function that names those that hold, in their order; BadRule as above.

    >>> which = compile_many({"again": {"orders": {"$gte": 2}}, "mail": {"source": "mail"}, "all": {}})
    >>> which({"orders": 2, "source": "google"})
    ['again', 'all']
    """
    return compile_trees({key: parse(rule, groups) for key, rule in rules.items()})


def compile_trees(trees: Mapping[str, Test]) -> Callable[[Facts], list[str]]:
    """The same for rules that are read already."""
    writer = _Writer()
    lines = ["found = []", "add = found.append"]
    for key, tree in trees.items():
        lines.append(f"if {writer.facts(tree)}: add({writer.bound(key)})")
    found: Callable[[Facts], list[str]] = writer.function([*lines, "return found"])
    return found


class _Writer:
    """Writes tests as Python expressions, and remembers what their names stand for."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"kinds": KINDS, "same": same, "found_at": found_at, "texts": _texts}
        self.fields: dict[str, int] = {}
        self.kinds: dict[int, set[int]] = {}
        self.listed: set[int] = set()
        self.known: dict[tuple[type, Any], str] = {}
        self.past = False

    def bound(self, value: Any) -> str:
        """A name for a value; equal texts, numbers and sets share theirs."""
        shared = isinstance(value, str | int | float | frozenset)
        name = self.known.get((type(value), value)) if shared else None
        if name is None:
            name = f"c{len(self.names)}"
            self.names[name] = value
            if shared:
                self.known[type(value), value] = name
        return name

    def function(self, lines: list[str]) -> Any:
        """The function whose last lines these are."""
        body = ["get = facts.get"]
        for field, number in self.fields.items():
            known = self.bound(field)
            path = field.split(".")
            looked = f"get({known})" if len(path) == 1 else f"found_at(facts, {known}, {self.bound(path)})"
            body.append(f"f{number} = {looked}")
            if number in self.kinds:
                body.append(f"kind = kinds[type(f{number})]")
                body += [f"is{number}_{kind} = kind == {kind}" for kind in sorted(self.kinds[number])]
            if number in self.listed:
                body.append(f"s{number} = texts(f{number}) if is{number}_{LIST} else None")
        if self.past:
            body.append(f"now, done = get({self.bound(NOW)}, 0), get({self.bound(DONE)}) or {{}}")
        inside = "\n".join(f"        {line}" for line in [*body, *lines])
        source = f"def bind({', '.join(self.names)}):\n    def rule(facts):\n{inside}\n    return rule"
        space: dict[str, Any] = {}
        exec(compile(source, "<rules>", "exec"), space)
        return space["bind"](**self.names)

    def facts(self, test: Test) -> str:
        """A test on facts."""
        match test:
            case At(field, part):
                return self._value(part, self.fields.setdefault(field, len(self.fields)))
            case Did() | Chain():
                self.past = True
                return f"{self.bound(past(test))}(done, now)"
        return self._joined(test, self.facts)

    def _value(self, test: Test, at: int) -> str:
        """A test on the value of a field."""
        match test:
            case Compare(name, constant):
                return self._compare(name, constant, at)
            case Every() | Some() | Not():
                return self._joined(test, lambda part: self._value(part, at))
        return f"{self.bound(check(test))}(f{at})"

    def _joined(self, test: Test, write: Callable[[Test], str]) -> str:
        match test:
            case Every(parts):
                return f"({' and '.join(map(write, parts))})" if parts else "True"
            case Some(parts):
                return f"({' or '.join(map(write, parts))})" if parts else "False"
            case Not(part):
                return f"(not {write(part)})"
        raise AssertionError(f"{test} stands outside a field")  # the parser makes no such trees

    def _compare(self, name: str, constant: Any, at: int) -> str:  # noqa: PLR0911  one arm an operator
        match name:
            case "eq" | "ne":
                equal = self._equal(constant, at)
                return equal if name == "eq" else f"(not {equal})"
            case "gt" | "gte" | "lt" | "lte":
                kind = KINDS[type(constant)]
                return f"({self._is(kind, at)} and f{at} {_ORDER[name]} {self.bound(constant)})"
            case "exists":
                return f"(f{at} is not None)" if constant else f"(f{at} is None)"
            case "prefix" | "suffix":
                method = "startswith" if name == "prefix" else "endswith"
                return f"({self._is(TEXT, at)} and f{at}.{method}({self.bound(constant)}))"
            case "contains":
                return f"({self._is(TEXT, at)} and {self.bound(constant)} in f{at})"
            case "regex" if (simple := plain(constant)) is not None:
                return self._compare(*simple, at)
            case "in" | "nin" if constant and all(isinstance(each, str) for each in constant):
                among = self._among(constant, at)
                return among if name == "in" else f"(not {among})"
        return f"{self.bound(check(Compare(name, constant)))}(f{at})"

    def _equal(self, constant: Any, at: int) -> str:
        if constant is None or isinstance(constant, bool):
            return f"(f{at} is {constant})"
        if isinstance(constant, str):
            return f"(f{at} == {self.bound(constant)})"
        if isinstance(constant, int | float):
            return f"({self._is(NUMBER, at)} and f{at} == {self.bound(constant)})"
        return f"same(f{at}, {self.bound(constant)})"

    def _among(self, constants: tuple[str, ...], at: int) -> str:
        self.listed.add(at)
        known = self.bound(frozenset(constants))
        alone = f"f{at} in {known}"
        listed = f"{self._is(LIST, at)} and not {known}.isdisjoint(s{at})"
        return f"({alone} if {self._is(TEXT, at)} else {listed})"

    def _is(self, kind: int, at: int) -> str:
        self.kinds.setdefault(at, set()).add(kind)
        return f"is{at}_{kind}"


def _texts(values: Iterable[Any]) -> set[str]:
    return {each for each in values if isinstance(each, str)}
