"""Files as people have them: every shape is read, every broken one is named with its mend."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.adapters.table_file import open_table
from volano.adapters.table_text import Shape, delimited, sniff
from volano.domain.texts import Texts
from volano.errors import BadFile
from volano.ports import TableFile


def written(folder: Path, content: str | bytes, name: str = "shop.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def whole(file: TableFile, rows: int = 1000) -> Texts:
    parts = list(file.chunks(rows))
    return Texts(
        table=pa.concat_tables([part.table for part in parts], promote_options="default"),
        lines=[line for part in parts for line in part.lines.tolist()],
        refusals=tuple(refusal for part in parts for refusal in part.refusals),
    )


def rows_of(path: Path, header: bool | None = None) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = whole(open_table(path, header=header)).table.to_pylist()
    return found


TABLE = [
    {"who": "a", "when": "2020-01-02 10:00:00", "paid": "1.50"},
    {"who": "b", "when": "2020-01-03", "paid": "2"},
]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_each_delimiter_is_recognised(tmp_path: Path, mark: str) -> None:
    lines = [mark.join(TABLE[0]), *(mark.join(row.values()) for row in TABLE)]
    for end in ("\n", "\r\n", "\r"):
        assert rows_of(written(tmp_path, end.join(lines))) == TABLE


def test_a_table_set_with_blanks_is_cut_at_runs_of_them(tmp_path: Path) -> None:
    path = written(tmp_path, " id  date  paid\r\n 00001 19970101  1.10\r\n 00002\t19970112   12.00\r\n")
    assert rows_of(path) == [
        {"id": "00001", "date": "19970101", "paid": "1.10"},
        {"id": "00002", "date": "19970112", "paid": "12.00"},
    ]


def test_columns_of_a_file_without_header_are_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "ann,2020-01-02,3.5\nbob,2020-01-03,4\n")
    assert rows_of(path)[0] == {"1": "ann", "2": "2020-01-02", "3": "3.5"}
    assert rows_of(path, header=True) == [{"ann": "bob", "2020-01-02": "2020-01-03", "3.5": "4"}]


def test_a_header_can_be_denied(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "ann,signup\nbob,visit\n"), header=False)[0] == {
        "1": "ann",
        "2": "signup",
    }


def test_nameless_and_twin_columns_stay_apart() -> None:
    assert sniff([",who,who\n", "1,a,b\n"]).columns == ("1", "who", "who (3)")


def test_a_decimal_comma_does_not_pass_for_a_delimiter() -> None:
    assert sniff(["who;when;paid\n", "a;2020-01-02;1,50\n", "b;2020-01-02;2,50\n"]).delimiter == ";"


def test_quoted_fields_may_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    path = written(tmp_path, 'who,say,n\na,"one, ""two""\nthree",1\nb,plain,2\n')
    found = whole(open_table(path))
    assert found.table.column("say").to_pylist() == ['one, "two"\nthree', "plain"]
    assert found.lines == [2, 4]


def test_a_row_of_another_width_is_refused_alone(tmp_path: Path) -> None:
    found = whole(open_table(written(tmp_path, "who,say\na,1\nb\n\nc,1,2\nd,4,,\ne,5\n")))
    assert found.table.column("who").to_pylist() == ["a", "d", "e"]
    assert [(refusal.index, refusal.message, refusal.sample) for refusal in found.refusals] == [
        (3, "1 field where 2 are expected", "b"),
        (5, "3 fields where 2 are expected", "c,1,2"),
    ]
    assert found.lines == [2, 6, 7]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    found = whole(open_table(written(tmp_path, 'who,say\na,"oops\nb,2\nc,"fine"\nd,"never\ne,5\n')))
    assert found.table.column("who").to_pylist() == ["b", "c", "e"]
    assert [(refusal.index, refusal.sample) for refusal in found.refusals] == [
        (2, 'a,"oops'),
        (5, 'd,"never'),
    ]


def test_two_stray_quotes_do_not_swallow_the_lines_between(tmp_path: Path) -> None:
    found = whole(open_table(written(tmp_path, 'who,say\na,"x\nb,2\nc,3\nd,x",4\ne,5\n')))
    assert found.table.column("who").to_pylist() == ["b", "c", "e"]
    assert [refusal.index for refusal in found.refusals] == [2, 5]


def test_lines_are_counted_through_stretches(tmp_path: Path) -> None:
    path = written(tmp_path, "who,n\n" + "".join(f'p{n},"{n}"\n' if n % 7 else f"p{n}\n" for n in range(100)))
    found = whole(open_table(path), rows=9)
    assert found.lines == [n + 2 for n in range(100) if n % 7]
    assert [refusal.index for refusal in found.refusals] == [n + 2 for n in range(0, 100, 7)]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@given(
    st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12),
    st.sampled_from(",;\t|"),
    st.integers(1, 5),
)
def test_what_a_csv_writer_writes_is_read_back(
    rows: list[tuple[str, str, str]], mark: str, at_once: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL).writerows(rows)
    shape = Shape(delimiter=mark, header=False, columns=("1", "2", "3"))
    parts = [part for part, _, _ in delimited(io.StringIO(text.getvalue(), newline=""), shape, at_once)]
    found = [tuple(row.values()) for part in parts for row in part.to_pylist()]
    assert found == rows


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"who,n\na,1\n"), "shop.csv")
    assert rows_of(path) == [{"who": "a", "n": "1"}]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, b"\xef\xbb\xbfwho,n\nZo\xc3\xab,1\n")) == [{"who": "Zoë", "n": "1"}]


def test_json_lines_keep_numbers_as_written_and_flatten_objects(tmp_path: Path) -> None:
    text = '{"who":"a","n":1.10,"p":{"x":true,"y":[1]}}\n\n{"who":"b","z":null}\nnot json\n[1]\n'
    found = whole(open_table(written(tmp_path, text, "shop.jsonl")))
    assert found.table.to_pylist() == [
        {"who": "a", "n": "1.10", "p.x": "true", "p.y": "[1]", "z": None},
        {"who": "b", "n": None, "p.x": None, "p.y": None, "z": None},
    ]
    assert found.lines == [1, 3]
    assert [refusal.index for refusal in found.refusals] == [4, 5]


def test_what_no_reader_should_choke_on_is_refused_alone(tmp_path: Path) -> None:
    deep = '{"who":' * 100_000 + "1" + "}" * 100_000
    text = "\n".join(['{"who":"a"}', '{"who":"\\ud800"}', '{"n":' + "1" * 5000 + "}", deep, '{"who":"b"}'])
    found = whole(open_table(written(tmp_path, text, "shop.jsonl")))
    assert found.table.column("who").to_pylist() == ["a", "b"]
    assert [refusal.index for refusal in found.refusals] == [2, 3, 4]
    long = whole(open_table(written(tmp_path, 'who,n\n"' + "x" * 200_000 + '",1\nb,2\n')))
    assert [refusal.message for refusal in long.refusals] == ["a field is longer than 128 KB"]


def test_parquet_is_read_as_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "who": pa.array(["a", "b"]).dictionary_encode(),
            "at": pa.array([1_572_631_153_273_932, None], pa.timestamp("us", tz="Europe/Rome")),
            "day": pa.array([0, 1], pa.date32()),
            "paid": pa.array([1.5, -2.25]),
            "tags": pa.array([[1], None], pa.list_(pa.int64())),
        }
    )
    for name, packed in (("shop.parquet", False), ("shop.parquet.gz", True)):
        pq.write_table(table, tmp_path / "plain")
        content = (tmp_path / "plain").read_bytes()
        path = written(tmp_path, gzip.compress(content) if packed else content, name)
        assert whole(open_table(path), rows=1).table.to_pylist() == [
            {
                "who": "a",
                "at": "2019-11-01 17:59:13.273932Z",
                "day": "1970-01-01",
                "paid": "1.5",
                "tags": "[1]",
            },
            {"who": "b", "at": None, "day": "1970-01-02", "paid": "-2.25", "tags": None},
        ]


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    file = open_table(written(tmp_path, "who,n\n" + "a,1\n" * 30_000))
    done = [part.done for part in file.chunks(10_000)]
    assert done == sorted(done)
    assert done[-1] == file.size


def broken_files() -> list[tuple[str, bytes, str]]:
    noise = "".join(f"p{n * 7919},{n * n}\n" for n in range(20_000)).encode()
    packed = gzip.compress(b"who,n\n" + noise, mtime=0)
    table = io.BytesIO()
    pq.write_table(pa.table({"who": ["a"] * 1000}), table)
    return [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("latin.csv", "who,n\nZoë,1\n".encode("latin1"), "iconv -f latin1 -t utf-8"),
        ("wide.csv", "who,n\na,1\n".encode("utf-16"), "iconv -f utf-16 -t utf-8"),
        ("bare.csv", "who,n\na,1\n".encode("utf-16-le"), "iconv -f utf-16le -t utf-8"),
        ("short.csv.gz", packed[: len(packed) // 2], "broken gzip"),
        ("bent.csv.gz", packed[:200] + b"\0\1\2\3" + packed[204:], "broken gzip"),
        ("short.parquet", table.getvalue()[:-20], "broken Parquet"),
        ("book.xlsx", b"PK\x03\x04rest", "save it as CSV"),
        ("list.json", b'[{"who":"a"}]', "one object a line"),
        ("pretty.json", b'{\n  "who": "a"\n}\n', "one object a line"),
        ("noise.bin", b"x" * (1 << 20), "is it a table"),
    ]


@pytest.mark.parametrize(("name", "content", "mend"), broken_files(), ids=lambda value: str(value)[:20])
def test_a_broken_file_is_named_with_its_mend(tmp_path: Path, name: str, content: bytes, mend: str) -> None:
    with pytest.raises(BadFile, match=mend) as caught:
        whole(open_table(written(tmp_path, content, name)))
    assert name in caught.value.message
    assert "\n" not in caught.value.message


def test_another_encoding_far_into_the_file_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, b"who,n\n" + b"ann,1\n" * 300_000 + b"Zo\xeb,1\n")
    with pytest.raises(BadFile, match="byte 0xeb"):
        whole(open_table(path))


def test_missing_files_and_directories_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is no file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(BadFile, match="is a directory"):
        open_table(tmp_path)
