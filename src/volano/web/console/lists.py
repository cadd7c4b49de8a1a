"""Lists of people: the first hundred on a page, all of them as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response

from volano.domain.profile import Profile
from volano.flow.people import told_of
from volano.flow.segments import named_people
from volano.observe.traits.buying import paid
from volano.web.pages import Ask, Desk, Page, page

SHOWN = 100
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out


def people_list(request: Ask, desk: Desk, template: str, people: Sequence[int] | None, **told: Any) -> Page:
    """A page of the first of these people; None: they are still being looked for."""
    some = told_of(desk.house.profiles, people[:SHOWN] if people else ())
    unnamed = [one.person_id for one in some if not one.email]
    names = named_people(desk.house.lake, unnamed) if unnamed else {}
    many = None if people is None else len(people)
    return page(request, desk, template, some=some, names=names, many=many, shown=SHOWN, **told)


def people_file(profiles: Iterable[Profile], name: str) -> Response[str]:
    """These people, for other programs."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["person_id", "email", "orders", "revenue_minor", "last_seen"])
    for one in profiles:
        email = f"'{one.email}" if one.email.startswith(_FORMULAS) else one.email
        out.writerow([one.person_id, email, one.orders, paid(one)[0], one.last_seen])
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
