"""`Phases`: when a performer flies, and when something else than feet on the ground carries them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import contacts
from physics import plants
from physics.flight import flight
from physics.mass import outside_support
from physics.posed import Posed

#: Feet higher than this over the ground, with nobody flying, stand on something that is not there; metres for an adult.
_ALOFT_M = 0.2
#: Who hardly moves, m/s, with the centre of mass so far outside of what touches the ground, metres for an adult, sits
#: or leans.
_STILL, _OUTSIDE_M, _NEAR_M = 0.25, 0.08, 0.03
#: Shorter than this it is neither, seconds; and below this share of a clip it is not worth a word.
_LASTS_S, _SAID = 0.4, 0.05


@dataclass(frozen=True, eq=False)
class Phases:
    """Frames on which no foot has to stand; found once on the input, so that all versions are judged on the same."""

    flying: np.ndarray  # (T,) bool
    otherwise: np.ndarray  # (T,) bool: lying, crawling, rolling, hand stands
    aloft: np.ndarray  # (T,) bool: climbing, hanging, swimming, or standing on something that the stage has not
    leaning: np.ndarray  # (T,) bool: sitting or leaning on something that the stage has not

    @classmethod
    def of(cls, made: Posed) -> Phases:
        """Find them in a clip."""
        size, fps = contacts.size_of(made.clip.rest_offsets), float(made.clip.fps)
        flying = flight(made.points, made.com, fps, made.floor)
        otherwise = plants.carried_otherwise(made.clip, made.ground)
        feet = (made.points[..., 1] - made.floor).min(1)
        shortest = max(1, round(_LASTS_S * fps))

        def lasting(on: np.ndarray) -> np.ndarray:
            return contacts.drop_short(on[:, None], shortest)[:, 0]

        aloft = lasting((np.minimum(feet, made.rests.deepest) > _ALOFT_M * size) & ~flying)
        near = made.points[..., 1] - made.floor < _NEAR_M * size
        still = contacts.speed(made.com[:, None], fps)[:, 0] < _STILL * size
        outside = outside_support(made.com, made.points, near) > _OUTSIDE_M * size
        return cls(flying, otherwise, aloft, lasting(still & outside & ~otherwise & ~aloft))

    @property
    def left_out(self) -> np.ndarray:
        """``(T,)`` bool: nothing has to stand on the ground."""
        return self.flying | self.otherwise | self.aloft

    def notes(self, fps: float) -> tuple[str, ...]:
        """What is to be said of them."""
        told = (
            (self.otherwise, "something else than feet carries the weight"),
            (self.aloft, "climbs, hangs or stands on something that the stage has not"),
            (self.leaning, "sits or leans on something that the stage has not"),
        )
        return tuple(f"{what} for {on.sum() / fps:.1f} s" for on, what in told if on.mean() > _SAID)
