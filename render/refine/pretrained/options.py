"""`Options`: what a user may say to a pretrained pipeline; None means the adapter's own usual value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from motion.errors import BadInput, unknown
from render.control import CONTROLS


@dataclass(frozen=True)
class Options:
    """Settings of a pretrained refiner, checked."""

    prompt: str | None = None  # instead of the shot's own
    negative_prompt: str = ""
    strength: float = 0.6  # of pipelines that start from the raster: 0 keeps it, 1 forgets it
    seed: int | None = None  # instead of the film's
    steps: int | None = None  # of denoising
    guidance: float | None = None  # classifier-free; 1 is none
    control: tuple[str, ...] = ("depth",)  # of `render.control.CONTROLS`, one for each control network
    control_scale: float = 1.0
    frames: int | None = None  # of one chunk
    overlap: int | None = None  # frames that chunks share
    max_pixels: int | None = None  # width times height at which the model works; larger pictures are made smaller
    steady: float = 0.5  # how far noise follows the flow, see `render.refine.noise.FlowNoise`
    device: str | None = None  # "cpu", "cuda"; None: a GPU where there is one
    dtype: str | None = None  # "float32", "bfloat16", "float16"; None: float32 on the CPU, bfloat16 on a GPU
    offload: bool = False  # keep on the GPU only the part that is at work
    components: Mapping[str, Any] = field(default_factory=dict)  # parts handed in instead of the folder's

    def __post_init__(self) -> None:
        control = (self.control,) if isinstance(self.control, str) else tuple(self.control)
        object.__setattr__(self, "control", control)
        for name in control:
            if name not in CONTROLS or name == "flow":
                raise unknown("control", name, [c for c in CONTROLS if c != "flow"])
        if not control:
            raise BadInput("refine: no control, expected at least one")
        if not 0 < self.strength <= 1:
            raise BadInput(f"refine: strength {self.strength}, expected more than 0 and at most 1")
        for name in ("steps", "frames", "max_pixels"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadInput(f"refine: {name} {value}, expected at least 1")
        if self.overlap is not None and self.overlap < 0:
            raise BadInput(f"refine: overlap {self.overlap}, expected 0 or more")
        if not 0 <= self.steady <= 1:
            raise BadInput(f"refine: steady {self.steady}, expected 0 to 1")
        if self.dtype not in (None, "float32", "bfloat16", "float16"):
            raise unknown("number format", str(self.dtype), ("float32", "bfloat16", "float16"))

    @classmethod
    def of(cls, **said: Any) -> Options:
        """From keywords; a name that does not exist is told with the nearest that does.

        Raises:
            BadInput: an unknown name or an impossible value.
        """
        known = [f.name for f in fields(cls)]
        for name in said:
            if name not in known:
                raise unknown("setting of a refiner", name, known)
        try:
            return cls(**said)
        except TypeError as error:
            raise BadInput(f"refine: {error}") from error
