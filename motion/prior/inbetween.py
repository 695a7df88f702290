"""`InBetweener`: fills between key poses at once: one pass of a small network, no sampling, the same every time.

    maker = InBetweener.load("base")
    clip = maker.fill(clip, known)                       # known (T,) bool: frames to keep
    clip = maker.between([(0.0, stand), (1.2, crouch)], seconds=2.0)

Known frames come back bit for bit. Gaps of up to two frames are interpolated, and so are gaps of more than two seconds,
which hold more than one action: those are for the sampled prior (`motion.prior.generate`). The result says so.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from motion import contacts
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import gaps, weights
from motion.prior.constraints import JOINTS
from motion.prior.filled import filled
from motion.prior.inbetween_net import CONTEXT, LONGEST_GAP, SHORTEST_GAP, Config, Network, Problem
from motion.prior.poses import local_quaternions, quaternions
from motion.prior.request import MOST_SECONDS
from motion.rotations import Array

#: Frames of one pass: the longest that the network was trained on.
WINDOW = LONGEST_GAP + 2 * CONTEXT
#: Two keys on one frame are one key when they differ by less than this.
_SAME = 1e-3
#: How a gap is filled: interpolated because it is short, long, or open at one end; or by the network.
ROADS = ("short", "network", "long", "open")


class InBetweener:
    """A trained in-betweener and its card."""

    def __init__(self, network: Network, card: weights.Card) -> None:
        self.network, self.card = network.eval(), card

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str] = "base") -> InBetweener:
        """Weights by name, or from a file or a training folder.

        Raises:
            BadInput: there are none, or the file is damaged or of another kind or version.
        """
        path = weights.find(name_or_path, "inbetween")
        tensors, card = weights.load(path, "inbetween")
        return cls(filled(path, lambda t: Network(t["bones.offsets"], Config(**card.config)), tensors), card)

    def save(self, path: str | os.PathLike[str]) -> weights.Card:
        """Write weights and card to a ``.safetensors`` file; gives the card as written."""
        self.card = weights.save(path, self.network.state_dict(), self.card)
        return self.card

    @property
    def rest_offsets(self) -> np.ndarray:
        """``(24, 3)`` metres: the skeleton that it learned on; it fills clips of any other."""
        return self.network.bones.offsets.numpy().astype(np.float64)

    def fill(self, clip: Clip, known: np.ndarray | Sequence[bool]) -> Clip:
        """The clip with new motion at all frames that are not known.

        Before the first and after the last known frame there is nothing to aim at: motion runs out, the pose is held.

        Args:
            clip: any rate, any proportions; unknown frames may hold anything.
            known: ``(T,)`` bool, frames to keep.

        Raises:
            BadInput: ``known`` is not a mask of the clip's frames, or no frame is known.
        """
        mask = np.asarray(known)
        if mask.dtype != bool or mask.shape != (clip.frames,):
            raise BadInput(f"known: {mask.dtype} {mask.shape}, expected bool ({clip.frames},), one for each frame")
        if not mask.any():
            raise BadInput("known: no frame is known, expected at least one")
        if mask.all():
            return clip
        local, root, done = clip.rotations[:, :JOINTS].copy(), clip.root_position.copy(), mask.copy()
        spans = _unknown(mask)
        roads = [_road(a, b, clip) for a, b in spans]
        of = {road: [s for s, r in zip(spans, roads, strict=True) if r == road] for road in ROADS}
        # Short gaps first: then what is beside a gap for the network is as much known motion as there is.
        _interpolate(local, root, done, of["short"])
        if of["network"]:
            self._fill(clip, local, root, done, of["network"])
        _interpolate(local, root, done, of["long"])
        _interpolate(local, root, done, of["open"])
        return self._finished(clip, mask, local, root, of)

    def between(self, keys: Sequence[tuple[float, Clip]], seconds: float, fps: Fraction | float = FPS) -> Clip:
        """Motion through single poses.

        Args:
            keys: (second, clip of one frame), in any order, all on one skeleton.
            seconds: from the first to the last frame.
            fps: rate of the result.

        Raises:
            BadInput: no keys, a time that is not in the clip, two different poses on one frame, different skeletons.
        """
        fps = Fraction(fps).limit_denominator(100_000)
        if not (math.isfinite(seconds) and 0 < seconds <= MOST_SECONDS):
            raise BadInput(f"seconds: {seconds:g}, expected more than 0 and at most {MOST_SECONDS:g}")
        if fps <= 0:
            raise BadInput(f"fps: {fps}, expected more than 0")
        if not keys:
            raise BadInput("keys: none, expected at least one pose")
        frames = round(seconds * float(fps)) + 1
        first = keys[0][1]
        rotations = np.tile(first.rotations[:1], (frames, 1, 1))
        root = np.tile(first.root_position[:1], (frames, 1))
        fingers = None if first.fingers is None else np.tile(first.fingers[:1], (frames, 1, 1))
        known = np.zeros(frames, bool)
        for number, (time, pose) in enumerate(keys):
            at = _frame_of(number, time, seconds, fps)
            if pose.frames != 1:
                raise BadInput(f"key {number}: a clip of {pose.frames} frames, expected one")
            if not np.allclose(pose.rest_offsets, first.rest_offsets, atol=1e-4):
                raise BadInput(f"key {number}: another skeleton than key 0, expected all keys on one")
            if known[at] and _differ(rotations[at], root[at], pose):
                raise BadInput(f"key {number}: another key stands at {at / float(fps):g} s (frame {at}) already")
            rotations[at], root[at], known[at] = pose.rotations[0], pose.root_position[0], True
            if fingers is not None and pose.fingers is not None:
                fingers[at] = pose.fingers[0]
        valid = np.logical_and.reduce([pose.valid for _, pose in keys])
        clip = Clip(rotations, root, first.rest_offsets, fps, valid=valid, fingers=fingers, provenance=first.provenance)
        return self.fill(clip, known)

    # ---- inside

    def _fill(self, clip: Clip, local: Array, root: Array, known: np.ndarray, spans: list[tuple[int, int]]) -> None:
        """Let the network fill these gaps of ``local`` and ``root``, in place; ``known`` becomes True there."""
        r = FPS / float(clip.fps)

        def frame(k: int) -> int:
            return math.floor(k * r + 0.5)

        source = replace(clip, rotations=np.concatenate([local, clip.rotations[:, JOINTS:]], 1), root_position=root)
        place = np.arange(frame(clip.frames - 1) + 1)
        ends = [k for span in (*_unknown(known), *spans) for k in span if 0 <= k < clip.frames]
        exact = {frame(k): k for k in ends}
        # Where a frame at 30 fps lies in the clip: exactly at keys, as near as can be between known frames.
        origin = np.array([exact.get(int(n), n / r) for n in place])
        q, p = source.at(origin / float(clip.fps))
        scale = contacts.size_of(clip.rest_offsets) / self._size
        q, p = rot.continuous(q[:, :JOINTS]), p / scale
        mask = np.ones(len(place), bool)
        for a, b in _unknown(known):
            mask[max(frame(a) + 1, 0) : frame(b)] = False
        bounds = [(frame(a), frame(b)) for a, b in spans]
        for group in _groups(bounds, mask):
            self._pass(q, p, mask, group)
        q = rot.continuous(q)
        for (a, b), (i, j) in zip(spans, bounds, strict=True):
            where = i + np.arange(b - a + 1) * (j - i) / (b - a)
            # Not beyond a neighbour that is not known: there may be anything.
            low, high = i - int(i > 0 and mask[i - 1]), j + int(j + 1 < len(mask) and mask[j + 1])
            inside = slice(low, high + 1)
            turned = _meet(rot.normalize(_cubic(q[inside], where - low)), local[a], local[b])
            local[a + 1 : b] = rot.normalize(turned[1:-1])
            root[a + 1 : b] = _meet(_cubic(p[inside], where - low) * scale, root[a], root[b])[1:-1]
            known[a + 1 : b] = True

    @property
    def _size(self) -> float:
        return contacts.size_of(self.rest_offsets)

    @torch.inference_mode()
    def _pass(self, q: Array, p: Array, mask: np.ndarray, group: list[tuple[int, int]]) -> None:
        """One pass over some gaps and what lies around them."""
        begin = max(group[0][0] + 1 - CONTEXT, 0)
        end = group[-1][1] + 1
        while end < len(mask) and end < group[-1][1] + CONTEXT and mask[end]:
            end += 1
        while not mask[begin : group[0][0]].all():  # an open end, or a gap that is nobody's
            begin += 1
        known = torch.from_numpy(mask[begin:end].copy())[None]
        local = torch.from_numpy(q[begin:end].astype(np.float32))[None]
        problem = Problem.of(local, torch.from_numpy(p[begin:end].astype(np.float32))[None], known, self.network.bones)
        made = self.network(problem.guess(), problem.gaps)
        turned, moved = problem.to_world(local_quaternions(quaternions(made.rotations)), made.pelvis)
        for a, b in group:
            q[a + 1 : b] = turned[0, a + 1 - begin : b - begin].double().numpy()
            p[a + 1 : b] = moved[0, a + 1 - begin : b - begin].double().numpy()
            mask[a + 1 : b] = True

    def _finished(
        self, clip: Clip, mask: np.ndarray, local: Array, root: Array, of: dict[str, list[tuple[int, int]]]
    ) -> Clip:
        where = gaps.find(torch.from_numpy(mask)[None])
        extra = clip.rotations[:, JOINTS:] if clip.fingers is None else np.concatenate(
            [clip.rotations[:, JOINTS:], clip.fingers], axis=1
        )  # fmt: skip
        dummy = torch.zeros(1, len(mask), 3, dtype=torch.float64)
        hands = gaps.straight(torch.from_numpy(extra.copy())[None], dummy, where)[0][0].numpy()
        hands[mask] = extra[mask]
        notes = [f"{int((~mask).sum())} of {len(mask)} frames in-betweened"]
        if of["long"]:
            count, limit = len(of["long"]), (LONGEST_GAP + 1) / FPS
            notes.append(f"{count} gap{'s' * (count > 1)} longer than {limit:.2g} s interpolated, not in-betweened")
        before = clip.provenance
        licence = weights.licence_of([name for name in (before.licence, self.card.licence) if name])
        made = replace(before.noting(*notes), licence=licence, model=self.card.label)
        result = replace(
            clip,
            rotations=np.concatenate([local, hands[:, : 24 - JOINTS]], axis=1),
            root_position=root,
            fingers=None if clip.fingers is None else hands[:, 24 - JOINTS :],
            provenance=made,
        )
        if clip.contacts is None:
            return result
        if clip.contacts.labels == contacts.LABELS:
            fresh = contacts.detect(replace(result, contacts=None), floor=0.0).on
        else:
            nearest = np.where(where.since.numpy() <= where.until.numpy(), where.before.numpy(), where.after.numpy())[0]
            fresh = clip.contacts.on[nearest]
        on = np.where(mask[:, None], clip.contacts.on, fresh)
        return replace(result, contacts=ContactTrack(clip.contacts.labels, on))


def _unknown(mask: np.ndarray) -> list[tuple[int, int]]:
    """Gaps as (known frame before, known frame after): -1 and the length stand for none."""
    edge = np.diff(np.concatenate([[True], mask, [True]]).astype(np.int8))
    return [(int(a) - 1, int(b)) for a, b in zip(np.flatnonzero(edge == -1), np.flatnonzero(edge == 1), strict=True)]


def _groups(bounds: list[tuple[int, int]], mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Neighbouring gaps that fit into one pass, with context on both sides."""
    out: list[list[tuple[int, int]]] = []
    for span in bounds:
        if out:
            begin = out[-1][0][0] + 1 - CONTEXT
            inner = mask.copy()
            for a, b in [*out[-1], span]:
                inner[a + 1 : b] = True
            if span[1] + CONTEXT - begin <= WINDOW and inner[out[-1][0][0] : span[1] + 1].all():
                out[-1].append(span)
                continue
        out.append([span])
    return out


def _interpolate(local: Array, root: Array, known: np.ndarray, spans: list[tuple[int, int]]) -> None:
    """Fill gaps and open ends by the guess that keeps velocity at their ends; in place, ``known`` too."""
    if not spans:
        return
    q, p = torch.from_numpy(local)[None], torch.from_numpy(root)[None]
    turned, moved = gaps.guess(q, p, gaps.find(torch.from_numpy(known)[None]))
    for a, b in spans:
        inside = slice(max(a + 1, 0), b)
        local[inside], root[inside] = turned[0, inside].numpy(), moved[0, inside].numpy()
        known[inside] = True


def _road(a: int, b: int, clip: Clip) -> str:
    """Which of `ROADS` a gap takes, by its length at the network's rate."""
    if a < 0 or b >= clip.frames:
        return "open"
    frames = (b - a) * FPS / float(clip.fps) - 1
    if frames < SHORTEST_GAP - 0.5:
        return "short"
    return "long" if frames > LONGEST_GAP + 0.5 else "network"


def _meet(values: Array, first: Array, last: Array) -> Array:
    """Bend a track so that it begins and ends exactly at two values; a quaternion's sign does not matter."""
    shape = (-1, *([1] * (values.ndim - 1)))
    fade = np.clip(1 - np.arange(len(values)) / min(len(values) - 1, 8), 0, 1).reshape(shape) ** 2
    if values.shape[-1] == 4:
        first = np.where((first * values[0]).sum(-1, keepdims=True) < 0, -first, first)
        last = np.where((last * values[-1]).sum(-1, keepdims=True) < 0, -last, last)
    return values + fade * (first - values[0]) + fade[::-1] * (last - values[-1])


def _cubic(values: Array, where: Array) -> Array:
    """Values at fractional frames by the cubic of Catmull and Rom: no corners in velocity at any rate."""
    # One more value at each end, straight on, gives the ends their tangents.
    values = np.concatenate([2 * values[:1] - values[1:2], values, 2 * values[-1:] - values[-2:-1]])
    i = np.clip(np.floor(where + 1e-9).astype(int), 0, len(values) - 4)
    t = (where - i).reshape(-1, *([1] * (values.ndim - 1)))
    a, b, c, d = (values[i + k] for k in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _frame_of(number: int, time: float, seconds: float, fps: Fraction) -> int:
    if not math.isfinite(time):
        raise BadInput(f"key {number}: time {time}, expected seconds")
    if not -0.5 / float(fps) <= time <= seconds + 0.5 / float(fps):
        raise BadInput(f"key {number}: at {time:g} s, expected 0 to {seconds:g} s")
    return min(max(round(time * float(fps)), 0), round(seconds * float(fps)))


def _differ(rotations: Array, root: Array, pose: Clip) -> bool:
    turned = rot.angle_between(rotations, pose.rotations[0]).max() > _SAME
    return bool(turned or np.abs(root - pose.root_position[0]).max() > _SAME)
