"""Answers of each model to the items of a `TestSet`: from words, from keys, over gaps, and along paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from motion import rotations as rot
from motion.clip import Clip
from motion.corpus import Label
from motion.errors import BadInput
from motion.prior import constrain
from motion.prior.constraints import GUIDED, JOINTS, Constraints
from motion.prior.evaluate_set import Item
from motion.prior.metrics_gap import hold, interpolate
from motion.prior.request import LEAST_WINDOW, WindowRequest

if TYPE_CHECKING:
    from motion.prior.stream import Streamer

#: Frames from one key to the next, about: 5 keys in 6 s, both ends among them.
KEY_STEP = 45
#: Windows in one batch.
BATCH = 32


class Sampler(Protocol):
    """What `motion.prior.model.Prior` does, its switches included."""

    def sample(
        self, requests: Sequence[WindowRequest], *, steps: int = 8, guidance: float = 2.5,
        constraint_guidance: float = GUIDED, use_plan: bool = True, use_words: bool = True,
    ) -> list[Clip]: ...  # fmt: skip


class Filler(Protocol):
    """What `motion.prior.inbetween.InBetweener` does."""

    def fill(self, clip: Clip, known: np.ndarray) -> Clip: ...


def key_frames(frames: int) -> np.ndarray:
    """Frames of the keys of an item ``(K,)``: 5 in 6 s, evenly, the first and the last frame among them."""
    return np.linspace(0, frames - 1, max(2, round((frames - 1) / KEY_STEP) + 1)).round().astype(np.int64)


def sampled(
    prior: Sampler,
    items: Sequence[Item],
    *,
    constraints: Sequence[Constraints] | None = None,
    use_plan: bool = True,
    use_words: bool = True,
    seed: int = 0,
    steps: int = 8,
    guidance: float = 2.5,
    say: Callable[[str], None] = lambda _: None,
) -> list[Clip]:
    """The prior's first sample for each item; alike lengths are made together.

    The plan tokens are what `motion.text.plan` reads in the caption, as for a user's words, not the window's label.
    """
    out: list[Clip | None] = [None] * len(items)
    for frames in sorted({item.frames for item in items}):
        rows = [i for i, item in enumerate(items) if item.frames == frames]
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            requests = [
                WindowRequest(
                    frames,
                    Constraints.none(frames) if constraints is None else constraints[i],
                    items[i].text,
                    items[i].plan if use_plan else Label(),
                    seed=seed * 100_003 + i,
                )
                for i in part
            ]
            clips = prior.sample(requests, steps=steps, guidance=guidance, use_plan=use_plan, use_words=use_words)
            for i, clip in zip(part, clips, strict=True):
                out[i] = clip
        say(f"{len(rows)} windows of {frames / 30:g} s")
    return [clip for clip in out if clip is not None]


def keyed(items: Sequence[Item], real: Sequence[Clip]) -> list[Constraints]:
    """The captured poses at `key_frames` as constraints; joints that the source lacked are left free."""
    out = []
    for item, clip in zip(items, real, strict=True):
        at = key_frames(item.frames)
        into = Constraints.none(item.frames)
        constrain.hold(into, at, constrain.pick(clip, at), np.tile(item.valid, (len(at), 1)))
        out.append(into)
    return out


def filled(filler: Filler, items: Sequence[Item], real: Sequence[Clip]) -> list[Clip]:
    """The in-betweener's answer to the same keys."""
    out = []
    for item, clip in zip(items, real, strict=True):
        known = np.zeros(item.frames, bool)
        known[key_frames(item.frames)] = True
        out.append(filler.fill(clip, known))
    return out


def lerped(items: Sequence[Item], real: Sequence[Clip], still: bool = False) -> list[Clip]:
    """Interpolation between the same keys; or, still, each key held until the next."""
    out = []
    for item, clip in zip(items, real, strict=True):
        q, p = clip.rotations.copy(), clip.root_position.copy()
        at = key_frames(item.frames)
        for a, b in pairwise(at):
            q[a + 1 : b], p[a + 1 : b] = (hold if still else interpolate)(clip.rotations, clip.root_position, a, b)
        out.append(replace(clip, rotations=q, root_position=p, contacts=None))
    return out


def streamed(streamer: Streamer, items: Sequence[Item], use_words: bool = True, seed: int = 0) -> list[Clip | None]:
    """The token GPT's first frames for each item; None where it refuses the words."""
    out: list[Clip | None] = []
    for i, item in enumerate(items):
        try:
            frames = streamer.stream(item.text, seed * 100_003 + i, use_words=use_words)
            out.append(streamer.collect(islice(frames, item.frames)))
        except BadInput:
            out.append(None)
    return out


# ---- gaps, as LAFAN1 has them


def gap_of_prior(prior: Sampler, real: Sequence[Clip], start: int, stop: int, valid: np.ndarray) -> list[Clip]:
    """The prior between a past up to frame ``start`` and the pose at ``stop``, without words.

    Args:
        prior: the sampler.
        real: captured clips of one length.
        start: last known frame.
        stop: the target.
        valid: ``(N, 22)`` joints that may be held.
    """
    frames = max(LEAST_WINDOW, stop + 1)
    known = np.append(np.arange(start + 1), stop)
    out: list[Clip] = []
    for at in range(0, len(real), BATCH):
        requests = []
        for i, clip in enumerate(real[at : at + BATCH]):
            into = Constraints.none(frames)
            constrain.hold(into, known, constrain.pick(clip, known), np.tile(valid[at + i], (len(known), 1)))
            requests.append(WindowRequest(frames, into, seed=at + i))
        out += prior.sample(requests)
    return out


def gap_of_filler(filler: Filler, real: Sequence[Clip], start: int, stop: int) -> list[Clip]:
    """The in-betweener over the same gap."""
    known = np.zeros(stop + 1, bool)
    known[: start + 1] = known[stop] = True
    return [filler.fill(constrain.pick(clip, np.arange(stop + 1)), known) for clip in real]


def gap_of(
    fill: Callable[..., tuple[np.ndarray, np.ndarray]], real: Sequence[Clip], start: int, stop: int
) -> list[Clip]:
    """A baseline (`metrics_gap.interpolate` or `hold`) over the same gap."""
    out = []
    for clip in real:
        one = constrain.pick(clip, np.arange(stop + 1))
        q, p = one.rotations.copy(), one.root_position.copy()
        q[start + 1 : stop], p[start + 1 : stop] = fill(one.rotations, one.root_position, start, stop)
        out.append(replace(one, rotations=q, root_position=p, contacts=None))
    return out


def aligned_world(clips: Sequence[Clip], frame: int, like: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray]:
    """World rotations and positions ``(N, T, 22, …)``, each turned to face +Z and centred at a frame of another clip.

    LAFAN1 aligns at the last past frame; the capture's own pose there is used for what is judged and for the truth.
    """
    from motion.edit import heading

    rotations, positions = [], []
    for clip, real in zip(clips, like, strict=True):
        yaw = float(heading(constrain.pick(real, np.array([frame])))[0])
        q, p = clip.world()
        centre = real.root_position[frame] * [1.0, 0.0, 1.0]
        turn = rot.yaw(-yaw)
        rotations.append(rot.multiply(turn, q[:, :JOINTS]))
        positions.append(rot.rotate(turn, p[:, :JOINTS] - centre))
    return np.stack(rotations), np.stack(positions)
