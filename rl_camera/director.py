"""What a director is: whoever turns shots into camera paths, planned ahead or live; the registry; `direct`.

A director plans offline, knowing the whole motion, with `Director.plan`; or it acts live, one frame at a time, with
`Director.step`, as a learned policy does. `roll_out` makes a path of a director that only acts.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np

from motion.camera import CameraPath, Shot
from motion.errors import BadInput, unknown
from motion.rate import RateError, exact
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import framing
from rl_camera.framing import LANDMARKS, Tracks
from rl_camera.vocabulary import DIRECTORS, find

#: A path longer than this is a mistake in the scene: 100 hours at 30 frames per second.
MAX_FRAMES = 10_800_000

#: Aperture of frames without depth of field in a path where other shots have it.
PINHOLE_F_STOP = 1000.0


@dataclass(frozen=True)
class CameraState:
    """A camera at one moment."""

    T_world_camera: Array  # (4, 4)
    focal_mm: float
    focus_m: float = 3.0


@dataclass(frozen=True)
class Observation:
    """What a live director sees before each step: the present, nothing later."""

    time: float  # seconds of the film
    dt: float  # seconds until the next frame
    shot: Shot
    begins: bool  # the shot begins at this frame: place the camera with `Action.cut`
    tracks: Tracks  # landmarks (1, S, 33, 3) of every performer now
    velocity: Array  # (S, 33, 3) m/s, from the frame before
    camera: CameraState
    stage: Stage
    performances: tuple[Performance, ...]
    aspect: float


@dataclass(frozen=True)
class Action:
    """What a live director does until the next frame: rates, or a cut to a new place.

    A policy's flat action is ``[velocity (3), turn (3), zoom]`` in this order; `advance` carries it out.
    """

    velocity: Array  # (3,) m/s: to the camera's right, up in the world, ahead on the level
    turn: Array  # (3,) rad/s: yaw to the left, pitch up, roll counter-clockwise
    zoom: float = 0.0  # d ln(focal length) / dt, 1/s
    focus_m: float | None = None  # metres; None: as it was
    cut: CameraState | None = None  # stand here at this very frame, then move at the rates


@runtime_checkable
class Director(Protocol):
    """Runs a camera. The rule director, planners and learned policies are all one of these.

    One that can say why it filmed as it did keeps that after `plan`, as `Explains`.
    """

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """A camera for shots that follow each other without gaps.

        Returns:
            Frames ``first_frame(shots[0].start_s) … first_frame(shots[-1].end_s) − 1``, a cut at each shot's first.
        """
        ...

    def step(self, observation: Observation) -> Action:
        """One live step. Whatever a director remembers it forgets when a shot begins."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A director that says why: after `plan` it holds lines for people to read, one row of them per planned shot."""

    reasons: Sequence[tuple[str, ...]]


_REGISTRY: dict[str, Callable[[], Director]] = {}

#: Directors whose modules are imported, and register them, when they are asked for: they need more than others.
_LATE: dict[str, str] = {
    "policy": "rl_camera.steered",
    "cem": "rl_camera.steered",
    "greedy": "rl_camera.steered",
    "dp": "rl_camera.variations",
}


def register(name: str, factory: Callable[[], Director]) -> None:
    """Make a director known under a name that shots may use."""
    _REGISTRY[name] = factory


def registered() -> tuple[str, ...]:
    """The names of all directors."""
    return tuple(dict.fromkeys([*DIRECTORS, *_LATE, *_REGISTRY]))


def find_director(name: str) -> Director:
    """A fresh director by name.

    Raises:
        BadInput: nobody is registered under that name.
    """
    from rl_camera import rule, simple  # noqa: F401  they register themselves

    if name in _LATE and name not in _REGISTRY:
        importlib.import_module(_LATE[name])
    if name not in _REGISTRY:
        raise unknown("director", name, registered())
    return _REGISTRY[name]()


def first_frame(time_s: float, fps: Fraction) -> int:
    """The first frame at or after a time; frame k is at k / fps."""
    return max(0, math.ceil(time_s * float(fps) - 1e-6))


def advance(camera: CameraState, action: Action, dt: float) -> CameraState:
    """Carry out a live director's action for ``dt`` seconds."""
    camera = action.cut or camera
    yaw, pitch, roll = framing.angles_of(camera.T_world_camera)
    right, ahead = np.array([np.cos(yaw), 0.0, -np.sin(yaw)]), np.array([-np.sin(yaw), 0.0, -np.cos(yaw)])
    v = np.asarray(action.velocity, dtype=np.float64)
    place = camera.T_world_camera[:3, 3] + dt * (v[0] * right + v[1] * np.array([0.0, 1.0, 0.0]) + v[2] * ahead)
    turn = np.asarray(action.turn, dtype=np.float64) * dt
    limit = np.radians(89.5)
    T = framing.pose(place, yaw + turn[0], np.clip(pitch + turn[1], -limit, limit), roll + turn[2])
    focus = camera.focus_m if action.focus_m is None else float(action.focus_m)
    return CameraState(T, float(np.clip(camera.focal_mm * math.exp(action.zoom * dt), 0.1, 1e5)), focus)


def rates(now: CameraState, then: CameraState, dt: float, cut: bool = False) -> Action:
    """The action that takes one camera state to another in ``dt`` seconds: `advance` undone."""
    yaw, pitch, roll = framing.angles_of(now.T_world_camera)
    yaw2, pitch2, roll2 = framing.angles_of(then.T_world_camera)
    step = then.T_world_camera[:3, 3] - now.T_world_camera[:3, 3]
    right, ahead = np.array([np.cos(yaw), 0.0, -np.sin(yaw)]), np.array([-np.sin(yaw), 0.0, -np.cos(yaw)])
    turn = np.array(
        [math.remainder(float(a - b), 2 * math.pi) for a, b in ((yaw2, yaw), (pitch2, pitch), (roll2, roll))]
    )
    return Action(
        np.array([step @ right, step[1], step @ ahead]) / dt,
        turn / dt,
        math.log(then.focal_mm / now.focal_mm) / dt,
        then.focus_m,
        now if cut else None,
    )


def roll_out(
    runner: Director,
    performances: Sequence[Performance],
    stage: Stage,
    shots: Sequence[Shot],
    fps: Fraction,
    aspect: float,
) -> CameraPath:
    """The path that a director makes live, frame by frame; what `plan` is for those that only act."""
    poses, focals, focuses, stops, cuts = [], [], [], [], []
    camera = CameraState(np.eye(4), 35.0)
    dt = 1.0 / float(fps)
    before: Array | None = None
    for shot in shots:
        start = first_frame(shot.start_s, fps)
        frames = range(start, first_frame(shot.end_s, fps))
        whole = framing.track(performances, np.array(frames) * dt)
        for k, frame in enumerate(frames):
            tracks = replace(whole, times=whole.times[k : k + 1], points=whole.points[k : k + 1])
            now = tracks.points[0]
            velocity = np.zeros_like(now) if before is None else (now - before) / dt
            before = now
            seen = Observation(
                frame * dt, dt, shot, frame == start, tracks, velocity, camera, stage, tuple(performances), aspect
            )
            action = runner.step(seen)
            camera = action.cut or camera
            poses.append(camera.T_world_camera)
            focals.append(camera.focal_mm)
            focuses.append(camera.focus_m)
            stops.append(shot.f_stop)
            cuts.append(frame == start)
            camera = advance(camera, action, dt)
    return CameraPath(np.array(poses), np.array(focals), fps, np.array(focuses), f_stops(stops), cuts=np.array(cuts))


def f_stops(stops: Sequence[float | None]) -> Array | None:
    """Apertures per frame; None when no shot names one."""
    if all(s is None for s in stops):
        return None
    return np.array([PINHOLE_F_STOP if s is None else s for s in stops], dtype=np.float64)


def direct(
    performances: Sequence[Performance],
    stage: Stage,
    shots: Sequence[Shot],
    fps: Fraction,
    aspect: float,
    on_reason: Callable[[int, tuple[str, ...]], None] = lambda place, lines: None,
) -> CameraPath:
    """The camera of a whole film, from its frame 0 to the end of its last shot.

    Every shot lasts until the next one begins: a gap is filled by the shot before it (the first shot reaches back
    to 0), an overlap is cut by the later shot, and a shot shorter than one frame leaves none. Where two begin
    together the later in the list wins. Each shot is planned by the director it names.

    Args:
        performances: who moves.
        stage: the set; the camera keeps out of its props and above its ground.
        shots: in any order; words as in `rl_camera.vocabulary`.
        fps: frames per second of the film; frame k is at k / fps.
        aspect: width over height of the picture.
        on_reason: is told a shot's place in ``shots`` and the lines that say why it is filmed as it is, for every shot
            whose director is one that `Explains`.

    Raises:
        BadInput: no shots; unknown words, actors or directors; times, lens, rate or aspect that make no sense.
    """
    fps = _rate(fps)
    if not (math.isfinite(aspect) and 0.05 <= aspect <= 20.0):
        raise BadInput(f"camera: a picture {aspect:g} times as wide as high, expected 0.05 to 20")
    if not shots:
        raise BadInput("camera: no shots, expected at least one")
    order = sorted(range(len(shots)), key=lambda k: shots[k].start_s)
    checked = [check(shots[k], performances) for k in order]
    end = max(shot.end_s for shot in checked)
    frames = max(first_frame(end, fps), 1)
    if frames > MAX_FRAMES:
        raise BadInput(f"camera: the shots last {end:g} s, {frames:,} frames, expected at most {MAX_FRAMES:,}")
    starts = [0, *(first_frame(shot.start_s, fps) for shot in checked[1:])]
    stops = [*starts[1:], frames]
    lasting: list[Shot] = []
    places: list[int] = []
    for place, shot, first, stop in zip(order, checked, starts, stops, strict=True):
        stop = min(stop, frames)
        if stop > first:
            own = first_frame(shot.start_s, fps) == first  # keep exact times, which say how moves are timed
            begin = shot.start_s if own else first / float(fps)
            finish = shot.end_s if first_frame(shot.end_s, fps) == stop else stop / float(fps)
            lasting.append(replace(shot, start_s=begin, end_s=finish))
            places.append(place)
    paths = []
    i = 0
    while i < len(lasting):
        j = i
        while j < len(lasting) and lasting[j].director == lasting[i].director:
            j += 1
        director = find_director(lasting[i].director)
        paths.append(director.plan(performances, stage, lasting[i:j], fps, aspect))
        if isinstance(director, Explains):
            for place, lines in zip(places[i:j], director.reasons, strict=True):
                on_reason(place, lines)
        i = j
    return join(paths)


def join(paths: Sequence[CameraPath]) -> CameraPath:
    """Paths one after the other, of one rate and one sensor."""
    if len(paths) == 1:
        return paths[0]
    stops = [s for p in paths for s in (p.f_stop if p.f_stop is not None else [None] * p.frames)]
    return CameraPath(
        np.concatenate([p.T_world_camera for p in paths]),
        np.concatenate([p.focal_mm for p in paths]),
        paths[0].fps,
        np.concatenate([p.focus_m if p.focus_m is not None else np.full(p.frames, 3.0) for p in paths]),
        f_stops(stops),
        cuts=np.concatenate([p.cuts for p in paths]),
    )


def check(shot: Shot, performances: Sequence[Performance]) -> Shot:
    """The shot with every word as the vocabulary spells it.

    Raises:
        BadInput: a word, an actor or a number that no camera can use.
    """
    where = f"shot at {shot.start_s:g} s" if isinstance(shot.start_s, (int, float)) else "shot"
    known = [p.name for p in performances]
    if not shot.of:
        raise BadInput(f"{where}: of nobody, expected one performer's name or more")
    try:
        for name in shot.of:
            if name not in known:
                raise unknown("actor", name, known)
        changed = replace(
            shot,
            of=tuple(dict.fromkeys(shot.of)),
            size=find("shot size", shot.size),
            angle=find("camera angle", shot.angle),
            view=find("view", shot.view),
            move=find("camera move", shot.move),
            position=find("position in the picture", shot.position),
            options={find("camera option", k): _number(where, k, v) for k, v in shot.options.items()},
        )
    except BadInput as error:
        raise error if str(error).startswith(where) else BadInput(f"{where}: {error}") from None
    find_director(shot.director)
    for what, value, low, high in (("starts", shot.start_s, 0.0, 1e7), ("ends", shot.end_s, 0.0, 1e7)):
        if not (math.isfinite(value) and low <= value <= high):
            raise BadInput(f"{where}: {what} at {value:g} s, expected {low:g} to {high:g}")
    if shot.end_s < shot.start_s:
        raise BadInput(f"{where}: ends at {shot.end_s:g} s, before it starts")
    if not (math.isfinite(shot.lens_mm) and 0.5 <= shot.lens_mm <= 10_000):
        raise BadInput(f"{where}: a lens of {shot.lens_mm:g} mm, expected 0.5 to 10000")
    if shot.f_stop is not None and not (math.isfinite(shot.f_stop) and shot.f_stop > 0):
        raise BadInput(f"{where}: f-stop {shot.f_stop:g}, expected more than 0")
    return changed


def _number(where: str, name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadInput(f"{where}: option {name} is {value!r}, expected a number")
    return float(value)


def _rate(fps: Fraction) -> Fraction:
    try:
        return exact(fps, most=100_000)
    except RateError as error:
        raise BadInput(f"camera: {error}") from None


__all__ = [
    "LANDMARKS", "Action", "CameraState", "Director", "Explains", "Observation", "advance", "check", "direct",
    "find_director", "f_stops", "first_frame", "join", "rates", "register", "registered", "roll_out",
]  # fmt: skip
