"""Motion without end, frame by frame, steered by words while it plays: `stream`, `Streamer` and `MotionStream`.

    for frame in stream("walks forward"):                # loads the weights first; for several streams:
        show(frame.rotations, frame.root_position)

    streamer = Streamer.load("base")
    for frame in streamer.stream("walks forward", seed=3):
        show(frame.rotations, frame.root_position)       # the first one within a tenth of a second

    playing = streamer.stream("walks")
    next(playing)
    playing.say("waves with the left hand")              # from the next token on, at most 0.13 s later

Several actions ("walks, then waves") follow one another for as long as each takes; the last one goes on.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from motion.clip import Clip, ContactTrack
from motion.contacts import LABELS
from motion.corpus import FPS, Label
from motion.errors import BadInput
from motion.prior import weights
from motion.prior.constraints import JOINTS
from motion.prior.gpt import MotionGPT, Sampling, Speaker
from motion.prior.poses import local_quaternions, quaternions
from motion.prior.understand import understand
from motion.prior.vqvae_net import STRIDE, shown, walked
from motion.text import ActionPlan, seconds_of

if TYPE_CHECKING:
    from motion.prior.words import Words


def stream(text: str | ActionPlan, seed: int = 0, model: str | os.PathLike[str] = "base") -> MotionStream:
    """Frames of motion for ever, at 30 fps.

    Args:
        text: what happens; `MotionStream.say` changes it while it plays.
        seed: of all its chance.
        model: weights of a GPT, by name or file; those of its tokens lie beside them.

    Raises:
        BadInput: no such weights, or the words say no action that is known.
    """
    return Streamer.load(model).stream(text, seed)


@dataclass(frozen=True)
class PoseFrame:
    """One frame of a stream, at 30 fps."""

    number: int
    rotations: np.ndarray  # (24, 4) local, xyzw
    root_position: np.ndarray  # (3,) metres, the pelvis joint in the world
    contacts: np.ndarray  # (4,) bool: left heel, left toe, right heel, right toe
    text: str  # the words that it follows

    @property
    def seconds(self) -> float:
        """Since the stream began."""
        return self.number / FPS


@dataclass(frozen=True)
class _Task:
    """An action that is being followed."""

    text: str
    label: Label
    condition: Tensor
    tokens: float  # how many; infinite for the last


class Streamer:
    """A loaded model that opens streams.

    Args:
        model: trained weights.
    """

    def __init__(self, model: MotionGPT) -> None:
        self.model = model

    @classmethod
    def load(
        cls, name_or_path: str | os.PathLike[str] = "base", tokens: str | os.PathLike[str] | None = None,
        words: Words | None = None,
    ) -> Streamer:  # fmt: skip
        """Weights as `MotionGPT.load`; runs once, so that the first frame of a stream comes at once."""
        streamer = cls(MotionGPT.load(name_or_path, tokens, words))
        streamer.warm_up()
        return streamer

    def warm_up(self) -> None:
        """Make a few frames that nobody sees."""
        known = self.model.card.knows.get("verb", ("stand",))
        if not known:
            return  # whatever is asked of these weights will be refused
        first = "stand" if "stand" in known else known[0]
        stream = MotionStream(self.model, first, 0, Sampling(), use_words=False)
        for _ in range(2 * STRIDE):
            next(stream)

    @property
    def rest_offsets(self) -> np.ndarray:
        """``(24, 3)`` metres: the skeleton of every frame."""
        return self.model.tokenizer.rest_offsets

    @property
    def licence(self) -> str:
        """Of what is streamed: the GPT's and the tokenizer's."""
        return weights.licence_of((self.model.card.licence, self.model.tokenizer.card.licence))

    def stream(
        self, text: str | ActionPlan, seed: int = 0, *, start: Clip | None = None, sampling: Sampling | None = None,
        use_words: bool = False, position: tuple[float, float] = (0.0, 0.0), yaw: float = 0.0,
    ) -> MotionStream:  # fmt: skip
        """Open a stream.

        Args:
            text: what happens.
            seed: of all its chance.
            start: motion to go on from; the first frame follows its last one. None: the model begins as it likes.
            sampling: how tokens are drawn.
            use_words: also read the sentence itself (MiniLM, loaded when first used), not only the plan made of it.
                Sentences without a known action are read in any case.
            position: x, z of the first frame, metres; not used with ``start``.
            yaw: its heading, radians; not used with ``start``.

        Raises:
            BadInput: the words say no action that is known.
        """
        return MotionStream(
            self.model, text, seed, sampling or Sampling(), start=start, use_words=use_words, position=position, yaw=yaw
        )

    def collect(self, frames: Iterable[PoseFrame], seed: int | None = None) -> Clip:
        """Frames as a clip."""
        rows = list(frames)
        if not rows:
            raise BadInput("stream: no frames")
        return Clip(
            rotations=np.stack([f.rotations for f in rows]),
            root_position=np.stack([f.root_position for f in rows]),
            rest_offsets=self.rest_offsets,
            fps=Fraction(FPS),
            contacts=ContactTrack(LABELS, np.stack([f.contacts for f in rows])),
            provenance=replace(self.model.card.provenance(seed), licence=self.licence),
        )


class MotionStream(Iterator[PoseFrame]):
    """Frames for ever; `say` changes what happens. Made by `Streamer.stream`."""

    def __init__(
        self, model: MotionGPT, text: str | ActionPlan, seed: int, sampling: Sampling, *, start: Clip | None = None,
        use_words: bool = False, position: tuple[float, float] = (0.0, 0.0), yaw: float = 0.0,
    ) -> None:  # fmt: skip
        if not all(map(math.isfinite, (*position, yaw))):
            raise BadInput(f"stream: begins at {position}, yaw {yaw}; expected metres and radians")
        self._model, self._use_words = model, use_words
        self._speaker: Speaker = model.speak(seed, sampling)
        self._tasks: deque[_Task] = deque()
        self._vectors: deque[Tensor] = deque(maxlen=model.tokenizer.network.reach + 1)
        self._yaw = torch.tensor(float(yaw), dtype=torch.float64)
        self._path = torch.tensor(position, dtype=torch.float64)
        self._frames: deque[PoseFrame] = deque()
        self._number = 0
        self.say(text)
        if start is not None:
            self._follow(start)

    def say(self, text: str | ActionPlan) -> None:
        """Do this from now on; what was said before is dropped.

        How well it was understood is then in `confidence`, `suggestions` and `notes`, as in the report on a clip.

        Raises:
            BadInput: the words say no action that is known to the vocabulary and to the weights; the stream goes on as
                it was.
        """
        plan, self.confidence, self.suggestions = understand(text, bound=False, card=self._model.card)
        self.notes = plan.notes
        tasks = []
        for number, step in enumerate(plan.steps):
            lead = step[0]
            spoken = lead.text if self._use_words else ""
            last = number == len(plan.steps) - 1
            tokens = math.inf if last else max(1.0, round(seconds_of(lead) * FPS / STRIDE))
            tasks.append(_Task(lead.text, lead.label, self._model.condition(lead.label, spoken), tokens))
        self._tasks = deque(tasks)

    def send(self, text: str | None) -> PoseFrame:
        """As a generator's: `say` the text, unless it is None, and give the next frame."""
        if text is not None:
            self.say(text)
        return next(self)

    def turn_to(self, yaw: float) -> None:
        """Face another way from the next token on, radians: the stream has no idea of the world, its maker may."""
        if not math.isfinite(yaw):
            raise BadInput(f"yaw: {yaw}, expected radians")
        self._yaw = torch.tensor(float(yaw), dtype=torch.float64)

    def __iter__(self) -> MotionStream:
        return self

    def __next__(self) -> PoseFrame:
        if not self._frames:
            self._frames.extend(self._token())
        return self._frames.popleft()

    @torch.inference_mode()
    def _token(self) -> list[PoseFrame]:
        """Four frames more."""
        task = self._tasks[0]
        codes = self._speaker.next(task.condition)
        if math.isfinite(task.tokens):
            left = task.tokens - 1
            self._tasks[0] = replace(task, tokens=left)
            if left <= 0 and len(self._tasks) > 1:
                self._tasks.popleft()
        self._vectors.append(self._model.tokenizer.vectors(codes))
        written = self._model.tokenizer.network.decode(torch.stack(list(self._vectors))[None])[0, -STRIDE:]
        return self._placed(written, task.text)

    def _placed(self, written: Tensor, text: str) -> list[PoseFrame]:
        yaw, path = walked(written[:, 0].double(), written[:, 1:3].double(), self._yaw, self._path)
        self._yaw, self._path = yaw[-1], path[-1]
        offsets = self._model.tokenizer.network.bones.offsets
        track = shown(written, yaw[:-1].float(), path[:-1].float(), offsets)
        local = local_quaternions(quaternions(track.rotations)).double().numpy()
        rotations = np.zeros((STRIDE, 24, 4))
        rotations[..., 3] = 1.0
        rotations[:, :JOINTS] = local
        pelvis = track.pelvis.double().numpy()
        pelvis[:, [0, 2]] += (path[:-1] - path[:-1].float()).numpy()  # float32 is too coarse after an hour's walk
        on = track.contacts.numpy() > 0.5
        frames = [PoseFrame(self._number + k, rotations[k], pelvis[k], on[k], text) for k in range(STRIDE)]
        self._number += STRIDE
        return frames

    @torch.inference_mode()
    def _follow(self, clip: Clip) -> None:
        """Take a clip for what happened so far; the next frame follows its last."""
        tokenizer = self._model.tokenizer
        tokens = tokenizer.encode(clip)
        whole = tokens.frames // STRIDE  # a last token of fewer frames would hold still
        if whole == 0:
            raise BadInput(f"start: {clip.seconds:.2g} s, expected at least {STRIDE / FPS:.2g} s to go on from")
        codes = tokens.codes[:whole]
        self._speaker.hear(codes[-self._model.network.config.reach :], self._tasks[0].condition)
        self._vectors.extend(tokenizer.vectors(codes))
        place = tokens.places[whole] if whole < len(tokens) else self._after(tokens.places, codes)
        self._path, self._yaw = torch.from_numpy(place[:2].copy()), torch.tensor(float(place[2]), dtype=torch.float64)

    def _after(self, places: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Where the last token of a clip leads."""
        tokenizer = self._model.tokenizer
        written = tokenizer.network.decode(tokenizer.vectors(codes)[None])[0, -STRIDE:]
        at = torch.from_numpy(places[-1].copy())
        yaw, path = walked(written[:, 0].double(), written[:, 1:3].double(), at[2], at[:2])
        return np.array([*path[-1].tolist(), float(yaw[-1])])
