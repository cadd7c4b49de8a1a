"""What clients ask before they send, answered so that they send to us: settings, configurations, flags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

KEY = "{key}"  # where a path holds the write key
BODY_LIMIT = 1024 * 1024  # bytes of a question
JAVASCRIPT = b"text/javascript; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: the write key, its source, and how this house is reached (`host` with its port)."""

    write_key: str
    source: str
    host: str
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One question. `path` may hold the write key; a question by POST holds it in its body."""

    path: str
    method: str
    title: str
    answer: Callable[[Asker], bytes]
    kind: bytes = b"application/json"


def segment_settings(asker: Asker) -> bytes:
    """What Segment's browser client needs: without it it sends to its vendor.

    A second integration would make it fetch the code of both from its vendor, and wait for that before it
    sends anything; without the rate it tells its vendor of its own errors.
    """
    ours = {"apiKey": asker.write_key, "apiHost": f"{asker.host}/v1", "protocol": asker.protocol}
    return msgspec.json.encode({"integrations": {"Segment.io": ours}, "metrics": {"sampleRate": 0}})


def source_config(asker: Asker) -> bytes:
    """What RudderStack's browser client needs before it sends."""
    source = {
        "id": asker.source,
        "name": asker.source,
        "writeKey": asker.write_key,
        "enabled": True,
        "workspaceId": "volano",
        "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
        "destinations": [],
    }
    return msgspec.json.encode({"source": source})


_NO_FLAGS: dict[str, Any] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
}
_REMOTE: dict[str, Any] = {  # what PostHog's clients would switch on; none of it is kept here
    "supportedCompression": ["gzip-js"],
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "autocapture_opt_out": False,
    "defaultIdentifiedOnly": True,
    "siteApps": [],
    "isAuthenticated": False,
    "toolbarParams": {},
}


def flags(asker: Asker) -> bytes:
    """PostHog's flags: there are none, campaigns are asked for by `/v1/decide`."""
    return msgspec.json.encode(_NO_FLAGS)


def decided(asker: Asker) -> bytes:
    """The older form of the same question, with the configuration."""
    return msgspec.json.encode(_REMOTE | _NO_FLAGS | {"config": {"enable_collect_everything": True}})


def remote_config(asker: Asker) -> bytes:
    """PostHog's configuration of a project."""
    return msgspec.json.encode({"token": asker.write_key} | _REMOTE)


def remote_script(asker: Asker) -> bytes:
    """The same as a script that its browser client loads."""
    key = msgspec.json.encode(asker.write_key)
    config = msgspec.json.encode(_REMOTE)
    return (
        b"(function(){var all=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};all["
        + key
        + b"]={config:"
        + config
        + b",siteApps:[]}})();"
    )


CONFIGURATIONS = (
    Configuration(
        path="/v1/projects/{key}/settings",
        method="GET",
        title="Settings of Segment's browser client",
        answer=segment_settings,
    ),
    Configuration(
        path="/sourceConfig",
        method="GET",
        title="Configuration of RudderStack's browser client",
        answer=source_config,
    ),
    Configuration(
        path="/array/{key}/config",
        method="GET",
        title="Configuration of PostHog's clients",
        answer=remote_config,
    ),
    Configuration(
        path="/array/{key}/config.js",
        method="GET",
        title="Configuration of PostHog's browser client, as a script",
        answer=remote_script,
        kind=JAVASCRIPT,
    ),
    Configuration(
        path="/flags", method="POST", title="Feature flags of PostHog's clients: none", answer=flags
    ),
    Configuration(path="/decide", method="POST", title="The same, as older clients ask", answer=decided),
)
_PLAIN = {one.path: one for one in CONFIGURATIONS if KEY not in one.path}
_KEYED = [(one.path.partition(KEY), one) for one in CONFIGURATIONS if KEY in one.path]


def asked(path: str) -> tuple[Configuration, str] | None:
    """The question a path (without a slash at its end) asks, and the write key in it.

    >>> found = asked("/array/phc_x/config.js")
    >>> found and (found[0].path, found[1])
    ('/array/{key}/config.js', 'phc_x')
    """
    plain = _PLAIN.get(path)
    if plain is not None:
        return plain, ""
    for (head, _, tail), one in _KEYED:
        key = path[len(head) : -len(tail)]
        if path.startswith(head) and path.endswith(tail) and key and "/" not in key:
            return one, unquote(key)
    return None
