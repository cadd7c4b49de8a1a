"""Segments in the console: a list with sizes, a builder that works without JavaScript, undo, CSV, moves."""

from __future__ import annotations

import html
import json

import pytest

from tests.flow.site import event, order
from tests.web.known import ANN, DAY, NASTY, ann, came, done, frame, house_of, many, opened
from tests.web.shop import NOW
from tests.web.visitor import Visitor, fields_of
from volano.domain.segment import Segment


@pytest.fixture
def visitor() -> Visitor:
    """The owner of the house that Ann and Bob came to."""
    return opened(ann())


def rule_of(visitor: Visitor, key: str) -> object:
    """The rule that is kept."""
    return house_of(visitor).state.get(Segment, key).rule


def test_the_list_shows_sizes_and_what_each_is_for(visitor: Visitor) -> None:
    text = visitor.see("/segments").text
    assert "16 segments follow your 2 people" in text
    assert "First seen in the last 7 days" in text
    assert text.index("100 %") < text.index("0 %</small>")


def test_an_empty_list_teaches_with_an_example(visitor: Visitor) -> None:
    for one in house_of(visitor).state.find(Segment):
        house_of(visitor).state.drop(Segment, one.key)
    assert "Nobody is grouped yet" in visitor.see("/segments").text


def test_a_segment_is_built_and_saved_without_javascript(visitor: Visitor) -> None:
    page = visitor.see("/segments/-")
    assert "1 person fits" in page.text
    fields = fields_of(page, "/segments/-") | {"name": "Rich & loyal"}
    page = visitor.send("/segments/-", **fields, add="did")
    assert 'name="1.event"' in page.text
    assert 'value="Rich &amp; loyal"' in page.text
    fields = fields_of(page, "/segments/-") | {"1.event": "Order Completed", "1.number": "7"}
    page = visitor.send("/segments/-", **fields, save="1")
    assert page.url.path == "/segments/rich-loyal"
    assert "Saved." in page.text
    did = {"$did": {"event": "Order Completed", "within": "7d"}}
    assert rule_of(visitor, "rich-loyal") == {"$and": [{"orders": {"$gte": 1}}, did]}
    done(visitor)
    assert "Rich &amp; loyal" in visitor.see(f"/people/{ANN}").text


def test_a_row_is_taken_away_and_another_kind_of_row_added(visitor: Visitor) -> None:
    fields = fields_of(visitor.see("/segments/lapsing"), "/segments/lapsing")
    page = visitor.send("/segments/lapsing", **fields, **{"1.drop": "1"})
    assert page.text.count('class="cond"') == 2
    fields = fields_of(page, "/segments/lapsing")
    page = visitor.send("/segments/lapsing", **fields, add="sequence")
    assert 'name="2.steps"' in page.text
    assert rule_of(visitor, "lapsing") != {}


def test_the_size_follows_while_it_is_built(visitor: Visitor) -> None:
    fields = fields_of(visitor.see("/segments/-"), "/segments/-")
    text = visitor.send("/segments/preview", **fields | {"0.value": "1"}).text
    assert "1 person fits" in text
    assert f'href="/people/{ANN}"' in text
    assert "ann@shop.example" in text
    assert "RFM: new" in text
    assert "Nobody fits now" in visitor.send("/segments/preview", **fields | {"0.value": "9"}).text
    assert "Not complete yet" in visitor.send("/segments/preview", **fields | {"0.value": "x"}).text


def test_the_rows_follow_what_is_chosen(visitor: Visitor) -> None:
    fields = fields_of(visitor.see("/segments/-"), "/segments/-")
    chosen = {
        "rfm": "champions",
        "traits.plan": '<option value="gold">',
        "traits.note": html.escape(NASTY),
        "push": '<option value="yes"',
        "last_seen": 'type="date"',
        "revenue": "USD",
        "segments": '<option value="lapsing">',
    }
    for field, shown in chosen.items():
        text = visitor.send("/segments/rows", **fields | {"0.field": field}).text
        assert shown in text, field
        assert "<script>alert" not in text
    text = visitor.send("/segments/rows", **fields | {"0.field": "device", "0.operator": "$exists"}).text
    assert 'name="0.value"' not in text
    assert visitor.send("/segments/rows", **fields, add="trait").text.count('class="cond"') == 2


def test_a_trait_of_the_shops_own_can_be_asked_for(visitor: Visitor) -> None:
    sent = {"name": "Gold", "save": "1", "0.kind": "trait", "0.field": "traits.plan", "0.operator": "$eq"}
    page = visitor.send("/segments/-", **sent, **{"0.value": "gold"})
    assert "1 person fits" in page.text
    assert rule_of(visitor, "gold") == {"$and": [{"traits.plan": {"$eq": "gold"}}]}


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"name": "", "0.kind": "trait", "0.field": "orders", "0.value": "1"}, "has no name"),
        ({"name": "x", "0.kind": "trait", "0.field": "orders", "0.value": "many"}, "must be a number"),
        ({"name": "x", "0.kind": "did"}, "has no event"),
        ({"name": "x", "0.kind": "did", "0.event": "a", "0.number": "0"}, "within"),
        ({"name": "x", "rule": "{"}, "not JSON"),
        ({"name": "x", "rule": "[]"}, "JSON object"),
        ({"name": "x", "rule": '{"orders": {"$foo": 1}}'}, "$foo"),
        ({"name": "x", "rule": '{"nothing": 1}'}, "no fact"),
    ],
)
def test_what_cannot_be_a_segment_gets_one_sentence_and_keeps_what_was_typed(
    visitor: Visitor, sent: dict[str, str], says: str
) -> None:
    page = visitor.send("/segments/-", save="1", **sent)
    assert page.status_code == 422
    assert page.text.count('role="alert"') == 1
    assert says in html.unescape(page.text)
    assert len(house_of(visitor).state.find(Segment)) == 16


def test_a_rule_beyond_the_form_is_json_and_stays_so(visitor: Visitor) -> None:
    rule = {"$nor": [{"orders": {"$gte": 1}}]}
    house_of(visitor).state.put(Segment(key="none", name="None", rule=rule))
    page = visitor.see("/segments/none")
    fields = fields_of(page, "/segments/none")
    assert json.loads(fields["rule"]) == rule
    assert "1 person fits" in page.text
    page = visitor.send("/segments/none", **fields | {"rule": '{"orders": {"$lt": 1}}', "save": "1"})
    assert page.url.path == "/segments/none"
    assert 'name="0.field"' in page.text


def test_segments_with_nobody_in_them_are_folded_away(visitor: Visitor) -> None:
    text = visitor.see("/segments").text
    folded = text.partition("<details>")[2]
    assert "segments with nobody in them</summary>" in folded
    assert text.count("<article") == 16
    assert '<b class="n">0</b>' not in text.partition("<details>")[0]
    assert folded.count('<b class="n">0</b>') == folded.count("<article")


def test_a_deleted_segment_comes_back_with_undo(visitor: Visitor) -> None:
    page = visitor.send("/segments/drop", key="lapsing")
    assert page.url.path == "/segments"
    assert "Deleted." in page.text
    assert 'action="/segments/restore"' in page.text
    assert visitor.see("/segments/lapsing").status_code == 404
    page = visitor.send("/segments/restore", key="lapsing")
    assert page.url.path == "/segments/lapsing"
    assert visitor.send("/segments/restore", key="lapsing").status_code == 422
    done(visitor)


def test_a_segment_that_another_names_cannot_be_deleted(visitor: Visitor) -> None:
    house_of(visitor).state.put(Segment(key="both", name="B", rule={"segments": {"$in": ["lapsing"]}}))
    page = visitor.send("/segments/drop", key="lapsing")
    assert page.status_code == 422
    assert "change it first" in page.text


def test_two_segments_of_one_name_have_two_keys_and_none_is_a_word_of_the_console(visitor: Visitor) -> None:
    sent = {"save": "1", "0.kind": "trait", "0.field": "orders", "0.value": "1"}
    for name, key in (("Moves", "moves-2"), ("Rows!", "rows-2"), ("Moves", "moves-3"), ("金", "segment")):
        assert visitor.send("/segments/-", name=name, **sent).url.path == f"/segments/{key}"
    done(visitor)


def test_the_people_of_a_segment_are_a_file_without_formulas(visitor: Visitor) -> None:
    told = {"email": "=cmd|calc@shop.example"}
    came(visitor, frame(event("Identified", user="eve", kind="identify", time=NOW, properties=told)))
    answer = visitor.see("/segments/new/people.csv")
    assert 'filename="new.csv"' in answer.headers["content-disposition"]
    lines = answer.text.splitlines()
    assert lines[0] == "person_id,email,orders,revenue_minor,last_seen"
    assert f"{ANN},ann@shop.example,1,4000,{NOW - 60_000_000}" in lines
    assert any(",'=cmd|calc@shop.example,0,0," in line for line in lines)
    assert visitor.see("/segments/nothing/people.csv").status_code == 404


def test_the_starter_segment_new_can_be_opened(visitor: Visitor) -> None:
    text = visitor.see("/segments/new").text
    assert "<h1>New</h1>" in text
    assert "2 people fit" in text


def test_who_moved_shows_then_and_now(visitor: Visitor) -> None:
    text = visitor.see("/segments/moves?days=30").text
    assert "Where customers went in 30 days" in text
    assert "→ new" in text
    assert "1 person" in text
    for odd in ("0", "-4", "x", "99999"):
        assert "in 90 days" in visitor.see(f"/segments/moves?days={odd}").text


def test_who_moved_can_be_asked_since_a_day(visitor: Visitor) -> None:
    text = visitor.see("/segments/moves?since=2025-10-01").text
    assert "Where customers went since 1 Oct 2025" in text
    assert 'value="2025-10-01"' in text
    assert "moves/people?since=2025-10-01&amp;from=no%20order&amp;to=new" in text
    for odd in ("soon", "2999-01-01", "1969-01-01"):
        assert "in 90 days" in visitor.see(f"/segments/moves?since={odd}").text


def test_each_flow_leads_to_the_people_who_moved_and_to_all_of_them_as_a_file(visitor: Visitor) -> None:
    where = "days=30&from=no%20order&to=new"
    text = visitor.see(f"/segments/moves/people?{where}").text
    assert "1 person went from “no order” to “new” in 30 days" in text
    assert f'href="/people/{ANN}">ann@shop.example</a>' in text
    answer = visitor.see(f"/segments/moves/people.csv?{where}")
    assert 'filename="moved-no-order-new.csv"' in answer.headers["content-disposition"]
    assert [line.partition(",")[0] for line in answer.text.splitlines()] == ["person_id", str(ANN)]
    assert "0 people stayed “loyal”" in visitor.see("/segments/moves/people?from=loyal&to=loyal").text
    assert visitor.see(f"/segments/moves/people?from={NASTY}&to=new").status_code == 422


def test_of_many_who_moved_the_first_hundred_are_shown_and_all_are_in_the_file() -> None:
    orders = [order(f"o-{at}", user=f"user-{at}", time=NOW - DAY) for at in range(103)]
    visitor = opened(*map(frame, orders))
    text = visitor.see("/segments/moves/people?from=no%20order&to=new").text
    assert "103 people went" in text
    assert "These are the first 100" in text
    assert text.count('class="who"') == 100
    file = visitor.see("/segments/moves/people.csv?from=no%20order&to=new").text
    assert len(file.splitlines()) == 104


def test_without_orders_moves_say_what_to_do_next() -> None:
    text = opened(many(3)).see("/segments/moves").text
    assert "Nobody has ordered yet" in text
    assert 'href="/sources"' in text


def test_a_house_without_people_can_have_segments() -> None:
    text = opened().see("/segments/lapsing").text
    assert "Nobody has come by yet" in text
    assert "nobody in them yet" in opened().see("/segments").text


def test_time_alone_moves_people(visitor: Visitor) -> None:
    assert ">New</a>" in visitor.see(f"/people/{ANN}").text
    visitor.clock.now += 10 * DAY
    visitor.app.turning.drain()
    assert ">New</a>" not in visitor.see(f"/people/{ANN}").text
