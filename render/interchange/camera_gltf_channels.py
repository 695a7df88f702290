"""What moves a camera in a glTF file: channels of its node, of the nodes above it, and of its lens."""

from __future__ import annotations

import re
from typing import Any

from render.interchange.gltf_channel import Channel, read
from render.interchange.gltf_file import GltfFile

POINTER = "KHR_animation_pointer"
#: Rates, per second, that a camera may have been sampled at; keys at others are a curve's, set by hand.
SLOWEST, FASTEST = 12, 1000


def channels_of(file: GltfFile, nodes: set[int], camera: int) -> tuple[list[Channel], list[str]]:
    """Channels of all animations that move these nodes or this camera's lens, and notes on what was left out.

    Programs write one animation for each object (a rig and the camera on it), so all are read; of two that move the
    same value the first counts.
    """
    found: dict[tuple[int, str], Channel] = {}
    notes: list[str] = []
    for number, motion in enumerate(file.items("animations")):
        label = f"animation '{motion.get('name', number)}'"
        samplers, channels = motion.get("samplers", []), motion.get("channels", [])
        if not isinstance(samplers, list) or not isinstance(channels, list):
            raise file.bad(f"{label}: samplers or channels are not lists")
        for channel in channels:
            target = channel.get("target") if isinstance(channel, dict) else None
            what = _target(target, camera)
            if what is None or (what[0] != -1 and what[0] not in nodes):
                continue
            if what in found:
                notes.append(f"{label} moves what an earlier animation moves, and is left out")
                continue
            node, path = what
            where = f"{label}, {path}" + (f" of node {node}" if node >= 0 else " of the camera")
            found[what] = read(file, where, node, path, channel, samplers)
    return list(found.values()), list(dict.fromkeys(notes))


def _target(target: Any, camera: int) -> tuple[int, str] | None:
    """Node (-1: the lens) and path that a channel moves; None: something else."""
    if not isinstance(target, dict):
        return None
    node, path = target.get("node"), target.get("path")
    if path == "pointer":
        extensions = target.get("extensions")
        pointer = extensions.get(POINTER, {}).get("pointer") if isinstance(extensions, dict) else None
        if pointer == f"/cameras/{camera}/perspective/yfov":
            return -1, "yfov"
        match = re.fullmatch(r"/nodes/(\d+)/(translation|rotation|scale)", pointer or "")
        return (int(match[1]), match[2]) if match else None
    return (node, path) if isinstance(node, int) and path in ("translation", "rotation", "scale") else None
