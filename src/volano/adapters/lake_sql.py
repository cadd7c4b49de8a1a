"""A lake as DuckDB sees it: a view for each table, every row under the person it belongs to now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
from duckdb.sqltypes import BIGINT, VARCHAR

from volano.adapters.lake_files import Files
from volano.adapters.lake_links import Links, read_links
from volano.adapters.lake_manifest import Manifest
from volano.adapters.lake_parts import stored_schema
from volano.adapters.lake_shadows import SHADOWS
from volano.adapters.lake_store import Store
from volano.domain.tables import TABLES
from volano.errors import BadInput
from volano.ports import PersonalKeys

_ROWS = 10_000  # in a batch of an answer


class LakeSql:
    """Answers SQL about a lake as it is when it is asked; nothing is written."""

    def __init__(self, store: Store, keys: PersonalKeys | None) -> None:
        self._store = store
        self._keys = keys
        with store.reading():
            self._view = _View(store.files, store.snapshot().manifest, keys)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that can be asked for."""
        return self._view.tables

    def ask(self, query: str) -> pa.RecordBatchReader:
        """The answer to one SELECT, in batches; BadInput for anything else."""
        with ExitStack() as stack:
            stack.enter_context(self._store.reading())
            manifest = self._store.snapshot().manifest
            if manifest.commits != self._view.commits:
                self._view = _View(self._store.files, manifest, self._keys)
            answer = self._view.ask(query)
            return pa.RecordBatchReader.from_batches(answer.schema, _batches(answer, stack.pop_all()))


def _batches(answer: pa.RecordBatchReader, reading: ExitStack) -> Iterator[pa.RecordBatch]:
    """The batches; what they are read from is held until the last, or until nobody wants more."""
    with reading:
        try:
            yield from answer
        except (duckdb.Error, pa.ArrowException) as error:
            raise BadInput(str(error).split("\n\n")[0]) from error


class _View:
    """The tables of one snapshot in DuckDB, and `address_mark`, by which rows of an e-mail are found."""

    def __init__(self, files: Files, manifest: Manifest, keys: PersonalKeys | None) -> None:
        derived = {part.table for part in manifest.parts} - set(TABLES) - SHADOWS
        self.tables = (*TABLES, *sorted(derived))
        self.commits = manifest.commits
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.register("volano_links", _links(read_links(files, manifest)))
        if keys is not None:
            self._connection.create_function("address_mark", keys.mark, [VARCHAR], BIGINT)
        for table in self.tables:
            files_of = [part.path for part in manifest.parts if part.table == table]
            self._connection.register(f"volano_{table}", _dataset(files, table, files_of))
            self._connection.execute(_view(table))
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def ask(self, query: str) -> pa.RecordBatchReader:
        """The answer to one SELECT, in batches; BadInput for anything else."""
        try:
            statements = self._connection.extract_statements(query)
            if len(statements) != 1:
                raise BadInput(f"{len(statements)} statements; ask one SELECT at a time")
            if statements[0].type != duckdb.StatementType.SELECT:
                kind = statements[0].type.name
                raise BadInput(f"{kind} is not answered here, only SELECT: nothing can be written")
            return self._connection.sql(statements[0]).to_arrow_reader(_ROWS)
        except duckdb.Error as error:
            raise BadInput(str(error).split("\n\n")[0]) from error


def _dataset(files: Files, table: str, paths: list[str]) -> ds.Dataset:
    schema = stored_schema(table)
    if not paths:
        return ds.dataset((schema or pa.schema([])).empty_table())
    return ds.dataset([files.address(path) for path in paths], schema, "parquet", files.system)


def _view(table: str) -> str:
    """Rows with the person of now first; what is derived without the identity that only we need."""
    dropped = "person_id" if table in TABLES else "person_id, identity"
    return (
        f'CREATE VIEW "{table}" AS SELECT '
        f"coalesce(linked.person, lain.identity, lain.person_id) AS person_id, lain.* EXCLUDE ({dropped}) "
        f'FROM "volano_{table}" AS lain LEFT JOIN volano_links AS linked '
        "ON linked.identity = coalesce(lain.identity, lain.person_id)"
    )


def _links(links: Links) -> pa.Table:
    identities: npt.NDArray[np.int64] = links.identities()
    return pa.table({"identity": identities, "person": links.resolve(identities)})
