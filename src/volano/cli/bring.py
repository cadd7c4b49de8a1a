"""The command `import`: a file of orders or events into the house, and back out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from volano.cli.finishing import finish
from volano.cli.say import Home, Json, answer, answers, minute, now, one_of, progress, table, words
from volano.domain.account import Import
from volano.domain.money import shown
from volano.errors import BadInput
from volano.wiring import House, open_house, open_remote, open_table, read_settings

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blank": " ", "\\t": "\t"}

File = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE", help="CSV, TSV, table with blanks, JSON lines, Parquet; also .gz; Parquet at s3://…"
    ),
]
As = Annotated[str, typer.Option("--as", metavar="KIND", help="orders or events.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="Which column a field is; may be repeated."),
]
Currency = Annotated[str | None, typer.Option("--currency", metavar="EUR", help="Currency of the amounts.")]
Timezone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Zone of times without offset, such as Europe/Rome."),
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", metavar="MARK", help="Decimal mark of the amounts: , or .")
]
Dates = Annotated[
    str | None,
    typer.Option("--dates", metavar="ORDER", help="Order in dates such as 02/03/2024: dmy or mdy."),
]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="MARK", help="comma, semicolon, tab, bar or blank."),
]
Header = Annotated[
    bool | None, typer.Option("--header/--no-header", help="Whether the first line names the columns.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show how the file would be read; write nothing.")]
Database = Annotated[
    str | None,
    typer.Option("--from", metavar="ADDRESS", help="A database: postgresql://user@host/name; see --query."),
]
Query = Annotated[
    str | None, typer.Option("--query", metavar="SELECT", help="What to bring from the database.")
]
Undo = Annotated[str | None, typer.Option("--undo", metavar="ID", help="Take an import back.")]
List = Annotated[bool, typer.Option("--list", help="Show all imports.")]


def bring(
    file: File = None,
    kind: As = "",
    given: Map = None,
    currency: Currency = None,
    timezone: Timezone = None,
    decimal: Decimal = None,
    dates: Dates = None,
    delimiter: Delimiter = None,
    header: Header = None,
    database: Database = None,
    query: Query = None,
    dry_run: DryRun = False,
    undo: Undo = None,
    show: List = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Bring in orders or events from a file, a bucket or a database, once; the same again adds nothing.

    Example: volano import orders.csv --as orders --map person=client --currency EUR --dry-run
    """
    settings = read_settings(home=home)
    if show:
        return _list(open_house(settings), as_json)
    if undo is not None:
        return _undo(open_house(settings), undo, as_json)
    if file is None and database is None and query is None:
        raise BadInput("name the file to import, such as `volano import orders.csv --as orders`")
    request = _request(kind, given or [], currency=currency, timezone=timezone, decimal=decimal, dates=dates)
    source = _source(file, database, query, header=header, delimiter=_delimiter(delimiter))
    if dry_run:
        from volano.flow.inspecting import preview

        seen = preview(source, request, settings, now=now())
        return answer(seen, as_json, lambda: _show_preview(seen))
    house = open_house(settings)
    report = _run(house, source, request)
    return answer(report, as_json, lambda: _show_report(report))


def _source(
    file: str | None, database: str | None, query: str | None, *, header: bool | None, delimiter: str | None
) -> Any:
    """Where the rows are: a file here, an object in S3, or a query."""
    if database is not None or query is not None:
        if database is None or query is None or file is not None:
            raise BadInput("--from and --query go together, and without a file")
        return open_remote(database, query)
    if str(file).startswith("s3://"):
        return open_remote(str(file))
    return open_table(Path(str(file)), header=header, delimiter=delimiter)


def _run(house: House, source: Any, request: Any) -> Any:
    from volano.flow.importing import run_import
    from volano.flow.works import HELD, bringing

    said = 0

    def alive(done: int = 0, total: int = 0) -> None:
        nonlocal said
        move(done, total)
        if now() - said > HELD // 4:
            said = now()
            house.state.put(bringing(house.state, source.name, now=said, held=True))

    with progress(f"Importing {source.name}") as move:
        alive()
        report = run_import(house, source, request, now=now(), progress=alive)
    house.state.put(bringing(house.state, source.name, now=now(), held=False))
    finish(house)
    return report


def _request(kind: str, given: list[str], **said: Any) -> Any:
    from volano.flow.inspecting import ImportRequest
    from volano.observe.amounts import DecimalMark
    from volano.observe.dates import DayOrder
    from volano.observe.mapping import Kind

    one_of("--as", kind or None, get_args(Kind))
    one_of("--decimal", said["decimal"], get_args(DecimalMark))
    one_of("--dates", said["dates"], get_args(DayOrder))
    if not kind:
        raise BadInput("say what the file holds: --as orders or --as events")
    return ImportRequest(kind=kind, given=dict(_pair(pair) for pair in given), **said)  # type: ignore[arg-type]


def _pair(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals or not field.strip():
        raise BadInput(f"--map {text!r} is not FIELD=COLUMN, such as person=customer_id")
    return field.strip(), column.strip()


def _delimiter(name: str | None) -> str | None:
    mark = _DELIMITERS.get(name, name) if name is not None else None
    if mark is not None and (len(mark) != 1 or mark in '"\r\n'):
        raise BadInput(f"--delimiter is {name!r}; use {', '.join(list(_DELIMITERS)[:5])} or one character")
    return mark


def _undo(house: House, key: str, as_json: bool) -> None:
    from volano.flow.importing import undo_import

    entry, removed = undo_import(house, key, now=now())
    finish(house)
    told = {"import_id": entry.key, "file": entry.file, "rows_removed": removed}
    answer(
        told,
        as_json,
        lambda: answers.print(f"Took {entry.file} back: {removed:,} rows removed.", markup=False),
    )


def _list(house: House, as_json: bool) -> None:
    from volano.flow.importing import imports
    from volano.flow.shop import shop_of

    found = imports(house.state)
    zone = shop_of(house.state, house.settings).timezone
    answer(found, as_json, lambda: _show_list(found, zone))


def _show_list(found: list[Import], zone: str) -> None:
    rows = [
        [
            entry.key,
            entry.file,
            minute(entry.made_at, zone),
            f"{entry.accepted:,}",
            shown(entry.revenue_minor, entry.currency),
            f"undone {minute(entry.undone_at, zone)}"
            if entry.undone_at
            else ""
            if entry.rows
            else "not finished",
        ]
        for entry in found
    ]
    table("Imports", ["id", "file", "when", "rows added", "money", ""], rows)


def _show_report(report: Any) -> None:
    rows = [
        ["rows in the file", f"{report.rows:,}"],
        ["added", f"{report.accepted:,}"],
        ["there already", f"{report.duplicates:,}"],
        ["refused", f"{report.refused:,}"],
        ["people", f"{report.people:,}"],
        *(["money added", shown(money, code)] for code, money in report.by_currency.items()),
    ]
    table(f"{report.file} ({report.import_id}, {report.seconds:.1f} s)", ["", ""], rows)
    if report.refused_file:
        words.print(f"Refused rows with their reasons: {report.refused_file}", markup=False)
    words.print(f"Take it back with: volano import --undo {report.import_id}", markup=False)


def _show_preview(seen: Any) -> None:
    mapping = [[match.field, match.column, match.why] for match in (*seen.fields, *seen.properties)]
    table(f"{seen.file}: {seen.layout}", ["field", "column", "why"], mapping)
    names = list(dict.fromkeys(name for row in seen.rows for name in row))
    table(
        f"The first rows as they would be read (times UTC, money in minor units, {seen.currency} if unsaid)",
        names,
        [[str(row.get(name, "")) for name in names] for row in seen.rows],
    )
    words.print(f"Of the first {seen.looked_at:,} rows {seen.refused:,} would be refused.", markup=False)
    for reason, count in seen.reasons.items():
        words.print(f"  {count:,} × {reason}", markup=False)
    words.print("Nothing was written.", markup=False)
