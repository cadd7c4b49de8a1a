"""Who may send: keys, their ends, and the pages they are for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.door import KEY, PAGE, Door, basic
from volano.domain.account import Source
from volano.errors import Busy
from volano.flow.sources import revoke, rotate
from volano.ports import N
from volano.settings import Settings
from volano.testing.state_memory import MemoryState

GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1"}
BATCH = json.dumps({"batch": [GOOD]}).encode()


def test_the_key_may_come_in_basic_auth_the_body_or_the_query() -> None:
    door = Door()
    body = {"batch": [GOOD]}
    assert door.request("POST", "/v1/batch", json=body, headers=basic(KEY)).status_code == 200
    assert door.request("POST", "/v1/batch", json=body | {"writeKey": KEY}).status_code == 200
    assert door.request("POST", f"/v1/batch?writeKey={KEY}", json=body).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_write_key"),
        (basic("wrong"), "unknown_write_key"),
        ({"Authorization": "Basic %%%"}, "no_write_key"),
        ({"Authorization": "Bearer x"}, "no_write_key"),
    ],
)
def test_an_unknown_or_missing_key_is_401(headers: dict[str, str], code: str) -> None:
    answer = Door().request("POST", "/v1/batch", content=BATCH, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert "Basic auth" in answer.json()["message"]


def test_a_new_key_is_known_within_a_tenth_of_a_second_and_a_dropped_one_refused_after_a_second() -> None:
    door = Door()
    assert door.post(BATCH).status_code == 200
    door.state.put(Source(key="app", name="App", write_key="wk_new"))
    assert door.request("POST", "/v1/batch", content=BATCH, headers=basic("wk_new")).status_code == 401
    door.clock[0] += 100_001
    new = door.request("POST", "/v1/batch", content=BATCH, headers=basic("wk_new"))
    assert (new.status_code, door.intakes()[-1].source) == (200, "app")
    door.state.drop(Source, "web")
    door.clock[0] += 1_000_001
    assert door.post(BATCH).status_code == 401


def test_the_key_is_asked_for_before_the_events_are_looked_at() -> None:
    body = b'{"batch": [' + b"1," * 2500 + b"1]}"
    for told, code in ((b"", "no_write_key"), (b'"writeKey": "\\ud800", ', "unknown_write_key")):
        answer = Door().request("POST", "/v1/batch", content=b"{" + told + body[1:])
        assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_pages_of_other_origins_are_refused_when_origins_are_named() -> None:
    door = Door(settings=Settings(origins=f"{PAGE} https://other.example"))
    assert door.post(BATCH, origin=PAGE).status_code == 200
    assert door.post(BATCH).status_code == 200
    refused = door.post(BATCH, origin="https://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in refused.headers


def test_a_key_may_be_used_only_on_the_pages_its_source_names() -> None:
    door = Door(settings=Settings(origins="https://other.example"))
    key = "wk_app"
    door.state.put(Source(key="app", name="App", write_key=key, origins=PAGE))
    headers = basic(key) | {"Origin": PAGE}
    assert door.request("POST", "/v1/batch", content=BATCH, headers=headers).status_code == 200
    wrong = door.request("POST", "/v1/batch", content=BATCH, headers=basic(KEY) | {"Origin": PAGE})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_origin")
    elsewhere = basic(key) | {"Origin": "https://other.example"}
    assert door.request("POST", "/v1/batch", content=BATCH, headers=elsewhere).status_code == 403
    assert door.request("POST", "/v1/batch", content=BATCH, headers=basic(key)).status_code == 200


def test_a_revoked_or_replaced_key_is_401_with_a_clear_sentence() -> None:
    door = Door()
    door.clock[0] += 2_000_000
    _, new = rotate(door.state, "web", now=door.clock[0], days=1)
    assert door.post(BATCH).status_code == 200
    assert door.request("POST", "/v1/batch", content=BATCH, headers=basic(new)).status_code == 200
    door.clock[0] += 86_400_000_000
    replaced = door.post(BATCH)
    assert (replaced.status_code, replaced.json()["code"]) == (401, "replaced_write_key")
    revoke(door.state, "web", now=door.clock[0])
    door.clock[0] += 1_000_000
    revoked = door.request("POST", "/v1/batch", content=BATCH, headers=basic(new))
    assert (revoked.status_code, revoked.json()["code"]) == (401, "revoked_write_key")
    assert "'web'" in revoked.json()["message"]
    assert new not in revoked.text


def test_unknown_keys_do_not_cost_a_look_into_the_state_each() -> None:
    class Counted(MemoryState):
        looks = 0

        def find(self, kind: type[N]) -> list[N]:
            self.looks += 1
            return super().find(kind)

    state = Counted()
    door = Door(state=state)
    for number in range(50):
        door.request("POST", "/v1/batch", content=BATCH, headers=basic(f"wk_{number}"))
    assert state.looks == 1


class Away(MemoryState):
    """A state that can be taken away."""

    away = False

    def find(self, kind: type[N]) -> list[N]:
        if self.away:
            raise Busy("the state database did not answer; try again")
        return super().find(kind)


def test_while_the_state_is_away_known_keys_stay_good_and_others_may_come_again() -> None:
    state = Away()
    door = Door(state=state)
    assert door.post(BATCH).status_code == 200
    state.away = True
    for _ in range(3):
        door.clock[0] += 1_000_001
        assert door.post(BATCH).status_code == 200
        other = door.request("POST", "/v1/batch", content=BATCH, headers=basic("wk_new"))
        assert (other.status_code, other.headers["retry-after"]) == (503, "1")
    state.away = False
    door.clock[0] += 1_000_001
    assert door.request("POST", "/v1/batch", content=BATCH, headers=basic("wk_new")).status_code == 401


def test_who_never_read_the_state_lets_nobody_in_and_sends_nobody_away() -> None:
    state = Away()
    door = Door(state=state)
    state.away = True
    assert door.post(BATCH).status_code == 503
