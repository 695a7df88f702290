"""How a film is cut and how calmly its camera moves: shot lengths, crossed lines, jump cuts, jerk inside shots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion import rotations as rot
from motion.camera import CameraPath, Shot
from motion.kinematics import jerk
from motion.rotations import Array
from rl_camera.framing import LANDMARK, Tracks, tangents

#: A cut between pictures of the same people jumps when the camera goes round them by less than this, degrees …
JUMP_DEG = 30.0

#: … and their size changes by less than this factor: neighbouring shot sizes differ by 1.4 and more.
JUMP_SIZE = 1.3

#: A camera nearer to the line than this, degrees seen from the pair's middle, is on neither side.
ON_LINE_DEG = 5.0


def entropy_bits(lengths_s: Array) -> float:
    """Shannon entropy of shot lengths in half-octave bins, bits: 0 when all are alike."""
    bins = np.round(2.0 * np.log2(np.maximum(np.asarray(lengths_s, dtype=np.float64), 1e-6))).astype(int)
    _, counts = np.unique(bins, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0


def jerks(path: CameraPath, spans: Sequence[tuple[int, int]]) -> tuple[Array, Array]:
    """Jerk of position, m/s³, and of rotation, rad/s³, inside shots: one value per four frames in a row.

    Rotation: the second difference of the turn from frame to frame in the camera's own frame.
    """
    places, turns, fps = [np.zeros(0)], [np.zeros(0)], float(path.fps)
    for first, stop in spans:
        if stop - first < 4:
            continue
        T = path.T_world_camera[first:stop]
        places.append(np.linalg.norm(jerk(T[:, :3, 3], fps), axis=1))
        step = rot.to_rotvec(rot.from_matrix(np.einsum("tji,tjk->tik", T[:-1, :3, :3], T[1:, :3, :3])))
        turns.append(np.linalg.norm(np.diff(step, n=2, axis=0) * fps**3, axis=1))
    return np.concatenate(places), np.concatenate(turns)


def line_crossings(path: CameraPath, cuts: Sequence[tuple[int, Shot, Shot]], everyone: Tracks) -> tuple[int, int]:
    """Cuts that jump over the line between two people (the 180-degree rule), and cuts at which there was a line.

    The pair is whom the two shots show: their first subjects when these differ, else the first two of either shot,
    else the pair of the cut before, as long as one of it is still shown.

    Args:
        path: the camera.
        cuts: first frame of the new shot, the shot before, the new one.
        everyone: all performers at all frames of the path.
    """
    crossed, judged = 0, 0
    pair: tuple[str, str] | None = None
    for k, before, after in cuts:
        pair = _pair(before, after, pair)
        if pair is None:
            continue
        a, b = (everyone.points[k, everyone.names.index(n), LANDMARK["pelvis"]][[0, 2]] for n in pair)
        if np.linalg.norm(b - a) < 0.2:
            continue
        sides = []
        for frame in (k - 1, k):
            off = path.T_world_camera[frame, :3, 3][[0, 2]] - (a + b) / 2.0
            along, across = np.dot(b - a, off), (b - a)[1] * off[0] - (b - a)[0] * off[1]
            sides.append(0.0 if abs(np.degrees(np.arctan2(across, abs(along)))) < ON_LINE_DEG else np.sign(across))
        judged += 1
        crossed += int(sides[0] * sides[1] < 0)
    return crossed, judged


def _pair(before: Shot, after: Shot, last: tuple[str, str] | None) -> tuple[str, str] | None:
    if before.of[0] != after.of[0]:
        return before.of[0], after.of[0]
    for shot in (after, before):
        if len(shot.of) > 1:
            return shot.of[0], shot.of[1]
    return last if last is not None and after.of[0] in last else None


def jump_cuts(path: CameraPath, cuts: Sequence[tuple[int, Shot, Shot]], everyone: Tracks) -> tuple[int, int]:
    """Cuts that hardly change the picture (the 30-degree rule), and cuts between pictures of the same people."""
    jumps, judged = 0, 0
    for k, before, after in cuts:
        if set(before.of) != set(after.of):
            continue
        judged += 1
        rows = [everyone.names.index(n) for n in after.of]
        target = everyone.points[k, rows, LANDMARK["spine2"]].mean(axis=0)
        way, frame = [], []
        for n in (k - 1, k):
            off = path.T_world_camera[n, :3, 3] - target
            far = max(float(np.linalg.norm(off)), 1e-9)
            way.append(off / far)
            frame.append(far * float(tangents(path.focal_mm[n], 1.0)[1]))
        turned = float(np.degrees(np.arccos(np.clip(np.dot(way[0], way[1]), -1.0, 1.0))))
        jumps += int(turned < JUMP_DEG and abs(np.log(frame[1] / frame[0])) < np.log(JUMP_SIZE))
    return jumps, judged
