"""A local S3 server for tests, started once, with a bucket for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from volano.adapters.lake_s3 import s3_system

BUCKET = "shop"


class Bucket:
    """A directory as S3 would be to Arrow, for tests that play many lakes: folders need not be made."""

    def __init__(self, root: Path) -> None:
        self._system = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())

    def open_output_stream(self, path: str) -> Any:
        """A new object."""
        self._system.create_dir(path.rpartition("/")[0])
        return self._system.open_output_stream(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)


@pytest.fixture(scope="session")
def s3_environment() -> Iterator[dict[str, str]]:
    """The AWS_* variables under which the server is reached."""
    from moto.server import ThreadedMotoServer  # it is slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key"}
    found |= {"AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    fs.S3FileSystem(
        endpoint_override=found["AWS_ENDPOINT_URL"],
        access_key="key",
        secret_key="secret",
        region="us-east-1",
        allow_bucket_creation=True,
    ).create_dir(BUCKET)
    yield found
    server.stop()


@pytest.fixture(scope="session")
def s3(s3_environment: dict[str, str]) -> fs.S3FileSystem:
    """The server as Arrow sees it."""
    return s3_system(s3_environment)
