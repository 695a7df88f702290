"""Episodes as what the rest of the project films: performers, a set, a shot and a camera path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion import edit
from motion.camera import CameraPath, Shot
from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array, yaw
from motion.stage import Performance, Prop, Stage
from rl_camera import framing
from rl_camera.env import dynamics
from rl_camera.env.columns import Columns
from rl_camera.env.episode import Episodes
from rl_camera.env.library import SIZE_NAMES, MotionLibrary, Table
from rl_camera.vocabulary import Move

NAMES = ("ana", "ben", "cleo", "dov", "eva", "finn", "gia", "hugo")


def name_of(slot: int) -> str:
    """The name of the performer in a slot."""
    return NAMES[slot] if slot < len(NAMES) else f"performer {slot + 1}"


def performances_of(
    library: MotionLibrary, table: Table, episodes: Episodes, index: int, character: Character | None = None
) -> tuple[Performance, ...]:
    """Who performs in one episode, from its start at time 0.

    Args:
        library: takes that the episode was cut from.
        table: the same as columns.
        episodes: N of them.
        index: which.
        character: the body that pictures show; measures need none.
    """
    d, out = episodes.data, []
    for p in range(len(episodes.rows)):
        if d["present"][p, index] < 0.5:
            continue
        row = int(episodes.rows[p, index])
        take = int(np.searchsorted(table.starts, row, side="right")) - 1
        begin = (row - int(table.starts[take])) / library.rate
        seconds = int(episodes.length[index]) / library.rate
        clip = edit.slice(library.clips[take], begin, begin + seconds + 1.0 / library.rate)
        turn = float(np.arctan2(d["sin"][p, index], d["cos"][p, index]))
        moved = edit.transform(_scaled(clip, float(d["scale"][p, index])), turn)
        shift = np.array([d["off_x"][p, index], 0.0, d["off_z"][p, index]], np.float64)
        out.append(Performance(name_of(p), replace(moved, root_position=moved.root_position + shift), character, 0.0))  # type: ignore[arg-type]
    return tuple(out)


def _scaled(clip: Clip, scale: float) -> Clip:
    """The same body, larger or smaller."""
    return replace(clip, rest_offsets=clip.rest_offsets * scale, root_position=clip.root_position * scale)


def stage_of(episodes: Episodes, index: int) -> Stage:
    """What stands about in one episode."""
    d, things = episodes.data, []
    for k in range(d["block_reach"].shape[0] if "block_reach" in d.layout else 0):
        if d["block_reach"][k, index] <= 0.0:
            continue
        half, radius = d["block_half"][:, k, index].astype(np.float64), float(d["block_round"][k, index])
        at = d["block_at"][:, k, index].astype(np.float64)
        turn = float(np.arctan2(d["block_sin"][k, index], d["block_cos"][k, index]))
        shape = "box" if radius <= 0 else "sphere" if half[1] <= 0 else "cylinder"
        size = 2.0 * (half + radius)
        under = at - [0.0, 0.5 * size[1], 0.0]
        things.append(Prop(f"thing {k + 1}", shape, (float(size[0]), float(size[1]), float(size[2])), under, yaw(turn)))
    return Stage(props=tuple(things))


def shot_of(episodes: Episodes, index: int, hz: float) -> Shot:
    """What one episode asks, in the words of a scene."""
    d = episodes.data
    names = tuple(name_of(p) for p in range(len(episodes.rows)) if d["filmed"][p, index] > 0.5)

    def change(name: str) -> float:
        return float(d[name][1, index])

    options = {
        "azimuth_deg": float(np.degrees(d["azimuth"][0, index])),
        "roll_deg": float(np.degrees(d["roll"][index])),
    }
    if d["eye_level"][index] < 0.5:
        options["elevation_deg"] = float(np.degrees(d["elevation"][0, index]))
    move = Move.FOLLOW
    if change("lens_log"):
        move, options["amount"] = Move.ZOOM_IN, float(np.exp(change("lens_log")))
    elif change("azimuth"):
        move = Move.ARC_RIGHT if change("azimuth") > 0 else Move.ARC_LEFT
        options["amount"] = abs(float(np.degrees(change("azimuth"))))
    elif change("elevation"):
        move = Move.CRANE_UP
    elif change("share"):
        move = Move.PUSH_IN if change("share") < 0 else Move.PULL_OUT
        options["amount"] = abs(float(np.expm1(change("share"))))
    x, look = float(d["x"][index]), float(d["look"][index])
    position = "left_third" if x < 0 else "right_third" if x > 0 else "auto" if look > 0 else "centre"
    return Shot(
        0.0, int(episodes.length[index]) / hz, names, SIZE_NAMES[int(episodes.size[index])], move=str(move),
        position=position, lens_mm=float(np.exp(d["lens_log"][0, index])), options=options,
    )  # fmt: skip


def path_of(states: Sequence[Columns], index: int, hz: float, fps: Fraction = Fraction(30)) -> CameraPath:
    """The camera that a rollout made in one episode, at any frame rate.

    Args:
        states: every state of the rollout.
        index: which episode.
        hz: steps a second.
        fps: frames a second of the path.

    Raises:
        BadInput: fewer than two states.
    """
    if len(states) < 2:
        raise BadInput(f"camera path: {len(states)} states, expected two or more")
    pick = np.array([index])
    own = [state.take(pick) for state in states]
    times = np.arange(int((len(own) - 1) / hz * float(fps) + 1e-6) + 1) / float(fps)
    place, angles, focal = along(own, times * hz, 1.0 / hz)
    T = framing.pose(place, angles[:, 0], angles[:, 1], angles[:, 2])
    cuts = np.zeros(len(T), bool)
    cuts[0] = True
    return CameraPath(T, np.exp(focal), fps, cuts=cuts)


def along(states: Sequence[Columns], steps: Array, dt: float) -> tuple[Array, Array, Array]:
    """One camera's places, angles ``(T, 3)`` and ln focal lengths ``(T,)`` at fractional steps of a rollout."""
    index = np.clip(np.floor(steps + 1e-9).astype(int), 0, len(states) - 2)
    pair = [
        Columns(states[0].layout, len(index), np.concatenate([states[i + k].data for i in index], axis=1))
        for k in (0, 1)
    ]
    share = np.clip(steps - index, 0.0, 1.0)
    place, angles, focal = dynamics.between(pair[0], pair[1], share, dt)  # type: ignore[arg-type]
    return np.asarray(place.T, np.float64), np.asarray(angles.T, np.float64), np.asarray(focal, np.float64)
