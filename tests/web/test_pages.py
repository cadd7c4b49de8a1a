"""What holds for every page: landmarks, nothing inline, names of fields, weight, and who may see it."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

from tests.web.known import ANN, NASTY, add_source, ann, house_of, many, opened, purchases, refused
from tests.web.shop import DRAFT, LIVE, full_house
from tests.web.visitor import ADDRESS, Visitor, owner
from volano.domain.segment import Segment
from volano.web.console import (
    campaigns,
    entry,
    ideas,
    live,
    moves,
    names,
    people,
    plan,
    results,
    segments,
    settings,
    sources,
    today,
)
from volano.web.pages import Route

TURNING = {
    "/": "today",
    "/plan": "plan",
    "/plan?by=source": "by source",
    "/ideas": "ideas",
    "/campaigns": "campaigns",
    f"/campaigns/{DRAFT.key}": "draft",
    f"/campaigns/{LIVE.key}": "live",
    "/results": "results",
    "/settings": "settings",
}
OBSERVING = {
    "/": "today of a new shop",
    "/more": "more",
    "/people": "people",
    "/people?q=nobody": "nobody",
    f"/people/{ANN}": "person",
    "/segments": "segments",
    "/segments/-": "new segment",
    "/segments/lapsing": "segment",
    "/segments/rich": "segment as JSON",
    "/segments/moves": "who moved",
    "/live": "what arrives",
    "/live?refused=1": "what was refused",
    "/sources": "sources",
    "/sources/web": "names",
    "/sources/web?all=1": "all names",
    "/sources/web/event?event=purchase": "a name",
    f"/sources/web/event?event={NASTY}": "a nasty name",
    "/settings": "settings",
}
PAGES = {("turning", path): name for path, name in TURNING.items()} | {
    ("observing", path): name for path, name in OBSERVING.items()
}
PARTS = (
    campaigns,
    entry,
    ideas,
    live,
    moves,
    names,
    people,
    plan,
    results,
    segments,
    settings,
    sources,
    today,
)
ROUTES = [route for part in PARTS for route in part.ROUTES]
OPEN = ("/login", "/welcome", "/static/{name:str}")


@pytest.fixture(scope="module")
def visitors() -> dict[str, Visitor]:
    """The owners of a shop on its way round the wheel, and of one that has just begun to send."""
    begun = opened(ann(), purchases(), refused(), many(50))
    add_source(begun)
    rule = {"$nor": [{"orders": 1}], "traits.note": {"$ne": NASTY}}
    house_of(begun).state.put(Segment(key="rich", name=NASTY, rule=rule))
    return {"turning": owner(full_house()), "observing": begun}


@pytest.fixture(scope="module", params=PAGES, ids=list(PAGES.values()))
def page(request: pytest.FixtureRequest, visitors: dict[str, Visitor]) -> httpx.Response:
    """Each of the pages."""
    whose, path = request.param
    return visitors[whose].see(path)


def test_a_page_has_landmarks_one_heading_and_safe_headers(page: httpx.Response) -> None:
    assert page.status_code == 200
    assert len(re.findall(r"<h1\b", page.text)) == 1
    assert 'href="#main"' in page.text
    assert '<main id="main"' in page.text
    assert 'aria-label="Main"' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"


def test_nothing_on_a_page_is_inline(page: httpx.Response) -> None:
    text = page.text
    assert not re.search(r"<[^>]+\sstyle=", text)
    assert not re.search(r"<[^>]+\son[a-z]+=", text)
    assert "<style" not in text
    assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", text))


def test_texts_with_markup_are_shown_as_text(page: httpx.Response) -> None:
    assert "<script>alert" not in page.text


def test_every_field_has_a_name_for_those_who_cannot_see_it(page: httpx.Response) -> None:
    text = page.text
    labels = set(re.findall(r'<label for="([^"]+)"', text))
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
        if re.search(
            'type="(hidden|radio|checkbox)"|aria-hidden="true"', field
        ):  # the last are inside labels
            continue
        identity = re.search(r'\bid="([^"]+)"', field)
        assert "aria-label=" in field or (identity and identity[1] in labels), field


def test_identities_on_a_page_are_unique(page: httpx.Response) -> None:
    found = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(found) == len(set(found))


def test_the_first_visit_weighs_at_most_30_kb_in_five_requests(
    page: httpx.Response, visitors: dict[str, Visitor]
) -> None:
    asked = set(re.findall(r'(?:<link[^>]+href|<script[^>]+src)="([^"]+)"', page.text))
    weight = len(gzip.compress(page.content))
    for address in asked:
        answer = visitors["turning"].ask("GET", address)
        assert answer.status_code == 200
        weight += len(gzip.compress(answer.content))
    assert len(asked) + 1 <= 5
    assert weight <= 30_000


def path_of(route: Route) -> str:
    """An address of the route."""
    return re.sub(r"\{\w+:(int|str)\}", lambda found: str(ANN) if found[1] == "int" else "web", route.path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_strangers_are_asked_to_sign_in_everywhere(route: Route, visitors: dict[str, Visitor]) -> None:
    stranger = Visitor(visitors["observing"].app)
    answer = stranger.ask(
        route.method, path_of(route), data={"key": "web"} if route.method == "POST" else None
    )
    if route.path in OPEN:
        assert answer.status_code != 303 or answer.headers["location"] in ("/login", "/")
    else:
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.method == "POST" and not one.open], ids=lambda route: route.path
)
def test_a_form_needs_the_token_of_its_session_and_a_page_of_this_house(
    route: Route, visitors: dict[str, Visitor]
) -> None:
    visitor, path = visitors["observing"], path_of(route)
    assert visitor.ask("POST", path, data={"key": "web"}).status_code == 403
    assert visitor.ask("POST", path, data={"csrf": "guessed", "key": "web"}).status_code == 403
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    sent = {"csrf": visitor.token(), "key": "web"}
    assert visitor.ask("POST", path, data=sent, headers=elsewhere).status_code == 403
    assert visitor.ask("POST", path, data=sent, headers={"origin": ADDRESS + ":1"}).status_code == 403
