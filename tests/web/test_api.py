"""What programs ask: the same as commands and pages say, page by page, in ids that no program rounds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.flow.site import event
from tests.web.known import ANN, BOB, PHONE, ann, came_to, frame, many
from tests.web.program import Program, program
from tests.web.shop import NOW
from tests.web.visitor import Visitor
from volano.domain.erasure import Receipt
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.flow.forgetting import mark
from volano.flow.handing_out import export
from volano.flow.joining import merge
from volano.flow.kept_segments import member_page
from volano.flow.people import find, person
from volano.flow.segments import save
from volano.flow.shop import save_shop
from volano.web.api.answers import ANSWERS
from volano.web.api.calls import BODY_LIMIT, BY_NAME

NEW = "/segments/new/people"


@pytest.fixture
def crm() -> Program:
    """A program that may do everything in the house that Ann and Bob came to."""
    return program(ann())


@pytest.fixture(scope="module")
def reader() -> Program:
    """The same for those who change nothing."""
    return program(ann())


def pages(crm: Program, path: str, rows: str, place: str, limit: int) -> list[list[Any]]:
    """All pages of a list."""
    found, told = [], crm.told(path, limit=limit)
    while True:
        found.append(told[rows])
        if told["next"] is None:
            return found
        told = crm.told(path, limit=limit, **{place: told["next"]})


def test_every_call_has_an_answer() -> None:
    assert ANSWERS.keys() == BY_NAME.keys()


@pytest.mark.parametrize("text", ["ann", "u:ann", "ANN@shop.example", "phone", "a:phone", str(ANN)])
def test_people_are_found_as_the_console_finds_them(reader: Program, text: str) -> None:
    (found,) = reader.sent("/people/find", {"id": text})["people"]
    (known,) = find(reader.house, text)
    assert found == {
        "person_id": str(ANN),
        "by": known.by,
        "identities": 2,
        "email": "ann@shop.example",
        "first_seen": known.first_seen,
        "last_seen": known.last_seen,
        "orders": 1,
    }


def test_nobody_is_found_in_silence_and_several_are_all_told(crm: Program) -> None:
    assert crm.sent("/people/find", {"id": "nobody"}) == {"people": []}
    came_to(crm.app, frame(event(anon="ann", time=NOW)))
    assert len(crm.sent("/people/find", {"id": "ann"})["people"]) == 2


def test_a_person_is_told_with_ids_traits_segments_and_what_happened(reader: Program) -> None:
    told, known = reader.told(f"/people/{ANN}"), person(reader.house, ANN, now=NOW)
    assert told["person_id"] == str(ANN)
    assert [one["known_as"] for one in told["identities"]] == ["u:ann", "a:phone"]
    assert told["identities"][1]["joins"][0]["reason"] == "identify"
    assert (told["traits"]["orders"], told["traits"]["revenue"], told["traits"]["traits.plan"]) == (
        1,
        4000,
        "gold",
    )
    assert {one["name"] for one in told["given"]} == {"email", "plan", "note", "consent.email"}
    assert [one["key"] for one in told["segments"]] == [one.key for one in known.segments]
    assert told["segments"][0]["why"] == known.segments[0].why
    assert told["timeline"][0]["event"] == "Segment Entered"
    assert {type(row["id"]) for row in told["timeline"]} == {str}
    assert told["next"] is None


def test_who_was_joined_since_is_told_under_the_earlier_id(crm: Program) -> None:
    merge(crm.house, ANN, BOB, by="owner", now=NOW)
    one, other = (crm.told(f"/people/{each}") for each in (ANN, BOB))
    assert one == other
    assert {each["known_as"] for each in one["identities"]} >= {"u:ann", "u:bob"}


@pytest.mark.parametrize("limit", [3, 1_000])
def test_a_timeline_goes_back_page_by_page_and_misses_and_repeats_nothing(crm: Program, limit: int) -> None:
    came_to(crm.app, frame(*(event(f"e{at}", user="carl", time=NOW - at // 8) for at in range(20))))
    (carl,) = crm.sent("/people/find", {"id": "u:carl"})["people"]
    found = pages(crm, f"/people/{carl['person_id']}", "timeline", "before", limit)
    assert {len(page) for page in found[:-1]} <= {limit}
    rows = [row for page in found for row in page]
    assert len({row["id"] for row in rows}) == len(rows)
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)
    assert {f"e{at}" for at in range(20)} <= {row["event"] for row in rows}


def test_a_timeline_is_asked_before_a_moment(reader: Program) -> None:
    whole = reader.told(f"/people/{ANN}")["timeline"]
    second = [row for row in whole if row["time"] < whole[0]["time"]]
    assert reader.told(f"/people/{ANN}", before=whole[0]["time"])["timeline"] == second
    assert reader.told(f"/people/{ANN}", before=9 * 10**18)["timeline"] == whole


def test_all_of_somebody_is_handed_out_as_the_command_does(reader: Program) -> None:
    told = reader.told(f"/people/{ANN}/export")
    assert told == json.loads(msgspec.json.encode(export(reader.house, ANN, now=NOW)))
    assert "ann@shop.example" in json.dumps(told)


@pytest.mark.parametrize("text", ["x", "-1", "9" * 30, str(2**63), "5", "%20", "7.0"])
def test_a_person_who_is_not_there_is_404(reader: Program, text: str) -> None:
    for path in (f"/people/{text}", f"/people/{text}/export"):
        answer = reader.ask("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_people_are_forgotten_with_a_receipt_that_names_nobody(crm: Program) -> None:
    receipt = crm.sent("/people/forget", {"ids": ["ann", "u:never"]})
    assert receipt["people"] == 1
    assert receipt["rows"]["events"] > 0
    assert mark(receipt["secret"], "ann") in receipt["marks"]
    (kept,) = crm.house.state.find(Receipt)
    assert (kept.key, kept.secret) == (receipt["key"], "")
    assert crm.sent("/people/find", {"id": "ann@shop.example"}) == {"people": []}
    assert crm.ask("GET", f"/people/{ANN}").status_code == 404
    assert crm.ask("GET", f"/people/{PHONE}").status_code == 404
    assert crm.told(f"/people/{BOB}")["person_id"] == str(BOB)
    again = crm.sent("/people/forget", {"ids": ["ann"]})
    assert (again["people"], again["rows"]) == (0, {})


def test_whom_a_program_forgets_is_off_the_pages_at_once(crm: Program) -> None:
    owner = Visitor(crm.app, clock=crm.clock)
    owner.sign_in()
    assert "ann@shop.example" in owner.see("/people").text
    crm.sent("/people/forget", {"ids": ["ann"]})
    assert "ann" not in owner.see("/people").text.split("<main")[1]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/people/find", b"", "malformed"),
        ("/people/find", b'{"id": ', "malformed"),
        ("/people/find", b'{"id": "\xff"}', "malformed"),
        ("/people/find", b'{"id": "x", "more": ' + b"[" * 100_000, "bad_body"),
        ("/people/find", b'{"id": ' + b"[" * 100_000, "bad_body"),
        ("/people/find", b'{"id": "\\ud800"}', "malformed"),
        ("/people/find", b"[]", "bad_body"),
        ("/people/find", b"{}", "bad_body"),
        ("/people/find", b'{"id": 7}', "bad_body"),
        ("/people/find", b'{"id": ""}', "bad_body"),
        ("/people/find", b'{"id": "ann", "ids": []}', "bad_body"),
        ("/people/forget", b'{"ids": []}', "bad_body"),
        ("/people/forget", b'{"ids": "ann"}', "bad_body"),
        ("/people/forget", b'{"ids": ["ann", null]}', "bad_body"),
        ("/people/forget", b'{"ids": ["' + b"x" * 501 + b'"]}', "bad_body"),
        ("/people/forget", json.dumps({"ids": ["x"] * 10_001}).encode(), "bad_body"),
    ],
)
def test_a_body_that_is_not_as_it_should_be_changes_nothing(
    reader: Program, path: str, body: bytes, code: str
) -> None:
    answer = reader.ask("POST", path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert reader.house.state.find(Receipt) == []


def test_a_body_beyond_the_limit_is_413(reader: Program) -> None:
    answer = reader.ask("POST", "/people/forget", content=b" " * (BODY_LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/people/{ANN}?limit=0", "from 1 to 1,000"),
        (f"/people/{ANN}?limit=", "from 1 to 1,000"),
        (f"/people/{ANN}?limit=1001", "from 1 to 1,000"),
        (f"/people/{ANN}?limit=%D9%A3", "from 1 to 1,000"),
        (f"/people/{ANN}?befor=7", "there are: limit, before"),
        (f"/people/{ANN}?before=soon", "no place in a timeline"),
        (f"/people/{ANN}?before=7.x", "no place in a timeline"),
        (f"/people/{ANN}/export?limit=7", "there are: none"),
        (f"{NEW}?after=-1", "give what `next` said"),
        (f"{NEW}?after={2**63}", "give what `next` said"),
        (f"{NEW}?limit=many", "from 1 to 1,000"),
    ],
)
def test_a_bad_parameter_is_named_and_never_passed_over(reader: Program, path: str, told: str) -> None:
    answer = reader.ask("GET", path)
    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_segments_are_told_with_size_and_rule_in_words(reader: Program) -> None:
    told = reader.told("/segments")
    assert (told["everybody"], told["as_of"]) == (2, NOW)
    assert [one["key"] for one in told["segments"]] == [one.key for one in reader.house.state.find(Segment)]
    new = next(one for one in told["segments"] if one["key"] == "new")
    assert (new["people"], new["said"]) == (2, "days since first seen less than 7")
    assert reader.told("/segments/new") == new
    assert new["rule"] == reader.house.state.get(Segment, "new").rule


def test_a_rule_that_cannot_be_read_any_more_does_not_hide_the_others(crm: Program) -> None:
    crm.house.state.put(Segment(key="odd", name="Odd", rule={"$nonsense": 1}))
    assert crm.told("/segments/odd")["said"].startswith("cannot be read: ")
    assert crm.told("/segments/new")["people"] == 2


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_members_come_page_by_page_each_once_and_without_staff(limit: int) -> None:
    crm = program(many(10))
    save_shop(crm.house.state, Shop(staff=("n3",)), now=NOW)
    found = pages(crm, NEW, "people", "after", limit)
    members = [one for page in found for one in page]
    assert sorted(one["known_as"] for one in members) == sorted(f"u:n{at}" for at in range(10) if at != 3)
    ids = [int(one["person_id"]) for one in members]
    assert ids == sorted(set(ids))
    assert {one["since"] for one in members} == {NOW}
    assert {len(page) for page in found[:-1]} <= {limit}


def test_a_cursor_holds_while_people_come_and_go() -> None:
    crm = program(many(10))
    first = crm.told(NEW, limit=4)
    seen = [one["known_as"] for one in first["people"]]
    crm.sent("/people/forget", {"ids": [seen[1]]})
    came_to(crm.app, frame(event(user="late", time=NOW)))
    rest = crm.told(NEW, after=first["next"])["people"]
    told = [*seen, *(one["known_as"] for one in rest)]
    assert {f"u:n{at}" for at in range(10)} <= set(told)
    assert len(told) == len(set(told))


def test_of_a_large_shop_a_page_looks_at_so_many_and_says_where_to_go_on() -> None:
    crm = program(many(10))
    save(
        crm.house.state,
        crm.house.profiles,
        Segment(key="few", name="Few", rule={"events": {"$gte": 9}}),
        now=NOW,
    )
    places: list[int] = []
    after: int | None = -1
    while after is not None:
        found, after = member_page(crm.house, "few", staff=(), after=after, limit=5, look=4)
        assert found == []
        places += [after] if after is not None else []
    assert len(places) == 2
    assert places == sorted(places)


def test_a_segment_that_is_not_there_is_404(reader: Program) -> None:
    for path in ("/segments/none", "/segments/none/people"):
        answer = reader.ask("GET", path)
        assert (answer.status_code, answer.json()["message"]) == (
            404,
            "there is no segment with the key 'none'",
        )
