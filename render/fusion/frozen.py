"""`FrozenWorld`: a world held at one instant, and `still_instances`: what of a world does not move anyway."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from render.world import Instant, World

#: What moves less than this stands still, metres: a hundredth of a pixel at a metre.
_STILL_M = 1e-5


class FrozenWorld(World):
    """A world that is at every time as it was at ``time``, so that cameras of many frames see one instant of it.

    Args:
        world: the world; what is drawn from it is shared, not copied.
        time: seconds.
    """

    def __init__(self, world: World, time: float) -> None:
        self.__dict__.update(world.__dict__)
        self._instant = world.at(time)

    def at(self, time: float) -> Instant:
        """The one instant, whatever is asked."""
        return self._instant


def still_instances(world: World, times: Iterable[float]) -> tuple[int, ...]:
    """Numbers of the instances, the ground among them, that are in one place at all these times (seconds)."""
    moving: set[int] = set()
    first: Instant | None = None
    for time in times:
        now = world.at(time)
        first = first or now
        for here, there in zip(first.meshes, now.meshes, strict=True):
            if np.abs(here.world_vertices() - there.world_vertices()).max() > _STILL_M:
                moving.add(here.drawable.instance)
    still = [d.instance for d in world.drawables if d.instance not in moving]
    return tuple(still) + ((world.ground_instance,) if world.stage.ground is not None else ())
