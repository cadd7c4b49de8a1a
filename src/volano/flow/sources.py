"""The places events come from, and their write keys."""

from __future__ import annotations

from secrets import token_urlsafe

from volano.domain.account import Source
from volano.ports import State


def first_source(state: State, *, now: int) -> Source:
    """The source every new home begins with, made when it is missing."""
    known = state.find(Source)
    if known:
        return known[0]
    source = Source(key="web", name="Shop", write_key=f"wk_{token_urlsafe(12)}", made_at=now)
    state.put(source)
    return source
