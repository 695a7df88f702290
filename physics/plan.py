"""`Plan`: all that can be known about tracking a clip before the first step is simulated.

What is under the ground is lifted out, the clip is laid on steps of about 1/240 s, flights are bent to parabolas, and
the forces that it needs beyond gravity are found by inverse dynamics; what the floor gives of them is found while it is
tracked (`physics.support`). Stable PD needs the inverse of mass matrix plus damping at every frame; these are made here
too, so that all rollouts share them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.errors import BadInput
from motion.rotations import Array
from physics import dynamics
from physics.clear import cleared, corners
from physics.ground import Ground
from physics.humanoid import Humanoid
from physics.mass import GRAVITY
from physics.series import runs

#: Steps a second, at least; frames are split evenly, so that every frame falls on a step.
STEPS_PER_S = 240.0
#: Accelerations for the feed-forward are smoothed by this Gaussian, seconds: captures know nothing beyond about 5 Hz.
SMOOTH_S = 0.05
#: The pelvis's way is smoothed by this Gaussian, seconds: nobody's weight shakes faster, and following what does costs
#: a tenth more help in captures with noise of 1 to 3 cm.
STEADY_S = 0.04
#: A shape's corner can bear all the weight up to this height above the body's lowest point, and none from that one on,
#: metres for an adult; at this speed it counts half, m/s.
BEARS_M, CLEAR_M, SLOW = 0.015, 0.06, 0.7
#: Where no link bears better than this, none does; else they are counted against the best.
FAINT = 0.03
#: Off the floor by this much nobody bears; if the centre of mass then falls, as a whole, with more than this share of g
#: it is a flight. Captures of somersaults hold it at 0.6 g; a walk that floats falls with none.
OFF_M, FALLS = 0.05, 0.5
#: Around a flight the centre of mass is led into and out of the parabola for this long, seconds.
LEAD_S = 0.12
#: A pelvis faster than this, m/s, is a broken clip: sprinters reach 12.
FASTEST = 40.0

#: N m / rad and N m: DeepMimic's gains and limits for its 45 kg, 1.62 m figure; toes by the ankles' share.
GAINS = {
    "spine1": 1000.0, "spine2": 1000.0, "spine3": 1000.0, "neck": 100.0, "head": 100.0, "hip": 500.0, "knee": 500.0,
    "ankle": 400.0, "foot": 100.0, "collar": 400.0, "shoulder": 400.0, "elbow": 300.0, "wrist": 50.0, "hand": 50.0,
}  # fmt: skip
TORQUES = {
    "spine1": 200.0, "spine2": 200.0, "spine3": 200.0, "neck": 50.0, "head": 50.0, "hip": 200.0, "knee": 150.0,
    "ankle": 90.0, "foot": 40.0, "collar": 100.0, "shoulder": 100.0, "elbow": 60.0, "wrist": 20.0, "hand": 20.0,
}  # fmt: skip
_DEEPMIMIC = 45.0 * 1.62
#: DeepMimic's limits suit its policies; athletes' ankles and knees give 1.5 times as much per kilogram.
TORQUE_FACTOR = 1.5


@dataclass(frozen=True)
class Plan:
    """A clip on simulation steps and its dynamics at frames; N = 6 + 3 (L − 1) as in `physics.dynamics`."""

    per_frame: int  # steps a frame
    step_s: float
    links: Array  # (S, L, 4) link rotations at steps, xyzw
    root: Array  # (S, 3) pelvis joint, metres
    spin: Array  # (S, L, 3) rad/s: pelvis in the world, joints in their child's frame
    velocity: Array  # (S, 3) pelvis joint, m/s
    lead: Array  # (T, N) generalised forces that the motion needs beyond gravity: at the root (6), at the joints
    bears: Array  # (T, L) 0 to 1: how far each link is low and slow enough to bear weight
    joint_inverse: Array  # (T, N, N) inverse of mass matrix + joint damping
    root_inverse: Array  # (T, N, N) the same with the root's own stiffness and damping
    root_stiffness: Array  # (T, 6, 6)
    root_damping: Array  # (T, 6, 6)
    stiffness: Array  # (N − 6,) N m / rad
    damping: Array  # (N − 6,) N m s / rad
    limits: Array  # (N − 6,) N m
    flight: np.ndarray  # (T,) bool: falling freely
    shift: Array  # (T, 3) metres: how far flights move the clip
    lift_m: float  # how deep the start is in the ground

    @property
    def frames(self) -> int:
        return len(self.flight)

    def corrected(self, turns: Array, moves: Array) -> Plan:
        """The same with targets turned by rotation vectors ``(S, L, 3)`` and the pelvis moved by ``(S, 3)``, metres.

        A joint turns in its own frame, the pelvis in the world's. What is fed forward stays.
        """
        by = rot.from_rotvec(turns)
        links = rot.multiply(self.links, by)
        links[:, 0] = rot.multiply(by[:, 0], self.links[:, 0])
        spin = self.spin + np.gradient(turns, self.step_s, axis=0)
        velocity = self.velocity + np.gradient(moves, self.step_s, axis=0)
        return replace(self, links=rot.normalize(links), root=self.root + moves, spin=spin, velocity=velocity)


def make(humanoid: Humanoid, clip: Clip, ground: Ground | None = None, *, stiffness: float, root: float) -> Plan:
    """Plan a clip.

    Args:
        humanoid: on the clip's own bones.
        clip: two frames or more.
        ground: what it is performed on; None: a level floor at y = 0.
        stiffness: factor on DeepMimic's gains (already scaled by mass and height).
        root: natural frequency of the residual wrench's PD, rad/s, for an adult.

    Raises:
        BadInput: a single frame, or a pelvis faster than `FASTEST`.
    """
    if clip.frames < 2:
        raise BadInput(f"physics: a clip of {clip.frames} frame, expected at least 2")
    fps = float(clip.fps)
    fastest = float(np.linalg.norm(np.diff(clip.root_position, axis=0), axis=1).max()) * fps
    if fastest > FASTEST:
        raise BadInput(f"physics: the pelvis moves at {fastest:.0f} m/s, expected below {FASTEST:.0f}")
    per_frame = max(1, math.ceil(STEPS_PER_S / fps - 1e-9))
    step = 1.0 / (fps * per_frame)
    at = np.arange(clip.frames, dtype=np.float64)
    steps = np.arange((clip.frames - 1) * per_frame + 1) / per_frame
    ground = ground or Ground()
    poses = humanoid.within_limits(humanoid.to_links(clip.rotations))
    poses, root_at = cleared(humanoid, poses, clip.root_position, ground, fps)
    links = rot.normalize(CubicSpline(at, rot.continuous(poses))(steps))
    place = smooth(np.asarray(CubicSpline(at, root_at)(steps)), STEADY_S / step)
    frames = np.arange(0, len(steps), per_frame)
    mass = humanoid.centre_of_mass(links, place)
    owners, points = corners(humanoid, *humanoid.poses(links[frames], place[frames]))
    size = humanoid.height_m / 1.7
    height = points[..., 1] - ground.heights(points)
    bears = _bearing(owners, points, height, fps, size)
    flight = _flights(mass, height.min(1) >= OFF_M * size, frames, step)
    shift = _parabolas(mass, flight, per_frame, step)
    place = place + shift

    acceleration, momentum = _rates(humanoid, links, place, step)
    bodies = dynamics.bodies(humanoid, links[frames], place[frames])
    matrix = dynamics.mass_matrix(humanoid, bodies)
    lead = dynamics.inverse_dynamics(humanoid, bodies, acceleration[frames], momentum[frames])
    scale = humanoid.mass_kg * humanoid.height_m / _DEEPMIMIC
    pace = math.sqrt(humanoid.height_m / 1.7)  # a small body falls and turns faster
    names = [link.name.split("_")[-1] for link in humanoid.links[1:]]
    kp = np.repeat([GAINS[name] * scale * stiffness for name in names], 3)
    kd = 0.1 * pace * kp
    limits = np.repeat([TORQUES[name] * scale * TORQUE_FACTOR for name in names], 3)
    joint = matrix.copy()
    index = np.arange(6, matrix.shape[-1])
    joint[:, index, index] += kd * step + kp * step**2
    omega = root / pace
    root_k, root_d = matrix[:, :6, :6] * omega**2, matrix[:, :6, :6] * 2.0 * omega
    rooted = joint.copy()
    rooted[:, :6, :6] += root_d * step + root_k * step**2
    spin = np.zeros((len(steps), len(humanoid.links), 3))
    spin[:-1] = rot.to_rotvec(rot.multiply(rot.inverse(links[:-1]), links[1:])) / step
    spin[-1] = spin[-2]
    spin[:, 0] = rot.rotate(links[:, 0], spin[:, 0])
    return Plan(
        per_frame, step, links, place, spin, np.gradient(place, step, axis=0), lead, bears,
        np.asarray(np.linalg.inv(joint)), np.asarray(np.linalg.inv(rooted)), root_k, root_d, kp, kd, limits, flight,
        shift[frames], max(0.0, -float(height[0].min())),
    )  # fmt: skip


def _rates(humanoid: Humanoid, links: Array, place: Array, step: float) -> tuple[Array, Array]:
    """Accelerations of the links' centres and rates of their spins' momentum, ``(S, L, 3)`` each, smoothed."""
    turn, joints = humanoid.poses(links, place)
    centre = joints + rot.rotate(turn, np.stack([link.centre for link in humanoid.links]))
    spin = np.zeros_like(centre)
    spin[:-1] = rot.to_rotvec(rot.multiply(turn[1:], rot.inverse(turn[:-1]))) / step
    spin[-1] = spin[-2]
    momentum = rot.rotate(turn, humanoid.inertias * rot.rotate(rot.inverse(turn), spin))
    width = SMOOTH_S / step

    def rate(values: Array) -> Array:
        return np.asarray(np.gradient(values, step, axis=0))

    return (
        gaussian_filter1d(rate(rate(centre)), width, axis=0, mode="nearest"),
        gaussian_filter1d(rate(momentum), width, axis=0, mode="nearest"),
    )


def _bearing(owners: np.ndarray, points: Array, height: Array, fps: float, size: float) -> Array:
    """How far each link may bear weight, ``(T, L)`` 0 to 1: the best of its corners, by height and by speed.

    Args:
        owners: ``(C,)`` links.
        points: ``(T, C, 3)`` corners, metres.
        height: ``(T, C)`` of them above what is under them.
        fps: frames per second.
        size: of the body against an adult.
    """
    lowest = np.maximum(height.min(1, keepdims=True), 0.0)
    low = smoothstep((CLEAR_M * size - (height - lowest)) / ((CLEAR_M - BEARS_M) * size))
    low *= lowest < OFF_M * size
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=-1) * fps
    able = low / (1.0 + (speed / (SLOW * math.sqrt(size))) ** 2)
    out = np.zeros((len(points), int(owners.max()) + 1))
    for c, link in enumerate(owners):
        out[:, link] = np.maximum(out[:, link], able[:, c])
    most = out.max(1, keepdims=True)
    return np.asarray(np.where(most > FAINT, out / np.maximum(most, FAINT), 0.0))


def _flights(mass: Array, off: np.ndarray, frames: np.ndarray, step: float) -> np.ndarray:
    """Frames off the floor in which the centre of mass falls, as a whole, with about g."""
    out = np.zeros(len(off), dtype=bool)
    for first, last in runs(off):
        a, b = max(first - 1, 0), min(last, len(off) - 1)
        span = (frames[b] - frames[a]) * step
        if first == 0 or last == len(off) or span <= 0:
            height = mass[frames[first] : frames[last - 1] + 1, 1]
            fall = 2.0 * np.polyfit(np.arange(len(height)) * step, height, 2)[0] if len(height) > 8 else 0.0
        else:
            middle = mass[(frames[a] + frames[b]) // 2, 1]
            fall = -8.0 * (middle - (mass[frames[a], 1] + mass[frames[b], 1]) / 2.0) / span**2
        out[first:last] = -fall > FALLS * GRAVITY
    return out


def _parabolas(mass: Array, flight: np.ndarray, per_frame: int, step: float) -> Array:
    """Shifts of the pelvis ``(S, 3)``, metres, that put the centre of mass on a parabola in every whole flight.

    Take-off and landing keep their times and places; velocity is led over within `LEAD_S` on the floor.
    """
    out = np.zeros_like(mass)
    for first, last in runs(flight):
        if first == 0 or last == len(flight):
            continue
        a, b = (first - 1) * per_frame, last * per_frame
        t = np.arange(b - a + 1) * step
        span = t[-1]
        fall = np.array([0.0, -GRAVITY, 0.0])
        start = (mass[b] - mass[a]) / span - 0.5 * fall * span
        path = mass[a] + start * t[:, None] + 0.5 * fall * t[:, None] ** 2
        out[a : b + 1] += path - mass[a : b + 1]
        velocity = np.gradient(mass, step, axis=0)
        lead = max(2, round(LEAD_S / step))
        kick = start - velocity[a]
        for at, way, change in ((a, -1, kick), (b, 1, start + fall * span - velocity[b])):
            s = np.arange(1, lead + 1) / lead  # 0 at the flight's edge
            reach = at + way * np.arange(1, lead + 1)
            inside = (reach >= 0) & (reach < len(mass))
            out[reach[inside]] += (way * lead * step * (s * (1 - s) ** 2))[inside, None] * change
    return out


def smooth(values: Array, sigma: float) -> Array:
    """A Gaussian of ``sigma`` samples over the first axis, which goes on straight at both ends."""
    reach = min(len(values) - 1, int(4.0 * sigma) + 1)
    before, after = 2.0 * values[:1] - values[reach:0:-1], 2.0 * values[-1:] - values[-2 : -reach - 2 : -1]
    longer = np.concatenate([before, values, after])
    return np.asarray(gaussian_filter1d(longer, sigma, axis=0, mode="nearest")[reach : reach + len(values)])
