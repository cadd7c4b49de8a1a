"""Calls of web hooks: signed as the specification says, and tried again with patience."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from volano.act.hooks import (
    PATIENCE,
    TRIES,
    answered,
    asked_wait,
    back_off,
    body_of,
    headers,
    heard,
    overdue,
    signature,
    silent,
    trouble,
    verified,
)
from volano.domain.answer import Answer
from volano.domain.durations import DAY, HOUR, MINUTE, SECOND
from volano.domain.hook import Call, Said, Secret, Standing

# The example that the specification and its libraries publish (standard-webhooks, MIT).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, SECONDS, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = SECONDS * SECOND
CALL = Call(hook="crm", id="crm_1", person_id=2**62, segment="vip", entered=True, at=NOW, since=NOW)


def failed(status: int = 500, at: int = NOW, **more: int) -> Said:
    return Said(at=at, status=status, words=f"it answered {status}", **more)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    assert signature(SECRET, ID, SECONDS, BODY) == SIGNED
    told = headers(ID, BODY, [Secret(secret=SECRET)], now=NOW)
    assert told == {"webhook-id": ID, "webhook-timestamp": str(SECONDS), "webhook-signature": SIGNED}


def test_while_a_secret_is_replaced_both_sign_and_the_newest_first() -> None:
    secrets = [Secret(secret=SECRET, good_until=NOW + 1), Secret(secret=OTHER)]
    told = headers(ID, BODY, secrets, now=NOW)
    assert told["webhook-signature"] == f"{signature(OTHER, ID, SECONDS, BODY)} {SIGNED}"
    assert all(verified(told, BODY, secret, now=NOW) for secret in (SECRET, OTHER))
    told = headers(ID, BODY, secrets, now=NOW + 1)
    assert (verified(told, BODY, SECRET, now=NOW), verified(told, BODY, OTHER, now=NOW)) == (False, True)


@given(body=st.binary(max_size=50), secret=st.binary(min_size=24, max_size=64), at=st.integers(0, 2**50))
def test_whatever_is_signed_is_verified_and_nothing_else(body: bytes, secret: bytes, at: int) -> None:
    from base64 import b64encode

    told = headers("a-1", body, [Secret(secret=f"whsec_{b64encode(secret).decode()}")], now=at)
    known = f"whsec_{b64encode(secret).decode()}"
    assert verified(told, body, known, now=at)
    assert not verified(told, body + b" ", known, now=at)
    assert not verified(told | {"webhook-id": "a-2"}, body, known, now=at)
    assert not verified(told, body, SECRET, now=at)
    assert not verified(told, body, known, now=at + 6 * MINUTE)
    assert not verified({}, body, known, now=at)


def test_a_call_tells_who_moved_and_when() -> None:
    assert json.loads(body_of(CALL, 7, ["a:phone", "u:ann", "a:kiosk"])) == {
        "type": "segment.entered",
        "timestamp": "2021-02-25T15:02:10.000000Z",
        "data": {"segment": "vip", "person_id": "7", "user_id": "ann", "anonymous_id": "kiosk"},
    }
    left = json.loads(body_of(replace(CALL, entered=False), 7, []))
    assert (left["type"], left["data"]["user_id"], left["data"]["anonymous_id"]) == (
        "segment.left",
        None,
        None,
    )


@given(call=st.text(max_size=9), failures=st.integers(1, 10_000))
def test_a_pause_is_never_longer_than_an_hour_and_doubles_until_then(call: str, failures: int) -> None:
    assert 0 <= back_off(call, failures) < min(SECOND * 2 ** min(failures - 1, 30), HOUR)


def test_pauses_of_two_hooks_fall_apart() -> None:
    assert len({back_off(f"hook_{number}", 9) // SECOND for number in range(50)}) > 40


@pytest.mark.parametrize(
    ("text", "wait"),
    [("", 0), ("7", 7 * SECOND), ("999999999999", DAY), ("-1", 0), ("٣", 0), ("nan", 0), ("Mon, 99 Foo", 0)],
)
def test_retry_after_is_seconds_a_date_or_nothing(text: str, wait: int) -> None:
    assert asked_wait(text, now=NOW) == wait
    assert asked_wait("Thu, 25 Feb 2021 15:02:40 GMT", now=NOW) == 30 * SECOND
    assert asked_wait("Thu, 25 Feb 2021 15:02:00 GMT", now=NOW) == 0


def test_a_taken_call_ends_all_trouble() -> None:
    standing, fate = heard(Standing(failures=7, failing_since=1, next_at=9, delivered=3), CALL, failed(204))
    assert (fate, standing) == ("delivered", Standing(delivered=4, last=(failed(204),)))


def test_a_failed_one_is_tried_again_later_and_not_before_it_was_asked_to() -> None:
    standing, fate = heard(Standing(), CALL, failed(503, wait=HOUR))
    assert (fate, standing.failures, standing.failing_since) == ("again", 1, NOW)
    assert standing.next_at == NOW + HOUR
    standing, _ = heard(standing, CALL, silent("nobody is there", now=NOW + HOUR))
    assert NOW + HOUR <= standing.next_at < NOW + HOUR + 2 * SECOND
    assert (standing.failures, standing.failing_since) == (2, NOW)
    assert [one.words for one in standing.last] == ["nobody is there", "it answered 503"]


def test_after_three_days_of_failing_what_has_waited_as_long_is_dead() -> None:
    standing = Standing(failures=99, failing_since=NOW)
    assert heard(standing, CALL, failed(at=NOW + PATIENCE - 1))[1] == "again"
    assert heard(standing, CALL, failed(at=NOW + PATIENCE))[1] == "dead"
    young = replace(CALL, since=NOW + 1)
    assert heard(standing, young, failed(at=NOW + PATIENCE))[1] == "again"
    assert not overdue(Standing(), replace(CALL, since=0), now=NOW)  # it waits, but nothing has failed


def test_a_call_that_is_refused_for_what_it_says_holds_the_others_up_for_a_while_only() -> None:
    tried = replace(CALL, attempts=TRIES - 1)
    standing, fate = heard(Standing(failures=TRIES - 1, failing_since=NOW - HOUR), tried, failed(422))
    assert (fate, standing.failures, standing.failing_since, standing.next_at) == ("dead", 0, 0, NOW)
    assert heard(Standing(), tried, failed(500))[1] == "again"
    assert heard(Standing(), replace(CALL, attempts=TRIES - 2), failed(422))[1] == "again"


def test_gone_is_the_end_of_the_hook_and_not_of_the_call() -> None:
    assert heard(Standing(), CALL, failed(410))[1] == "off"


def test_an_answer_is_told_in_words() -> None:
    assert answered(Answer(status=301), now=NOW).words.startswith("it answered 301: give the address")
    assert answered(Answer(status=500), now=NOW).words == "it answered 500"
    assert answered(Answer(status=429, retry_after="3"), now=NOW).wait == 3 * SECOND


def test_the_owner_is_told_once_it_lasts_or_too_many_wait() -> None:
    failing = Standing(failures=1, failing_since=NOW, last=(failed(),))
    assert trouble(failing, 3, now=NOW + MINUTE) == ""
    assert trouble(failing, 3, now=NOW + HOUR) == "it answered 500; 3 calls wait"
    assert trouble(Standing(), 1_001, now=NOW) == "it does not keep up: 1,001 calls wait"
