"""Pictures of a world: `World`, `Rasterizer`, `RenderSettings`, `Frame`; heavy parts load when they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from render.frame import Frame
    from render.rasterizer import Rasterizer, RenderSettings
    from render.world import World

__all__ = ["Frame", "Rasterizer", "RenderSettings", "World"]

_HOMES = {"World": "world", "Frame": "frame", "Rasterizer": "rasterizer", "RenderSettings": "rasterizer"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'render' has no attribute '{name}'")
    return getattr(importlib.import_module(f"render.{_HOMES[name]}"), name)
