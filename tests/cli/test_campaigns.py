"""What the commands say of a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.act.campaigns import campaign
from volano.cli.campaigns import stop
from volano.domain.campaign import Cap
from volano.wiring import open_house, read_settings


def test_how_often_one_person_is_given_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = open_house(read_settings({}, home=str(tmp_path)))
    house.state.put(campaign(cap=Cap(times=2, days=7)), campaign(key="free"))
    stop("ten-off", home=str(tmp_path))
    assert "At most 2 visits of a person in 7 days." in capsys.readouterr().out
    stop("free", home=str(tmp_path))
    assert "At most" not in capsys.readouterr().out
