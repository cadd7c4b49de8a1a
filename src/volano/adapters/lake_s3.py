"""A lake in a bucket: the files of `lake_files` as objects, with a directory of this machine beside them.

Whoever writes takes turns by locks in that directory, so a bucket's folder belongs to one home: it holds an
object `owner` that names it. A commit is one PUT of the manifest, which S3 does wholly or not at all; a copy
of it in the directory tells the processes of this machine, without asking the bucket, that it changed. While
the two may differ (a PUT that failed may have landed) a file `doubtful` lies beside the copy. Copies
of runs, which are memory-mapped, and of hot files stay; others are read there, by column and row group.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyarrow import fs

from volano.adapters.lake_files import HALF, MANIFEST, Files, Mark
from volano.adapters.lake_holds import held
from volano.errors import BadInput, BrokenHome

_PIECE = 8 << 20  # bytes sent at once
_OWNER = "owner"
KEPT = "backup-"  # how folders of copies begin, which are no part of the lake
_DOUBTFUL = "doubtful"


def s3_system(environment: Mapping[str, str]) -> fs.S3FileSystem:
    """S3 as the usual AWS_* variables say: endpoint and region from here, keys read by Arrow itself."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    keys = {
        name: environment[variable]
        for name, variable in (
            ("access_key", "AWS_ACCESS_KEY_ID"),
            ("secret_key", "AWS_SECRET_ACCESS_KEY"),
            ("session_token", "AWS_SESSION_TOKEN"),
        )
        if variable in environment
    }
    return fs.S3FileSystem(endpoint_override=endpoint, region=region, allow_delayed_open=True, **keys)


def in_bucket(address: str) -> str:
    """Bucket and folder of an address; BadInput if it names none.

    >>> in_bucket("s3://shop/lake/")
    'shop/lake'
    """
    place = address.removeprefix("s3://").strip("/")
    if not address.startswith("s3://") or not place:
        raise BadInput(f"{address!r} is no address in S3, such as s3://bucket/folder")
    return place


class S3Files(Files):
    """The files of a lake at `s3://bucket/folder`; `root` is a directory here, for this home only."""

    _pre_buffer = True  # columns that lie together are asked for together

    def __init__(self, address: str, root: Path, system: fs.S3FileSystem) -> None:
        super().__init__(root)
        self._address = address.rstrip("/")
        self._folder = in_bucket(address)
        self._system = system
        self._claimed = False

    @property
    def place(self) -> str:
        """The address of the lake."""
        return self._address

    @property
    def system(self) -> Any:
        """S3, for Arrow."""
        return self._system

    def address(self, path: str) -> str:
        """Bucket and key of a file."""
        return f"{self._folder}/{path}"

    def local(self, path: str, folder: Path) -> Path:
        """A copy in a folder of this machine."""
        return self._fetched(path, folder / Path(path).name)

    def seal(self, paths: Any) -> None:
        """An object has its name when it is there."""

    def found(self) -> Iterator[str]:
        """Every part and run that lies there, or here."""
        yield from super().found()
        for info in self._system.get_file_info(fs.FileSelector(self._folder, recursive=True)):
            path = info.path.removeprefix(f"{self._folder}/")
            if info.extension in ("parquet", "npy") and not path.startswith(KEPT):
                yield path

    def renew(self) -> None:
        """Takes over a manifest that is in the bucket and not yet known here, as after a crash."""
        with held(self.root / "renewing"):
            self._renew()

    def _renew(self) -> None:
        self._claim()
        stands = self._stored(MANIFEST)
        known = self.root / MANIFEST
        if stands is None:
            known.unlink(missing_ok=True)
        elif not known.exists() or known.read_bytes() != stands:
            super().replace(stands)
        (self.root / _DOUBTFUL).unlink(missing_ok=True)

    def mark(self) -> Mark | None:
        """Something that changes with every manifest; asks the bucket the first time, or in doubt."""
        if not self._claimed:
            self.renew()
        elif (self.root / _DOUBTFUL).exists():
            with held(self.root / "renewing", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
                if alone:  # else somebody is about it
                    self._renew()
        return super().mark()

    def replace(self, manifest: bytes) -> None:
        """Makes this the manifest, all of it or nothing; BrokenHome if the folder is another home's."""
        with held(self.root / "renewing"):
            self._check_owner()
            (self.root / _DOUBTFUL).touch()
            self._store(MANIFEST, manifest)
            super().replace(manifest)
            (self.root / _DOUBTFUL).unlink()

    def _claim(self) -> None:
        """Makes the folder in the bucket this home's; BrokenHome if it is another's."""
        if self._claimed:
            return
        mine = self.root / _OWNER
        if not mine.exists():
            mine.write_text(os.urandom(16).hex())
        if self._stored(_OWNER) is None:
            self._store(_OWNER, mine.read_bytes())
        self._check_owner()
        self._claimed = True

    def _check_owner(self) -> None:
        """Of two that claim a folder at once the last one has it; the other finds out before it commits."""
        mine = self.root / _OWNER
        if self._stored(_OWNER) != mine.read_bytes():
            raise BrokenHome(
                f"the lake at {self._address} belongs to another home: give this one a folder of its own, "
                f"or copy the object {_OWNER} to {mine} if the other is no more"
            )

    def _source(self, path: str) -> Any:
        return self._copy(path) if _stays(path) else self._system.open_input_file(self.address(path))

    def _copy(self, path: str) -> Path:
        target = self.root / path
        return target if target.exists() else self._fetched(path, target)

    def _fetched(self, path: str, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.{os.urandom(4).hex()}{HALF}")
        try:
            with self._system.open_input_stream(self.address(path)) as source, held(beside):
                with beside.open("wb") as file:
                    shutil.copyfileobj(source, file, _PIECE)
                beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return target

    def _finish(self, target: Path, path: str) -> None:
        with target.open("rb") as file, self._system.open_output_stream(self.address(path)) as out:
            shutil.copyfileobj(file, out, _PIECE)
        if not _stays(path):
            target.unlink()

    def _delete(self, path: str) -> None:
        super()._delete(path)
        with suppress(FileNotFoundError):
            self._system.delete_file(self.address(path))

    def _stored(self, name: str) -> bytes | None:
        try:
            with self._system.open_input_stream(self.address(name)) as source:
                content: bytes = source.read()
        except FileNotFoundError:
            return None
        return content

    def _store(self, name: str, content: bytes) -> None:
        with self._system.open_output_stream(self.address(name)) as out:
            out.write(content)


def _stays(path: str) -> bool:
    """Whether a copy of a file is kept on this machine: it is small, or read again and again."""
    return path.endswith(".npy") or "/hot/" in path
