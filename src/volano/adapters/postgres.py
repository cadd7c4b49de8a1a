"""How a PostgreSQL database is called in sentences: by host and name, and never with its password."""

from __future__ import annotations

from volano.errors import BadInput

SCHEMES = ("postgresql://", "postgres://")


def parts_of(address: str) -> dict[str, str]:
    """What an address says, by the words of libpq (host, port, user, …); BadInput if it cannot be read."""
    import psycopg

    try:
        return {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(address).items()}
    except (psycopg.Error, UnicodeError) as error:  # its message quotes the address
        raise BadInput("the address of the database cannot be read; write it as postgresql://…") from error


def named(address: str) -> str:
    """The database at an address, without user, password and options.

    >>> named("postgresql://ann:sesame@db.example:5433/shop?sslmode=require")
    'postgresql://db.example:5433/shop'
    """
    parts = parts_of(address)
    host = parts.get("host", "localhost")
    host = "localhost" if host.startswith("/") else host  # a socket of this machine
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname', '')}"


def why(error: BaseException, address: str) -> str:
    """The first line of what went wrong (more may quote rows), without the password."""
    from urllib.parse import quote

    told = next(iter(str(error).strip().splitlines()), type(error).__name__)
    secret = parts_of(address).get("password", "")
    for written in {secret, quote(secret, safe="")} - {""}:
        told = told.replace(written, "…")
    return told
