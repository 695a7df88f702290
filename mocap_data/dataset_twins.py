"""The same motion under two names: `find_twins` compares clips by pose, as captured and mirrored, whatever their file.

A twin is a run of at least a second in which two clips show one motion at a constant shift in time. Moments in which
nothing moves are no evidence: everybody stands still alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip
from motion.edit import heading
from motion.rotations import Array

_I = skeleton.INDEX
#: Joints that every source has or that follow from those it has.
POINTS: tuple[str, ...] = (
    "left_knee", "right_knee", "left_ankle", "right_ankle", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
_SWAP = [POINTS.index(skeleton.JOINTS[skeleton.MIRROR[_I[name]]]) for name in POINTS]
#: Frames of a descriptor, after its first: half a second at 30 fps.
OFFSETS = (0, 5, 10, 15)
#: Mean distance of joints below which two half seconds are one. The same take by two retargets differs by about 2 cm;
#: two takes of one action by one performer differ by 3 cm and more.
SAME_M = 0.02
#: A descriptor whose joints move less than this on average says nothing, metres.
MOVES_M = 0.03
#: Descriptors are compared every so many frames of the later clip, against every frame of the earlier.
STRIDE = 3
#: So many of them in a row make a twin: with the descriptor's own half second, one second.
RUN = 6
#: Sets of many takes of one action by one performer, whose takes lie as near each other as copies do elsewhere: there
#: only what is the same to the last digits of a file is a copy. In Bandai-Namco-2 six pairs lie below 2.1 mm, and the
#: next ones, two takes each, above 7.7 mm.
MANY_TAKES = ("bandai-namco-2",)
EXACT_M = 0.006
#: Numbers that the search keeps of a descriptor; the rest is compared only for candidates.
_KEPT = 16


@dataclass(frozen=True)
class Twin:
    """Frames ``start`` to ``stop`` of clip ``copy`` show what clip ``of`` shows from frame ``at`` on."""

    copy: int
    start: int
    stop: int
    of: int
    at: int
    mirrored: bool
    distance_m: float  # mean over joints and frames


def poses(clip: Clip) -> Array:
    """``(T, 10, 3)`` metres: joints from the spot under the pelvis, turned to face the way the pelvis does."""
    points = clip.positions()
    yaw = heading(clip)
    local = points[:, [_I[name] for name in POINTS]] - points[:, :1] * np.array([1.0, 0.0, 1.0])
    return rot.rotate(rot.yaw(-yaw)[:, None], local).astype(np.float32)


def mirrored(pose: Array) -> Array:
    """Poses of the mirror image."""
    return pose[:, _SWAP] * np.array([-1.0, 1.0, 1.0], dtype=np.float32)


def descriptors(pose: Array, every: int = 1) -> tuple[np.ndarray, Array]:
    """First frames ``(N,)`` and descriptors ``(N, 4 × 30)`` of the half seconds of a clip in which something moves."""
    count = len(pose) - OFFSETS[-1]
    if count <= 0:
        return np.zeros(0, np.int64), np.zeros((0, len(OFFSETS) * 30), np.float32)
    starts = np.arange(0, count, every)
    parts = np.stack([pose[starts + o] for o in OFFSETS], 1)  # (N, 4, 10, 3)
    moved = np.linalg.norm(parts - parts.mean(1, keepdims=True), axis=-1).mean((1, 2))
    return starts[moved > MOVES_M], parts[moved > MOVES_M].reshape(-1, len(OFFSETS) * 30)


def distance(a: Array, b: Array) -> Array:
    """Mean distance of joints, metres, of descriptors ``(N, 120)``."""
    return np.linalg.norm((a - b).reshape(len(a), len(OFFSETS) * len(POINTS), 3), axis=-1).mean(1)


def find_twins(poses_: Sequence[Array], same_m: float = SAME_M) -> list[Twin]:
    """Every run of every clip that an **earlier** clip in the list shows too; put those first that shall be kept."""
    base = [descriptors(p) for p in poses_]
    counts = [len(starts) for starts, _ in base]
    if sum(counts) == 0:
        return []
    rows = np.concatenate([d for _, d in base])
    clip_of = np.repeat(np.arange(len(poses_)), counts)
    frame_of = np.concatenate([starts for starts, _ in base])
    mean = rows.mean(0)
    sample = rows[:: max(1, len(rows) // 20000)] - mean
    _, _, axes = np.linalg.svd(sample.astype(np.float64), full_matrices=False)
    axes = axes[:_KEPT].astype(np.float32)
    tree = cKDTree((rows - mean) @ axes.T)
    # Projection only shortens. The mean over joints is below same_m where the root mean square is below 1.3 times that.
    radius = 1.3 * same_m * np.sqrt(len(OFFSETS) * len(POINTS))
    out: list[Twin] = []
    for flipped in (False, True):
        for clip, pose in enumerate(poses_):
            starts, query = descriptors(mirrored(pose) if flipped else pose, STRIDE)
            if len(starts) == 0 or clip == 0:
                continue
            near = tree.query_ball_point((query - mean) @ axes.T, radius)
            q = np.repeat(np.arange(len(query)), [len(n) for n in near])
            if len(q) == 0:
                continue
            r = np.concatenate([np.asarray(n, dtype=np.int64) for n in near if n])
            earlier = clip_of[r] < clip
            q, r = q[earlier], r[earlier]
            close = distance(query[q], rows[r])
            q, r, close = q[close < same_m], r[close < same_m], close[close < same_m]
            out += _runs(clip, starts[q], clip_of[r], frame_of[r], close, flipped)
    return out


def copies(poses_: Sequence[Array], sources: Sequence[str]) -> list[Twin]:
    """`find_twins` over a whole corpus; sets of near-identical takes are searched for exact copies only."""
    others = [i for i, source in enumerate(sources) if source not in MANY_TAKES]
    found = [
        replace(twin, copy=others[twin.copy], of=others[twin.of]) for twin in find_twins([poses_[i] for i in others])
    ]
    if len(others) < len(poses_):
        found += find_twins(poses_, EXACT_M)
    return found


def _runs(clip: int, frame: np.ndarray, of: np.ndarray, at: np.ndarray, close: Array, flipped: bool) -> list[Twin]:
    """Matches of one clip, gathered into runs of constant shift against one other clip."""
    out = []
    for other in np.unique(of):
        mine = of == other
        shifts = (at - frame)[mine]
        f, d = frame[mine], close[mine]
        values, sizes = np.unique(shifts, return_counts=True)
        taken: list[tuple[int, int]] = []
        for shift in values[np.argsort(-sizes, kind="stable")]:
            chosen = np.abs(shifts - shift) <= 1
            if len(np.unique(f[chosen])) < RUN:
                continue
            at_frames = np.unique(f[chosen])
            for run in np.split(at_frames, np.flatnonzero(np.diff(at_frames) > 3 * STRIDE) + 1):
                if len(run) < RUN or any(a <= run[0] and run[-1] <= b for a, b in taken):
                    continue
                taken.append((int(run[0]), int(run[-1])))
                mean = float(d[chosen & (f >= run[0]) & (f <= run[-1])].mean())
                out.append(
                    Twin(
                        clip,
                        int(run[0]),
                        int(run[-1]) + OFFSETS[-1] + 1,
                        int(other),
                        int(run[0] + shift),
                        flipped,
                        mean,
                    )
                )
    return out
