"""A lake in memory: the promises of `Lake`, `Upkeep` and `Corrections` in the plainest way."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.rewritten import Rewritten
from volano.domain.tables import TABLES, TIME, imported
from volano.domain.view import Offset, Only, View
from volano.errors import BadInput
from volano.ports import T

TIME_BEGINS = -(2**63) + 1
_PERSON = pa.field("person_id", pa.int64())
_TEXT = pa.dictionary(pa.int32(), pa.string())


class MemoryLake:
    """Rows as they came; whose they are is found when they are read. Functions are pickled to stay honest."""

    def __init__(self, buckets: int = 4) -> None:
        self.buckets = buckets
        self._rows: dict[str, pa.Table] = {}
        self._links: dict[int, int] = {}
        self._offsets: dict[str, int] = {}
        self._shadows: dict[str, pa.Table] = {}
        self._ids: dict[str, set[int]] = {}
        self._expired = TIME_BEGINS

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, pa.Table]:
        """Adds what is new; see `ports.Lake`."""
        whole = {table: _complete(table, some) for table, some in rows.items()}
        came: set[int] | None = None if "events" in whole else set()
        shaded: set[int] = set()
        added = {}
        for table, some in sorted(whole.items(), key=lambda one: one[0] != "events"):
            before = self._shadow_ids(table)
            added[table] = self._add(table, self._in_time(table, some), came, shaded)
            if table == "events":
                came = set(added[table].column("id").to_pylist())
                shaded = self._shadow_ids(table) - before
        if upto is not None:
            self._offsets[upto.journal] = max(upto.position, self.offset(upto.journal))
        return {table: self._theirs(some) for table, some in added.items()}

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
        """The sum of `of` over the blocks that are not empty."""
        total: T | None = None
        for part in self._each(view, of):
            total = part if total is None else total + part
        return total

    def map(self, view: View, think: Callable[[pa.Table], pa.Table], into: str) -> int:
        """Replaces the derived table `into` by what `think` makes of the blocks."""
        if into in TABLES:
            raise BadInput(f"table {into!r} is append only: name another for what is derived")
        results = [_decoded(some) for some in self._each(view, think)]
        if any("person_id" not in some.column_names for some in results):
            raise BadInput("a derived table needs the column 'person_id'")
        self._rows.pop(into, None)
        if results:
            self._rows[into] = pa.concat_tables(results, promote_options="permissive")
        return sum(len(some) for some in results)

    def read(self, view: View) -> pa.Table:
        """All rows of the view, bucket after bucket."""
        blocks = [self._block(view, bucket) for bucket in range(self.buckets)]
        return pa.concat_tables(blocks).unify_dictionaries().combine_chunks()

    def known(self, table: str, ids: Collection[int]) -> frozenset[int]:
        """Those of the ids that the table has or had."""
        return frozenset(ids) & self._ids.get(table, set())

    def offset(self, journal: str) -> int:
        """How far the rows of a journal have been committed."""
        return self._offsets.get(journal, 0)

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Nothing to do."""
        if progress is not None:
            progress(0, 0)
        return 0

    def needs_compaction(self) -> bool:
        """Never: there are no files."""
        return False

    def sweep(self) -> None:
        """Nothing to do."""

    def withdraw(self, origin: str) -> int:
        """Removes every row of an origin; people it joined stay joined; what it kept out comes back."""
        removed, gone_events = 0, set[int]()
        for table in [table for table in TABLES if table in self._rows]:  # events first
            rows = self._rows[table]
            self._rows[table] = _not_from(rows, origin)
            gone = set(rows.column("id").to_pylist()) - set(self._rows[table].column("id").to_pylist())
            gone_events = gone if table == "events" else gone_events
            self._ids[table] -= gone
            removed += len(rows) - len(self._rows[table])
            shadows = _not_from(self._shadows.pop(table), origin)
            pairs = zip(shadows.column("id").to_pylist(), _events(shadows), strict=True)
            lifted = [name in gone if event is None else event in gone_events for name, event in pairs]
            due = pa.array(lifted, pa.bool_())
            self._shadows[table] = shadows.filter(pc.invert(due))
            self._add(table, shadows.filter(due))
        return removed

    def expire(self, before: int) -> dict[int, int]:
        """Removes what happened before a time, which does not come in any more."""
        self._expired = max(before, self._expired)
        young = pc.field("time") >= pa.scalar(before, TIME)
        removed: Counter[int] = Counter()
        for table in (TABLES.keys() & self._rows.keys()) - {"merges"}:
            gone = self._theirs(self._rows[table].filter(~young))
            removed.update(gone.column("person_id").to_pylist())
            self._rows[table] = self._rows[table].filter(young)
            self._shadows[table] = self._shadows[table].filter(young)
        return dict(removed)

    def verify(self) -> list[str]:
        """Nothing is ever damaged."""
        return []

    def rewrite(self, only: Only, of: Callable[[pa.Table], Rewritten]) -> dict[str, pa.Table]:
        """Puts what `of` makes of the events that match in their place."""
        foreign = [name for name, _ in only if name not in TABLES["events"].names]
        if foreign:
            raise BadInput(f"table 'events' has no column {foreign[0]!r}")
        events = self._theirs(self._rows.get("events", TABLES["events"].empty_table()))
        out = _kept(events, View(only=only))
        if not len(out):
            return {}
        told = of(out)
        for table, ids in {"events": out.column("id").to_pylist(), **told.drop}.items():
            rows = self._rows.get(table, TABLES[table].empty_table())
            self._rows[table] = rows.filter(pc.invert(pc.is_in(rows.column("id"), pa.array(ids, pa.int64()))))
            self._ids.setdefault(table, set()).difference_update(ids)
        for table, fresh in told.rows.items():  # ids whose rows are gone may come again
            there = set(self._rows.get(table, TABLES[table].empty_table()).column("id").to_pylist())
            self._ids.setdefault(table, set()).difference_update(set(fresh.column("id").to_pylist()) - there)
        added = self.append(told.rows)
        return {table: some.select(["person_id", "id", "origin"]) for table, some in added.items()}

    def forget(
        self, people: Sequence[int], identities: Sequence[int], also: Mapping[str, Sequence[int]] = {}
    ) -> dict[str, int]:
        """Removes people and what arrived under identities."""
        removed: dict[str, int] = {}
        for kept in (self._rows, self._shadows):
            for table, rows in kept.items():
                whose = self._theirs(rows).column("person_id").to_pylist()
                arrived = rows.column(
                    "identity" if "identity" in rows.column_names else "person_id"
                ).to_pylist()
                named = set(also.get(table, ())) if kept is self._rows else set()
                ids = rows.column("id").to_pylist() if named else [None] * len(rows)
                stays = [
                    who not in people and came not in identities and name not in named
                    for who, came, name in zip(whose, arrived, ids, strict=True)
                ]
                kept[table] = rows.filter(pa.array(stays, pa.bool_()))
                if kept is self._rows and not all(stays):
                    removed[table] = stays.count(False)
        for one in (*people, *identities):
            self._links.pop(one, None)
        return removed

    def _in_time(self, table: str, rows: pa.Table) -> pa.Table:
        """The rows that have not expired, and those of imports."""
        if table == "merges":
            return rows
        young = pc.greater_equal(rows.column("time"), pa.scalar(self._expired, TIME))
        return rows.filter(pc.or_(young, imported(rows.column("origin"))))

    def _add(
        self, table: str, rows: pa.Table, came: set[int] | None = None, shaded: Collection[int] = ()
    ) -> pa.Table:
        """Adds what is new; what events tell only with those that `came` (None: whichever)."""
        old = self._rows.get(table, TABLES[table].empty_table())
        self._shade(table, rows, old, shaded)
        known = self._ids.setdefault(table, set())
        fresh = []
        for name, event in zip(rows.column("id").to_pylist(), _events(rows), strict=True):
            fresh.append(name not in known and (event is None or came is None or event in came))
            known |= {name} if fresh[-1] else set()
        new = rows.filter(pa.array(fresh, pa.bool_()))
        self._rows[table] = pa.concat_tables([old, new])
        if table == "merges":
            for row in new.select(["alias", "person_id"]).to_pylist():
                if row["alias"] is not None:
                    self._links[row["alias"]] = row["person_id"]
        return new

    def _shade(self, table: str, rows: pa.Table, old: pa.Table, shaded: Collection[int]) -> None:
        """Keeps aside the rows of sources that stand in the table by an import, or whose event does."""
        shadows = self._shadows.get(table, TABLES[table].empty_table())
        theirs = set(old.filter(imported(old.column("origin"))).column("id").to_pylist())
        there = set(shadows.column("id").to_pylist())
        live = rows.filter(pc.invert(imported(rows.column("origin"))))
        for at, (name, event) in enumerate(zip(live.column("id").to_pylist(), _events(live), strict=True)):
            if name not in there and (name in theirs if event is None else event in shaded):
                shadows = pa.concat_tables([shadows, live.slice(at, 1)])
                there.add(name)
        self._shadows[table] = shadows

    def _shadow_ids(self, table: str) -> set[int]:
        shadows = self._shadows.get(table)
        return set() if shadows is None else set(shadows.column("id").to_pylist())

    def _theirs(self, rows: pa.Table) -> pa.Table:
        """The rows, each with the person its identity is now."""
        arrived = rows.column("identity" if "identity" in rows.column_names else "person_id")
        people = [self._links.get(one, one) for one in arrived.to_pylist()]
        return rows.set_column(rows.column_names.index("person_id"), _PERSON, pa.array(people, pa.int64()))

    def _each(self, view: View, of: Callable[[pa.Table], T]) -> Iterator[T]:
        of = pickle.loads(pickle.dumps(of))
        for bucket in range(self.buckets):
            block = self._block(view, bucket)
            if len(block):
                yield of(block)

    def _block(self, view: View, bucket: int) -> pa.Table:
        types = self._types(view)
        wanted = dict.fromkeys(["person_id", "time", *view.columns])
        names = (
            [*(name for name in wanted if name != "table"), "table"] if len(view.tables) > 1 else [*wanted]
        )
        pieces = [self._piece(view, table, bucket, types) for table in view.tables]
        rows = pa.concat_tables(pieces)
        keys = [(name, "ascending", "at_start") for name in ("person_id", "time", "id", "#")]
        rows = rows.append_column("#", pa.array(range(len(rows)), pa.int64()))
        rows = rows.take(pc.sort_indices(rows, sort_keys=keys))
        return rows.select(names).cast(pa.schema([(name, types[name]) for name in names])).combine_chunks()

    def _piece(self, view: View, table: str, bucket: int, types: dict[str, pa.DataType]) -> pa.Table:
        """The rows of one table in a bucket, with all columns of the view (texts still plain)."""
        rows = self._rows.get(table, TABLES.get(table, pa.schema([])).empty_table())
        if "person_id" in rows.column_names:
            rows = self._theirs(rows)
            here = [person & (self.buckets - 1) == bucket for person in rows.column("person_id").to_pylist()]
            rows = rows.filter(pa.array(here, pa.bool_()))
        rows = _kept(rows, view)
        schema = pa.schema([(name, _plain(kind)) for name, kind in types.items()])
        columns = [
            pa.array([table] * len(rows), pa.string())
            if name == "table" and len(view.tables) > 1
            else rows.column(name).cast(schema.field(name).type)
            if name in rows.column_names
            else pa.nulls(len(rows), schema.field(name).type)
            for name in types
        ]
        return pa.table(columns, schema=schema)

    def _types(self, view: View) -> dict[str, pa.DataType]:
        """What each column is in a block: texts dictionary-encoded, unknown columns null."""
        types: dict[str, pa.DataType] = {"person_id": pa.int64(), "time": TIME, "id": pa.int64()}
        for table in view.tables:
            schema = TABLES[table] if table in TABLES else self._rows.get(table, pa.table({})).schema
            for column in schema:
                types.setdefault(column.name, _TEXT if pa.types.is_string(column.type) else column.type)
        if len(view.tables) > 1:
            types["table"] = _TEXT
        return {**dict.fromkeys(view.columns, pa.null()), **types}


def _complete(table: str, rows: pa.Table) -> pa.Table:
    if table not in TABLES:
        raise BadInput(f"the lake has no table {table!r}: it has {', '.join(TABLES)}")
    schema = TABLES[table]
    foreign = sorted(set(rows.column_names) - set(schema.names))
    if foreign:
        raise BadInput(f"table {table!r} has no column {foreign[0]!r}: it has {', '.join(schema.names)}")
    given = {name: rows.column(name) for name in rows.column_names}
    columns = [
        given[it.name].cast(it.type) if it.name in given else pa.nulls(len(rows), it.type) for it in schema
    ]
    whole = pa.table(columns, schema=schema)
    for name in ("person_id", "time", "id"):
        if whole.column(name).null_count:
            raise BadInput(f"a row for table {table!r} lacks {name!r}: every row must have one")
    arrived = pc.coalesce(whole.column("identity"), whole.column("person_id"))
    return whole.set_column(schema.names.index("identity"), schema.field("identity"), arrived)


def _events(rows: pa.Table) -> list[int | None]:
    """By which event each row is told; None: by none."""
    told = "event_id" in rows.column_names
    found: list[int | None] = rows.column("event_id").to_pylist() if told else [None] * len(rows)
    return found


def _kept(rows: pa.Table, view: View) -> pa.Table:
    if "time" in rows.column_names and view.since is not None:
        rows = rows.filter(pc.greater_equal(rows.column("time"), pa.scalar(view.since, TIME)))
    if "time" in rows.column_names and view.until is not None:
        rows = rows.filter(pc.less(rows.column("time"), pa.scalar(view.until, TIME)))
    if "person_id" in rows.column_names:
        people = rows.column("person_id")
        mask = pc.invert(pc.is_in(people, value_set=pa.array(view.without, pa.int64())))
        if view.people is not None:
            mask = pc.and_(mask, pc.is_in(people, value_set=pa.array(view.people, pa.int64())))
        rows = rows.filter(mask)
    if view.humans and "bot" in rows.column_names:
        rows = rows.filter(pc.is_null(rows.column("bot")))
    for name, values in view.only:
        if name in rows.column_names:
            text = rows.column(name).cast(pa.string())
            rows = rows.filter(pc.is_in(text, value_set=pa.array(values, pa.string())))
    return rows


def _not_from(rows: pa.Table, origin: str) -> pa.Table:
    return rows.filter(pc.fill_null(pc.not_equal(rows.column("origin"), origin), True))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _decoded(rows: pa.Table) -> pa.Table:
    return rows.cast(pa.schema([(field.name, _plain(field.type)) for field in rows.schema]))
