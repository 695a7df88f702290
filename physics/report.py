"""`PhysicsReport`: what physics clean-up found, changed and left, per performer and segment; ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from motion.clip import Clip, ContactTrack
from motion.rotations import Array
from physics import metrics
from physics.ground import Ground
from physics.posed import Posed
from physics.rests import through_floor_mm
from physics.soles import Soles


@dataclass(frozen=True)
class Figures:
    """How one clip stands and moves; see `physics.metrics` for the readings."""

    penetration_mm: float
    float_mm: float  # outside flight
    float_plain_mm: float  # every frame
    skate_mm: float
    jerk_m_s3: float
    balance_m: float  # how far the centre of mass lies outside what carries it, mean
    flight_g: float = 0.0  # how fast it falls in flight, over gravity; 0 where nobody flies
    body_mm: float = 0.0  # how deep hands, knees, seat, head or back are in the floor, mean
    flight_error: float = 0.0  # mean |acceleration - gravity| / gravity of parabolas in flight

    @property
    def phys_err_mm(self) -> float:
        """Penetration, float outside flight and skate together."""
        return self.penetration_mm + self.float_mm + self.skate_mm

    @classmethod
    def of(cls, clip: Clip, soles: Soles, ground: Ground, flight: np.ndarray) -> Figures:
        """Measure a clip; ``flight`` ``(T,)`` bool are frames on which nothing should stand."""
        return cls.measure(Posed(clip, soles, ground), flight)

    @classmethod
    def measure(cls, made: Posed, left_out: np.ndarray, flying: np.ndarray | None = None) -> Figures:
        """The same of a clip that is posed already; with frames of flight ``(T,)`` bool, how it falls in them."""
        fps = made.clip.fps
        err = metrics.phys_err(made.points, left_out, fps, made.floor)
        near = made.points[..., 1] - made.floor < metrics.TOLERANCE_M
        falls = metrics.flight_acceleration(made.com, np.zeros(len(made.com), bool) if flying is None else flying, fps)
        return cls(
            err.penetration_mm, err.float_mm, err.float_plain_mm, err.skate_mm,
            metrics.jerk_m_s3(made.joints, fps), metrics.balance_m(made.com, made.points, near, fps),
            falls.g, through_floor_mm(made.rests), falls.error,
        )  # fmt: skip


@dataclass(frozen=True)
class Wrench:
    """Force and torque from nowhere at the pelvis that tracking needed, over accepted frames."""

    force: float  # mean |force| / body weight
    upward: float  # the vertical share of it
    torque: float  # mean |torque| / (mass g height)
    at_bound: float  # share of frames
    series: WrenchSeries | None = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, float]:
        """For a JSON file: the means."""
        return {name: getattr(self, name) for name in ("force", "upward", "torque", "at_bound")}


@dataclass(frozen=True, eq=False)
class WrenchSeries:
    """The same frame by frame, as long as the simulation lasted."""

    force: Array  # (T,) |force| / body weight
    torque: Array  # (T,) |torque| / (mass g height)
    accepted: np.ndarray  # (T,) bool: frames that were kept from Bullet


#: Versions of a segment.
KEPT = ("dynamics", "kinematic", "grounding", "learned", "input")


@dataclass(frozen=True)
class Segment:
    """About a second of a performance, and which version of it was kept."""

    start_s: float
    stop_s: float
    kept: str  # "dynamics", "kinematic", "grounding" (heights alone), "learned" or "input"
    why: str


@dataclass(frozen=True)
class PerformerReport:
    """One performer's part."""

    name: str
    before: Figures
    after: Figures
    kinematic: Figures | None = None  # of that pass alone, wherever it was kept
    learned: Figures | None = None  # of that pass on what the calibrator made, where that was taken
    dynamics: Figures | None = None
    wrench: Wrench | None = None
    segments: tuple[Segment, ...] = ()
    plants: ContactTrack | None = None  # that were found, or set
    moved_m: float = 0.0  # mean distance of joints from the input
    notes: tuple[str, ...] = ()

    def verdict(self) -> str:
        """One line."""
        before, after = self.before.phys_err_mm, self.after.phys_err_mm
        kept = [s.kept for s in self.segments]
        if not kept or all(k == "input" for k in kept):
            why = next((s.why for s in self.segments if s.why), "") or "; ".join(self.notes)
            return f"{self.name}: left as it was" + (f" ({why})" if why else "")
        parts = [f"{kept.count(k)} {k}" for k in KEPT if k in kept]
        return (
            f"{self.name}: penetration {self.before.penetration_mm:.1f} to {self.after.penetration_mm:.1f} mm, float "
            f"{self.before.float_mm:.1f} to {self.after.float_mm:.1f}, skate {self.before.skate_mm:.1f} to "
            f"{self.after.skate_mm:.1f} ({_share(before, after)}); segments: {', '.join(parts)}"
        )


def _share(before: float, after: float) -> str:
    if before < 1e-6:
        return "nothing was wrong"
    return f"{abs(1.0 - after / before):.0%} {'less' if after <= before else 'more'} in all"


@dataclass(frozen=True)
class PhysicsReport:
    """All performers of one clean-up."""

    performers: tuple[PerformerReport, ...]
    seconds: float = 0.0  # of computing
    settings: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> str:
        """One line for each performer."""
        return "\n".join(p.verdict() for p in self.performers)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file; plants as lists of seconds are left to `physics.plants.write`."""
        data = asdict(self)
        for performer, told in zip(data["performers"], self.performers, strict=True):
            del performer["plants"]
            performer["wrench"] = None if told.wrench is None else told.wrench.as_dict()
        return data


def distance(one: Clip, other: Clip) -> Array:
    """Mean distance of joints ``(T,)``, metres."""
    return np.asarray(np.linalg.norm(one.positions() - other.positions(), axis=-1).mean(-1))
