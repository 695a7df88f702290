"""Episodes drawn at random: who performs where, what stands about, what the shot asks, and where the camera begins.

All of it on arrays, for as many environments as begin at once; each is a function of its own seed and episode number.
"""

from __future__ import annotations

import numpy as np

from rl_camera import framing
from rl_camera.env.columns import Array, Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.draws import Draws, uniforms
from rl_camera.env.dynamics import STATE
from rl_camera.env.episode import Episodes, layout
from rl_camera.env.library import KEYPOINTS, SIZE_NAMES, Table
from rl_camera.env.reward import room_for_group
from rl_camera.env.rigs import limits
from rl_camera.placement import LOWEST
from rl_camera.setup import headroom_for
from rl_camera.vocabulary import SIZES

#: How often each shot size is asked for, widest first.
_SIZES = np.array([0.06, 0.14, 0.18, 0.16, 0.18, 0.14, 0.1, 0.04])

#: Azimuths asked for, degrees, and whether the mirrored side is as good: the views of the vocabulary.
_VIEWS = np.array(
    [(0, 0), (40, 1), (40, 0), (-40, 0), (90, 1), (90, 0), (-90, 0), (140, 1), (140, 0), (-140, 0), (180, 0)]
)

_FRAMES = np.array([spec.frame_height for spec in SIZES.values()], np.float32)
_LENSES = np.array([spec.lens_mm for spec in SIZES.values()], np.float32)


def middle_height(size: np.ndarray) -> Array:
    """Height of the framed part's middle on a standing body, statures, per number of a shot size."""
    return _MIDDLES[size]


def _middles() -> Array:
    # Framed parts end at the crown; whole-body sizes are composed about half the stature.
    return np.array(
        [0.5 if s.keeps == ("*",) else 0.5 * (1.0 + max(s.bottom, 0.0)) for s in SIZES.values()], np.float32
    )


_MIDDLES = _middles()


def y_of(share_log: Array, size: np.ndarray) -> Array:
    """Place of the framed part's middle up and down, half frames, that leaves the usual headroom; as `setup.Setup`."""
    share = np.exp(np.asarray(share_log, np.float64))
    own = headroom_for(share)
    return (1.0 - 2.0 * (own + (1.0 - _MIDDLES[size]) / share)).astype(np.float32)


class Sampler:
    """Draws episodes for a configuration and its table of motion."""

    def __init__(self, config: FramingConfig, table: Table) -> None:
        self.config, self.table = config, table
        self.layout = layout(config.performers, config.occluders)
        names = KEYPOINTS[config.keypoints]
        self.pelvis, self.keys = names.index("pelvis"), len(names)
        self.rigs = limits(config.rigs)
        self.steps = config.steps

    def draw(self, seeds: np.ndarray, episodes: np.ndarray) -> tuple[Episodes, Columns]:
        """Episodes and the cameras that begin them.

        Args:
            seeds: ``(N,)`` uint64.
            episodes: ``(N,)`` uint64 numbers of the episodes.
        """
        count, P, B = len(seeds), self.config.performers, self.config.occluders
        draws = Draws(uniforms(seeds, episodes, 64 + 8 * P + 16 * B))
        made = Episodes(
            Columns(self.layout, count),
            np.zeros((P, count), np.int64),
            np.zeros(count, np.int64),
            np.full(count, self.steps, np.int64),
            np.zeros(count, np.int64),
        )
        self._performers(made, draws)
        self._request(made, draws)
        self._things(made, draws)
        return made, self._camera(made, draws)

    # ---- who

    def _performers(self, made: Episodes, draws: Draws) -> None:
        d, config, table = made.data, self.config, self.table
        P, count = config.performers, len(made)
        take = draws.choice(len(table.starts), (P,))
        room = np.maximum(table.lengths[take] - 1 - self.steps, 0)
        made.rows[...] = table.starts[take] + (draws.uniform(shape=(P,)) * (room + 1)).astype(np.int64)
        scale = draws.uniform(0.86, 1.14, (P,))
        number = np.full(count, P) if config.crowd else 1 + draws.choice(P)
        here = np.arange(P)[:, None] < number
        d["present"] = here
        filmed = here & (draws.uniform(shape=(P,)) < 0.4)
        filmed[0] = True
        d["filmed"] = filmed
        yaw = draws.uniform(-np.pi, np.pi, (P,))
        away, around = draws.uniform(1.0, 3.2, (P,)), draws.uniform(-np.pi, np.pi, (P,))
        away[0] = 0.0
        x, z = away * np.sin(around), away * np.cos(around)
        faces = draws.odds(0.6, (P,))
        yaw = np.where(faces & (np.arange(P)[:, None] > 0), np.arctan2(-x, -z), yaw)
        rows = made.rows
        heading = np.arctan2(table.extra[3][rows], table.extra[4][rows])
        turn = yaw - heading
        c, s = np.cos(turn) * scale, np.sin(turn) * scale
        keys = table.points.reshape(3, self.keys, -1)
        px, pz = keys[0, self.pelvis][rows], keys[2, self.pelvis][rows]
        d["cos"], d["sin"], d["scale"] = c, s, scale
        d["off_x"] = x - (c * px + s * pz)
        d["off_z"] = z - (c * pz - s * px)
        d["stature"] = scale * table.stature[take]

    # ---- what is asked

    def _request(self, made: Episodes, draws: Draws) -> None:
        d, config = made.data, self.config
        count = len(made)
        size = np.searchsorted(np.cumsum(_SIZES / _SIZES.sum()), draws.uniform()).clip(0, len(SIZE_NAMES) - 1)
        made.size[...] = size
        d["share"][0] = np.log(_FRAMES[size]) + 0.08 * draws.normal()
        view = _VIEWS[draws.choice(len(_VIEWS))]
        d["azimuth"][0] = np.radians(view[:, 0]) + np.radians(8.0) * draws.normal()
        d["either"] = view[:, 1]
        kind = draws.uniform()
        low, high = draws.uniform(-30.0, -8.0), draws.uniform(10.0, 45.0)
        d["eye_level"] = kind < 0.6
        d["elevation"][0] = np.radians(np.where(kind < 0.6, 0.0, np.where(kind < 0.78, low, high)))
        d["lens_log"][0] = np.log(_LENSES[size]) + 0.2 * draws.normal()
        rig = draws.choice(len(config.rigs))
        d["rig"] = self.rigs[:, rig]
        prime = draws.odds(0.4)
        d["lens"][0] = np.where(prime, d["lens_log"][0], np.log(18.0))
        d["lens"][1] = np.where(prime, d["lens_log"][0], np.log(200.0))
        d["lens_log"][0] = np.clip(d["lens_log"][0], np.log(18.0), np.log(200.0))
        where, spot = draws.uniform(), draws.uniform()
        d["look"] = np.where(where < 0.5, 0.3, np.where(where < 0.7, 1 / 3, 0.0))
        d["x"] = np.where(where < 0.85, 0.0, np.where(spot < 0.5, -1 / 3, 1 / 3))
        slant = draws.uniform()
        d["roll"] = np.where((slant < 0.06) & (d["rig"][6] > 0), np.radians(12.0), 0.0)
        d["aspect"] = config.aspect
        # Moves, as the vocabulary has them, as changes of what is asked; a camera that cannot travel zooms.
        move = draws.choice(10) if config.moves else np.full(count, 9)
        amount = draws.uniform(0.6, 1.2)
        travels, zooms = d["rig"][0] > 0, ~prime
        closer = np.where(move == 0, np.log(1 - 0.35 * amount), np.where(move == 1, np.log(1 + 0.5 * amount), 0.0))
        d["share"][1] = np.where(travels, closer, 0.0)
        arc = np.where(move == 2, 1.0, np.where(move == 3, -1.0, 0.0))
        d["azimuth"][1] = np.where(travels, np.radians(40.0) * amount * arc, 0.0)
        d["either"] = np.where(arc != 0, 0.0, d["either"])
        d["elevation"][1] = np.where((move == 4) & (d["rig"][1] > 0), np.radians(18.0) * amount, 0.0)
        zoom = np.where(zooms & (move == 5), np.log(1.5) * amount, 0.0)
        d["lens_log"][1] = zoom
        d["share"][1] -= zoom
        d["y"][0] = y_of(d["share"][0], size)
        moves = np.flatnonzero(d["share"][1])
        last = d["share"][0, moves] + d["share"][1, moves]
        d["y"][1, moves] = y_of(last, size[moves]) - d["y"][0, moves]

    # ---- what stands about

    def _things(self, made: Episodes, draws: Draws) -> None:
        d, B, count = made.data, self.config.occluders, len(made)
        if not B:
            return
        kind, angle = draws.uniform(shape=(B,)), draws.uniform(-np.pi, np.pi, (B,))
        away = draws.uniform(0.9, 5.0, (B,))
        a, b, c = (draws.uniform(shape=(B,)) for _ in range(3))
        yaw = draws.uniform(-np.pi, np.pi, (B,))
        number = draws.choice(B + 1)
        half = np.zeros((3, B, count), np.float32)
        spheres = self.config.occluder_kind == "spheres"
        ball, pillar = (kind < 2.0, kind > 2.0) if spheres else (kind < 0.25, (kind >= 0.25) & (kind < 0.55))
        box = ~ball & ~pillar
        radius = np.where(ball, 0.15 + 0.4 * a, np.where(pillar, 0.08 + 0.2 * a, 0.0)).astype(np.float32)
        half[0] = np.where(box, 0.15 + 0.7 * a, 0.0)
        half[1] = np.where(box, 0.2 + 0.9 * b, np.where(pillar, 0.9 + 0.4 * b, 0.0))
        half[2] = np.where(box, 0.15 + 0.5 * c, 0.0)
        y = np.where(ball, 0.2 + 1.6 * c, half[1])
        x, z = away * np.sin(angle), away * np.cos(angle)
        wide = np.hypot(half[0], half[2]) + radius
        x, z = self._apart(made, x, z, wide + 0.45)
        d["block_at"] = np.stack([x, y, z])
        d["block_half"], d["block_round"] = half, radius
        d["block_cos"], d["block_sin"] = np.cos(yaw), np.sin(yaw)
        reach = np.sqrt((half**2).sum(0)) + radius
        d["block_reach"] = reach if spheres else np.where(np.arange(B)[:, None] < number, reach, 0.0)

    def _apart(self, made: Episodes, x: Array, z: Array, apart: Array) -> tuple[Array, Array]:
        """Move things ``(B, N)`` off the performers, as they stand at the start, in the middle and at the end."""
        d = made.data
        keys = self.table.points.reshape(3, self.keys, -1)
        for share in (0.0, 0.5, 1.0):
            rows = made.rows + int(share * self.steps)
            px, pz = keys[0, self.pelvis][rows], keys[2, self.pelvis][rows]
            at_x, at_z = d["cos"] * px + d["sin"] * pz + d["off_x"], d["cos"] * pz - d["sin"] * px + d["off_z"]
            for p in range(len(at_x)):
                dx, dz = x - at_x[p], z - at_z[p]
                away = np.sqrt(dx * dx + dz * dz) + 1e-6
                push = np.where(d["present"][p] > 0.5, np.maximum(apart / away, 1.0), 1.0)
                x, z = at_x[p] + dx * push, at_z[p] + dz * push
        return x, z

    # ---- where the camera begins

    def _camera(self, made: Episodes, draws: Draws) -> Columns:
        """The asked picture in closed form, nearly; in a share of the episodes far from it."""
        config = self.config
        rough = draws.odds(config.rough).astype(np.float32)
        noise = draws.normal((6,))
        wild = draws.uniform(-1.0, 1.0, (3,))
        turn = np.radians(4.0) * noise[0] + rough * np.pi * 0.6 * wild[0]
        closer = 0.05 * noise[1] + rough * 0.7 * wild[1]
        state = compose(made, self.table, turn, closer, 0.04 * noise[2] + 0.4 * rough * wild[2])
        state["angles"][0] += np.radians(1.0 + 9.0 * rough) * noise[3]
        state["angles"][1] += np.radians(0.7 + 5.0 * rough) * noise[4]
        return state


def compose(made: Episodes, table: Table, turn: Array, closer: Array, rise: Array) -> Columns:
    """Cameras that show what is asked now, in closed form; moved off it by the given amounts.

    Args:
        made: episodes.
        table: their motion.
        turn: ``(N,)`` radians about the subject.
        closer: ``(N,)`` ln of the distance.
        rise: ``(N,)`` metres.

    Returns:
        Cameras at rest, `dynamics.STATE`.
    """
    d, asked = made.data, made.asked()
    rows = made.rows + made.t
    c, s = d["cos"], d["sin"]
    raw = table.anchors[:, rows * len(SIZE_NAMES) + made.size]
    anchors = np.stack(
        [c * raw[0] + s * raw[2] + d["off_x"], d["scale"] * raw[1], c * raw[2] - s * raw[0] + d["off_z"]]
    )
    filmed = d["filmed"]
    anchor = (anchors * filmed).sum(1) / filmed.sum(0)
    extra = table.extra[:, rows[0]]
    hx, hz = c[0] * extra[3] + s[0] * extra[4], c[0] * extra[4] - s[0] * extra[3]
    heading = np.arctan2(hx, hz)
    azimuth = heading + asked.azimuth + turn
    focal = np.clip(asked.lens_log, d["lens"][0], d["lens"][1])
    tan_x = 18.0 / np.exp(focal)
    tan_y = tan_x / d["aspect"]
    stature = d["stature"][0]
    east, south = np.cos(azimuth), np.sin(azimuth)  # x of the camera's right, x of its back
    look = np.clip(1.6 * (east * np.sin(heading) - south * np.cos(heading)), -1.0, 1.0)
    want_x = d["x"] - d["look"] * look
    off_x, _, off_z = anchors - anchor[:, None]
    group = room_for_group(
        east * off_x - south * off_z, south * off_x + east * off_z, d["stature"], filmed, tan_x, want_x
    )
    away = np.maximum(np.maximum(np.exp(asked.share) * stature / (2.0 * tan_y), group), 0.35) * np.exp(closer)
    eyes = d["scale"][0] * extra[1]
    rises = np.where(d["eye_level"] > 0.5, eyes - anchor[1], 0.0) + away * np.sin(asked.elevation) + rise
    height = np.maximum(anchor[1] + rises, LOWEST + 0.05)
    flat = np.sqrt(np.maximum(away**2 - (height - anchor[1]) ** 2, (0.15 * away) ** 2))
    place = np.stack([anchor[0] + flat * np.sin(azimuth), height, anchor[2] + flat * np.cos(azimuth)])
    yaw, pitch = framing.aim(place.T, anchor.T, want_x, asked.y, tan_x, tan_y)
    state = Columns(STATE, len(made))
    state["place"], state["log_focal"] = place, focal
    state["angles"] = np.stack([yaw, np.clip(pitch, -1.4, 1.4), d["roll"]])
    return state
