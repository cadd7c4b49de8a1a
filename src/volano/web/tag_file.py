"""The browser tag as it is served: found, squeezed, packed once."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from volano.errors import BrokenHome
from volano.web.served import Served, served

_TEXTS = re.compile(r'(`[^`]*`|"[^"\n]*")')
_SPACES = re.compile(r"\s*([=+\-*/<>?:,;{}()&|!%^\[\]])\s*")

_CONST = re.compile(r"\bconst\b")


def squeezed(source: str) -> str:
    r"""The script without whole-line comments and spare signs, `const` as the shorter `let`; texts stay.

    It relies on the source's habits: statements end with a semicolon, texts stand in double quotes, and
    patterns hold no spaces. Loops have a body, so that no semicolon before a brace is needed.

    >>> squeezed('// why\nconst a = (b) => {\n  say("a = b", b);\n};\n')
    'let a=(b)=>{say("a = b",b)};'
    """
    lines = (line.strip() for line in source.splitlines())
    parts = _TEXTS.split("\n".join(line for line in lines if line and not line.startswith("//")))
    return "".join(part if index % 2 else _short(part) for index, part in enumerate(parts)).strip()


def _short(code: str) -> str:
    return _SPACES.sub(r"\1", _CONST.sub("let", code)).replace(";}", "}")


@lru_cache(maxsize=1)
def tag_file() -> Served:
    """The tag, from the installed package or from the checkout it runs in; BrokenHome if it is in neither."""
    here = Path(__file__).resolve()
    for path in (here.parent / "tag" / "t.js", here.parents[3] / "tag" / "t.js"):
        if path.is_file():
            plain = squeezed(path.read_text(encoding="utf-8")).encode()
            return served(plain, b"text/javascript; charset=utf-8")
    raise BrokenHome("the browser tag t.js is missing: install volano again")
