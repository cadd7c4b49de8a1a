"""How the server of the live profiles is: sentences, each with its mend if it is not good."""

from __future__ import annotations

import time

from volano.adapters.valkey_room import ValkeyRoom
from volano.adapters.valkey_wiping import keeps_snapshots, may_wipe

_FAR_MS = 2.0  # a decision asks up to four times
_TRIES = 5


def looked_at(room: ValkeyRoom) -> list[tuple[str, str]]:
    """Whether it is near, what it writes to its disk, and whether we may have that written anew."""
    told, memory = room.told("server"), room.told("memory")
    name = (
        f"Valkey {told['valkey_version']}" if "valkey_version" in told else f"Redis {told['redis_version']}"
    )
    each = _milliseconds(room)
    says = f"{room.where} ({name}) answers in {each:.1f} ms and holds {memory['used_memory'] / 1e6:,.1f} MB"
    near = "" if each <= _FAR_MS else "run it nearer: a decision asks it up to four times, a drain often"
    wipes = may_wipe(room)
    found = [(says, near), _durable(room, wipes)]
    if not wipes:
        found.append(
            (
                "it does not let us have its files written anew after somebody is forgotten",
                "allow BGREWRITEAOF, BGSAVE and CONFIG GET, or have its log and snapshots made anew there",
            )
        )
    return found


def _durable(room: ValkeyRoom, wipes: bool) -> tuple[str, str]:
    if room.told("persistence")["aof_enabled"]:
        how = f", appendfsync {room.ask(b'CONFIG', 'GET', 'appendfsync')[1].decode()}" if wipes else ""
        return (f"it keeps a log of what it is told (appendonly yes{how})", "")
    if wipes and keeps_snapshots(room):
        said = "it writes snapshots now and then, and no log"
    else:
        said = "it writes nothing to its disk that we know of"
    return (
        f"{said}: when it ends, profiles are made anew from the lake, and names counted anew",
        "set `appendonly yes` there",
    )


def _milliseconds(room: ValkeyRoom) -> float:
    """Of the fastest of some questions."""
    found = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        room.ask("PING")
        found.append(1_000 * (time.perf_counter() - began))
    return min(found)
