"""Secret keys: made, shown once, known again by their HMAC only, taken away."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
import pytest

from volano.domain.account import SecretKey
from volano.domain.durations import DAY
from volano.errors import BadInput, NotFound
from volano.flow.secret_keys import holder, key_of, make, reinstate, revoke
from volano.testing.state_memory import MemoryState

PEPPER = b"p" * 32
NOW = 1_795_289_253_000_000


def made(state: MemoryState, name: str = "CRM", **more: Any) -> tuple[SecretKey, str]:
    return make(state, PEPPER, name, more.pop("scopes", ["people:read"]), now=NOW, **more)


def test_a_secret_has_256_random_bits_and_is_not_kept() -> None:
    state = MemoryState()
    key, secret = made(state)
    assert secret.startswith("sk_")
    assert len(secret) == 3 + 43  # 256 bits in base64
    assert made(state)[1] != secret
    kept = msgspec.json.encode(state.find(SecretKey)).decode()
    assert secret not in kept
    assert secret[8:] not in kept
    assert key.shown == secret[:7]


def test_what_is_kept_is_an_hmac_under_the_pepper() -> None:
    key, secret = made(MemoryState())
    assert key.digest == hmac.new(PEPPER, secret.encode(), "sha256").hexdigest()


def test_a_key_is_known_by_its_secret_and_no_other() -> None:
    state = MemoryState()
    key, secret = made(state)
    other, second = made(state)
    assert (holder(state, PEPPER, secret), holder(state, PEPPER, second)) == (key, other)
    for text in ("", "sk_", secret[:-1], f"{secret}x", secret.upper(), "\ud800"):
        assert holder(state, PEPPER, text) is None


def test_a_stolen_state_opens_nothing_under_another_pepper() -> None:
    state = MemoryState()
    key, secret = made(state)
    assert holder(state, b"q" * 32, secret) is None
    assert holder(state, b"", secret) is None
    assert holder(state, PEPPER, key.digest) is None


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    state = MemoryState()
    secrets = [made(state)[1] for _ in range(3)]
    compared: list[tuple[Any, Any]] = []
    compare = hmac.compare_digest

    def counted(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    assert holder(state, PEPPER, secrets[0]) is not None
    assert [one for one, _ in compared] == [key.digest for key in state.find(SecretKey)]


def test_keys_of_one_name_are_told_apart() -> None:
    state = MemoryState()
    assert [made(state, name)[0].key for name in ("CRM", "crm", "¡!", "CRM")] == [
        "crm",
        "crm-2",
        "key",
        "crm-3",
    ]


def test_scopes_are_kept_once_each_and_in_order() -> None:
    scopes = ["segments:read", "people:read", "segments:read"]
    assert made(MemoryState(), scopes=scopes)[0].scopes == ("people:read", "segments:read")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"scopes": []}, "people:read, people:forget, segments:read"),
        ({"scopes": ["people:eat"]}, "'people:eat' is no scope"),
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 101}, "at most 100"),
        ({"days": 0}, "good for 0 days"),
        ({"days": float("nan")}, "good for nan days"),
        ({"days": 9_999}, "from 0 to 3,650"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_one_sentence(more: dict[str, Any], told: str) -> None:
    state = MemoryState()
    with pytest.raises(BadInput, match=told):
        made(state, **more)
    assert state.find(SecretKey) == []


def test_a_key_has_an_end_if_it_is_given_one() -> None:
    assert made(MemoryState())[0].good_until == 0
    assert made(MemoryState(), days=1.5)[0].good_until == NOW + DAY * 3 // 2


def test_a_key_is_revoked_once_and_that_is_taken_back() -> None:
    state = MemoryState()
    key, _ = made(state)
    revoke(state, "crm", now=NOW + 1)
    assert revoke(state, "crm", now=NOW + 2).revoked_at == NOW + 1
    assert reinstate(state, "crm") == key
    with pytest.raises(NotFound, match="no secret key 'erp'; there are: crm"):
        key_of(state, "erp")
