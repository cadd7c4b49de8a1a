"""What somebody else's server said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status of an answer, the first bytes of its body, and what it says of when to come again."""

    status: int
    body: bytes = b""
    retry_after: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was taken.

        >>> Answer(status=204).ok, Answer(status=302).ok
        (True, False)
        """
        return 200 <= self.status < 300
