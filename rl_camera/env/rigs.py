"""What carries a camera, and how quickly it may move: `handheld`, `dolly`, `drone`, `crane`, `tripod`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import unknown
from rl_camera.env.columns import Array


@dataclass(frozen=True)
class Rig:
    """Bounds of a rig's motion; a camera goes no faster, and changes its speed no more quickly."""

    about: str
    speed: tuple[float, float, float]  # m/s: to its right, up, ahead on the level
    push: float  # m/s², of the velocity's change in space
    turn: tuple[float, float, float]  # rad/s: pan, tilt, roll
    torque: float  # rad/s², of each turn's change
    zoom: float = 0.5  # 1/s: d ln(focal length) / dt
    servo: float = 1.0  # 1/s², of the zoom rate's change


#: Speeds are what operators and makers give for the kind of rig, rounded: a walk for who carries a camera, a dolly
#: pushed at a stroll, a crane's slow arm, a small film drone indoors.
RIGS: Mapping[str, Rig] = {
    "handheld": Rig("on a shoulder, walking", (1.4, 0.4, 1.8), 3.0, (1.8, 1.2, 0.3), 6.0),
    "dolly": Rig("wheels on the floor and a column", (1.5, 0.5, 1.5), 1.2, (1.2, 0.8, 0.0), 2.5),
    "drone": Rig("a small drone with a gimbal", (4.0, 2.0, 5.0), 4.0, (2.0, 1.5, 0.3), 5.0, 0.3),
    "crane": Rig("an arm with a remote head", (1.0, 1.0, 1.0), 0.8, (1.0, 0.8, 0.2), 2.0),
    "tripod": Rig("stands; a fluid head and a zoom lens", (0.0, 0.0, 0.0), 1.0, (1.5, 1.0, 0.0), 4.0, 0.7, 1.5),
}

#: Rows of `limits`: speed right, up, ahead; push; pan, tilt, roll; torque; zoom; servo.
LIMITS = 10


def find_rig(name: str) -> Rig:
    """A rig by name.

    Raises:
        BadInput: no such rig.
    """
    if name not in RIGS:
        raise unknown("rig", name, RIGS)
    return RIGS[name]


def limits(names: Sequence[str]) -> Array:
    """Bounds of some rigs as ``(10, len(names))`` float32, rows in the order of `LIMITS`."""
    rigs = [find_rig(name) for name in names]
    return np.array([[*r.speed, r.push, *r.turn, r.torque, r.zoom, r.servo] for r in rigs], np.float32).T
