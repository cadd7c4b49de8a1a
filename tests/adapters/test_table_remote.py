"""Rows from a bucket and from a database, against a real server of each."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tests.adapters.test_table_file import whole
from tests.postgres import PASSWORD, Postgres
from tests.s3 import BUCKET
from volano.adapters.table_remote import open_object, open_query
from volano.errors import BadFile, BadInput


def put(s3: fs.S3FileSystem, key: str, content: bytes) -> str:
    with s3.open_output_stream(f"{BUCKET}/{key}") as out:
        out.write(content)
    return f"s3://{BUCKET}/{key}"


def parquet(tmp_path: Path) -> bytes:
    pq.write_table(pa.table({"who": ["a", "b", None], "paid": [1.5, 2, 3]}), tmp_path / "rows.parquet")
    return (tmp_path / "rows.parquet").read_bytes()


def test_parquet_in_a_bucket_is_read_twice_alike(
    tmp_path: Path, s3: fs.S3FileSystem, s3_environment: dict[str, str]
) -> None:
    content = parquet(tmp_path)
    file = open_object(put(s3, "in/rows.parquet", content), s3_environment)
    assert (file.name, file.size, file.layout) == (
        f"s3://{BUCKET}/in/rows.parquet",
        len(content),
        "Parquet in S3",
    )
    for rows in (2, 1000):
        assert [row["who"] for row in whole(file, rows).table.to_pylist()] == ["a", "b", None]
    assert whole(file).lines == [1, 2, 3]


def test_what_is_no_parquet_in_a_bucket_is_told_with_its_mend(
    tmp_path: Path, s3: fs.S3FileSystem, s3_environment: dict[str, str]
) -> None:
    with pytest.raises(BadFile, match="no object s3://shop/in/nothing"):
        open_object(f"s3://{BUCKET}/in/nothing.parquet", s3_environment)
    with pytest.raises(BadFile, match="not a Parquet file"):
        open_object(put(s3, "in/rows.csv", b"a,b\n1,2\n"), s3_environment)
    with pytest.raises(BadFile, match="broken Parquet"):
        whole(open_object(put(s3, "in/cut.parquet", parquet(tmp_path)[:60]), s3_environment))
    with pytest.raises(BadInput, match="no address in S3"):
        open_object("s3://", s3_environment)


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The address of a database with some orders, with a password in it."""
    address = postgres.database()
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE orders (client int, paid numeric(10,2), at timestamptz, more jsonb)")
        connection.execute(
            "INSERT INTO orders SELECT one % 3, one + 0.5, timestamptz '2026-01-01 10:00+02' "
            "+ one * interval '1 day', '{\"a\": 1}' FROM generate_series(1, 5) one"
        )
        connection.execute("INSERT INTO orders VALUES (NULL, NULL, NULL, NULL)")
    return address


QUERY = "select client, paid, at, more, client from orders order by at;"


def test_a_query_is_read_as_texts_in_stretches(database: str) -> None:
    file = open_query(database, QUERY)
    for rows in (2, 1000):
        found = whole(file, rows)
        assert found.table.column_names == ["client", "paid", "at", "more", "client (5)"]
        assert found.table.to_pylist()[0] == {
            "client": "1",
            "paid": "1.50",
            "at": "2026-01-02 08:00:00+00",
            "more": '{"a": 1}',
            "client (5)": "1",
        }
        assert found.table.to_pylist()[-1]["client"] is None
        assert found.lines == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "query",
    [
        "delete from orders",
        "with gone as (delete from orders returning *) select * from gone",
        "select colour from orders",
        "select 1; select 2",
        "selec",
        "select set_config('x.y', 'z', false), lo_create(0)",
    ],
)
def test_a_query_that_is_none_or_writes_is_refused(database: str, query: str) -> None:
    with pytest.raises(BadInput, match="refuses the query"):
        open_query(database, query)
    assert len(whole(open_query(database, QUERY)).lines) == 6


def test_the_password_is_in_no_name_and_no_message(database: str) -> None:
    file = open_query(database, QUERY)
    told = [file.name, file.layout]
    for address in (
        f"postgresql://shop:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://shop:{PASSWORD}@127.0.0.1:port/x",
        f"postgresql://shop:{PASSWORD}@h/x?what={PASSWORD}",
        f"postgresql://shop:{PASSWORD}@[::1/x",
        f"mysql://shop:{PASSWORD}@h/x",
        f"shop:{PASSWORD}",
    ):
        with pytest.raises((BadInput, BadFile)) as refused:
            open_query(address, QUERY)
        told.append(str(refused.value))
    with pytest.raises(BadInput) as refused:
        open_query(database, "select nothing")
    told.append(str(refused.value))
    assert not [text for text in told if "sesame" in text]


def test_an_empty_query_is_asked_for(database: str) -> None:
    with pytest.raises(BadInput, match="--query"):
        open_query(database, " ; ")
