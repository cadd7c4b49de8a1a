"""What every State promises."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from volano.adapters.state_sql import SqlState
from volano.domain.account import Source, User
from volano.errors import NotFound
from volano.ports import State
from volano.testing.state_memory import MemoryState


@pytest.fixture(params=["memory", "sqlite"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> State:
    return MemoryState() if request.param == "memory" else SqlState(f"sqlite:///{tmp_path / 'state.db'}")


def source(key: str, name: str = "Shop") -> Source:
    return Source(key=key, name=name, write_key=f"w_{key}")


def test_what_was_put_is_got(state: State) -> None:
    state.put(source("web", "<script>é😀"))
    assert state.get(Source, "web") == source("web", "<script>é😀")


def test_what_is_missing_is_named(state: State) -> None:
    with pytest.raises(NotFound, match="no source with the key 'web'"):
        state.get(Source, "web")


def test_kinds_do_not_mix_and_order_is_that_of_arrival(state: State) -> None:
    state.put(source("b"), User(key="b", password_hash="x"), source("a"))
    state.put(source("b", "renamed"))
    assert [noun.key for noun in state.find(Source)] == ["b", "a"]
    assert state.get(Source, "b").name == "renamed"
    assert state.find(User) == [User(key="b", password_hash="x")]


def test_dropping_forgets_one_and_is_calm_about_none(state: State) -> None:
    state.put(source("a"), source("b"))
    state.drop(Source, "a")
    state.drop(Source, "a")
    assert [noun.key for noun in state.find(Source)] == ["b"]


def test_many_writers_wait_for_each_other(state: State) -> None:
    def write(who: int) -> None:
        for turn in range(10):
            state.put(source(f"{who}-{turn}"))

    threads = [Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state.find(Source)) == 40
