"""`grounded`: a corpus whose feet stand, since captures float and slide a little themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from motion.clip import Clip
from motion.corpus import FPS, Corpus
from motion.errors import CinemotionError
from motion.files import whole
from physics import kinematic
from physics.soles import Soles

#: A clip that the pass moves farther than this is left as it was captured, metres, mean over joints.
_FARTHEST_M = 0.05


def grounded(corpus: Corpus, cache: Path | None = None, say: Callable[[str], None] = lambda _: None) -> Corpus:
    """The corpus after the kinematic pass, clips that have no windows left out.

    Args:
        corpus: captures.
        cache: a ``.npz`` to read from if it fits, and to write otherwise; None: neither.
        say: is told how it went.
    """
    if cache is not None and cache.is_file():
        with np.load(cache) as kept:
            if kept["rotations"].shape == corpus.rotations.shape:
                return replace(corpus, rotations=kept["rotations"], root_position=kept["root_position"])
    rotations, root = np.array(corpus.rotations), np.array(corpus.root_position)
    soles, left = Soles.of_skeleton(corpus.rest_offsets), 0
    used = sorted({w.clip for w in corpus.windows})
    for c in used:
        rows = slice(int(corpus.starts[c]), int(corpus.starts[c + 1]))
        try:
            clip = Clip(corpus.rotations[rows], corpus.root_position[rows], corpus.rest_offsets, Fraction(FPS))
            made = kinematic.plant(clip, soles).clip
        except CinemotionError:
            left += 1
            continue
        moved = np.linalg.norm(made.positions() - clip.positions(), axis=-1).mean()
        if not moved < _FARTHEST_M:
            left += 1
            continue
        rotations[rows], root[rows] = made.rotations, made.root_position
    say(f"feet put on the ground in {len(used) - left} of {len(used)} captures")
    if cache is not None:
        with whole(cache) as beside, beside.open("wb") as out:
            np.savez(out, rotations=rotations, root_position=root)
    return replace(corpus, rotations=rotations, root_position=root)
