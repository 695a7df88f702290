"""Candidate cameras for a stretch of a performance: who is filmed, how large, from where; their paths over time.

`propose` lists what a director would set up: a wide shot of all, two-shots, singles, over-the-shoulder pairs, profiles.
`rule_cameras` films them with the rule director, as a film will have them. `quick_cameras` composes in closed form,
twenty times faster, for environments that need many scenes. `judge` gives their terms, ready for `editing` and `dp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from motion import kinematics
from motion.camera import Shot
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance
from rl_camera import editing, framing, shot_terms
from rl_camera.damping import smooth
from rl_camera.framing import Tracks
from rl_camera.placement import LOWEST, Line, Surroundings
from rl_camera.rule import TRAVEL_S, plan_shot
from rl_camera.setup import REACH_X, headroom_for
from rl_camera.shot_terms import Sight
from rl_camera.subjects import heading, headings, middle
from rl_camera.vocabulary import SIZES, VIEWS, ShotSize, View, usual_lens

#: A subject that turns by more than this is offered another stand, radians; over a shoulder, by more than the second.
TURNED, TURNED_SHOULDER = np.radians(40.0), np.radians(15.0)

#: Several subjects have a front when the mean of their facings is at least so long.
FRONT = 0.6

#: Metres apart at which one can be filmed over the other's shoulder, and for which share of the time at least.
TALK_M, TALK_SHARE = (0.6, 2.6), 0.2

#: Performers nearer to each other than this are a pair, metres.
PAIR_M = 5.0


@dataclass(frozen=True)
class Candidate:
    """A camera that could be on: a shot without its times."""

    of: tuple[str, ...]  # over a shoulder: who is filmed, and past whom
    size: str
    azimuth: float = 0.0  # radians from where the subjects face, positive to their left
    shoulder: float = 0.0  # past the right (1) or the left (−1) shoulder of ``of[1]``; 0: not over a shoulder
    sided: bool = True  # its subjects have a front: a pair that faces each other has none

    @property
    def composed(self) -> tuple[str, ...]:
        """Who is framed."""
        return self.of[:1] if self.shoulder else self.of

    @property
    def view(self) -> str:
        """The vocabulary's word for the side."""
        if self.shoulder:
            return str(View.OVER_THE_SHOULDER)
        degrees = np.degrees(self.azimuth)
        sided = [(abs((degrees - v.azimuths_deg[0] + 180) % 360 - 180), str(n)) for n, v in VIEWS.items()]
        return min((off, name) for off, name in sided if len(VIEWS[name].azimuths_deg) == 1)[1]

    @property
    def name(self) -> str:
        """A few words: ``medium of mia from the front left``."""
        if self.shoulder:
            return f"{self._size} of {self.of[0]} over {self.of[1]}'s shoulder"
        side = {"front_three_quarter": "front", "back_three_quarter": "back"}
        view = self.view
        for long, short in side.items():
            view = view.replace(long, short)
        # Two or more are framed as wide as they stand apart, so a size would promise too much.
        size = "two-shot" if len(self.of) == 2 and self.size != ShotSize.WIDE else self._size
        if not self.sided:
            return f"{size} of {_and(self.of)}"
        return f"{size} of {_and(self.of)} from the {view.replace('profile_', '').replace('_', ' ')}"

    @property
    def _size(self) -> str:
        return self.size.replace("_", " ")


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def propose(everyone: Tracks, most: int | None = None) -> tuple[Candidate, ...]:
    """Cameras worth setting up, the indispensable first, on one side of a pair's line before those on the other.

    Args:
        everyone: who could be filmed.
        most: how many at most; None: all.

    Raises:
        BadInput: nobody, or fewer than one camera is asked for.
    """
    names = everyone.names
    if not names or (most is not None and most < 1):
        raise BadInput(f"cameras: {most} of {len(names)} performers, expected at least one of each")
    if len(names) == 1:
        out = [_from(names, size, degrees) for size, degrees in _ALONE]
    else:
        out = _company(everyone)
    return tuple(out[:most])


_ALONE = (
    (ShotSize.FULL, 25), (ShotSize.MEDIUM, -40), (ShotSize.CLOSE_UP, 30), (ShotSize.WIDE, -15), (ShotSize.FULL, -50),
    (ShotSize.MEDIUM_FULL, 90), (ShotSize.MEDIUM, 45), (ShotSize.CLOSE_UP, -35), (ShotSize.MEDIUM_FULL, -90),
    (ShotSize.WIDE, 60), (ShotSize.FULL, 140),
)  # fmt: skip


def _from(of: Sequence[str], size: str, degrees: float) -> Candidate:
    return Candidate(tuple(of), str(size), float(np.radians(degrees)))


def _company(everyone: Tracks) -> list[Candidate]:
    """For two and more. Sides alternate: of two who face each other, opposite signs are one side of their line."""
    names = everyone.names
    pelvis = everyone.of("pelvis").mean(0)
    apart = np.hypot(*(pelvis[:, None] - pelvis[None])[..., [0, 2]].transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    near = {tuple(sorted((i, int(apart[i].argmin())))) for i in range(len(names)) if apart[i].min() < PAIR_M}
    pairs = sorted(near, key=lambda p: float(apart[p]))
    two = [] if len(names) == 2 and not pairs else [tuple(names[i] for i in p) for p in pairs]
    ways = everyone.of("pelvis")[..., [0, 2]]
    metres = {p: np.hypot(*(ways[:, p[0]] - ways[:, p[1]]).T) for p in pairs}
    talks = [p for p, m in metres.items() if ((m > TALK_M[0]) & (m < TALK_M[1])).mean() >= TALK_SHARE]
    side = [1 if i % 2 == 0 else -1 for i in range(len(names))]

    def singles(size: str, degrees: float) -> list[Candidate]:
        return [_from((name,), size, degrees * s) for name, s in zip(names, side)]

    def shoulders(turned: int) -> list[Candidate]:
        return [
            Candidate((names[a], names[b]), str(ShotSize.MEDIUM_CLOSE_UP), shoulder=float(turned * sign))
            for i, j in talks
            for a, b, sign in ((i, j, 1), (j, i, -1))
        ]

    return [
        _from(names, ShotSize.WIDE, 0),
        *singles(ShotSize.MEDIUM, 40),
        *(_from(pair, ShotSize.MEDIUM_FULL, 25) for pair in two),
        *singles(ShotSize.CLOSE_UP, 25),
        *shoulders(1),
        *singles(ShotSize.FULL, -45),
        _from(names, ShotSize.WIDE, 45),
        _from(names, ShotSize.WIDE, -45),
        *singles(ShotSize.MEDIUM, -40),
        *singles(ShotSize.CLOSE_UP, -35),
        *shoulders(-1),
        *(_from(pair, ShotSize.MEDIUM_FULL, -25) for pair in two),
        *singles(ShotSize.MEDIUM_FULL, 90),
    ]


# ---- where they stand


def side_of(candidate: Candidate, everyone: Tracks, aspect: float) -> float:
    """World azimuth in radians at which a candidate films this stretch, about +Y from +Z."""
    if not candidate.shoulder:
        return heading(everyone.only(candidate.composed)) + candidate.azimuth
    head = everyone.of("head").mean(0)[:, [0, 2]]
    subject, other = (head[everyone.names.index(n)] for n in candidate.of[:2])
    away = other - subject
    apart = float(np.hypot(*away))
    # The line to the subject passes the other's head by its breadth, and by more from farther off.
    tan_x, _ = framing.tangents(usual_lens(candidate.size), aspect)
    clear = max(0.28, 0.8 * float(tan_x) * 0.65)
    angle = float(np.arcsin(min(0.8, clear / max(apart, 0.3))))
    return float(np.arctan2(away[0], away[1])) + candidate.shoulder * angle


def shot_of(candidate: Candidate, everyone: Tracks, azimuth: float, start_s: float, end_s: float) -> Shot:
    """The shot that films a candidate from a world azimuth, for the rule director.

    Args:
        candidate: who and how large.
        everyone: all performers over the shot's own time.
        azimuth: radians, world, as `side_of` gives it.
        start_s, end_s: seconds of the film.
    """
    own = Stand(candidate, azimuth).named(everyone)
    return Shot(
        start_s, end_s, own.of, own.size, view=own.view, position="auto", lens_mm=usual_lens(own.size),
        options={"azimuth_deg": round(float(np.degrees(own.azimuth)), 3)},
    )  # fmt: skip


@dataclass(frozen=True)
class Cameras:
    """Candidates as cameras over N moments, and what `judge` needs to know of them."""

    candidates: tuple[Candidate, ...]
    T_world_camera: Array  # (N, K, 4, 4)
    focal_mm: Array  # (N, K)
    of: np.ndarray  # (K, S) bool: who is composed
    shows: np.ndarray  # (K, S) bool: the same and past whose shoulder
    asked: Array  # (K,) height of the frame that the size asks for, statures
    keeps: np.ndarray  # (K, P) bool, of shot_terms.POINTS


def cameras_of(candidates: Sequence[Candidate], names: Sequence[str], T: Array, focal: Array) -> Cameras:
    """Poses ``(N, K, 4, 4)`` and focal lengths ``(N, K)`` of candidates as `Cameras`; ``names`` of everybody."""
    return Cameras(
        tuple(candidates), T, focal,
        np.array([[n in c.composed for n in names] for c in candidates]),
        np.array([[n in c.of for n in names] for c in candidates]),
        np.array([SIZES[c.size].frame_height for c in candidates]),
        np.array([shot_terms.keeps_of(c.size) for c in candidates]),
    )  # fmt: skip


@dataclass(frozen=True)
class Stand:
    """A candidate that keeps its side of the world, however its subjects turn."""

    candidate: Candidate
    azimuth: float  # radians, world

    def named(self, everyone: Tracks) -> Candidate:
        """The candidate as it is over a stretch: its side from where the subjects face then."""
        subjects = everyone.only(self.candidate.composed)
        own = self.azimuth - heading(subjects)
        sided = len(subjects.names) == 1 or float(np.hypot(*subjects.facing().mean(axis=(0, 1)))) > FRONT
        return replace(self.candidate, azimuth=float(np.arctan2(np.sin(own), np.cos(own))), sided=sided)


def stands(
    candidates: Sequence[Candidate], everyone: Tracks, edges: np.ndarray, aspect: float, most: int
) -> tuple[Stand, ...]:
    """Where candidates stand over a stretch; one whose subjects turn has several stands.

    A camera that went round with its subjects from block to block would change sides within a shot, and cross lines
    that nobody sees crossed.

    Args:
        candidates: the indispensable first.
        everyone: all performers.
        edges: ``(B + 1,)`` moments between which blocks lie, numbers of samples.
        aspect: width over height of the picture.
        most: how many at most; the first stands of all candidates come before any second.
    """
    rounds: list[list[Stand]] = []
    taken: dict[tuple[tuple[str, ...], str, float], list[float]] = {}
    parts = [_part(everyone, slice(a, b)) for a, b in pairwise(edges)]
    for candidate in candidates:
        apart = TURNED_SHOULDER if candidate.shoulder else TURNED
        own: list[float] = []
        for part in parts:
            azimuth = side_of(candidate, part, aspect)
            if all(_turn(azimuth, a) > apart for a in own):
                own.append(azimuth)
        known = taken.setdefault((candidate.of, candidate.size, candidate.shoulder), [])
        for k, azimuth in enumerate(own):
            # Another candidate of the same subjects may stand there already, from when they faced elsewhere.
            if k and any(_turn(azimuth, a) < TURNED_SHOULDER for a in known):
                continue
            known.append(azimuth)
            while len(rounds) <= k:
                rounds.append([])
            rounds[k].append(Stand(candidate, azimuth))
    return tuple([stand for one in rounds for stand in one][:most])


def _turn(a: float, b: float) -> float:
    """The angle between two directions, radians."""
    return abs(float(np.arctan2(np.sin(a - b), np.cos(a - b))))


def rule_cameras(
    performances: Sequence[Performance], around: Surroundings, everyone: Tracks, where: Sequence[Stand],
    edges: np.ndarray, first: int, rate: Fraction, aspect: float,
) -> Cameras:  # fmt: skip
    """Candidates as the rule director films them from where they stand, block by block.

    What it does depends on how long a shot is (it stands where it can and travels where it must), so a stretch is
    filmed in blocks about as long as shots will be.

    Args:
        performances, around: who moves, what stands about.
        everyone: their tracks at the ticks.
        where: what to film, and from where.
        edges: ``(B + 1,)`` ticks of the blocks, from 0.
        first: the tick that is 0 there; tick k is at ``k / rate`` seconds.
        rate: ticks per second.
        aspect: width over height of the picture.
    """
    poses, focals = [], []
    for stand in where:
        paths = []
        for a, b in pairwise(edges):
            part = _part(everyone, slice(a, b))
            start, end = (float((first + int(t)) / rate) for t in (a, b))
            shot = shot_of(stand.candidate, part, stand.azimuth, start, end)
            paths.append(plan_shot(performances, around, Line(), shot, rate, aspect))
        poses.append(np.concatenate([p.T_world_camera for p in paths]))
        focals.append(np.concatenate([p.focal_mm for p in paths]))
    return cameras_of([s.candidate for s in where], everyone.names, np.stack(poses, 1), np.stack(focals, 1))


def _part(everyone: Tracks, which: slice) -> Tracks:
    return replace(everyone, times=everyone.times[which], points=everyone.points[which])


def quick_cameras(
    everyone: Tracks, candidates: Sequence[Candidate], aspect: float, around: Surroundings | None = None
) -> Cameras:
    """Candidates as closed-form cameras that travel with their subjects, over the tracks' own moments.

    Each aims at the framed part's middle, made calm by a Gaussian window, from the distance that its size asks for or
    that shows all of a group; it is pushed out of things that stand about.

    Args:
        everyone: all performers, evenly in time.
        candidates: what to film.
        aspect: width over height of the picture.
        around: what stands about.
    """
    dt = float(everyone.times[1] - everyone.times[0]) if len(everyone.times) > 1 else 1.0
    poses, focals = [], []
    for candidate in candidates:
        subjects = everyone.only(candidate.composed)
        spec, keeps = SIZES[candidate.size], framing.indices(SIZES[candidate.size].keeps)
        side = np.full(len(everyone.times), side_of(candidate, everyone, aspect))
        if len(subjects.names) == 1 and not candidate.shoulder:
            side = headings(subjects, dt) + candidate.azimuth
        anchor = smooth(middle(subjects.points, keeps, side, 0.0), TRAVEL_S, dt)
        eyes = smooth(subjects.of("eyes").mean(1)[:, 1], TRAVEL_S, dt)
        tan_x, tan_y = (float(t) for t in framing.tangents(spec.lens_mm, aspect))
        stature = float(subjects.stature.max())
        distance = float(framing.distance_for(spec.frame_height * stature, spec.lens_mm, aspect))
        right = np.stack([np.cos(side), np.zeros_like(side), -np.sin(side)], axis=-1)
        across = np.einsum("tsni,ti->tsn", subjects.points[:, :, keeps] - anchor[:, None, None], right)
        distance = max(distance, float(np.quantile(np.abs(across).max((1, 2)), 0.95)) / (REACH_X * tan_x))
        if candidate.shoulder:
            other = everyone.of("head")[:, everyone.names.index(candidate.of[1])]
            distance = max(distance, float(np.quantile(np.linalg.norm(other - anchor, axis=-1), 0.9)) + 0.65)
        place = anchor + distance * np.stack([np.sin(side), np.zeros_like(side), np.cos(side)], axis=-1)
        place[:, 1] = np.maximum(eyes, LOWEST)
        if around is not None and not around.empty:
            place = around.push_out(place)
        share = distance * 2.0 * tan_y / stature
        heights = subjects.heights[0, keeps]
        centre = 0.5 if spec.keeps == ("*",) else float(0.5 * (heights.min() + heights.max()))
        y = 1.0 - 2.0 * (float(headroom_for(share)) + (1.0 - centre) / share)
        yaw, pitch = framing.aim(place, anchor, 0.0, y, tan_x, tan_y)
        poses.append(framing.pose(place, yaw, pitch))
        focals.append(np.full(len(place), spec.lens_mm))
    return cameras_of(candidates, everyone.names, np.stack(poses, 1), np.stack(focals, 1))


# ---- what they are worth


@dataclass(frozen=True)
class Judged:
    """Cameras with their terms at N moments."""

    cameras: Cameras
    sight: Sight
    shot: Array  # (N, K, 5) editing.SHOT_TERMS
    cut: Array  # (N, K, K, 6) editing.CUT_TERMS
    who: Array  # (N, S) each performer's share of what goes on
    velocity: Array  # (N, S, P, 3) m/s


def judge(
    cameras: Cameras, everyone: Tracks, aspect: float, blocked: Callable[[Array, Array], np.ndarray] | None = None
) -> Judged:
    """The terms of every camera, and of every cut between two, at the tracks' moments.

    Args:
        cameras: over the same moments as ``everyone``.
        everyone: all performers, evenly in time.
        aspect: width over height of the picture.
        blocked: whether the set stands between two points, as `placement.Surroundings.blocked`; None: nothing does.
    """
    points = shot_terms.points_of(everyone.points)
    rate = 1.0 / float(everyone.times[1] - everyone.times[0]) if len(everyone.times) > 1 else 1.0
    velocity = kinematics.velocity(points, rate)
    sight = shot_terms.see(points, everyone.stature, cameras.T_world_camera, cameras.focal_mm, aspect, blocked)
    shot = editing.shot(
        sight, cameras.of, cameras.shows, cameras.keeps, cameras.asked, points, velocity, everyone.stature
    )
    cut = editing.cut(sight, cameras.of, cameras.shows, points, velocity, cameras.T_world_camera)
    return Judged(cameras, sight, shot, cut, shot_terms.activity(velocity, everyone.stature)[0], velocity)
