"""Opens a file of rows by what is in it, not by its name: gzip, Parquet, JSON lines or delimited text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile
from io import BufferedReader, BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from isal import igzip
from isal.isal_zlib import IsalError

from volano.adapters.table_text import Shape, Stretch, delimited, sniff
from volano.adapters.table_typed import json_rows, parquet_rows, read_object
from volano.domain.texts import Texts
from volano.errors import BadFile
from volano.ports import TableFile

_HEAD = 1 << 20  # a first line is shorter than this
_PACKED = {
    b"PK\x03\x04": "a zip archive or a spreadsheet; save it as CSV",
    b"\xfd7zX": "compressed with xz; unpack it with `xz -d`",
    b"BZh": "compressed with bzip2; unpack it with `bzip2 -d`",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it with `zstd -d`",
    b"%PDF": "a PDF document; export a table from where it came from",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save it as CSV",
}
_BROKEN_GZIP: Any = (EOFError, zlib.error, IsalError, BadGzipFile)
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def open_table(path: Path, *, header: bool | None = None, delimiter: str | None = None) -> TableFile:
    """The file as a `TableFile`; `header` says whether the first line names the columns (None: look).

    `delimiter` is the mark between fields (" ": runs of blanks; None: look); both only count for text.

    Raises BadFile, in one sentence with the mend, for whatever cannot be read as rows of texts.
    """
    name = path.name
    if path.is_dir():
        raise BadFile(f"{path} is a directory; name a file in it")
    if path.exists() and not path.is_file():
        raise BadFile(f"{path} is not a file that can be read twice; save what it gives to a file first")
    with _in_words(name), _opened(path) as (_, plain):
        head = plain.read(_HEAD)
    size = path.stat().st_size
    if head and path.suffix == ".parquet" and not head.startswith(b"PAR1"):
        raise BadFile(f"{name} is not a Parquet file, though it is named like one; make it again")
    _check(name, head)
    if head.startswith(b"PAR1"):
        return _Parquet(name=name, size=size, path=path)
    text = _head_text(name, head)
    if text.lstrip().startswith("{"):
        _check_objects(name, text)
        return _JsonLines(name=name, size=size, path=path)
    if text.lstrip().startswith(("[{", "[\n", "[\r")):
        raise BadFile(f"{name} is one JSON array; write one object a line (`jq -c '.[]' {name}`)")
    shape = sniff(list(StringIO(text, newline="")), header, delimiter)
    return _Delimited(name=name, size=size, path=path, shape=shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delimited:
    name: str
    size: int
    path: Path
    shape: Shape

    @property
    def layout(self) -> str:
        names = "with a header" if self.shape.header else "without header"
        return f"text, columns separated by {_NAMES.get(self.shape.delimiter, self.shape.delimiter)}, {names}"

    def chunks(self, rows: int) -> Iterator[Texts]:
        """Stretches of about `rows` rows."""
        with _in_words(self.name), _opened(self.path) as (raw, plain):
            for stretch in delimited(_text(plain), self.shape, rows):
                yield _placed(stretch, raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _JsonLines:
    name: str
    size: int
    path: Path
    layout: str = "JSON lines"

    def chunks(self, rows: int) -> Iterator[Texts]:
        """Stretches of at most `rows` rows."""
        with _in_words(self.name), _opened(self.path) as (raw, plain):
            for stretch in json_rows(_text(plain), rows):
                yield _placed(stretch, raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parquet:
    name: str
    size: int
    path: Path
    layout: str = "Parquet"

    def chunks(self, rows: int) -> Iterator[Texts]:
        """Stretches of at most `rows` rows; lines are row numbers."""
        with _in_words(self.name), _opened(self.path) as (raw, plain):
            packed = not isinstance(plain, BufferedReader)
            whole: Any = BytesIO(plain.read()) if packed else raw  # Parquet is read from its end
            for share, stretch in parquet_rows(whole, rows):
                table, lines, refusals = stretch
                yield Texts(table=table, lines=lines, refusals=refusals, done=int(self.size * share))


def _placed(stretch: Stretch, raw: IO[bytes]) -> Texts:
    table, lines, refusals = stretch
    return Texts(table=table, lines=lines, refusals=refusals, done=raw.tell())


def _text(plain: IO[bytes]) -> TextIOWrapper:
    return TextIOWrapper(plain, encoding="utf-8-sig", errors="strict", newline="")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file as it lies there (to tell how far one is) and what it holds, unpacked if it is gzip."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            yield raw, raw
            return
        with _unpacked(raw) as plain:
            yield raw, plain


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    opened: Any = igzip  # it has no types
    return cast(IO[bytes], opened.open(raw, "rb"))


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise BadFile(_other_encoding(name, f"byte 0x{wrong:02x}", "latin1")) from error
    except _BROKEN_GZIP as error:
        raise BadFile(f"{name} is a broken gzip file; copy or pack it again") from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadFile(f"{name} is a broken Parquet file; copy or write it again") from error
    except FileNotFoundError as error:
        raise BadFile(f"there is no file {error.filename}; check the path") from error
    except OSError as error:
        why = error.strerror or "it is broken or was cut off"  # Arrow's own errors have no strerror
        raise BadFile(f"{name} cannot be read ({why}); check the file") from error


def _other_encoding(name: str, found: str, encoding: str) -> str:
    mend = f"iconv -f {encoding} -t utf-8 {name} > utf8-{name}"
    return f"{name} is not UTF-8 text ({found}); convert it, for example with `{mend}`"


def _check(name: str, head: bytes) -> None:
    if not head.strip():
        raise BadFile(f"{name} is empty; there is nothing to import")
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise BadFile(f"{name} is {what}")


def _head_text(name: str, head: bytes) -> str:
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            raise BadFile(_other_encoding(name, "it begins like UTF-16", encoding))
    if b"\0" in head:
        raise BadFile(_other_encoding(name, "it holds zero bytes", "utf-16le"))
    whole = len(head) < _HEAD
    if not whole and b"\n" not in head:
        raise BadFile(f"the first line of {name} is longer than 1 MB; is it a table?")
    complete = head if whole else head[: head.rindex(b"\n") + 1]
    with _in_words(name):
        text = complete.decode("utf-8-sig")
    if not text.strip():
        raise BadFile(f"{name} is empty; there is nothing to import")
    return text


def _check_objects(name: str, text: str) -> None:
    """Refuse a file of which none of the first lines is an object, such as one pretty-printed object."""
    for line in text.splitlines()[:100]:
        if line.strip() and isinstance(read_object(line), dict):
            return
    raise BadFile(f"{name} begins like JSON but has not one object a line; write it so (`jq -c . {name}`)")
