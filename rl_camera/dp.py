"""The best edit of several cameras, exactly: dynamic programming over (camera, time of the last cut).

An edit is a row of shots that fill the time. Its value is the sum of what every tick shows, of what every cut joins and
of how long every shot lasts; the last makes it semi-Markov, so a state is a camera and the moment it came on (Galvane
et al., Continuity Editing for 3D Animation, AAAI 2015). With prefix sums that is O(T K² + T L K) for T ticks, K cameras
and shots of up to L ticks. Nothing here knows what the numbers mean: `editing` makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from motion.errors import BadInput
from motion.rotations import Array


@dataclass(frozen=True)
class Segment:
    """One shot of an edit: a camera from one tick up to another that is not its own."""

    first: int
    stop: int
    camera: int

    @property
    def length(self) -> int:
        """Ticks."""
        return self.stop - self.first


@dataclass(frozen=True)
class Runner:
    """The best edit that has another camera in the place of a chosen shot, everything before and after chosen anew."""

    camera: int
    value: float
    margin: float  # by how much the chosen edit is better, 0 if it is not


@dataclass(frozen=True)
class Edit:
    """An edit, its value, and what was second best for each of its shots."""

    shots: tuple[Segment, ...]
    value: float
    seconds: tuple[Runner | None, ...]  # one for each shot; None: no other camera could stand there

    @property
    def cameras(self) -> np.ndarray:
        """The camera of every tick, ``(T,)``."""
        return np.repeat([s.camera for s in self.shots], [s.length for s in self.shots])

    @property
    def cuts(self) -> np.ndarray:
        """The tick at which each shot begins, ``(shots,)``; the first is 0."""
        return np.array([s.first for s in self.shots])


@dataclass(frozen=True)
class Problem:
    """What there is to choose from; `problem` checks it and fills in what is left out."""

    quality: Array  # (T, K) what a tick of a camera is worth; −inf: it must not be shown
    transition: Array  # (T, K, K) what a cut [t, from, to] at the beginning of tick t is worth
    rhythm: Array  # (L + 1, K) what it is worth that a shot ends after so many ticks
    last: Array  # (L + 1, K) the same for the shot that the end of the time ends
    opening: Array  # (K,) what it is worth to begin with a camera
    pace: Array  # (T, L + 1) what it is worth that a shot that begins at a tick lasts so many
    shortest: int  # ticks of a shot
    shortest_last: int  # ticks of the last shot
    longest: int  # ticks


def problem(
    quality: ArrayLike,
    transition: ArrayLike,
    rhythm: ArrayLike,
    *,
    last: ArrayLike | None = None,
    opening: ArrayLike | None = None,
    pace: ArrayLike | None = None,
    shortest: int = 1,
    shortest_last: int | None = None,
    longest: int | None = None,
) -> Problem:
    """Check and complete what `best_edit` is given.

    Args:
        quality: ``(T, K)`` value of each tick of each camera, any unit; −inf: that camera must not be on.
        transition: ``(T, K, K)`` or ``(K, K)``: value of a cut ``[t, i, j]`` from camera i to camera j at the beginning
            of tick t; the diagonal and t = 0 are never used. −inf forbids a cut.
        rhythm: ``(M,)`` or ``(M, K)``: value of a shot that lasts ``index`` ticks when it ends; at least as long as the
            longest shot and one more.
        last: the same for the last shot, which the end of the time ends; None: like any other.
        opening: ``(K,)`` value of a camera that the edit begins with; None: 0.
        pace: ``(T, M)`` value of a shot ``[t, ℓ]`` that begins at tick t and lasts ℓ, beside ``rhythm`` or ``last``;
            None: 0.
        shortest: ticks that a shot lasts at least.
        shortest_last: the same for the last one; None: like any other.
        longest: ticks that a shot lasts at most; None: as long as there is time.

    Raises:
        BadInput: shapes that do not fit each other, a NaN or +inf, lengths that make no sense.
    """
    q = np.asarray(quality, dtype=np.float64)
    if q.ndim != 2 or 0 in q.shape:
        raise BadInput(f"edit: quality has shape {q.shape}, expected (ticks, cameras), at least one of each")
    ticks, cameras = q.shape
    shortest_last = shortest if shortest_last is None else shortest_last
    longest = ticks if longest is None else min(longest, ticks)
    if not (shortest >= 1 and shortest_last >= 1):
        raise BadInput(f"edit: a shot of at least {min(shortest, shortest_last)} ticks, expected 1 or more")
    # What lasts less than one shot may is one shot.
    shortest, shortest_last = min(shortest, ticks), min(shortest_last, ticks)
    if longest < shortest:
        raise BadInput(f"edit: shots of at most {longest} ticks, expected at least the shortest's {shortest}")
    lengths = longest + 1

    def of_length(name: str, values: ArrayLike) -> Array:
        v = np.asarray(values, dtype=np.float64)
        v = v[:, None] if v.ndim == 1 else v
        if v.ndim != 2 or len(v) < lengths or v.shape[1] not in (1, cameras):
            raise BadInput(
                f"edit: {name} has shape {np.shape(values)}, expected at least {lengths} lengths (0 to {longest} ticks)"
            )
        return np.broadcast_to(v[:lengths], (lengths, cameras))

    def of_shape(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
        v = np.asarray(values, dtype=np.float64)
        try:
            return np.broadcast_to(v, shape)
        except ValueError:
            raise BadInput(f"edit: {name} has shape {v.shape}, expected {shape}") from None

    made = Problem(
        q,
        of_shape("transition", transition, (ticks, cameras, cameras)),
        of_length("rhythm", rhythm),
        of_length("last", rhythm if last is None else last),
        of_shape("opening", np.zeros(cameras) if opening is None else opening, (cameras,)),
        _paced(pace, ticks, lengths),
        shortest,
        shortest_last,
        longest,
    )
    for name in ("quality", "transition", "rhythm", "last", "opening", "pace"):
        values = getattr(made, name)
        if np.isnan(values).any() or np.isposinf(values).any():
            raise BadInput(f"edit: {name} holds a NaN or +infinity")
    return made


def _paced(pace: ArrayLike | None, ticks: int, lengths: int) -> Array:
    """Values of beginnings and lengths, checked."""
    if pace is None:
        return np.broadcast_to(0.0, (ticks, lengths))
    v = np.asarray(pace, dtype=np.float64)
    if v.ndim != 2 or len(v) != ticks or v.shape[1] < lengths:
        raise BadInput(f"edit: pace has shape {v.shape}, expected ({ticks} ticks, at least {lengths} lengths)")
    return v[:, :lengths]


def best_edit(quality: ArrayLike, transition: ArrayLike, rhythm: ArrayLike, **limits: Any) -> Edit:
    """The edit of the highest value; arguments as `problem` takes them.

    >>> edit = best_edit([[1, 0], [1, 0], [0, 1], [0, 1]], np.full((2, 2), -0.5), np.zeros(5))
    >>> [(s.first, s.stop, s.camera) for s in edit.shots], edit.value
    ([(0, 2, 0), (2, 4, 1)], 3.5)

    Raises:
        BadInput: as `problem`; or no edit is allowed at all.
    """
    table = _Table(problem(quality, transition, rhythm, **limits))
    return table.edit(table.forward_best())


def edit_of(p: Problem, shots: Sequence[Segment]) -> Edit:
    """Any edit as an `Edit`: its value, and the best with another camera in the place of each of its shots.

    Raises:
        BadInput: the shots do not fill the time one after the other.
    """
    return _Table(p).edit(shots)


def value_of(p: Problem, shots: Sequence[Segment]) -> float:
    """The value of any edit, added up shot by shot; −inf when a shot breaks a rule.

    Raises:
        BadInput: the shots do not fill the time one after the other.
    """
    total, now, before = 0.0, 0, -1
    for shot in shots:
        if shot.first != now or shot.stop <= shot.first:
            raise BadInput(f"edit: a shot from tick {shot.first} to {shot.stop}, expected one that begins at {now}")
        ends = shot.stop == len(p.quality)
        if shot.length < (p.shortest_last if ends else p.shortest) or shot.length > p.longest or shot.camera == before:
            return -np.inf
        total += float(p.opening[shot.camera] if now == 0 else p.transition[now, before, shot.camera])
        total += float(p.quality[shot.first : shot.stop, shot.camera].sum())
        total += float((p.last if ends else p.rhythm)[shot.length, shot.camera] + p.pace[now, shot.length])
        now, before = shot.stop, shot.camera
    if now != len(p.quality):
        raise BadInput(f"edit: the shots end at tick {now}, expected {len(p.quality)}")
    return total


def best_chain(values: Sequence[ArrayLike], joins: Sequence[ArrayLike]) -> tuple[list[int], float, list[Runner | None]]:
    """The best choice for each of S shots whose times are given (Viterbi 1967).

    Args:
        values: for each shot ``(K_s,)``, what each of its ways is worth.
        joins: for each cut ``(K_s, K_s+1)``, what it is worth between each way before it and each after it.

    Returns:
        The chosen way of each shot; the value of all; for each shot the best that has another way there.

    Raises:
        BadInput: no shots, shapes that do not fit, or nothing is allowed.
    """
    worth = [np.asarray(v, dtype=np.float64) for v in values]
    links = [np.asarray(j, dtype=np.float64) for j in joins]
    shapes = [(len(a), len(b)) for a, b in pairwise(worth)]
    if not worth or any(v.ndim != 1 or not len(v) for v in worth) or [j.shape for j in links] != shapes:
        raise BadInput(f"edit: {len(worth)} shots joined by {[j.shape for j in links]}, expected {shapes}")
    before, after = [worth[0]], [np.zeros(len(worth[-1]))]
    for link, own in zip(links, worth[1:]):
        before.append((before[-1][:, None] + link).max(0) + own)
    for link, later in zip(links[::-1], worth[:0:-1]):
        after.append((link + (later + after[-1])[None]).max(1))
    after.reverse()
    value = float(before[-1].max())
    if not np.isfinite(value):
        raise BadInput("edit: no way of filming these shots is allowed")
    chosen = [int(before[-1].argmax())]
    for link, own in zip(links[::-1], before[-2::-1]):
        chosen.append(int((own + link[:, chosen[-1]]).argmax()))
    chosen.reverse()
    seconds: list[Runner | None] = []
    for way, left, right in zip(chosen, before, after):
        whole = left + right
        whole[way] = -np.inf
        other = int(whole.argmax())
        best = float(whole[other])
        seconds.append(None if np.isneginf(best) else Runner(other, best, max(0.0, value - best)))
    return chosen, value, seconds


class _Table:
    """Best values before and after every moment."""

    def __init__(self, p: Problem) -> None:
        self.p = p
        self.ticks, self.cameras = p.quality.shape
        forbidden = np.isneginf(p.quality)
        zero = np.zeros((1, self.cameras))
        self.sums = np.concatenate([zero, np.cumsum(np.where(forbidden, 0.0, p.quality), axis=0)])
        self.taboo = np.concatenate([zero, np.cumsum(forbidden, axis=0)])  # forbidden ticks before a moment
        self.others = np.where(np.eye(self.cameras, dtype=bool), -np.inf, 0.0)
        # (T + 1, K): best of all that lies before a shot of camera k that begins at t, its joining cut included.
        self.enter = np.full((self.ticks + 1, self.cameras), -np.inf)
        self.came = np.zeros((self.ticks + 1, self.cameras), dtype=np.int64)  # the camera before it
        # (T + 1, K): best of all up to t when a shot of camera k ends there, and when that shot began.
        self.leave = np.full((self.ticks + 1, self.cameras), -np.inf)
        self.since = np.zeros((self.ticks + 1, self.cameras), dtype=np.int64)
        self._forward()
        # (T + 1, K): best of all that lies after a shot of camera k that ends at t, its leaving cut included.
        self.after = np.full((self.ticks + 1, self.cameras), -np.inf)
        self._backward()

    def _lengths(self, ends: bool, most: int) -> np.ndarray:
        """Lengths in ticks that a shot may have, shortest first."""
        least = self.p.shortest_last if ends else self.p.shortest
        return np.arange(least, min(self.p.longest, most) + 1)

    def _forward(self) -> None:
        p, every = self.p, np.arange(self.cameras)
        self.enter[0] = p.opening
        for t in range(1, self.ticks + 1):
            ends = t == self.ticks
            lengths = self._lengths(ends, t)
            if len(lengths):
                begin = t - lengths
                worth = self.enter[begin] - self.sums[begin] + (p.last if ends else p.rhythm)[lengths]
                worth = worth + p.pace[begin, lengths][:, None]
                worth = np.where(self.taboo[begin] < self.taboo[t], -np.inf, worth)
                best = worth.argmax(axis=0)
                self.since[t], self.leave[t] = begin[best], worth[best, every] + self.sums[t]
            if not ends:
                joined = self.leave[t][:, None] + p.transition[t] + self.others
                self.came[t] = joined.argmax(axis=0)
                self.enter[t] = joined[self.came[t], every]

    def _backward(self) -> None:
        p = self.p
        self.after[self.ticks] = 0.0
        for t in range(self.ticks - 1, 0, -1):
            lengths = self._lengths(False, self.ticks - t - 1)
            whole = self.ticks - t
            begins = np.full(self.cameras, -np.inf)  # best of a shot that begins here and of all after it
            if len(lengths):
                stop = t + lengths
                worth = self.after[stop] + self.sums[stop] + p.rhythm[lengths] + p.pace[t, lengths][:, None]
                worth = np.where(self.taboo[stop] > self.taboo[t], -np.inf, worth)
                begins = worth.max(axis=0) - self.sums[t]
            if p.shortest_last <= whole <= p.longest:
                worth = self.sums[-1] - self.sums[t] + p.last[whole] + p.pace[t, whole]
                begins = np.maximum(begins, np.where(self.taboo[-1] > self.taboo[t], -np.inf, worth))
            self.after[t] = (p.transition[t] + self.others + begins).max(axis=1)

    def forward_best(self) -> list[Segment]:
        """The shots of the best edit."""
        camera = int(self.leave[self.ticks].argmax())
        if np.isneginf(self.leave[self.ticks, camera]):
            p = self.p
            raise BadInput(
                f"edit: {self.ticks} ticks cannot be filled with shots of {p.shortest} to {p.longest} ticks "
                f"from {self.cameras} cameras"
            )
        shots, stop = [], self.ticks
        while True:
            first = int(self.since[stop, camera])
            shots.append(Segment(first, stop, camera))
            if first == 0:
                return shots[::-1]
            stop, camera = first, int(self.came[first, camera])

    def edit(self, shots: Sequence[Segment]) -> Edit:
        """An edit with what is second best to each of its shots."""
        value = value_of(self.p, shots)
        return Edit(tuple(shots), value, tuple(self.second(s, value) for s in shots))

    def second(self, shot: Segment, best: float) -> Runner | None:
        """The best edit with a shot of another camera from exactly this shot's beginning to its end."""
        p, a, b = self.p, shot.first, shot.stop
        worth = self.enter[a] + self.sums[b] - self.sums[a] + self.after[b]
        worth = worth + (p.last if b == self.ticks else p.rhythm)[b - a] + p.pace[a, b - a]
        worth = np.where(self.taboo[b] > self.taboo[a], -np.inf, worth)
        worth[shot.camera] = -np.inf
        camera = int(worth.argmax())
        if np.isneginf(worth[camera]):
            return None
        return Runner(camera, float(worth[camera]), max(0.0, best - float(worth[camera])))
