"""Columns of texts: hashes as everywhere, spellings without collisions, objects that are JSON."""

from __future__ import annotations

import json

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from volano.maths.hashing import hash63
from volano.observe.columns import cleaned, hashes, hashes_once, objects, spelled

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.none() | words, min_size=1, max_size=20))
def test_hashes_are_those_of_one_text(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    expected = [None if text is None else hash63(text) for text in texts]
    assert hashes(column).to_pylist() == expected
    assert hashes_once(column).to_pylist() == expected


def test_hashes_are_those_of_the_engine() -> None:
    texts = pa.table({"t": ["u:1", "a:ë", ""]})
    with duckdb.connect() as connection:
        found = connection.from_arrow(texts).project("(md5_number_lower(t) >> 1)::BIGINT").fetchall()
    assert hashes(texts.column("t").combine_chunks()).to_pylist() == [row[0] for row in found]


@given(st.lists(st.tuples(words, words), min_size=2, max_size=10, unique=True))
def test_different_rows_are_spelled_differently(rows: list[tuple[str, str]]) -> None:
    plain = [(one.replace("\x1f", "␟"), two.replace("\x1f", "␟")) for one, two in rows]
    columns = [pa.array(list(column), pa.string()) for column in zip(*rows, strict=True)]
    assert len(set(spelled(*columns).to_pylist())) == len(set(plain))


def test_words_for_nothing_are_nothing() -> None:
    assert cleaned(pa.array(["NULL", " \\N ", "nan", "NA", "\t0 "])).to_pylist() == [
        None,
        None,
        None,
        "NA",
        "0",
    ]


@given(st.lists(st.none() | words, min_size=1, max_size=10), words)
def test_objects_are_json_with_what_is_there(texts: list[str | None], name: str) -> None:
    found = objects({name: pa.array(texts, pa.string())}, len(texts))
    for text, written in zip(texts, found.to_pylist(), strict=True):
        value = json.loads(written).get(name)
        assert (value is None) == (text is None)
        assert value is None or value == text or float(str(text)) == value


def test_a_row_without_properties_is_an_empty_object() -> None:
    assert objects({}, 2).to_pylist() == ["{}", "{}"]
    assert objects({"a": pa.array([None], pa.string())}, 1).to_pylist() == ["{}"]


def test_numbers_too_long_for_a_double_stay_texts() -> None:
    assert objects({"n": pa.array(["12345678901234567"])}, 1).to_pylist() == ['{"n":"12345678901234567"}']
