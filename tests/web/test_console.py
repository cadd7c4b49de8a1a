"""The five pages: what they say, that their forms work without JavaScript, and what they weigh."""

from __future__ import annotations

import gzip
import re

import pytest
from msgspec.structs import replace

from tests.web.shop import IDEAS, LEAKS, NOW, VERDICT, empty_house, full_house
from tests.web.visitor import Visitor, owner
from volano.domain.idea import Idea
from volano.web.login import set_password
from volano.wiring import House


@pytest.fixture(scope="module")
def visitor() -> Visitor:
    """The owner of a full shop, for tests that only look."""
    return owner(full_house())


@pytest.fixture
def house() -> House:
    """A full shop of its own."""
    return full_house()


def test_a_name_with_markup_is_seen_as_it_was_typed(visitor: Visitor) -> None:
    assert "10 % off for Instagram &lt;script&gt;alert(1)&lt;/script&gt;" in visitor.see("/campaigns").text


def test_pages_and_files_are_sent_packed_and_files_are_kept_for_a_year(visitor: Visitor) -> None:
    page = visitor.see("/")
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-store"
    sheet = re.findall(r'href="(/static/style\.css\?\w+)"', page.text)[0]
    answer = visitor.ask("GET", sheet)
    assert answer.headers["content-encoding"] == "gzip"
    assert "max-age=31536000" in answer.headers["cache-control"]
    script = visitor.ask("GET", re.findall(r'src="(/static/swap\.js\?\w+)"', page.text)[0])
    assert len(gzip.compress(script.content)) < 1_000
    assert visitor.ask("GET", "/static/nothing.css").status_code == 404


def test_today_says_where_the_wheel_stands_and_what_came_in(visitor: Visitor) -> None:
    text = visitor.see("/").text
    for said in (
        "Round 1 · decided",
        "Ship it: 2.2 points more people order",
        "Events",
        "People",
        "Orders",
        "Revenue",
        "People from Instagram on small Android phones leave at checkout",
        "Make an idea",
        "Make a campaign",
        "1 bad event quarantined",
        "&#39;31-31-2025&#39; is no ISO 8601 time",
    ):
        assert said in text
    fragment = visitor.see("/fragments/today").text
    assert fragment.lstrip().startswith("<h1>")


def test_a_campaign_without_a_decision_is_being_tested(house: House) -> None:
    house.state.put(replace(VERDICT, call="keep running", sentence="Keep running: 7 of 87.", final=False))
    text = owner(house).see("/").text
    assert "evaluating" in text
    assert "1 campaign is being tested" in text


def test_an_empty_house_teaches_how_to_send_events() -> None:
    house = empty_house()
    set_password(house.state, "correct horse battery", now=NOW)
    visitor = owner(house)
    text = visitor.see("/").text
    assert "Nothing has come in yet" in text
    assert "data-key=&#34;wk_test…&#34;" in text or 'data-key="wk_test…"' in text
    assert "curl http://console.test/v1/track -u wk_test…:" in text
    assert "volano import orders.csv --as orders" in text
    for path in ("/plan", "/ideas", "/campaigns", "/results", "/settings"):
        assert visitor.see(path).status_code == 200


def test_the_plan_counts_the_journey_and_breaks_it_down(visitor: Visitor) -> None:
    text = visitor.see("/plan").text
    assert "7.8 % of those who land order" in text
    assert "42 % do not order" in text
    by = visitor.see("/plan?by=source").text
    assert "instagram / social" in by
    assert 'href="/plan?by=source" aria-current="true"' in by
    assert visitor.see("/plan?by=nonsense").status_code == 200


def test_every_chart_has_a_table_twin(visitor: Visitor) -> None:
    for path, tables in (("/plan", 2), ("/plan?by=device", 2), ("/results", 6)):
        assert visitor.see(path).text.count("<table>") == tables


def test_the_leaks_export_as_csv(house: House) -> None:
    house.state.put(replace(LEAKS[0], slice={"source": "=cmd() / x"}))
    lines = owner(house).see("/plan/leaks.csv").text.splitlines()
    assert lines[0].startswith("slice,key,step,next_step,people")
    assert lines[1].startswith("'=cmd() / x,l1a2b3,Checkout Started")
    assert len(lines) == 3


def test_a_leak_becomes_an_idea_and_the_idea_a_campaign_without_javascript(house: House) -> None:
    visitor = owner(house)
    page = visitor.send("/plan/idea", key="l1a2b3")
    assert page.url.path == "/ideas"
    assert "The idea is on your backlog." in page.text
    assert house.state.get(Idea, IDEAS[0].key).status == "open"
    again = visitor.send("/plan/idea", key="l1a2b3")
    assert "on your backlog already" in again.text
    page = visitor.send("/ideas/campaign", key=IDEAS[0].key)
    assert page.url.path.startswith("/campaigns/")
    assert "Publish" in page.text


def test_a_number_of_an_idea_is_overridden_and_taken_back(house: House) -> None:
    visitor, key = owner(house), IDEAS[0].key
    visitor.send("/ideas/override", key=key, field="impact", value="12,5")
    kept = house.state.get(Idea, key)
    assert (kept.impact.value, kept.impact.overridden) == (0.125, True)
    visitor.send("/ideas/override", key=key, field="impact", value="", back="1")
    assert not house.state.get(Idea, key).impact.overridden


@pytest.mark.parametrize("value", ["", "many", "nan", "inf", "-5", "1e400"])
def test_a_number_that_is_none_gets_one_sentence(house: House, value: str) -> None:
    page = owner(house).send("/ideas/override", key=IDEAS[0].key, field="effort", value=value)
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_a_dropped_idea_can_be_brought_back(house: House) -> None:
    visitor, key = owner(house), IDEAS[1].key
    page = visitor.send("/ideas/drop", key=key)
    assert 'action="/ideas/restore"' in page.text
    assert house.state.get(Idea, key).status == "dropped"
    visitor.send("/ideas/restore", key=key)
    assert house.state.get(Idea, key).status == "open"


def test_results_show_verdict_goals_arms_and_what_was_learned(visitor: Visitor) -> None:
    text = visitor.see("/results").text
    for said in (
        "Ship it: 2.2 points more people order (0.8 … 3.6)",
        "no change",
        "+2.2 pt",
        "+€0.82",
        "92 %",
        "The shares fit the plan",
        "Refunds",
        "we now expect +12 %, not +7.0 %",
        "Ship to everyone",
    ):
        assert said in text


def test_a_broken_verdict_offers_no_shipping(house: House) -> None:
    house.state.put(replace(VERDICT, call="broken", sentence="Broken: the arms do not fit.", ratio_p=1e-9))
    text = owner(house).see("/results").text
    assert "Ship to everyone" not in text
    assert "nothing here can be trusted" in text


def test_an_import_is_taken_back_by_its_button(house: House) -> None:
    page = owner(house).send("/settings/imports/undo", key="imp1")
    assert "The import is taken back" in page.text
    assert "taken back</span>" in page.text


def test_what_is_not_there_gets_a_friendly_page(visitor: Visitor) -> None:
    for path in ("/nothing", "/campaigns/none"):
        answer = visitor.see(path)
        assert answer.status_code == 404
        assert "It is not here" in answer.text
        assert "content-security-policy" in answer.headers


def test_a_fault_inside_shows_no_traceback(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.state.put(replace(LEAKS[0], review_by=1 << 62))
    answer = owner(house).see("/plan")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "Traceback" not in answer.text
    assert "Traceback" in capsys.readouterr().err


def test_ways_for_machines_read_no_cookies() -> None:
    visitor = owner(full_house())
    answer = visitor.ask("POST", "/v1/track", json={"event": "x", "userId": "1"})
    assert answer.status_code in (400, 401)


def test_a_goal_nobody_can_be_counted_for_draws_no_interval(house: House) -> None:
    unripe = [replace(result, control_people=0, variant_people=0) for result in VERDICT.results]
    house.state.put(replace(VERDICT, results=unripe, missing="0 of 87", sentence="Keep running: 0 of 87."))
    text = owner(house).see("/results").text
    assert text.count("there is nothing to compare") == 4
    assert text.count("0 of 87") == 1


def test_what_was_done_is_said_once_and_undo_stays(house: House) -> None:
    visitor = owner(house)
    assert "on your backlog." in visitor.send("/plan/idea", key="l1a2b3").text
    assert "on your backlog." not in visitor.see("/plan").text
    visitor.send("/ideas/drop", key=IDEAS[1].key)
    assert "Undo" in visitor.see("/plan").text
