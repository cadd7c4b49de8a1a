"""The long work of a home, done by a command: its own, and what another left."""

from __future__ import annotations

from volano.cli.say import now, progress
from volano.wiring import House


def finish(house: House) -> None:
    """Do all the long work there is; a server that runs meanwhile does its share."""
    from volano.flow.working import Working

    with progress("working through the past") as move:
        Working(house, now).finish(lambda work: move(int(100 * work.share), 100))
