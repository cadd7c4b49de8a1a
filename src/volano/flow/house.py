"""Where everything is kept, as far as the flows need it."""

from __future__ import annotations

from typing import Protocol

from volano.ports import Lake, Profiles, State
from volano.settings import Settings


class House(Protocol):
    """What happened, what holds now, what is known of people, and how the house is set up."""

    @property
    def settings(self) -> Settings: ...
    @property
    def lake(self) -> Lake: ...
    @property
    def state(self) -> State: ...
    @property
    def profiles(self) -> Profiles: ...
