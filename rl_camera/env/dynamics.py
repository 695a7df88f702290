"""How a camera answers an action: target speeds, reached as quickly as its rig allows; exact between the steps too.

Over one step every acceleration is constant, so position and angles are parabolas: a film at any frame rate sees the
same path that the environment steps along, with continuous velocities.
"""

from __future__ import annotations

import numpy as np

from rl_camera.env.columns import Array, Columns, Layout
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
    finite = np.isfinite(action)
    if not finite.all():
        action = np.where(finite, action, np.float32(0.0))
    a = np.maximum(action, _LOW)
    np.minimum(a, _HIGH, out=a)
    new = Columns(STATE, len(state), np.empty_like(state.data))
    rates = state.rows("velocity", "zooming")  # (7, N): of place, of angles, of the lens
    yaw = state["angles"][0]
    c, s = np.cos(yaw), np.sin(yaw)
    right, up, ahead = a[:3] * rig[:3]
    gain = np.empty_like(rates)  # what the rates shall change by, then what they do
    np.subtract(right * c, ahead * s, out=gain[0])
    gain[1] = up
    np.negative(right * s + ahead * c, out=gain[2])
    np.multiply(a[3:6], rig[4:7], out=gain[3:6])
    np.multiply(a[6], rig[8], out=gain[6])
    gain -= rates
    change, turn, zoom = gain[:3], gain[3:6], gain[6]
    bounds = rig[3:8:4] * dt  # (2, N): push, torque
    change *= np.minimum(_HIGH, bounds[0] / np.maximum(_size(change), np.float32(1e-9)))
    np.minimum(np.maximum(turn, -bounds[1], out=turn), bounds[1], out=turn)
    servo = rig[9] * dt
    np.minimum(np.maximum(zoom, -servo, out=zoom), servo, out=zoom)
    pose = np.multiply(gain, np.float32(0.5), out=new.rows("place", "log_focal"))
    pose += rates
    pose *= dt
    pose += state.rows("place", "log_focal")
    np.add(rates, gain, out=new.rows("velocity", "zooming"))
    force = np.divide(gain[:6], dt, out=new.rows("push", "torque"))
    jerk = (force - state.rows("push", "torque")).reshape(2, 3, -1)
    np.divide(_size(jerk.transpose(1, 0, 2)), rig[3:8:4] * np.float32(2.0), out=new["jolt"])
    _hold(new, lens)
    return new


_MOST = np.array([[STEEPEST], [MOST_ROLL]], np.float32)
_LOW, _HIGH, _TURN = np.float32(-1.0), np.float32(1.0), np.float32(2.0 * np.pi)


def _size(vectors: Array) -> Array:
    out = vectors[0] * vectors[0]
    out += vectors[1] * vectors[1]
    out += vectors[2] * vectors[2]
    return np.sqrt(out, out=out)


def _hold(state: Columns, lens: Array) -> None:
    """What a camera cannot do: go below the floor, tip over, zoom beyond its lens."""
    place, velocity, angles, turning = state["place"], state["velocity"], state["angles"], state["turning"]
    height = place[1]
    if height.min() < LOWEST:
        velocity[1] = np.where(height < LOWEST, np.maximum(velocity[1], np.float32(0.0)), velocity[1])
        np.maximum(height, np.float32(LOWEST), out=height)
    angles[0] -= _TURN * np.rint(angles[0] * np.float32(0.5 / np.pi))
    tipped = angles[1:]
    held = np.minimum(np.maximum(tipped, -_MOST), _MOST)
    turning[1:] *= held == tipped
    tipped[...] = held
    focal = state["log_focal"]
    held = np.minimum(np.maximum(focal, lens[0]), lens[1])
    state["zooming"] *= held == focal
    focal[...] = held


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
