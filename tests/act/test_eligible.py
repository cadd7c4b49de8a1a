"""Facts speak the words of the analyses, and odd pasts are read the safe way."""

from __future__ import annotations

from volano.act.eligible import LONGEST_VISIT, facts, returning
from volano.domain.profile import Profile
from volano.domain.visit import GAP
from volano.observe.traffic import Traffic
from volano.rules.compile import compile_one

KNOWN = {"orders": 2, "revenue": 4_990, "source": "mail / newsletter", "device": "iphone", "os": "iOS"}


def test_the_source_is_that_of_the_visit_before_that_of_the_person() -> None:
    visit = Traffic(source="instagram", medium="social", device="android", country="de", path="/p/1")
    assert facts(visit, KNOWN, returning=True) == {
        "source": "instagram / social",
        "device": "android",
        "os": "iOS",
        "country": "de",
        "path": "/p/1",
        "landing": "/p/1",
        "visitor": "returning",
        "orders": 2,
        "revenue": 4_990,
    }


def test_a_visit_that_tells_nothing_is_read_from_the_profile() -> None:
    found = facts(Traffic(), KNOWN, landing="/sale", returning=None)
    assert (found["source"], found["device"], found["landing"]) == ("mail / newsletter", "iphone", "/sale")
    assert "visitor" not in found


def test_a_stranger_who_tells_nothing_comes_directly_on_an_unknown_device() -> None:
    found = facts(Traffic(source="partner"), {}, returning=False)
    assert (found["source"], found["device"]) == ("partner / (none)", "(unknown)")
    assert facts(Traffic(), {})["source"] == "(direct) / (none)"


def test_an_audience_means_whom_its_rule_means() -> None:
    rule = compile_one({"source": {"$prefix": "instagram"}, "visitor": "new"})
    assert rule(facts(Traffic(source="instagram", medium="social"), {}, returning=False))
    assert not rule(facts(Traffic(source="instagram", medium="social"), {}))


def test_a_second_visit_is_known_by_the_browser_or_by_the_profile() -> None:
    fresh = Profile(person_id=1, first_seen=0, last_seen=60)
    assert not returning(fresh, 1, now=GAP)
    assert returning(fresh, 2, now=GAP)
    assert returning(fresh, None, now=GAP + 61)
    assert returning(Profile(person_id=1, first_seen=0, last_seen=LONGEST_VISIT), 1, now=LONGEST_VISIT + 1)
    assert not returning(Profile(person_id=1), None, now=GAP * 100)
