"""What an environment is made with: `FramingConfig`, every setting typed, checked and with its default."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motion.errors import BadInput, unknown
from rl_camera.env.library import KEYPOINTS, SPLITS, MotionLibrary
from rl_camera.env.reward import TERMS, RewardWeights
from rl_camera.env.rigs import RIGS, find_rig
from rl_camera.settings import changed

KNOWLEDGE = ("live", "offline")
OCCLUDERS = ("spheres", "mixed")
OBSERVATIONS = ("full", "lean")


@dataclass(frozen=True)
class FramingConfig:
    """Settings of `cinemotion/Framing-v0`."""

    split: str = "train"  # of the captures: train, test (held out), all
    data: str | Path | None = None  # a folder of captures; None: the pybullet wheel's
    library: MotionLibrary | None = None  # motion that is handed in, instead of both
    performers: int = 1  # slots; an episode has one to so many
    crowd: bool = False  # every slot is always taken
    keypoints: str = "smpl24"  # of each performer that are seen: smpl24, eight
    occluders: int = 8  # slots; an episode has none to so many
    occluder_kind: str = "mixed"  # spheres: every slot is one, always; mixed: spheres, pillars, boxes, or nothing
    knowledge: str = "live"  # offline: the observation looks ahead
    observation: str = "full"  # lean: without the slots that follow from others, for one performer and no things
    rigs: tuple[str, ...] = ("handheld", "dolly", "drone", "crane", "tripod")  # drawn per episode
    hz: float = 10.0  # decisions a second
    seconds: float = 8.0  # of an episode
    moves: bool = True  # half of the requests change over the shot
    rough: float = 0.4  # share of episodes that begin far from what is asked
    aspect: float = 16 / 9
    weights: RewardWeights = field(default_factory=RewardWeights)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("split", self.split, SPLITS), ("keypoints", self.keypoints, KEYPOINTS),
            ("knowledge", self.knowledge, KNOWLEDGE), ("occluder kind", self.occluder_kind, OCCLUDERS),
            ("observation", self.observation, OBSERVATIONS),
        ):  # fmt: skip
            if value not in known:
                raise unknown(name, value, known)
        if isinstance(self.rigs, str):
            object.__setattr__(self, "rigs", (self.rigs,))
        if not self.rigs:
            raise BadInput(f"no rigs, expected some of {', '.join(RIGS)}")
        for rig in self.rigs:
            find_rig(rig)
        for name, low, high in (
            ("performers", 1, 64), ("occluders", 0, 256), ("hz", 1.0, 240.0), ("seconds", 0.1, 3600.0),
            ("rough", 0.0, 1.0), ("aspect", 0.05, 20.0),
        ):  # fmt: skip
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise BadInput(f"Framing-v0: {name} is {value!r}, expected {low:g} to {high:g}")
        if self.observation == "lean" and (self.performers > 1 or self.occluders > 0):
            told = f"performers={self.performers}, occluders={self.occluders}"
            raise BadInput(f"Framing-v0: the lean observation is for performers=1, occluders=0, not {told}")
        if isinstance(self.weights, dict):
            for name in self.weights:
                if name not in TERMS:
                    raise unknown("reward weight", str(name), TERMS)
            object.__setattr__(self, "weights", RewardWeights(**self.weights))

    @property
    def steps(self) -> int:
        """Steps of an episode."""
        return max(1, round(self.seconds * self.hz))

    def with_options(self, options: dict[str, Any]) -> FramingConfig:
        """The same with some settings changed.

        Raises:
            BadInput: no such setting, or a value out of range.
        """
        return changed(self, "Framing-v0", options)
