"""A shot's depth as one shape: `DepthView`, `Cloud`, `Volume`; and how well its views agree: `spread`, `edges_agree`.

with Rasterizer(size, RenderSettings.draft()) as rasterizer:
    frames = rasterizer.render(world, camera, range(24), (*PASSES, "albedo"))
    views = [DepthView.of(frame) for frame in frames]
spread(views)[1].p95_mm          # the first performer's surface, seen from one frame and from another
save_cloud("cloud.ply", Cloud.of(views).thinned(0.01))
save_mesh("mesh.ply", Volume.around(views, low, high, 0.02).mesh())

What moves has one place at one instant only: `FrozenWorld` holds an instant still for all of a shot's cameras.
"""

from render.fusion.agreement import Spread, spread
from render.fusion.cloud import PASSES, Cloud, DepthView
from render.fusion.edges import EdgeAgreement, edges_agree, pass_edges
from render.fusion.frozen import FrozenWorld, still_instances
from render.fusion.ply import save_cloud, save_mesh
from render.fusion.tsdf import Surface, Volume

__all__ = [
    "PASSES", "Cloud", "DepthView", "EdgeAgreement", "FrozenWorld", "Spread", "Surface", "Volume", "edges_agree",
    "pass_edges", "save_cloud", "save_mesh", "spread", "still_instances",
]  # fmt: skip
