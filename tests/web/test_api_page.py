"""What the pages about the API show is what it does: every example runs, and answers as it is told."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.web.known import ANN, ann
from tests.web.program import Program, program
from volano.domain.account import SCOPES
from volano.web.api.calls import CALLS, ROOT

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE, HOW_TO = DOCS / "reference/api.md", DOCS / "how-to/programs.md"
BLOCK = re.compile(r"```sh\n(.*?)```(?:\n```json\n(.*?)```)?", re.DOTALL)


def examples(page: Path) -> list[tuple[str, str]]:
    """Every call of curl on a page, with the answer that is shown below it."""
    found = []
    for commands, answer in BLOCK.findall(page.read_text()):
        lines = [line for line in commands.splitlines() if line.startswith("curl ")]
        found += [(line, answer) for line in lines]
    return found


def run(crm: Program, line: str) -> httpx.Response:
    """What curl would be answered."""
    words = iter(shlex.split(line.replace("$KEY", crm.secret))[1:])
    address, sent, key = "", None, ""
    for word in words:
        if word == "-u":
            key = next(words).removesuffix(":")
        elif word == "-d":
            sent = next(words)
        elif word == "-o":
            next(words)
        else:
            address = word
    assert key == crm.secret, line
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}".removeprefix(ROOT).rstrip("?")
    return crm.ask("GET" if sent is None else "POST", path, content=sent, auth=(key, ""))


@pytest.fixture(scope="module")
def reader() -> Program:
    """A program that reads in the house that Ann and Bob came to."""
    return program(ann())


@pytest.mark.parametrize(("line", "shown"), [one for page in (REFERENCE, HOW_TO) for one in examples(page)])
def test_every_example_runs_and_answers_as_it_is_shown(reader: Program, line: str, shown: str) -> None:
    assert str(ANN) == "417768376607484626"  # of the examples
    answer = run(program(ann()) if "forget" in line else reader, line)
    assert answer.status_code == 200, answer.text
    if shown:
        assert _outline(json.loads(shown), answer.json()), answer.text


def _outline(shown: object, told: object) -> bool:
    """Whether both have the same names, as far as the example goes; the insides of lists by their first."""
    if isinstance(shown, dict) and isinstance(told, dict):
        named = [name for name in shown if name != "rows"]  # which counts by table
        return not shown or (
            shown.keys() == told.keys() and all(_outline(shown[name], told[name]) for name in named)
        )
    if isinstance(shown, list) and isinstance(told, list):
        return not shown or not told or _outline(shown[0], told[0])
    return shown is None or told is None or type(shown) is type(told)


def test_the_reference_tells_of_every_call_scope_and_parameter() -> None:
    text = REFERENCE.read_text()
    for call in CALLS:
        pattern = re.escape(call.path).replace(r"\{person_id\}", r"\d+").replace(r"\{key\}", r"[a-z]+")
        assert re.search(rf'{pattern}(?=[\s"?])', text), call.path
        for one in call.query:
            assert f"`{one.name}`" in text
    for scope, said in SCOPES.items():
        assert re.search(rf"^\| `{scope}` \| {re.escape(said)}", text, re.MULTILINE), scope


def test_the_program_of_the_how_to_reads_a_whole_segment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crm = program(ann())

    class Answer:
        def __init__(self, request: object) -> None:
            head = dict(request.header_items())  # type: ignore[attr-defined]
            path = request.full_url.partition(ROOT)[2].replace("limit=1000", "limit=1")  # type: ignore[attr-defined]
            self._answer = crm.ask("GET", path, headers=head)

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self) -> bytes:
            return self._answer.content

    (code,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    monkeypatch.setenv("KEY", crm.secret)
    monkeypatch.setattr("urllib.request.urlopen", Answer)
    exec(code.replace('"lapsing"', '"new"'), {})
    assert sorted(capsys.readouterr().out.split()) == ["u:ann", "u:bob"]
