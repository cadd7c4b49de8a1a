"""Page plumbing: templates, answers, the gate every request of the console passes, notes with undo."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from time import monotonic
from typing import Any, Literal
from urllib.parse import quote, unquote

from anyio import to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response, get, post
from litestar.connection import Request
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from volano.domain.account import Session, Source
from volano.domain.durations import SECOND
from volano.domain.leak import slice_name
from volano.errors import BrokenHome, Busy, NotAllowed, NotFound, VolanoError
from volano.flow.shop import shop_of
from volano.web import words
from volano.web.assets import Assets
from volano.web.login import FORTNIGHT, Door
from volano.web.turning import Turning
from volano.wiring import House

COOKIE = "volano_session"
NOTE_COOKIE = "volano_note"
NOTE_SECONDS = 10
Ask = Request[Any, Any, Any]
Page = Response[str]


_NEVER = (-1, float("-inf"), None, None)


class Memo:
    """Keeps what was worked out of the lake: until the lake has changed, but for `patience` s at least.

    What was worked out before `forgotten` gave something else is never shown again.
    """

    LONGEST = 15.0  # seconds; another process may have brought something in
    MOST = 100  # answers that are kept; the oldest goes first
    REST = 10  # times what it took, before something long is made anew

    def __init__(self, version: Callable[[], int], forgotten: Callable[[], object] = lambda: None) -> None:
        self._version, self._forgotten = version, forgotten
        self._kept: dict[Hashable, tuple[int, float, object, Any]] = {}
        self._locks: dict[Hashable, Lock] = {}
        self._coming: dict[Hashable, Thread] = {}
        self._took: dict[Hashable, float] = {}
        self._failed: dict[Hashable, Exception] = {}

    def of(self, key: Hashable, make: Callable[[], Any], *, patience: float = 0.0) -> Any:
        """What `make` returns, or returned lately; two who ask at once wait for one answer."""
        with self._locks.setdefault(key, Lock()):
            version, made_at, forgotten, value = self._kept.get(key, _NEVER)
            age = monotonic() - made_at
            young = age < patience or (version == self._version() and age < self.LONGEST)
            if young and forgotten == self._forgotten():
                return value
            version, forgotten, began = self._version(), self._forgotten(), monotonic()
            value = make()
            self._kept.pop(key, None)  # what is made anew goes to the end
            self._kept[key] = (version, monotonic(), forgotten, value)
            self._took[key] = monotonic() - began
        self._drop_old()
        return value

    def _drop_old(self) -> None:
        for key in list(self._kept)[: -self.MOST]:
            for kept in (self._kept, self._took, self._locks, self._coming):
                kept.pop(key, None)

    def lately(self, key: Hashable, make: Callable[[], Any], *, wait: float = 1.0) -> Any:
        """What `make` returned, made anew beside the request: no page waits longer than `wait` s for it.

        Until then the one before is returned, None for the first; the longer it takes, the older it may be.
        """
        coming = self._coming.get(key)
        if coming is None or not coming.is_alive():
            coming = self._coming[key] = Thread(target=self._made, args=(key, make), daemon=True)
            coming.start()
        coming.join(wait)
        if key in self._failed:
            raise self._failed.pop(key)
        _, _, forgotten, value = self._kept.get(key, _NEVER)
        return value if forgotten == self._forgotten() else None

    def _made(self, key: Hashable, make: Callable[[], Any]) -> None:
        try:
            self.of(key, make, patience=self.REST * self._took.get(key, 0.0))
        except Exception as error:  # noqa: BLE001  whoever asks gets it
            self._failed[key] = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages of the console work with."""

    house: House
    door: Door
    turning: Turning
    assets: Assets
    templates: Environment
    memo: Memo
    clock: Callable[[], int]

    @property
    def zone(self) -> str:
        """The time zone of the shop."""
        return shop_of(self.house.state, self.house.settings).timezone


@dataclass(frozen=True, slots=True)
class Note:
    """What a page says after something was done; `undo` is where a form may take it back.

    `see` begins the address of what came out of it; the key of the note ends it.
    """

    text: str
    undo: str = ""
    see: str = ""


NOTES: Mapping[str, Note] = {
    "opened": Note("The idea is on your backlog."),
    "all-open": Note("Every idea the playbook has against this leak is on your backlog already."),
    "dropped": Note("Dropped.", "/ideas/restore"),
    "restored": Note("It is back."),
    "overridden": Note("Saved. The ranking follows your number."),
    "taken-back": Note("Your number is gone; the worked-out one counts again."),
    "saved": Note("Saved."),
    "published": Note("It is live: people see it from now on.", "/campaigns/unpublish"),
    "unpublished": Note("It is a draft again; nobody sees it."),
    "stopped": Note("Stopped: nobody sees it any more. Its results stay.", "/campaigns/resume"),
    "shipped": Note("Shipped: everyone in the audience sees it from now on.", "/campaigns/resume"),
    "resumed": Note("It runs on as it did."),
    "joined": Note("They are one person now.", "/people/undo"),
    "parted": Note("Taken out: it is somebody of its own now.", "/people/undo", "/people/"),
    "rejoined": Note("It is as it was."),
    "segment-dropped": Note("Deleted.", "/segments/restore"),
    "revoked": Note("Revoked: what comes with its keys is refused from now on.", "/sources/reinstate"),
    "reinstated": Note("Its keys are good again."),
    "key-revoked": Note("Revoked: what comes with it is refused from now on.", "/settings/keys/reinstate"),
    "key-reinstated": Note("It is good again."),
    "named": Note("From now on it comes in under the standard word.", "/names/undo"),
    "reread": Note("The past is being read under that word, too.", "/names/undo"),
    "unnamed": Note("It comes in under its own name again.", "/names/undo"),
    "not-one": Note("It stands for itself; you are not asked about it again.", "/names/undo"),
    "named-back": Note("It is taken as it was before."),
    "called-again": Note("It is called again, with all that waited and was given up."),
    "hook-removed": Note("Removed: it is told nothing more.", "/settings/hooks/restore"),
    "hook-restored": Note("It is told again, also of what waited."),
    "password": Note("The password is changed; every other browser is signed out."),
    "import-undone": Note("The import is taken back; its rows are gone from the lake."),
}


def environment(assets: Assets) -> Environment:
    """The templates, with autoescape on for all of them."""
    made = Environment(
        loader=PackageLoader("volano.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "count",
        "many",
        "number",
        "share",
        "change",
        "points",
        "money",
        "day",
        "moment",
        "hour",
        "distance",
        "ago",
    ):
        made.filters[name] = getattr(words, name)
    made.filters["step"] = words.step
    made.filters["lost"] = words.lost
    made.filters["headline"] = words.headline
    made.filters["user"] = words.user
    made.filters["parts"] = words.parts
    made.filters["person"] = words.person
    made.filters["people"] = words.people_of
    made.filters["slice_name"] = slice_name
    made.filters["url"] = lambda text: quote(str(text), safe="")
    made.globals["static"] = assets.address
    return made


def page(request: Ask, desk: Desk, template: str, *, status: int = 200, **data: Any) -> Page:
    """A whole page, or a fragment of one, from a template."""
    session: Session | None = request.scope.get("state", {}).get("session")
    note, note_key = _note(request)
    jobs, zone = _around(desk)
    text = desk.templates.get_template(template).render(
        here=request.url.path,
        now=desk.clock(),
        csrf=session.csrf if session else "",
        signed_in=session is not None,
        note=note,
        note_key=note_key,
        jobs=jobs,
        zone=zone,
        **data,
    )
    headers = {"Cache-Control": "no-store"}
    answer = Response(text, media_type="text/html", status_code=status, headers=headers)
    if note and not note.undo and not template.startswith("_"):
        answer.delete_cookie(NOTE_COOKIE)  # said once; one with undo stays its ten seconds
    return answer


def _around(desk: Desk) -> tuple[tuple[str, ...], str]:
    """The long work and the zone of times; while the state is away a page must still be able to say so."""
    try:
        return desk.turning.jobs, desk.zone
    except (Busy, BrokenHome):
        return (), desk.house.settings.timezone


def back(path: str, note: str = "", key: str = "") -> Page:
    """See the page at `path`, which says `note` (one of NOTES, about the thing with that key)."""
    cookies = []
    if note:
        value = quote(f"{note}:{key}", safe="")
        cookies.append(
            Cookie(
                key=NOTE_COOKIE, value=value, max_age=NOTE_SECONDS, httponly=True, samesite="lax", path="/"
            )
        )
    return Response("", status_code=303, headers={"Location": path}, cookies=cookies, media_type="text/plain")


def with_session(answer: Page, desk: Desk, cookie: str) -> Page:
    """The answer, with the session cookie set (or taken away, if empty)."""
    answer.set_cookie(
        key=COOKIE,
        value=cookie,
        max_age=FORTNIGHT // SECOND if cookie else 0,
        httponly=True,
        samesite="lax",
        secure=desk.house.settings.secure_cookies,
        path="/",
    )
    return answer


def _note(request: Ask) -> tuple[Note | None, str]:
    name, _, key = unquote(request.cookies.get(NOTE_COOKIE, "")).partition(":")
    return NOTES.get(name), key


@dataclass(frozen=True, slots=True)
class Route:
    """A function that answers a request, given the request, the desk and what its path names.

    It runs in a thread of its own, so it may wait for disk. `open`: no sign-in is needed.
    """

    method: Literal["GET", "POST"]
    path: str
    answer: Callable[..., Response[Any]]
    open: bool = False

    def mounted(self) -> HTTPRouteHandler:
        """The route as Litestar wants it, made anew for each application."""
        answer = self.answer

        async def answered(request: Ask) -> Response[Any]:
            return await to_thread.run_sync(partial(answer, request, desk_of(request), **request.path_params))

        verb = get if self.method == "GET" else post
        return verb(self.path, opt={"open": self.open}, name=f"{self.method} {self.path}")(answered)


def form(request: Ask) -> dict[str, str]:
    """The fields of the form that was sent; the gate has read it."""
    sent: dict[str, str] = request.scope["state"].get("form", {})
    return sent


def desk_of(request: Ask) -> Desk:
    """The desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


async def gate(request: Ask) -> Page | None:
    """Before every page: read the form, check where it came from, and ask strangers to sign in."""
    desk = desk_of(request)
    session = desk.door.session(request.cookies.get(COOKIE, ""))
    request.scope["state"]["session"] = session
    if request.method == "POST":
        _check_origin(request)
        sent = await request.form()
        request.scope["state"]["form"] = {
            name: str(value).replace("\r\n", "\n") for name, value in sent.items() if isinstance(value, str)
        }
    if request.route_handler.opt.get("open"):
        return None
    if session is None:
        if not desk.door.has_owner():
            return back("/welcome")
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return back("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}")
    if request.method == "POST" and not hmac.compare_digest(
        form(request).get("csrf", "").encode(), session.csrf.encode()
    ):
        raise NotAllowed("the form was too old or came from another page; go back, reload, and try again")
    return None


def _check_origin(request: Ask) -> None:
    """A form must come from a page of this house."""
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    same = not origin or origin in (f"http://{host}", f"https://{host}")
    if site not in ("", "same-origin", "none") or not same:
        raise NotAllowed("the form came from another site; open the console and try again there")


def write_key(desk: Desk) -> str:
    """What stands for the write key on a page: its beginning, for the whole key was shown only once."""
    sources = [source for source in desk.house.state.find(Source) if not source.revoked_at]
    return sources[0].shown if sources else "YOUR_WRITE_KEY"


def address(request: Ask) -> str:
    """Where this house is, as the browser sees it, without a path."""
    scheme = "https" if desk_of(request).house.settings.secure_cookies else request.url.scheme
    return f"{scheme}://{request.url.netloc}"


def local(path: str) -> str:
    """The path if it leads to a page of this house, else the first page.

    Only printable ASCII without backslashes: browsers leave out tabs and newlines, and read `\\` as `/`.

    >>> local("/plan?by=source"), local("//elsewhere"), local("https://elsewhere")
    ('/plan?by=source', '/', '/')
    """
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def status_of(error: VolanoError) -> int:
    """The status of an answer that tells of the error.

    >>> status_of(BrokenHome("the live profiles cannot be reached")), status_of(VolanoError("no such day"))
    (503, 422)
    """
    known = ((NotAllowed, 403), (NotFound, 404), (Busy, 503), (BrokenHome, 503))
    return next((status for kind, status in known if isinstance(error, kind)), 422)
