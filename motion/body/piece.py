"""`Piece`: a garment or feature before it is laid on a body; `Landmarks` and curves to cut along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from motion.body.asset import Asset
from motion.body.patch import Field, Patch, averaging
from motion.material import Material
from motion.rotations import Array
from motion.skeleton import INDEX


@dataclass(frozen=True)
class Piece:
    """A garment or feature before it is laid on a body of some shape."""

    patch: Patch
    material: Material
    lift: float = 0.0  # metres outwards along the normal
    smooth: int = 0  # passes of smoothing before lifting
    drape: Field | None = None  # where (0 … 1) cloth is smoothed much further: it spans hollows of the body
    lining: bool = False  # has an inside too, for cloth that is seen from below
    hem: bool = False  # close the rim towards the skin
    deep: Field | None = None  # metres more that the hem reaches inwards, where cloth stands far off the skin
    sole: float = 0.0  # metres of sole under the foot; shoes only
    extra: Field | None = None  # further lift by place on the template, metres
    part: str | None = None  # part name; None: by the joint that moves it
    under: Material | None = None  # material of the faces marked `under_faces`, such as a sole
    under_faces: np.ndarray | None = None  # (F,) bool
    shift: Array | None = None  # (n, 3) metres added to the blended place: geometry that is not cut from the body

    @cached_property
    def smoothed(self) -> sparse.csr_matrix:
        """``(n, N)`` the body vertices that each vertex blends, after smoothing."""
        patch, blend = self.patch, self.patch.blend
        if self.smooth:
            step = averaging(len(patch.at), patch.faces, patch.weld, patch.rim)
            for _ in range(self.smooth):
                blend = 0.4 * blend + 0.6 * (step @ blend)
            if self.drape is not None:
                share = 0.6 * self.drape(patch.at)
                keep, take = sparse.diags_array(1 - share), sparse.diags_array(share)
                for _ in range(6):
                    blend = keep @ blend + take @ (step @ blend)
        return sparse.csr_matrix(blend)


@dataclass(frozen=True)
class Landmarks:
    """Places on the template that garments are cut by."""

    joints: Array
    eye: Array  # (3,) centre of the left eye
    eye_radius: float
    crown: float  # height of the top of the head

    @classmethod
    def of(cls, asset: Asset) -> Landmarks:
        eye = asset.template[np.unique(asset.faces["l-eye"])]
        skin = asset.template[np.unique(asset.faces["skin"])]
        return cls(asset.joints, eye.mean(0), float(np.ptp(eye[:, 1]) / 2), float(skin[:, 1].max()))

    def __getitem__(self, joint: str) -> Array:
        return self.joints[INDEX[joint]]


def above(height: float) -> Field:
    """Positive higher than this, metres."""
    return lambda p: p[:, 1] - height


def below(height: float) -> Field:
    """Positive lower than this, metres."""
    return lambda p: height - p[:, 1]
