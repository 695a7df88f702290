"""`Body`: the default CC0 body, dressed, described in words; and a user's own SMPL, SMPL-H and SMPL-X files.

    body = Body.default(height_m=1.72, build="athletic", presentation="feminine", outfit="runner")
    vertices, normals = body.pose(clip.rotations, clip.root_position)

The shape values of the default body are *not* SMPL betas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import body_dress, body_hair, body_outfits
from motion.body_asset import asset
from motion.body_skinning import Skinner
from motion.character import SkinnedMesh
from motion.errors import BadInput, unknown
from motion.rotations import Array
from motion.skeleton import PARENTS

OUTFITS: tuple[str, ...] = tuple(body_outfits.OUTFITS)
BUILDS: tuple[str, ...] = ("slim", "average", "athletic", "heavy")
AGES: tuple[str, ...] = ("child", "teen", "adult", "senior")
PRESENTATIONS: tuple[str, ...] = ("feminine", "neutral", "masculine")
SKINS: tuple[str, ...] = tuple(body_outfits.SKINS)
HAIR_COLOURS: tuple[str, ...] = tuple(body_outfits.HAIR_COLOURS)
HAIR_STYLES: tuple[str, ...] = body_hair.STYLES

#: Metres. Adults' heights lie well within; children from about four years on.
SHORTEST, TALLEST = 0.9, 2.4
#: Usual height when none is asked for, metres: rounded means of grown-ups; NCD-RisC 2016 and WHO charts for 9 and 14.
USUAL_HEIGHT = {
    "child": (1.33, 1.33, 1.33), "teen": (1.58, 1.60, 1.63), "adult": (1.64, 1.70, 1.77), "senior": (1.60, 1.66, 1.72),
}  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A dressed body on SMPL-24; implements `motion.character.Character`."""

    mesh: SkinnedMesh
    weld: np.ndarray  # (V,) the first vertex at the same place
    description: str
    _skinner: Skinner

    @property
    def rest_offsets(self) -> Array:
        """``(24, 3)`` metres: each joint in its parent's frame at rest; row 0 is the rest pelvis above the floor."""
        joints = np.asarray(self.mesh.joints, dtype=np.float64)
        return joints - np.where(PARENTS[:, None] >= 0, joints[np.maximum(PARENTS, 0)], 0.0)

    def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Skin a batch of poses; every frame is computed alone, so the bits do not depend on the batch.

        Args:
            rotations: ``(T, 24, 4)`` local rotations, xyzw, unit length.
            root_position: ``(T, 3)`` pelvis joint in the world, metres.

        Returns:
            Vertices and unit normals, each ``(T, V, 3)`` float32, world, metres.

        Raises:
            BadInput: the shapes do not agree.
        """
        rotations, root = np.asarray(rotations), np.asarray(root_position)
        if rotations.ndim != 3 or rotations.shape[1:] != (24, 4) or root.shape != (len(rotations), 3):
            raise BadInput(
                f"pose: rotations {rotations.shape} and root {root.shape}, expected (frames, 24, 4) and (frames, 3)"
            )
        return self._skinner.pose(rotations, root)

    @classmethod
    def default(
        cls,
        height_m: float | None = None,
        build: str = "average",
        age: str = "adult",
        presentation: str = "neutral",
        outfit: str = "runner",
        *,
        skin: str = "medium",
        hair: str | None = None,
        hair_style: str | None = None,
    ) -> Body:
        """The CC0 body, shaped and dressed by words.

        Args:
            height_m: stature without shoes, metres; None: usual for the age and presentation (1.70 by default).
            build: one of `BUILDS`.
            age: one of `AGES`.
            presentation: one of `PRESENTATIONS`.
            outfit: one of `OUTFITS`.
            skin: one of `SKINS`.
            hair: one of `HAIR_COLOURS`; None: brown, grey for seniors.
            hair_style: one of `HAIR_STYLES`; None: tied back for feminine, short for others.

        Raises:
            BadInput: an unknown word, or a height outside 0.9 … 2.4 m.
        """
        for kind, word, known in (
            ("build", build, BUILDS), ("age", age, AGES), ("presentation", presentation, PRESENTATIONS),
            ("outfit", outfit, OUTFITS), ("skin", skin, SKINS),
        ):  # fmt: skip
            if word not in known:
                raise unknown(kind, word, known)
        hair = hair if hair is not None else ("grey" if age == "senior" else "brown")
        if hair not in HAIR_COLOURS:
            raise unknown("hair colour", hair, HAIR_COLOURS)
        if hair_style is None:
            hair_style = ("bun" if outfit == "dancer" else "ponytail") if presentation == "feminine" else "short"
        if hair_style not in HAIR_STYLES:
            raise unknown("hair style", hair_style, HAIR_STYLES)
        if height_m is None:
            height_m = USUAL_HEIGHT[age][PRESENTATIONS.index(presentation)]
        if not SHORTEST <= height_m <= TALLEST:  # NaN fails too
            raise BadInput(f"height {height_m} m, expected {SHORTEST} to {TALLEST} m")
        source = asset()
        betas = source.betas[
            source.presentations.index(presentation), source.ages.index(age), source.builds.index(build)
        ]
        vertices, joints = source.shaped(betas)
        wardrobe = body_outfits.pieces(
            source, body_outfits.OUTFITS[outfit], body_outfits.SKINS[skin], body_outfits.HAIR_COLOURS[hair], hair_style
        )
        dressed = body_dress.dress(source, vertices, joints, wardrobe)
        scale = height_m / source.stature
        lift = np.array([0.0, dressed.sole, 0.0])
        rest = scale * (dressed.vertices + lift)
        joints = scale * (joints + lift)
        mesh = SkinnedMesh(
            vertices=rest.astype(np.float32),
            normals=dressed.normals.astype(np.float32),
            faces=dressed.faces.astype(np.int32),
            uv=dressed.uv.astype(np.float32),
            weights=dressed.weights.astype(np.float32),
            joints=joints,
            materials=dressed.materials,
            face_material=dressed.face_material.astype(np.int32),
            parts=body_dress.PARTS,
            face_part=dressed.face_part.astype(np.int32),
        )
        skinner = Skinner(
            rest, dressed.normals, dressed.faces, dressed.weld, dressed.weights, joints, dressed.layout,
            body_dress.correctives(source, dressed.blend, dressed.lift, scale),
        )  # fmt: skip
        return cls(mesh, dressed.weld, f"{height_m:.2f} m, {build}, {age}, {presentation}, {outfit}", skinner)
