"""What a camera path does, by its geometry alone: pushes, trucks, booms, pans; and how that fits what shots asked.

The motion tagger behind the caption metric of E.T. and DIRECTOR (Courant et al., ECCV 2024): velocity in the camera's
own frame, thresholds, a mode filter, short chunks merged; turns are tagged likewise (GenDoP, Zhang et al., ICCV 2025).
It sees no subject and no reward, so nothing that is tuned on rewards is tuned on it.

Speeds are metres and radians per second here. E.T.'s cameras come from video without a scale, and its threshold, 0.02,
is in the units of its normalised trajectories: that ours has the same digits means nothing. `STILL_M_S` and
`STILL_RAD_S` lie between what is meant and what is not. The slowest moves that shots ask for, a pedestal of 12 cm or
a tilt of 3.5° in 5 s, run faster than that in their middle; the sway of a hand drifts at 1 mm/s. It turns at
15 mrad/s, to and fro, which no threshold parts from a slow pan: how a hand-held shot turns is not judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from motion import rotations as rot
from motion.camera import CameraPath, Shot
from motion.errors import BadInput
from motion.rotations import Array
from rl_camera.vocabulary import Move

#: The rate at which paths are tagged, frames per second; window and shortest chunk are in these frames (DIRECTOR).
RATE, WINDOW, SHORTEST = 25, 56, 25

#: Below these a camera stands, metres and radians per second.
STILL_M_S, STILL_RAD_S = 0.02, 0.012

#: An axis that is slower than the fastest by more than this share of it is left out of the class (DIRECTOR).
GAP = 0.4

#: By axis of the camera (x right, y up, z back): the negative and the positive way.
WAYS = (("truck_left", "truck_right"), ("boom_bottom", "boom_top"), ("push_in", "pull_out"))
TURNS = (("tilt_down", "tilt_up"), ("pan_right", "pan_left"), ("roll_right", "roll_left"))


def _classes(ways: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    names = []
    for signs in itertools.product((0, -1, 1), repeat=3):
        said = [pair[sign > 0] for pair, sign in zip(ways, signs, strict=True) if sign]
        names.append("+".join(said) or "static")
    return tuple(names)


#: The 27 classes of travel and of turning, "static" first: ``"truck_left+push_in"``.
TRAVEL, TURNING = _classes(WAYS), _classes(TURNS)


@dataclass(frozen=True)
class Segment:
    """A stretch in which the camera does one thing."""

    start_s: float
    end_s: float
    tag: str  # one of `TRAVEL` or `TURNING`
    shot: int  # number of the path's shot, from 0


@dataclass(frozen=True)
class Tags:
    """What a path does at every tick of `RATE`, shot by shot."""

    times: Array  # (N,) seconds of the path, one row per tick; shots follow each other
    shot: np.ndarray  # (N,) int, number of the shot, from 0
    travel: np.ndarray  # (N,) int, index into TRAVEL
    turning: np.ndarray  # (N,) int, index into TURNING

    @property
    def segments(self) -> tuple[Segment, ...]:
        """How the camera travels, in order."""
        return self._runs(self.travel, TRAVEL)

    @property
    def turns(self) -> tuple[Segment, ...]:
        """How it turns, in order."""
        return self._runs(self.turning, TURNING)

    def _runs(self, values: np.ndarray, names: Sequence[str]) -> tuple[Segment, ...]:
        starts = np.flatnonzero(np.r_[True, (np.diff(values) != 0) | (np.diff(self.shot) != 0)])
        stops = [*starts[1:], len(values)]
        ends = [float(self.times[b]) if b < len(self.times) and self.shot[b] == self.shot[a] else
                float(self.times[b - 1]) + 1.0 / RATE for a, b in zip(starts, stops, strict=True)]  # fmt: skip
        return tuple(
            Segment(float(self.times[a]), end, names[values[a]], int(self.shot[a]))
            for a, end in zip(starts, ends, strict=True)
        )


def tag(path: CameraPath, still_m_s: float = STILL_M_S, still_rad_s: float = STILL_RAD_S) -> Tags:
    """Tag a camera path, each shot by itself.

    Args:
        path: at any rate.
        still_m_s: below it an axis does not travel, metres per second.
        still_rad_s: below it an axis does not turn, radians per second.

    Raises:
        BadInput: a threshold that is not positive.
    """
    if not (still_m_s > 0 and still_rad_s > 0):
        raise BadInput(f"tagger: thresholds {still_m_s:g} m/s and {still_rad_s:g} rad/s, expected more than 0")
    starts = [0, *(int(k) for k in np.flatnonzero(path.cuts) if k > 0)]
    rows = []
    for number, (first, stop) in enumerate(zip(starts, [*starts[1:], path.frames], strict=True)):
        times, T = _resampled(path.T_world_camera[first:stop], path.fps)
        velocity, rate = body_rates(T)
        travel = _settled(_signs(velocity, still_m_s))
        turning = _settled(_signs(rate, still_rad_s))
        rows.append((times + first / float(path.fps), np.full(len(times), number), travel, turning))
    return Tags(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def body_rates(T_world_camera: Array, fps: float = RATE) -> tuple[Array, Array]:
    """Velocity and turn in the camera's own frame, ``(T, 3)`` each: metres and radians per second.

    ``v_i = fps · t(P_i⁻¹ P_{i+1})`` (DIRECTOR); the turn is the rotation vector of the same step. The last row repeats
    the one before it, as no step follows.
    """
    R, p = T_world_camera[:, :3, :3], T_world_camera[:, :3, 3]
    if len(T_world_camera) < 2:
        return np.zeros((len(p), 3)), np.zeros((len(p), 3))
    velocity = np.einsum("tji,tj->ti", R[:-1], np.diff(p, axis=0)) * fps
    turn = rot.to_rotvec(rot.from_matrix(np.einsum("tji,tjk->tik", R[:-1], R[1:]))) * fps
    return np.concatenate([velocity, velocity[-1:]]), np.concatenate([turn, turn[-1:]])


def _resampled(T: Array, fps: Fraction) -> tuple[Array, Array]:
    """Ticks of `RATE` from a shot's first frame on, and its poses there: linear, rotations by slerp."""
    lasts = len(T) / float(fps)
    times = np.arange(max(1, int(np.floor(lasts * RATE + 1e-6)))) / RATE
    at = np.clip(times * float(fps), 0.0, len(T) - 1)
    i = np.minimum(np.floor(at).astype(int), max(len(T) - 2, 0))
    j, share = np.minimum(i + 1, len(T) - 1), at - i
    out = np.tile(np.eye(4), (len(times), 1, 1))
    out[:, :3, 3] = T[i, :3, 3] + share[:, None] * (T[j, :3, 3] - T[i, :3, 3])
    step = rot.to_rotvec(rot.from_matrix(np.einsum("tji,tjk->tik", T[i, :3, :3], T[j, :3, :3])))
    turn = rot.to_matrix(rot.from_rotvec(share[:, None] * step))
    out[:, :3, :3] = np.einsum("tij,tjk->tik", T[i, :3, :3], turn)
    return times, out


def _signs(rates: Array, still: float) -> np.ndarray:
    """The class of every tick ``(T,)``: which axes move, and which way."""
    speed = np.abs(rates)
    active = (speed > still) & (speed >= (1.0 - GAP) * speed.max(axis=1, keepdims=True))
    digit = np.where(active, np.where(rates > 0, 2, 1), 0)
    return (digit * [9, 3, 1]).sum(axis=1)


def _settled(classes: np.ndarray) -> np.ndarray:
    """The same after the mode filter, with short chunks merged into a neighbour."""
    return _merged(_mode(classes))


def _mode(classes: np.ndarray) -> np.ndarray:
    """The commonest class within half a `WINDOW` to each side; among equals what it was."""
    count = len(classes)
    one_hot = np.zeros((count + 1, len(TRAVEL)))
    one_hot[np.arange(count) + 1, classes] = 1.0
    total = np.cumsum(one_hot, axis=0)
    low = np.maximum(np.arange(count) - WINDOW // 2, 0)
    high = np.minimum(np.arange(count) + WINDOW // 2, count)
    votes = total[high] - total[low]
    votes[np.arange(count), classes] += 0.5
    return votes.argmax(axis=1)


def _merged(classes: np.ndarray) -> np.ndarray:
    """Chunks shorter than `SHORTEST` go to their longer neighbour, the shortest first."""
    classes = classes.copy()
    while True:
        starts = np.flatnonzero(np.r_[True, np.diff(classes) != 0])
        lengths = np.diff(np.r_[starts, len(classes)])
        k = int(lengths.argmin())
        if len(starts) == 1 or lengths[k] >= SHORTEST:
            return classes
        beside = [n for n in (k - 1, k + 1) if 0 <= n < len(starts)]
        into = max(beside, key=lambda n: lengths[n])
        classes[starts[k] : starts[k] + lengths[k]] = classes[starts[into]]


# ---- what a shot asks for

#: What each move asks of travel and of turning; None: that depends on the subject, and is not judged. An ``amount``
#: below 0 turns both round. A whip pan is over before a chunk is long enough to be told.
ASKED: Mapping[str, tuple[str | None, str | None]] = {
    Move.STATIC: ("static", "static"),
    Move.PAN_LEFT: ("static", "pan_left"), Move.PAN_RIGHT: ("static", "pan_right"),
    Move.TILT_UP: ("static", "tilt_up"), Move.TILT_DOWN: ("static", "tilt_down"),
    Move.PUSH_IN: ("push_in", None), Move.PULL_OUT: ("pull_out", None),
    Move.TRUCK_LEFT: ("truck_left", "static"), Move.TRUCK_RIGHT: ("truck_right", "static"),
    Move.PEDESTAL_UP: ("boom_top", "static"), Move.PEDESTAL_DOWN: ("boom_bottom", "static"),
    Move.ARC_LEFT: ("truck_left", "pan_right"), Move.ARC_RIGHT: ("truck_right", "pan_left"),
    Move.ORBIT: ("truck_right", "pan_left"),
    Move.CRANE_UP: ("boom_top", "tilt_down"), Move.CRANE_DOWN: ("boom_bottom", "tilt_up"),
    Move.ZOOM_IN: ("static", None), Move.ZOOM_OUT: ("static", None),
    Move.DOLLY_ZOOM: ("push_in", None),
    Move.WHIP_PAN_LEFT: ("static", None), Move.WHIP_PAN_RIGHT: ("static", None),
    Move.FOLLOW: (None, None), Move.HANDHELD: ("static", None),
}  # fmt: skip

_OPPOSITE = {a: b for pair in (*WAYS, *TURNS) for a, b in (pair, pair[::-1])}


def asked(shot: Shot) -> tuple[str | None, str | None]:
    """The classes of travel and turning that a shot's move asks for; None where it leaves that to its subject."""
    travel, turning = ASKED[shot.move]
    if shot.options.get("amount", 1.0) < 0:
        travel, turning = (None if t is None else _OPPOSITE.get(t, t) for t in (travel, turning))
    return travel, turning


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others; all 0 to 1 but the ticks."""

    precision: float  # of the ticks that have the tag, the share that was asked to
    recall: float  # of the ticks that were asked to, the share that has the tag
    f1: float
    ticks: int  # that were asked to


@dataclass(frozen=True)
class Agreement:
    """How well a path does what its shots asked for: the caption metric, weighted by how often each class was asked."""

    precision: float
    recall: float
    f1: float
    ticks: int  # judged; 0: nothing was, and the rest is nan
    classes: Mapping[str, ClassScore]


def agreement(tags: Tags, shots: Sequence[Shot], turning: bool = False) -> Agreement:
    """Compare what a path does with what its shots asked.

    Args:
        tags: of the path.
        shots: what was asked; each counts from its start to its end, the later where two overlap.
        turning: compare turns instead of travel.

    Returns:
        Precision, recall and F1, means over the classes that were asked for, weighted by ticks (as scikit-learn's
        ``average="weighted"``). A class that has a tag besides the asked one counts as another class: the metric is
        strict, as in DIRECTOR.
    """
    names = TURNING if turning else TRAVEL
    number = {name: k for k, name in enumerate(names)}
    want = np.full(len(tags.times), -1)
    for shot in shots:
        said = asked(shot)[turning]
        here = (tags.times >= shot.start_s - 1e-9) & (tags.times < shot.end_s - 1e-9)
        want[here] = -1 if said is None else number[said]
    judged = want >= 0
    want, got = want[judged], (tags.turning if turning else tags.travel)[judged]
    scores = {}
    for k in np.unique(np.r_[want, got]):
        both, of_tag, of_asked = (float(np.count_nonzero(x)) for x in ((want == k) & (got == k), got == k, want == k))
        precision, recall = both / max(of_tag, 1.0), both / max(of_asked, 1.0)
        f1 = 2.0 * precision * recall / max(precision + recall, 1e-12)
        scores[names[k]] = ClassScore(precision, recall, f1, int(of_asked))
    total = len(want)
    if not total:
        return Agreement(float("nan"), float("nan"), float("nan"), 0, {})
    precision, recall, f1 = (
        sum(getattr(s, name) * s.ticks for s in scores.values()) / total for name in ("precision", "recall", "f1")
    )
    return Agreement(precision, recall, f1, total, scores)
