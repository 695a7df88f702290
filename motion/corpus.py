"""`Corpus`: captured clips on one skeleton at one rate, cut into captioned windows; what learned models train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from motion.errors import BadInput

#: Rate of every corpus and of every learned model, frames per second.
FPS = 30
#: Splits: training, blocks of takes that were held out, and combinations of action and style that were held out.
SPLITS: tuple[str, ...] = ("train", "blocks", "combinations")


@dataclass(frozen=True)
class Label:
    """What happens in a window, in the closed vocabulary of `motion.text`; "" and 0 mean nothing is said."""

    verb: str = ""
    side: str = ""
    direction: str = ""
    count: int = 0
    manner: str = ""
    style: str = ""


@dataclass(frozen=True)
class ClipInfo:
    """Where one clip of a corpus came from."""

    name: str  # "bandai-namco-2/dataset-2_run_active_001.bvh"
    source: str  # archive or folder: "bandai-namco-2"
    licence: str  # "CC BY-NC 4.0", "CMU", "MIT"
    label: Label
    captions: tuple[str, ...] = ()  # what people or the file's name say of the whole clip


@dataclass(frozen=True)
class Window:
    """A crop of a clip, augmented, with captions that are true of this crop."""

    clip: int
    start: int  # frame of the clip, 30 fps
    frames: int  # length after re-timing
    split: str
    label: Label
    captions: tuple[str, ...] = ()  # none: trains without words
    mirror: bool = False
    speed: float = 1.0  # source frames per window frame; the window covers (frames - 1) * speed + 1 source frames
    weight: float = 1.0  # how often it is drawn, relative to others


@dataclass(frozen=True)
class Corpus:
    """Clips laid end to end. Frame f of clip c is row ``starts[c] + f``."""

    rotations: np.ndarray  # (N, 24, 4) float32 local, xyzw
    root_position: np.ndarray  # (N, 3) float32 metres, world; the pelvis joint; floor at 0
    contacts: np.ndarray  # (N, 4) bool: left heel, left toe, right heel, right toe
    good: np.ndarray  # (N,) bool: False where the capture is broken
    starts: np.ndarray  # (C + 1,) int64
    valid: np.ndarray  # (C, 24) bool: joints the source really had
    rest_offsets: np.ndarray  # (24, 3) float32 metres, one skeleton for all
    clips: tuple[ClipInfo, ...]
    windows: tuple[Window, ...]
    notes: dict[str, object] = field(default_factory=dict)  # what was read, skipped, dropped, and how it was split

    def __post_init__(self) -> None:
        rows, clips = len(self.rotations), len(self.clips)
        for name, shape in (
            ("rotations", (rows, 24, 4)),
            ("root_position", (rows, 3)),
            ("contacts", (rows, 4)),
            ("good", (rows,)),
            ("starts", (clips + 1,)),
            ("valid", (clips, 24)),
            ("rest_offsets", (24, 3)),
        ):
            if getattr(self, name).shape != shape:
                raise BadInput(f"corpus: {name} has shape {getattr(self, name).shape}, expected {shape}")
        if int(self.starts[-1]) != rows:
            raise BadInput(f"corpus: clips end at row {int(self.starts[-1])}, expected {rows}")

    def split(self, name: str) -> list[Window]:
        """The windows of one split."""
        return [window for window in self.windows if window.split == name]

    def licences(self) -> tuple[str, ...]:
        """Every licence that its clips come under, sorted."""
        return tuple(sorted({clip.licence for clip in self.clips}))

    def only(self, sources: Sequence[str]) -> Corpus:
        """The same corpus with windows from these sources alone (for weights under another licence)."""
        keep = set(sources)
        windows = tuple(w for w in self.windows if self.clips[w.clip].source in keep)
        return Corpus(
            self.rotations, self.root_position, self.contacts, self.good, self.starts, self.valid, self.rest_offsets,
            self.clips, windows, self.notes,
        )  # fmt: skip
