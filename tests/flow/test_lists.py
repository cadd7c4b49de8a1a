"""Saved lists: whom a file names, for rules to ask about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.flow.site import event
from tests.flow.test_working import came, finished, house, inside, meant, saved  # noqa: F401  a fixture
from tests.web.shop import DRAFT, NOW
from volano.domain.event import IDENTIFIED
from volano.domain.saved_list import Members, SavedList
from volano.domain.work import Work
from volano.errors import BadInput, BadRule
from volano.flow import segments
from volano.flow.asking import groups_of
from volano.flow.everybody import everybody
from volano.flow.launch import publish
from volano.flow.lists import MOST, column_of, drop_list, save_list
from volano.observe.identity import identity
from volano.rules.words import sentence
from volano.wiring import House, open_table

VIP: dict[str, Any] = {"email": {"$inGroup": "vip"}}


def listed(house: House, *values: str, key: str = "vip") -> SavedList:  # noqa: F811
    return save_list(house.state, house.profiles, SavedList(key=key, name=""), values, now=NOW)


def told(house: House, *names: str) -> None:  # noqa: F811
    """These told their addresses."""
    came(
        house,
        *(
            event(IDENTIFIED, user=one, kind="identify", properties={"email": f"{one}@shop.example"})
            for one in names
        ),
    )


def test_a_segment_follows_its_list(house: House) -> None:  # noqa: F811
    told(house, "ann", "bob")
    kept = listed(house, " ann@shop.example", "ann@shop.example", "")
    assert (kept.name, kept.members, kept.round) == ("vip", 1, 0)
    saved(house, VIP)
    finished(house)
    assert inside(house) == [identity("u:ann")]
    assert listed(house, "bob@shop.example").round == 1
    finished(house)
    assert inside(house) == [identity("u:bob")]
    told(house, "cleo")
    listed(house, "bob@shop.example", "cleo@shop.example", "dan@shop.example")
    finished(house)
    told(house, "dan")
    assert inside(house) == sorted(identity(f"u:{one}") for one in ("bob", "cleo", "dan"))


def test_a_preview_counts_whom_a_list_names_and_says_its_name(house: House) -> None:  # noqa: F811
    told(house, "ann", "bob")
    listed(house, "ann@shop.example")
    people = everybody(house, now=NOW)
    seen = segments.preview(house.lake, people, VIP, now=NOW, groups=groups_of(house.state, [VIP]))
    assert (seen.size, sentence(VIP)) == (1, "email in the list vip")
    assert sentence({"email": {"$notInGroup": "vip"}}) == "email not in the list vip"


def test_a_campaign_means_whom_a_list_names(house: House) -> None:  # noqa: F811
    told(house, "ann", "bob")
    listed(house, "ann@shop.example")
    house.state.put(replace(DRAFT, audience=VIP))
    publish(house.state, DRAFT.key, now=NOW)
    assert (meant(house, "ann"), meant(house, "bob")) == ([DRAFT.key], [])


def test_a_rule_that_names_a_list_that_is_not_there_is_refused(house: House) -> None:  # noqa: F811
    said = "there is no list 'vip'"
    with pytest.raises(BadRule, match=said):
        saved(house, {"$or": [{"orders": 1}, VIP]})
    with pytest.raises(BadRule, match=said):
        segments.preview(house.lake, everybody(house, now=NOW), VIP, now=NOW, groups={})
    house.state.put(replace(DRAFT, audience=VIP))
    with pytest.raises(BadRule, match=said):
        publish(house.state, DRAFT.key, now=NOW)
    saved(house, {"segments": {"$inGroup": "x2"}})  # a segment's name is none


def test_a_list_that_a_rule_names_stays(house: House) -> None:  # noqa: F811
    listed(house, "a@b.example")
    assert house.state.find(Work) == []
    saved(house, VIP)
    with pytest.raises(BadInput, match="the segment 'x' names the list 'vip'; change it first"):
        drop_list(house.state, house.profiles, "vip")
    segments.drop(house.state, house.profiles, "x", now=NOW)
    drop_list(house.state, house.profiles, "vip")
    assert (house.state.find(SavedList), house.state.find(Members)) == ([], [])


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("Bad Key", ["x"], "small letters"),
        ("vip", [" "], "would be empty"),
        ("vip", map(str, range(MOST + 1)), "at most 100,000"),
        ("vip", ["x" * 501], "longer than 500"),
    ],
)
def test_what_cannot_be_a_list_is_refused(house: House, key: str, values: Any, said: str) -> None:  # noqa: F811
    with pytest.raises(BadInput, match=said):
        listed(house, *values, key=key)


def test_a_column_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("id,email\n1,a@b.example\n2,\n3,c@d.example\n")
    assert column_of(open_table(file), "email") == ["a@b.example", "c@d.example"]
    for wrong in ("mail", ""):
        with pytest.raises(BadInput, match=r"which column of customers\.csv holds the members: id, email"):
            column_of(open_table(file), wrong)
    file.write_text("email\na@b.example\n")
    assert column_of(open_table(file, header=True), "") == ["a@b.example"]
