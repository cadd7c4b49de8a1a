"""Servers of others in memory: they answer as they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from volano.domain.answer import Answer
from volano.errors import BadInput, Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What was posted where."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class MemoryOutside:
    """Keeps what is posted in `got`; `says` gives the status of an answer, 0 for a server that is away."""

    def __init__(self, says: Callable[[Posted], int] = lambda _: 204) -> None:
        self._says = says
        self.got: list[Posted] = []

    def check(self, url: str) -> str:
        """Takes https only."""
        if not url.strip().startswith("https://"):
            raise BadInput(f"{url[:200]!r} is not encrypted: give an address that begins with https://")
        return url.strip()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Keeps it, and answers."""
        posted = Posted(url=url, headers={name.lower(): value for name, value in headers.items()}, body=body)
        self.got.append(posted)
        status = self._says(posted)
        if not status:
            raise Unreachable(f"{url} cannot be reached")
        return Answer(status=status)
