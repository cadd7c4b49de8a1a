"""A visit: when it is over, and the words that stand where it tells nothing."""

from __future__ import annotations

from volano.domain.durations import MINUTE

GAP = 30 * MINUTE  # without an event
DIRECT, NONE, UNKNOWN, UNSET = "(direct)", "(none)", "(unknown)", "(not set)"


def came_from(source: str | None, medium: str | None) -> str:
    """Where a visit came from, as analyses and rules call it.

    >>> came_from("google", "cpc"), came_from("partner", None), came_from(None, None)
    ('google / cpc', 'partner / (none)', '(direct) / (none)')
    """
    return f"{source or DIRECT} / {medium or NONE}"
