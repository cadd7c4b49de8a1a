"""A simulated shop asks the product's decisions, caps included."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.act.campaigns import campaign
from tests.web.shop import NOW, empty_house
from volano.cli.turn import Offers
from volano.domain.campaign import Cap
from volano.domain.durations import DAY
from volano.world.spec import Visits


def visits(day: int) -> Visits:
    """Two people who come on that day."""
    return Visits(
        person_id=np.array(["", ""]),
        anonymous_id=np.array(["me", "you"]),
        source=np.array(["mail", "mail"]),
        medium=np.array(["letter", "letter"]),
        device=np.array(["iphone", "iphone"]),
        path=np.array(["/", "/"]),
        time=np.array([NOW + day * DAY, NOW + day * DAY + 1]),
        returning=np.array([False, False]),
        orders=np.array([0, 0]),
    )


def test_simulated_visits_count_against_caps(tmp_path: Path) -> None:
    house = empty_house(tmp_path)
    house.state.put(campaign(cap=Cap(times=2, days=7)), campaign(key="free"))
    offers = Offers(house)
    given = {key: [0] * 4 for key in ("ten-off", "free")}
    for at, day in enumerate((0, 1, 2, 9)):
        for offer in offers(visits(day)):
            given[offer.campaign][at] = int((offer.arm != "").sum())
    assert given == {"ten-off": [2, 2, 0, 2], "free": [2, 2, 2, 2]}
