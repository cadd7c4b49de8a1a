"""Which wire formats there are, and which path belongs to which."""

from __future__ import annotations

from collections.abc import Mapping

from volano.web.formats import posthog, segment, snowplow
from volano.web.formats.format import Format

FORMATS: tuple[Format, ...] = (segment.FORMAT, posthog.FORMAT, snowplow.FORMAT)

BY_PATH: Mapping[str, Format] = {path: one for one in FORMATS for path in one.calls}
