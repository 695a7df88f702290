"""The observation of Coverage, slot by slot: `slots` names every number, `at_moments` and `Filler` make them.

All is float32, about −1 to 1, and known at the moment of the decision; only the look-ahead of ``knowledge: offline``
is of the future. There are P performer slots and K cameras; performers that a scene lacks are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from rl_camera import cut_terms, editing, framing
from rl_camera.coverage.config import CoverageConfig
from rl_camera.coverage.scenes import SAMPLES, Scene
from rl_camera.editing import CUT_TERMS, SHOT_TERMS
from rl_camera.shot_terms import POINT, of_subjects, points_of


@dataclass(frozen=True)
class Slot:
    """A run of numbers of an observation."""

    name: str
    start: int
    stop: int
    about: str

    @property
    def at(self) -> slice:
        """Where it is in an observation's last axis."""
        return slice(self.start, self.stop)


def slots(config: CoverageConfig) -> tuple[Slot, ...]:
    """What each number of an observation is."""
    K, P = config.cameras, config.performers
    rows: list[tuple[str, int, str]] = [
        (
            "time_since_cut",
            1,
            "seconds since the current shot began, over the rhythm's mean length, at most 4; 0 at first",
        ),
        ("began", 1, "1 once a camera is on: the first choice is free and costs nothing"),
        ("action_mask", K, "1: choosing this camera does something or holds; 0: it would be held back"),
        ("current", K, "1 for the camera that is on"),
        ("present", P, "1 for each performer that the scene has"),
        ("activity", P, "each performer's share of what goes on, as the action term counts it"),
    ]
    for k in range(K):
        about = f"camera {k}: "
        rows += [
            (f"camera{k}.terms", len(SHOT_TERMS), about + ", ".join(SHOT_TERMS) + " now, 0..1"),
            (f"camera{k}.value", 1, about + "its value per second now, the weighted sum of these"),
            (f"camera{k}.eyes", 2, about + "where its first subject's eyes are, half frames right and up, ±2, halved"),
            (f"camera{k}.size", 1, about + "ln(height of the frame at its subjects in statures) / 2"),
            (f"camera{k}.shows", P, about + "1 for each performer that it shows"),
            (f"camera{k}.side", P, about + "sine of its side of the line between its first subject and each other"),
            (f"camera{k}.axis", 2, about + "cosine and sine of its heading against the current camera's; 0 at first"),
            (f"camera{k}.cut", len(CUT_TERMS), about + ", ".join(CUT_TERMS) + " of a cut to it now, 0..1"),
        ]
        if config.knowledge == "offline":
            rows.append(
                (f"camera{k}.ahead", config.look_ahead, about + "its value per second in each of the coming ticks")
            )
    out, start = [], 0
    for name, count, about in rows:
        out.append(Slot(name, start, start + count, about))
        start += count
    return tuple(out)


def at_moments(scene: Scene, config: CoverageConfig) -> tuple[Array, Array, Array]:
    """What does not depend on which camera is on, at every decision and at the end: T + 1 moments.

    Returns:
        ``(T + 1, 2 P)`` presence and activity; ``(T + 1, K, F)`` of each camera, in the order of `slots` without what
        hangs on the current one; ``(T + 1, K)`` headings of the cameras, radians.
    """
    judged, P = scene.judged, config.performers
    S = len(scene.performances)
    every = slice(None, None, SAMPLES)
    count = config.steps + 1

    def padded(values: Array) -> Array:
        return np.concatenate([values, np.zeros((*values.shape[:-1], P - S))], axis=-1)

    whole = np.concatenate([padded(np.ones((count, S))), padded(judged.who[every])], axis=-1)
    cameras, sight = judged.cameras, judged.sight
    K = len(cameras.candidates)
    first = cameras.of.argmax(-1)
    eyes = np.clip(sight.xy[every][:, np.arange(K), first, POINT["eyes"]], -2.0, 2.0) / 2.0
    size = of_subjects(np.log(np.clip(sight.share[every], 1e-3, 1e3)), cameras.of) / 2.0
    shows = np.broadcast_to(padded(cameras.shows.astype(float)), (count, K, P))
    side = np.zeros((count, K, P))
    every_side = cut_terms.sides(points_of(scene.everyone.points[every]), cameras.T_world_camera[every])
    for q, (a, b) in enumerate(cut_terms.pairs(S)):
        for one, other in ((a, b), (b, a)):
            mine = np.flatnonzero(first == one)
            side[:, mine, other] = every_side[:, mine, q]
    terms = judged.shot[every]
    value = editing.quality(terms, config.rules.weights)
    parts = [terms, value[..., None], eyes, size[..., None], shows, side]
    yaw, _, _ = framing.angles_of(cameras.T_world_camera[every])
    return whole.astype(np.float32), np.concatenate(parts, axis=-1).astype(np.float32), yaw.astype(np.float32)


def ahead(value: Array, ticks: int) -> Array:
    """What each camera is worth per second in each of so many coming ticks; the last tick is held beyond the end.

    Args:
        value: ``(T, K)`` per tick.
        ticks: how far to look.

    Returns:
        ``(T + 1, K, ticks)``.
    """
    index = np.minimum(np.arange(len(value) + 1)[:, None] + np.arange(ticks), len(value) - 1)
    return value[index].transpose(0, 2, 1)
