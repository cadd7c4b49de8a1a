"""Categories, brands and price bands a person prefers: weights that halve every 30 days.

A view weighs 1, putting into a cart or on a wish list 3, an order 5. Weights are kept by period of 30 days
in a frame that does not move (period 0 ends on 30 January 2020), so that they are whole numbers and add
exactly; only the WINDOW periods up to the newest count. Of a person who has met more than NAMES names in a
period, those with the smallest hash are kept of it. What is known of one period hangs on no other, so that
of two halves of a history, with other newest periods, the same names stay.

A price band lies between two of 1, 2, 5, 10, 20, 50 … in the currency's hundredth, thousandth or whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import ORDER_COMPLETED
from volano.domain.profile import BETWEEN, Profile, Taste
from volano.maths import shorts
from volano.maths.columns import Ints, changes
from volano.maths.hashing import hash63
from volano.observe.traits.history import PASSIVE, History, bounds, stretches
from volano.observe.traits.trait import Columns, Field, Trait

PERIOD = 30  # days
LANDMARK = 18_262  # 1 January 2020 in days since 1970
WINDOW = 24  # periods: what is older weighs less than a ten millionth
NAMES = 64
BEST = 5
BANDS = tuple(step * 10**power for power in range(10) for step in (1, 2, 5))  # minor units

_WEIGHTS = {
    "Product Added": 3,
    "Product Added to Wishlist": 3,
    "Wishlist Product Added to Cart": 3,
    ORDER_COMPLETED: 5,
}
_AWAY = ("Product Removed", "Product Removed from Wishlist", *PASSIVE)
_KINDS = ("categories", "brands", "bands")


def band_name(number: int) -> str:
    """The prices of a band in minor units: from the first, below the second.

    >>> band_name(11), band_name(0)
    ('2000-5000', '0-1')
    """
    if number == len(BANDS):
        return f"{BANDS[-1]}-"
    return f"{BANDS[number - 1] if number else 0}-{BANDS[number]}"


def band_of(price: int) -> int:
    """The number of the band in which a price lies.

    >>> band_name(band_of(2000))
    '2000-5000'
    """
    return bisect_right(BANDS, price)


def tally(history: History) -> Columns:
    """What everybody has met."""
    event = history.texts("event")
    weights = np.array([*(_WEIGHTS.get(name, 1) for name in event.values.to_pylist()), 0], np.int64)
    weights[[code for name in _AWAY if (code := event.code(name)) >= 0]] = 0
    weight = weights[event.codes]
    found: dict[str, Any] = {}
    for kind, name in (("categories", "category"), ("brands", "brand")):
        column = history.texts(name)
        rows = np.flatnonzero((column.codes >= 0) & (weight > 0))
        if len(rows):
            word = column.codes[rows].astype(np.int64)
            found[kind] = _tastes(history, (rows, word, weight[rows]), column.values)
    price = history.numbers("price", null=-1)
    rows = np.flatnonzero((price >= 0) & (weight > 0))
    if len(rows):
        band = np.searchsorted(np.array(BANDS), price[rows], side="right")
        names = pa.array([str(number) for number in range(len(BANDS) + 1)])
        found["bands"] = _tastes(history, (rows, band, weight[rows]), names)
    return found


def _tastes(history: History, met: tuple[Ints, Ints, Ints], values: Any) -> list[Taste | None]:
    """`met`: rows, the code of the name and the weight of each."""
    rows, code, weight = met
    names, place = _named(values)
    owner, period = history.owner[rows], np.maximum(history.day[rows] - LANDMARK, 0) // PERIOD
    low = int(period.min())
    span = int(period.max()) - low + 1
    word = ((owner * len(names) + place[code]) * span + (period - low)) << 3 | weight
    word.sort(kind="stable")  # finds that the words of each person lie together already
    key, weight = word >> 3, word & 7
    heads = np.flatnonzero(changes(key))
    key, weight = key[heads], np.minimum(np.add.reduceat(weight, heads), shorts.LARGEST)
    name, period = key // span, key % span
    owner, name = name // len(names), name % len(names)
    newest = np.zeros(len(history), np.int64)
    heads = np.flatnonzero(changes(owner))
    newest[owner[heads]] = np.maximum.reduceat(period, heads)
    fresh = newest[owner] - period < WINDOW
    if not fresh.all():
        owner, name, period, weight = owner[fresh], name[fresh], period[fresh], weight[fresh]
    owner, name, period, weight = _bounded((owner, name, period, weight), names)
    exact = weight << (WINDOW - 1 - newest[owner] + period)  # halves of halves, as whole numbers
    return _ranked((owner, name, period + low, weight), exact, names, len(history))


def _named(values: Any) -> tuple[Any, Ints]:
    """The names in their order (a StringArray), and the place of each value among them."""
    texts = [text.replace(BETWEEN, " ") for text in values.to_pylist()]
    names = sorted(set(texts))
    at = {name: number for number, name in enumerate(names)}
    return pa.array(names, pa.string()), np.array([at[text] for text in texts], np.int64)


def _ranked(met: tuple[Ints, Ints, Ints, Ints], exact: Ints, texts: Any, people: int) -> list[Taste | None]:
    """The names of each person in the order of their sums, and the numbers of `Taste.counts`."""
    owner, name, period, weight = met
    heads = np.flatnonzero(changes(owner, name))
    size = np.diff(np.append(heads, len(owner)))
    score = np.add.reduceat(exact, heads)
    turn = np.argsort((owner[heads] << int(score.max()).bit_length()) - score, kind="stable")
    triples = stretches(heads[turn], size[turn])
    size = size[turn]
    number = np.repeat(np.arange(len(turn)), size)
    flat = np.empty(len(turn) + 2 * len(triples), np.int64)
    first = np.cumsum(size) - size
    flat[2 * first + np.arange(len(turn))] = size
    at = 2 * np.arange(len(triples)) + number + 1
    flat[at], flat[at + 1] = period[triples], weight[triples]
    edge = bounds(owner[heads[turn]], people)
    ends = np.append(2 * first + np.arange(len(turn)), len(flat))[edge]
    names = pa.ListArray.from_arrays(pa.array(edge, pa.int32()), texts.take(pa.array(name[heads[turn]])))
    told = pc.binary_join(names, BETWEEN).to_pylist()
    counts = shorts.split(flat, ends)
    return [Taste(text, packed) if packed else None for text, packed in zip(told, counts, strict=True)]


def _bounded(met: tuple[Ints, Ints, Ints, Ints], texts: Any) -> tuple[Ints, Ints, Ints, Ints]:
    """Without the names that are too many for their period."""
    owner, name, when, _ = met
    heads = np.flatnonzero(changes(owner, name))
    many = np.flatnonzero(np.bincount(owner[heads]) > NAMES)
    if not len(many):
        return met
    stay = np.ones(len(owner), np.bool_)
    for person in many.tolist():
        mine = np.flatnonzero(owner == person)
        for one in np.unique(when[mine]).tolist():
            here = mine[when[mine] == one]
            told = texts.take(pa.array(name[here])).to_pylist()
            kept = smallest(told, NAMES)
            stay[here] = [each in kept for each in told]
    owner, name, period, weight = (column[stay] for column in met)
    return owner, name, period, weight


def smallest(names: list[str], most: int) -> set[str]:
    """The names with the smallest hashes."""
    return (
        set(names) if len(names) <= most else set(sorted(names, key=lambda name: (hash63(name), name))[:most])
    )


def read(taste: Taste) -> Iterator[tuple[str, dict[int, int]]]:
    """Each name with its weight by period."""
    at, counts = 0, shorts.read(taste.counts)
    for name in taste.names:
        end = at + 1 + 2 * counts[at]
        yield name, dict(zip(counts[at + 1 : end : 2], counts[at + 2 : end : 2], strict=True))
        at = end


def added(one: Taste | None, other: Taste | None) -> Taste | None:
    """The sum of two."""
    if one is None or other is None:
        return one or other
    whole = dict(read(one))
    for name, weights in read(other):
        known = whole.setdefault(name, {})
        for period, weight in weights.items():
            known[period] = min(known.get(period, 0) + weight, shorts.LARGEST)
    newest = max(max(weights) for weights in whole.values())
    fresh = _fresh(whole, newest)
    score = {
        name: sum(weight * 2.0 ** (period - newest) for period, weight in weights.items())
        for name, weights in fresh.items()
    }
    names = sorted(fresh, key=lambda name: (-score[name], name))
    counts = [
        number
        for name in names
        for number in (len(fresh[name]), *(n for pair in fresh[name].items() for n in pair))
    ]
    return Taste(BETWEEN.join(names), shorts.packed(counts))


def _fresh(whole: dict[str, dict[int, int]], newest: int) -> dict[str, dict[int, int]]:
    """The weights of the periods that count, ascending, of the names that are not too many for theirs."""
    met: dict[int, list[str]] = {}
    for name, weights in whole.items():
        for period in weights:
            if newest - period < WINDOW:
                met.setdefault(period, []).append(name)
    found: dict[str, dict[int, int]] = {}
    for period in sorted(met):
        for name in smallest(met[period], NAMES):
            found.setdefault(name, {})[period] = whole[name][period]
    return found


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The sums."""
    return {kind: added(getattr(one, kind), getattr(other, kind)) for kind in _KINDS}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """The five dearest of each; the order does not change with time, as all weights fade alike."""
    for taste, many, best in (
        (profile.categories, "categories", "category"),
        (profile.brands, "brands", "brand"),
    ):
        if taste is not None:
            names = taste.text.split(BETWEEN, BEST)[:BEST]
            found[many], found[best] = names, names[0]
    if profile.bands is not None:
        names = [band_name(int(number)) for number in profile.bands.text.split(BETWEEN, BEST)[:BEST]]
        found["price_bands"], found["price_band"] = names, names[0]


_TOLD = "the dearest first; weights halve every 30 days."
TASTE = Trait(
    name="taste",
    columns=("event", "category", "brand", "price"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "categories": Field("Categories", "list", f"Five preferred categories, {_TOLD}"),
        "category": Field("Category", "text", "The most preferred category."),
        "brands": Field("Brands", "list", f"Five preferred brands, {_TOLD}"),
        "brand": Field("Brand", "text", "The most preferred brand."),
        "price_bands": Field(
            "Price bands",
            "list",
            "Five preferred price bands in minor units, such as `2000-5000` (20 up to 50).",
        ),
        "price_band": Field("Price band", "text", "The most preferred price band."),
    },
)
