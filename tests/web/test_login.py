"""Who gets in: setup token, password, brake, sessions, CSRF."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.web.shop import PASSWORD, empty_house, full_house
from tests.web.visitor import Clock, Visitor, owner
from volano.domain.account import Session, User
from volano.errors import BadInput
from volano.settings import Settings
from volano.testing.state_memory import MemoryState
from volano.web.app import create_app
from volano.web.login import FORTNIGHT, Brake, MustWait, cookie_key, set_password
from volano.web.pages import COOKIE

SECOND = 1_000_000
PAGES = ("/", "/plan", "/ideas", "/campaigns", "/results", "/settings", "/fragments/today")


@pytest.mark.parametrize("path", PAGES)
def test_a_new_house_sends_everybody_to_the_welcome_page(path: str) -> None:
    answer = Visitor(create_app(empty_house())).ask("GET", path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/welcome")


def test_the_first_password_needs_the_setup_token_and_signs_in() -> None:
    house = empty_house()
    app = create_app(house, setup_token="one-time")
    visitor = Visitor(app)
    assert 'value="one-time"' in visitor.see("/welcome?token=one-time").text
    wrong = visitor.ask("POST", "/welcome", data={"token": "guess", "password": PASSWORD})
    assert wrong.status_code == 403
    assert house.state.find(User) == []
    visitor.ask("POST", "/welcome", data={"token": "one-time", "password": PASSWORD})
    assert visitor.see("/").url.path == "/"
    kept = house.state.get(User, "owner").password_hash
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert app.setup_token is None


def test_the_setup_token_is_good_once() -> None:
    app = create_app(empty_house())
    token = app.setup_token
    assert token
    for expected in (303, 403):
        answer = Visitor(app).ask("POST", "/welcome", data={"token": token, "password": PASSWORD})
        assert answer.status_code == expected


def test_a_short_password_is_refused_in_one_sentence() -> None:
    app = create_app(empty_house(), setup_token="t")
    answer = Visitor(app).ask("POST", "/welcome", data={"token": "t", "password": "short"})
    assert answer.status_code == 422
    assert "The password has 5 characters; it must have at least 10." in answer.text


def test_a_stranger_is_asked_for_the_password_and_then_brought_where_they_wanted() -> None:
    visitor = Visitor(create_app(full_house(), now=Clock()))
    asked = visitor.ask("GET", "/plan?by=source")
    assert asked.headers["location"] == "/login?next=/plan%3Fby%3Dsource"
    assert 'name="next" value="/plan?by=source"' in visitor.see(asked.headers["location"]).text
    answer = visitor.ask("POST", "/login", data={"password": PASSWORD, "next": "/plan?by=source"})
    assert answer.headers["location"] == "/plan?by=source"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\nX-Injected: 1",
        "/\x00",
        "/plan\\..",
        "/€",
        "\t/plan",
        "plan",
    ],
)
def test_signing_in_never_leads_to_another_site(wanted: str) -> None:
    visitor = Visitor(create_app(full_house(), now=Clock()))
    assert 'name="next" value="/"' in visitor.see(f"/login?{urlencode({'next': wanted})}").text
    answer = visitor.ask("POST", "/login", data={"password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_session_cookie_is_kept_from_scripts_and_other_sites() -> None:
    answer = Visitor(create_app(full_house(), now=Clock())).sign_in()
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Max-Age=1209600" in cookie


def test_the_session_cookie_is_sent_over_https_only_where_the_house_says_so() -> None:
    house = replace(full_house(), settings=Settings(secure_cookies=True))
    assert "Secure" in Visitor(create_app(house, now=Clock())).sign_in().headers["set-cookie"]


def test_only_a_hash_of_the_cookie_is_kept() -> None:
    house = full_house()
    visitor = owner(house)
    cookie = visitor.cookies[COOKIE]
    assert [session.key for session in house.state.find(Session)] == [cookie_key(cookie)]


def test_signing_in_again_changes_the_cookie_and_ends_the_old_session() -> None:
    house = full_house()
    visitor = owner(house)
    before = visitor.cookies[COOKIE]
    visitor.sign_in()
    assert visitor.cookies[COOKIE] != before
    assert len(house.state.find(Session)) == 1


def test_a_session_ends_after_a_fortnight() -> None:
    clock = Clock()
    visitor = owner(full_house(), clock)
    clock.now += FORTNIGHT - SECOND
    assert visitor.ask("GET", "/results").status_code == 200
    clock.now += 2 * SECOND
    assert visitor.ask("GET", "/results").headers["location"].startswith("/login")


def test_signing_out_ends_the_session_on_the_server() -> None:
    house = full_house()
    visitor = owner(house)
    visitor.send("/logout")
    assert house.state.find(Session) == []
    assert visitor.ask("GET", "/").headers["location"] == "/login"


def test_after_five_wrong_passwords_an_address_waits_and_another_does_not() -> None:
    clock = Clock()
    app = create_app(full_house(), now=clock)
    guesser = Visitor(app, ip="10.0.0.1")
    assert [guesser.sign_in("wrong password").status_code for _ in range(5)] == [403] * 5
    waits = guesser.sign_in()
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "30")
    assert "try again in 30 seconds" in waits.text
    assert Visitor(app, ip="10.0.0.2").sign_in().status_code == 303
    clock.now += 31 * SECOND
    assert guesser.sign_in().status_code == 303


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    brake, now = Brake(), 0
    waits: list[int] = []
    for _ in range(12):
        brake.take("a", now=now)
        try:
            brake.take("a", now=now)
        except MustWait as wait:
            waits.append(wait.seconds)
            now += wait.seconds * SECOND
    assert waits[:7] == [30, 60, 120, 240, 480, 900, 900]


def test_guesses_from_many_addresses_wait_together_but_never_longer_than_a_minute() -> None:
    brake, now = Brake(), 0
    for guess in range(20):
        brake.take(f"10.0.0.{guess}", now=now)
    waits: list[int] = []
    for guess in range(20, 25):
        with pytest.raises(MustWait) as wait:
            brake.take(f"10.0.0.{guess}", now=now)
        waits.append(wait.value.seconds)
        now += wait.value.seconds * SECOND
        brake.take(f"10.0.0.{guess}", now=now)
    assert waits == [15, 30, 60, 60, 60]


def test_guessing_elsewhere_does_not_keep_out_whoever_was_in_before() -> None:
    app = create_app(full_house(), now=Clock())
    assert Visitor(app, ip="10.0.1.1").sign_in().status_code == 303
    for guess in range(20):
        Visitor(app, ip=f"10.0.0.{guess}").sign_in("wrong password")
    assert Visitor(app, ip="10.0.2.2").sign_in().status_code == 429
    assert Visitor(app, ip="10.0.1.1").sign_in().status_code == 303


def test_an_address_that_waits_does_not_make_the_others_wait() -> None:
    brake = Brake()
    for _ in range(5):
        brake.take("a", now=0)
    for _ in range(50):
        with pytest.raises(MustWait):
            brake.take("a", now=0)
    brake.take("b", now=0)


def test_a_form_without_the_token_of_its_session_is_refused() -> None:
    house = full_house()
    visitor = owner(house)
    for token in ("", "guess"):
        answer = visitor.ask("POST", "/ideas/drop", data={"key": "l1a2b3.cart-discount-10", "csrf": token})
        assert answer.status_code == 403
        assert "go back, reload, and try again" in answer.text
    assert "Bring back" not in visitor.see("/ideas").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused_even_with_the_token(headers: dict[str, str]) -> None:
    visitor = owner(full_house())
    answer = visitor.ask("POST", "/logout", data={"csrf": visitor.token()}, headers=headers)
    assert answer.status_code == 403
    assert visitor.ask("GET", "/settings").status_code == 200


def test_signing_in_is_refused_from_another_site() -> None:
    visitor = Visitor(create_app(full_house(), now=Clock()))
    answer = visitor.ask(
        "POST", "/login", data={"password": PASSWORD}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_changing_the_password_signs_every_other_browser_out() -> None:
    house = full_house()
    first = owner(house)
    second = Visitor(first.app)
    second.sign_in()
    page = first.send("/settings/password", old=PASSWORD, new="another long password")
    assert "every other browser is signed out" in page.text
    assert second.ask("GET", "/").status_code == 303
    assert Visitor(first.app).sign_in("another long password").status_code == 303


def test_the_password_changes_only_for_who_knows_the_present_one() -> None:
    visitor = owner(full_house())
    page = visitor.send("/settings/password", old="not it at all", new="another long password")
    assert page.status_code == 422
    assert "The present password is not right." in page.text


def test_setting_a_password_drops_all_sessions() -> None:
    state = MemoryState()
    state.put(Session(key="k", user="owner", csrf="c", expires_at=9))
    with pytest.raises(BadInput, match="at least 10"):
        set_password(state, "short", now=1)
    set_password(state, PASSWORD, now=1)
    assert state.find(Session) == []


def test_behind_tls_the_addresses_on_the_pages_are_https() -> None:
    house = replace(full_house(), settings=Settings(secure_cookies=True))
    app = create_app(house, now=Clock())
    cookie = Visitor(app).sign_in().headers["set-cookie"].partition(";")[0]
    text = Visitor(app).ask("GET", "/settings", headers={"Cookie": cookie}).text
    assert "https://console.test" in text
    assert "http://console.test" not in text
