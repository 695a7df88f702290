"""Edits of a captured clip by the prior: parts kept while others change, more before or after, a little or a lot.

Everything happens on the models' skeleton and comes back on the performer's own: turns are carried over, the world is
scaled by the height of the pelvis, so that feet stand where they stood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from motion import contacts as feet
from motion import edit
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import constrain, parts
from motion.prior.constraints import Constraints
from motion.prior.request import MOST_SECONDS

#: A style example is shown for so many frames before the motion begins.
STYLE_FRAMES = 60
#: Clips are edited and extended from at least so many frames: fewer do not say how the performer moves.
LEAST_BASE = 2


@dataclass(frozen=True)
class Skeleton:
    """A performer's skeleton beside the models'."""

    own: np.ndarray  # (24, 3) metres
    model: np.ndarray  # (24, 3) metres

    @property
    def factor(self) -> float:
        """Models' metres per metre of the performer's world."""
        return float(self.model[0, 1] / self.own[0, 1])

    def check(self) -> None:
        """Refuse a skeleton that is not one of a person in metres."""
        height = float(self.own[0, 1])
        if not (np.isfinite(self.own).all() and 0.2 < height < 5.0):
            raise BadInput(f"skeleton: the pelvis at rest stands {height:.3g} m above the floor, expected 0.2 to 5 m")

    def to_model(self, clip: Clip) -> Clip:
        """A performer's clip on the models' skeleton, at 30 fps."""
        moved = replace(
            clip,
            root_position=clip.root_position * self.factor,
            rest_offsets=self.model,
            fingers=None,
            contacts=clip.contacts if clip.contacts is not None and clip.contacts.labels == feet.LABELS else None,
        )
        return edit.resample(moved, FPS)

    def to_own(self, clip: Clip) -> Clip:
        """A clip on the models' skeleton as the performer's."""
        return replace(clip, root_position=clip.root_position / self.factor, rest_offsets=self.own)


def check_base(clip: Clip, what: str = "base") -> None:
    """Refuse a clip that is too short or too long to work on.

    Raises:
        BadInput: says how many frames it has and how many are needed.
    """
    frames = int((clip.frames - 1) * FPS / clip.fps) + 1
    if clip.frames < LEAST_BASE or frames < LEAST_BASE:
        raise BadInput(
            f"{what}: {clip.frames} frame{'s' * (clip.frames != 1)} at {float(clip.fps):g} fps, expected at least "
            f"{LEAST_BASE} at {FPS} fps; a single pose can be given as a key"
        )
    if clip.seconds > MOST_SECONDS:
        raise BadInput(f"{what}: {clip.seconds:.0f} s, expected at most {MOST_SECONDS:g} s")


def kept(names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Joints ``(24,)`` that stay as they are, and notes: whoever keeps both legs keeps the way they walk, too."""
    on = parts.mask(names)
    legs = list(parts.PARTS["legs"])
    if on[legs].all() and not on[0]:
        on[0] = True
        return on, ("the pelvis is kept with the legs: they would slide under another one",)
    return on, ()


def hold_parts(into: Constraints, base: Clip, joints: np.ndarray) -> None:
    """Write the kept joints ``(24,)`` of a clip on the models' skeleton into constraints, frame by frame."""
    frames = np.arange(min(base.frames, into.frames))
    on = parts.known_to_models(joints)
    constrain.hold(into, frames, constrain.pick(base, frames), on, places=bool(on.all()))


def put_back(clip: Clip, base: Clip, joints: np.ndarray) -> Clip:
    """The finished clip with the kept joints exactly as they were; the place too, when the pelvis is kept."""
    frames = min(base.frames, clip.frames)
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    rotations[:frames, joints] = base.rotations[:frames, joints]
    if joints[0]:
        root[:frames] = base.root_position[:frames]
    return replace(clip, rotations=rotations, root_position=root)


def example(clip: Clip, pace: float) -> Clip:
    """The part of a style example that is shown to the model: up to 2 s whose speed over the floor is nearest ``pace``.

    Args:
        clip: on the models' skeleton, 30 fps.
        pace: m/s that the motion to come usually travels.
    """
    n = min(STYLE_FRAMES, clip.frames)
    if clip.frames == n:
        return clip
    flat = clip.root_position[:, [0, 2]]
    span = np.linalg.norm(flat[n - 1 :] - flat[: len(flat) - n + 1], axis=-1) * FPS / (n - 1)
    first = int(np.argmin(np.abs(span - pace)))
    return constrain.pick(clip, np.arange(first, first + n))


def before_origin(clip: Clip) -> Clip:
    """A clip moved so that it ends at the origin, facing +Z: what follows begins there."""
    last = constrain.pick(clip, [clip.frames - 1])
    turned = edit.transform(clip, -float(edit.heading(last)[0]))
    x, _, z = turned.root_position[-1]
    return edit.transform(turned, translation=(-x, 0.0, -z))


def rate_of(fps: Fraction | float | None, base: Clip | None) -> Fraction:
    """Rate of the result: as asked, else the base's own, else 30 fps.

    Raises:
        BadInput: it is not a positive number.
    """
    if fps is None:
        return base.fps if base is not None else Fraction(FPS)
    try:
        rate = Fraction(fps).limit_denominator(100_000)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"fps: {fps}, expected a positive number") from None
    if not 1 <= rate <= 1000:
        raise BadInput(f"fps: {float(rate):g}, expected 1 to 1000")
    return rate
