"""How a picture differs from what was asked of it, frame by frame: place, size, headroom; moves included in the asking.

A push-in asks for a size that grows, a pan for a subject that leaves its place: what is asked at a moment is what the
shot's size, position and headroom give after its move has come as far as `moves.course` says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.camera import Shot
from motion.rotations import Array
from rl_camera import framing
from rl_camera.framing import LANDMARK, Tracks
from rl_camera.moves import course
from rl_camera.setup import REACH_X, REACH_Y, headroom_for
from rl_camera.subjects import middle
from rl_camera.vocabulary import POSITIONS, SIZES, Position

#: With ``position: auto`` the subject may stand anywhere between the thirds.
FREE_X = 1.0 / 3.0


@dataclass(frozen=True)
class FramingErrors:
    """Frame by frame ``(T,)``; nan where nothing can be asked: the subject is behind, or the move takes it out."""

    place_half_frames: Array  # distance of the framed part from where it was asked, across and up in half frames
    size_log: Array  # ln(frame's height at the subject / asked), + is too small a figure
    headroom_frames: Array  # share of the frame above the crown minus the asked


def framing_errors(
    shot: Shot, times: Array, T_world_camera: Array, focal_mm: Array, aspect: float, subjects: Tracks
) -> FramingErrors:
    """Compare one shot's pictures with its request.

    Args:
        shot: checked (`director.check`).
        times: ``(T,)`` seconds of the film.
        T_world_camera: ``(T, 4, 4)``.
        focal_mm: ``(T,)``.
        aspect: width over height.
        subjects: who is composed, at these times.
    """
    spec = SIZES[shot.size]
    keeps = framing.indices(spec.keeps)
    camera = T_world_camera[:, :3, 3]
    azimuth, elevation = _side(camera, subjects)
    target = middle(subjects.points, keeps, azimuth, float(elevation.mean()))
    xy, depth = framing.project(T_world_camera, focal_mm, aspect, target[:, None])
    place, deep = xy[:, 0], depth[:, 0]
    tan_x, tan_y = framing.tangents(focal_mm, aspect)
    stature = float(subjects.stature.max())

    given = float(np.clip(shot.options.get("headroom", spec.headroom), -1.0, 0.9))
    share = (1.0 - spec.bottom) / (1.0 - given)
    beyond = given - float(headroom_for(share))
    distance = float(framing.distance_for(share * stature, shot.lens_mm, aspect))
    distance *= float(shot.options.get("distance", 1.0))
    share *= float(shot.options.get("distance", 1.0))
    way = course(shot, times, shot.lens_mm, distance, aspect)
    alike = np.hypot(distance * way.distance, way.height)  # a crane rises from where it stood
    wanted = np.maximum(share * alike / distance / way.zoom, _needed(subjects, keeps, T_world_camera, aspect, stature))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(2.0 * tan_y * deep / stature / wanted)

    heights = subjects.heights[:, keeps]
    centre = 0.5 * float(heights.min() + heights.max())
    headroom = headroom_for(wanted) + beyond
    lift = POSITIONS[shot.position].y
    y = 1.0 - 2.0 * (headroom + (1.0 - centre) / wanted) + lift
    asked_y = _moved(y, -way.pitch, way.up, alike, tan_y)
    off_x = _off_across(shot.position, place[:, 0], way.yaw, way.right, alike, tan_x)
    off = np.hypot(off_x, place[:, 1] - asked_y)

    crown = framing.project(T_world_camera, focal_mm, aspect, subjects.points[:, :, LANDMARK["crown"]])[0][..., 1].max(
        1
    )
    asked_crown = _moved(1.0 - 2.0 * headroom + lift, -way.pitch, way.up, alike, tan_y)
    good = (deep > 1e-3) & np.isfinite(off) & (np.abs(asked_y) <= 1.0)
    nothing = np.full(len(times), np.nan)
    return FramingErrors(
        np.where(good, off, nothing),
        np.where(deep > 1e-3, size, nothing),
        np.where(good, (asked_crown - crown) / 2.0, nothing),
    )


def _side(camera: Array, subjects: Tracks) -> tuple[Array, Array]:
    """Azimuth and elevation ``(T,)`` of the camera about the subjects' trunks."""
    off = camera - subjects.of("spine2").mean(axis=1)
    return np.arctan2(off[:, 0], off[:, 2]), np.arctan2(off[:, 1], np.hypot(off[:, 0], off[:, 2]))


def _needed(subjects: Tracks, keeps: np.ndarray, T: Array, aspect: float, stature: float) -> Array:
    """Height of the frame ``(T,)`` in statures that a group needs, whatever size was asked; 0 for one performer."""
    if len(subjects.names) < 2:
        return np.zeros(len(T))
    points = subjects.points[:, :, keeps].reshape(len(T), -1, 3)
    wide, high = (np.ptp(np.einsum("tni,ti->tn", points, T[:, :3, axis]), axis=1) for axis in (0, 1))
    return np.maximum(wide / (aspect * REACH_X), high / REACH_Y) / stature


def _moved(place: Array, turn: Array, shift: Array, distance: Array, tan: Array) -> Array:
    """Where in the picture a place ends, half frames, after a turn (radians) and a shift (metres); nan out of sight."""
    angle = np.arctan((place - shift / (distance * tan)) * tan) + turn
    sees = np.abs(angle) < np.radians(89.0)
    return np.where(sees, np.tan(np.where(sees, angle, 0.0)) / tan, np.nan)


def _off_across(position: str, x: Array, yaw: Array, right: Array, distance: Array, tan: Array) -> Array:
    """Half frames ``(T,)`` across between the framed part and the nearest place that was asked; nan out of sight."""
    fixed = POSITIONS[position].x
    places = [-1 / 3, 1 / 3] if position == Position.THIRDS else [-FREE_X, FREE_X] if fixed is None else [fixed]
    asked = np.stack([_moved(np.full_like(x, p), yaw, right, distance, tan) for p in places])
    inside = np.isfinite(asked).all(axis=0) & (np.abs(asked) <= 1.0).any(axis=0)
    off = np.abs(x - asked).min(axis=0)
    if position == Position.AUTO:
        off = np.where((x >= asked.min(axis=0)) & (x <= asked.max(axis=0)), 0.0, off)
    return np.where(inside, off, np.nan)
