"""The address in an event: it may give a country, and is left out of everything that is kept."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Raw

Geo = Callable[[str], str]  # an address as text → ISO 3166-1 alpha-2, or nothing

_members = msgspec.json.Decoder(dict[str, Raw])
_string = msgspec.json.Decoder(str)
_DEVICE = re.compile(rb"^(?:Mozilla|Opera|Dalvik)/|CFNetwork/|okhttp/", re.IGNORECASE)


def without_address(context: bytes, geo: Geo | None) -> bytes:
    """The context without its `ip`; the country found for that becomes its `location`, unless it tells one.

    >>> without_address(b'{"ip":"9.9.9.9","locale":"en"}', lambda address: "CH")
    b'{"location":{"country":"CH"},"locale":"en"}'
    """
    members = _members.decode(context)
    address = members.pop("ip", None)
    if address is None:
        return context
    try:
        found = located(_string.decode(address), geo)
    except msgspec.DecodeError:
        found = {}
    return msgspec.json.encode(
        {name: Raw(msgspec.json.encode(value)) for name, value in found.items()} | members
    )


def located(address: str | None, geo: Geo | None) -> dict[str, dict[str, str]]:
    """What a context may say of where an address is.

    >>> located("9.9.9.9", lambda address: "CH"), located("9.9.9.9", None)
    ({'location': {'country': 'CH'}}, {})
    """
    country = geo(address[:64]) if geo and address else ""
    return {"location": {"country": country}} if country else {}


def of_a_device(user_agent: bytes) -> bool:
    """Whether a request comes from what a person holds, so that its address says where the person is.

    >>> of_a_device(b"Mozilla/5.0 (X11; Linux x86_64)"), of_a_device(b"posthog-python/7.91.1")
    (True, False)
    """
    return bool(_DEVICE.search(user_agent))
