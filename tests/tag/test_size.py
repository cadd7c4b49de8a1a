"""The tag is light, and refuses by construction what would need trust."""

from __future__ import annotations

import re
from pathlib import Path

from volano.web.tag_file import squeezed, tag_file

SOURCE = (Path(__file__).parents[2] / "tag" / "t.js").read_text(encoding="utf-8")


def test_the_tag_as_served_is_at_most_4096_bytes() -> None:
    assert len(tag_file().packed) <= 4_096


def test_the_tag_never_makes_code_or_markup_from_text() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", SOURCE)
    assert 'setAttribute("style"' not in SOURCE
    assert not re.search(r"\bIntl\b|toLocale", SOURCE)  # the first call alone costs 60 ms


def test_the_tag_keeps_the_habits_that_squeezing_relies_on() -> None:
    for line in SOURCE.splitlines():
        assert " //" not in line.strip(), f"a comment has a line of its own: {line}"
        assert "'" not in line or line.strip().startswith("//"), f"texts stand in double quotes: {line}"
        assert not re.search(r"\+ \+|- -", line), f"signs would run together: {line}"


def test_texts_in_a_script_survive_squeezing() -> None:
    script = 'const a = "x = const";\nconst b = `p { color: red }\nq { }`;\n'
    assert squeezed(script) == 'let a="x = const";let b=`p { color: red }\nq { }`;'
