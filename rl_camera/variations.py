"""The `dp` director: given shots, each filmed from the side and in the size that make the best row of shots.

It tries other sides of each shot and the sizes next to the asked one, as the rule director films them, and takes the
row whose pictures and cuts are worth most together (`dp.best_chain`). When shots begin is not its affair: `auto`
chooses that too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from motion.camera import CameraPath, Shot
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import director as protocol
from rl_camera import dp, editing, framing, shot_terms
from rl_camera.auto import TICK_S, AutoPlan
from rl_camera.candidates import Candidate, Judged, cameras_of, judge, side_of
from rl_camera.director import Action, Observation
from rl_camera.editing import CUT_TERMS, SHOT_TERMS, EditingWeights
from rl_camera.framing import Tracks
from rl_camera.placement import Line, Surroundings
from rl_camera.reasons import Choice, Reason
from rl_camera.rule import RuleDirector, plan_shot
from rl_camera.subjects import heading, partner_of
from rl_camera.vocabulary import SIZES, VIEWS

#: Degrees off the asked side that are tried, and what each second of 45 degrees costs, in seconds of a perfect picture.
TURNS_DEG, TURN_COST = (0.0, 20.0, -20.0, 45.0, -45.0), 0.1

#: What each second in another size than the asked costs.
SIZE_COST = 0.1

_SIZES = [str(name) for name in SIZES]


@dataclass(frozen=True)
class _Way:
    """One way to film a shot."""

    shot: Shot
    candidate: Candidate
    cost: float  # per second


class DpDirector:
    """Chooses sides and sizes of given shots; live it is the rule director."""

    def __init__(self) -> None:
        self._rule = RuleDirector()
        self.reasons: Sequence[tuple[str, ...]] = ()

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """See `director.Director.plan`."""
        chosen = vary(performances, stage, shots, fps, aspect)
        self.reasons = tuple(reason.lines() for reason in chosen.reasons)
        return self._rule.plan(performances, stage, chosen.shots, fps, aspect)

    def step(self, observation: Observation) -> Action:
        """See `director.Director.step`: without the future there is nothing to plan."""
        return self._rule.step(observation)


def vary(
    performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float,
    weights: EditingWeights | None = None,
) -> AutoPlan:  # fmt: skip
    """The best row of shots among variations of given ones, with a reason for each.

    Args:
        performances, stage: who moves, what stands about.
        shots: one after the other, without gaps, as a director's `plan` gets them.
        fps: frames per second of the film.
        aspect: width over height of the picture.
        weights: how much each term counts; None: the usual ones.

    Raises:
        BadInput: a shot that no camera can film.
    """
    weights = weights or EditingWeights()
    around = Surroundings(stage, performances)
    rate = Fraction(fps) / max(1, round(float(fps) * TICK_S))
    ways, judged, values = [], [], []
    for asked in (protocol.check(s, performances) for s in shots):
        everyone = framing.track(performances, _times(asked, rate))
        own = _ways(asked, everyone, aspect)
        table = _film(own, performances, everyone, around, rate, aspect)
        seconds = max(asked.end_s - asked.start_s, 1.0 / float(fps))
        worth = editing.quality(table.shot, weights).mean(0) - np.array([w.cost for w in own])
        ways.append(own)
        judged.append(table)
        values.append(seconds * worth)
    terms = [_cut(a, b, performances, shots[k + 1].start_s, aspect) for k, (a, b) in enumerate(pairwise(judged))]
    chosen, value, seconds_best = dp.best_chain(values, [editing.transition(t, weights) for t in terms])
    weigh = {n: getattr(weights, n) for n in (*SHOT_TERMS, *CUT_TERMS)}
    reasons = []
    for k, way in enumerate(chosen):
        cut = None if k == 0 else terms[k - 1][chosen[k - 1]]
        other, second = seconds_best[k], None
        if other is not None:
            second = _choice(ways[k][other.camera], judged[k], other.camera, cut, other.value)
        first = _choice(ways[k][way], judged[k], way, cut, value)
        reasons.append(Reason(shots[k].start_s, shots[k].end_s, first, weigh, second))
    style = editing.Style(weights=weights)
    return AutoPlan(tuple(own[w].shot for own, w in zip(ways, chosen)), tuple(reasons), value, style)


def _times(shot: Shot, rate: Fraction) -> Array:
    first, stop = protocol.first_frame(shot.start_s, rate), protocol.first_frame(shot.end_s, rate)
    return np.arange(first, max(stop, first + 1)) / float(rate)


def _ways(asked: Shot, everyone: Tracks, aspect: float) -> list[_Way]:
    """Variations of a shot, as it is asked first."""
    partner = partner_of(asked, everyone)
    facing = heading(everyone.only(asked.of[:1] if partner else asked.of))
    sides: list[tuple[float, float, float]]  # world azimuth, shoulder, degrees off what is asked
    if partner:
        pair = (asked.of[0], partner)
        both = [(Candidate(pair, asked.size, shoulder=s), s) for s in (1.0, -1.0)]
        sides = [(side_of(c, everyone, aspect), s, 0.0) for c, s in both]
    else:
        given = asked.options.get("azimuth_deg")
        bases = VIEWS[asked.view].azimuths_deg if given is None else (given,)
        sides = [(facing + float(np.radians(b + t)), 0.0, abs(t)) for t in TURNS_DEG for b in bases]
    at, ways = _SIZES.index(asked.size), []
    for size in [_SIZES[i] for i in (at, at + 1, at - 1) if 0 <= i < len(_SIZES)]:
        for azimuth, shoulder, off in sides:
            degrees = float(np.degrees(np.remainder(azimuth - facing + np.pi, 2.0 * np.pi) - np.pi))
            shot = replace(asked, size=size, options={**asked.options, "azimuth_deg": round(degrees, 3)})
            of = (asked.of[0], partner) if partner else asked.of
            candidate = Candidate(of, size, azimuth - facing, shoulder)
            ways.append(_Way(shot, candidate, TURN_COST * off / 45.0 + SIZE_COST * (size != asked.size)))
    return ways


def _film(
    ways: Sequence[_Way], performances: Sequence[Performance], everyone: Tracks, around: Surroundings, rate: Fraction,
    aspect: float,
) -> Judged:  # fmt: skip
    """All ways to film a shot, judged."""
    T, focal = [], []
    count = len(everyone.times)
    for way in ways:
        end = max(way.shot.end_s, way.shot.start_s + 1.0 / float(rate))
        path = plan_shot(performances, around, Line(), replace(way.shot, end_s=end), rate, aspect)
        T.append(path.T_world_camera[:count])
        focal.append(path.focal_mm[:count])
    cameras = cameras_of([w.candidate for w in ways], everyone.names, np.stack(T, 1), np.stack(focal, 1))
    blocked = None if around.empty else around.blocked
    return judge(cameras, everyone, aspect, blocked)


def _cut(before: Judged, after: Judged, performances: Sequence[Performance], time_s: float, aspect: float) -> Array:
    """Terms ``(K_a, K_b, 6)`` of cuts from every way of a shot, at its end, to every way of the next."""
    step = 0.05
    tracks = framing.track(performances, [time_s - step, time_s, time_s + step])
    points = shot_terms.points_of(tracks.points)
    a, b = before.cameras, after.cameras
    T = np.concatenate([a.T_world_camera[-1], b.T_world_camera[0]])
    focal = np.concatenate([a.focal_mm[-1], b.focal_mm[0]])
    of, shows = np.concatenate([a.of, b.of]), np.concatenate([a.shows, b.shows])
    sight = shot_terms.see(points[1], tracks.stature, T, focal, aspect)
    terms = editing.cut(sight, of, shows, points[1], (points[2] - points[0]) / (2.0 * step), T)
    return terms[: len(a.of), len(a.of) :]


def _choice(way: _Way, judged: Judged, index: int, cut: Array | None, value: float) -> Choice:
    terms = dict(zip(SHOT_TERMS, map(float, judged.shot[:, index].mean(0))))
    if cut is not None:
        terms |= dict(zip(CUT_TERMS, map(float, cut[index])))
    degrees = "" if way.candidate.shoulder else f" ({way.shot.options['azimuth_deg']:+.0f}°, {way.shot.size})"
    return Choice(way.candidate.name + degrees.replace("_", " "), terms, value)


protocol.register("dp", DpDirector)
