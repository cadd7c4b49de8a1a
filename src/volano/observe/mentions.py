"""Whether a text that was kept as it came names somebody."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile(r"[\s\"',:;{}\[\]\\]+")
_CUT = 6  # characters from which on the end of a cut text may be the beginning of an id


class Mentions:
    """Looks for ids in texts: as words of their own, or cut off where the text was cut.

    >>> mentions = Mentions(["ann@shop.example", "42"])
    >>> mentions.within('{"userId":"42"}'), mentions.within('{"price":142}'), mentions.within('{"to":"ann@sh')
    (True, False, True)
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = {one for one in ids if one}
        self._wordy = [one for one in self._ids if _BETWEEN.search(one)]

    def within(self, text: str) -> bool:
        """Whether one of the ids stands in the text."""
        words = _BETWEEN.split(text)
        if not self._ids.isdisjoint(words) or any(one in text for one in self._wordy):
            return True
        last = words[-1]
        return len(last) >= _CUT and any(one.startswith(last) for one in self._ids)
