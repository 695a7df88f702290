"""How a film is cut and how calmly its camera moves: shot lengths, broken rules of cutting, jerk inside shots.

These are counts by the rules as textbooks have them, from where cameras stand and whom shots are of. `cut_terms` is
what edits are chosen by, from what pictures show and in degrees of wrong; so a planner that maximises those is judged
here by rules that it has not seen. Numbers that both need stand there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion import kinematics
from motion import rotations as rot
from motion.camera import CameraPath, Shot
from motion.kinematics import jerk
from motion.rotations import Array
from rl_camera import cut_terms, shot_terms
from rl_camera.damping import smooth
from rl_camera.framing import LANDMARK, Tracks, tangents
from rl_camera.measures_sight import in_frame, mean_of, unhidden
from rl_camera.placement import Surroundings

#: A cut between pictures of the same people jumps when the camera goes round them by less than this, degrees …
JUMP_DEG = cut_terms.JUMP_DEG[0]

#: … and their size changes by less than this factor: neighbouring shot sizes differ by 1.4 and more.
JUMP_SIZE = cut_terms.JUMP_SIZE[0]

#: A camera nearer to the line than this, degrees seen from the pair's middle, is on neither side.
ON_LINE_DEG = 5.0

#: Who acts is asked of activity under a Gaussian window so wide, seconds.
ACTING_S = 0.5


@dataclass(frozen=True)
class Editing:
    """How the film is cut."""

    shots: int
    shot_length_mean_s: float
    shot_length_median_s: float
    shot_length_sd_s: float
    shot_length_min_s: float
    shot_length_max_s: float
    shot_length_mean_log: float  # of ln seconds: mu and sigma of the log-normal law that films follow (Salt 2006)
    shot_length_sd_log: float
    shot_length_entropy_bits: float  # in half-octave bins
    line_crossings: int  # cuts that break the 180-degree rule
    line_cuts: int  # cuts at which there was a line to cross
    jump_cuts: int  # cuts that break the 30-degree rule
    same_subject_cuts: int  # cuts that could have
    motion_flips: int  # cuts at which who went to the right goes to the left
    motion_cuts: int  # cuts at which somebody seen on both sides of it goes across both pictures
    actor_seen_share: float  # of frames in which the head of who acts most is in the picture and not hidden


def editing(path: CameraPath, shots: Sequence[Shot], everyone: Tracks, around: Surroundings, aspect: float) -> Editing:
    """How a path is cut.

    Args:
        path: the camera.
        shots: checked, in the order of their beginnings.
        everyone: all performers at all frames of the path.
        around: the set.
        aspect: width over height of the picture.
    """
    parts = spans(path, shots)
    lengths = np.array([stop - first for _, first, stop in parts]) / float(path.fps)
    cuts = [(b[1], shots[a[0]], shots[b[0]]) for a, b in itertools.pairwise(parts)]
    logs = np.log(lengths)
    return Editing(
        len(parts), float(lengths.mean()), float(np.median(lengths)), float(lengths.std()), float(lengths.min()),
        float(lengths.max()), float(logs.mean()), float(logs.std()), entropy_bits(lengths),
        *line_crossings(path, cuts, everyone), *jump_cuts(path, cuts, everyone), *motion_flips(path, cuts, everyone),
        mean_of(actor_seen(path, everyone, around, aspect)),
    )  # fmt: skip


def spans(path: CameraPath, shots: Sequence[Shot]) -> list[tuple[int, int, int]]:
    """Number of the shot, first frame and frame after the last of each stretch between two cuts.

    A path may cut where no shot begins (a camera from a file); each stretch belongs to the shot that covers its first
    frame.
    """
    begins = np.array([s.start_s for s in shots])
    starts = [0, *(int(k) for k in np.flatnonzero(path.cuts) if k > 0)]
    out = []
    for first, stop in zip(starts, [*starts[1:], path.frames], strict=True):
        k = int(np.searchsorted(begins, first / float(path.fps) + 1e-6, side="right")) - 1
        out.append((max(k, 0), first, stop))
    return out


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


def motion_flips(path: CameraPath, cuts: Sequence[tuple[int, Shot, Shot]], everyone: Tracks) -> tuple[int, int]:
    """Cuts that turn a movement across the picture round, and cuts at which there was one to turn.

    Somebody whom both shots are of goes across when the pelvis is faster than 0.6 m/s over the ground and both
    cameras look at the way from more than about 11° off it.
    """
    flips, judged = 0, 0
    rate = float(path.fps)
    for k, before, after in cuts:
        low, high = max(k - 1, 0), min(k + 1, len(everyone.times) - 1)
        turned: list[bool] = []
        for name in set(before.of) & set(after.of):
            pelvis = everyone.points[:, everyone.names.index(name), LANDMARK["pelvis"]]
            way = (pelvis[high] - pelvis[low]) * rate / (high - low) * [1.0, 0.0, 1.0]
            speed = float(np.linalg.norm(way))
            if speed < cut_terms.MOVES:
                continue
            across = [float(way @ path.T_world_camera[n, :3, 0]) / speed for n in (k - 1, k)]
            if min(abs(a) for a in across) > cut_terms.OFF_LINE:
                turned.append(across[0] * across[1] < 0)
        judged += bool(turned)
        flips += any(turned)
    return flips, judged


def actor_seen(path: CameraPath, everyone: Tracks, around: Surroundings, aspect: float) -> Array:
    """Whether the head of who acts most at the time is in the picture and not hidden, ``(T,)`` of 0 and 1.

    Who acts most moves most for the size of the body (`shot_terms.activity`), the half second about the frame taken
    together; of one performer it is always that one.
    """
    velocity = kinematics.velocity(shot_terms.points_of(everyone.points), float(path.fps))
    who = smooth(shot_terms.activity(velocity, everyone.stature)[0], ACTING_S, 1.0 / float(path.fps))
    seen = np.zeros(path.frames)
    for s, name in enumerate(everyone.names):
        at = np.flatnonzero(who.argmax(axis=1) == s)
        if not len(at):
            continue
        eyes = everyone.points[at, s, LANDMARK["eyes"]][:, None]
        T = path.T_world_camera[at]
        rest = everyone.only([n for n in everyone.names if n != name])
        rest = Tracks(rest.names, rest.times[at], rest.points[at], rest.stature, rest.heights)
        inside = in_frame(T, path.focal_mm[at], aspect, eyes)
        seen[at] = (inside & unhidden(T[:, :3, 3], eyes, rest, around))[:, 0]
    return seen
