"""Results: did it work, how sure are we, and what was learned."""

from __future__ import annotations

from volano.domain.campaign import Campaign
from volano.domain.verdict import Lesson, Verdict
from volano.flow.shop import shop_of
from volano.web import charts, words
from volano.web.console.cards import recipe_title, verdict_cards
from volano.web.pages import Ask, Desk, Page, Route, page


def _lesson(lesson: Lesson) -> dict[str, object]:
    """What one round taught: belief before and after on one scale."""
    rows = []
    for mean, sd in ((lesson.before_mean, lesson.before_sd), (lesson.after_mean, lesson.after_sd)):
        rows.append((mean - 1.96 * sd, mean, mean + 1.96 * sd))
    labels = [tuple(words.change(value) for value in row) for row in rows]
    return {
        "lesson": lesson,
        "title": recipe_title(lesson.recipe),
        "plot": charts.plot(rows),
        "labels": labels,
    }


def results(request: Ask, desk: Desk) -> Page:
    """Every campaign that was ever live, newest first, and the lessons."""
    state = desk.house.state
    campaigns = state.find(Campaign)
    newest = sorted(state.find(Verdict), key=lambda verdict: -verdict.made_at)
    judged = {verdict.campaign for verdict in newest}
    lessons = sorted(state.find(Lesson), key=lambda lesson: -lesson.learned_at)
    return page(
        request,
        desk,
        "results.html",
        cards=verdict_cards(newest, campaigns, shop_of(state, desk.house.settings)),
        waiting=[one for one in campaigns if one.status == "live" and one.key not in judged],
        lessons=[_lesson(lesson) for lesson in lessons],
        any_idea=any(one.status == "draft" for one in campaigns),
    )


ROUTES = [
    Route("GET", "/results", results),
]
