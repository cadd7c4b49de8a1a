"""Fixtures for these tests."""

from tests.postgres import database, postgres
from tests.s3 import s3, s3_environment
from tests.valkey_server import valkey

__all__ = ["database", "postgres", "s3", "s3_environment", "valkey"]
