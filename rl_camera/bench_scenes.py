"""Scenes on which whole directors are compared: held-out captures, things in the way, a row of shots each, by seed.

The performers come from captures that nothing is trained or tuned on. Over the scenes every shot size and every camera
move is asked for; things stand where a camera would like to look through, and every third scene has a wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from motion import rotations as rot
from motion.body import Body
from motion.camera import Shot
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Prop, Stage
from rl_camera import framing
from rl_camera.bench import FIRST_SEED
from rl_camera.coverage import scenes as coverage
from rl_camera.coverage.config import CoverageConfig
from rl_camera.env.library import default_library
from rl_camera.framing import Tracks
from rl_camera.subjects import heading
from rl_camera.vocabulary import SIZES, Angle, Position, ShotSize, View, names, usual_lens

#: Shots of a scene, and how long each lasts.
SHOTS, SHOT_S = 4, 3.0

#: Scenes of one performer, of two, … in turn.
PERFORMERS = 4

#: Things that are put between a subject and a camera that has not been set up yet.
IN_THE_WAY = 2

#: Places that are tried for a thing.
TRIES = 12

#: Metres between a thing's edge and everybody's way.
FREE_M = 0.35

#: Sizes that two or more may share.
_GROUPS = (ShotSize.EXTREME_WIDE, ShotSize.WIDE, ShotSize.FULL, ShotSize.MEDIUM_FULL)

_VIEWS = {
    View.FRONT: 0.15, View.FRONT_THREE_QUARTER: 0.4, View.FRONT_THREE_QUARTER_LEFT: 0.1,
    View.FRONT_THREE_QUARTER_RIGHT: 0.1, View.PROFILE: 0.15, View.BACK_THREE_QUARTER: 0.1,
}  # fmt: skip
_ANGLES = {Angle.EYE_LEVEL: 0.6, Angle.LOW: 0.15, Angle.HIGH: 0.15, Angle.DUTCH: 0.1}
_POSITIONS = {Position.AUTO: 0.5, Position.THIRDS: 0.25, Position.CENTRE: 0.25}


@dataclass(frozen=True)
class BenchScene:
    """Who performs, where, and what is asked of the camera."""

    number: int
    performances: tuple[Performance, ...]
    stage: Stage
    shots: tuple[Shot, ...]  # one after the other, without gaps; their director is still to be named

    @property
    def seconds(self) -> float:
        """Until the last shot ends."""
        return self.shots[-1].end_s


def held_out(count: int, clips: Sequence[Clip] | None = None) -> tuple[BenchScene, ...]:
    """The benchmark's first scenes; each is a function of its number and of the clips alone.

    Args:
        count: how many.
        clips: motion that they are made of; None: takes of the held-out captures.

    Raises:
        BadInput: fewer than one scene, or no clips.
    """
    if count < 1:
        raise BadInput(f"bench camera: {count} scenes, expected at least 1")
    return tuple(captured(number) if clips is None else make(clips, number) for number in range(count))


@lru_cache(maxsize=64)
def captured(number: int) -> BenchScene:
    """Scene ``number`` from takes of the held-out captures; see `make`."""
    return make(default_library("test").clips, number)


def make(clips: Sequence[Clip], number: int) -> BenchScene:
    """Scene ``number``.

    Raises:
        BadInput: there are no clips.
    """
    config = CoverageConfig(split="test", seed=FIRST_SEED, performers=PERFORMERS, props=2, seconds=SHOTS * SHOT_S)
    drawn = coverage.make(clips, config, number)
    body = Body.default()
    cast = tuple(replace(p, character=body) for p in drawn.performances)
    rng = np.random.default_rng([FIRST_SEED, number])
    shots = _shots(number, [p.name for p in cast], rng)
    everyone = framing.track(cast, np.arange(0.0, SHOTS * SHOT_S, 0.1))
    things = [*drawn.stage.props]
    for shot in shots[:IN_THE_WAY]:
        things += _between(shot, everyone, rng)
    if number % 3 == 2:
        things += _wall(everyone, rng)
    stage = Stage(props=tuple(replace(thing, name=f"thing {k}") for k, thing in enumerate(things, start=1)))
    return BenchScene(number, cast, stage, shots)


def _shots(number: int, cast: Sequence[str], rng: np.random.Generator) -> tuple[Shot, ...]:
    """What a scene asks: sizes and moves as dealt, the rest drawn."""
    out = []
    for k in range(SHOTS):
        place = number * SHOTS + k
        size, move = _dealt("shot size", place), _dealt("camera move", place)
        main = str(rng.choice(list(cast)))
        others = [n for n in cast if n != main]
        of, view = [main], str(rng.choice(list(_VIEWS), p=list(_VIEWS.values())))
        if others and size in _GROUPS and rng.random() < 0.5:
            of += [str(n) for n in rng.permutation(others)[: int(rng.integers(1, len(others) + 1))]]
        elif others and size in (ShotSize.MEDIUM, ShotSize.MEDIUM_CLOSE_UP) and rng.random() < 0.3:
            view = str(View.OVER_THE_SHOULDER)
        out.append(
            Shot(
                k * SHOT_S, (k + 1) * SHOT_S, tuple(of), size, str(rng.choice(list(_ANGLES), p=list(_ANGLES.values()))),
                view, move, str(rng.choice(list(_POSITIONS), p=list(_POSITIONS.values()))), usual_lens(size),
            )
        )  # fmt: skip
    return tuple(out)


def _dealt(kind: str, place: int) -> str:
    """Words of a kind as cards are dealt: each once before any comes again, in another order every time."""
    known = names(kind)
    round_, card = divmod(place, len(known))
    order = np.random.default_rng([FIRST_SEED, len(known), round_]).permutation(len(known))
    return known[int(order[card])]


def _between(shot: Shot, everyone: Tracks, rng: np.random.Generator) -> list[Prop]:
    """A pillar or a block on the way from a shot's subject to where a camera would stand, where there is room."""
    subject = everyone.only(shot.of[:1])
    own = (subject.times >= shot.start_s) & (subject.times < shot.end_s)
    here = Tracks(subject.names, subject.times[own], subject.points[own], subject.stature, subject.heights)
    share = float(here.stature[0]) * SIZES[shot.size].frame_height
    far = float(np.clip(framing.distance_for(share, shot.lens_mm, 16 / 9), 2.0, 6.0))
    middle, facing = here.of("pelvis").mean((0, 1))[[0, 2]], heading(here)
    for _ in range(TRIES):
        side = facing + np.radians(float(rng.choice([40.0, -40.0])) + rng.normal(0.0, 15.0))
        at = middle + far * float(rng.uniform(0.4, 0.9)) * np.array([np.sin(side), np.cos(side)])
        if rng.random() < 0.5:
            wide, high = float(rng.uniform(0.25, 0.5)), float(rng.uniform(1.6, 2.4))
        else:
            wide, high = float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.6, 1.5))
        thing = Prop("", "cylinder" if wide < 0.5 else "box", (wide, high, wide))
        if put := _placed(thing, at, float(rng.uniform(0, np.pi)), everyone):
            return put
    return []


def _wall(everyone: Tracks, rng: np.random.Generator) -> list[Prop]:
    """A wall beside the scene, nearer than a wide shot stands, where there is room."""
    middle = everyone.of("pelvis").mean((0, 1))[[0, 2]]
    for _ in range(TRIES):
        angle, far = float(rng.uniform(0.0, 2.0 * np.pi)), float(rng.uniform(2.5, 4.0))
        at = middle + far * np.array([np.sin(angle), np.cos(angle)])
        if put := _placed(Prop("", "box", (5.0, 2.6, 0.2)), at, angle, everyone):
            return put
    return []


def _placed(thing: Prop, at: Array, turn: float, everyone: Tracks) -> list[Prop]:
    """The thing there, when nobody's body comes near it."""
    put = replace(thing, position=np.array([at[0], 0.0, at[1]]), rotation=rot.yaw(turn))
    way = everyone.points.reshape(-1, 3)[:, [0, 2]] - at
    c, s = np.cos(turn), np.sin(turn)
    local = np.abs(np.stack([c * way[:, 0] - s * way[:, 1], s * way[:, 0] + c * way[:, 1]], axis=-1))
    gap = np.maximum(local - 0.5 * np.array([thing.size[0], thing.size[2]]), 0.0)
    return [put] if np.hypot(*gap.T).min() > FREE_M else []
