"""What every State promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from volano.adapters.state_sql import SqlState
from volano.domain.account import Source, User
from volano.errors import NotFound
from volano.ports import State
from volano.testing.state_memory import MemoryState


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    if request.param == "memory":
        yield MemoryState()
        return
    here = f"sqlite:///{tmp_path / 'state.db'}"
    address = here if request.param == "sqlite" else request.getfixturevalue("database")
    made = SqlState(address, tmp_path)
    yield made
    made.close()


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


def test_a_key_may_be_any_text(state: State) -> None:
    keys = ["", "a\0b", "a", "é😀", "k" * 10_000, "k" * 9_999 + "l", "%", "a\\0b", "'; drop table sources"]
    state.put(*(source(key, str(number)) for number, key in enumerate(keys)))
    assert [state.get(Source, key).name for key in keys] == [str(number) for number in range(len(keys))]
    assert [noun.key for noun in state.find(Source)] == keys
    state.put(source("k" * 10_000, "renamed"))
    state.drop(Source, "a\0b")
    assert len(state.find(Source)) == len(keys) - 1
    assert state.get(Source, "k" * 10_000).name == "renamed"


def test_of_many_put_at_once_all_are_kept_or_none(state: State) -> None:
    state.put(source("kept"))
    with pytest.raises((KeyError, AttributeError)):
        state.put(source("kept", "renamed"), source("new"), "no noun")  # type: ignore[arg-type]
    assert [noun.name for noun in state.find(Source)] == ["Shop"]


def test_writers_of_the_same_nouns_in_another_order_do_not_lock_each_other_out(state: State) -> None:
    keys = [f"{number}" for number in range(20)]
    refused: list[Exception] = []

    def write(order: list[str], name: str) -> None:
        try:
            for _ in range(10):
                state.put(*(source(key, name) for key in order))
        except Exception as error:  # noqa: BLE001  whatever it is
            refused.append(error)

    threads = [Thread(target=write, args=(keys, "up")), Thread(target=write, args=(keys[::-1], "down"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (refused, len({noun.name for noun in state.find(Source)})) == ([], 1)


def test_what_was_dropped_stays_so_after_a_wipe_and_the_rest_is_there(state: State) -> None:
    state.put(source("a"), source("b"))
    state.drop(Source, "a")
    state.wipe()
    assert state.find(Source) == [source("b")]
    state.put(source("a"))
    assert [noun.key for noun in state.find(Source)] == ["b", "a"]
