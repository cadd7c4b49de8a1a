"""The pages before the console: the first password, signing in and out."""

from __future__ import annotations

from litestar import Response

from volano.errors import BadInput, NotAllowed
from volano.web.login import MustWait
from volano.web.pages import COOKIE, Ask, Desk, Page, Route, back, form, local, page, with_session


def _from(request: Ask) -> str:
    return request.client.host if request.client else ""


def welcome(request: Ask, desk: Desk) -> Page:
    """Where the first password is set; needs the token that `volano serve` printed."""
    if desk.door.has_owner():
        return back("/login")
    return page(request, desk, "welcome.html", token=request.query_params.get("token", ""), problem="")


def set_up(request: Ask, desk: Desk) -> Page:
    """Set the first password and sign in."""
    sent = form(request)
    token = sent.get("token", "").strip()
    try:
        cookie = desk.door.set_up(token, sent.get("password", ""))
    except NotAllowed as error:
        return page(request, desk, "welcome.html", status=403, token="", problem=error.message)
    except BadInput as error:
        return page(request, desk, "welcome.html", status=422, token=token, problem=error.message)
    return with_session(back("/"), desk, cookie)


def login(request: Ask, desk: Desk) -> Page:
    """The question for the password."""
    if not desk.door.has_owner():
        return back("/welcome")
    wanted = local(request.query_params.get("next", "/"))
    return page(request, desk, "login.html", next=wanted, problem="")


def sign_in(request: Ask, desk: Desk) -> Page:
    """Compare the password; the session gets a new cookie."""
    sent = form(request)
    wanted = local(sent.get("next", "/"))
    try:
        cookie = desk.door.sign_in(
            sent.get("password", ""), _from(request), old_cookie=request.cookies.get(COOKIE, "")
        )
    except MustWait as error:
        answer = page(request, desk, "login.html", status=429, next=wanted, problem=error.message)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    except NotAllowed as error:
        return page(request, desk, "login.html", status=403, next=wanted, problem=error.message)
    return with_session(back(wanted), desk, cookie)


def sign_out(request: Ask, desk: Desk) -> Page:
    """End this session."""
    desk.door.sign_out(request.cookies.get(COOKIE, ""))
    return with_session(back("/login"), desk, "")


def change_password(request: Ask, desk: Desk) -> Page:
    """Another password; other browsers are signed out."""
    from volano.web.console.settings import more

    sent = form(request)
    try:
        cookie = desk.door.change(sent.get("old", ""), sent.get("new", ""), _from(request))
    except (MustWait, NotAllowed, BadInput) as error:
        status = 429 if isinstance(error, MustWait) else 422
        return more(request, desk, status=status, problem=error.message)
    return with_session(back("/settings", "password"), desk, cookie)


def static(request: Ask, desk: Desk, name: str) -> Response[bytes]:
    """A file that every page needs."""
    return desk.assets.answer(name, packed="gzip" in request.headers.get("accept-encoding", ""))


ROUTES = [
    Route("GET", "/static/{name:str}", static, open=True),
    Route("GET", "/welcome", welcome, open=True),
    Route("POST", "/welcome", set_up, open=True),
    Route("GET", "/login", login, open=True),
    Route("POST", "/login", sign_in, open=True),
    Route("POST", "/logout", sign_out),
    Route("POST", "/settings/password", change_password),
]
