"""`Display`: the tone curve as a shader, so that a film's frames leave the device as the bytes that get encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from render.rasterizer.programs import TEXTURES, Programs
from render.rasterizer.settings import RenderSettings
from render.rasterizer.targets import Targets
from render.tonemap import CurveTable, curve_table

if TYPE_CHECKING:
    import moderngl


class Display:
    """Draws linear light through the settings' tone curve."""

    def __init__(self, context: moderngl.Context, targets: Targets, settings: RenderSettings) -> None:
        self._context, self._targets = context, targets
        self._table: CurveTable = curve_table(settings.curve)
        self._programs = Programs(context, {"ENCODE": int(not self._table.encoded)})
        self._gain = 2.0**settings.exposure
        self._curve: moderngl.Texture | None = None
        self._array: moderngl.VertexArray | None = None

    def draw(self, source: str) -> np.ndarray:
        """The picture called ``source`` as ``(H, W, 3)`` uint8."""
        context, table = self._context, self._table
        program = self._programs.get("sky.vert", "display.frag")
        if self._curve is None or self._array is None:
            self._curve = context.texture((len(table.values), 1), 1, table.values.tobytes(), dtype="f4")
            self._curve.repeat_x = self._curve.repeat_y = False
            self._curve.filter = (context.LINEAR, context.LINEAR)
            self._array = context.vertex_array(program, [])
            program["inset"].write((table.inset * self._gain).T.astype("f4").tobytes())
            program["outset"].write(table.outset.T.astype("f4").tobytes())
            # The first and last entries stand at texel centres.
            stops, texels = table.high - table.low, len(table.values)
            scale = (texels - 1) / texels / stops
            program["range"].value = (table.low - 0.5 / texels / scale, scale)
        self._targets.use("DISPLAY")
        context.disable(context.DEPTH_TEST)
        self._targets.named(source).use(TEXTURES["one"])
        self._curve.use(TEXTURES["curve_map"])
        self._array.render(context.TRIANGLES, vertices=3)
        return self._targets.read_array("display")

    def release(self) -> None:
        """Give everything back."""
        for thing in (self._curve, self._array):
            if thing is not None:
                thing.release()
        self._programs.release()
