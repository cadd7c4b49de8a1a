"""A backup of a lake in a bucket: copies of its objects, made by S3 itself, in a folder beside them.

The folder is a lake by itself. What the backup file holds of it is the manifest and where the copies are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from pyarrow import fs

from volano.adapters.lake_files import MANIFEST
from volano.adapters.lake_manifest import Manifest, decode
from volano.adapters.lake_s3 import KEPT, S3Files, in_bucket
from volano.errors import BadInput, BrokenHome

_WHERE = "copies"  # the file of a backup that names their folder
_AT_ONCE = 16


class Copies:
    """Of one backup, made at `now` (UTC µs)."""

    def __init__(self, files: S3Files, *, now: int) -> None:
        self._files = files
        self._there: set[str] = set()
        made = datetime.fromtimestamp(now / 1e6, UTC)
        self.place = f"{files.place}/{KEPT}{made:%Y%m%dT%H%M%S}-{now % 1_000_000:06d}"

    def ahead(self) -> None:
        """Copies what is named now; what is replaced meanwhile is `rest`'s to find."""

        def tried(path: str) -> None:
            with suppress(OSError):
                self._copy(path)

        self._files.renew()
        _at_once(tried, _named(self._manifest()))

    def rest(self) -> dict[str, bytes]:
        """Copies what lacks and takes away what is named no more; the manifest, and where the copies are."""
        self._files.renew()
        manifest = msgspec.structs.replace(self._manifest(), waste=())
        named = set(_named(manifest))
        _at_once(self._copy, named - self._there)
        _at_once(self._remove, self._there - named)
        raw = msgspec.json.encode(manifest)
        with self._files.system.open_output_stream(self._address(MANIFEST)) as out:
            out.write(raw)
        return {MANIFEST: raw, _WHERE: self.place.encode()}

    def drop(self) -> None:
        """Takes the copies away."""
        with suppress(OSError):
            self._files.system.delete_dir(in_bucket(self.place))

    def _manifest(self) -> Manifest:
        return decode(self._files.manifest(), f"{self._files.place}/{MANIFEST}")

    def _address(self, path: str) -> str:
        return f"{in_bucket(self.place)}/{path}"

    def _copy(self, path: str) -> None:
        self._files.system.copy_file(self._files.address(path), self._address(path))
        self._there.add(path)

    def _remove(self, path: str) -> None:
        self._files.system.delete_file(self._address(path))


def put_back(lake: Path, files: S3Files | None) -> None:
    """Makes the lake at `files` of the copies that an unpacked `lake` names; does nothing if it has its own.

    `files` are None where no lake in a bucket is asked for.
    """
    where = lake / _WHERE
    if not where.is_file():
        if files is not None:
            raise BadInput("this backup holds its lake itself: restore it without VOLANO_LAKE")
        return
    copies = where.read_text()
    if files is None:
        raise BadInput(f"the lake of this backup is in {copies}: set VOLANO_LAKE to a new folder for it")
    system, raw = files.system, (lake / MANIFEST).read_bytes()
    if system.get_file_info(files.address(MANIFEST)).type != fs.FileType.NotFound:
        raise BrokenHome(f"there is a lake at {files.place} already: set VOLANO_LAKE to a new folder")
    files.renew()  # from here on it is ours
    source = in_bucket(copies)
    _at_once(
        lambda path: system.copy_file(f"{source}/{path}", files.address(path)), _named(decode(raw, copies))
    )
    files.replace(raw)
    where.unlink()


def _named(manifest: Manifest) -> list[str]:
    return [*(part.path for part in manifest.parts), *(run.path for run in manifest.runs())]


def _at_once(act: Callable[[str], object], paths: Iterable[str]) -> None:
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="copy") as pool:
        list(pool.map(act, paths))
