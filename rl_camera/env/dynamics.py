"""How a camera answers an action: target speeds, reached as quickly as its rig allows; exact between the steps too.

Over one step every acceleration is constant, so position and angles are parabolas: a film at any frame rate sees the
same path that the environment steps along, with continuous velocities.
"""

from __future__ import annotations

import numpy as np

from motion.rotations import Array
from rl_camera.env.columns import Columns, Layout
from rl_camera.placement import LOWEST

#: A camera at one moment. Angles: yaw about +Y (0 looks to −Z), pitch up, roll counter-clockwise.
STATE: Layout = {
    "place": (3,),  # metres, world
    "angles": (3,),  # radians: yaw, pitch, roll
    "log_focal": (),  # ln of millimetres on full frame
    "velocity": (3,),  # m/s, world
    "turning": (3,),  # rad/s
    "zooming": (),  # 1/s
    "push": (3,),  # m/s², over the step before
    "torque": (3,),  # rad/s², over the step before
    "jolt": (2,),  # change of push and torque at the last step, as shares of what the rig can do
}

STEEPEST, MOST_ROLL = float(np.radians(85.0)), float(np.radians(45.0))

#: Numbers of an action: velocity right, up, ahead; pan, tilt, roll; zoom.
ACTIONS = 7


def step(state: Columns, action: Array, rig: Array, lens: Array, dt: float) -> Columns:
    """One step of all cameras.

    Args:
        state: as `STATE`.
        action: ``(7, N)`` in [−1, 1]: shares of the rig's speeds, in the camera's own level frame (right, up in the
            world, ahead on the level), then pan to the left, tilt up, roll counter-clockwise, zoom in. What is not
            finite counts as 0.
        rig: ``(10, N)``, rows as `rigs.LIMITS`.
        lens: ``(2, N)`` ln of the shortest and the longest focal length.
        dt: seconds.

    Returns:
        The state after it; ``push`` and ``torque`` are what was applied during it.
    """
    a = np.clip(np.nan_to_num(action, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    yaw = state["angles"][0]
    c, s = np.cos(yaw), np.sin(yaw)
    right, up, ahead = a[0] * rig[0], a[1] * rig[1], a[2] * rig[2]
    wanted = np.stack([right * c - ahead * s, up, -right * s - ahead * c])
    change = wanted - state["velocity"]
    size = np.sqrt((change * change).sum(0))
    change *= np.minimum(1.0, rig[3] * dt / np.maximum(size, 1e-9))
    most = rig[7] * dt
    turn = np.clip(a[3:6] * rig[4:7] - state["turning"], -most, most)
    servo = rig[9] * dt
    zoom = np.clip(a[6] * rig[8] - state["zooming"], -servo, servo)
    new = state.copy()
    new["push"], new["torque"] = change / dt, turn / dt
    new["jolt"][0] = _size(new["push"] - state["push"]) / (2.0 * rig[3])
    new["jolt"][1] = _size(new["torque"] - state["torque"]) / (2.0 * rig[7])
    new["place"] += dt * (state["velocity"] + 0.5 * change)
    new["angles"] += dt * (state["turning"] + 0.5 * turn)
    new["log_focal"] += dt * (state["zooming"] + 0.5 * zoom)
    new["velocity"] += change
    new["turning"] += turn
    new["zooming"] += zoom
    _hold(new, lens)
    return new


def _size(vectors: Array) -> Array:
    return np.sqrt((vectors * vectors).sum(0))


def _hold(state: Columns, lens: Array) -> None:
    """What a camera cannot do: go below the floor, tip over, zoom beyond its lens."""
    place, velocity, angles, turning = state["place"], state["velocity"], state["angles"], state["turning"]
    low = place[1] < LOWEST
    place[1] = np.maximum(place[1], LOWEST)
    velocity[1] = np.where(low, np.maximum(velocity[1], 0.0), velocity[1])
    angles[0] = np.mod(angles[0] + np.pi, 2 * np.pi) - np.pi
    for k, most in ((1, STEEPEST), (2, MOST_ROLL)):
        beyond = np.abs(angles[k]) > most
        angles[k] = np.clip(angles[k], -most, most)
        turning[k] = np.where(beyond, 0.0, turning[k])
    focal = state["log_focal"]
    beyond = (focal < lens[0]) | (focal > lens[1])
    np.clip(focal, lens[0], lens[1], out=focal)
    state["zooming"] = np.where(beyond, 0.0, state["zooming"])


def between(before: Columns, after: Columns, share: float, dt: float) -> tuple[Array, Array, Array]:
    """Places ``(3, N)``, angles ``(3, N)`` and ln focal lengths ``(N,)`` at a share 0..1 of a step.

    ``after`` is what `step` made of ``before``; where the step met a bound the way runs straight to it.
    """
    t = share * dt

    def way(start: Array, end: Array, speed: Array, gain: Array, full: float) -> Array:
        moved = speed * t + 0.5 * gain * t * t
        off = (end - start) - (speed * full + 0.5 * gain * full * full)  # what the bounds took away
        return start + moved + share * off

    turned = before["angles"].copy()
    end = after["angles"].copy()
    end[0] = turned[0] + np.mod(end[0] - turned[0] + np.pi, 2 * np.pi) - np.pi
    place = way(before["place"], after["place"], before["velocity"], after["push"], dt)
    angles = way(turned, end, before["turning"], after["torque"], dt)
    zoom_gain = (after["zooming"] - before["zooming"]) / dt
    focal = way(before["log_focal"], after["log_focal"], before["zooming"], zoom_gain, dt)
    return place, angles, focal
