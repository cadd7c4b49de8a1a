"""Secret keys in the console: made, shown once, in words, revoked and taken back."""

from __future__ import annotations

import re

import pytest

from tests.web.known import NASTY, house_of, opened
from tests.web.visitor import Visitor
from volano.domain.account import KeyUse, SecretKey
from volano.domain.durations import DAY, MINUTE
from volano.flow.secret_keys import holder

HERE = "/settings/keys"


@pytest.fixture
def visitor() -> Visitor:
    """The owner of a house."""
    return opened()


def made(visitor: Visitor, name: str = "CRM", **fields: str) -> str:
    """The secret of a key that can read people, as the page shows it."""
    text = visitor.send(f"{HERE}/add", name=name, **{"scope.people:read": "1"}, **fields).text
    shown = re.search(r"<pre[^>]*><code>(sk_[\w-]{43})</code>", text)
    assert shown is not None
    return shown[1]


def kept(visitor: Visitor, key: str = "crm") -> SecretKey:
    """A key as it is kept."""
    return house_of(visitor).state.get(SecretKey, key)


def test_settings_lead_to_the_keys_and_count_those_that_are_good(visitor: Visitor) -> None:
    assert "No program has a secret key" in visitor.see("/settings").text
    made(visitor)
    made(visitor, "ERP")
    text = visitor.see("/settings").text
    assert "2 secret keys, with which" in text
    assert 'href="/settings/keys"' in text
    visitor.send(f"{HERE}/revoke", key="erp")
    assert "1 secret key, with which" in visitor.see("/settings").text


def test_the_secret_is_shown_once_and_opens_what_was_ticked(visitor: Visitor) -> None:
    secret = made(visitor, **{"scope.segments:read": "1"})
    key = kept(visitor)
    house = house_of(visitor)
    assert holder(house.state, house.pepper, secret) == key
    assert key.scopes == ("people:read", "segments:read")
    text = visitor.see(HERE).text
    assert secret not in text
    assert f"<code>{secret[:7]}…</code>" in text
    assert "Never used yet" in text
    assert "find people and read all that is kept of them" in text


def test_the_page_of_a_new_key_says_what_it_can_and_how_to_try_it(visitor: Visitor) -> None:
    sent = {"name": NASTY, "scope.people:forget": "1", "scope.people:read": "1", "days": "1,5"}
    text = visitor.send(f"{HERE}/add", **sent).text
    assert "read all that is kept of them, and forget people for ever, until 10 Oct 2025, 20:53" in text
    assert "curl http://console.test/api/v1/people/find -u sk_" in text
    assert NASTY not in text
    assert NASTY not in visitor.see(HERE).text


def test_last_use_and_the_end_are_told(visitor: Visitor) -> None:
    made(visitor, days="2")
    house_of(visitor).state.put(KeyUse(key="crm", at=visitor.clock.now - 5 * MINUTE))
    text = visitor.see(HERE).text
    assert "Last used 5 minutes ago" in text
    assert "good until 11 Oct 2025" in text
    visitor.clock.now += 2 * DAY
    assert "its time is up" in visitor.see(HERE).text


def test_a_key_is_revoked_and_that_is_taken_back(visitor: Visitor) -> None:
    made(visitor)
    page = visitor.send(f"{HERE}/revoke", key="crm")
    assert "Revoked: what comes with it is refused" in page.text
    assert 'action="/settings/keys/reinstate"' in page.text
    assert '<span class="chip bad">revoked</span>' in page.text
    assert kept(visitor).revoked_at == visitor.clock.now
    assert "It is good again." in visitor.send(f"{HERE}/reinstate", key="crm").text
    assert kept(visitor).revoked_at == 0
    for act in ("revoke", "reinstate"):
        assert visitor.send(f"{HERE}/{act}", key="none").status_code == 404


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": " ", "scope.people:read": "1"}, "The key needs a name"),
        ({"name": "CRM"}, "Say what the key is good for"),
        ({"name": "CRM", "scope.x": "1"}, "is no scope"),
        ({"name": "CRM", "scope.people:read": "1", "days": "soon"}, "they must be a number"),
        ({"name": "CRM", "scope.people:read": "1", "days": "-1"}, "good for -1 days"),
    ],
)
def test_what_cannot_be_made_is_said_and_what_was_typed_stays(
    visitor: Visitor, fields: dict[str, str], told: str
) -> None:
    page = visitor.send(f"{HERE}/add", **fields)
    assert page.status_code == 422
    assert told in page.text
    assert house_of(visitor).state.find(SecretKey) == []
    assert f'value="{fields["name"]}"' in page.text
    assert ("checked" in page.text) == ("scope.people:read" in fields)


def test_nobody_makes_a_key_without_the_token_of_the_form_or_a_session(visitor: Visitor) -> None:
    sent = {"name": "CRM", "scope.people:read": "1"}
    assert visitor.ask("POST", f"{HERE}/add", data=sent).status_code == 403
    assert Visitor(visitor.app).ask("POST", f"{HERE}/add", data=sent).status_code == 303
    assert house_of(visitor).state.find(SecretKey) == []
