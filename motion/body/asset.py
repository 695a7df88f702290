"""`Asset`: the arrays of ``assets/body_cc0.npz`` and the bare shape they give for ten shape values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from motion.errors import MissingSystem
from motion.rotations import Array

PATH = Path(__file__).parents[1] / "assets" / "body_cc0.npz"


@dataclass(frozen=True)
class Asset:
    """The default body before it is dressed: skin that outfits leave bare, and surfaces that outfits are cut from."""

    template: Array  # (N, 3) metres, T-pose, 1.70 m tall, floor at y = 0
    shapedirs: Array  # (10, N, 3) metres per unit of shape
    joints: Array  # (24, 3)
    joint_shapedirs: Array  # (10, 24, 3)
    weights: Array  # (N, 24), rows sum to 1
    mirror: np.ndarray  # (N,) the same vertex of the other side
    uv: Array  # (U, 2)
    faces: dict[str, np.ndarray]  # group -> (F, 3) vertices; groups: skin, tights, skirt, l-eye, r-eye, lashes
    faces_uv: dict[str, np.ndarray]  # group -> (F, 3) rows of uv
    pose_mix: tuple[Array, ...]  # per block (207, K)
    pose_basis: tuple[Array, ...]  # per block (K, n, 3)
    pose_rows: tuple[np.ndarray, ...]  # per block (n,) vertices; N + i: change of vertex i per centimetre of lift
    betas: Array  # (presentation, age, build, 10)
    presentations: tuple[str, ...]
    ages: tuple[str, ...]
    builds: tuple[str, ...]
    stature: float  # metres, of every shape
    lips: Array  # (N,) 1 on the lips, 0 off them
    mouth: Array  # (N,) 1 on what lines the mouth

    def shaped(self, betas: Array) -> tuple[Array, Array]:
        """Vertices ``(N, 3)`` and joints ``(24, 3)`` of a body 1.70 m tall, metres."""
        vertices = self.template + np.tensordot(betas, self.shapedirs, 1)
        return vertices, self.joints + np.tensordot(betas, self.joint_shapedirs, 1)


@lru_cache(maxsize=1)
def asset() -> Asset:
    """Read the asset once per process.

    Raises:
        MissingSystem: the file is not where the package keeps it.
    """
    try:
        with np.load(PATH, allow_pickle=False) as stored:
            a = dict(stored)
    except FileNotFoundError as error:
        raise MissingSystem(f"{PATH} is missing: the package is not installed whole") from error
    count = len(a["v_template"])
    weights = np.zeros((count, 24))
    np.put_along_axis(weights, a["weight_joints"].astype(int), a["weights"].astype(np.float64), 1)
    blocks = range(sum(name.startswith("pose_mix_") for name in a))
    groups = [name.removeprefix("faces_uv_") for name in a if name.startswith("faces_uv_")]
    return Asset(
        template=a["v_template"].astype(np.float64),
        shapedirs=a["shapedirs"] * a["shapedirs_scale"][:, None, None],
        joints=a["joints"],
        joint_shapedirs=a["joint_shapedirs"],
        weights=weights / weights.sum(1, keepdims=True),
        mirror=a["mirror"].astype(int),
        uv=a["uv"].astype(np.float64),
        faces={g: a[f"faces_{g}"].astype(int) for g in groups},
        faces_uv={g: a[f"faces_uv_{g}"].astype(int) for g in groups},
        pose_mix=tuple(a[f"pose_mix_{i}"].astype(np.float64) for i in blocks),
        pose_basis=tuple(a[f"pose_basis_{i}"] / 127.0 for i in blocks),
        pose_rows=tuple(a[f"pose_rows_{i}"].astype(int) for i in blocks),
        betas=a["betas"],
        presentations=tuple(map(str, a["presentations"])),
        ages=tuple(map(str, a["ages"])),
        builds=tuple(map(str, a["builds"])),
        stature=float(a["stature"]),
        lips=a["lips"] / 255.0,
        mouth=a["mouth"].astype(np.float64),
    )
