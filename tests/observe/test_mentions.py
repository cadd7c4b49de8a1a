"""Texts that were kept as they came name somebody, in whatever spelling."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.observe.identity import address_key, identity
from volano.observe.mentions import NAMED, Mentions, named_in

IDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20).filter(
    lambda one: any(map(str.isalnum, one))
)


def test_a_text_mentions_an_id_that_has_blanks_or_was_cut() -> None:
    mentions = Mentions(["ann smith", "00ff77aa-1"])
    assert mentions.within("name: ann smith!")
    assert mentions.within('{"anonymousId":"00ff77a')
    assert not mentions.within('{"anonymousId":"00ff')


@pytest.mark.parametrize(
    ("id_", "text"),
    [
        ("김철수", json.dumps({"userId": "김철수"})),
        ("김철수", json.dumps({"userId": "김철수"})[:-8]),
        ("🦊fox", json.dumps({"inner": json.dumps({"userId": "🦊fox"})})),
        ("ann@shop.example", '{"email":"Ann@Shop.EXAMPLE"}'),
        ("ann@shop.example", '{"url":"https://x/?e=ann%40shop.example"}'),
        ("ann@shop.example", '{"url":"https://x/?e=ann%40shop%2'),
        ("ann@shop.example", '{"to":"<ann@shop.example>"}'),
        ("ann@shop.example", '{"to":"mailto:ann@shop.example?subject=x"}'),
        ("user-7", '{"url":"https://x/u?id=user-7&x=1"}'),
        ("user-7", '{"path":"/account/user-7"}'),
        ("ann/1", '{"userId":"ann\\/1"}'),
        ('a"b', json.dumps({"userId": 'a"b'})),
    ],
)
def test_an_id_is_found_in_the_spellings_of_json_and_of_addresses(id_: str, text: str) -> None:
    assert Mentions([id_]).within(text)


@pytest.mark.parametrize("text", ['{"userId":"joanne"}', '{"price":1142}', '{"path":"/ann-marie"}', ""])
def test_a_part_of_something_longer_is_nobody(text: str) -> None:
    assert not Mentions(["ann", "42"]).within(text)


@given(IDS)
def test_whoever_stands_in_an_event_is_found_there(id_: str) -> None:
    mentions = Mentions([id_])
    assert mentions.within(json.dumps({"userId": id_}))
    assert mentions.within(json.dumps({"userId": id_}, ensure_ascii=False))
    assert mentions.within(f"https://shop.example/?id={quote(id_, safe='')}&x=1")


@given(IDS, st.sampled_from(["userId", "anonymous_id", "distinct_id", "uid", "$device_id"]))
def test_whom_an_event_names_is_known_by_the_whole_of_it(id_: str, key: str) -> None:
    raw = json.dumps({"note": "x" * 5_000, key: id_}).encode()
    assert {identity(f"u:{id_}"), identity(f"a:{id_}")} <= set(named_in(raw))


def test_a_broken_event_names_somebody_too_and_never_too_many() -> None:
    assert named_in(b'{"email": "Ann@shop.example", "userId": ') == (address_key("ann@shop.example"),)
    crowd = ",".join(f'"userId":"{at}"' for at in range(99)).encode()
    assert len(named_in(crowd)) == 2 * NAMED
