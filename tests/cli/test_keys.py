"""`volano keys` as people run it, and what programs then see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.served import PATIENCE, Served, serving, until
from volano.cli.keys import keys
from volano.domain.account import KeyUse, SecretKey
from volano.errors import BadInput, BrokenHome, NotFound
from volano.flow.secret_keys import holder
from volano.flow.sources import first_source
from volano.settings import Settings
from volano.wiring import open_pepper, open_state


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with its first source."""
    first_source(open_state(Settings(home=str(tmp_path))), now=5)
    return tmp_path


def run(home: Path, *words: str, **options: Any) -> None:
    """The command with an action and what it is about."""
    told: dict[str, Any] = dict(zip(("action", "which"), words, strict=False))
    keys(home=str(home), **told, **options)


def said(home: Path, capsys: pytest.CaptureFixture[str], *words: str, **options: Any) -> Any:
    """What the command prints as JSON."""
    run(home, *words, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def test_a_key_is_added_listed_and_revoked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=str(home))
    added = said(home, capsys, "add", "The CRM", scopes=["people:read", "segments:read"], days=30)
    assert (added["key"], added["scopes"]) == ("the-crm", ["people:read", "segments:read"])
    assert added["good_until"] > added["made_at"] > 0
    known = holder(open_state(settings), open_pepper(settings), added["secret"])
    assert known == open_state(settings).get(SecretKey, "the-crm")
    open_state(settings).put(KeyUse(key="the-crm", at=7))
    (listed,) = said(home, capsys)
    assert "secret" not in listed
    assert (listed["secret_begins"], listed["last_used_at"]) == (added["secret"][:7], 7)
    assert said(home, capsys, "revoke", "the-crm")["revoked_at"] > 0


def test_the_secret_is_shown_to_people_once_with_what_it_can_do(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(home, "add", "CRM", scopes=["people:forget"])
    told = " ".join(capsys.readouterr().out.split())
    secret = next(word for word in told.split() if word.startswith("sk_"))
    assert "forget people for ever" in told
    assert "not shown again" in told
    run(home)
    listed = capsys.readouterr().out
    assert secret not in listed
    assert secret[:7] in listed


def test_what_it_does_not_do_is_one_sentence(home: Path, tmp_path: Path) -> None:
    for words in (("drop", "crm"), ("revoke",), ("add",), ("add", "CRM")):
        with pytest.raises(BadInput):
            run(home, *words)
    with pytest.raises(BadInput, match="no scope; there are: people:read"):
        run(home, "add", "CRM", scopes=["people"])
    with pytest.raises(NotFound, match="there are: none"):
        run(home, "revoke", "crm")
    with pytest.raises(BrokenHome):
        run(tmp_path / "nothing")


def asked(served: Served, secret: str) -> set[int]:
    """What many requests over connections of their own are answered: some to each process."""
    head = {"Authorization": f"Bearer {secret}"}
    address = f"{served.address}/api/v1/people/7"
    answers = [httpx.get(address, headers=head, timeout=PATIENCE) for _ in range(12)]
    return {answer.status_code for answer in answers}


def test_a_key_that_is_made_or_revoked_beside_a_server_is_so_in_all_its_processes_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path / "home", "--workers", "2") as served:
        until(lambda: served.writer("j1"))
        secret = said(served.home, capsys, "add", "CRM", scopes=["people:read"])["secret"]
        assert asked(served, secret) == {404}
        run(served.home, "revoke", "crm")
        assert asked(served, secret) == {401, 429}  # one brake for all
