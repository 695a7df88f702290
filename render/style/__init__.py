"""Drawn looks for rendered frames: `Style` says which, `Stylist` applies it to the frames of a film.

Toon, pencil, watercolour and clay are shaders and filters over the passes of `render.frame.Frame`; `Example` carries a
painting of one frame over to all others. What is drawn on surfaces is fixed to them by their rest coordinates, so every
picture depends on its own frame alone. Training a style, and refining light, are not done here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from render.style.settings import LOOKS, Clay, Example, Pencil, Style, Toon, Watercolour, make_style
    from render.style.stylist import Stylist

__all__ = ["LOOKS", "Clay", "Example", "Pencil", "Style", "Stylist", "Toon", "Watercolour", "make_style"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'render.style' has no attribute '{name}'")
    home = "stylist" if name == "Stylist" else "settings"
    return getattr(importlib.import_module(f"render.style.{home}"), name)
