"""A real shot as an episode: actual performers, props and what the scene asks, for controllers to film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motion import props
from motion.camera import Shot
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import framing
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes, layout
from rl_camera.env.library import SIZE_NAMES, tabulate
from rl_camera.env.rigs import limits
from rl_camera.env.sampling import compose, y_of
from rl_camera.framing import Tracks
from rl_camera.moves import amount_of
from rl_camera.vocabulary import ANGLES, POSITIONS, SIZES, VIEWS, Move, Position

#: Moves that are a changing request, so that any controller can carry them out; the others belong to the rule director.
ASKED_MOVES = frozenset(
    {Move.STATIC, Move.FOLLOW, Move.PUSH_IN, Move.PULL_OUT, Move.ARC_LEFT, Move.ARC_RIGHT, Move.ORBIT, Move.CRANE_UP,
     Move.CRANE_DOWN, Move.ZOOM_IN, Move.ZOOM_OUT, Move.DOLLY_ZOOM, Move.HANDHELD}
)  # fmt: skip

#: What carries the camera for a move; a dolly where nothing is said.
_RIGS = {
    Move.FOLLOW: "drone", Move.ORBIT: "drone", Move.CRANE_UP: "crane", Move.CRANE_DOWN: "crane",
    Move.HANDHELD: "handheld",
}  # fmt: skip


def rig_of(shot: Shot, stands: bool = False) -> str:
    """The rig that films a shot; a tripod where it stands."""
    return "tripod" if stands else _RIGS.get(Move(shot.move), "handheld")


def cast(shot: Shot, everyone: Tracks, slots: int) -> list[str]:
    """Who takes the environment's slots: the subjects, the main one first, then who is nearest to it."""
    here = everyone.of("pelvis").mean(0)
    main = here[everyone.names.index(shot.of[0])]
    others = sorted(
        (n for n in everyone.names if n not in shot.of), key=lambda n: _apart(here[everyone.names.index(n)], main)
    )
    return [*shot.of, *others][:slots]


def _apart(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b))


def episode_of(
    config: FramingConfig, performances: Sequence[Performance], stage: Stage, shot: Shot, everyone: Tracks,
    aspect: float, side: float | None = None, stands: float | None = None,
) -> tuple[Framing, Episodes]:  # fmt: skip
    """The problem that one shot is, with its own motion as the table.

    Args:
        config: slots, keypoints and knowledge; a controller's own.
        performances: who is on the set, and holds props.
        stage: the set; what stands on it may be in the way.
        shot: what is asked, checked.
        everyone: all performers' landmarks at the shot's decisions, ``config.hz`` apart; one more than steps at least.
        aspect: width over height.
        side: world azimuth from the subject to the camera at the start, radians about +Y from +Z, when that is
            decided already; None: as the shot's view says.
        stands: metres from the subject at which a camera that does not travel is put, so that the whole shot fits; it
            only pans and tilts from there. None: it travels.

    Raises:
        BadInput: a pose is not finite.
    """
    names = cast(shot, everyone, config.performers)
    tracks = [everyone.only([name]) for name in names]
    table = tabulate(tracks, config.keypoints)
    steps = max(1, round((shot.end_s - shot.start_s) * config.hz))
    config = replace(config, seconds=steps / config.hz, aspect=aspect, library=None)
    core = Framing(config, table)
    P = config.performers
    made = Episodes(
        Columns(layout(P, config.occluders), 1), np.zeros((P, 1), np.int64), np.zeros(1, np.int64),
        np.full(1, steps, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip
    d = made.data
    d["cos"], d["scale"], d["stature"] = 1.0, 1.0, 1.7
    for p, name in enumerate(names):
        made.rows[p] = table.starts[p]
        d["present"][p], d["filmed"][p] = 1.0, float(name in shot.of)
        d["stature"][p] = table.stature[p]
    _ask(made, shot, aspect, stands)
    if side is not None:
        heading = table.extra[3:5, table.starts[0]]
        d["azimuth"][0] = np.mod(side - np.arctan2(heading[0], heading[1]) + np.pi, 2 * np.pi) - np.pi
        d["either"] = 0.0
    if config.occluders:
        _things(d, stage, performances, everyone, config.occluders)
    return core, made


#: Ways to begin beside the asked one: degrees about the subject, shares of the distance.
_TURNS = (0.0, 12.0, -12.0, 25.0, -25.0, 40.0, -40.0, 60.0, -60.0)
_DISTANCES = (1.0, 1.15, 1.35, 0.85, 0.7)


def begin(core: Framing, made: Episodes) -> Columns:
    """The camera that begins a shot: what is asked, in closed form, or what near it the reward finds better.

    A wall or a body may be in the way of the asked one, and a group may be spread too far in depth for it.
    """
    turn, away = (np.array(v, np.float32).ravel() for v in np.meshgrid(np.radians(_TURNS), np.log(_DISTANCES)))
    tried = made.take(np.zeros(len(turn), np.int64))
    states = compose(tried, core.table, turn, away, np.zeros_like(turn))
    return states.take(np.array([int(core.judge(tried, states).reward.argmax())]))


def _ask(made: Episodes, shot: Shot, aspect: float, stands: float | None = None) -> None:
    """The shot's words as a request."""
    d, spec, options = made.data, SIZES[shot.size], shot.options
    size = SIZE_NAMES.index(str(shot.size))
    made.size[0] = size
    share = spec.frame_height * float(np.clip(options.get("distance", 1.0), 0.05, 100.0))
    d["share"][0] = np.log(share)
    azimuths = VIEWS[shot.view].azimuths_deg
    given = options.get("azimuth_deg")
    d["azimuth"][0] = np.radians(azimuths[0] if given is None else given)
    d["either"] = float(len(azimuths) > 1 and given is None)
    elevation = options.get("elevation_deg", ANGLES[shot.angle].elevation_deg)
    d["eye_level"] = float(elevation is None)
    d["elevation"][0] = np.radians(np.clip(elevation or 0.0, -80.0, 80.0))
    focal = float(np.clip(shot.lens_mm, 1.0, 5000.0))
    d["lens_log"][0] = np.log(focal)
    move = Move(shot.move)
    zooms = move in (Move.ZOOM_IN, Move.ZOOM_OUT, Move.DOLLY_ZOOM)
    d["lens"] = np.log([focal * (0.2 if zooms else 1.0), focal * (5.0 if zooms else 1.0)])[:, None]
    spot = POSITIONS[shot.position]
    d["x"] = spot.x or 0.0
    d["look"] = 1 / 3 if shot.position == Position.THIRDS else 0.3 if spot.x is None else 0.0
    if len(shot.of) > 1 and shot.position != Position.THIRDS:
        d["look"] *= 0.4  # as `setup`: a group fills the picture, there is no room to look into
    d["roll"] = np.radians(options.get("roll_deg", ANGLES[shot.angle].roll_deg))
    d["aspect"] = aspect
    d["rig"] = limits([rig_of(shot, stands is not None)])
    if zooms:
        d["rig"][:3] = 0.0 if move != Move.DOLLY_ZOOM else d["rig"][:3]
    tan_y, stature = 18.0 / focal / aspect, float(d["stature"][0, 0])
    if stands is not None:
        share = max(share, 2.0 * tan_y * stands / stature)
        d["share"][0] = np.log(share)
        d["lens"] = np.log(focal)
    away = share * stature / (2.0 * tan_y)
    a = amount_of(shot, focal, away, aspect)
    change = {"share": 0.0, "azimuth": 0.0, "elevation": 0.0, "lens_log": 0.0}
    if move == Move.PUSH_IN:
        change["share"] = np.log(1.0 - min(a, 0.95))
    elif move == Move.PULL_OUT:
        change["share"] = np.log(1.0 + max(a, -0.95))
    elif move in (Move.ARC_LEFT, Move.ARC_RIGHT, Move.ORBIT):
        change["azimuth"] = -a if move == Move.ARC_LEFT else a
        d["either"] = 0.0
    elif move == Move.CRANE_UP:
        change["elevation"] = np.arctan2(a, away)
    elif move == Move.CRANE_DOWN:
        change["elevation"] = -np.arctan2(a, away)
        d["elevation"][0] += np.arctan2(a, away)
    elif move in (Move.ZOOM_IN, Move.ZOOM_OUT):
        change["lens_log"] = np.log(max(a, 0.05)) * (1.0 if move == Move.ZOOM_IN else -1.0)
        change["share"] = -change["lens_log"]
    elif move == Move.DOLLY_ZOOM:
        change["lens_log"] = np.log(1.0 - min(a, 0.95))
    for name, value in change.items():
        d[name][1] = value
    index = np.array([size])
    d["y"][0] = y_of(d["share"][0], index) + spot.y
    d["y"][1] = y_of(d["share"][0] + d["share"][1], index) + spot.y - d["y"][0]


def _things(d: Columns, stage: Stage, performances: Sequence[Performance], everyone: Tracks, slots: int) -> None:
    """The boxes of props that stand still, those nearest to the subject first."""
    boxes = []
    main = everyone.of("pelvis")[:, 0].mean(0)
    for prop in stage.props:
        if prop.attachments:
            continue
        T = props.PropMotion(prop, performances).at(0.0)
        for low, high in props.solids(prop):
            half, middle = 0.5 * (high - low), T[:3, :3] @ (0.5 * (low + high)) + T[:3, 3]
            if abs(T[1, 1]) > 0.999:
                yaw = float(np.arctan2(T[0, 2], T[2, 2]))
            else:  # tipped over: the upright box around it
                half, yaw = np.abs(T[:3, :3]) @ half, 0.0
            boxes.append(
                (float(np.linalg.norm((middle - main)[[0, 2]])) - float(np.hypot(half[0], half[2])), middle, half, yaw)
            )
    boxes.sort(key=lambda box: box[0])
    for k, (_, middle, half, yaw) in enumerate(boxes[:slots]):
        d["block_at"][:, k, 0], d["block_half"][:, k, 0] = middle, half
        d["block_cos"][k], d["block_sin"][k] = np.cos(yaw), np.sin(yaw)
        d["block_reach"][k] = np.linalg.norm(half)


def times_of(shot: Shot, hz: float, beyond_s: float = 2.5) -> Array:
    """Times of a shot's decisions, seconds of the film, and of the look-ahead after its end.

    Raises:
        BadInput: the shot is longer than a controller can be asked for at once.
    """
    count = max(1, round((shot.end_s - shot.start_s) * hz)) + 1 + int(np.ceil(beyond_s * hz))
    if count > 200_000:
        raise BadInput(f"shot at {shot.start_s:g} s: lasts {shot.end_s - shot.start_s:g} s, expected at most 5 hours")
    return shot.start_s + np.arange(count) / hz


def everyone_at(performances: Sequence[Performance], shot: Shot, hz: float) -> Tracks:
    """All performers' landmarks at a shot's decisions."""
    return framing.track(performances, times_of(shot, hz))
