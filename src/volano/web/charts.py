"""Data to the numbers of a picture: where things stand, in per cent of the width, or as a path.

Pictures are printed by the macros in `templates/_macros.html`. Lengths are per cent, so that a picture
fills its column while its words keep their size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from volano.web import words

_EDGE = 9.0  # per cent kept free at both ends of a scale, for the words under its ends


def sparkline(values: Sequence[float], width: float = 100, height: float = 28) -> str:
    """A path through the values, first at the left edge, highest at the top; flat when all are equal.

    >>> sparkline([0, 1, 2], width=10, height=12)
    'M0 10 5 6 10 2'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    room, gap = height - 4, width / max(1, len(values) - 1)
    rise = [(value - low) / (high - low) if high > low else 0.0 for value in values]
    spots = [f"{index * gap:.4g} {2 + room * (1 - up):.4g}" for index, up in enumerate(rise)]
    return "M" + " ".join(spots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two bars to compare and the interval of the second; ends in per cent of the width."""

    expected: float
    observed: float
    low: float
    high: float


def pair(expected: float, observed: float, gap_low: float, gap_high: float) -> Pair:
    """Bars of a leak: comparable people and here; the interval of the gap is drawn on *here*.

    >>> pair(0.58, 0.41, 0.13, 0.21)
    Pair(expected=70.0, observed=49.48, low=44.66, high=54.31)
    """
    low, high = expected - gap_high, expected - gap_low
    top = max(expected, observed, high) or 1.0
    ends = [round(max(0.0, value) / top * 70, 2) for value in (expected, observed, low, high)]
    return Pair(expected=ends[0], observed=ends[1], low=ends[2], high=ends[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """An estimate with its interval on a shared scale; `tone` is good, bad or open (it covers zero)."""

    low: float
    mid: float
    high: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Estimates on one scale; `zero` is where the no-change line stands."""

    zero: float
    spans: tuple[Span, ...]


def plot(rows: Sequence[tuple[float, float, float]], *, less_is_better: bool = False) -> Plot:
    """Intervals (low, mid, high) around a no-change line.

    >>> plot([(0.0, 1.0, 2.0)])
    Plot(zero=9.0, spans=(Span(low=9.0, mid=50.0, high=91.0, tone='open'),))
    """
    ends = [0.0, *(value for row in rows for value in row)]
    start, width = min(ends), (max(ends) - min(ends)) or 1.0

    def at(value: float) -> float:
        return round(_EDGE + (value - start) / width * (100 - 2 * _EDGE), 2)

    def tone(low: float, high: float) -> str:
        if low <= 0 <= high:
            return "open"
        return "good" if (low > 0) != less_is_better else "bad"

    spans = tuple(
        Span(low=at(low), mid=at(mid), high=at(high), tone=tone(low, high)) for low, mid, high in rows
    )
    return Plot(zero=at(0.0), spans=spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A piece of the wheel: a path, and how it looks."""

    path: str
    tone: str


def _arc(start: float, end: float, radius: float) -> str:
    """A path along the circle from one angle to another, in turns clockwise from the top."""
    (x0, y0), (x1, y1) = (
        (radius * sin(2 * pi * turn), -radius * cos(2 * pi * turn)) for turn in (start, end)
    )
    wide = int(end - start > 0.5)
    return f"M{x0:.1f} {y0:.1f}A{radius:g} {radius:g} 0 {wide} 1 {x1:.1f} {y1:.1f}"


def wheel(progress: Sequence[float], radius: float = 36) -> list[Arc]:
    """The wheel, one arc a stage: done (1), on the way (a share) or still to come (0).

    >>> [arc.tone for arc in wheel((1, 0.5, 0))]
    ['done', 'rest', 'now', 'rest']
    """
    arcs = []
    part, gap = 1 / len(progress), 0.045
    for index, share in enumerate(progress):
        start, end = index * part + gap, (index + 1) * part - gap
        if share >= 1:
            arcs.append(Arc(path=_arc(start, end, radius), tone="done"))
            continue
        arcs.append(Arc(path=_arc(start, end, radius), tone="rest"))
        if share > 0:
            reached = start + (end - start) * max(share, 0.06)
            arcs.append(Arc(path=_arc(start, reached, radius), tone="now"))
    return arcs


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step of a journey: `width` in per cent of the first; `lost` is the share that did not come."""

    event: str
    people: int
    width: float
    lost: float | None
    worst: bool


def journey(steps: Sequence[str], people: Sequence[int], worst: str = "") -> list[Bar]:
    """The bars of a journey; `worst` is the step that the biggest leak leads to.

    >>> [(bar.width, bar.lost) for bar in journey(["a", "b"], [200, 50])]
    [(100.0, None), (25.0, 0.75)]
    """
    first = max(1, people[0]) if people else 1
    before: list[int | None] = [None, *people]
    return [
        Bar(
            event=event,
            people=here,
            width=round(100 * here / first, 2),
            lost=None if came is None else 1 - here / came if came else 0.0,
            worst=event == worst,
        )
        for event, here, came in zip(steps, people, before, strict=False)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number of the last seven days beside the seven before, and its days as a line."""

    name: str
    value: str
    change: str  # with a sign; empty when there was nothing before
    tone: str  # up, down or even
    line: str
    also: str = ""


def tile(
    name: str, now: float, before: float, days: Sequence[float], *, shown: str = "", also: str = ""
) -> Tile:
    """One tile of Today.

    >>> tile("Orders", 106, 100, [1, 2]).change
    '+6.0 %'
    """
    relative = (now - before) / before if before else 0.0
    tone = "up" if relative > 0 else "down" if relative < 0 else "even"
    return Tile(
        name=name,
        value=shown or words.count(now),
        change=words.change(relative) if before else "",
        tone=tone,
        line=sparkline(days),
        also=also,
    )


PARTS = ("night", "morning", "afternoon", "evening")  # six hours each
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week of hours: `cells` are (row, hour 0 to 23, strength 1 to 4), `rows` days and their parts."""

    cells: tuple[tuple[int, int, int], ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    said: str


def week(hours: Mapping[int, int], first: int = 0) -> Week | None:
    """Events by hour of the week (0: Monday 00:00) as a picture that begins on day `first`; None without any.

    >>> week({20: 4, 44: 1}).cells, week({20: 4, 44: 1}).said
    (((0, 20, 4), (1, 20, 1)), 'Most often on Mon in the evening')
    """
    if not hours:
        return None
    top = max(hours.values())
    parts = {(day, part): 0 for day in range(7) for part in range(4)}
    for hour, events in hours.items():
        parts[hour // 24, hour % 24 // 6] += events
    order = [(first + row) % 7 for row in range(7)]
    day, part = max(parts, key=lambda key: parts[key])
    when = "at night" if part == 0 else f"in the {PARTS[part]}"
    return Week(
        cells=tuple(
            ((at // 24 - first) % 7, at % 24, -(-4 * events // top)) for at, events in sorted(hours.items())
        ),
        rows=tuple((_DAYS[day], tuple(parts[day, part] for part in range(4))) for day in order),
        said=f"Most often on {_DAYS[day]} {when}",
    )
