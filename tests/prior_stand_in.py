"""A window model without a network: an even gait that is bent through whatever a window must pass through."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from conftest import REST_OFFSETS

from motion import Clip, kinematics, skeleton
from motion import rotations as rot
from motion.corpus import FPS
from motion.prior import constrain
from motion.prior.constraints import JOINTS
from motion.prior.request import MOST_WINDOW, WindowRequest
from motion.prior.segments import pace_of
from motion.take import Provenance

_I = skeleton.INDEX
REST = np.array(REST_OFFSETS)


class StandIn:
    """Answers windows by interpolation. Every request that it was asked is kept in ``asked``."""

    def __init__(self) -> None:
        self.asked: list[WindowRequest] = []
        self.calls: list[int] = []  # rows of each batch

    @property
    def rest_offsets(self) -> np.ndarray:
        return REST

    def sample(
        self,
        requests: Sequence[WindowRequest],
        *,
        steps: int = 8,
        guidance: float = 2.5,
        constraint_guidance: float = 1.25,
    ) -> list[Clip]:
        assert len({r.frames for r in requests}) == 1, "one length in a batch"
        assert all(r.frames <= MOST_WINDOW for r in requests)
        for request in requests:
            request.constraints.check()
        self.asked += requests
        self.calls.append(len(requests))
        return [_bent(_gait(r), r) for r in requests]


def _gait(request: WindowRequest) -> Clip:
    """Legs and arms that swing, at the pace of the verb; the phase and the size of the swing come from the seed."""
    if request.start is not None and request.strength == 0:
        return request.start
    t = np.arange(request.frames) / FPS
    rng = np.random.default_rng(request.seed)
    phase, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.2)
    pace = pace_of(request.label)
    swing = size * (0.35 if pace else 0.08) * np.sin(2 * np.pi * 0.9 * t + phase)
    turns = np.zeros((request.frames, 24, 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turns[:, _I[f"{side}_shoulder"], 2] = -1.3 * sign
        turns[:, _I[f"{side}_hip"], 0] = sign * swing
        turns[:, _I[f"{side}_shoulder"], 0] = -sign * swing
    if request.label.verb == "wave":
        for side in ("left", "right"):
            if request.label.side in (side, "both") or (side == "right" and not request.label.side):
                turns[:, _I[f"{side}_shoulder"], 2] = (1.0 if side == "left" else -1.0) * (1.2 + 0.3 * np.sin(12 * t))
    root = np.stack([0.02 * np.sin(2 * np.pi * 0.9 * t + phase), 0.93 + 0 * t, pace * t], -1)
    root[:, 0] -= root[0, 0]
    return Clip(rot.from_rotvec(turns), root, REST, Fraction(FPS))


def _between(at: np.ndarray, values: np.ndarray, frames: int) -> np.ndarray:
    """Values known at frames ``at``, linear between them and held beyond; zero where nothing is known."""
    if len(at) == 0:
        return np.zeros((frames, *values.shape[1:]))
    flat = values.reshape(len(at), -1)
    out = np.stack([np.interp(np.arange(frames), at, flat[:, k]) for k in range(flat.shape[1])], -1)
    return out.reshape(frames, *values.shape[1:])


def _bent(clip: Clip, request: WindowRequest) -> Clip:
    c, frames = request.constraints, clip.frames
    world, _ = clip.world()
    root = clip.root_position.copy()
    own, _ = constrain.facing(clip)
    at = np.flatnonzero(c.heading_on)
    turn = _between(at, np.unwrap(c.heading[at] - own[at]), frames)
    # The way is turned with the body.
    steps = rot.rotate(rot.yaw(turn[:-1]), np.diff(root, axis=0))
    root = np.concatenate([root[:1], root[0] + np.cumsum(steps, axis=0)])
    world = rot.multiply(rot.yaw(turn)[:, None], world)
    for joint in range(JOINTS):
        at = np.flatnonzero(c.rotations_on[:, joint])
        change = rot.to_rotvec(rot.multiply(c.rotations[at, joint], rot.inverse(world[at, joint])))
        world[:, joint] = rot.multiply(rot.from_rotvec(_between(at, change, frames)), world[:, joint])
    world[:, 22:] = world[:, 20:22]
    level = c.path_on | c.pelvis_on[:, 0] | c.positions_on.any(1)
    where = np.where(c.path_on[:, None], c.path, c.pelvis[:, [0, 2]])
    touched = c.positions_on.any(1) & ~c.path_on & ~c.pelvis_on[:, 0]
    for f in np.flatnonzero(touched):
        where[f] = c.positions[f, int(np.argmax(c.positions_on[f]))][[0, 2]] - [0.0, 0.35]
    at = np.flatnonzero(level)
    root[:, [0, 2]] += _between(at, where[at] - root[at][:, [0, 2]], frames)
    at = np.flatnonzero(c.pelvis_on[:, 1])
    root[:, 1] += _between(at, c.pelvis[at, 1] - root[at, 1], frames)
    local = kinematics.to_local(skeleton.PARENTS, world)
    return Clip(
        local, root, REST, Fraction(FPS),
        provenance=Provenance(source="stand-in", licence="CC0", model="stand-in 1", seed=request.seed),
    )  # fmt: skip
