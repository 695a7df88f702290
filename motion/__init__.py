"""The ground floor: what is in a scene, how it moves, and how motion moves between skeletons. Imports without torch."""

from motion.camera import CameraPath, Shot
from motion.character import Character, SkinnedMesh
from motion.clip import Clip, ContactTrack
from motion.errors import BadInput, CinemotionError, MissingExtra, MissingSystem
from motion.material import Material
from motion.stage import Attachment, Light, Performance, Prop, Stage
from motion.take import Provenance, Take

__all__ = [
    "Attachment", "BadInput", "CameraPath", "Character", "CinemotionError", "Clip", "ContactTrack", "Light", "Material",
    "MissingExtra", "MissingSystem", "Performance", "Prop", "Provenance", "Shot", "SkinnedMesh", "Stage", "Take",
]  # fmt: skip
