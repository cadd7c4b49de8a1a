"""What a verdict teaches: the belief about an idea's lift, updated once per round."""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from msgspec.structs import replace

from volano.domain.idea import Belief
from volano.domain.verdict import GoalResult, Verdict
from volano.maths.interval import normal_quantile


class Evidence(NamedTuple):
    """A relative lift and its standard error."""

    lift: float
    error: float


def learn(belief: Belief, verdict: Verdict) -> Belief:
    """The belief after the verdict (normal prior, normal evidence: precisions add).

    A broken read-out teaches nothing, nor does one without people who did it in both arms. Stopping early
    does no harm here: the posterior does not depend on why the data ended.
    """
    found = evidence(verdict)
    if found is None:
        return belief
    prior, data = belief.sd**-2, found.error**-2
    return replace(
        belief,
        mean=(belief.mean * prior + found.lift * data) / (prior + data),
        sd=1 / sqrt(prior + data),
        tests=belief.tests + 1,
        note=f"{verdict.call} in {verdict.key}: {100 * found.lift:+.1f} % ± {100 * found.error:.1f}",
    )


def evidence(verdict: Verdict) -> Evidence | None:
    """The lift that a verdict saw on its deciding goal, averaged over variants; None if it tells nothing.

    Variants share their control, so the error of the average is taken as no smaller than theirs.
    """
    if verdict.call == "broken":
        return None
    told = [_evidence(result) for result in _deciding(verdict.results)]
    known = [each for each in told if each is not None]
    if not known:
        return None
    size = len(known)
    return Evidence(sum(each.lift for each in known) / size, sum(each.error for each in known) / size)


def _deciding(results: list[GoalResult]) -> list[GoalResult]:
    lagging = [result for result in results if result.role == "lagging"]
    lagging.sort(key=lambda result: result.measure != "people")
    return [result for result in lagging if result.goal == lagging[0].goal]


def _evidence(result: GoalResult) -> Evidence | None:
    """The standard error on the relative scale, from the interval of the log ratio."""
    if result.relative is None or result.relative_low is None or result.relative_high is None:
        return None
    width = log(1 + result.relative_high) - log(1 + result.relative_low)
    error = width / (2 * normal_quantile(0.975)) * (1 + result.relative)
    return Evidence(result.relative, error) if error > 0 else None
