"""`save_cloud` and `save_mesh`: shapes as PLY, by trimesh; whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import BadInput
from motion.files import whole
from render.fusion.cloud import Cloud
from render.fusion.tsdf import Surface


def save_cloud(path: str | Path, cloud: Cloud) -> None:
    """Points with their colours as binary PLY, metres, Y up.

    Raises:
        BadInput: another suffix, or a place that cannot be written to.
        MissingSystem: the disk is full.
    """
    import trimesh

    check_ply(path)
    made = trimesh.PointCloud(cloud.points, colors=_opaque(cloud.colours))
    _save(path, trimesh.exchange.ply.export_ply(made, encoding="binary"))


def save_mesh(path: str | Path, surface: Surface) -> None:
    """A mesh with vertex colours as binary PLY, metres, Y up; raises as `save_cloud`."""
    import trimesh

    check_ply(path)
    made = trimesh.Trimesh(surface.vertices, surface.faces, vertex_colors=_opaque(surface.colours), process=False)
    _save(path, trimesh.exchange.ply.export_ply(made, encoding="binary", vertex_normal=False))


def check_ply(path: str | Path) -> None:
    """Refuse another suffix, before any work is done."""
    if Path(path).suffix.lower() != ".ply":
        raise BadInput(f"{path}: a point cloud or mesh is written to a .ply file")


def _opaque(colours: np.ndarray) -> np.ndarray:
    return np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)


def _save(path: str | Path, data: bytes) -> None:
    with whole(path) as partial:
        partial.write_bytes(data)
