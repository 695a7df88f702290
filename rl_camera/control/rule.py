"""The rule controller: composes the asked picture in closed form at every step, and goes there calmly, on any rig.

It is the live `rule` director's craft (dead zone, look-ahead, group framing, de-occlusion) for cameras with speed
limits, on arrays. Its numbers can be tuned, so that what is learned has an opponent at its best.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from motion.errors import BadInput
from rl_camera import framing
from rl_camera.control.base import Drive
from rl_camera.env.columns import Array, Columns
from rl_camera.env.core import Moment
from rl_camera.env.episode import Episodes
from rl_camera.placement import LOWEST


@dataclass(frozen=True)
class RuleSettings:
    """What may be tuned; all positive."""

    travel: float = 1.6  # 1/s: share of the way to the right place that is wanted per second
    follow: float = 0.8  # share of the subject's own velocity that the camera takes on
    turn: float = 4.0  # 1/s: the same of the turn
    turn_ahead: float = 0.25  # seconds by which the aim runs ahead, camera and subject moving on
    dead_zone: float = 0.05  # half frames in which the camera does not turn
    stand: float = 0.06  # share of the distance within which the camera does not travel
    zoom: float = 1.5  # 1/s
    zoom_size: float = 0.5  # share of the size error that the lens takes, where the camera could travel
    detour: float = 0.9  # cost of going round, per radian, against a whole subject hidden
    avoid: float = 1.0  # how firmly it keeps off things: speed at the surface, m/s

    @staticmethod
    def names() -> tuple[str, ...]:
        """Names of the settings."""
        return tuple(f.name for f in fields(RuleSettings))

    def vector(self) -> Array:
        """Their logarithms, for a search."""
        return np.log(np.array(list(asdict(self).values())))

    @staticmethod
    def of(vector: Array) -> RuleSettings:
        """Settings from `vector`.

        Raises:
            BadInput: another count.
        """
        names = RuleSettings.names()
        if len(vector) != len(names):
            raise BadInput(f"rule settings: {len(vector)} numbers, expected {len(names)}")
        return replace(RuleSettings(), **dict(zip(names, np.exp(np.clip(vector, -8, 8)).tolist(), strict=True)))


#: Ways round, radians about the subject, tried when something hides it.
DETOURS = np.radians([0.0, 22.0, -22.0, 45.0, -45.0]).astype(np.float32)


class Rule:
    """The rule controller."""

    live = True

    def __init__(self, settings: RuleSettings | None = None) -> None:
        self.settings = settings or RuleSettings()
        self._detour = np.zeros(0, np.float32)

    def begin(self, count: int) -> None:
        """Forget the ways round."""
        self._detour = np.zeros(count, np.float32)

    def act(self, drive: Drive) -> Array:
        """Towards the composed place, aiming where subject and camera will be."""
        s, core, state, episodes = self.settings, drive.core, drive.state, drive.episodes
        moment = drive.see()
        d, rig, sight = episodes.data, episodes.data["rig"], moment.sight
        if core.config.occluders or core.config.performers > 1:
            self._choose_detour(drive, moment)
        goal = self._place(episodes, moment, state, self._detour)
        off = goal - state["place"]
        far = np.sqrt((off * off).sum(0))
        away = np.sqrt(((state["place"] - sight.anchor) ** 2).sum(0))
        slack = s.stand * away
        off *= np.maximum(0.0, 1.0 - slack / np.maximum(far, 1e-6))
        moving = far > slack
        wanted = s.travel * off + s.follow * sight.velocity * np.array([1, 0, 1], np.float32)[:, None] * moving
        if sight.things is not None:
            wanted = wanted + self._keep_off(d, state, moment)
        yaw = state["angles"][0]
        c, n = np.cos(yaw), np.sin(yaw)
        action = np.zeros((7, len(episodes)), np.float32)
        action[0] = wanted[0] * c - wanted[2] * n
        action[1] = wanted[1]
        action[2] = -wanted[0] * n - wanted[2] * c
        action[:3] /= np.maximum(rig[:3], 1e-3)
        action[:3] *= rig[:3] > 0
        action[3:6] = self._turn(episodes, moment, state) / np.maximum(rig[4:7], 1e-3) * (rig[4:7] > 0)
        action[6] = self._zoom(episodes, moment, state) / np.maximum(rig[8], 1e-3)
        return np.clip(action, -1.0, 1.0)

    def _place(self, episodes: Episodes, moment: Moment, state: Columns, detour: Array) -> Array:
        """Where the camera should be, ``(3, N)``."""
        d, sight, asked, e = episodes.data, moment.sight, moment.asked, moment.errors
        # The side it should be on: where it is, less what it is off.
        to = state["place"] - sight.anchor
        azimuth = np.arctan2(to[0], to[2]) - e.view + detour
        frame = np.exp(e.frame) * d["stature"][0]
        away = np.maximum(frame / (2.0 * sight.tan[1]), 0.45)
        above = np.where(d["eye_level"] > 0.5, sight.eyes_y - sight.anchor[1], 0.0) + away * np.sin(asked.elevation)
        height = np.maximum(sight.anchor[1] + above, LOWEST + 0.03)
        flat = np.sqrt(np.maximum(away**2 - (height - sight.anchor[1]) ** 2, (0.15 * away) ** 2))
        return np.stack(
            [sight.anchor[0] + flat * np.sin(azimuth), height, sight.anchor[2] + flat * np.cos(azimuth)]
        ).astype(np.float32)

    def _turn(self, episodes: Episodes, moment: Moment, state: Columns) -> Array:
        """Rates of yaw, pitch and roll ``(3, N)``, rad/s."""
        s, d, sight, e = self.settings, episodes.data, moment.sight, moment.errors
        place = state["place"] + s.turn_ahead * state["velocity"]
        target = sight.anchor + s.turn_ahead * sight.velocity
        roll = state["angles"][2]
        yaw, pitch = framing.aim(
            place.T, target.T, e.want_x, e.want_y, sight.tan[0], sight.tan[1], roll.astype(np.float64)
        )
        off = np.stack([yaw - state["angles"][0], pitch - state["angles"][1]]).astype(np.float32)
        off[0] = np.mod(off[0] + np.pi, 2 * np.pi) - np.pi
        zone = s.dead_zone * np.arctan(sight.tan)
        off = np.sign(off) * np.maximum(np.abs(off) - zone, 0.0)
        return np.concatenate([s.turn * off, s.turn * (d["roll"] - roll)[None]])

    def _zoom(self, episodes: Episodes, moment: Moment, state: Columns) -> Array:
        """Rate of ln focal length ``(N,)``: to the asked lens; a camera that cannot travel zooms to the asked size."""
        s, d, e = self.settings, episodes.data, moment.errors
        stands = d["rig"][0] <= 0.0
        share = np.where(stands, 1.0, s.zoom_size)
        # A picture too wide (positive) wants a longer lens.
        return s.zoom * (share * e.size - (1.0 - share) * e.lens)

    def _keep_off(self, d: Columns, state: Columns, moment: Moment) -> Array:
        """A push ``(3, N)`` in m/s away from the nearest thing, when it is near."""
        things = moment.sight.things
        assert things is not None
        pick = things.gap.argmin(0)
        columns = np.arange(len(pick))
        away = state["place"] - d["block_at"][:, pick, columns]
        away[1] = 0.0
        away /= np.maximum(np.sqrt((away * away).sum(0)), 1e-6)
        near = np.clip((0.6 - things.gap[pick, columns]) / 0.6, 0.0, 1.0)
        return self.settings.avoid * near * away

    def _choose_detour(self, drive: Drive, moment: Moment) -> None:
        """Try the ways round by what would be hidden there now, and keep to one as long as it is as good."""
        episodes, core, state = drive.episodes, drive.core, drive.state
        troubled = np.flatnonzero((moment.shown.hidden > 0.05) | (np.abs(self._detour) > 1e-3))
        if not len(troubled):
            return
        some, here, N = episodes.take(troubled), state.take(troubled), len(troubled)
        seen = core.judge(some, here)
        options = []
        for detour in DETOURS:
            there = here.copy()
            there["place"] = self._place(some, seen, here, np.full(N, detour, np.float32))
            sight = seen.sight
            yaw, pitch = framing.aim(
                there["place"].T, sight.anchor.T, seen.errors.want_x, seen.errors.want_y, sight.tan[0], sight.tan[1]
            )
            there["angles"][0], there["angles"][1] = yaw, pitch
            options.append(there)
        many = Columns(here.layout, N * len(DETOURS), np.concatenate([o.data for o in options], axis=1))
        tried = core.judge(some.take(np.tile(np.arange(N), len(DETOURS))), many)
        blocked = tried.shown.hidden + 2.0 * tried.terms["collision"]
        cost = blocked.reshape(len(DETOURS), N) + self.settings.detour * np.abs(DETOURS)[:, None]
        cost += 0.15 * np.abs(DETOURS[:, None] - self._detour[troubled])
        self._detour[troubled] = DETOURS[cost.argmin(0)]
