"""The tables of the state database: one per kind of noun, each with its key and its body as JSON.

The bodies are read and written whole by their msgspec types, so a new optional field needs no migration;
a new kind of noun, or an index on a field, does.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from sqlalchemy import Column, Dialect, Integer, MetaData, Table, Text, TypeDecorator

from volano.domain.account import Import, KeyUse, SecretKey, Session, Source, User
from volano.domain.backup import Backup
from volano.domain.campaign import Campaign
from volano.domain.erasure import Receipt
from volano.domain.hook import Hook
from volano.domain.idea import Belief, Idea
from volano.domain.leak import HomeJourney, Leak
from volano.domain.naming import Naming
from volano.domain.saved_list import Members, SavedList
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.domain.undo import Before
from volano.domain.verdict import Lesson, Verdict
from volano.domain.work import Work

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


_LONGEST = 2_000  # bytes of a key; an index of PostgreSQL takes 2,704


class Key(TypeDecorator[str]):
    """Any text. PostgreSQL keeps no NUL and indexes no long text: there such a key ends in its SHA-256."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As the database keeps it."""
        if value is None or dialect.name == "sqlite":
            return value
        kept = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        if kept == value and len(kept.encode()) <= _LONGEST:
            return value
        return f"{kept[: _LONGEST // 8]}…{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _table(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        Column("key", Key, nullable=False, unique=True),
        Column("body", Text, nullable=False),
    )


KINDS: dict[type[msgspec.Struct], Table] = {
    Source: _table("sources"),
    User: _table("users"),
    Session: _table("sessions"),
    Import: _table("imports"),
    HomeJourney: _table("journeys"),
    Leak: _table("leaks"),
    Idea: _table("ideas"),
    Belief: _table("beliefs"),
    Campaign: _table("campaigns"),
    Verdict: _table("verdicts"),
    Lesson: _table("lessons"),
    Segment: _table("segments"),
    Naming: _table("namings"),
    Shop: _table("shops"),
    Backup: _table("backups"),
    Receipt: _table("receipts"),
    Work: _table("works"),
    Before: _table("befores"),
    SavedList: _table("lists"),
    Members: _table("list_members"),
    SecretKey: _table("secret_keys"),
    KeyUse: _table("key_uses"),
    Hook: _table("hooks"),
}
