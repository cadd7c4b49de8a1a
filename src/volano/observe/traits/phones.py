"""The devices of a person and whether pushes reach them.

A device is a `device_id`; a row that tells a push token without one is of a device that is named for the
token, and what is told of that name also holds for the device with that token. *Uninstalled* means that no
device can be reached because the app is gone, and there was no session since; a token that ran out is not
that. A session shows where an act tells a device or a browser, or is one that only those do: what servers
tell (a profile that is synchronised) and what happens in a mailbox is none.
Of a person with more than DEVICES devices those with the smallest hashes are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from volano.domain.event import PAGE_VIEWED, SCREEN_VIEWED
from volano.domain.profile import TOKEN_DAYS, Device, Profile
from volano.maths.columns import Ints, Texts, changes
from volano.maths.hashing import hash63
from volano.observe.traits.history import DAY, SECOND, History, ranks
from volano.observe.traits.properties import read
from volano.observe.traits.taste import smallest
from volano.observe.traits.trait import Columns, Field, Trait

DEVICES = 32
BOUNCED, UNINSTALLED = "Push Notification Bounced", "Application Uninstalled"
_INVALID = (  # how reasons end, letters only
    "unregistered",
    "notregistered",
    "baddevicetoken",
    "devicetokennotfortopic",
    "invalidregistration",
    "invalidregistrationtoken",
)
_GONE = re.compile(r"(?<!\d)(404|410)(?!\d)")  # what push services answer of a token they do not know
_WHY = ("reason", "error", "code", "status")  # the properties that may tell
_ON_DEVICE = (
    PAGE_VIEWED,
    SCREEN_VIEWED,
    "Application Installed",
    "Application Opened",
    "Application Foregrounded",
    "Push Notification Tapped",
)
_IN_MAILBOX = ("Email Opened", "Email Link Clicked", "Email Marked as Spam", "Unsubscribed")
_TOLD = ("device_id", "device", "os", "browser")

Devices = Mapping[str, Device]


def token_name(token: str) -> str:
    """The name of a device of which only its token is known."""
    return f"~{hash63(token):016x}"


def tally(history: History) -> Columns:
    """The devices of everybody, and when they were last there."""
    here = history.last(np.flatnonzero(_present(history)))
    present_at = np.where(here >= 0, history.second[here], 0) if len(history) else here
    return {"present_at": present_at.tolist(), **_by_device(history)}


def _present(history: History) -> Any:
    """Which rows show a session."""
    shown = history.among(*_ON_DEVICE)
    for name in _TOLD:
        shown |= history.texts(name).codes >= 0
    return shown & history.active & ~history.among(*_IN_MAILBOX)


def _by_device(history: History) -> Columns:
    device, token = history.texts("device_id"), history.texts("push_token")
    rows = np.flatnonzero((device.codes >= 0) | (token.codes >= 0))
    if not len(rows):
        return {}
    values = [*device.values.to_pylist(), *map(token_name, token.values.to_pylist())]
    names, place = np.unique(np.array(values, object), return_inverse=True)
    code = device.codes[rows].astype(np.int64)
    code = place[np.where(code >= 0, code, len(device.values) + token.codes[rows])]
    word = history.owner[rows] * len(names) + code
    order = np.argsort(word, kind="stable")
    rows, word = rows[order], word[order]
    group = np.cumsum(changes(word)) - 1
    owner, name = np.divmod(word[changes(word)], len(names))
    devices = _devices(history, rows, group)
    found: list[dict[str, Device]] = [{} for _ in range(len(history))]
    for person, called, one in zip(owner.tolist(), names[name].tolist(), devices, strict=True):
        found[person][called] = one
    return {"devices": [_bounded(some) for some in found]}


def _devices(history: History, rows: Ints, group: Ints) -> list[Device]:
    """One device for each group of rows, which lie one group after the other."""
    count = int(group[-1]) + 1
    active = history.active[rows]
    second = history.second[rows]
    token, os = history.texts("push_token"), history.texts("os")
    told = _best(group, active & (token.codes[rows] >= 0), second, ranks(token.values)[token.codes[rows]])
    on = _best(group, os.codes[rows] >= 0, np.zeros(len(rows), np.int64), ranks(os.values)[os.codes[rows]])
    seen = np.zeros(count, np.int64)
    np.maximum.at(seen, group[active], second[active])
    tokens, systems = [*token.values.to_pylist(), ""], [*os.values.to_pylist(), ""]
    marks = _marks(history, rows, group)
    columns = zip(
        [systems[code] for code in np.where(on >= 0, os.codes[rows[on]], -1).tolist()],
        [tokens[code] for code in np.where(told >= 0, token.codes[rows[told]], -1).tolist()],
        np.where(told >= 0, second[told], 0).tolist(),
        seen.tolist(),
        strict=True,
    )
    return [
        _marked(
            Device(platform=platform, token=said, token_at=token_at, seen_at=seen_at), marks.get(number, {})
        )
        for number, (platform, said, token_at, seen_at) in enumerate(columns)
    ]


def _best(group: Ints, there: Any, second: Ints, rank: Ints) -> Ints:
    """Per group the place with the latest second, then the highest rank, among those `there`; else −1."""
    found = np.full(int(group[-1]) + 1, -1, np.int64)
    at = np.flatnonzero(there)
    order = at[np.lexsort((rank[at], second[at], group[at]))]
    found[group[order]] = order
    return found


Mark = tuple[int, str]


def _marks(history: History, rows: Ints, group: Ints) -> dict[int, dict[str, Mark]]:
    """Per group the last moment, with its token, at which a push came back or the app was gone."""
    bounced, gone = history.among(BOUNCED)[rows], history.among(UNINSTALLED)[rows]
    at = np.flatnonzero(bounced | gone)
    if not len(at):
        return {}
    rows, group = rows[at], group[at]
    properties, token = history.texts("properties"), history.texts("push_token")
    found: dict[int, dict[str, Mark]] = {}
    for number, uninstalled, row in zip(group.tolist(), gone[at].tolist(), rows.tolist(), strict=True):
        told = "" if uninstalled else _text(properties, row)
        kind = "invalid" if uninstalled else _kind(read(told) if told else {})
        if kind:
            marks = found.setdefault(number, {})
            said = "" if uninstalled else _text(token, row)
            marks[kind] = max(marks.get(kind, (0, "")), (int(history.second[row]), said))
    return found


def _text(column: Texts, row: int) -> str:
    code = int(column.codes[row])
    return "" if code < 0 else str(column.values[code])


def _kind(told: Mapping[str, Any]) -> str:
    """What a push that came back says of its token, in the words of FCM, APNs, Expo or web push.

    >>> _kind({"reason": "messaging/registration-token-not-registered"}), _kind({"status": 410})
    ('invalid', 'invalid')
    >>> _kind({"reason": "ExpiredToken (410)"}), _kind({"reason": "TooManyRequests"})
    ('expired', '')
    """
    reasons = [str(told[name]) for name in _WHY if name in told]
    plain = ["".join(letter for letter in reason.lower() if letter.isalpha()) for reason in reasons]
    if any(reason.endswith(_INVALID) for reason in plain):
        return "invalid"
    if any("expired" in reason for reason in plain):
        return "expired"
    return "invalid" if any(_GONE.search(reason) for reason in reasons) else ""


def _marked(device: Device, marks: Mapping[str, Mark]) -> Device:
    if not marks:
        return device
    (invalid_at, invalid), (expired_at, expired) = (marks.get(k, (0, "")) for k in ("invalid", "expired"))
    return msgspec.structs.replace(
        device, invalid_at=invalid_at, invalid_token=invalid, expired_at=expired_at, expired_token=expired
    )


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """All devices of both, each with the later of what is told of it."""
    present_at = max(one.present_at, other.present_at)
    if not one.devices or not other.devices:
        return {"devices": one.devices or other.devices, "present_at": present_at}
    devices = dict(one.devices)
    for name, device in other.devices.items():
        known = devices.get(name)
        devices[name] = device if known is None else _added(known, device)
    return {"devices": _bounded(devices), "present_at": present_at}


def _added(one: Device, other: Device) -> Device:
    token_at, token = max((one.token_at, one.token), (other.token_at, other.token))
    invalid_at, invalid = max((one.invalid_at, one.invalid_token), (other.invalid_at, other.invalid_token))
    expired_at, expired = max((one.expired_at, one.expired_token), (other.expired_at, other.expired_token))
    return Device(
        platform=max(one.platform, other.platform),
        token=token,
        token_at=token_at,
        seen_at=max(one.seen_at, other.seen_at),
        invalid_at=invalid_at,
        invalid_token=invalid,
        expired_at=expired_at,
        expired_token=expired,
    )


def _bounded(devices: dict[str, Device]) -> dict[str, Device]:
    if len(devices) <= DEVICES:
        return devices
    kept = smallest([*devices], DEVICES)
    return {name: device for name, device in devices.items() if name in kept}


def devices_of(profile: Profile) -> dict[str, Device]:
    """The devices by id; what is only known of a token is told of the device that has it."""
    devices = dict(profile.devices)
    for name, device in profile.devices.items():
        alone = devices.get(token_name(device.token)) if device.token and name[:1] != "~" else None
        if alone is not None:
            devices[name] = _added(device, alone)
            profile_only = token_name(device.token)
            devices.pop(profile_only)
    return devices


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """How many devices there are, and whether they can be reached."""
    found["devices"] = 0
    if profile.devices:
        devices = list(devices_of(profile).values())
        states = [device.state(now=now // SECOND) for device in devices]
        found["devices"] = len(devices)
        found["push"] = any(
            state == "valid" and device.token for state, device in zip(states, devices, strict=True)
        )
        gone = max(device.invalid_at for device in devices)
        found["uninstalled"] = set(states) == {"invalid"} and profile.present_at <= gone
        found["token_expired"] = "expired" in states and "valid" not in states


def turns(profile: Profile, now: int) -> int | None:
    """The next moment (UTC µs) at which a push token is given up, as nothing was heard of it for so long."""
    given_up = [
        max(device.token_at, device.seen_at) + TOKEN_DAYS * DAY + 1
        for device in devices_of(profile).values()
        if device.token
    ]
    return min((at * SECOND for at in given_up if at * SECOND > now), default=None)


PHONES = Trait(
    name="phones",
    columns=("event", "push_token", "properties", *_TOLD),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "devices": Field("Devices", "number", "Devices that told their id or a push token."),
        "push": Field("Push", "flag", "Whether a push can reach one of them."),
        "uninstalled": Field(
            "Uninstalled", "flag", "All devices are invalid and there was no session since."
        ),
        "token_expired": Field("Token expired", "flag", "Pushes fail only because tokens ran out."),
    },
)
