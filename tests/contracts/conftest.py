"""Fixtures for these tests."""

from tests.s3 import s3, s3_environment

__all__ = ["s3", "s3_environment"]
