"""A prior that has learned nothing, on a corpus of two captures: enough to run every command that needs weights."""

from __future__ import annotations

import functools
from fractions import Fraction
from pathlib import Path

import numpy as np

import mocap_data
from motion import contacts, edit
from motion.body import Body
from motion.corpus import FPS, ClipInfo, Corpus, Label, Window
from motion.prior.weights import Card
from motion.retarget import retarget


@functools.cache
def corpus() -> Corpus:
    """A walk and a jump from the pybullet wheel, in windows of one and two seconds."""
    rest = Body.default(height_m=1.7).rest_offsets
    clips, infos, windows = [], [], []
    for c, (name, label) in enumerate({"walk": Label("walk", direction="forward"), "jump": Label("jump")}.items()):
        clip, _ = retarget(mocap_data.load(f"pybullet:{name}"), rest_offsets=rest)
        clip = edit.repeat(edit.loop(edit.resample(clip, Fraction(FPS))), 4)
        clips.append(clip)
        infos.append(ClipInfo(f"pybullet/{name}", "pybullet", "MIT", label, (f"a person {name}s",)))
        spans = [(split, first) for split, first in (("train", 0), ("train", 20), ("blocks", 45))]
        windows += [
            Window(c, first, frames, split, label, (f"a person {name}s",))
            for split, first in spans
            for frames in (30, 60)
        ]
    valid = np.stack([c.valid for c in clips])
    return Corpus(
        np.concatenate([c.rotations for c in clips]).astype(np.float32),
        np.concatenate([c.root_position for c in clips]).astype(np.float32),
        np.concatenate([contacts.detect(c).on[:, :4] for c in clips]),
        np.ones(sum(c.frames for c in clips), dtype=bool),
        np.cumsum([0, *(c.frames for c in clips)]).astype(np.int64),
        valid,
        rest.astype(np.float32),
        tuple(infos),
        tuple(windows),
    )


def write(path: Path, licence: str = "CC BY-NC 4.0", name: str = "base") -> Path:
    """Weights of a tiny prior with honest statistics and untrained networks."""
    import torch

    from motion.prior.batches import Windows
    from motion.prior.model import Prior, sizes_of
    from motion.prior.stages import SIZES, TwoStages

    torch.manual_seed(0)
    stages = TwoStages(SIZES["tiny"])
    windows = Windows(corpus(), ("train",), frames_per_batch=240)
    stages.measure([windows.draw(step) for step in range(4)])
    with torch.no_grad():  # untrained ends are zero, and then every seed gives the same
        for parameter in stages.parameters():
            parameter += 0.02 * torch.randn(parameter.shape)
    card = Card("prior", name, licence, data=("two captures",), config={"sizes": sizes_of("tiny")})
    Prior(stages, corpus().rest_offsets, card).save(path)
    return path
