"""Notes for the census on whose profile changed, on the server that has the profiles."""

from __future__ import annotations

from volano.adapters.census_notes import Noted
from volano.adapters.valkey_room import ValkeyRoom
from volano.adapters.valkey_scripts import BEGIN, NOTED, SETTLE


class ValkeyNotes:
    """The promises of `census_notes.Notes`; a mark is a time of the server.

    So no mark comes twice, even on a server that has lost its last seconds.
    """

    def __init__(self, room: ValkeyRoom) -> None:
        self._room = room

    def noted(self) -> Noted:
        """The notes as they are."""
        mark, kept, people = self._room.run(NOTED)
        return Noted(int(mark or 0), kept, people)

    def begin(self) -> int:
        """The mark from which on changes are noted."""
        return int(self._room.run(BEGIN) or 0)

    def settle(self, upto: int, kept: bytes) -> None:
        """These files hold all changes up to a mark."""
        self._room.run(SETTLE, upto, kept)
