"""How well a retarget went: bone directions against the source's own kinematics, and foot skate before and after.

`measure` judges one take, `sweep` a folder of captures, `table` prints what a sweep found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion import contacts, skeleton
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget import leg_length, retarget
from motion.retarget.joint_map import JointMap
from motion.retarget.matching import find_map
from motion.retarget.source import Source, prepare
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX


@dataclass(frozen=True)
class Quality:
    """Figures of one retargeted take."""

    errors: dict[str, Array]  # bone "left_hip-left_knee" -> (T,) degrees between source's direction and clip's
    skate_before: float  # mm per frame at 30 fps, the source's soles while they stand, at the clip's size
    skate_after: float  # the same moments, the clip's

    @property
    def median(self) -> float:
        """Median over all bones and frames, degrees."""
        return float(np.median(np.concatenate(list(self.errors.values()))))

    @property
    def worst(self) -> float:
        """The largest error of any bone in any frame, degrees."""
        return max(float(e.max()) for e in self.errors.values())

    @property
    def worst_bone(self) -> str:
        """The bone with the largest error."""
        return max(self.errors, key=lambda bone: float(self.errors[bone].max()))


def source_points(source: Source) -> dict[int, Array]:
    """Where the source has SMPL's joints, ``(T, 3)`` each, metres: limbs, pelvis, the neck's foot and the head."""
    points = {j: p for j in range(24) if (p := source.point(j)) is not None}
    if source.map.neck:
        points[_I["neck"]] = source.position(source.map.neck[0])
    if len(source.map.neck) > 1:
        points[_I["head"]] = source.position(source.map.neck[-1])
    return points


#: Bones that are compared: each joint with its parent in SMPL, the trunk as one from pelvis to neck.
_BONES = [
    (int(skeleton.PARENTS[j]), j)
    for j in range(1, 24)
    if not skeleton.JOINTS[j].startswith(("spine", "neck")) and not skeleton.JOINTS[j].endswith("collar")
] + [(0, _I["neck"])]


#: Bones whose direction means the same in every body. The others, from pelvis to hip, collar to shoulder or ankle to
#: ball, run as a body's joints are placed, and differ between two bodies in the same pose.
LIMBS: tuple[str, ...] = tuple(
    f"{side}_{a}-{side}_{b}"
    for side in ("left", "right")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)


def direction_errors(source: Source, clip: Clip) -> dict[str, Array]:
    """Angle in degrees between each bone of the source and of the clip, per frame; bones whose ends the source has."""
    points, result = source_points(source), clip.positions()
    smallest = 1e-3 * source.leg
    errors = {}
    for a, b in _BONES:
        if a in points and b in points:
            if skeleton.JOINTS[b].endswith("_foot") and source.map.limbs[b] < 0:
                continue  # an end site is the tip of the foot, not the joint of its ball
            bone, made = points[b] - points[a], result[:, b] - result[:, a]
            if float(np.median(np.linalg.norm(bone, axis=-1))) < smallest:
                continue
            # atan2 keeps small angles exact where arccos does not.
            sine = np.linalg.norm(np.cross(bone, made), axis=-1)
            errors[f"{skeleton.JOINTS[a]}-{skeleton.JOINTS[b]}"] = np.degrees(
                np.arctan2(sine, np.sum(bone * made, axis=-1))
            )
    return errors


def foot_skate(own: Clip, clip: Clip, scale: float = 1.0) -> tuple[float, float]:
    """Slide of heels and balls on the sole while they stand, before and after; mm per frame at 30 fps.

    Args:
        own: the source on its own proportions with nothing held or lifted (``retarget(take, lock_feet=False)``): what
            its own kinematics do.
        clip: the result.
        scale: the result's legs over the source's; "before" is stated at the result's size.

    Returns:
        Slides of the source's soles and of the clip's, both at the moments when the source's stand.
    """
    size = contacts.size_of(own.rest_offsets)
    points = contacts.foot_points(own)
    on = contacts.contact_mask(points, own.fps, scale=size)
    before = contacts.skate(points, on, own.fps)
    return scale * before, contacts.skate(contacts.foot_points(clip), on, clip.fps)


def measure(take: Take, clip: Clip, joint_map: JointMap | None = None) -> Quality:
    """Judge a clip against the take that it came from.

    All bones count when the clip has the source's own proportions, `LIMBS` when it was made for another body. Frames of
    a calibration T-pose at the start do not count.

    Raises:
        BadInput: the take has no humanoid, or the clip another number of frames.
    """
    if take.frames != clip.frames:
        raise BadInput(f"clip has {clip.frames} frames, its take {take.frames}")
    own, report = retarget(take, lock_feet=False, joint_map=joint_map)
    scale = retarget_scale(own, clip)
    errors = direction_errors(prepare(take, joint_map or find_map(take)), clip)
    if not np.allclose(clip.rest_offsets, scale * own.rest_offsets, atol=1e-6):
        errors = {bone: e for bone, e in errors.items() if bone in LIMBS}
    first = min(report.calibration_frames, take.frames - 1)
    return Quality({bone: e[first:] for bone, e in errors.items()}, *foot_skate(own, clip, scale))


def retarget_scale(own: Clip, clip: Clip) -> float:
    """Legs of the result over legs of the source."""
    return leg_length(clip.rest_offsets) / max(leg_length(own.rest_offsets), 1e-9)


@dataclass(frozen=True)
class SweepRow:
    """One set of captures in the table."""

    name: str
    files: int
    refused: tuple[str, ...]  # why, one line a file
    median_deg: float
    p99_deg: float  # 99 of 100 bones in frames are better
    worst_deg: float
    posed_worst_deg: float  # the same before feet are held and soles lifted out of the floor: the pose alone
    worst_at: str  # file and bone of the worst
    skate_before: float  # mm per frame at 30 fps, mean over files weighted by their length
    skate_after: float
    seconds_per_minute: float  # retargeting alone, per minute of motion
    minutes: float
    roads: dict[str, int] = field(default_factory=dict)


def sweep(
    folder: str | Path | Sequence[Path],
    load: Callable[[Path], Take],
    *,
    name: str | None = None,
    rest_offsets: Array | None = None,
    suffixes: Iterable[str] = (".bvh", ".amc", ".txt", ".npz"),
) -> SweepRow:
    """Retarget every capture of a folder and judge the results.

    Args:
        folder: where the captures are (searched through), or the files themselves.
        load: reads one file, as `mocap_data.load` does; handed in, since `motion` reads no files.
        name: the row's name; the folder's own by default.
        rest_offsets: the body to retarget to; None: each source's own proportions.
        suffixes: which files are captures.
    """
    if isinstance(folder, (str, Path)):
        name = name or Path(folder).name
        wanted = set(suffixes)
        files: list[Path] = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in wanted)
    else:
        files = list(folder)
    refused: list[str] = []
    samples: list[Array] = []
    worst, posed_worst, worst_at = 0.0, 0.0, ""
    skates, weights, spent = [], [], 0.0
    roads: dict[str, int] = {}
    for path in files:
        try:
            take = load(path)
            start = time.perf_counter()
            clip, report = retarget(take, rest_offsets)
            spent += time.perf_counter() - start
            quality = measure(take, clip)
            posed = measure(take, retarget(take, rest_offsets, lock_feet=False)[0])
        except BadInput as error:
            refused.append(f"{Path(path).name}: {error}")
            continue
        roads[report.road] = roads.get(report.road, 0) + 1
        # Every frame of every bone counts once, but a set of millions needs no more than a sample of each file.
        every = np.concatenate(list(quality.errors.values()))
        samples.append(every[:: max(1, len(every) // 20000)])
        posed_worst = max(posed_worst, posed.worst)
        if quality.worst > worst:
            worst, worst_at = quality.worst, f"{Path(path).name} {quality.worst_bone}"
        skates.append((quality.skate_before, quality.skate_after))
        weights.append(take.seconds)
    done = bool(weights)
    every_bone = np.concatenate(samples) if done else np.zeros(1)
    before, after = np.average(skates, axis=0, weights=weights) if done else (0.0, 0.0)
    minutes = sum(weights) / 60.0
    return SweepRow(
        name=name or "captures",
        files=len(files),
        refused=tuple(refused),
        median_deg=float(np.median(every_bone)),
        p99_deg=float(np.percentile(every_bone, 99.0)),
        worst_deg=worst,
        posed_worst_deg=posed_worst,
        worst_at=worst_at,
        skate_before=float(before),
        skate_after=float(after),
        seconds_per_minute=spent / minutes if minutes else 0.0,
        minutes=minutes,
        roads=roads,
    )


def table(rows: Iterable[SweepRow]) -> str:
    """The rows as aligned text, one line a set."""
    columns = (
        ("set", 16, ""), ("files", 7, ""), ("refused", 9, ""), ("minutes", 9, ".1f"), ("median deg", 12, ".3f"),
        ("99 % deg", 10, ".2f"), ("worst deg", 11, ".2f"), ("pose only", 11, ".2f"), ("skate mm", 10, ".2f"),
        ("after", 7, ".2f"), ("s/min", 7, ".2f"),
    )  # fmt: skip
    lines = ["".join(f"{name:>{width}}" for name, width, _ in columns)]
    for r in rows:
        values = (
            r.name, r.files, len(r.refused), r.minutes, r.median_deg, r.p99_deg, r.worst_deg, r.posed_worst_deg,
            r.skate_before, r.skate_after, r.seconds_per_minute,
        )  # fmt: skip
        lines.append("".join(f"{v:>{w}{spec}}" for v, (_, w, spec) in zip(values, columns, strict=True)))
    return "\n".join(lines)
