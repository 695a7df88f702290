"""glTF 2.0: dressed, skinned, moving bodies to ``.glb`` (`save`); the motion of any skinned character back (`load`)."""

from __future__ import annotations

from render.interchange.gltf_reader import load
from render.interchange.gltf_writer import save

__all__ = ["load", "save"]
