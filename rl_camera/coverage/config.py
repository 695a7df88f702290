"""What a Coverage environment is made with: `CoverageConfig`, every setting typed, checked and with its default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from motion.clip import Clip
from motion.errors import BadInput, unknown
from rl_camera.editing import Style, style_of
from rl_camera.env.library import SPLITS
from rl_camera.settings import changed

KNOWLEDGE = ("live", "offline")


class Library(Protocol):
    """Motion that scenes are made of: `rl_camera.env.library.MotionLibrary`, or anything with clips."""

    @property
    def clips(self) -> Sequence[Clip]:
        """Takes of one performer each."""
        ...


@dataclass(frozen=True)
class CoverageConfig:
    """Settings of `cinemotion/Coverage-v0`."""

    split: str = "train"  # of the captures: train, test (held out), all
    data: str | Path | None = None  # a folder of captures; None: the pybullet wheel's
    scenes: int = 64  # how many are made at the start; an episode takes one of them
    seed: int = 0  # of the scenes
    performers: int = 4  # at most; scenes have one to so many
    cameras: int = 8
    props: int = 3  # things that stand about, at most
    seconds: float = 20.0  # of a scene
    tick_s: float = 0.5  # between decisions
    knowledge: str = "live"  # offline: the observation holds what every camera will be worth
    look_ahead: int = 4  # ticks that an offline observation looks ahead
    style: str | Style = "plain"  # rhythm and weights: what the reward is
    aspect: float = 16 / 9

    def __post_init__(self) -> None:
        for name, value, known in (("split", self.split, SPLITS), ("knowledge", self.knowledge, KNOWLEDGE)):
            if value not in known:
                raise unknown(name, str(value), known)
        object.__setattr__(self, "style", style_of(self.style))
        for name, low, high, kind in (
            ("scenes", 1, 100_000, int), ("seed", 0, 2**63 - 1, int), ("performers", 1, 16, int),
            ("cameras", 2, 64, int), ("props", 0, 32, int), ("look_ahead", 1, 64, int),
            ("seconds", 0.5, 600.0, float), ("tick_s", 0.05, 5.0, float), ("aspect", 0.05, 20.0, float),
        ):  # fmt: skip
            value = getattr(self, name)
            wrong = isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float))
            if wrong or not low <= value <= high:
                raise BadInput(f"Coverage-v0: {name} is {value!r}, expected {low:g} to {high:g}")

    @property
    def rules(self) -> Style:
        """The style, looked up."""
        return style_of(self.style)

    @property
    def steps(self) -> int:
        """Decisions of an episode."""
        return max(1, round(self.seconds / self.tick_s))

    @property
    def shortest(self) -> int:
        """Ticks that a shot lasts at least."""
        return max(1, round(self.rules.rhythm.shortest_s / self.tick_s))

    def with_options(self, options: Mapping[str, Any]) -> CoverageConfig:
        """The same with some settings changed.

        Raises:
            BadInput: no such setting, or a value out of range.
        """
        return changed(self, "Coverage-v0", options)
