"""The door for programs: secret keys and nothing else open it, and it opens nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.door import basic
from tests.web.known import ann
from tests.web.program import Program, program
from tests.web.visitor import Visitor
from volano.domain.account import KeyUse
from volano.domain.durations import DAY, MINUTE, SECOND
from volano.flow.secret_keys import last_uses, reinstate, revoke
from volano.web.app import create_app
from volano.web.secret_keys import BURST, RATE

GUESS = {"Authorization": "Bearer sk_guess"}


@pytest.fixture
def crm() -> Program:
    """A program that may do everything."""
    return program(ann())


@pytest.fixture(scope="module")
def still() -> Program:
    """The same for those who change nothing."""
    return program(ann())


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that says why not, in one sentence."""
    assert set(answer.json()) == {"code", "message"}
    return answer.status_code, answer.json()["code"]


def test_a_key_comes_as_bearer_token_or_as_the_user_name_of_basic_auth(still: Program) -> None:
    assert still.ask("GET", "/segments").status_code == 200
    assert still.ask("GET", "/segments", headers=basic(still.secret)).status_code == 200
    assert (
        still.ask("GET", "/segments", headers={"Authorization": f"bearer  {still.secret}"}).status_code == 200
    )


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_secret_key"),
        ({"Authorization": "Bearer"}, "no_secret_key"),
        ({"Authorization": "Digest x"}, "no_secret_key"),
        ({"Authorization": "Basic %%%"}, "no_secret_key"),
        (GUESS, "unknown_secret_key"),
        (basic("sk_guess"), "unknown_secret_key"),
        (basic("wk_test"), "write_key"),
        ({"Authorization": "Bearer wk_test"}, "write_key"),
        ({"Authorization": "Bearer \xff"}, "unknown_secret_key"),
    ],
)
def test_without_a_good_key_it_is_401_with_a_challenge(
    still: Program, headers: dict[str, str], code: str
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = still.elsewhere(f"of {headers}").ask("GET", "/segments", headers=raw)
    assert refused(answer) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "sk_…" in answer.json()["message"]
    assert (
        still.ask("GET", f"/segments?key={still.secret}&secret={still.secret}", headers={}).status_code == 401
    )


def test_a_write_key_is_told_what_it_is(still: Program) -> None:
    answer = still.elsewhere("of a source").ask("GET", "/segments", headers=basic("wk_test"))
    assert "wk_test… is a write key, which can only write" in answer.json()["message"]


def test_a_key_without_the_scope_is_403_and_told_which_it_lacks() -> None:
    reader = program(ann(), scopes=("segments:read",))
    assert reader.ask("GET", "/segments").status_code == 200
    for method, path, scope in (
        ("GET", "/people/7", "people:read"),
        ("GET", "/people/7/export", "people:read"),
        ("POST", "/people/find", "people:read"),
        ("POST", "/people/forget", "people:forget"),
    ):
        answer = reader.ask(method, path, json={"id": "ann", "ids": ["ann"]})
        assert refused(answer) == (403, "no_scope")
        assert f"lacks the scope {scope}" in answer.json()["message"]
        assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'


def test_a_revoked_key_is_refused_by_name_at_once_until_that_is_taken_back(crm: Program) -> None:
    revoke(crm.house.state, "crm", now=crm.clock())
    answer = crm.ask("GET", "/segments")
    assert refused(answer) == (401, "revoked_secret_key")
    assert "'CRM'" in answer.json()["message"]
    assert crm.secret not in answer.text
    reinstate(crm.house.state, "crm")
    assert crm.ask("GET", "/segments").status_code == 200


def test_a_key_is_refused_when_its_time_is_up(crm: Program) -> None:
    crm.given(days=1)
    crm.clock.now += DAY - 1
    assert crm.ask("GET", "/segments").status_code == 200
    crm.clock.now += 1
    assert refused(crm.ask("GET", "/segments")) == (401, "expired_secret_key")


def test_a_cookie_of_the_console_opens_nothing_here_and_a_key_no_page(crm: Program) -> None:
    owner = Visitor(crm.app, clock=crm.clock)
    owner.sign_in()
    assert owner.see("/people").status_code == 200
    assert refused(owner.ask("GET", "/api/v1/segments")) == (401, "no_secret_key")
    assert refused(owner.ask("POST", "/api/v1/people/forget", json={"ids": ["ann"]}))[0] == 401
    bearer = {"Authorization": f"Bearer {crm.secret}"}
    for headers in (bearer, basic(crm.secret)):
        page = Visitor(crm.app).ask("GET", "/people", headers=headers)
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/people")
        assert Visitor(crm.app).ask("POST", "/people/undo", headers=headers).status_code == 303


def test_a_key_opens_no_door_for_events_and_decides_nothing(still: Program) -> None:
    visitor = Visitor(still.app)
    event = {"batch": [{"type": "track", "event": "Seen", "userId": "ann"}]}
    assert visitor.ask("POST", "/v1/batch", json=event, headers=basic(still.secret)).status_code == 401
    question = {"writeKey": still.secret, "userId": "ann"}
    assert visitor.ask("POST", "/v1/decide", json=question).status_code == 401


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_pages_of_a_browser_are_refused_whatever_they_bring(still: Program, method: str) -> None:
    for origin in ("https://shop.example", "http://console.test", "null"):
        headers = {"Authorization": f"Bearer {still.secret}", "Origin": origin}
        answer = still.ask(method, "/segments", headers=headers)
        assert refused(answer) == (403, "browser")
        assert "must never be in a page" in answer.json()["message"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_answers_are_kept_nowhere_and_carry_the_security_headers(still: Program) -> None:
    for answer in (still.ask("GET", "/segments"), still.ask("GET", "/segments", headers={})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["content-type"] == "application/json"
        assert "set-cookie" not in answer.headers


def test_whoever_guesses_waits_and_a_good_key_of_the_same_address_does_not(crm: Program) -> None:
    for _ in range(5):
        assert crm.ask("GET", "/segments", headers=GUESS).status_code == 401
    answer = crm.ask("GET", "/segments", headers=GUESS)
    assert refused(answer) == (429, "too_fast")
    assert answer.headers["retry-after"] == "30"
    assert "too many wrong keys" in answer.json()["message"]
    assert crm.ask("GET", "/segments").status_code == 200
    assert crm.elsewhere("10.0.0.8").ask("GET", "/segments", headers=GUESS).status_code == 401
    crm.clock.now += 30 * SECOND
    assert crm.ask("GET", "/segments", headers=GUESS).status_code == 401


def test_to_come_without_any_key_is_no_guess(crm: Program) -> None:
    for _ in range(8):
        assert crm.ask("GET", "/segments", headers={}).status_code == 401


def test_a_key_has_a_rate_of_its_own(crm: Program) -> None:
    answers = [crm.ask("GET", "/segments/none") for _ in range(BURST + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {404}
    assert refused(answers[-1]) == (429, "too_fast")
    assert answers[-1].headers["retry-after"] == "1"
    assert f"more than {RATE} requests a second" in answers[-1].json()["message"]
    first = crm.secret
    crm.given()
    assert crm.ask("GET", "/segments/none").status_code == 404
    crm.secret = first
    crm.clock.now += SECOND
    assert crm.ask("GET", "/segments/none").status_code == 404


def test_last_use_is_kept_to_the_minute_and_not_with_every_request(crm: Program) -> None:
    state, began = crm.house.state, crm.clock.now
    assert last_uses(state) == {}
    crm.ask("GET", "/segments", headers=GUESS)
    assert last_uses(state) == {}
    for second in range(0, 150, 10):
        crm.clock.now = began + second * SECOND
        crm.ask("GET", "/segments/none")
        assert last_uses(state) == {"crm": began + second // 60 * MINUTE}
    crm.clock.now = began - DAY  # set back
    crm.ask("GET", "/segments/none")
    assert last_uses(state) == {"crm": began - DAY}


def test_after_a_restart_the_last_use_is_known(crm: Program) -> None:
    crm.house.state.put(KeyUse(key="crm", at=crm.clock.now))
    crm.clock.now += 30 * SECOND
    Program(create_app(crm.house, now=crm.clock), crm.clock, crm.secret).ask("GET", "/segments")
    assert last_uses(crm.house.state) == {"crm": crm.clock.now - 30 * SECOND}


def test_to_note_a_use_brings_no_revoked_key_back(crm: Program) -> None:
    crm.ask("GET", "/segments")
    revoke(crm.house.state, "crm", now=crm.clock())
    crm.clock.now += MINUTE
    assert crm.ask("GET", "/segments").status_code == 401
    assert last_uses(crm.house.state) == {"crm": crm.clock.now - MINUTE}


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/people", "/people/7/x", "/segments/a/b/c"])
def test_what_is_not_there_is_404_as_json(still: Program, path: str) -> None:
    assert refused(still.ask("GET", path)) == (404, "no_such_path")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"])
def test_another_method_is_405_and_told_which(still: Program, method: str) -> None:
    answer = still.ask(method, "/people/forget/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
