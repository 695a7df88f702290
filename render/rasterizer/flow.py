"""`FlowDrawer`: exact motion vectors from one frame to any other, and what of it is hidden there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from render.frame import Flow
from render.rasterizer.programs import TEXTURES, Programs
from render.rasterizer.scene import Scene
from render.rasterizer.targets import Targets
from render.view import View
from render.world import Instant

if TYPE_CHECKING:
    import moderngl


class FlowDrawer:
    """Draws the surface here with the positions it has there as a second vertex attribute."""

    def __init__(self, context: moderngl.Context, programs: Programs, targets: Targets) -> None:
        self._context, self._programs, self._targets = context, programs, targets
        self._plain: dict[int, moderngl.VertexArray] = {}

    def draw(self, scene: Scene, here: Instant, there: Instant, view: View, view_k: View) -> Flow:
        """Flow ``(H, W, 2)`` float32 px and occluded ``(H, W)`` bool, from ``here`` to ``there``."""
        context, programs = self._context, self._programs
        # What frame k shows, at its pixel centres.
        scene.pose(there)
        scene.fill(view_k, None, None, 0.0)
        scene.draw_shape(self._targets)
        scene.pose(here)
        scene.pose_k(there)
        self._targets.use("FLOW")
        scene.fill(view, None, None, 0.0, view_k)
        scene.use_block()
        context.enable(context.DEPTH_TEST)
        scene.draw_flow()
        self._targets.use("OCCLUSION")
        context.disable(context.DEPTH_TEST)
        program = programs.get("sky.vert", "occlusion.frag")
        program["size"].value = view.size
        for name, texture in (("place_map", "flow"), ("ids_here", "ids"), ("shape_k", "normal_k"), ("ids_k", "ids_k")):
            self._targets.named(texture).use(TEXTURES[name])
        self._array("sky.vert", "occlusion.frag").render(context.TRIANGLES, vertices=3)
        flow = self._targets.read_array("flow")[..., :2]
        return flow, self._targets.read_array("occlusion") > 127

    def release(self) -> None:
        """Give the vertex arrays back."""
        for array in self._plain.values():
            array.release()
        self._plain.clear()

    def _array(self, vertex: str, fragment: str) -> moderngl.VertexArray:
        program = self._programs.get(vertex, fragment)
        if program.glo not in self._plain:
            self._plain[program.glo] = self._context.vertex_array(program, [])
        return self._plain[program.glo]
