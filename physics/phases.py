"""`Phases`: when a performer flies, and when something else than feet carries them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physics import plants
from physics.flight import flight
from physics.posed import Posed


@dataclass(frozen=True, eq=False)
class Phases:
    """Frames on which no foot has to stand; found once on the input, so that all versions are judged on the same."""

    flying: np.ndarray  # (T,) bool
    otherwise: np.ndarray  # (T,) bool: sitting, lying, crawling, hand stands

    @classmethod
    def of(cls, made: Posed) -> Phases:
        """Find them in a clip."""
        flying = flight(made.points, made.com, made.clip.fps, made.floor)
        return cls(flying, plants.carried_otherwise(made.clip, made.ground))

    @property
    def left_out(self) -> np.ndarray:
        """``(T,)`` bool: either."""
        return self.flying | self.otherwise

    def notes(self, fps: float) -> tuple[str, ...]:
        """What is to be said of them."""
        if self.otherwise.mean() <= 0.05:
            return ()
        return (f"something else than feet carries the weight for {self.otherwise.sum() / fps:.1f} s",)
