"""Profiles: facts fold in, aliases join."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.profile import Profile
from volano.observe.people import COUNTED, Fact, assigned, folded, joined, turned

ME = Profile(person_id=1)


def order(number: int, revenue: int = 100, at: int = 0) -> Fact:
    """A completed order, a refund when money goes back."""
    return Fact(at or number, number, "Order Refunded" if revenue < 0 else "Order Completed", revenue=revenue)


FACTS = st.lists(
    st.builds(
        Fact,
        time=st.integers(1, 1000),
        id=st.integers(1, 20),
        event=st.sampled_from(["Page Viewed", "Order Completed"]),
        source=st.none() | st.just("mail"),
        medium=st.just("email"),
        device=st.none() | st.just("tablet"),
        revenue=st.just(100),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(FACTS, st.integers(0, 20))
def test_facts_may_come_in_pieces(facts: list[Fact], cut: int) -> None:
    assert folded(folded(ME, facts[:cut]), facts[cut:]) == folded(ME, facts)


@settings(deadline=None)
@given(FACTS)
def test_facts_told_twice_change_nothing(facts: list[Fact]) -> None:
    once = folded(ME, facts)
    twice = folded(once, facts)
    assert (twice.orders, twice.revenue, twice.counted) == (once.orders, once.revenue, once.counted)
    assert (twice.first_seen, twice.last_seen) == (once.first_seen, once.last_seen)


@settings(deadline=None)
@given(FACTS, FACTS)
def test_joining_counts_each_order_once(mine: list[Fact], theirs: list[Fact]) -> None:
    whole = joined(folded(ME, mine), folded(Profile(person_id=2), theirs))
    orders = {fact.id for fact in [*mine, *theirs] if fact.event == "Order Completed"}
    assert (whole.person_id, whole.orders, whole.revenue) == (1, len(orders), 100 * len(orders))
    times = [fact.time for fact in [*mine, *theirs]]
    assert (whole.first_seen, whole.last_seen) == (min(times, default=0), max(times, default=0))


def test_refunds_take_money_but_no_order() -> None:
    profile = folded(ME, [order(1, 500), order(2, -200)])
    assert (profile.orders, profile.revenue, profile.last_order) == (1, 300, 1)


def test_a_profile_remembers_only_the_latest_orders_by_id() -> None:
    profile = folded(ME, [order(number) for number in range(1, 100)])
    assert (profile.orders, len(profile.counted), max(profile.counted)) == (99, COUNTED, 99)


def test_the_newest_source_counts_and_a_direct_visit_does_not_erase_it() -> None:
    facts = [
        Fact(1, 1, "x", source="mail", medium="email"),
        Fact(2, 2, "x", source="google", medium="organic"),
        Fact(3, 3, "x"),
        Fact(1, 4, "x", source="late", medium="news"),
    ]
    assert (folded(ME, facts).source, folded(ME, facts).medium) == ("google", "organic")


def test_the_first_draw_of_a_campaign_stays() -> None:
    assert assigned(assigned(ME, "c.1", "a"), "c.1", "b").assigned == {"c.1": "a"}


def test_aliases_join_before_new_facts_count() -> None:
    before = {2: folded(Profile(person_id=2), [order(7)])}
    (after,) = turned(before, {1: [order(7), order(8)]}, [], {2: 1})
    assert (after.person_id, after.orders) == (1, 2)
