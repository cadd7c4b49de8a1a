"""Writes MaxMind DB files for tests (format 2.0, record size 24 bits), by the public specification."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"


def encoded(value: Any) -> bytes:
    """A value of the data section: maps, texts, whole numbers and lists of these, each shorter than 29."""
    if isinstance(value, str):
        return bytes([2 << 5 | len(value.encode())]) + value.encode()
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(encoded, value))
    number: bytes = value.to_bytes(4, "big").lstrip(b"\0")
    return bytes([6 << 5 | len(number)]) + number


def mmdb(networks: dict[str, dict[str, Any]]) -> bytes:
    """A file that knows some IPv4 networks."""
    nodes: list[list[int | None]] = [[None, None]]
    data, ends = b"", []
    for text, record in networks.items():
        network = IPv4Network(text)
        bits = f"{int(network.network_address):032b}"[: network.prefixlen]
        at = 0
        for bit in bits[:-1]:
            following = nodes[at][int(bit)]
            if following is None:
                following = len(nodes)
                nodes.append([None, None])
                nodes[at][int(bit)] = following
            at = following
        ends.append((at, int(bits[-1]), len(data)))
        data += encoded(record)
    size = len(nodes)
    for last, branch, offset in ends:
        nodes[last][branch] = size + 16 + offset
    tree = b"".join((size if side is None else side).to_bytes(3, "big") for node in nodes for side in node)
    about = {
        "node_count": size,
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Test-Country",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1,
        "description": {"en": "for tests"},
    }
    return tree + b"\0" * 16 + data + MARKER + encoded(about)
