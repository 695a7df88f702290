"""`Material`: how a surface takes light, in the terms that glTF uses."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]  # linear Rec.709, 0..1


@dataclass(frozen=True)
class Material:
    """A surface in glTF's metallic-roughness model."""

    name: str = "matte"
    colour: Colour = (0.5, 0.5, 0.5)  # base colour, linear
    roughness: float = 0.8
    metallic: float = 0.0
    pattern: str = "plain"  # a procedural pattern that the renderer knows: plain, fabric, skin, hair, wood, grass, …
    colour2: Colour | None = None  # the pattern's second colour; None: derived from colour
    scale: float = 1.0  # pattern repeats per metre, relative to the pattern's natural size
