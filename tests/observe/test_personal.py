"""Personal values are taken out of properties and put back, whatever they look like."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.event import IDENTIFIED
from volano.observe.personal import joined, split, worth_a_look

NAMES = st.sampled_from(
    ["email", "E-Mail", "firstName", "last_name", "name", "plan", "traits", "$set", "consent", "street 2", ""]
)
FLAT: Any = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just("ann@shop.example"), st.just("@")
)
VALUES = st.recursive(
    FLAT, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=6
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)


def taken(properties: dict[str, Any], *, identified: bool = False) -> Any:
    """What is taken out."""
    personal = split(json.dumps(properties), identified=identified).personal
    return json.loads(personal) if personal else {}


@settings(max_examples=60, deadline=None)
@given(told=OBJECTS, identified=st.booleans(), indent=st.sampled_from([None, 1]))
def test_what_was_split_is_joined_to_the_same(told: dict[str, Any], identified: bool, indent: int) -> None:
    text = json.dumps(told, indent=indent, ensure_ascii=False)
    rest, personal, email = split(text, identified=identified)
    assert json.loads(joined(rest, personal) if personal else rest) == told
    assert split(rest, identified=identified)[:2] == (rest, "")
    assert email in personal
    assert not email or "@" in email


@settings(max_examples=60, deadline=None)
@given(told=OBJECTS, identified=st.booleans())
def test_whatever_has_something_to_take_out_is_worth_a_look(told: dict[str, Any], identified: bool) -> None:
    event = pa.chunked_array([[IDENTIFIED if identified else "Page Viewed"]])
    for escaped in (True, False):
        text = json.dumps(told, ensure_ascii=escaped)
        if split(text, identified=identified).personal:
            assert worth_a_look(event, pa.chunked_array([[text]])).to_pylist() == [True]


@pytest.mark.parametrize(
    "name",
    "email E-Mail emailAddress $email phone phoneNumber mobile_phone firstName first_name LASTNAME username"
    " user-name address shipping_address addressLine1 street street2 birthday birth_date avatar".split(),
)
def test_what_stands_under_a_name_of_a_persons_own_is_taken_out(name: str) -> None:
    assert taken({name: "Elm Street 7", "plan": "pro"}) == {name: "Elm Street 7"}
    assert taken({"customer": {name: 17, "plan": "pro"}}) == {"customer": {name: 17}}


@pytest.mark.parametrize(
    "told",
    [
        {"name": "Shoe", "product": {"name": "Shoe"}},
        {"consent": {"email": True, "phone": False}, "email": None},
        {"email_type": "welcome", "products": [{"name": "Shoe"}], "mailing": "x", "addresses": 2},
        {"a": {"b": {"email": "ann@shop.example"}}},
        {"said": "write to ann@shop.example"},
        {"path": "\\u0040"},
    ],
)
def test_what_is_nobodys_own_stays(told: dict[str, Any]) -> None:
    assert taken(told) == {}


def test_a_bare_name_is_a_persons_where_traits_are_told() -> None:
    assert taken({"name": "Ann"}, identified=True) == {"name": "Ann"}
    assert taken({"name": "Shoe", "traits": {"name": "Ann"}}) == {"traits": {"name": "Ann"}}
    assert taken({"$set": {"name": "Ann"}, "$set_once": {"name": "Bo", "vip": True}}) == {
        "$set": {"name": "Ann"},
        "$set_once": {"name": "Bo"},
    }


def test_a_text_that_is_an_address_is_taken_out_whatever_it_is_called() -> None:
    assert taken({"login": "ann@shop.example", "n": 1}) == {"login": "ann@shop.example"}
    text = '{"log\\u0069n":"ann\\u0040shop.example"}'
    assert split(text, identified=False).email == "ann@shop.example"
    assert worth_a_look(pa.chunked_array([["x"]]), pa.chunked_array([[text]])).to_pylist() == [True]


def test_the_address_under_the_name_of_one_counts_first() -> None:
    told = {"friend": "bo@shop.example", "traits": {"Email": "ann@shop.example"}}
    assert split(json.dumps(told), identified=False).email == "ann@shop.example"


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '"ann@shop.example"', '{"email":', "[" * 9_999])
def test_what_is_no_object_stays_as_it_is(text: str) -> None:
    assert split(text, identified=True) == (text, "", "")
