"""`load`: the motion of a skinned character in a ``.glb`` or ``.gltf`` as a `Take`, whatever rig it has.

What is read: the joints of a skin, their names and tree; the rest pose, from the inverse bind matrices where they agree
with the nodes and from the nodes' own transforms otherwise; one animation, brought to a fixed rate. Nodes above and
between joints (armatures, a scale of 0.01, a turn from Z up) are folded into the joints, so that the take stands in the
scene's metres, Y up. Meshes, materials, morph targets and animated scale are left aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion import rotations as rot
from motion.errors import BadInput, unknown
from motion.rate import RateError, exact
from motion.take import Provenance, Take
from render.interchange.gltf_channel import SNAP, Channel, even_rate, read, sampled
from render.interchange.gltf_file import GltfFile
from render.interchange.gltf_nodes import Nodes, ends_of, joint_above, joints_of, rest_pose, to_local

#: Longer takes are a sign of wrong times, not of patience.
_LONGEST_S = 6 * 3600.0


def load(
    path: str | Path,
    *,
    fps: Fraction | int | float | str | None = None,
    animation: str | int | None = None,
    skin: str | int | None = None,
) -> Take:
    """Read one character's motion.

    Args:
        path: a ``.glb``, or a ``.gltf`` with its buffers inside or beside it.
        fps: the take's rate; None: the rate of the keys when they are evenly spaced, else 30.
        animation: name or number of the animation; None: the first that moves the skin's joints.
        skin: name or number of the skin; None: the first that an animation moves.

    Returns:
        A `Take` in metres, Y up, whose frame 0 is the animation's first key. Its notes say what was left out.

    Raises:
        BadInput: not a readable glTF 2.0; no skin; no animation of it; a name that is not there.
    """
    rate = _rate(path, fps)
    file = GltfFile(path)
    nodes = Nodes(file)
    skins, motions = file.items("skins"), file.items("animations")
    if not skins:
        raise file.bad("holds no skin (no skinned character), expected one")
    if not motions:
        raise file.bad("holds no animation, expected one")
    wanted = _choices(file, "skin", skins, skin)
    takes = _choices(file, "animation", motions, animation)
    for s in wanted:
        joints = joints_of(file, nodes, skins[s], s)
        above = nodes.with_ancestors(joints)
        for a in takes:
            channels = _channels(file, motions[a], a, set(above))
            if channels:
                notes = _notes(file, skins, s, motions, a)
                return _take(file, nodes, skins[s], joints, channels, rate, notes, motions[a])
    which = f"animation '{animation}'" if animation is not None else "no animation"
    raise file.bad(f"{which} moves {'no joint' if animation is not None else 'a joint'} of a skin")


def _rate(path: str | Path, fps: Any) -> Fraction | None:
    if fps is None:
        return None
    try:
        return exact(fps, most=10000)
    except RateError as error:
        raise BadInput(f"{path}: {error}") from None


def _choices(file: GltfFile, kind: str, items: Sequence[dict[str, Any]], wanted: str | int | None) -> Sequence[int]:
    """Numbers of the items to try: the one asked for, or all."""
    if wanted is None:
        return range(len(items))
    names = [str(item.get("name", i)) for i, item in enumerate(items)]
    if isinstance(wanted, int):
        return [file.index(wanted, len(items), kind)]
    if wanted in names:
        return [names.index(wanted)]
    raise BadInput(f"{file.path}: {unknown(kind, wanted, names)}")


def _channels(file: GltfFile, motion: dict[str, Any], number: int, wanted: set[int]) -> list[Channel]:
    """The channels of an animation that move the wanted nodes, read and checked."""
    label = f"animation '{motion.get('name', number)}'"
    samplers = motion.get("samplers", [])
    found: list[Channel] = []
    if not isinstance(samplers, list) or not isinstance(motion.get("channels", []), list):
        raise file.bad(f"{label}: samplers or channels are not lists")
    for channel in motion.get("channels", []):
        target = channel.get("target") if isinstance(channel, dict) else None
        node, path = (target.get("node"), target.get("path")) if isinstance(target, dict) else (None, None)
        if not isinstance(node, int) or node not in wanted or path not in ("rotation", "translation", "scale"):
            continue
        where = f"{label}, {path} of node {node}"
        found.append(read(file, where, node, path, channel, samplers))
    return found


def _grid(
    file: GltfFile, channels: Sequence[Channel], fps: Fraction | None, stated: Any
) -> tuple[Fraction, float, int]:
    """Rate, time of frame 0, and number of frames."""
    start, end = min(c.times[0] for c in channels), max(c.times[-1] for c in channels)
    if end - start > _LONGEST_S:
        raise file.bad(f"its animation lasts {end - start:.0f} s, expected at most {_LONGEST_S:.0f}")
    if fps is None:
        fps = even_rate(channels) or Fraction(30)
        try:
            said = Fraction(stated["fps"])
            if said > 0 and abs(float(said / fps) - 1) * max((end - start) * float(fps), 1) < SNAP:
                fps = said
        except (TypeError, KeyError, ValueError, ZeroDivisionError):
            pass
    frames = int(np.floor((end - start) * float(fps) + SNAP)) + 1
    if frames > 5_000_000:
        raise file.bad(f"its animation has {frames} frames at {fps} a second, expected at most 5000000")
    return fps, float(start), frames


def _take(
    file: GltfFile,
    nodes: Nodes,
    skin: dict[str, Any],
    joints: list[int],
    channels: Sequence[Channel],
    fps: Fraction | None,
    notes: tuple[str, ...],
    motion: dict[str, Any],
) -> Take:
    rate, start, frames = _grid(file, channels, fps, motion.get("extras"))
    moving = {(c.node, c.path): sampled(c, start, rate, frames) for c in channels}
    order = nodes.with_ancestors(joints)
    number = {j: k for k, j in enumerate(joints)}
    parents = np.array([number.get(joint_above(nodes, j, set(joints)), -1) for j in joints], dtype=np.int32)
    world = nodes.worlds(order, moving, frames)
    rotations, translations = to_local(file, parents, np.stack([world[j] for j in joints], axis=1))
    still = np.stack([m[0] for m in (nodes.worlds(order, {}, 1)[j] for j in joints)])
    rest, rest_note = rest_pose(file, nodes, skin, joints, still)
    rest_rotations, rest_offsets = to_local(file, parents, rest[None])
    ends = ends_of(nodes, joints, order)
    scaled = any(path == "scale" and np.ptp(v, axis=0).max() > 1e-4 for (_, path), v in moving.items())
    if scaled:
        notes += ("animated scale of joints is left out",)
    if start > 1e-6:
        notes += (f"the animation starts at {start:g} s; frame 0 is there",)
    if rest_note:
        notes += (rest_note,)
    return Take(
        names=_unique([nodes.name(j) for j in joints]),
        parents=parents,
        rest_offsets=rest_offsets[0],
        rotations=rot.continuous(rotations),
        translations=translations,
        fps=rate,
        rest_rotations=rest_rotations[0],
        end_offsets=ends,
        metres_per_unit=1.0,
        up="Y",
        provenance=_provenance(file, notes),
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(found)


def _notes(
    file: GltfFile, skins: Sequence[dict[str, Any]], skin: int, motions: Sequence[dict[str, Any]], motion: int
) -> tuple[str, ...]:
    """What else the file holds."""
    found = []
    for kind, items, taken in (("skin", skins, skin), ("animation", motions, motion)):
        if len(items) > 1:
            names = [str(item.get("name", i)) for i, item in enumerate(items)]
            others = ", ".join(n for i, n in enumerate(names[:9]) if i != taken)
            found.append(f"read {kind} '{names[taken]}'; the file also holds {others}")
    return tuple(found)


def _provenance(file: GltfFile, notes: tuple[str, ...]) -> Provenance:
    copyright_ = file.tree["asset"].get("copyright")
    licence = copyright_ if isinstance(copyright_, str) and copyright_ else None
    return Provenance(source=file.path.name, sha256=file.sha256, licence=licence, notes=notes)
