"""Who has become whom: merges as links from an alias to a person, in the order they were accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from volano.adapters.lake_ids import load, save
from volano.adapters.lake_manifest import Draft, Manifest

People = npt.NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Links:
    """Aliases (sorted) with the person each one finally leads to; `pending` are not yet true of the files."""

    accepted: npt.NDArray[np.int64]  # (n, 2) alias and target, in order
    aliases: People = field(default_factory=lambda: np.empty(0, np.int64))
    roots: People = field(default_factory=lambda: np.empty(0, np.int64))
    pending: People = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, accepted: npt.NDArray[np.int64], settled: int) -> Links:
        """Follows every chain to its end by jumping twice as far in each turn."""
        order = np.argsort(accepted[:, 0], kind="stable")
        aliases, roots = accepted[order, 0], accepted[order, 1].copy()
        while len(aliases):
            at = np.minimum(np.searchsorted(aliases, roots), len(aliases) - 1)
            further = aliases[at] == roots
            if not further.any():
                break
            roots[further] = roots[at[further]]
        return cls(accepted=accepted, aliases=aliases, roots=roots, pending=np.sort(accepted[settled:, 0]))

    def resolve(self, people: People) -> People:
        """The person each id now stands for."""
        if not len(self.aliases):
            return people
        at = np.minimum(np.searchsorted(self.aliases, people), len(self.aliases) - 1)
        return np.where(self.aliases[at] == people, self.roots[at], people)

    def stray(self, people: People) -> npt.NDArray[np.bool_]:
        """True where rows of a person still lie under an alias."""
        if not len(self.pending):
            return np.zeros(len(people), np.bool_)
        at = np.minimum(np.searchsorted(self.pending, people), len(self.pending) - 1)
        strays: npt.NDArray[np.bool_] = self.pending[at] == people
        return strays

    def any_between(self, low: int, high: int) -> bool:
        """Whether a pending alias lies in [low, high]."""
        at = int(np.searchsorted(self.pending, low))
        return at < len(self.pending) and int(self.pending[at]) <= high

    def accept(self, merges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Which of (alias, person) say something new: an alias moves once, and never into itself."""
        new: dict[int, int] = {}

        def root(person: int) -> int:
            person = int(self.resolve(np.array([person]))[0])
            while person in new:
                person = new[person]
            return person

        for alias, person in merges:
            target = root(person)
            if root(alias) == alias and target != alias:
                new[alias] = target
        return list(new.items())


def read_links(root: Path, manifest: Manifest) -> Links:
    """All links of a snapshot."""
    runs = [load(root, run) for run in manifest.links]
    accepted = np.concatenate(runs) if runs else np.empty((0, 2), np.int64)
    return Links.of(accepted, manifest.settled)


def add_links(draft: Draft, root: Path, new: list[tuple[int, int]]) -> None:
    """Adds a run of links; neighbours of similar size are joined, the order stays."""
    runs, gone = list(draft.manifest.links), set()
    joined = np.array(new, np.int64).reshape(-1, 2)
    while runs and runs[-1].rows < 2 * len(joined):
        last = runs.pop()
        joined = np.concatenate([load(root, last), joined])
        gone.add(last.path)
    runs.append(save(draft, root, "links", joined))
    draft.change(links=tuple(runs))
    draft.discard(gone)
