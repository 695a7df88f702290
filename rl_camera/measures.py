"""Measures of a finished camera path: those that no reward here contains, and those that are commonly reported.

`measure` gives a `CameraReport`. Its first part, `Unrewarded`, is what a director is compared by that was tuned or
trained on rewards: whether the face is seen, how much of the subject's motion on the screen the camera cancels,
whether the path does what the shot's words say (`rl_camera.tagger`). All are means over frames, or counts over cuts;
nan says that there was nothing to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from motion import skeleton
from motion.camera import CameraPath, Shot
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import framing
from rl_camera.director import check
from rl_camera.framing import Tracks
from rl_camera.measures_edit import Editing, editing, jerks, spans
from rl_camera.measures_framing import framing_errors
from rl_camera.measures_sight import (
    FACE_DEG,
    TRUNK,
    camera_inside,
    face_seen,
    in_frame,
    mean_of,
    screen_steps,
    unhidden,
)
from rl_camera.placement import Surroundings
from rl_camera.subjects import partner_of
from rl_camera.tagger import agreement, tag
from rl_camera.vocabulary import ANGLES, SIZES

#: A subject that moves less than this on the screen of a frozen camera, half heights a second, does not move.
LEAST_SCREEN_SPEED = 1e-3


@dataclass(frozen=True)
class Unrewarded:
    """What no reward contains."""

    face_seen_share: float  # of frames in which the main subject's face is seen
    motion_cancelled_share: float  # of the trunk's motion on the screen; 0: a frozen camera, 1: locked on; may be < 0
    screen_speed_half_heights_s: float  # of the trunk, as filmed
    caption_precision: float  # of travel, by the tagger
    caption_recall: float
    caption_f1: float
    turn_caption_f1: float  # of turning


@dataclass(frozen=True)
class Framing:
    """How far pictures are from what was asked, means over frames of the absolute errors."""

    place_error_half_frames: float
    size_error_log: float  # |ln| of the ratio
    headroom_error_frames: float  # share of the frame's height
    visible_share: float  # of the landmarks that the size shows: in the frame and not hidden
    occluded_share: float  # of those in the frame: hidden by the set or by another body
    missing_share: float  # DMR: frames without one joint of a subject in the picture (DanceCamera3D)
    horizon_error_deg: float  # slant of the horizon beyond what the shot asks
    inside_share: float  # frames in which the camera is inside a thing or a body, or under the ground


@dataclass(frozen=True)
class Calm:
    """How the camera moves inside shots."""

    position_jerk_m_s3: float
    position_jerk_p95_m_s3: float
    rotation_jerk_rad_s3: float
    rotation_jerk_p95_rad_s3: float


@dataclass(frozen=True)
class CameraReport:
    """All measures of one path."""

    frames: int
    seconds: float
    unrewarded: Unrewarded
    framing: Framing
    calm: Calm
    editing: Editing
    joint_difference: float | None = None  # LCD against a reference path (DanceCamera3D); None: none was given

    def row(self) -> dict[str, float | int | None]:
        """Every measure by its name, for a table."""
        groups = (asdict(part) for part in (self.unrewarded, self.framing, self.calm, self.editing))
        out: dict[str, float | int | None] = {"frames": self.frames, "seconds": self.seconds}
        for group in groups:
            out |= group
        return out | {"joint_difference": self.joint_difference}


def measure(
    path: CameraPath,
    performances: Sequence[Performance],
    stage: Stage,
    shots: Sequence[Shot],
    aspect: float,
    *,
    reference: CameraPath | None = None,
    face_deg: float = FACE_DEG,
) -> CameraReport:
    """Measure a finished path.

    Args:
        path: frame k is at k / fps of the film.
        performances: who moves.
        stage: the set.
        shots: what was asked, in any order; they are laid out as `rl_camera.direct` does: each frame belongs to the
            last shot that has begun, the first reaches back to 0.
        aspect: width over height of the picture.
        reference: another camera of the same frames, which `joint_difference` compares with.
        face_deg: angle up to which a face that is turned off the camera counts as seen.

    Raises:
        BadInput: no shots or performers, words or names that are unknown, a reference of another length.
    """
    if not shots:
        raise BadInput("measures: no shots, expected what was asked of the camera")
    checked = sorted((check(shot, performances) for shot in shots), key=lambda s: s.start_s)
    times = np.arange(path.frames) / float(path.fps)
    everyone = framing.track(performances, times)
    around = Surroundings(stage, performances)
    pieces = spans(path, checked)
    parts = [_Shot(path, checked[i], everyone, around, aspect, first, stop, face_deg) for i, first, stop in pieces]
    place, turn = jerks(path, [(first, stop) for _, first, stop in pieces])
    tags, rate = tag(path), float(path.fps)
    laid = [replace(checked[i], start_s=first / rate, end_s=stop / rate) for i, first, stop in pieces]
    travel, turning = agreement(tags, laid), agreement(tags, laid, turning=True)

    def over(name: str) -> Array:
        return np.concatenate([np.atleast_1d(getattr(part, name)) for part in parts])

    taken, alone = over("taken"), over("alone")
    moving = float(np.nansum(alone)) / max(len(alone), 1) * float(path.fps) > LEAST_SCREEN_SPEED
    kept, shown, free = over("kept"), over("shown"), over("free")
    return CameraReport(
        path.frames,
        float(path.frames / path.fps),
        Unrewarded(
            mean_of(over("face")),
            1.0 - float(np.nansum(taken)) / float(np.nansum(alone)) if moving else float("nan"),
            mean_of(taken) * float(path.fps),
            travel.precision,
            travel.recall,
            travel.f1,
            turning.f1,
        ),
        Framing(
            mean_of(over("place")),
            mean_of(np.abs(over("size"))),
            mean_of(np.abs(over("headroom"))),
            float((free / kept).mean()),
            float(1.0 - free.sum() / shown.sum()) if shown.sum() else float("nan"),
            float(over("missing").mean()),
            mean_of(over("horizon")),
            float(camera_inside(path.T_world_camera[:, :3, 3], everyone, around).mean()),
        ),
        Calm(mean_of(place), _p95(place), mean_of(turn), _p95(turn)),
        editing(path, checked, everyone, around, aspect),
        None if reference is None else joint_difference(path, reference, everyone, aspect),
    )  # fmt: skip


def joint_difference(path: CameraPath, reference: CameraPath, everyone: Tracks, aspect: float) -> float:
    """LCD: how differently two cameras show joints, the mean over frames and joints of ``(seen − seen)²``, 0 to 1.

    As DanceCamera3D codes it (CVPR 2024, ``scripts/evaluate.py``), with the joints of SMPL-24 that are in the picture.

    Raises:
        BadInput: paths of different length.
    """
    if reference.frames != path.frames:
        raise BadInput(f"measures: the reference has {reference.frames} frames, the path {path.frames}")
    joints = everyone.points[:, :, : len(skeleton.JOINTS)].reshape(path.frames, -1, 3)
    seen = [in_frame(p.T_world_camera, p.focal_mm, aspect, joints).astype(np.float64) for p in (path, reference)]
    return float(((seen[0] - seen[1]) ** 2).mean())


def _p95(values: Array) -> float:
    return float(np.percentile(values, 95)) if len(values) else float("nan")


class _Shot:
    """The frames of one shot, measured; all arrays over its frames."""

    def __init__(
        self, path: CameraPath, shot: Shot, everyone: Tracks, around: Surroundings, aspect: float, first: int,
        stop: int, face_deg: float,
    ) -> None:  # fmt: skip
        T, focal = path.T_world_camera[first:stop], path.focal_mm[first:stop]
        here = Tracks(
            everyone.names, everyone.times[first:stop], everyone.points[first:stop], everyone.stature, everyone.heights
        )
        of = shot.of[:1] if partner_of(shot, here) is not None else shot.of
        main = here.only(of[:1])
        rest = here.only([n for n in here.names if n != of[0]])
        self.face = face_seen(T, focal, aspect, main, rest, around, face_deg).astype(np.float64)
        self.taken, self.alone = screen_steps(T, focal, aspect, main.points[:, 0, TRUNK].mean(axis=1, keepdims=True))
        errors = framing_errors(shot, here.times, T, focal, aspect, here.only(of))
        asked = np.radians(shot.options.get("roll_deg", ANGLES[shot.angle].roll_deg))
        off = framing.angles_of(T)[2] - asked
        self.horizon = np.degrees(np.abs(np.arctan2(np.sin(off), np.cos(off))))
        self.place, self.size, self.headroom = errors.place_half_frames, errors.size_log, errors.headroom_frames
        keeps = framing.indices(SIZES[shot.size].keeps)
        count, joints = len(keeps) * len(of), len(skeleton.JOINTS)
        self.kept = np.full(stop - first, float(count))
        self.shown, self.free = np.zeros(stop - first), np.zeros(stop - first)
        self.missing = np.ones(stop - first)
        for name in of:
            points = here.only([name]).points[:, 0]
            inside = in_frame(T, focal, aspect, points)
            clear = unhidden(T[:, :3, 3], points[:, keeps], here.only([n for n in here.names if n != name]), around)
            self.shown += inside[:, keeps].sum(axis=1)
            self.free += (inside[:, keeps] & clear).sum(axis=1)
            self.missing *= ~inside[:, :joints].any(axis=1)
        self.taken, self.alone = self.taken.ravel(), self.alone.ravel()
