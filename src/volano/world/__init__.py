"""A simulated marketplace whose truth is known."""

from volano.world.run import World
from volano.world.spec import Decide, Offer, PlantedLeak, Truth, Visits, WorldSpec
from volano.world.wire import to_segment, write

__all__ = ["Decide", "Offer", "PlantedLeak", "Truth", "Visits", "World", "WorldSpec", "to_segment", "write"]
