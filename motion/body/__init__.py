"""`Body`: the default CC0 body, dressed, described in words; and a user's own SMPL, SMPL-H and SMPL-X files.

    body = Body.default(height_m=1.72, build="athletic", presentation="feminine", outfit="runner")
    vertices, normals = body.pose(clip.rotations, clip.root_position)

The shape values of the default body are *not* SMPL betas.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion.body import dress, hair, outfits, smpl, smpl_files
from motion.body.asset import asset as stored_asset
from motion.body.dress import Dressed
from motion.body.skinning import Correctives, Skinner
from motion.body.skirt import Skirt
from motion.character import SkinnedMesh
from motion.errors import BadInput, unknown
from motion.rotations import Array
from motion.skeleton import PARENTS

OUTFITS: tuple[str, ...] = tuple(outfits.OUTFITS)
BUILDS: tuple[str, ...] = ("slim", "average", "athletic", "heavy")
AGES: tuple[str, ...] = ("child", "teen", "adult", "senior")
PRESENTATIONS: tuple[str, ...] = ("feminine", "neutral", "masculine")
SKINS: tuple[str, ...] = tuple(outfits.SKINS)
HAIR_COLOURS: tuple[str, ...] = tuple(outfits.HAIR_COLOURS)
HAIR_STYLES: tuple[str, ...] = hair.STYLES

#: Metres. Adults' heights lie well within; children from about four years on.
SHORTEST, TALLEST = 0.9, 2.4
#: Usual height when none is asked for, metres: rounded means of grown-ups; NCD-RisC 2016 and WHO charts for 9 and 14.
USUAL_HEIGHT = {
    "child": (1.33, 1.33, 1.33), "teen": (1.58, 1.60, 1.63), "adult": (1.64, 1.70, 1.77), "senior": (1.60, 1.66, 1.72),
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Body:
    """A dressed body on SMPL-24; implements `motion.character.Character`."""

    mesh: SkinnedMesh
    weld: np.ndarray  # (V,) the first vertex at the same place
    description: str
    licence: str
    _skinner: Skinner
    _source: tuple[Dressed, float, tuple[Correctives, ...]] | None = (
        None  # the default body's making, for `smpl_arrays`
    )

    def __repr__(self) -> str:
        return f"Body({self.description}: {len(self.mesh.vertices)} vertices)"

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
        source = stored_asset()
        betas = source.betas[
            source.presentations.index(presentation), source.ages.index(age), source.builds.index(build)
        ]
        vertices, joints = source.shaped(betas)
        wardrobe = outfits.wardrobe(outfit, skin, hair, hair_style)
        dressed = dress.dress(source, vertices, joints, wardrobe)
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
            parts=dress.PARTS,
            face_part=dressed.face_part.astype(np.int32),
        )
        limbs = dress.correctives(source, dressed.blend, dressed.lift, scale)
        skinner = Skinner(
            rest, dressed.normals, dressed.faces, dressed.weld, dressed.weights, joints, dressed.layout, limbs,
            _skirt(mesh, dressed.layout.soft),
        )  # fmt: skip
        words = f"{height_m:.2f} m, {build}, {age}, {presentation}, {outfit}"
        return cls(mesh, dressed.weld, words, "CC0-1.0", skinner, (dressed, scale, limbs))

    @classmethod
    def from_smpl(
        cls,
        path: str | Path,
        *,
        gender: str = "neutral",
        betas: ArrayLike | None = None,
        outfit: str = "casual",
        skin: str = "medium",
        hair: str = "brown",
    ) -> Body:
        """A user's own SMPL, SMPL-H or SMPL-X model, coloured as if dressed. Reading it runs no code from the file.

        Args:
            path: ``.npz`` or ``.pkl`` file, or a folder that holds ``SMPL_NEUTRAL.npz`` and the like.
            gender: which file of a folder: ``neutral``, ``female`` or ``male``.
            betas: shape values of that model; None: its mean shape.
            outfit: whose colours the torso, legs and feet get.
            skin: one of `SKINS`.
            hair: one of `HAIR_COLOURS`.

        Raises:
            BadInput: no such file, not a body model, a pickle that wants to run something, or an unknown word.
        """
        for kind, word, known in (
            ("gender", gender, ("neutral", "female", "male")), ("outfit", outfit, OUTFITS), ("skin", skin, SKINS),
            ("hair colour", hair, HAIR_COLOURS),
        ):  # fmt: skip
            if word not in known:
                raise unknown(kind, word, known)
        shape = np.atleast_1d(np.asarray([] if betas is None else betas, dtype=np.float64))
        if shape.ndim != 1 or not np.isfinite(shape).all():
            raise BadInput(f"betas of shape {shape.shape}, expected one row of finite numbers")
        file = smpl_files.find(Path(path), gender)
        model = smpl_files.load(file)
        mesh, weld, skinner = smpl.character(
            model, shape, outfits.OUTFITS[outfit], outfits.SKINS[skin], outfits.HAIR_COLOURS[hair]
        )
        licence = f"{model.kind} body model licence (non-commercial; the user's own file)"
        return cls(mesh, weld, f"{model.kind} from {file.name}", licence, skinner)

    def smpl_arrays(self) -> dict[str, np.ndarray]:
        """The default body as the arrays of an SMPL model, dressed as it is; for ``smplx.SMPL(data_struct=…)``.

        Its ten shape directions move garments along; they are not SMPL's.

        Raises:
            BadInput: this is not the default body.
        """
        if self._source is None:
            raise BadInput("smpl_arrays: only the default body can be written as an SMPL model")
        dressed, scale, limbs = self._source
        a = stored_asset()
        surface = np.stack([dressed.blend @ d for d in a.shapedirs], axis=-1)
        shapedirs = scale * np.concatenate([surface, a.joint_shapedirs.transpose(1, 2, 0)])
        return smpl.as_smpl(self.mesh, dressed, shapedirs, limbs)


def _skirt(mesh: SkinnedMesh, soft: int) -> Skirt | None:
    """The skirt of a dressed body; what follows one joint alone is held at the hips and needs no clearing."""
    cloth = [k for k, material in enumerate(mesh.materials) if material.name == "skirt"]
    rows = np.unique(mesh.faces[np.isin(mesh.face_material, cloth)])
    rows = rows[rows < soft]
    return Skirt.of(mesh.vertices.astype(np.float64), mesh.joints, mesh.weights, rows) if len(rows) else None


def seconds_per_frame(body: Body, frames: int = 120, repeats: int = 5) -> float:
    """Seconds that one frame of vertices and normals takes, best of some repeats; for ``cinemotion bench``."""
    rng = np.random.default_rng(0)
    rotations = rot.normalize(rng.standard_normal((frames, 24, 4)) * 0.1 + rot.IDENTITY)
    root = np.repeat(body.rest_offsets[:1], frames, axis=0)
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        for i in range(0, frames, 8):  # as renderers ask: a few instants at a time
            body.pose(rotations[i : i + 8], root[i : i + 8])
        best = min(best, (time.perf_counter() - started) / frames)
    return float(best)
