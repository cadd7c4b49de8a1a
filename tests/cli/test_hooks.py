"""`volano hooks` as people run it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.receiver import Receiver, receiving
from volano.act.hooks import verified
from volano.cli.doctor import examine
from volano.cli.hooks import hooks
from volano.cli.say import now
from volano.domain.change import Change
from volano.domain.hook import Call, DeadCall, Hook
from volano.errors import BadInput, BrokenHome, NotFound, Unreachable
from volano.flow.calls import number_of
from volano.flow.segments import plant
from volano.settings import Settings
from volano.wiring import House, open_house


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Somebody else's server, which may be called."""
    monkeypatch.setenv("VOLANO_HOOK_NETWORKS", "127.0.0.1")
    with receiving() as found:
        yield found


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A home with the starter segments."""
    made = open_house(Settings(home=str(tmp_path)))
    plant(made.state, now=5)
    return made


def run(house: House, *words: str, **options: Any) -> None:
    """The command with an action and what it is about."""
    told: dict[str, Any] = dict(zip(("action", "which"), words, strict=False))
    hooks(home=str(house.home), **told, **options)


def said(house: House, capsys: pytest.CaptureFixture[str], *words: str, **options: Any) -> Any:
    """What the command prints as JSON."""
    run(house, *words, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def test_a_hook_is_made_tried_given_another_secret_and_removed(
    house: House, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    made = said(house, capsys, "add", receiver.url, name="My CRM", segments="new lapsing")
    assert (made["key"], made["url"], made["segments"]) == ("my-crm", receiver.url, ["new", "lapsing"])
    assert said(house, capsys, "test", "my-crm") == {"status": 204}
    assert verified(receiver.got[0].headers, receiver.got[0].body, made["secret"], now=now())
    assert said(house, capsys, "rotate", "my-crm", days=1)["secret"] != made["secret"]
    (listed,) = said(house, capsys)
    assert (listed["name"], listed["waiting"], listed["dead"]) == ("My CRM", 0, 0)
    assert "whsec" not in json.dumps(listed)
    said(house, capsys, "remove", "my-crm")
    assert house.state.find(Hook) == []


def test_what_was_given_up_is_called_again(
    house: House, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    key = said(house, capsys, "add", receiver.url, name="CRM")["key"]
    told: dict[str, Any] = {
        "hook": key,
        "person_id": 1,
        "segment": "new",
        "entered": True,
        "at": 5,
        "since": 5,
    }
    dead = tuple(((number_of(key), at), DeadCall(**told, id=f"c{at}", attempts=9)) for at in range(3))
    house.profiles.put(Change(puts=dead))
    assert said(house, capsys)[0]["dead"] == 3
    assert said(house, capsys, "again", key) == {"hook": "crm", "calls": 3}
    calls = [call for _, call in house.profiles.scan(Call)]
    assert [(call.id, call.attempts) for call in calls] == [("c0", 0), ("c1", 0), ("c2", 0)]
    assert all(call.since > 5 for call in calls)


def test_the_doctor_says_how_it_goes(
    house: House, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    said(house, capsys, "add", receiver.url, name="CRM")

    def found() -> list[tuple[str, str]]:
        findings = examine(Settings(home=str(house.home)), now=now())
        return [(one.state, one.says) for one in findings if one.what == "web hook"]

    assert found() == [("good", "CRM: 0 calls taken, 0 wait, 0 given up")]
    house.state.put(replace(house.state.get(Hook, "crm"), off_at=7))
    assert found() == [("warn", "CRM: 0 calls taken, 0 wait, 0 given up, switched off")]


def test_people_are_shown_the_secret_once_and_how_it_goes(
    house: House, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    run(house, "add", receiver.url)
    told = capsys.readouterr().out
    secret = next(word for word in told.split() if word.startswith("whsec_"))
    assert "not shown again" in told
    run(house)
    listed = capsys.readouterr().out
    assert secret not in listed
    assert "all segments" in listed
    run(house, "test", "127-0-0-1")
    assert "Taken: it answered 204." in capsys.readouterr().out


def test_what_it_does_not_do_is_one_sentence(house: House, receiver: Receiver, tmp_path: Path) -> None:
    for words in (("drop", "x"), ("add",), ("rotate",), ("add", "http://8.8.8.8/"), ("add", "x")):
        with pytest.raises(BadInput):
            run(house, *words)
    with pytest.raises(BadInput, match="no segment 'vip'"):
        run(house, "add", receiver.url, segments="vip")
    with pytest.raises(NotFound, match="there are: none"):
        run(house, "test", "crm")
    run(house, "add", receiver.url, name="CRM")
    receiver.script.append(500)
    with pytest.raises(Unreachable, match="not taken: it answered 500"):
        run(house, "test", "crm")
    with pytest.raises(BrokenHome):
        hooks(home=str(tmp_path / "nothing"))
