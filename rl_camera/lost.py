"""How long a camera loses its subject: out of the picture, or behind something."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from motion.camera import CameraPath, Shot
from motion.stage import Performance
from rl_camera import framing
from rl_camera.director import first_frame
from rl_camera.framing import LANDMARK
from rl_camera.measures_sight import in_frame, unhidden
from rl_camera.placement import Surroundings

#: Looks per second of film.
RATE = 10.0

#: What a subject is known by: while any of it is seen, it is not lost.
_SEEN_BY = [LANDMARK[name] for name in ("eyes", "neck", "spine2", "pelvis")]


def longest_lost_s(
    path: CameraPath, performances: Sequence[Performance], shot: Shot, around: Surroundings, aspect: float
) -> float:
    """Seconds of the longest stretch in which nothing of the main subject's trunk and head is seen.

    Args:
        path: of this shot alone.
        performances: who is on the set.
        shot: what is filmed; its first subject counts.
        around: what may be in the way.
        aspect: width over height.
    """
    fps = float(path.fps)
    step = max(1, round(fps / RATE))
    frames = np.arange(0, path.frames, step)
    everyone = framing.track(performances, (first_frame(shot.start_s, path.fps) + frames) / fps)
    subject, others = everyone.only(shot.of[:1]), [n for n in everyone.names if n != shot.of[0]]
    points = subject.points[:, 0, _SEEN_BY]
    T = path.T_world_camera[frames]
    seen = in_frame(T, path.focal_mm[frames], aspect, points)
    seen &= unhidden(T[:, :3, 3], points, everyone.only(others), around)
    runs = [sum(1 for _ in run) for shown, run in groupby([bool(s.any()) for s in seen]) if not shown]
    return max(runs, default=0) * step / fps
