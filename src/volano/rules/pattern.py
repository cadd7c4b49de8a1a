"""Regular expressions that cannot run away: plain ones as searches for a text, the others by RE2."""

from __future__ import annotations

import re
from collections.abc import Callable

from volano.errors import BadRule

LONGEST = 500  # characters of a pattern
_MEMORY = 1 << 20  # bytes that a compiled pattern may take
_PLAIN = re.compile(r"(\^?)((?:[^\\^$.|?*+()\[\]{}]|\\[/.\-_?&=+])*)(\$?)")


def matcher(pattern: str, *, ignoring_case: bool = False) -> Callable[[str], bool]:
    """Whether a text holds the pattern, in time linear in the text; BadRule for what is not in RE2.

    >>> matcher("^/shoes/")("/shoes/red"), matcher("(mobile|tablet)", ignoring_case=True)("A Tablet")
    (True, True)
    """
    if len(pattern) > LONGEST:
        raise BadRule(f"a pattern has {len(pattern):,} characters; at most {LONGEST} are allowed")
    simple = None if ignoring_case else plain(pattern)
    if simple is None:
        return _by_re2(pattern, ignoring_case)
    wanted = simple[1]
    match simple[0]:
        case "eq":
            return lambda text: text == wanted
        case "prefix":
            return lambda text: text.startswith(wanted)
        case "suffix":
            return lambda text: text.endswith(wanted)
    return lambda text: wanted in text


def plain(pattern: str) -> tuple[str, str] | None:
    """The comparison and the text that say the same as a pattern without anything special in it.

    >>> plain("^/shoes"), plain(r"\\.html$"), plain("a.b")
    (('prefix', '/shoes'), ('suffix', '.html'), None)
    """
    found = _PLAIN.fullmatch(pattern)
    if found is None:
        return None
    names = {("^", "$"): "eq", ("^", ""): "prefix", ("", "$"): "suffix"}
    return names.get((found[1], found[3]), "contains"), re.sub(r"\\(.)", r"\1", found[2])


def _by_re2(pattern: str, ignoring_case: bool) -> Callable[[str], bool]:
    import re2

    options = re2.Options()
    options.case_sensitive = not ignoring_case
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        search = re2.compile(pattern, options).search
    except (re2.error, UnicodeError) as error:
        why = error.args[0]
        said = why.decode(errors="replace") if isinstance(why, bytes) else str(error)
        raise BadRule(
            f"the pattern {pattern!r} cannot be used ({said}); patterns are those of RE2, "
            "which has no look-around and no references back"
        ) from None

    def holds(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeError:  # a lone surrogate has no UTF-8
            return False

    return holds
