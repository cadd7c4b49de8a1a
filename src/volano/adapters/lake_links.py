"""Who each identity is now, and which rows may not lie there yet: sorted runs, the newest counts.

A link says "identity → person"; an identity without one is a person of its own. A move says that at a
commit an identity went from one person to another: rows of it that lie under the old person are strays
until they have been settled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volano.adapters.lake_files import Files
from volano.adapters.lake_ids import among, save
from volano.adapters.lake_manifest import Draft, Manifest, Run

People = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NULL = -(2**63)
_NOBODY = np.empty(0, np.int64)


@dataclass(slots=True, kw_only=True)
class Links:
    """The runs of one snapshot, oldest first: `links` (identity, person), `moves` (old, new, commit)."""

    files: Files
    links: tuple[Run, ...] = ()
    moves: tuple[Run, ...] = ()

    def resolve(self, identities: People) -> People:
        """The person each identity is now."""
        people = identities.copy()
        open_ = np.arange(len(identities))
        for link in reversed(self.links):
            run = self.files.load(link.path)
            asked = identities[open_]
            at = np.minimum(np.searchsorted(run[0], asked), run.shape[1] - 1)
            hit = run[0][at] == asked
            people[open_[hit]] = run[1][at[hit]]
            open_ = open_[~hit]
        return people

    def identities(self) -> People:
        """Who has ever been linked, sorted."""
        return np.unique(np.concatenate([self.files.load(run.path)[0] for run in self.links] or [_NOBODY]))

    @property
    def pending(self) -> int:
        """How many moves are not yet true of the files."""
        return sum(run.rows for run in self.moves)

    def tell_of(self, people: People) -> bool:
        """Whether a move names one of them."""
        asked = np.unique(people)
        return any(bool(among(self.files.load(run.path)[:2], asked).any()) for run in self.moves)

    def left(self, people: People) -> Mask:
        """True where an identity has left the person, so that a row there may be a stray."""
        found = np.zeros(len(people), np.bool_)
        for run in self.moves:
            found |= among(people, self.files.load(run.path)[0])
        return found

    def any_left_between(self, low: int, high: int) -> bool:
        """Whether anybody in [low, high] has been left."""
        return any(holds(self.files.load(run.path)[0], low, high) for run in self.moves)

    def strays(self, people: People, identities: People | None) -> npt.NDArray[np.intp]:
        """Which rows lie under a person who is not theirs; without identities people are their own."""
        at = np.flatnonzero(self.left(people))
        if not len(at):
            return at
        home = self.resolve(arrivals(people[at], None if identities is None else identities[at]))
        strays: npt.NDArray[np.intp] = at[home != people[at]]
        return strays

    def origins(self, people: People) -> People:
        """Under whom else rows of these people may lie, sorted."""
        found = _NOBODY
        asked = np.unique(people)
        while len(asked):
            before = np.unique(np.concatenate([self._left_for(run, asked) for run in self.moves] or [found]))
            asked = before[~among(before, found)]
            found = np.union1d(found, asked)
        return found

    def _left_for(self, move: Run, people: People) -> People:
        """Whom identities left to become these people."""
        run, turn = self.files.load(move.path), self.files.turn(move.path)
        new = run[1]
        low = np.searchsorted(new, people, "left", sorter=turn)
        high = np.searchsorted(new, people, "right", sorter=turn)
        spans = [turn[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True) if b > a]
        return run[0][np.concatenate(spans)] if spans else np.empty(0, np.int64)


def holds(sorted_: People, low: int, high: int) -> bool:
    """Whether a sorted array has a number in [low, high].

    >>> holds(np.array([1, 5]), 2, 4), holds(np.array([1, 5]), 2, 5)
    (False, True)
    """
    at = int(np.searchsorted(sorted_, low))
    return at < len(sorted_) and int(sorted_[at]) <= high


def arrivals(people: People, identities: People | None) -> People:
    """The identities of rows; whoever has none arrived as the person."""
    return people if identities is None else np.where(identities == _NULL, people, identities)


def read_links(files: Files, manifest: Manifest) -> Links:
    """All links of a snapshot."""
    return Links(files=files, links=manifest.links, moves=manifest.moves)


def add_links(draft: Draft, links: Links, identities: People, people: People) -> Links:
    """Says who identities are from now on (the last word on each counts); the links after that."""
    backwards = identities[::-1]
    identities, last = np.unique(backwards, return_index=True)
    people = people[::-1][last]
    before = links.resolve(identities)
    changed = before != people
    if not changed.any():
        return links
    draft.change(links=_grown(draft, "links", np.stack([identities, people])[:, changed]))
    _move(draft, before[changed], people[changed])
    return read_links(draft.files, draft.manifest)


def settle(draft: Draft, commit: int) -> None:
    """Forgets the moves up to a commit: every row lies where it belonged then."""
    old = draft.manifest.moves
    runs = [draft.files.load(run.path) for run in old]
    left = [run[:, run[2] > commit] for run in runs]
    together = np.concatenate(left or [np.empty((3, 0), np.int64)], axis=1)
    draft.change(moves=())
    if together.shape[1]:
        together = together[:, np.argsort(together[0], kind="stable")]
        draft.change(moves=(save(draft, "moves", together),))
    draft.discard({run.path for run in old})


def drop(draft: Draft, links: Links, people: Iterable[int], arrived: Iterable[int]) -> None:
    """Forgets the links of people and of identities, so that each is a person of its own.

    All rows that `arrived` under identities are gone: no moves need tell of them.
    """
    removed = np.unique(np.fromiter(arrived, np.int64))
    gone = np.union1d(removed, np.fromiter(people, np.int64))
    before = links.resolve(gone)
    changed = before != gone
    if not changed.any():
        return
    old = draft.manifest.links
    left = _latest([draft.files.load(run.path) for run in old])
    left = left[:, ~among(left[0], gone)]
    draft.change(links=(save(draft, "links", left),) if left.shape[1] else ())
    draft.discard({run.path for run in old})
    stay = changed & ~among(gone, removed)
    if stay.any():
        _move(draft, before[stay], gone[stay])


def _move(draft: Draft, before: People, after: People) -> None:
    commit = np.full(len(before), draft.manifest.commits)
    draft.change(moves=_grown(draft, "moves", np.stack([before, after, commit])))


def _grown(draft: Draft, kind: str, new: People) -> tuple[Run, ...]:
    """The runs of a kind with one more; neighbours of similar size are joined."""
    runs = list(draft.manifest.links if kind == "links" else draft.manifest.moves)
    new = new[:, np.argsort(new[0], kind="stable")]
    gone = set()
    while runs and runs[-1].rows < 2 * new.shape[1]:
        last = runs.pop()
        both = [draft.files.load(last.path), new]
        new = _latest(both) if kind == "links" else _sorted(both)
        gone.add(last.path)
    if kind == "links" and not runs:
        new = new[:, new[0] != new[1]]  # nothing older is hidden by them
    draft.discard(gone)
    return (*runs, save(draft, kind, new)) if new.shape[1] else tuple(runs)


def _sorted(runs: list[People]) -> People:
    together = np.concatenate(runs, axis=1)
    return together[:, np.argsort(together[0], kind="stable")]


def _latest(runs: list[People]) -> People:
    """Runs as one; of each identity the last word."""
    together = _sorted(runs or [np.empty((2, 0), np.int64)])
    last = np.append(together[0][1:] != together[0][:-1], True)[: together.shape[1]]
    return together[:, last]
