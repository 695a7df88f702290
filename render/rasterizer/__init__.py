"""The OpenGL rasterizer: `Rasterizer`, its `RenderSettings`, and `gl_info`."""

from render.rasterizer.device import gl_info
from render.rasterizer.draw import Rasterizer
from render.rasterizer.settings import RenderSettings

__all__ = ["Rasterizer", "RenderSettings", "gl_info"]
