"""What an edit is worth: its shots, its cuts and its rhythm, as pure functions of arrays, and the weights between them.

After Galvane et al., Continuity Editing for 3D Animation (AAAI 2015). The return of an edit is a sum

    Σ ticks Δt · Σ w · shot terms  +  Σ cuts −Σ w · transition terms  +  Σ shots −w · rhythm(length)  +  opening

which is exactly what `dp.best_edit` maximises and what `cinemotion/Coverage-v0` pays. The weights of the shot terms sum
to 1, so one unit is one second of a perfect picture: a weight of 0.8 on a fault means that avoiding it is worth 0.8 s.
Shot terms live in `shot_terms`, transition terms in `cut_terms`; here they come together.
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
from rl_camera import cut_terms, shot_terms
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

#: An over-the-shoulder shot may be this much wider than its size, since the shoulder is in front.
OVER_SHOULDER_WIDER = 1.6

#: A picture so many times as wide or as narrow as its size asks is still that size, and so many times it is not at all.
SIZE_HELD, SIZE_LOST = 1.6, 2.5

#: Share of what must be seen below which a picture no longer is one of its subjects.
SEEN_HELD = 0.5

#: How far off somebody is past whose shoulder a camera looks, as a share of how far off the subject is: up to the first
#: he is before the subject, from the second beside it.
IN_FRONT = (0.75, 0.95)

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
        variety: standard deviation of the logarithm of the lengths that a film asks for as it goes (`pace.targets`);
            0: the same throughout.
    """

    mean_s: float = 4.0
    spread: float = 0.55
    shortest_s: float = 1.0
    longest_s: float = 30.0
    variety: float = 0.5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = "0 or more" if name == "variety" else "more than 0"
            number = isinstance(value, (int, float)) and math.isfinite(value)
            if not number or value < 0 or (value == 0 and name != "variety"):
                raise BadInput(f"rhythm: {name} is {value!r}, expected {least}")
        if not self.shortest_s <= self.mean_s <= self.longest_s:
            raise BadInput(
                f"rhythm: a mean of {self.mean_s:g} s, expected from the shortest shot's {self.shortest_s:g} s "
                f"to the longest's {self.longest_s:g} s"
            )

    @property
    def median_s(self) -> float:
        """Of the log-normal law with that mean: ``mean · exp(−spread² / 2)``."""
        return self.mean_s * math.exp(-0.5 * self.spread**2)

    def penalty(self, length_s: ArrayLike, median_s: ArrayLike | None = None) -> Array:
        """What a shot of such a length costs when it ends, 0 at the median; any shape.

        ``median_s`` is another median than the law's own, as `pace.targets` asks for it.

        ``(ln(ℓ / median))² / (2 spread²) · max(1, ℓ / median)``: minus the logarithm of the law's density per octave,
        against its peak. A longer shot pays for all of its time, so that one endless shot costs what it should.
        """
        median = np.asarray(self.median_s if median_s is None else median_s, dtype=np.float64)
        ratio = np.maximum(np.asarray(length_s, dtype=np.float64), 1e-9) / median
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
    "music": Style(
        Rhythm(2.6, 0.6, 0.6, 10.0, variety=0.25), replace(EditingWeights(), beat=1.0, rhythm=0.45, gaze=0.35)
    ),
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
    over = shot_terms.over_shoulder(sight, points, stature, of, shows)
    seen = shot_terms.seen(sight, of, keeps)
    true = kept(sight, of, shows, wanted, seen, stature)
    return np.stack(
        [
            shot_terms.size(sight, of, wanted) * over * true,
            shot_terms.placed(sight, of, shows, keeps) * over * true,
            seen * true,
            shot_terms.face(sight, of) * true,
            shot_terms.action(sight, who, what) * true,
        ],
        axis=-1,
    )


def kept(sight: Sight, of: ArrayLike, shows: ArrayLike, wanted: ArrayLike, seen: Array, stature: ArrayLike) -> Array:
    """Whether a picture is what it is called, ``(…, K)``: 1, down to 0 for one that nobody would call so.

    A medium close-up that shows a whole figure, a picture of somebody whom another hides, a shot past the shoulder of
    somebody who stands beside or behind the subject: whatever else they show, they are another shot than the one that
    was chosen. The product of: the size is within `SIZE_HELD` of the asked one, 0 at `SIZE_LOST`, straight in the
    logarithm; `SEEN_HELD` of what must be seen is seen, straight to 0; who stands in front is in front, `IN_FRONT`.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool, each camera's subjects.
        shows: ``(…, K, S)`` bool: the same, and past whose shoulder it looks.
        wanted: ``(…, K)`` height of the frame that is asked for, statures.
        seen: ``(…, K)`` from `shot_terms.seen`.
        stature: ``(…, S)`` metres.
    """
    of = np.asarray(of, dtype=bool)
    off = np.abs(shot_terms.of_subjects(np.log(sight.share), of) - np.log(wanted))
    large = np.clip((np.log(SIZE_LOST) - off) / np.log(SIZE_LOST / SIZE_HELD), 0.0, 1.0)
    depth = np.log(sight.share * np.asarray(stature)[..., None, :])  # of the frame's height, which grows with distance
    nearer = np.exp(np.clip(depth - shot_terms.of_subjects(depth, of)[..., None], -5.0, 5.0))
    front = np.clip((IN_FRONT[1] - nearer) / (IN_FRONT[1] - IN_FRONT[0]), 0.0, 1.0)
    front = np.where(np.asarray(shows, dtype=bool) & ~of, front, 1.0).min(-1)
    return large * np.clip(seen / SEEN_HELD, 0.0, 1.0) * front


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
        cut_terms.jump_cut(sight),
        cut_terms.stale(sight),
        cut_terms.crosses_line(cut_terms.sides(points, T_world_camera), shows),
        cut_terms.turns_motion(ways, T_world_camera, of),
        cut_terms.turns_gaze(sight, of),
        cut_terms.eyes_jump(sight, of),
    )
    shape = np.broadcast_shapes(*(t.shape for t in terms))
    return np.stack([np.broadcast_to(t, shape) for t in terms], axis=-1)


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
