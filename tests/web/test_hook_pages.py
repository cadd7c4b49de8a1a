"""Web hooks in the console: made, tried, watched, taken away and brought back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace as changed

import pytest

from tests.flow.site import order
from tests.receiver import Receiver, receiving
from tests.web.known import NASTY, _owner, came_to, frame
from tests.web.shop import NOW, empty_house
from tests.web.visitor import Clock, Visitor
from volano.act.hooks import verified
from volano.adapters.outside_http import HttpOutside
from volano.domain.durations import HOUR
from volano.domain.hook import Hook
from volano.domain.segment import Segment
from volano.flow.calling import Caller
from volano.ports import Outside
from volano.web.app import create_app
from volano.wiring import House

AT = "/settings/hooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody else's server."""
    with receiving() as found:
        yield found


@pytest.fixture
def house() -> House:
    """A house whose hooks may call this machine, with two segments."""
    way = HttpOutside("127.0.0.1")

    def outside() -> Outside:
        return way

    made = changed(empty_house(), outside=outside)
    made.state.put(_owner())
    made.state.put(Segment(key="buyers", name="Buyers", rule={"orders": {"$gte": 1}}))
    made.state.put(Segment(key="nasty", name=NASTY, rule={"orders": {"$gte": 9}}))
    return made


@pytest.fixture
def visitor(house: House) -> Visitor:
    """Its owner."""
    clock = Clock()
    found = Visitor(create_app(house, now=clock), clock=clock)
    found.sign_in()
    return found


def made(visitor: Visitor, receiver: Receiver, **fields: str) -> str:
    """A hook at the receiver; its secret."""
    page = visitor.send(f"{AT}/add", url=receiver.url, name="CRM", **fields)
    found = re.findall(r"<pre[^>]*><code>(whsec_[^<]+)</code>", page.text)
    return str(found[0]).replace("&#43;", "+")


def bought(visitor: Visitor, *users: str) -> None:
    """They order, and the hooks are called."""
    came_to(visitor.app, frame(*(order(f"o{one}", user=one, time=NOW) for one in users)))
    while visitor.app.turning.call():
        pass


def test_a_hook_is_made_and_its_secret_is_shown_once(
    visitor: Visitor, house: House, receiver: Receiver
) -> None:
    assert "No web hook yet" in visitor.see("/settings").text
    assert "Nobody is told yet" in visitor.see(AT).text
    secret = made(visitor, receiver, **{"in.buyers": "1"})
    text = visitor.see(AT).text
    assert secret not in text
    assert "Told of Buyers" in text
    assert receiver.url in text
    assert "1 web hook<" in visitor.see("/settings").text
    assert house.state.get(Hook, "crm").segments == ("buyers",)
    assert NASTY not in text


def test_what_cannot_be_a_hook_is_said_in_one_sentence_and_stays_typed(visitor: Visitor) -> None:
    for url, why in (("http://8.8.8.8", "not encrypted"), ("https://10.0.0.1/", "VOLANO_HOOK_NETWORKS")):
        page = visitor.send(f"{AT}/add", url=url, name=NASTY, **{"in.buyers": "1"})
        assert page.status_code == 422
        assert page.text.count('role="alert"') == 1
        assert why in page.text
        assert f'value="{url}"' in page.text
        assert 'name="in.buyers" value="1" checked' in page.text
        assert NASTY not in page.text


def test_a_test_call_says_what_came_of_it(visitor: Visitor, receiver: Receiver) -> None:
    secret = made(visitor, receiver)
    assert "The test call: it answered 204" in visitor.send(f"{AT}/test", key="crm").text
    (got,) = receiver.got
    assert verified(got.headers, got.body, secret, now=NOW)
    receiver.script.append(500)
    assert "The test call: it answered 500" in visitor.send(f"{AT}/test", key="crm").text


def test_the_page_says_how_it_goes_and_today_when_it_goes_wrong(visitor: Visitor, receiver: Receiver) -> None:
    made(visitor, receiver)
    receiver.script += [204, 500, 503]
    bought(visitor, "ann")
    assert "1 call taken" in visitor.see(AT).text
    bought(visitor, "bob")
    text = visitor.see(AT).text
    assert "it answered 500" in text
    assert "1 call waits, the oldest since" in text
    visitor.clock.now += HOUR
    visitor.app.turning._asked_at = float("-inf")
    visitor.app.turning.call()
    assert "Trouble while telling CRM" in visitor.see("/").text
    assert "Call again now" in visitor.see(AT).text
    assert "It is called again" in visitor.send(f"{AT}/again", key="crm").text
    visitor.app.turning._asked_at = float("-inf")
    visitor.app.turning.call()
    assert "Trouble while telling" not in visitor.see("/").text
    assert "2 calls taken" in visitor.see(AT).text
    assert [one.reply for one in receiver.got] == [204, 500, 503, 204]


def test_a_person_shows_what_the_hook_was_told_under_its_name(visitor: Visitor, receiver: Receiver) -> None:
    made(visitor, receiver)
    bought(visitor, "ann")
    visitor.app.turning.drain()
    text = visitor.see("/people?q=ann").text
    assert "<b>Told CRM</b> <small>entered Buyers</small>" in text


def test_a_hook_that_wants_no_more_is_off_and_can_be_switched_on(
    visitor: Visitor, receiver: Receiver
) -> None:
    made(visitor, receiver)
    receiver.script.append(410)
    bought(visitor, "ann")
    assert ">off</span>" in visitor.see(AT).text
    visitor.send(f"{AT}/again", key="crm")
    assert ">off</span>" not in visitor.see(AT).text


def test_a_hook_is_removed_and_that_is_taken_back(visitor: Visitor, house: House, receiver: Receiver) -> None:
    made(visitor, receiver)
    page = visitor.send(f"{AT}/remove", key="crm")
    assert "it is told nothing more" in page.text
    assert f'action="{AT}/restore"' in page.text
    assert house.state.find(Hook) == []
    assert "It is told again" in visitor.send(f"{AT}/restore", key="crm").text
    assert house.state.get(Hook, "crm").name == "CRM"


def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_while(
    visitor: Visitor, house: House, receiver: Receiver
) -> None:
    old = made(visitor, receiver)
    page = visitor.send(f"{AT}/rotate", key="crm")
    assert "The secret before it signs, too, for 7 days." in page.text
    bought(visitor, "ann")
    assert verified(receiver.got[0].headers, receiver.got[0].body, old, now=NOW)
    assert len(house.state.get(Hook, "crm").secrets) == 2


@pytest.mark.parametrize("what", ["test", "rotate", "again", "remove"])
def test_a_hook_that_is_not_there_is_said_so(visitor: Visitor, what: str) -> None:
    page = visitor.send(f"{AT}/{what}", key="none")
    assert page.status_code == 404
    assert "here is no web hook" in page.text


def test_calls_that_were_given_up_are_counted(visitor: Visitor, house: House, receiver: Receiver) -> None:
    made(visitor, receiver)
    receiver.script += [422] * 10
    bought(visitor, "ann")
    for _ in range(9):
        visitor.clock.now += HOUR
        Caller(house, visitor.clock).step()
    assert "1 call given up" in visitor.see(AT).text
