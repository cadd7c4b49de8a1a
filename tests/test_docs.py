"""What the pages say can be done: links lead to a heading, command lines parse, examples are whole."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import the_commands

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
STAND_INS = {"N": "2", "ZONE": "UTC", "…": "x"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def command_lines(text: str) -> Iterator[list[str]]:
    """The words after `volano` of every command that a page shows, in a block or within a line."""
    fenced = "\n".join(body for _, body in FENCE.findall(text)).replace("\\\n", " ")
    shown = re.findall(r"^ *(?:\.venv/bin/)?volano +(.*)$", fenced, re.MULTILINE)
    shown += re.findall(r"`volano +([a-z][^`\n]*)`", FENCE.sub("", text))
    for line in shown:
        yield [STAND_INS.get(word, word) for word in shlex.split(line, comments=True)]


def slugs(page: Path) -> set[str]:
    """The headings of a page as addresses name them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_line_of_a_page_parses(page: Path) -> None:
    known = the_commands()
    for word, *rest in command_lines(page.read_text()):
        assert word in known, f"there is no `volano {word}`"
        if rest and not set(rest) & {"--help"}:
            known[word].make_context(word, list(rest)).close()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    for link, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
        assert heading in slugs(page.parent / link if link else page), f"{link}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_examples_in_python_and_json_are_whole(page: Path) -> None:
    for language, body in FENCE.findall(page.read_text()):
        if language == "python":
            compile(body, name(page), "exec")
        if language == "json":
            for text in body.strip().splitlines() if "\n{" in body else [body]:
                assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_benchmark_and_make_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in re.findall(r"benchmarks[/.]([a-z]+)(?:\.py)?\b", text):
        assert (ROOT / "benchmarks" / f"{file}.py").exists(), file
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE):
        assert target in targets, target
