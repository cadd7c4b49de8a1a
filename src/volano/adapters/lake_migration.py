"""Lakes of earlier versions made into lakes of now, once, when they are opened.

Version 1 kept chains (alias → person → person), took the first word on an alias, and believed the person
that a row was written under. Now a row's person is what its identity leads to: chains are followed to their
end, an identity whose rows all lie under one person is linked to them, and a row that says otherwise than
its identity arrives as its person. Version 2 had nothing sealed: that is done by compaction (`lake_sealing`),
and the version only keeps programs away that would not know what is.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from volano.adapters.lake_ids import among
from volano.adapters.lake_links import Links, People, add_links, arrivals
from volano.adapters.lake_manifest import VERSION, Draft, Part
from volano.adapters.lake_parts import conformed, longs, read_part, stored_schema, with_identity, write_part
from volano.adapters.lake_store import Store


def migrate(store: Store) -> None:
    """Makes the lake one of this version; does nothing if it is."""
    if store.snapshot().manifest.version == VERSION:
        return
    with store.writing() as draft:
        if draft.manifest.version == 1:
            _end_chains(draft)
        draft.change(version=VERSION)


def _end_chains(draft: Draft) -> None:
    """Makes links of chains, and lets each row say whose it is."""
    old = draft.manifest.links
    accepted = np.concatenate([draft.files.load(run.path) for run in old] or [np.empty((0, 2), np.int64)])
    draft.change(links=(), settled=0)
    draft.discard({run.path for run in old})
    links = add_links(draft, Links(files=draft.files), accepted[:, 0], _ends(accepted))
    told = _told(draft, links)
    new = _only_words(told, links)
    links = add_links(draft, links, new[0], new[1])
    for part in [part for part in draft.manifest.parts if _odd(draft, part, links).any()]:
        _rewrite(draft, part, links)


def _ends(accepted: People) -> People:
    """Where the chain of each alias ends, by jumping twice as far in each turn."""
    order = np.argsort(accepted[:, 0], kind="stable")
    aliases, ends = accepted[order, 0], accepted[:, 1].copy()
    roots = accepted[order, 1].copy()
    while len(aliases):
        at = np.minimum(np.searchsorted(aliases, roots), len(aliases) - 1)
        further = aliases[at] == roots
        if not further.any():
            break
        roots[further] = roots[at[further]]
    ends[order] = roots
    return ends


def _told(draft: Draft, links: Links) -> People:
    """Every pair (identity, person) that rows tell of, as two rows of numbers."""
    pairs = [_pairs(draft, part, links) for part in draft.manifest.parts]
    return np.unique(np.concatenate(pairs or [np.empty((2, 0), np.int64)], axis=1), axis=1)


def _pairs(draft: Draft, part: Part, links: Links) -> People:
    rows = read_part(draft.files, part, ["person_id", "identity"])
    if "identity" not in rows.column_names:
        return np.empty((2, 0), np.int64)
    people = longs(rows.column("person_id"))
    pairs = np.stack([arrivals(people, longs(rows.column("identity"))), links.resolve(people)])
    return np.unique(pairs, axis=1)


def _only_words(told: People, links: Links) -> People:
    """The pairs to link: one person only, who is no such identity, and nothing known of the identity."""
    identities, times = np.unique(told[0], return_counts=True)
    one = among(told[0], identities[times == 1]) & (told[0] != told[1])
    unknown = links.resolve(told[0]) == told[0]
    return told[:, one & unknown & ~np.isin(told[0], told[1])]


def _odd(draft: Draft, part: Part, links: Links) -> np.ndarray:
    """True for the rows whose identity leads elsewhere than to their person."""
    rows = read_part(draft.files, part, ["person_id", "identity"])
    if "identity" not in rows.column_names:
        return np.zeros(1, np.bool_)
    people = longs(rows.column("person_id"))
    odd: np.ndarray = links.resolve(arrivals(people, longs(rows.column("identity")))) != links.resolve(people)
    return odd


def _rewrite(draft: Draft, part: Part, links: Links) -> None:
    odd, rows = _odd(draft, part, links), with_identity(read_part(draft.files, part))
    home = links.resolve(longs(rows.column("person_id")))
    mended = np.where(odd, home, longs(rows.column("identity")))
    at = rows.column_names.index("identity")
    rows = conformed(rows.set_column(at, "identity", pa.array(mended)), stored_schema(part.table))
    draft.swap([part], [write_part(draft, (part.table, part.bucket), rows, part.day)])
