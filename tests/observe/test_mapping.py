"""The guess of the columns: names that shops use, what was said first, sentences for what is missing."""

from __future__ import annotations

import pytest

from volano.errors import BadFile, BadInput
from volano.observe.mapping import guess, plain


def fields(kind: str, columns: str, **given: str) -> dict[str, str]:
    mapped = guess("orders" if kind == "orders" else "events", columns.split(","), given)
    return {match.field: match.column for match in mapped.fields}


def test_the_master_file_of_a_record_shop_needs_no_mapping() -> None:
    assert fields("orders", "customer_id,date,number_of_cds,dollar_value") == {
        "person": "customer_id",
        "timestamp": "date",
        "revenue": "dollar_value",
        "quantity": "number_of_cds",
    }


def test_spellings_do_not_matter() -> None:
    found = fields("orders", "InvoiceNo,StockCode,Quantity,InvoiceDate,Price,Customer ID")
    assert found == {
        "person": "Customer ID",
        "timestamp": "InvoiceDate",
        "revenue": "Price",
        "order_id": "InvoiceNo",
        "product": "StockCode",
        "quantity": "Quantity",
    }
    assert plain("  Order-Date ") == "order_date"


def test_what_was_said_goes_before_names() -> None:
    mapped = guess("orders", ["user_id", "email", "date", "total"], {"person": "E-Mail".replace("-", "")})
    person = next(match for match in mapped.fields if match.field == "person")
    assert (person.column, person.why) == ("email", "you said so")


def test_a_column_is_not_guessed_twice() -> None:
    assert fields("events", "user_id,event,timestamp,source", medium="source").get("source") is None


def test_a_field_can_be_left_out() -> None:
    assert "product" not in fields("orders", "user_id,date,total,sku", product="")


def test_columns_without_a_field_become_properties_of_events() -> None:
    mapped = guess("events", ["userId", "event", "timestamp", "properties.size", "hue"], {"colour": "hue"})
    assert mapped.named("properties.size") == "size"
    assert mapped.named("hue") == "colour"
    assert mapped.named("event") is None


def test_orders_have_no_properties() -> None:
    assert guess("orders", ["user_id", "date", "total", "note"], {}).named("note") is None


def test_an_anonymous_id_is_person_enough_for_events() -> None:
    assert fields("events", "anonymousId,event,timestamp")["anonymous_id"] == "anonymousId"


def test_numbers_name_the_columns_of_a_file_without_header() -> None:
    assert fields("orders", "1,2,3,4", person="1", timestamp="3", revenue="4")["timestamp"] == "3"


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(BadFile, match=r"shop.csv has no column 'client'; it has who, when"):
        guess("orders", ["who", "when"], {"person": "client"}, "shop.csv")


def test_a_required_field_that_cannot_be_guessed_is_asked_for() -> None:
    with pytest.raises(BadFile, match="--map person=COLUMN --map revenue=COLUMN with one of x, date"):
        guess("orders", ["x", "date"], {})


def test_orders_refuse_fields_they_do_not_have() -> None:
    with pytest.raises(BadInput, match="orders have no field 'colour'"):
        guess("orders", ["user_id", "date", "total"], {"colour": "total"})
