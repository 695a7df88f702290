"""Camera paths as glTF 2.0: `write` and `load`; registered in `render.interchange.camera`."""

from __future__ import annotations

from render.interchange.camera_gltf_reader import load
from render.interchange.camera_gltf_writer import write

__all__ = ["load", "write"]
