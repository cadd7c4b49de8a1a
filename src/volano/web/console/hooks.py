"""Web hooks: other systems that are told who enters and leaves segments, and how it goes with them."""

from __future__ import annotations

from volano.domain.hook import Hook, Said
from volano.domain.segment import Segment
from volano.errors import BadInput
from volano.flow import hooks as flow
from volano.flow.calls import COUNTED, seen
from volano.web.pages import Ask, Desk, Page, Route, back, form, page

_AT = "/settings/hooks"
_CHOSEN = "in."  # begins the name of the field of a segment


def hooks(request: Ask, desk: Desk) -> Page:
    """All of them."""
    return _list(request, desk)


def _list(
    request: Ask,
    desk: Desk,
    *,
    status: int = 200,
    problem: str = "",
    tried: tuple[str, Said] | None = None,
) -> Page:
    """The page; `tried` is the key of a hook that was called just now, and what it said."""
    state, sent = desk.house.state, form(request) if request.method == "POST" else {}
    return page(
        request,
        desk,
        "hooks.html",
        status=status,
        problem=problem,
        tried=tried,
        hooks=[seen(desk.house.profiles, hook) for hook in state.find(Hook)],
        counted=COUNTED,
        segments=sorted(state.find(Segment), key=lambda one: one.name.casefold()),
        names={segment.key: segment.name for segment in state.find(Segment)},
        typed={"url": "", "name": ""} | (sent if problem else {}),
    )


def add(request: Ask, desk: Desk) -> Page:
    """A new hook; its secret is shown this once."""
    sent, house = form(request), desk.house
    chosen = [name.removeprefix(_CHOSEN) for name in sent if name.startswith(_CHOSEN)]
    try:
        url = house.outside().check(sent.get("url", ""))
        made, secret = flow.make(
            house.state,
            house.profiles,
            url,
            name=sent.get("name", ""),
            segments=chosen,
            now=desk.clock(),
        )
    except BadInput as error:
        return _list(request, desk, status=422, problem=error.message)
    return page(request, desk, "hook_secret.html", hook=made, secret=secret, grace=flow.GRACE)


def rotate(request: Ask, desk: Desk) -> Page:
    """A new secret; the old one signs beside it for a while."""
    made, secret = flow.rotate(desk.house.state, form(request).get("key", ""), now=desk.clock())
    return page(request, desk, "hook_secret.html", hook=made, secret=secret, grace=flow.GRACE)


def test(request: Ask, desk: Desk) -> Page:
    """Calls it now, and shows what it says."""
    hook = flow.hook_of(desk.house.state, form(request).get("key", ""))
    said = flow.try_out(desk.house.outside(), hook, clock=desk.clock)
    return _list(request, desk, tried=(hook.key, said))


def again(request: Ask, desk: Desk) -> Page:
    """Switches it on, and makes the calls that were given up."""
    flow.again(desk.house.state, desk.house.profiles, form(request).get("key", ""), now=desk.clock())
    return back(_AT, "called-again")


def remove(request: Ask, desk: Desk) -> Page:
    """Tell it nothing more."""
    key = form(request).get("key", "")
    flow.remove(desk.house.state, key, now=desk.clock())
    return back(_AT, "hook-removed", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Take that back."""
    flow.restore(desk.house.state, form(request).get("key", ""))
    return back(_AT, "hook-restored")


ROUTES = [
    Route("GET", _AT, hooks),
    Route("POST", f"{_AT}/add", add),
    Route("POST", f"{_AT}/rotate", rotate),
    Route("POST", f"{_AT}/test", test),
    Route("POST", f"{_AT}/again", again),
    Route("POST", f"{_AT}/remove", remove),
    Route("POST", f"{_AT}/restore", restore),
]
