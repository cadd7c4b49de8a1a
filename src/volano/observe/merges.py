"""Links as rows of the lake's table `merges`, and from all its rows the records of who is who."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.identity import ACTS, CLAIMS, SEEN_TOGETHER, TAKEN_ALONG, Claim, Identity, Kin, Told
from volano.domain.tables import filled
from volano.domain.view import View
from volano.observe.identity import merge_row
from volano.observe.stitching import CAP, Link, resolved

COLUMNS = ("id", "alias", "claimed", "known_as", "claimed_as", "reason", "told_at", "origin")
MERGES = View(tables=("merges",), columns=COLUMNS)  # all that `rebuilt` needs


def merges_of(links: Sequence[Link]) -> pa.Table:
    """The rows of the links, in their order; the same links make the same rows."""
    columns = {
        "person_id": pa.array([link.person_id for link in links], pa.int64()),
        "time": pa.array([link.time for link in links], pa.int64()),
        "id": pa.array([_row(link) for link in links], pa.int64()),
        "identity": pa.array([link.alias for link in links], pa.int64()),
        "alias": pa.array([link.alias for link in links], pa.int64()),
        "claimed": pa.array([link.claimed for link in links], pa.int64()),
        "told_at": pa.array([link.told_at for link in links], pa.int64()),
        "known_as": pa.array([link.known_as for link in links], pa.string()),
        "claimed_as": pa.array([link.claimed_as or None for link in links], pa.string()),
        "reason": pa.array([link.reason for link in links], pa.string()),
        "origin": pa.array([link.origin for link in links], pa.string()),
    }
    schema = filled("merges", {"id": columns["id"].slice(0, 0)}).schema
    return filled("merges", {one.name: columns[one.name].cast(one.type) for one in schema})


def mended(merges: pa.Table, whose: Mapping[int, int], *, now: int) -> list[Link]:
    """Links for those identities whose person of now the lake has otherwise than `whose` says.

    `merges` are its rows with alias and known_as; `now` (UTC µs) tells these links from earlier ones.
    """
    rows = merges.filter(pc.is_in(merges.column("alias"), pa.array(whose, pa.int64())))
    names = rows.column("known_as").cast(pa.string()).to_pylist()
    lies = zip(rows.column("alias").to_pylist(), rows.column("person_id").to_pylist(), names, strict=True)
    wrong = {one: (was, name or "") for one, was, name in lies if was != whose[one]}
    return [
        Link(
            alias=one,
            person_id=whose[one],
            was=was,
            claimed=None,
            known_as=name,
            claimed_as="",
            time=now,
            reason=TAKEN_ALONG,
            told_at=now,
            origin="",
        )
        for one, (was, name) in sorted(wrong.items())
    ]


def _row(link: Link) -> int:
    return merge_row(
        link.alias, link.was, link.person_id, link.claimed, link.reason, link.time, link.told_at, link.origin
    )


def claims_in(merges: pa.Table) -> list[Claim]:
    """The claims and acts that rows of `merges` (at least `COLUMNS`) tell.

    Rows of homes of the first version tell only whose an anonymous identity is.
    """
    names = [name for name in ("person_id", "time", *COLUMNS) if name in merges.column_names]
    rows = merges.select(names).set_column(1, "time", merges.column("time").cast(pa.int64()))
    if "told_at" in names:
        at = names.index("told_at")
        rows = rows.set_column(at, "told_at", rows.column("told_at").cast(pa.int64()))
    texts = [name for name in names if name in ("known_as", "claimed_as", "reason", "origin")]
    for name in texts:
        rows = rows.set_column(names.index(name), name, rows.column(name).cast(pa.string()))
    return [claim for row in _rows(rows) if (claim := _claim(row)) is not None]


def _rows(rows: pa.Table) -> Iterable[dict[str, Any]]:
    for batch in rows.to_batches(max_chunksize=65_536):
        yield from batch.to_pylist()


def _claim(row: dict[str, Any]) -> Claim | None:
    reason, claimed = row.get("reason"), row.get("claimed")
    if reason is None:
        reason, claimed = SEEN_TOGETHER, row["person_id"]
    if row.get("alias") is None or claimed is None or reason not in (*CLAIMS, *ACTS):
        return None
    told_at = row.get("told_at")
    return Claim(
        alias=row["alias"],
        claimed=claimed,
        time=row["time"],
        reason=reason,
        known_as=row.get("known_as") or "",
        claimed_as=row.get("claimed_as") or "",
        origin=row.get("origin") or "",
        told_at=row["time"] if told_at is None else told_at,
    )


def rebuilt(merges: pa.Table, *, cap: int = CAP) -> tuple[dict[int, Identity], dict[int, Kin]]:
    """All records of who is who, from all rows of `merges` (at least `COLUMNS`): those of the live house."""
    users, others = _plain(claims_in(merges), cap)
    found = resolved(others, _nobody, _nobody, cap=cap)
    for user, claims in users.items():
        _simple(user, claims, found.identities, found.kins)
    return found.identities, found.kins


def _plain(claims: list[Claim], cap: int) -> tuple[dict[int, list[Claim]], list[Claim]]:
    """Users whose anonymous identities were each told of once, with these claims; and all other claims.

    Nearly everybody is like that, and needs no thought.
    """
    times = Counter([claim.alias for claim in claims])
    users: dict[int, list[Claim]] = {}
    odd: set[int] = set()
    for claim in claims:
        told = claim.reason in CLAIMS and claim.known_as.startswith("a:") and claim.alias != claim.claimed
        users.setdefault(claim.claimed, []).append(claim)
        if not told or times[claim.alias] > 1:
            odd |= {claim.alias, claim.claimed}
    odd |= {one.claimed for some in users.values() for one in some if one.alias in odd}
    odd |= {user for user, some in users.items() if len(some) >= cap}
    others = [claim for user in odd & users.keys() for claim in users.pop(user)]
    return users, others


def _simple(user: int, claims: list[Claim], identities: dict[int, Identity], kins: dict[int, Kin]) -> None:
    """The records of such a user."""
    seats = tuple(sorted((claim.time, claim.alias) for claim in claims))
    name = next((claim.claimed_as for claim in claims if claim.claimed_as), "")
    identities[user] = Identity(identity=user, known_as=name, person_id=user, seats=seats)
    for claim in claims:
        told = Told(claim.time, user, claim.reason, claim.origin, claim.told_at)
        identities[claim.alias] = Identity(
            identity=claim.alias, known_as=claim.known_as, person_id=user, claims=(told,)
        )
    members = (user, *(claim.alias for claim in claims))
    kins[user] = Kin(person_id=user, identities=tuple(sorted(members)))


def _nobody(_: int) -> None:
    return None
