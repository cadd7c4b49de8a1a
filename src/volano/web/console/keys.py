"""Secret keys: which other programs may read and forget people."""

from __future__ import annotations

from collections.abc import Mapping

from volano.domain.account import SCOPES, SecretKey
from volano.errors import BadInput
from volano.flow import secret_keys as flow
from volano.web.pages import Ask, Desk, Page, Route, address, back, form, page

HERE = "/settings/keys"
_SCOPE = "scope."  # begins the names of the boxes to tick


def keys(request: Ask, desk: Desk) -> Page:
    """All keys with what they are good for and when they were last used."""
    return _list(request, desk)


def _list(
    request: Ask, desk: Desk, *, status: int = 200, problem: str = "", typed: Mapping[str, str] | None = None
) -> Page:
    state = desk.house.state
    found = sorted(state.find(SecretKey), key=lambda key: (key.revoked_at > 0, key.made_at))
    return page(
        request,
        desk,
        "keys.html",
        status=status,
        problem=problem,
        typed=typed or {},
        keys=found,
        uses=flow.last_uses(state),
        scopes=SCOPES,
    )


def add(request: Ask, desk: Desk) -> Page:
    """A new key; its secret is shown this once."""
    house, sent = desk.house, form(request)
    wanted = [name.removeprefix(_SCOPE) for name in sent if name.startswith(_SCOPE)]
    try:
        days = _days(sent.get("days", ""))
        name, now = sent.get("name", ""), desk.clock()
        made, secret = flow.make(house.state, house.pepper, name, wanted, now=now, days=days)
    except BadInput as error:
        return _list(request, desk, status=422, problem=error.message, typed=sent)
    here = address(request)
    return page(request, desk, "key.html", key=made, secret=secret, scopes=SCOPES, address=here)


def _days(text: str) -> float | None:
    """For how many days a key is good, if that is said."""
    if not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError as error:
        raise BadInput(f"the days are {text[:40]!r}; they must be a number, or empty for no end") from error


def revoke(request: Ask, desk: Desk) -> Page:
    """Refuse what comes with a key."""
    key = form(request).get("key", "")
    flow.revoke(desk.house.state, key, now=desk.clock())
    return back(HERE, "key-revoked", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Take a revocation back."""
    flow.reinstate(desk.house.state, form(request).get("key", ""))
    return back(HERE, "key-reinstated")


ROUTES = [
    Route("GET", HERE, keys),
    Route("POST", f"{HERE}/add", add),
    Route("POST", f"{HERE}/revoke", revoke),
    Route("POST", f"{HERE}/reinstate", restore),
]
