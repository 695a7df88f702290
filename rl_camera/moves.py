"""The camera moves as exact functions of how far the shot has come; nothing here looks at the subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion.camera import Shot
from motion.rotations import Array
from rl_camera import framing
from rl_camera.damping import ease
from rl_camera.vocabulary import MOVES, Move

#: Share of a tilt or pedestal that lies below the composed picture: there is less room above a head than below it.
BELOW = 0.2


_WHIPS = (Move.WHIP_PAN_LEFT, Move.WHIP_PAN_RIGHT)


@dataclass(frozen=True)
class Course:
    """What a move adds to a composed camera, at every moment; all ``(T,)``."""

    distance: Array  # factor on the distance to the subject
    azimuth: Array  # radians about the subject, positive to the camera's right
    height: Array  # metres, the subject held in its place
    right: Array  # metres to the camera's right, without turning
    up: Array  # metres, without turning
    yaw: Array  # radians to the left, on top of everything
    pitch: Array  # radians up, on top of everything
    roll: Array  # radians counter-clockwise
    zoom: Array  # factor on the focal length


def amount_of(shot: Shot, focal_mm: float, distance: float, aspect: float) -> float:
    """How far the shot's move goes, in radians, metres, shares or times."""
    spec = MOVES[shot.move]
    if "amount" in shot.options:
        given = float(shot.options["amount"])
        return float(np.radians(given)) if spec.unit == "deg" else given
    pace = float(np.clip(shot.options.get("pace", 1.0), 0.0, 10.0))
    if shot.move in _WHIPS:
        pace = 1.0  # goes as far, in less time
    if spec.unit == "times":
        return float(spec.amount**pace)
    if not spec.of_frame:
        return pace * (float(np.radians(spec.amount)) if spec.unit == "deg" else spec.amount)
    tan_x, tan_y = framing.tangents(focal_mm, aspect)
    half = float(tan_x if shot.move in (Move.PAN_LEFT, Move.PAN_RIGHT, Move.TRUCK_LEFT, Move.TRUCK_RIGHT) else tan_y)
    across = 2.0 * spec.amount * pace * half
    return across * distance if spec.unit == "m" else 2.0 * float(np.arctan(across / 2.0))


def course(shot: Shot, times: ArrayLike, focal_mm: float, distance: float, aspect: float) -> Course:
    """The shot's move at times of the film, seconds; before the shot it has not begun, after it it is over."""
    times = np.atleast_1d(np.asarray(times, dtype=np.float64))
    u = np.clip((times - shot.start_s) / max(shot.end_s - shot.start_s, 1e-9), 0.0, 1.0)
    gentle = shot.options.get("ease", 0.0 if shot.move == Move.ORBIT else 1.0) > 0
    s = ease(u) if gentle else u
    zero, one = np.zeros_like(s), np.ones_like(s)
    part = {
        "distance": one, "azimuth": zero, "height": zero, "right": zero, "up": zero,
        "yaw": zero, "pitch": zero, "roll": zero, "zoom": one,
    }  # fmt: skip
    a = amount_of(shot, focal_mm, distance, aspect)
    move = shot.move
    if move == Move.PUSH_IN:
        part["distance"] = 1.0 - min(a, 0.95) * s
    elif move == Move.PULL_OUT:
        part["distance"] = 1.0 + max(a, -0.95) * s
    elif move == Move.DOLLY_ZOOM:
        part["distance"] = part["zoom"] = 1.0 - min(a, 0.95) * s
    elif move in (Move.ARC_LEFT, Move.ARC_RIGHT, Move.ORBIT):
        part["azimuth"] = (-a if move == Move.ARC_LEFT else a) * s
    elif move == Move.CRANE_UP:
        part["height"] = a * s
    elif move == Move.CRANE_DOWN:
        part["height"] = a * (1.0 - s)
    elif move in (Move.TRUCK_LEFT, Move.TRUCK_RIGHT):
        part["right"] = (-a if move == Move.TRUCK_LEFT else a) * (s - 0.5)
    elif move in (Move.PEDESTAL_UP, Move.PEDESTAL_DOWN):
        part["up"] = a * (s - BELOW) if move == Move.PEDESTAL_UP else a * (1.0 - BELOW - s)
    elif move in (Move.PAN_LEFT, Move.PAN_RIGHT):
        part["yaw"] = (a if move == Move.PAN_LEFT else -a) * (s - 0.5)
    elif move in (Move.TILT_UP, Move.TILT_DOWN):
        part["pitch"] = a * (s - BELOW) if move == Move.TILT_UP else a * (1.0 - BELOW - s)
    elif move in _WHIPS:
        part["yaw"] = (a if move == Move.WHIP_PAN_LEFT else -a) * whip(shot, times)
    elif move in (Move.ZOOM_IN, Move.ZOOM_OUT):
        part["zoom"] = max(a, 0.05) ** (s if move == Move.ZOOM_IN else -s)
    shake = float(shot.options.get("shake", 1.0 if move == Move.HANDHELD else 0.0))
    if shake:
        shake *= a if move == Move.HANDHELD else float(np.radians(MOVES[Move.HANDHELD].amount))
        sway = unrest(times, int(shot.options.get("seed", 0.0)), 5)
        drift = 0.02 * shake * distance
        for k, name in enumerate(("yaw", "pitch", "roll", "right", "up")):
            part[name] = part[name] + (shake, shake, 0.4 * shake, drift, drift)[k] * sway[:, k]
    return Course(**part)


#: Seconds of a whip pan: at 90 degrees and an open half of each frame, the middle smears a fifth of a 50 mm picture.
WHIP_S = 0.4


def whip(shot: Shot, times: ArrayLike) -> Array:
    """A whip pan's turn off the composed picture ``(T,)``, −1 (not begun) to 0 (landed); leaving, 0 to 1.

    The whip takes `WHIP_S` seconds, or the shot's option ``whip_s``, and never longer than the shot. With the option
    ``half``, the cut lies in its fastest middle: the turn then jumps to, or stops at, one half.
    """
    length = max(shot.end_s - shot.start_s, 1e-9)
    pace = float(np.clip(shot.options.get("pace", 1.0), 0.1, 10.0))
    whole = float(np.clip(shot.options.get("whip_s", WHIP_S / pace), 1e-3, None))
    half = shot.options.get("half", 0.0) > 0
    lasts = min(whole / 2.0 if half else whole, length)
    leaves = shot.options.get("leave", 0.0) > 0
    x = (np.asarray(times, dtype=np.float64) - (shot.end_s - lasts if leaves else shot.start_s)) / lasts
    x = np.clip(x, 0.0, 1.0)
    if half:
        x = 0.5 * x if leaves else 0.5 + 0.5 * x
    return ease(x) if leaves else ease(x) - 1.0


#: Hertz and weight of a hand's unrest: slow sway, breathing and steps, tremor (Cinemachine's noise guidance).
_BANDS = ((0.13, 0.7), (0.31, 1.0), (0.47, 0.6), (0.93, 0.28), (1.37, 0.2), (3.1, 0.05), (3.9, 0.03))


def unrest(times: ArrayLike, seed: int, channels: int) -> Array:
    """Smooth noise ``(T, channels)`` with a root mean square of 1: a function of time alone, the same at any rate."""
    times = np.asarray(times, dtype=np.float64)
    rng = np.random.default_rng(abs(seed))
    hertz, weight = np.array(_BANDS).T
    phase = rng.uniform(0, 2 * np.pi, (channels, len(hertz)))
    detune = rng.uniform(0.85, 1.15, (channels, len(hertz)))
    waves = np.sin(2 * np.pi * times[:, None, None] * hertz * detune + phase)
    return np.sqrt(2.0) * (waves * weight).sum(-1) / np.sqrt((weight**2).sum())
