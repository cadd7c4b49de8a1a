"""Takes off the disk of a Valkey or Redis server what it wrote there of records that are replaced or dropped.

In memory they are gone with the command that drops them: what stood there is free, and is overwritten when
the server needs room. On the disk its log of commands (AOF) has them until it is written anew, and so has
its last snapshot (RDB).
"""

from __future__ import annotations

import time

from volano.adapters.valkey_room import ValkeyRoom
from volano.errors import BrokenHome

_LOOK = 0.05  # seconds between two looks whether the server has done
_BUSY = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")


def wiped(room: ValkeyRoom) -> None:
    """Has log and snapshot written anew, and waits for both.

    Where the server does not let us, as those that others keep for us do, nothing is done: the doctor says
    so.
    """
    if may_wipe(room):
        if room.told("persistence")["aof_enabled"]:
            _written(room, b"BGREWRITEAOF", "aof_last_bgrewrite_status")
        if keeps_snapshots(room):
            _written(room, b"BGSAVE", "rdb_last_bgsave_status")


def may_wipe(room: ValkeyRoom) -> bool:
    """Whether the server knows the commands for it, and lets us use such."""
    try:
        known = room.ask(b"COMMAND", "INFO", "BGREWRITEAOF", "BGSAVE")
        room.ask(b"CONFIG", "GET", "save")
    except BrokenHome:
        return False
    return all(known)


def keeps_snapshots(room: ValkeyRoom) -> bool:
    """Whether the server writes snapshots by itself, or has had one since it was started."""
    told = room.told("persistence")
    had = told.get("rdb_saves", 0) + told.get("rdb_last_load_keys_loaded", 0)
    return bool(had or room.ask(b"CONFIG", "GET", "save")[1])


def _written(room: ValkeyRoom, command: bytes, status: str) -> None:
    """Once nothing is being written that may have begun before, begins anew and waits for the end."""
    _quiet(room)
    room.ask(command)
    _quiet(room)
    if room.told("persistence")[status] != "ok":
        raise BrokenHome(
            f"{room.where} could not write its files anew ({command.decode()}), so that they still hold what "
            "was dropped: look at its log, make room on its disk, and forget again"
        )


def _quiet(room: ValkeyRoom) -> None:
    while any(room.told("persistence")[busy] for busy in _BUSY):
        time.sleep(_LOOK)
