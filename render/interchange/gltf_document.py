"""A glTF file under construction: arrays to accessors, nodes, channels, and the bytes at the end."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from motion.stage import Performance

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963  # glTF's bufferView targets
UNSIGNED_BYTE, UNSIGNED_INT, FLOAT = 5121, 5125, 5126  # its component types
_DTYPES = {UNSIGNED_BYTE: "u1", UNSIGNED_INT: "<u4", FLOAT: "<f4"}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class Document:
    """A glTF under construction: one binary buffer, one animation, one scene."""

    def __init__(self, animation: str) -> None:
        import pygltflib

        self.lib = pygltflib
        self.root = pygltflib.GLTF2(asset=pygltflib.Asset(version="2.0", generator="Cinemotion"))
        self.root.scenes.append(pygltflib.Scene(nodes=[]))
        self.root.scene = 0
        self.animation = pygltflib.Animation(name=animation)
        self.root.animations.append(self.animation)
        self._blob = bytearray()

    def accessor(self, values: np.ndarray, component: int, *, target: int | None = None, bounds: bool = False) -> int:
        """Append an array, ``(N,)`` or ``(N, k)``, four-byte aligned; ``bounds`` writes min and max as glTF demands."""
        values = np.ascontiguousarray(values, dtype=_DTYPES[component])
        flat = values.reshape(len(values), -1)
        self._blob.extend(b"\0" * (-len(self._blob) % 4))
        view = self.lib.BufferView(buffer=0, byteOffset=len(self._blob), byteLength=values.nbytes, target=target)
        self.root.bufferViews.append(view)
        self._blob.extend(values.tobytes())
        self.root.accessors.append(
            self.lib.Accessor(
                bufferView=len(self.root.bufferViews) - 1,
                componentType=component,
                count=len(flat),
                type=_TYPES[flat.shape[1]],
                min=flat.min(0).tolist() if bounds else None,
                max=flat.max(0).tolist() if bounds else None,
            )
        )
        return len(self.root.accessors) - 1

    def node(self, *, in_scene: bool = False, **fields: Any) -> int:
        self.root.nodes.append(self.lib.Node(**fields))
        if in_scene:
            self.root.scenes[0].nodes.append(len(self.root.nodes) - 1)
        return len(self.root.nodes) - 1

    def animate(self, node: int, path: str, times: int, values: np.ndarray) -> None:
        """One linear channel; ``times`` is the accessor of its keys."""
        output = self.accessor(values, FLOAT)
        self.animation.samplers.append(self.lib.AnimationSampler(input=times, output=output, interpolation="LINEAR"))
        target = self.lib.AnimationChannelTarget(node=node, path=path)
        sampler = len(self.animation.samplers) - 1
        self.animation.channels.append(self.lib.AnimationChannel(sampler=sampler, target=target))

    def describe(self, cast: Sequence[Performance]) -> None:
        """Rates, sources and licences, so that they travel with the file."""
        sources = []
        for performance in cast:
            origin = performance.clip.provenance
            about = {"performer": performance.name, "fps": str(performance.clip.fps), "source": origin.source}
            about |= {key: value for key in ("licence", "consent", "sha256") if (value := getattr(origin, key))}
            sources.append(about)
        self.animation.extras = {"fps": str(cast[0].clip.fps), "sources": sources}
        licences = list(dict.fromkeys(about["licence"] for about in sources if "licence" in about))
        if licences:
            self.root.asset.copyright = "; ".join(licences)

    def _tree(self, buffer: dict[str, Any]) -> dict[str, Any]:
        """The JSON, without the empty lists that glTF forbids."""
        tree = json.loads(self.root.to_json())
        tree["buffers"] = [buffer]
        return {key: value for key, value in tree.items() if value not in ([], {}, None)}

    def glb(self) -> bytes:
        """The binary container: header, JSON chunk padded with spaces, binary chunk padded with zeros."""
        blob = bytes(self._blob) + b"\0" * (-len(self._blob) % 4)
        text = json.dumps(self._tree({"byteLength": len(self._blob)}), separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)

        def number(value: int) -> bytes:
            return value.to_bytes(4, "little")

        total = 12 + 8 + len(text) + 8 + len(blob)
        return b"".join(
            (b"glTF", number(2), number(total), number(len(text)), b"JSON", text, number(len(blob)), b"BIN\0", blob)
        )

    def gltf(self) -> bytes:
        """The text form, its buffer inside as base64: one file, which appears whole."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(bytes(self._blob)).decode()
        return json.dumps(self._tree({"byteLength": len(self._blob), "uri": uri})).encode()
