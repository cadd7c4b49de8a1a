"""What the drain learns beside the rows: who is who, what arrives, and who is in which segment."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.flow.site import MINUTE, NOW, Site, event, order
from volano.domain.event import Event, Intake
from volano.domain.identity import Address
from volano.domain.naming import Naming
from volano.domain.profile import Profile
from volano.domain.registry import Seen
from volano.domain.segment import Due, Segment
from volano.domain.tables import TIME, filled
from volano.flow.ingest import drain, look_again, rebuild_profiles
from volano.flow.knowledge import Knowledge
from volano.observe.identity import address_key, identity
from volano.observe.membership import ready
from volano.observe.naming import Names
from volano.observe.registry import seen_key
from volano.testing.profiles_memory import MemoryProfiles

DAY = 86_400_000_000
BUYERS = Segment(key="buyers", name="Buyers", rule={"orders": {"$gte": 1}})
LOOKERS = Segment(
    key="lookers",
    name="Lookers",
    rule={"$did": {"event": "Product Viewed", "count": {"$gte": 2}, "within": "7d"}},
)


@pytest.fixture
def by() -> Knowledge:
    return Knowledge(ready=ready([BUYERS, LOOKERS]))


def send(site: Site, *events: Event) -> None:
    """A request that arrives when the last of its events happens."""
    at = max(each.time for each in events)
    site.frame(Intake(source="web", received_at=at, events=list(events)))


def drained(site: Site, by: Knowledge) -> int:
    return sum(iter(lambda: drain(site.journal, site.lake, site.profiles, by=by), 0))


def moves(site: Site) -> list[tuple[str, str]]:
    """What the lake tells of segments."""
    told = [row for row in site.rows() if row["event"].startswith("Segment ")]
    return [(row["event"], row["properties"]) for row in told]


def test_who_enters_a_segment_is_told_with_the_next_drain(site: Site, by: Knowledge) -> None:
    send(site, order("o1", user="7"))
    drained(site, by)
    assert "buyers" in site.profile("u:7").segments
    assert moves(site) == []
    send(site, event("Page Viewed", user="8"))
    drained(site, by)
    assert moves(site) == [("Segment Entered", '{"segment":"buyers"}')]
    assert site.profile("u:7").orders == 1


def test_moves_are_told_without_another_event(site: Site, by: Knowledge) -> None:
    send(site, order("o1", user="7"))
    drained(site, by)
    assert look_again(site.lake, site.profiles, by, now=NOW)
    assert moves(site) == [("Segment Entered", '{"segment":"buyers"}')]
    assert not look_again(site.lake, site.profiles, by, now=NOW)


def test_time_alone_makes_people_leave_a_segment(site: Site, by: Knowledge) -> None:
    send(site, *(event("Product Viewed", user="7", time=NOW + n) for n in range(2)))
    drained(site, by)
    assert "lookers" in site.profile("u:7").segments
    look_again(site.lake, site.profiles, by, now=NOW + 8 * DAY)
    assert site.profile("u:7").segments == {}
    look_again(site.lake, site.profiles, by, now=NOW + 8 * DAY)
    assert moves(site)[-1] == ("Segment Left", '{"segment":"lookers"}')


def test_history_conditions_count_over_several_drains_and_merges(site: Site, by: Knowledge) -> None:
    send(site, event("Product Viewed", anon="a"))
    drained(site, by)
    send(site, event("Product Viewed", user="7", time=NOW + MINUTE))
    drained(site, by)
    assert site.profile("a:a").segments == site.profile("u:7").segments == {}
    send(site, event("Page Viewed", anon="a", user="7", time=NOW + 2 * MINUTE))
    drained(site, by)
    assert "lookers" in site.profile("u:7").segments


def test_a_moment_is_kept_at_which_time_alone_may_change_a_segment(site: Site, by: Knowledge) -> None:
    send(site, *(event("Product Viewed", user="7", time=NOW + n) for n in range(3)))
    drained(site, by)
    person = identity("u:7")
    dues = [due for _, due in site.profiles.scan(Due)]
    assert dues == [Due(at=NOW + 1 + 7 * DAY, person_id=person)]
    send(site, event("Product Viewed", user="7", time=NOW + MINUTE))
    drained(site, by)
    assert [due.person_id for _, due in site.profiles.scan(Due)] == [person]


def test_names_that_arrive_are_registered_with_repeats_counted(site: Site, by: Knowledge) -> None:
    send(site, event("purchase", user="7", message_id="m1", properties={"value": 5}))
    send(site, event("other", user="7", message_id="m1"))
    drained(site, by)
    assert [row["event"] for row in site.rows()] == ["purchase"]
    seen = site.profiles.get(Seen, seen_key("web", "purchase"))
    whole = site.profiles.get(Seen, seen_key("web", ""))
    assert seen is not None
    assert whole is not None
    assert (seen.count, list(seen.properties), whole.doubles) == (1, ["value"], 1)


def test_a_name_of_the_shop_is_brought_in_under_the_standard_word(site: Site) -> None:
    naming = Naming(
        key="k", event="purchase", to="Order Completed", properties={"transaction_id": "order_id"}
    )
    send(site, event("purchase", user="7", properties={"transaction_id": "o1", "value": 5}))
    drained(site, Knowledge(names=Names([naming])))
    (row,) = site.rows()
    assert (row["event"], row["told"], row["order_id"]) == ("Order Completed", "purchase", "o1")
    assert site.profile("u:7").orders == 1


def test_people_are_found_by_the_address_they_gave(site: Site, by: Knowledge) -> None:
    send(site, event("Identified", kind="identify", user="7", properties={"email": "Ann@Shop.example"}))
    drained(site, by)
    found = site.profiles.get(Address, address_key("ann@shop.example"))
    assert found is not None
    assert found.identities == (identity("u:7"),)


def order_rows(user: str, *, at: int) -> pa.Table:
    """The row of an order as an import brings it."""
    who = pa.array([identity(f"u:{user}")], pa.int64())
    columns = {"person_id": who, "identity": who, "id": pa.array([at], pa.int64())}
    columns["time"] = pa.array([at], pa.int64()).cast(TIME)
    columns["known_as"] = pa.array([f"u:{user}"])
    columns["event"] = pa.array(["Order Completed"])
    return filled("events", columns)


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends between the lake and the store, once."""
    put = site.profiles.put

    def ended(_: object) -> None:
        monkeypatch.setattr(site.profiles, "put", put)
        raise Cut

    monkeypatch.setattr(site.profiles, "put", ended)


def test_a_store_left_behind_by_a_crash_is_brought_level(site: Site, by: Knowledge, cut: None) -> None:
    send(site, event("Product Viewed", anon="a"), order("o1", anon="a", user="7"))
    with pytest.raises(Cut):
        drained(site, by)
    assert site.profiles.offset("j0") < site.lake.offset("j0")
    send(site, order("o2", user="7", time=NOW + MINUTE))
    drained(site, by)
    profile = site.profile("a:a")
    assert (profile.orders, profile.person_id, profile.events) == (2, identity("u:7"), 3)
    assert site.profiles.offset("j0") == site.lake.offset("j0")
    seen = site.profiles.get(Seen, seen_key("web", "Order Completed"))
    assert seen is not None
    assert seen.count == 2


def test_a_store_that_knows_nothing_is_made_anew_though_the_journal_has_its_first_frames(
    site: Site, by: Knowledge
) -> None:
    site.lake.append({"events": order_rows("imported", at=NOW - DAY)})
    send(site, order("o1", user="7"))
    drained(site, by)
    site.profiles = MemoryProfiles()
    drained(site, by)
    assert (site.profile("u:7").orders, site.profile("u:imported").orders) == (1, 1)


def test_a_store_made_anew_is_the_store_that_grew(site: Site, by: Knowledge) -> None:
    for number in range(6):
        who = f"a{number % 3}"
        send(site, event("Product Viewed", anon=who, time=NOW + number * DAY))
        send(site, order(f"o{number}", anon=who, user=f"u{number % 2}", time=NOW + number * DAY))
        drained(site, by)
    grown = dict(site.profiles.scan(Profile))
    site.journal.forget(site.journal.end)
    rebuild_profiles(site.lake, site.profiles, now=NOW + 6 * DAY, by=by)
    assert dict(site.profiles.scan(Profile)) == grown
