"""Files go into the lake once, whole, and come out again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from tests.flow.brought import NOW, ORDERS, House, bring, counts, house_with, money_of, rows
from tests.flow.site import Site, order
from volano.adapters.table_file import open_table
from volano.domain.account import Import
from volano.domain.event import ORDER_COMPLETED, Event, Intake
from volano.domain.identity import Identity, Kin
from volano.domain.naming import Naming
from volano.domain.tables import EVENTS
from volano.domain.view import View
from volano.errors import BadFile, BadInput, NotFound
from volano.flow.decide import person_of
from volano.flow.importing import imports, run_import, undo_import
from volano.flow.inspecting import ImportRequest
from volano.flow.naming import names_of, reread, save_naming
from volano.observe.identity import identity, line_row, message_row, order_row
from volano.observe.merges import COLUMNS, rebuilt
from volano.observe.rows import Rows


@pytest.fixture(params=["memory", "duckdb"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return house_with(request.param, tmp_path)


RECORDS = " customer_id  date number_of_cds  dollar_value\n" + "".join(
    f" {person:05} 1997{month:02}{day:02}  {count}   {count * 7.25 + person:.2f}\n"
    for person in range(1, 40)
    for month, day, count in ((1, person % 28 + 1, 1), (2, 3, 2), (2, 3, 2))
)


def test_the_same_file_twice_adds_nothing(house: House) -> None:
    first = bring(house, "orders", RECORDS)
    again = bring(house, "orders", RECORDS)
    assert counts(first) == (117, 117, 0, 0)
    assert first.people == again.people == 39
    assert first.revenue_minor == money_of(house, "order_lines") == money_of(house, "events") > 0
    assert counts(again) == (117, 0, 117, 0)
    assert again.revenue_minor == 0


def test_identical_lines_without_an_order_id_are_separate_orders(house: House) -> None:
    bring(house, "orders", "user_id,date,total\n" + "ann,2020-01-02,5.00\n" * 3)
    assert [row["event"] for row in rows(house)] == ["Order Completed"] * 3
    assert len(rows(house, "order_lines", "id")) == 3


def test_a_longer_export_adds_only_what_is_new(house: House) -> None:
    lines = RECORDS.splitlines(keepends=True)
    bring(house, "orders", "".join(lines[:50]))
    report = bring(house, "orders", lines[0] + "".join(reversed(lines[1:])))
    assert counts(report) == (117, 68, 49, 0)
    assert report.revenue_minor < money_of(house, "order_lines")
    assert money_of(house, "events") == money_of(house, "order_lines")


def test_the_same_table_in_another_format_is_the_same(house: House) -> None:
    bring(house, "orders", "user_id,date,total\nann,2020-01-02,5.50\n")
    report = bring(
        house, "orders", '{"user_id":"ann","date":"2020-01-02T00:00:00Z","total":5.5}\n', "shop.jsonl"
    )
    assert report.duplicates == 1


def test_lines_that_share_an_order_id_are_one_order(house: House) -> None:
    report = bring(house, "orders", ORDERS)
    assert counts(report) == (3, 3, 0, 0)
    found = {row["order_id"]: (row["id"], row["revenue"], row["product"]) for row in rows(house)}
    assert found == {"o1": (order_row("o1"), 1200, None), "o2": (order_row("o2"), 100, "x")}
    assert len(rows(house, "order_lines", "id")) == 3


def test_a_new_line_of_a_known_order_updates_it_by_its_own_money(house: House) -> None:
    bring(house, "orders", ORDERS)
    report = bring(house, "orders", ORDERS + "ann,2020-01-02,2.50,o1,z\n")
    assert counts(report) == (4, 1, 3, 0)
    assert report.revenue_minor == 250
    new = [(row["event"], row["revenue"]) for row in rows(house) if row["event"] != "Order Completed"]
    assert new == [("Order Updated", 250)]
    assert counts(bring(house, "orders", ORDERS + "ann,2020-01-02,2.50,o1,z\n"))[1] == 0


def test_an_order_that_the_tag_told_keeps_its_total(house: House) -> None:
    told = {name: pa.nulls(1, kind.type) for name, kind in zip(EVENTS.names, EVENTS, strict=True)}
    told |= {
        "person_id": pa.array([identity("u:ann")]),
        "time": pa.array([1_577_923_200_000_000]).cast(EVENTS.field("time").type),
        "id": pa.array([order_row("o1")]),
        "event": pa.array(["Order Completed"]),
        "revenue": pa.array([1300]),
        "order_id": pa.array(["o1"]),
        "origin": pa.array(["web"]),
    }
    house.lake.append({"events": pa.table(told, schema=EVENTS)})
    assert bring(house, "orders", ORDERS).accepted == 3
    assert {row["order_id"]: row["revenue"] for row in rows(house)} == {"o1": 1300, "o2": 100}
    assert len(rows(house, "order_lines", "id")) == 3


def test_negative_rows_are_refunds(house: House) -> None:
    text = "user_id,date,total,order_id\nann,2020-01-02,5,o1\nann,2020-01-05,-5,o1\nbob,2020-01-02,(3.00),\n"
    report = bring(house, "orders", text)
    found = sorted((row["event"], row["revenue"], row["order_id"] or "") for row in rows(house))
    assert found == [
        ("Order Completed", 500, "o1"),
        ("Order Refunded", -500, "o1"),
        ("Order Refunded", -300, ""),
    ]
    assert report.revenue_minor == -300


def test_an_order_cannot_be_of_two_people(house: House) -> None:
    report = bring(house, "orders", "user_id,date,total,order_id\nann,2020-01-02,5,1\nbob,2020-01-02,5,1\n")
    assert counts(report) == (2, 1, 0, 1)


def test_refused_rows_go_to_a_file_with_line_and_reason(house: House) -> None:
    text = "user_id,date,total\nann,2020-01-02,5\nbob,2020-02-31,5\n,2020-01-02,5\n"
    text += "cid,2020-01-02,free\ndan,2020-01-02\n"
    report = bring(
        house, "orders", text + "eve,2020-01-02,\nfay,2199-01-01,1\ngus,1969-12-01,1\nhal,2020-01-02,6\n"
    )
    assert counts(report) == (9, 2, 0, 7)
    assert report.people == 2
    assert report.refused_file is not None
    with Path(report.refused_file).open(newline="") as file:
        found = list(csv.DictReader(file))
    assert {int(row["line"]): row["reason"] for row in found} == {
        3: "'2020-02-31' is not a date or time",
        4: "there is no person",
        5: "'free' is not an amount with the decimal mark '.'",
        6: "2 fields where 3 are expected",
        7: "the revenue is empty",
        8: "the time lies in the future",
        9: "the time lies before 1970-01-02",
    }
    assert found[0]["raw"] in ("bob,2020-02-31,5", "dan,2020-01-02")


def test_without_refusals_there_is_no_file(house: House) -> None:
    report = bring(house, "orders", RECORDS)
    assert report.refused_file is None
    assert not (house.home / "imports").exists()


def test_each_currency_of_a_file_is_counted_apart(house: House) -> None:
    report = bring(house, "orders", "user_id,date,total,currency\na,2020-01-02,5,usd\nb,2020-01-02,500,JPY\n")
    assert report.by_currency == {"USD": 500, "JPY": 500}
    assert (report.revenue_minor, report.currency) == (500, "USD")


def test_an_import_can_be_taken_back_once(house: House) -> None:
    bring(house, "orders", RECORDS)
    report = bring(house, "orders", ORDERS)
    entry, removed = undo_import(house, report.import_id, now=NOW)
    assert (entry.undone_at, removed) == (NOW, 5)
    assert {row["origin"] for row in rows(house)} != {report.import_id}
    assert len(rows(house, "order_lines", "id")) == 117
    with pytest.raises(BadInput, match="was undone already, on 2023-11-14"):
        undo_import(house, report.import_id, now=NOW)
    with pytest.raises(NotFound, match="no import 'imp_x'"):
        undo_import(house, "imp_x", now=NOW)
    assert bring(house, "orders", ORDERS).accepted == 3


def test_an_order_that_a_source_told_too_stays_when_the_import_is_taken_back(house: House) -> None:
    report = bring(house, "orders", ORDERS)
    site = Site(lake=house.lake)
    site.send(order("o1", 12, user="ann"))
    site.drain()
    assert {row["order_id"]: row["origin"] for row in rows(house)} == dict.fromkeys(
        ["o1", "o2"], report.import_id
    )
    assert undo_import(house, report.import_id, now=NOW)[1] == 5
    (kept,) = rows(house)
    assert (kept["order_id"], kept["origin"], kept["revenue"]) == ("o1", "web", 1200)
    assert money_of(house, "order_lines") == 1200
    assert bring(house, "orders", ORDERS).accepted == 1
    assert {row["order_id"]: row["origin"] for row in rows(house)}["o1"] == "web"


def test_imports_are_listed_the_latest_first(house: House) -> None:
    keys = [bring(house, "orders", text).import_id for text in (ORDERS, RECORDS)]
    assert [entry.key for entry in imports(house.state)] == keys[::-1]
    assert imports(house.state)[0].people == 39


def test_a_file_that_breaks_on_the_way_leaves_nothing_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volano.flow.importing.READ_AT_ONCE", 1000)
    monkeypatch.setattr("volano.flow.importing.ADDED_AT_ONCE", 1000)
    house.home.mkdir()
    path = house.home / "shop.csv"
    path.write_bytes(b"user_id,date,total\n" + b"ann,2020-01-02,1\n" * 300_000 + b"Zo\xeb,2020-01-02,1\n")
    with pytest.raises(BadFile, match="not UTF-8"):
        run_import(house, open_table(path), ImportRequest(kind="orders"), now=NOW)
    assert rows(house) == []
    assert house.state.find(Import) == []


def test_long_files_go_in_piece_by_piece(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volano.flow.importing.READ_AT_ONCE", 10)
    monkeypatch.setattr("volano.flow.importing.ADDED_AT_ONCE", 30)
    text = "user_id,date,total\n" + "".join(f"p{n % 7},2020-01-0{n % 3 + 1},-2\n" for n in range(100))
    first = bring(house, "orders", text)
    assert (first.accepted, first.people, first.revenue_minor) == (100, 7, -20_000)
    monkeypatch.setattr("volano.flow.importing.READ_AT_ONCE", 17)
    assert bring(house, "orders", text).duplicates == 100


def test_progress_ends_at_the_size_of_the_file(house: House) -> None:
    house.home.mkdir()
    path = house.home / "shop.csv"
    path.write_text(RECORDS)
    told: list[tuple[int, int]] = []
    request = ImportRequest(kind="orders")
    run_import(
        house, open_table(path), request, now=NOW, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (len(RECORDS), len(RECORDS))


EVENTS_FILE = """user_id,event,timestamp,utm_source,utm_medium,device,page_url,hue,size
ann,Page Viewed,2020-01-02 10:00:00,Instagram,,iphone,https://shop.example/sale?x=1,red,7
ann,Page Viewed,2020-01-02 10:00:00,Instagram,,iphone,https://shop.example/sale?x=1,red,7
bob,cart,2020-01-02 10:00:01.5,,,desktop,/cart,,
"""


def test_events_keep_what_they_tell_of_their_visit(house: House) -> None:
    report = bring(house, "events", EVENTS_FILE, given={"colour": "hue"})
    assert counts(report) == (3, 3, 0, 0)
    found = {row["known_as"]: row for row in rows(house)}
    ann, bob = found["u:ann"], found["u:bob"]
    assert (ann["source"], ann["medium"], ann["device"], ann["path"]) == (
        "instagram",
        "(none)",
        "iphone",
        "/sale",
    )
    assert json.loads(ann["properties"]) == {"colour": "red", "size": 7}
    assert (bob["source"], bob["medium"], bob["properties"]) == (None, None, "{}")
    assert ann["person_id"] == identity("u:ann")
    assert counts(bring(house, "events", EVENTS_FILE, given={"colour": "hue"})) == (3, 0, 3, 0)


def test_message_ids_name_events(house: House) -> None:
    text = "user_id,event,timestamp,message_id\nann,a,2020-01-02,m1\nann,b,2020-01-03,m1\nann,c,2020-01-03,\n"
    assert counts(bring(house, "events", text)) == (3, 2, 1, 0)
    assert message_row("import", "m1") in {row["id"] for row in rows(house)}


def test_orders_among_events_are_named_by_their_order_id_and_have_a_line(house: House) -> None:
    text = "user_id,event,timestamp,revenue,order_id\nann,Order Completed,2020-01-02,5,o1\n"
    report = bring(
        house, "events", text + "ann,Order Completed,2020-01-02,5,o1\nann,Order Refunded,2020-01-03,5,o1\n"
    )
    assert counts(report) == (3, 2, 1, 0)
    assert report.revenue_minor == money_of(house, "order_lines") == 0
    assert [row["id"] for row in rows(house) if row["revenue"] == 500] == [order_row("o1")]
    assert line_row(order_row("o1"), 0) in {row["id"] for row in rows(house, "order_lines", "id")}


def test_an_anonymous_id_belongs_to_the_first_user_seen_with_it(house: House) -> None:
    text = (
        "user_id,anonymous_id,event,timestamp\n,z,a,2020-01-02\nann,z,b,2020-01-03\n"
        "bob,z,c,2020-01-04\n,z,d,2020-01-05\n,y,e,2020-01-05\n,,f,2020-01-05\n"
    )
    report = bring(house, "events", text)
    assert (report.accepted, report.refused, report.people) == (5, 1, 3)
    people = {row["event"]: row["person_id"] for row in rows(house)}
    ann = identity("u:ann")
    assert (people["a"], people["b"], people["d"]) == (ann, ann, ann)
    assert (people["c"], people["e"]) == (identity("u:bob"), identity("a:y"))
    assert {(row["alias"], row["person_id"]) for row in rows(house, "merges", "alias")} == {
        (identity("a:z"), ann)
    }
    assert person_of(house.profiles, identity("a:z")) == ann
    assert bring(house, "events", text).accepted == 0
    later = bring(house, "events", "user_id,anonymous_id,event,timestamp\n,z,g,2020-01-06\n")
    assert later.accepted == 1
    assert {row["event"]: row["person_id"] for row in rows(house)}["g"] == ann


BOTH = "user_id,anonymous_id,event,timestamp\n{},z,Identified,2020-01-0{}\n,z,seen,2020-01-05\n"


def test_a_file_with_an_earlier_telling_moves_the_anonymous_id(house: House) -> None:
    bring(house, "events", BOTH.format("ann", 3))
    bring(house, "events", BOTH.format("bob", 2))
    assert person_of(house.profiles, identity("a:z")) == identity("u:bob")
    assert {row["person_id"] for row in rows(house) if row["event"] == "seen"} == {identity("u:bob")}


def test_an_import_that_is_taken_back_takes_its_joins_back(house: House) -> None:
    first = bring(house, "events", BOTH.format("ann", 3))
    second = bring(house, "events", BOTH.format("bob", 2))
    undo_import(house, second.import_id, now=NOW)
    assert person_of(house.profiles, identity("a:z")) == identity("u:ann")
    assert {row["person_id"] for row in rows(house) if row["event"] == "seen"} == {identity("u:ann")}
    assert house.profiles.get(Kin, identity("u:bob")) is None
    undo_import(house, first.import_id, now=NOW)
    assert person_of(house.profiles, identity("a:z")) == identity("a:z")
    assert not dict(house.profiles.scan(Identity))
    assert not dict(house.profiles.scan(Kin))


def test_the_records_of_an_import_are_those_rebuilt_from_the_lake(house: House) -> None:
    bring(house, "events", BOTH.format("ann", 3) + "cid,y,b,2020-01-04\nann,y,c,2020-01-04\n")
    bring(house, "events", BOTH.format("bob", 2))
    view = View(tables=("merges",), columns=COLUMNS)
    identities, kins = rebuilt(house.lake.read(view))
    assert dict(house.profiles.scan(Identity)) == identities
    assert dict(house.profiles.scan(Kin)) == kins


def test_rows_whose_ids_are_nobodys_are_refused(house: House) -> None:
    text = "user_id,anonymous_id,event,timestamp\nguest,undefined,a,2020-01-02\n0,z,b,2020-01-02\n"
    report = bring(house, "events", text)
    assert counts(report) == (2, 1, 0, 1)
    assert [row["known_as"] for row in rows(house)] == ["a:z"]
    assert report.refused_file is not None
    assert "stands for nobody" in Path(report.refused_file).read_text()
    orders = bring(house, "orders", "user_id,date,total\n[object Object],2020-01-02,5.00\n")
    assert counts(orders) == (1, 0, 0, 1)


def test_exposures_are_exposures(house: House) -> None:
    text = (
        "user_id,event,timestamp,experiment_id,variation_id,round\nann,Experiment Viewed,2020-01-02,bar,a,2\n"
    )
    bring(house, "events", text + "ann,Campaign Clicked,2020-01-02,bar,a,2\nann,other,2020-01-02,x,y,\n")
    exposures = rows(house, "exposures", "campaign", "variant", "round")
    assert [(row["campaign"], row["variant"], row["round"]) for row in exposures] == [("bar", "a", 2)]
    found = {row["event"]: row for row in rows(house)}
    assert (found["Campaign Clicked"]["campaign"], found["Campaign Clicked"]["variant"]) == ("bar", "a")
    assert found["other"]["campaign"] is None
    assert json.loads(found["other"]["properties"]) == {"experiment_id": "x", "variation_id": "y"}


def test_what_an_import_kept_out_comes_back_under_the_names_of_today(house: House) -> None:
    bring(house, "orders", "order_id,customer_id,date,total\nT1,ann,2020-01-03,50\n")
    naming = Naming(key="", event="purchase", to=ORDER_COMPLETED, properties={"number": "order_id"})
    save_naming(house, naming, now=NOW)
    told = Event(
        kind="track",
        event="purchase",
        message_id="m1",
        time=NOW,
        user_id="ann",
        properties=b'{"number":"T1","value":900,"items":[{"product_id":"a","price":900}]}',
    )
    drained = Rows({}, "EUR", names=names_of(house.state))
    drained.add(Intake(source="web", received_at=NOW, events=[told]), "j0", 1)
    house.lake.append(drained.tables())
    now_minor = msgspec.structs.replace(naming, minor=True)
    save_naming(house, now_minor, now=NOW)
    reread(house, house.corrections, now_minor)
    assert amounts(house, "events") == [5000]
    undo_import(house, imports(house.state)[0].key, now=NOW)
    assert amounts(house, "events") == amounts(house, "order_lines") == [900]


def amounts(house: House, table: str) -> list[int]:
    found: list[int] = house.lake.read(View(tables=(table,), columns=("revenue",)))["revenue"].to_pylist()
    return found
