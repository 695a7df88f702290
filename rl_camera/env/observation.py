"""The flat observation: which slot holds what, in which unit, and how it is normalised; and how it is filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from rl_camera.env.blocking import Things
from rl_camera.env.columns import Columns
from rl_camera.env.episode import Asked, Episodes
from rl_camera.env.library import KEYPOINTS
from rl_camera.env.reward import Errors
from rl_camera.env.sight import Sight

#: Seconds into the future that an offline camera sees.
LOOK_AHEAD_S = (0.3, 0.7, 1.2, 2.0)

#: Metres that count as 1 in logarithms of distance.
UNIT_M = 3.0


@dataclass(frozen=True)
class Slot:
    """A stretch of the observation."""

    name: str
    start: int
    size: int
    about: str  # what, unit, normalisation

    @property
    def stop(self) -> int:
        """One past its last number."""
        return self.start + self.size


def slots(keypoints: str, performers: int, blocks: int, offline: bool) -> tuple[Slot, ...]:
    """The observation of an environment, slot by slot.

    Directions are unit vectors in the camera's frame (right, up, back): they stay defined behind the camera and have
    no seam, as angles would. ``ln(m / 3)`` is a natural logarithm of metres over 3.
    """
    K, P = len(KEYPOINTS[keypoints]), performers
    parts = [
        ("bearings", 3 * P * K, "unit directions to every keypoint: right of all, up of all, back of all; absent: 0"),
        ("distances", P * K, "ln(m / 3) to every keypoint; absent: 0"),
        ("present", P, "1 for who is on the set"),
        ("filmed", P, "1 for whom the shot is of; the first is the main subject"),
        ("bounds", 4, "left, right, bottom, top of the subjects in the picture, half frames / 2, within ±1.5"),
        ("placing", 4, "framed part's place less the asked place, x and y; the asked place; half frames, within ±3"),
        ("sizing", 2, "ln(frame height / asked), within ±3; ln of the asked height in statures"),
        ("viewing", 4, "azimuth still to go: sine, cosine; elevation still to go, radians; mirrored side as good"),
        ("lens", 4, "ln(focal / asked); ln(focal / 35 mm); ln of the shortest and longest over the present focal"),
        ("roll", 2, "roll less the asked roll, roll; radians / 0.2"),
        ("sight", 3, "shares 0..1 of what the size must show: in the picture, hidden, seen"),
        ("target", 4, "unit direction to the framed part, and ln(m / 3)"),
        ("subject", 5, "main subject's heading: ahead and right on the camera's level; velocity right, up, ahead, m/s / 2"),
        ("camera", 4, "ln of the height over 1.5 m; pitch, radians; place's jolt; turn's jolt, shares of the rig's"),
        ("motion", 7, "camera's velocity right, up, ahead; pan, tilt, roll rates; zoom rate; shares of the rig's most"),
        ("rig", 10, "the rig's bounds, as `rigs.LIMITS`, x / (1 + x)"),
        ("asked", 4, "share of the shot that is left; rates of the asked ln height, azimuth, elevation over the shot"),
    ]  # fmt: skip
    if blocks:
        near = "unit direction, ln(m / 3) to its surface, its angular radius in radians"
        parts += [
            ("obstacle_sight", 5, f"the thing nearest to the sight line, before the subject: {near}; none: 0"),
            ("obstacle_near", 5, f"the thing nearest to the camera: {near}; none: 0"),
        ]
    if offline:
        parts.append(("ahead", 4 * len(LOOK_AHEAD_S), f"the framed part {LOOK_AHEAD_S} s from now: as `target`"))
    out, at = [], 0
    for name, size, about in parts:
        out.append(Slot(name, at, size, about))
        at += size
    return tuple(out)


@dataclass(frozen=True)
class Shown:
    """What of the subjects is seen, ``(N,)`` each, shares of what the shot size must show."""

    inside: Array
    hidden: Array
    seen: Array


def shown(episodes: Episodes, sight: Sight, weights: Array) -> Shown:
    """Weigh in-picture and hidden points by what the asked size must show; ``weights (8, K)``."""
    P, K, N = sight.inside.shape
    filmed = episodes.data["filmed"]
    inside = sight.inside.astype(np.float32)
    hidden = sight.hidden.astype(np.float32) * inside
    pick = (episodes.size, np.arange(N))

    def share(flags: Array) -> Array:
        each = [(weights @ flags[p])[pick] for p in range(P)]
        return each[0] if P == 1 else (np.stack(each) * filmed).sum(0) / filmed.sum(0)

    whole = share(inside)
    covered = share(hidden) if sight.hidden.any() else np.zeros_like(whole)
    return Shown(whole, covered, whole - covered)


def fill(
    out: Array, parts: dict[str, Slot], episodes: Episodes, state: Columns, sight: Sight, asked: Asked, e: Errors,
    seen: Shown, ahead: Array | None,
) -> None:  # fmt: skip
    """Write everything but bearings and distances, which `Eye.look` has written, into ``out (D, N)``.

    Args:
        out: the observation, one column per environment.
        parts: the `slots` by name.
        ahead: ``(4, 3, N)`` what is framed in the future, or None.
    """
    d = episodes.data
    P, K, N = sight.inside.shape

    def rows(name: str) -> Array:
        slot = parts[name]
        return out[slot.start : slot.stop]

    logs = rows("distances")
    logs -= np.float32(np.log(UNIT_M))
    filmed = d["filmed"]
    if P > 1:
        absent = d["present"] < 0.5
        rows("bearings").reshape(3, P, K, N)[...] *= ~absent[:, None]
        logs.reshape(P, K, N)[...] *= ~absent[:, None]
    rows("present")[...] = d["present"]
    rows("filmed")[...] = filmed
    bounds = rows("bounds")
    place = sight.place
    if P > 1:
        mine = (filmed > 0.5)[:, None]
        low, high = (np.where(mine, place, v).reshape(2, P * K, N) for v in (np.float32(9), np.float32(-9)))
    else:
        low = high = place[:, 0]
    np.min(low[0], axis=0, out=bounds[0])
    np.max(high[0], axis=0, out=bounds[1])
    np.min(low[1], axis=0, out=bounds[2])
    np.max(high[1], axis=0, out=bounds[3])
    bounds *= 0.5
    np.clip(bounds, -1.5, 1.5, out=bounds)
    placing = rows("placing")
    placing[0], placing[1], placing[2], placing[3] = e.x, e.y, e.want_x, e.want_y
    np.clip(placing, -3.0, 3.0, out=placing)
    sizing = rows("sizing")
    sizing[0], sizing[1] = np.clip(e.size, -3.0, 3.0), e.frame
    viewing = rows("viewing")
    viewing[0], viewing[1], viewing[2], viewing[3] = np.sin(e.view), np.cos(e.view), e.height, d["either"]
    lens = rows("lens")
    lens[0], lens[1] = e.lens, state["log_focal"] - np.float32(np.log(35.0))
    lens[2:4] = d["lens"] - state["log_focal"]
    roll = rows("roll")
    roll[0], roll[1] = e.roll * 5.0, state["angles"][2] * 5.0
    sight_rows = rows("sight")
    sight_rows[0], sight_rows[1], sight_rows[2] = seen.inside, seen.hidden, seen.seen
    _direction(rows("target"), sight.anchor_local)
    yaw, pitch = state["angles"][0], state["angles"][1]
    c, s = np.cos(yaw), np.sin(yaw)
    subject = rows("subject")
    subject[0] = -s * sight.heading[0] - c * sight.heading[1]
    subject[1] = c * sight.heading[0] - s * sight.heading[1]
    v = sight.velocity
    subject[2] = (c * v[0] - s * v[2]) * 0.5
    subject[3] = v[1] * 0.5
    subject[4] = (-s * v[0] - c * v[2]) * 0.5
    camera = rows("camera")
    camera[0] = np.log(state["place"][1] / np.float32(1.5))
    camera[1] = pitch
    camera[2:4] = state["jolt"]
    motion, rig = rows("motion"), d["rig"]
    v = state["velocity"]
    motion[0], motion[1], motion[2] = c * v[0] - s * v[2], v[1], -s * v[0] - c * v[2]
    motion[3:6] = state["turning"]
    motion[6] = state["zooming"]
    motion[0:3] /= np.maximum(rig[0:3], 0.05)
    motion[3:6] /= np.maximum(rig[4:7], 0.05)
    motion[6] /= np.maximum(rig[8], 0.05)
    rows("rig")[...] = rig / (1.0 + rig)
    left = rows("asked")
    left[0] = asked.left
    left[1:4] = asked.going
    if sight.things is not None:
        _obstacles(rows("obstacle_sight"), rows("obstacle_near"), d["block_reach"], sight.things, rows("target"))
    if ahead is not None:
        for k, point in enumerate(ahead):
            _direction(rows("ahead")[4 * k : 4 * k + 4], _into(sight.axes, point - state["place"]))


def _into(axes: Array, vector: Array) -> Array:
    return np.stack([axes[i, 0] * vector[0] + axes[i, 1] * vector[1] + axes[i, 2] * vector[2] for i in range(3)])


def _direction(rows: Array, local: Array) -> None:
    """Unit direction and ln(m / 3) of points ``(3, N)`` in the camera's frame."""
    away = np.sqrt(np.maximum((local * local).sum(0), 1e-8))
    np.divide(local, away, out=rows[:3])
    np.log(away / np.float32(UNIT_M), out=rows[3])


def _obstacles(on_sight: Array, near: Array, reach: Array, things: Things, target: Array) -> None:
    """The thing that threatens the sight line most, and the one nearest to the camera.

    Args:
        on_sight: ``(5, N)`` takes the first.
        near: ``(5, N)`` takes the second.
        reach: ``(B, N)`` radii of the spheres around the things; 0: none.
        things: where they are.
        target: ``(4, N)`` direction to the subject and ln(m / 3).
    """
    away = np.exp(target[3]) * np.float32(UNIT_M)
    middle, distance = things.middle, things.distance
    along, work = target[0] * middle[0], np.empty_like(distance)
    for i in (1, 2):
        along += np.multiply(target[i], middle[i], out=work)
    np.multiply(along, along, out=work)
    aside = np.maximum(np.subtract(distance * distance, work, out=work), 0.0, out=work)
    # Free space between the thing's rim and the sight line, seen from the camera; behind the subject nothing counts.
    room = (np.sqrt(aside, out=aside) - reach) / distance
    room += np.float32(2.0)
    room[~((reach > 0.0) & (along > -reach) & (along < away))] = 9.0
    N = len(away)
    for rows, measure in ((on_sight, room), (near, things.gap + np.float32(8.0))):
        chosen = _least(measure) * N + np.arange(N)
        size = distance.reshape(-1).take(chosen)
        radius = reach.reshape(-1).take(chosen)
        np.divide(middle.reshape(3, -1).take(chosen, axis=1), size, out=rows[:3])
        gap = things.gap.reshape(-1).take(chosen)
        rows[3] = np.log(np.maximum(gap, np.float32(0.03)) / np.float32(UNIT_M))
        rows[4] = np.arcsin(np.minimum(radius / size, 1.0))
        rows *= radius > 0.0


def _least(values: Array) -> np.ndarray:
    """Which of ``(B, N)`` positive numbers is least, ``(N,)``: their bits order as whole numbers do, so the index rides
    in the lowest ones and one reduction finds both. To one part in 30,000; ``B`` at most 256."""
    bits = np.maximum(values, np.float32(1e-6)).view(np.int32) & np.int32(~0xFF)
    bits |= np.arange(len(values), dtype=np.int32)[:, None]
    return (bits.min(0) & 0xFF).astype(np.int64)
