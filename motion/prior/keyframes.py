"""Key poses: from frames of a clip or an NPZ file, checked, and laid on frames of the models' skeleton.

An NPZ file of keys holds:

- ``times`` (K,) seconds, or ``frames`` (K,) numbers at ``fps`` (30 when there is no ``fps``);
- ``rotations`` (K, 24, 4) local, xyzw, or ``poses`` (K, 72) or (K, 24, 3), SMPL axis-angle in radians, Y up;
- ``root_position`` (K, 3) metres, the pelvis joint in the world; left out, keys stand wherever the motion is then;
- ``joints`` (24,) or (K, 24) bool: joints that count; left out, all do;
- ``rest_offsets`` (24, 3) metres: the skeleton they were made on; left out, the model's own.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from motion import files
from motion import rotations as rot
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput, CinemotionError
from motion.prior import constrain, parts
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.request import Keys

#: A body that travels faster between two keys than anyone runs: Bolt's fastest 10 m took 0.81 s, 12.3 m/s; a
#: performer in a story does not. Metres per second, mean over the way between keys or along a path.
FASTEST = 8.0
#: Two keys on one frame are the same pose when they differ by less than this.
_SAME_RADIANS, _SAME_METRES = 0.01, 0.005
_ARRAYS = ("times", "frames", "fps", "rotations", "poses", "root_position", "joints", "rest_offsets")
_MOST_BYTES = 1 << 28


def from_clip(clip: Clip, seconds: ArrayLike, at: ArrayLike | None = None, *, placed: bool = True) -> Keys:
    """Poses of a clip as keys.

    Args:
        clip: any clip, at any rate.
        seconds: ``(K,)`` instants of the clip whose poses are taken.
        at: ``(K,)`` when they should be reached; None: at the same instants.
        placed: False drops where they stand.

    Raises:
        BadInput: an instant outside the clip.
    """
    times = np.atleast_1d(np.asarray(seconds, dtype=np.float64))
    last = (clip.frames - 1) / float(clip.fps)
    for t in times:
        if not (np.isfinite(t) and -1e-6 <= t <= last + 1e-6):
            raise BadInput(f"keys: {t:g} s of a clip that ends at {last:g} s")
    rotations, root = clip.at(times)
    names = tuple(f"key {k} (pose at {t:g} s)" for k, t in enumerate(times))
    return Keys(
        times=times if at is None else np.atleast_1d(np.asarray(at, dtype=np.float64)),
        rotations=rotations,
        root_position=root if placed else None,
        rest_offsets=clip.rest_offsets,
        names=names,
    )


def from_frames(clip: Clip, frames: Sequence[int], at: ArrayLike | None = None, *, placed: bool = True) -> Keys:
    """Poses of a clip by frame number as keys; see `from_clip`.

    Raises:
        BadInput: a frame outside the clip.
    """
    for frame in frames:
        if not 0 <= frame < clip.frames:
            raise BadInput(f"keys: frame {frame} of a clip of {clip.frames} frames (0 to {clip.frames - 1})")
    return from_clip(clip, np.asarray(frames) / float(clip.fps), at, placed=placed)


def read(path: str | os.PathLike[str]) -> Keys:
    """Keys from an NPZ file; the format stands at the head of this module.

    Raises:
        BadInput: not such a file; names the array, the shape that it has and the one that was expected.
    """
    where = Path(path)
    arrays = _open(where)
    if ("times" in arrays) == ("frames" in arrays):
        both = "both 'times' and 'frames'" if "times" in arrays else "neither 'times' (seconds) nor 'frames'"
        raise BadInput(f"{where}: holds {both}, expected one of them")
    if "times" in arrays:
        times = _numbers(arrays["times"], f"{where}: 'times'").reshape(-1)
    else:
        fps = float(_numbers(arrays["fps"], f"{where}: 'fps'").reshape(-1)[0]) if "fps" in arrays else float(FPS)
        if fps <= 0:
            raise BadInput(f"{where}: 'fps' is {fps:g}, expected more than 0")
        times = _numbers(arrays["frames"], f"{where}: 'frames'").reshape(-1) / fps
    if ("rotations" in arrays) == ("poses" in arrays):
        both = "both 'rotations' and 'poses'" if "poses" in arrays else "neither 'rotations' nor 'poses'"
        raise BadInput(f"{where}: holds {both}, expected one of them")
    if "rotations" in arrays:
        rotations = _numbers(arrays["rotations"], f"{where}: 'rotations'")
        if rotations.ndim == 2 and rotations.shape[1] == 96:
            rotations = rotations.reshape(-1, 24, 4)
        if rotations.ndim != 3 or rotations.shape[1:] != (24, 4):
            raise BadInput(f"{where}: 'rotations' has shape {rotations.shape}, expected (K, 24, 4) quaternions, xyzw")
        length = np.linalg.norm(rotations, axis=-1)
        if np.abs(length - 1).max(initial=0) > 0.05:
            k, j = np.unravel_index(np.argmax(np.abs(length - 1)), length.shape)
            raise BadInput(
                f"{where}: 'rotations' of key {k}, joint {j} has length {length[k, j]:.3g}, expected unit quaternions"
            )
        rotations = rot.normalize(rotations)
    else:
        poses = _numbers(arrays["poses"], f"{where}: 'poses'")
        if poses.shape[1:] not in ((72,), (24, 3)):
            raise BadInput(f"{where}: 'poses' has shape {poses.shape}, expected (K, 72) axis-angle, radians")
        rotations = rot.from_rotvec(poses.reshape(-1, 24, 3))
    root = _numbers(arrays["root_position"], f"{where}: 'root_position'") if "root_position" in arrays else None
    rest = _numbers(arrays["rest_offsets"], f"{where}: 'rest_offsets'") if "rest_offsets" in arrays else None
    joints = arrays.get("joints")
    if joints is not None and (joints.dtype.kind not in "biuf" or joints.shape not in ((24,), (len(times), 24))):
        raise BadInput(f"{where}: 'joints' has shape {joints.shape}, expected (24,) or ({len(times)}, 24) bool")
    names = tuple(f"{where.name} key {k}" for k in range(len(times)))
    mask = None if joints is None else np.broadcast_to(joints.astype(bool), (len(times), 24))
    return checked(Keys(times, rotations, root, mask, rest, names), str(where))


def _open(path: Path) -> dict[str, np.ndarray]:
    data = files.read(path, "NPZ file of keys")
    found: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for key in _ARRAYS:
                if key in members:
                    if members[key].file_size > _MOST_BYTES:
                        raise BadInput(f"{path}: '{key}' unpacks to more than {_MOST_BYTES >> 20} MiB")
                    with archive.open(members[key]) as member:
                        stream = io.BytesIO(member.read(_MOST_BYTES))
                    found[key] = np.lib.format.read_array(stream, allow_pickle=False)
    except CinemotionError:
        raise
    except Exception as error:  # hostile bytes make zipfile raise ValueError, struct.error, LZMAError and more
        raise BadInput(f"{path}: not a readable .npz archive ({error or type(error).__name__})") from None
    if not found:
        raise BadInput(
            f"{path}: holds none of {', '.join(_ARRAYS)}; it has: {', '.join(list(members)[:12]) or 'nothing'}"
        )
    return found


def _numbers(value: np.ndarray, what: str) -> np.ndarray:
    if value.dtype.kind not in "fiu":
        raise BadInput(f"{what} holds {value.dtype}, expected numbers")
    numbers = np.asarray(value, dtype=np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.argwhere(~np.isfinite(np.atleast_1d(numbers)))[0][0])
        raise BadInput(f"{what}, row {row}: not finite (NaN or infinite)")
    return numbers


def of(value: Any) -> Keys | None:
    """Keys from whatever a caller has: `Keys`, a path of an NPZ file, or nothing."""
    if value is None or (isinstance(value, (list, tuple)) and not value):
        return None
    if isinstance(value, Keys):
        return checked(value)
    if isinstance(value, (str, os.PathLike)):
        return read(value)
    if isinstance(value, (list, tuple)) and all(isinstance(v, Keys) for v in value):
        return joined(value)
    raise BadInput(f"keys: {type(value).__name__}, expected Keys (motion.prior.keyframes) or the path of an NPZ file")


def joined(many: Sequence[Keys]) -> Keys:
    """Several sets of keys as one, in order of time; they must be made on one skeleton and be placed alike.

    Raises:
        BadInput: they are not.
    """
    if len({k.root_position is None for k in many}) > 1:
        raise BadInput("keys: some have a root position and some have none; give all of them one")
    rests = [k.rest_offsets for k in many if k.rest_offsets is not None]
    if any(np.abs(r - rests[0]).max() > 1e-4 for r in rests):
        raise BadInput("keys: made on different skeletons; retarget them to one")
    roots = [k.root_position for k in many if k.root_position is not None]
    return checked(
        Keys(
            np.concatenate([k.times for k in many]),
            np.concatenate([k.rotations for k in many]),
            np.concatenate(roots) if roots else None,
            np.concatenate([np.ones((len(k), 24), bool) if k.joints is None else k.joints for k in many]),
            rests[0] if rests else None,
            tuple(k.name(i) for k in many for i in range(len(k))),
        )
    )


def checked(keys: Keys, what: str = "keys") -> Keys:
    """Keys in order of time, their numbers finite and their shapes right.

    Raises:
        BadInput: names the key and what is wrong with it.
    """
    count = len(keys.times)
    if count == 0:
        raise BadInput(f"{what}: there are none")
    for name, value, shape in (
        ("times", keys.times, (count,)),
        ("rotations", keys.rotations, (count, 24, 4)),
        ("root_position", keys.root_position, (count, 3)),
        ("joints", keys.joints, (count, 24)),
        ("rest_offsets", keys.rest_offsets, (24, 3)),
    ):
        if value is None:
            continue
        if value.shape != shape:
            raise BadInput(f"{what}: {name} has shape {value.shape}, expected {shape}")
        bad = ~np.isfinite(value.reshape(len(value), -1).astype(float)).all(1)
        if bad.any():
            which = keys.name(int(np.argmax(bad))) if name != "rest_offsets" else "rest_offsets"
            raise BadInput(f"{which}: {name} is not finite (NaN or infinite)")
    if keys.joints is not None and not keys.joints.any(1).all():
        raise BadInput(f"{keys.name(int(np.argmin(keys.joints.any(1))))}: no joint of it counts; expected at least one")
    order = np.argsort(keys.times, kind="stable")
    return Keys(
        keys.times[order],
        keys.rotations[order],
        None if keys.root_position is None else keys.root_position[order],
        None if keys.joints is None else keys.joints[order],
        keys.rest_offsets,
        tuple(keys.names[i] for i in order) if keys.names else tuple(f"key {i}" for i in order),
    )


def scaled(keys: Keys, factor: float) -> Keys:
    """The same keys in a world ``factor`` times as large (another body's)."""
    return keys if keys.root_position is None else replace(keys, root_position=keys.root_position * factor)


def frames_of(keys: Keys, frames: int, fps: float = FPS) -> np.ndarray:
    """The frame ``(K,)`` of each key.

    Raises:
        BadInput: a key outside the clip, two different poses at one frame, or keys too far apart to travel between.
    """
    last = (frames - 1) / fps
    at = np.rint(np.clip(keys.times, -1.0, last + 1.0) * fps).astype(np.int64)
    for k in range(len(keys)):
        if not 0 <= at[k] < frames:
            raise BadInput(f"{keys.name(k)} at {keys.times[k]:g} s lies outside the clip (0 to {last:.2f} s)")
    for k in range(1, len(keys)):
        if at[k] == at[k - 1]:
            _same(keys, k - 1, k, int(at[k]), fps)
    if keys.root_position is not None:
        for k in range(1, len(keys)):
            way = float(np.linalg.norm(keys.root_position[k, [0, 2]] - keys.root_position[k - 1, [0, 2]]))
            seconds = (at[k] - at[k - 1]) / fps
            if way > FASTEST * seconds and way > _SAME_METRES:
                speed = f"{way / seconds:.3g} m/s" if seconds else "at once"
                raise BadInput(
                    f"{keys.name(k - 1)} and {keys.name(k)}: {way:.2f} m in {seconds:.2f} s ({speed}), "
                    f"expected at most {FASTEST:g} m/s"
                )
    return at


def _same(keys: Keys, a: int, b: int, frame: int, fps: float) -> None:
    """Refuse two keys on one frame that disagree about a joint that both hold."""
    both = np.ones(24, bool) if keys.joints is None else keys.joints[a] & keys.joints[b]
    apart = np.where(both, rot.angle_between(keys.rotations[a], keys.rotations[b]), 0.0)
    if apart.max() > _SAME_RADIANS:
        from motion import skeleton

        joint = skeleton.JOINTS[int(np.argmax(apart))]
        raise BadInput(
            f"{keys.name(a)} and {keys.name(b)}: two poses at one frame ({frame}, {frame / fps:.2f} s); "
            f"their {joint} differs by {np.degrees(apart.max()):.0f} degrees"
        )
    if keys.root_position is not None and both[0]:
        way = float(np.linalg.norm(keys.root_position[a] - keys.root_position[b]))
        if way > _SAME_METRES:
            raise BadInput(
                f"{keys.name(a)} and {keys.name(b)}: two places at one frame ({frame}, {frame / fps:.2f} s), "
                f"{way:.2f} m apart"
            )


def poses(keys: Keys, rest_offsets: np.ndarray) -> Clip:
    """The keys as a clip on a skeleton, one frame each; unplaced ones stand at the origin, their lowest foot on 0."""
    root = keys.root_position
    if root is None:
        root = np.zeros((len(keys), 3))
        low = Clip(keys.rotations, root, rest_offsets, Fraction(FPS)).positions()[:, [7, 8, 10, 11], 1].min(1)
        # At rest the ball joint is this high above the floor.
        rest = rest_offsets[0, 1] + rest_offsets[1, 1] + rest_offsets[4, 1] + rest_offsets[7, 1] + rest_offsets[10, 1]
        root[:, 1] = rest - low
    return Clip(keys.rotations, root, rest_offsets, Fraction(FPS))


def lay(keys: Keys, into: Constraints, rest_offsets: np.ndarray) -> np.ndarray:
    """Write the keys into constraints over the whole clip; returns the frame ``(K,)`` of each.

    Raises:
        BadInput: as `frames_of`.
    """
    at = frames_of(keys, into.frames)
    clip = poses(keys, rest_offsets)
    if keys.joints is None:
        on = np.ones((len(keys), JOINTS), bool)
    else:
        on = np.stack([parts.known_to_models(row) for row in keys.joints])
    for k in range(len(keys)):  # one by one: two keys on a frame may hold different joints
        one = Clip(clip.rotations[k : k + 1], clip.root_position[k : k + 1], rest_offsets, clip.fps)
        constrain.hold(into, at[k : k + 1], one, on[k], placed=keys.root_position is not None)
    return at


def error(keys: Keys, at: np.ndarray, clip: Clip, rest_offsets: np.ndarray) -> tuple[float, ...]:
    """Mean distance over each key's joints between the finished clip and the key, metres, by FK of both.

    Unplaced keys are compared with the floor place of their pelvis taken out.
    """
    wanted, got = poses(keys, rest_offsets).positions(), clip.positions()[at]
    if keys.root_position is None:
        shift = got[:, :1] - wanted[:, :1]
        wanted = wanted + shift * np.array([1.0, 0.0, 1.0])
    apart = np.linalg.norm(wanted - got, axis=-1)[:, :JOINTS]
    on = np.ones(apart.shape, bool)
    if keys.joints is not None:
        on = np.stack([parts.known_to_models(row) for row in keys.joints])
    return tuple(float(row[mask].mean()) for row, mask in zip(apart, on, strict=True))
