"""What is asked of the prior and what comes back: `WindowRequest` for networks, `Request` and `Result` for people.

A network answers windows (`WindowModel`); people ask for motion of any length, with keys, a path, points to reach and
parts to keep. Everything is in the world: metres, seconds, radians, Y up, yaw 0 faces +Z. No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from motion.clip import Clip
from motion.corpus import Label
from motion.errors import BadInput, unknown
from motion.prior.constraints import GUIDED, Constraints
from motion.text import ActionPlan, Decision

#: Longest window that a network makes at once, frames at 30 fps: 8 s.
MOST_WINDOW = 240
#: Shortest window, 1 s: below it a network has too little to stand on; shorter clips are cut from this.
LEAST_WINDOW = 30
#: Longest clip that one request makes, seconds. A clip is held in memory whole, and nobody edits an hour of one take;
#: open-ended motion is what `motion.prior.stream` is for.
MOST_SECONDS = 600.0
#: Results of one request.
MOST_VARIATIONS = 64
#: How captured motion is used: where the words are close to a capture, never, or always.
RETRIEVAL: tuple[str, ...] = ("auto", "off", "on")


@dataclass(frozen=True)
class WindowRequest:
    """One window for a network: what must hold, what is said, and from which noise.

    The clip that comes back has ``frames`` frames at 30 fps and stands in the world of its constraints. Without any
    constraint on place and heading, its first frame stands at the origin and faces +Z.

    Constraints come together, and a network should have seen them together: nearly every window has a prefix of
    20 frames (whole poses), and beside it nothing, one place to be at or near its end (path, perhaps heading), a
    path on every frame, some whole poses, a wrist or ankle at a point, or parts held on every frame. Loops and
    backward extension have a suffix of whole poses, with or without a prefix.
    """

    frames: int  # LEAST_WINDOW to MOST_WINDOW
    constraints: Constraints  # over the same frames, in the world
    text: str = ""  # "": without words
    label: Label = field(default_factory=Label)  # plan tokens; empty: without them
    seed: int = 0  # of this window's noise, whatever the batch it is in
    start: Clip | None = None  # noised and denoised again instead of pure noise; same frames, same world, 30 fps
    strength: float = 1.0  # share of the noise added to `start`: 0 gives it back, 1 forgets it

    def __post_init__(self) -> None:
        if not LEAST_WINDOW <= self.frames <= MOST_WINDOW:
            raise BadInput(f"window: {self.frames} frames, expected {LEAST_WINDOW} to {MOST_WINDOW}")
        if self.constraints.frames != self.frames:
            raise BadInput(f"window: constraints over {self.constraints.frames} frames, expected {self.frames}")
        if self.start is not None and self.start.frames != self.frames:
            raise BadInput(f"window: a start of {self.start.frames} frames, expected {self.frames}")
        if not 0.0 <= self.strength <= 1.0:
            raise BadInput(f"strength: {self.strength}, expected 0 to 1")


class WindowModel(Protocol):
    """A trained network that makes windows of motion; `motion.prior.model.Prior` is one."""

    @property
    def rest_offsets(self) -> np.ndarray:
        """``(24, 3)`` metres: the skeleton that it learned on, and of every clip that it returns."""
        ...

    def sample(
        self,
        requests: Sequence[WindowRequest],
        *,
        steps: int = 8,
        guidance: float = 2.5,
        constraint_guidance: float = GUIDED,
    ) -> list[Clip]:
        """One clip for each request. All have the same number of frames; they are made as one batch.

        The clips' provenance says the model (name and hash) and its licence.
        """
        ...


@dataclass(frozen=True)
class Reach:
    """A joint at a point at a time: a hand on a door handle."""

    joint: str  # SMPL-24 name, or "left hand", "right hand", "left foot", …
    point: tuple[float, float, float]  # metres, world
    seconds: float  # when
    hold: float = 0.0  # for how long it stays there


@dataclass(frozen=True)
class Keys:
    """Poses at times: all of the body or some joints of it, placed in the world or not."""

    times: np.ndarray  # (K,) seconds, increasing
    rotations: np.ndarray  # (K, 24, 4) local, xyzw
    root_position: np.ndarray | None = None  # (K, 3) metres, pelvis joint in the world; None: wherever the motion is
    joints: np.ndarray | None = None  # (K, 24) bool: joints that count; None: all
    rest_offsets: np.ndarray | None = None  # (24, 3) the skeleton they were made on; None: the model's
    names: tuple[str, ...] = ()  # what errors and reports call each key; (): "key 0", …

    def __len__(self) -> int:
        return len(self.times)

    def name(self, k: int) -> str:
        """What to call one key."""
        return self.names[k] if self.names else f"key {k}"


@dataclass(frozen=True)
class Path:
    """Where to go over the floor, and when if it matters."""

    points: np.ndarray  # (N, 2) metres, x and z
    times: np.ndarray | None = None  # (N,) seconds, increasing; None: at the usual speed of the action
    face_along: bool = True  # the performer looks where the path goes; False: the words decide


@dataclass(frozen=True)
class Request:
    """All that one call of `motion.prior.generate` was asked, checked and in the model's terms."""

    plan: ActionPlan
    confidence: float = 1.0  # that the words were understood
    suggestions: tuple[str, ...] = ()  # nearest actions where they were not
    anyway: bool = False  # make motion even of words that were not understood
    seconds: float | None = None
    seed: int = 0
    variations: int = 1
    keys: Keys | None = None
    path: Path | None = None
    reach: tuple[Reach, ...] = ()
    keep: tuple[str, ...] = ()  # parts or joints that stay as in `base`
    base: Clip | None = None
    strength: float | None = None  # None: 0.5 for a base of which nothing is kept, else 1
    extend: float = 0.0  # seconds after `base` (negative: before it)
    style: str = ""
    style_clip: Clip | None = None
    loop: bool = False
    in_place: bool = False
    retrieval: str = "auto"
    exact: bool = True  # keys and points are bent in to the millimetre after sampling
    foot_lock: bool = False
    fps: Fraction | None = None  # None: the base's own, else 30
    steps: int = 8
    guidance: float = 2.5
    constraint_guidance: float = GUIDED

    def __post_init__(self) -> None:
        if self.seconds is not None:
            check_seconds(self.seconds)
        if self.extend:
            check_seconds(abs(self.extend), "extend")
        if not 1 <= self.variations <= MOST_VARIATIONS:
            raise BadInput(f"variations: {self.variations}, expected 1 to {MOST_VARIATIONS}")
        if self.strength is not None and not 0.0 <= self.strength <= 1.0:
            raise BadInput(f"strength: {self.strength:g}, expected 0 (as it was) to 1 (made anew)")
        if self.retrieval not in RETRIEVAL:
            raise unknown("retrieval", self.retrieval, RETRIEVAL)
        if not 1 <= self.steps <= 200:
            raise BadInput(f"steps: {self.steps}, expected 1 to 200")
        for name in ("guidance", "constraint_guidance"):
            value = getattr(self, name)
            if not (np.isfinite(value) and 0.0 <= value <= 20.0):
                raise BadInput(f"{name.replace('_', ' ')}: {value}, expected 0 to 20")


def check_seconds(seconds: float, what: str = "seconds") -> None:
    """Refuse a duration that is not one, or longer than one clip may be.

    Raises:
        BadInput: says the limit and why there is one.
    """
    if not np.isfinite(seconds) or seconds <= 0:
        raise BadInput(f"{what}: {seconds:g}, expected more than 0")
    if seconds > MOST_SECONDS:
        raise BadInput(
            f"{what}: {seconds:g} s, expected at most {MOST_SECONDS:g} s in one clip (it is held in memory whole); "
            "make several, or stream it with motion.prior.stream"
        )


@dataclass(frozen=True)
class Span:
    """How one stretch of a result was made."""

    start_s: float
    stop_s: float
    text: str  # the words that it follows
    road: str  # "sampled", "retrieved", "kept", "in-painted", …
    detail: str = ""  # the capture that was retrieved, the parts that were kept
    seed: int = 0


@dataclass(frozen=True)
class Seam:
    """A place where two windows meet."""

    time_s: float
    jerk: float  # m/s³: mean over joints and over the frames around the seam
    ratio: float  # to the same measure away from seams and keys


@dataclass(frozen=True)
class Report:
    """What was done and how well the finished clip keeps what was asked; everything measured by FK of the clip."""

    spans: tuple[Span, ...]
    decisions: tuple[Decision, ...] = ()
    confidence: float = 1.0  # that the words were understood: 1 all in the vocabulary, 0 none
    suggestions: tuple[str, ...] = ()  # nearest actions where words were not understood
    key_error_m: tuple[float, ...] = ()  # per key: mean distance over its joints, metres
    key_sampled_m: tuple[float, ...] = ()  # the same before keys were bent in exactly: what the network left over
    path_error_m: float | None = None  # mean distance of the smoothed root to where it should be then, metres
    path_worst_m: float | None = None
    path_sampled_m: float | None = None  # the mean before the clip was carried over to its path
    reach_error_m: tuple[float, ...] = ()  # per reach: largest distance of the joint to the point, metres
    reach_sampled_m: tuple[float, ...] = ()  # the same before the limb was bent to it
    loop_gap_m: float | None = None  # largest joint distance between last and first pose, travel taken out
    seams: tuple[Seam, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """A clip and how it came about."""

    clip: Clip
    report: Report
