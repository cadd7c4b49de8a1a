"""The house rules a machine can hold: sizes, first sentences, a light door, words that are documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from tests.commands import the_commands
from volano.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
WRITTEN = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
FORBIDDEN_NAMES = {
    "utils",
    "helpers",
    "common",
    "base",
    "manager",
    "service",
    "handler",
    "processor",
    "core",
    "misc",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*WRITTEN, *sorted((ROOT / "tag").glob("*.js"))], ids=name)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_opens_with_a_sentence_and_its_functions_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text())
    first = (ast.get_docstring(tree) or "").split("\n")[0]
    assert first.endswith((".", ":")), f"{name(path)} does not open with one sentence"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{name(path)}: {node.name} has {lines} lines"
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            public = node in tree.body
            assert not public or ast.get_docstring(node), f"{name(path)}: {node.name} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_named_for_what_is_in_it(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


def test_importing_volano_loads_nothing_heavy() -> None:
    said = "import sys, volano; print(sum('.' not in name for name in sys.modules), *sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "pyarrow", "duckdb", "litestar", "sqlalchemy", "typer"} & set(loaded.split())


def test_choosing_loads_no_web_server_and_no_database() -> None:
    said = "import sys, volano.act.choose; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout
    heavy = {"duckdb", "litestar", "uvicorn", "sqlalchemy", "typer", "ua_parser", "re2", "lmdb", "psycopg"}
    assert not heavy & set(loaded.split())


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    for field in fields(Settings):
        row = re.search(rf"^\| `VOLANO_{field.name.upper()}` \| `(.*?)` \|", page, re.MULTILINE)
        assert row, f"{field.name} is not in docs/reference/settings.md"
        assert row[1] == str(field.default), f"the default of {field.name} is {field.default}"


def test_every_command_is_documented_with_its_options() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    for word, command in the_commands().items():
        assert f"## `volano {word}`" in page, f"{word} is not in docs/reference/commands.md"
        section = page.split(f"## `volano {word}`")[1].split("\n## ")[0]
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else []:
                assert f"`{option}" in section or option in ("--home", "--json", "--help"), f"{word} {option}"


def test_every_command_takes_home_and_json_and_shows_an_example() -> None:
    for word, command in the_commands().items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--home", "--json"} <= options, word
        assert "Example" in (command.help or ""), word


def test_no_committed_file_names_an_index_or_a_path_of_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert listed
    told = re.compile(
        rb"pypi\.(org|python)|registry\.npmjs|files\.pythonhosted|deb\.debian"
        rb"|/root/|/work/|/opt/|\.\./shared|\.library"
    )
    for line in listed.splitlines():
        path = ROOT / line
        if path.is_file() and path != Path(__file__):
            assert not told.search(path.read_bytes()), line


def test_requirements_are_pinned_and_hashed() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text()
        pins = re.findall(r"^[a-z][\w.-]*(?:\[[\w,]+\])?==\S+(?: ;.*?)? \\$", text, re.MULTILINE)
        assert pins
        assert len(pins) == len(re.findall(r"^\S", text, re.MULTILINE)), file.name


def test_the_changelog_tells_of_this_version() -> None:
    from volano import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    for record in (ROOT / "docs/decisions").glob("*.md"):
        assert len(record.read_text().splitlines()) <= 40, record.name


def test_every_link_of_a_page_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), f"{name(page)} links to {link}"
