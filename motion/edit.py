"""Edits of a `Clip` as an animator knows them: slice, resample, speed, blend, mirror, loop, repeat, in place, place.

Every function takes clips and returns new ones. T samples at a rate f cover (T − 1) / f seconds of motion.
Contacts and fingers come along.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip, ContactTrack
from motion.easing import smoothstep
from motion.errors import BadInput
from motion.rotations import Array
from motion.sampling import neighbours


def sample(clip: Clip, times: ArrayLike, fps: Fraction | None = None) -> Clip:
    """The clip's poses at the given times: slerp for rotations, linear for the root, nearest for contacts.

    Args:
        times: ``(N,)`` seconds from the clip's start; the first and last poses are held beyond the ends.
        fps: rate to write into the result; the clip's own when None.
    """
    rotations, root = clip.at(times)
    i, j, t = neighbours(np.asarray(times, dtype=np.float64) * float(clip.fps), clip.frames)
    contacts, fingers = clip.contacts, clip.fingers
    if contacts is not None:
        contacts = ContactTrack(contacts.labels, contacts.on[np.rint(i + t).astype(np.int64)])
    return replace(
        clip,
        rotations=rotations,
        root_position=root,
        fingers=None if fingers is None else rot.slerp(fingers[i], fingers[j], t[:, None]),
        contacts=contacts,
        fps=clip.fps if fps is None else Fraction(fps),
    )


def _frames(clip: Clip, index: np.ndarray | builtins.slice) -> Clip:
    """The frames that an index selects, untouched."""
    return replace(
        clip,
        rotations=clip.rotations[index],
        root_position=clip.root_position[index],
        fingers=None if clip.fingers is None else clip.fingers[index],
        contacts=None if clip.contacts is None else ContactTrack(clip.contacts.labels, clip.contacts.on[index]),
    )


def slice(clip: Clip, start_s: float = 0.0, stop_s: float | None = None) -> Clip:
    """The part from ``start_s`` to ``stop_s`` (both sampled) in seconds.

    Raises:
        BadInput: the part is empty or begins after the clip's end.
    """
    last = (clip.frames - 1) / float(clip.fps)
    stop_s = last if stop_s is None else min(stop_s, last)
    if not 0 <= start_s <= stop_s:
        raise BadInput(f"slice: from {start_s:g} s to {stop_s:g} s of a clip of {last:g} s")
    count = math.floor((stop_s - start_s) * float(clip.fps) + 1e-6) + 1
    return sample(clip, start_s + np.arange(count) / float(clip.fps))


def resample(clip: Clip, fps: Fraction | float) -> Clip:
    """The same motion at another rate, any positive fraction; the time of every sample is exact."""
    fps = Fraction(fps)
    if fps <= 0:
        raise BadInput(f"resample: {fps} frames per second, expected more than 0")
    if fps == clip.fps:
        return clip
    ratio = clip.fps / fps  # source frames per new frame
    count = int((clip.frames - 1) / ratio) + 1
    times = np.arange(count) * float(ratio) / float(clip.fps)
    return sample(clip, times, fps)


def speed(clip: Clip, factor: float) -> Clip:
    """Play ``factor`` times as fast, at the same frame rate (2 halves the duration)."""
    if not (math.isfinite(factor) and factor > 0):
        raise BadInput(f"speed: {factor}, expected a positive number")
    count = math.floor((clip.frames - 1) / factor + 1e-9) + 1
    return sample(clip, np.arange(count) * factor / float(clip.fps))


def time_warp(clip: Clip, keys: Sequence[tuple[float, float]]) -> Clip:
    """Re-time by keys ``(source second, new second)``: monotone cubic between them (Fritsch and Carlson 1980).

    Raises:
        BadInput: fewer than two keys, or times that do not increase.
    """
    from scipy.interpolate import PchipInterpolator

    source, new = np.array(keys, dtype=np.float64).reshape(-1, 2).T
    if len(source) < 2 or (np.diff(source) < 0).any() or (np.diff(new) <= 0).any():
        raise BadInput("time warp: expected two or more keys with increasing times")
    count = math.floor((new[-1] - new[0]) * float(clip.fps) + 1e-9) + 1
    return sample(clip, PchipInterpolator(new, source)(new[0] + np.arange(count) / float(clip.fps)))


def heading(clip: Clip) -> Array:
    """Facing about the vertical ``(T,)`` in radians: 0 faces +Z, a quarter turn faces +X.

    Read from the line between the hips; from the pelvis's own forward where that line is upright.
    """
    across = rot.rotate(clip.rotations[:, 0], clip.rest_offsets[1] - clip.rest_offsets[2])
    forward = rot.rotate(clip.rotations[:, 0], np.array([0.0, 0.0, 1.0]))
    flat = np.hypot(across[:, 0], across[:, 2]) > 0.3 * np.linalg.norm(across, axis=1)
    return np.where(flat, np.arctan2(-across[:, 2], across[:, 0]), np.arctan2(forward[:, 0], forward[:, 2]))


def transform(clip: Clip, yaw: float = 0.0, translation: ArrayLike = (0.0, 0.0, 0.0)) -> Clip:
    """Turn the whole performance by ``yaw`` radians about the world's vertical axis, then move it, metres."""
    turn = rot.yaw(yaw)
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    moved = rot.rotate(turn, clip.root_position) + np.asarray(translation, dtype=np.float64)
    return replace(clip, rotations=rotations, root_position=moved)


def place(clip: Clip, position: tuple[float, float], yaw: float | None = None) -> Clip:
    """Start at a floor point ``(x, z)`` in metres, facing ``yaw`` radians (None: as captured). Height is kept."""
    turn = 0.0 if yaw is None else yaw - float(heading(clip)[0])
    turned = transform(clip, turn)
    x, _, z = turned.root_position[0]
    return transform(turned, translation=(position[0] - x, 0.0, position[1] - z))


def mirror(clip: Clip) -> Clip:
    """The mirror image in the plane x = 0, left and right exchanged. Mirroring twice gives the clip back."""
    order = skeleton.MIRROR
    flip_q, flip_v = np.array([1.0, -1.0, -1.0, 1.0]), np.array([-1.0, 1.0, 1.0])
    contacts = clip.contacts
    if contacts is not None:
        swapped = tuple(_other_side(label) for label in contacts.labels)
        columns = [swapped.index(label) if label in swapped else k for k, label in enumerate(contacts.labels)]
        contacts = ContactTrack(contacts.labels, contacts.on[:, columns])
    return replace(
        clip,
        rotations=clip.rotations[:, order] * flip_q,
        root_position=clip.root_position * flip_v,
        rest_offsets=clip.rest_offsets[order] * flip_v,
        valid=clip.valid[order],
        fingers=None if clip.fingers is None else np.roll(clip.fingers, 15, axis=1) * flip_q,
        contacts=contacts,
    )


def _other_side(label: str) -> str:
    if label.startswith("left_"):
        return "right_" + label[5:]
    return "left_" + label[6:] if label.startswith("right_") else label


def blend(a: Clip, b: Clip, weight: ArrayLike) -> Clip:
    """Mix two clips of equal length and rate frame by frame: ``weight (T,)`` or scalar, 0 gives a, 1 gives b."""
    if a.frames != b.frames or a.fps != b.fps:
        raise BadInput(f"blend: {a.frames} frames at {a.fps} against {b.frames} at {b.fps}")
    w = np.broadcast_to(np.asarray(weight, dtype=np.float64), (a.frames,))
    fingers = a.fingers if b.fingers is None else b.fingers
    if a.fingers is not None and b.fingers is not None:
        fingers = rot.slerp(a.fingers, b.fingers, w[:, None])
    contacts = None
    if a.contacts is not None and b.contacts is not None and a.contacts.labels == b.contacts.labels:
        contacts = ContactTrack(a.contacts.labels, np.where(w[:, None] < 0.5, a.contacts.on, b.contacts.on))
    return replace(
        a,
        rotations=rot.slerp(a.rotations, b.rotations, w[:, None]),
        root_position=(1 - w[:, None]) * a.root_position + w[:, None] * b.root_position,
        fingers=fingers,
        contacts=contacts,
        valid=a.valid & b.valid,
    )


def concatenate(clips: Sequence[Clip], blends: Sequence[float] | float = 0.25, align: bool = True) -> Clip:
    """Play clips one after the other, each blending into the next.

    The next clip begins where and as the last one stands when the blend begins (floor position and heading; the
    height is the next clip's own), then the two are mixed with a smooth step over the blend's seconds.

    Args:
        clips: at the same rate, on the same rest skeleton.
        blends: seconds of each transition, one number or ``len(clips) − 1`` of them; shortened to fit the clips.
        align: False keeps each clip where it is in the world.
    """
    if not clips:
        raise BadInput("concatenate: no clips")
    blends = [blends] * (len(clips) - 1) if isinstance(blends, (int, float)) else list(blends)
    if len(blends) != len(clips) - 1:
        raise BadInput(f"concatenate: {len(blends)} blends for {len(clips)} clips, expected {len(clips) - 1}")
    result = clips[0]
    for following, seconds in zip(clips[1:], blends, strict=True):
        if following.fps != result.fps:
            raise BadInput(f"concatenate: {following.fps} and {result.fps} frames per second; resample first")
        n = max(0, min(round(seconds * float(result.fps)), result.frames - 1, following.frames - 1))
        meet = result.frames - 1 - n  # the frame of `result` that the next clip's first frame falls on
        if align:
            x, _, z = result.root_position[meet]
            following = place(following, (x, z), float(heading(_frames(result, np.array([meet])))[0]))
        weight = smoothstep(np.arange(n + 1) / n) if n else np.ones(1)
        tail = np.s_[meet : result.frames]
        parts = [blend(_frames(result, tail), _frames(following, np.s_[: n + 1]), weight)]
        if meet > 0:
            parts.insert(0, _frames(result, np.s_[:meet]))
        if following.frames > n + 1:
            parts.append(_frames(following, np.s_[n + 1 :]))
        result = _join(parts)
    return result


def _join(parts: Sequence[Clip]) -> Clip:
    """Frames of several clips in a row, without any blending."""
    contacts = None
    if all(p.contacts is not None for p in parts) and len({p.contacts.labels for p in parts if p.contacts}) == 1:
        contacts = ContactTrack(parts[0].contacts.labels, np.concatenate([p.contacts.on for p in parts]))  # type: ignore[union-attr]
    fingers = None
    if any(p.fingers is not None for p in parts):
        still = rot.IDENTITY
        fingers = np.concatenate(
            [np.broadcast_to(still, (len(p.rotations), 30, 4)) if p.fingers is None else p.fingers for p in parts]
        )
    notes = tuple(dict.fromkeys(note for part in parts for note in part.provenance.notes))
    sources = tuple(dict.fromkeys(part.provenance.source for part in parts if part.provenance.source))
    return replace(
        parts[0],
        rotations=np.concatenate([p.rotations for p in parts]),
        root_position=np.concatenate([p.root_position for p in parts]),
        valid=np.logical_and.reduce([p.valid for p in parts]),
        fingers=fingers,
        contacts=contacts,
        provenance=replace(parts[0].provenance, source=" + ".join(sources), notes=notes),
    )


def loop(clip: Clip, blend_s: float = 0.3) -> Clip:
    """Bend the last ``blend_s`` seconds so that the last pose is the first one: the clip then repeats without a jump.

    Travel and turning over the floor are kept (a walk still walks); only pose, lean and height are closed.
    """
    n = max(1, min(round(blend_s * float(clip.fps)), clip.frames - 1)) if clip.frames > 1 else 0
    if n == 0:
        return clip
    facing = rot.yaw(heading(clip))
    local = clip.rotations.copy()
    local[:, 0] = rot.multiply(rot.inverse(facing), local[:, 0])
    weight = smoothstep(np.arange(1, n + 1) / n)

    def closed(q: Array) -> Array:
        change = rot.to_rotvec(rot.multiply(rot.inverse(q[-1]), q[0]))
        out = q.copy()
        out[-n:] = rot.multiply(q[-n:], rot.from_rotvec(weight[:, None, None] * change))
        return out

    local = closed(local)
    local[:, 0] = rot.multiply(facing, local[:, 0])
    root = clip.root_position.copy()
    root[-n:, 1] += weight * (root[0, 1] - root[-1, 1])
    return replace(
        clip,
        rotations=rot.normalize(local),
        root_position=root,
        fingers=None if clip.fingers is None else closed(clip.fingers),
    )


def repeat(clip: Clip, times: int, blend_s: float = 0.25) -> Clip:
    """The clip ``times`` times in a row, each beginning where the last ended."""
    if times < 1:
        raise BadInput(f"repeat: {times} times, expected 1 or more")
    return concatenate([clip] * times, blend_s)


def in_place(clip: Clip, window_s: float = 1.0) -> Clip:
    """Take the travel out and leave the sway: the smoothed floor path is subtracted, the start stays where it was."""
    from scipy.ndimage import gaussian_filter1d

    path = clip.root_position[:, [0, 2]]
    sigma = window_s * float(clip.fps) / 2.0
    pad = max(1, min(math.ceil(3 * sigma), clip.frames - 1)) if clip.frames > 1 else 0
    # Odd reflection goes on in the direction of travel, so that the ends are not dragged backwards.
    padded = np.pad(path, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd") if pad else path
    smooth = gaussian_filter1d(padded, sigma, axis=0, mode="nearest")[pad : pad + clip.frames]
    root = clip.root_position.copy()
    root[:, [0, 2]] = path - smooth + smooth[:1]
    return replace(clip, root_position=root)


def hold(clip: Clip, before_s: float = 0.0, after_s: float = 0.0) -> Clip:
    """Stand still on the first pose before, and on the last one after, for the given seconds."""
    before, after = (round(s * float(clip.fps)) for s in (before_s, after_s))
    index = np.concatenate([np.zeros(before, int), np.arange(clip.frames), np.full(after, clip.frames - 1)])
    return _frames(clip, index)
