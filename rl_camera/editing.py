"""What an edit is worth: its shots, its cuts and its rhythm, as pure functions of arrays, and the weights between them.

After Galvane et al., Continuity Editing for 3D Animation (AAAI 2015). The return of an edit is a sum

    Σ ticks Δt · Σ w · shot terms  +  Σ cuts −Σ w · transition terms  +  Σ shots −w · rhythm(length)  +  opening

which is exactly what `dp.best_edit` maximises and what `cinemotion/Coverage-v0` pays. The weights of the shot terms sum
to 1, so one unit is one second of a perfect picture: a weight of 0.8 on a fault means that avoiding it is worth 0.8 s.
Shot terms live in `shot_terms`; the transition terms below are 0 for a cut that nobody notices and 1 for a plain fault.
Arrays have any leading axes, then K cameras (cuts: K from, K to), then S performers; nothing loops over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from motion.errors import BadInput, unknown
from motion.rotations import Array
from rl_camera import shot_terms
from rl_camera.shot_terms import POINT, Sight

SHOT_TERMS = ("size", "placed", "seen", "face", "action")
CUT_TERMS = ("jump", "stale", "line", "motion", "gaze", "eyes")

#: What each term tells, in a few words.
ABOUT: Mapping[str, str] = {
    "size": "as large as asked",
    "placed": "well placed",
    "seen": "seen",
    "face": "face read",
    "action": "action shown",
    "jump": "jump cut",
    "stale": "shows nothing new",
    "line": "crosses the line",
    "motion": "turns the movement round",
    "gaze": "turns the look round",
    "eyes": "moves the eyes away",
    "rhythm": "length",
    "beat": "off the beat",
    "opening": "opens on everybody",
}

#: The 30-degree rule: a cut to the same subjects from less is a jump cut; from the second angle on it is none.
JUMP_DEG = (30.0, 40.0)

#: A change of size by less than the first factor does not help a jump cut; by the second it is a cut-in, which is none.
JUMP_SIZE = (1.3, 1.8)

#: Sine of the angle off the line of action from which a camera looks plainly from one side of it.
OFF_LINE = 0.2

#: An over-the-shoulder shot may be this much wider than its size, since the shoulder is in front.
OVER_SHOULDER_WIDER = 1.6

#: Metres per second from which a body's way counts fully.
MOVES = 0.6

#: Half frames that the eyes of somebody seen before and after a cut may jump before it is a plain fault.
EYES_JUMP = 1.0

#: Seconds off a beat at which a cut is felt to be off it.
BEAT_SIGMA_S = 0.06


@dataclass(frozen=True)
class EditingWeights:
    """How much each term counts, in seconds of a perfect picture; those of the shot terms sum to 1."""

    size: float = 0.06
    placed: float = 0.14
    seen: float = 0.15
    face: float = 0.25
    action: float = 0.4
    jump: float = 1.0
    stale: float = 0.4
    line: float = 1.2
    motion: float = 0.6
    gaze: float = 0.5
    eyes: float = 0.25
    rhythm: float = 0.6
    beat: float = 0.0
    opening: float = 1.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
                raise BadInput(f"editing weights: {one.name} is {value!r}, expected a number, 0 or more")

    def of(self, names: tuple[str, ...]) -> Array:
        """The weights of some terms, ``(len(names),)``."""
        return np.array([getattr(self, name) for name in names], dtype=np.float64)


@dataclass(frozen=True)
class Rhythm:
    """How long shots last: log-normal, as those of films are (Salt, Moving into Pictures, 2006).

    Attributes:
        mean_s: mean shot length, seconds.
        spread: standard deviation of the logarithm; films lie about 0.8, a strict pulse at 0.2.
        shortest_s, longest_s: seconds that a shot lasts at least and at most.
    """

    mean_s: float = 4.0
    spread: float = 0.55
    shortest_s: float = 1.0
    longest_s: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
                raise BadInput(f"rhythm: {name} is {value!r}, expected more than 0")
        if not self.shortest_s <= self.mean_s <= self.longest_s:
            raise BadInput(
                f"rhythm: a mean of {self.mean_s:g} s, expected from the shortest shot's {self.shortest_s:g} s "
                f"to the longest's {self.longest_s:g} s"
            )

    @property
    def median_s(self) -> float:
        """Of the log-normal law with that mean: ``mean · exp(−spread² / 2)``."""
        return self.mean_s * math.exp(-0.5 * self.spread**2)

    def penalty(self, length_s: ArrayLike) -> Array:
        """What a shot of such a length costs when it ends, 0 at the median; any shape.

        ``(ln(ℓ / median))² / (2 spread²) · max(1, ℓ / median)``: minus the logarithm of the law's density per octave,
        against its peak. A longer shot pays for all of its time, so that one endless shot costs what it should.
        """
        ratio = np.maximum(np.asarray(length_s, dtype=np.float64), 1e-9) / self.median_s
        return np.log(ratio) ** 2 / (2.0 * self.spread**2) * np.maximum(1.0, ratio)

    def overdue(self, length_s: ArrayLike) -> Array:
        """The part of `penalty` that a shot that still runs has earned: nothing up to the median, then all of it.

        What a window's end cuts off is judged by this: it was not too short by anybody's choice.
        """
        length = np.asarray(length_s, dtype=np.float64)
        return np.where(length > self.median_s, self.penalty(length), 0.0)


@dataclass(frozen=True)
class Style:
    """A way to edit: its rhythm and its weights."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    weights: EditingWeights = field(default_factory=EditingWeights)


#: Styles by name. ``music`` wants beats.
STYLES: Mapping[str, Style] = {
    "plain": Style(),
    "calm": Style(Rhythm(6.5, 0.55, 2.0, 40.0)),
    "lively": Style(Rhythm(2.4, 0.5, 0.8, 12.0), replace(EditingWeights(), eyes=0.15, gaze=0.35)),
    "music": Style(Rhythm(2.6, 0.6, 0.6, 10.0), replace(EditingWeights(), beat=1.0, rhythm=0.45, gaze=0.35)),
}


def style_of(style: str | Style) -> Style:
    """A style by its name, or as it is.

    Raises:
        BadInput: no such style.
    """
    if isinstance(style, Style):
        return style
    if style not in STYLES:
        raise unknown("editing style", style, STYLES)
    return STYLES[style]


# ---- shots


def shot(
    sight: Sight, of: ArrayLike, shows: ArrayLike, keeps: ArrayLike, asked: ArrayLike, points: Array, velocity: Array,
    stature: ArrayLike,
) -> Array:  # fmt: skip
    """The `SHOT_TERMS` of every camera at every moment, ``(…, K, 5)`` in 0..1; see `shot_terms` for each.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool, each camera's subjects.
        shows: ``(…, K, S)`` bool: the same, and past whose shoulder it looks.
        keeps: ``(…, K, P)`` bool, what its size must show.
        asked: ``(…, K)`` height of the frame that its size asks for, statures (`vocabulary.SizeSpec.frame_height`).
        points: ``(…, S, P, 3)`` metres, `shot_terms.POINTS`.
        velocity: ``(…, S, P, 3)`` m/s of the same.
        stature: ``(…, S)`` metres.
    """
    who, what = shot_terms.activity(velocity, stature)
    of, shows = np.asarray(of, dtype=bool), np.asarray(shows, dtype=bool)
    # A group is framed as wide as it must be, and who stands past a shoulder somewhat wider: too near is a fault.
    wider = np.where(of.sum(-1) > 1, np.inf, np.where(shows.sum(-1) > 1, OVER_SHOULDER_WIDER, 1.0))
    share = np.exp(shot_terms.of_subjects(np.log(sight.share), of))
    wanted = np.clip(share, asked, np.asarray(asked) * wider)
    true = shot_terms.over_shoulder(sight, points, stature, of, shows)
    return np.stack(
        [
            shot_terms.size(sight, of, wanted) * true,
            shot_terms.placed(sight, of, shows, keeps) * true,
            shot_terms.seen(sight, of, keeps),
            shot_terms.face(sight, of),
            shot_terms.action(sight, who, what),
        ],
        axis=-1,
    )


def opening(of: ArrayLike) -> Array:
    """How much of the cast a film that begins with a camera introduces, ``(…, K)``: the share that are its subjects."""
    return np.asarray(of, dtype=np.float64).mean(-1)


# ---- cuts


def cut(sight: Sight, of: ArrayLike, shows: ArrayLike, points: Array, velocity: Array, T_world_camera: Array) -> Array:
    """The `CUT_TERMS` of a cut from every camera to every other at every moment, ``(…, K, K, 6)`` in 0..1.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool, each camera's subjects.
        shows: ``(…, K, S)`` bool: the same, and past whose shoulder it looks.
        points: ``(…, S, P, 3)`` metres, `shot_terms.POINTS`.
        velocity: ``(…, S, P, 3)`` m/s.
        T_world_camera: ``(…, K, 4, 4)``.
    """
    ways = velocity[..., POINT["pelvis"], :]
    terms = (
        jump_cut(sight, of),
        stale(sight, of),
        crosses_line(sides(points, T_world_camera), shows),
        turns_motion(ways, T_world_camera, of),
        turns_gaze(sight, of),
        eyes_jump(sight, of),
    )
    shape = np.broadcast_shapes(*(t.shape for t in terms))
    return np.stack([np.broadcast_to(t, shape) for t in terms], axis=-1)


def _common(of: ArrayLike) -> Array:
    """Weights ``(…, K, K, S)`` of the subjects that both cameras of a cut show; they sum to 1, or are 0."""
    of = np.asarray(of, dtype=bool)
    both = of[..., :, None, :] & of[..., None, :, :]
    return both / np.maximum(both.sum(-1, keepdims=True), 1)


def _flip(u: Array, of: ArrayLike) -> Array:
    """How far something with directions ``u (…, K, S)``, −1..1, turns round in a cut, over common subjects."""
    a, b = u[..., :, None, :], u[..., None, :, :]
    turned = np.where(a * b < 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
    return (turned * _common(of)).sum(-1)


def jump_cut(sight: Sight, of: ArrayLike) -> Array:
    """The 30-degree rule ``(…, K, K)``: the same subjects, hardly another size, hardly another side.

    1 for less than 30° about the subjects and a factor of less than 1.3 between the frame's heights there; falls to 0
    at 40° or at a factor of 1.8 (a cut-in on the axis is good grammar).
    """
    turn = np.degrees(angle_between(sight.azimuth, of))
    return stale(sight, of) * np.clip((JUMP_DEG[1] - turn) / (JUMP_DEG[1] - JUMP_DEG[0]), 0.0, 1.0)


def stale(sight: Sight, of: ArrayLike) -> Array:
    """A cut that shows nothing new ``(…, K, K)``: the same subjects in hardly another size, from whatever side.

    1 for less than a factor of 1.3 between the frame's heights at the subjects, 0 from 1.8 on. Grammar allows it from
    another side; an editor still wants a reason to cut.
    """
    of = np.asarray(of, dtype=bool)
    same = (of[..., :, None, :] == of[..., None, :, :]).all(-1)
    height = shot_terms.of_subjects(np.log(sight.share), of)
    ratio = np.abs(height[..., :, None] - height[..., None, :])
    low, high = (math.log(r) for r in JUMP_SIZE)
    return same * np.clip((high - ratio) / (high - low), 0.0, 1.0)


def angle_between(azimuth: Array, of: ArrayLike) -> Array:
    """Angle ``(…, K, K)`` in radians, 0..π, that a cut goes round the subjects that both cameras show.

    Args:
        azimuth: ``(…, K, S)`` as in `Sight`.
        of: ``(…, K, S)`` bool.
    """
    turn = azimuth[..., :, None, :] - azimuth[..., None, :, :]
    return (np.abs(np.arctan2(np.sin(turn), np.cos(turn))) * _common(of)).sum(-1)


def pairs(performers: int) -> np.ndarray:
    """Every pair of performers, ``(Q, 2)``: each has a line of action."""
    return np.array([(a, b) for a in range(performers) for b in range(a + 1, performers)], dtype=int).reshape(-1, 2)


def sides(points: Array, T_world_camera: Array) -> Array:
    """From which side of each pair's line of action a camera looks, ``(…, K, Q)``, −1..1; 0 looks along the line.

    The share of the way from the pair's first to its second that goes to the right of the picture: what the rule is
    there to keep. A single near the line counts by where its partner is off the picture, not by where its lens stands.

    Args:
        points: ``(…, S, P, 3)`` metres.
        T_world_camera: ``(…, K, 4, 4)``.
    """
    a, b = (points[..., pairs(points.shape[-3])[:, k], POINT["pelvis"], :] for k in (0, 1))
    line = (b - a)[..., None, :, :]
    across = (line * T_world_camera[..., None, :3, 0]).sum(-1)
    apart = np.hypot(line[..., 0], line[..., 2])
    # Two who stand in one place have no line.
    return np.where(apart > 0.2, np.clip(across / np.maximum(apart, 1e-6), -1.0, 1.0), 0.0)


def crosses_line(side: Array, shows: ArrayLike) -> Array:
    """The 180-degree rule ``(…, K, K)``: the cut jumps over the line of action of two whom it shows between them.

    1 when both cameras look from more than about 11° off the line on opposite sides; less near it, 0 on one side.

    Args:
        side: ``(…, K, Q)`` from `sides`.
        shows: ``(…, K, S)`` bool: a camera's subjects and past whose shoulder it looks.
    """
    shows = np.asarray(shows, dtype=bool)
    every = pairs(shows.shape[-1])
    if not len(every):
        return np.zeros((*side.shape[:-1], shows.shape[-2]))
    union = shows[..., :, None, :] | shows[..., None, :, :]
    concerned = union[..., every[:, 0]] & union[..., every[:, 1]]
    a, b = side[..., :, None, :], side[..., None, :, :]
    over = np.where(a * b < 0, np.clip(np.minimum(np.abs(a), np.abs(b)) / OFF_LINE, 0.0, 1.0), 0.0)
    return (over * concerned).max(-1)


def turns_motion(ways: Array, T_world_camera: Array, of: ArrayLike) -> Array:
    """Motion continuity ``(…, K, K)``: who goes to the right before a cut goes to the right after it.

    The smaller of the two shares of the movement across the picture, where they are opposite; a body slower than
    0.6 m/s counts in proportion. Mean over the subjects that both cameras show.

    Args:
        ways: ``(…, S, 3)`` m/s of the pelvis.
        T_world_camera: ``(…, K, 4, 4)``.
        of: ``(…, K, S)`` bool.
    """
    right = T_world_camera[..., None, :3, 0]
    speed = np.hypot(ways[..., 0], ways[..., 2])
    across = (ways[..., None, :, :] * right).sum(-1)
    return _flip(across / np.maximum(speed, MOVES)[..., None, :], of)


def turns_gaze(sight: Sight, of: ArrayLike) -> Array:
    """Continuity of the look ``(…, K, K)``: who looks to the right before a cut looks to the right after it."""
    return _flip(sight.gaze, of)


def eyes_jump(sight: Sight, of: ArrayLike) -> Array:
    """Screen position ``(…, K, K)``: how far the eyes of those seen before and after move, half frames, at most 1."""
    eyes = np.clip(sight.xy[..., POINT["eyes"], :], -1.0, 1.0)
    apart = np.linalg.norm(eyes[..., :, None, :, :] - eyes[..., None, :, :, :], axis=-1)
    return (np.clip(apart / EYES_JUMP, 0.0, 1.0) * _common(of)).sum(-1)


def off_beat(times_s: ArrayLike, beats_s: ArrayLike) -> Array:
    """How far off the beat cuts at such times are, ``(N,)``: ``1 − exp(−(d / 0.06 s)² / 2)``; 0 without beats."""
    times, beats = np.asarray(times_s, dtype=np.float64), np.sort(np.asarray(beats_s, dtype=np.float64))
    if not len(beats):
        return np.zeros(times.shape)
    after = np.clip(np.searchsorted(beats, times), 0, len(beats) - 1)
    d = np.minimum(np.abs(times - beats[after]), np.abs(times - beats[np.maximum(after - 1, 0)]))
    return 1.0 - np.exp(-0.5 * (d / BEAT_SIGMA_S) ** 2)


# ---- what they are worth


def quality(terms: Array, weights: EditingWeights) -> Array:
    """Value per second of a camera, ``(…, K)``, from its shot terms ``(…, K, 5)``: 1 is a perfect picture."""
    return terms @ weights.of(SHOT_TERMS)


def transition(terms: Array, weights: EditingWeights) -> Array:
    """Value of a cut, ``(…, K, K)``, from its terms ``(…, K, K, 6)``: never more than 0."""
    return -(terms @ weights.of(CUT_TERMS))
