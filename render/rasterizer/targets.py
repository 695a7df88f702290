"""`Targets`: the pictures that passes are drawn into, made when first used, and read back as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion.errors import CinemotionError, MissingSystem
from render.rasterizer.programs import Programs

if TYPE_CHECKING:
    import moderngl

#: Attachments of each kind of pass, in the order of shaders/outputs.glsl: name, channels, type.
_LAYOUT: dict[str, tuple[tuple[str, int, str], ...]] = {
    "BEAUTY": (("colour", 4, "f4"),),
    "BEAUTY_ALBEDO": (("colour", 4, "f4"), ("albedo", 4, "f4")),
    "ALL": (
        ("colour", 4, "f4"), ("albedo", 4, "f4"), ("normal", 4, "f4"), ("data", 4, "i4"), ("diffuse", 4, "f4"),
        ("specular", 4, "f4"),
    ),
    "DATA": (("albedo", 4, "f4"), ("normal", 4, "f4"), ("data", 4, "i4")),
    "SEEN": (("seen_normal", 4, "f4"), ("seen_ids", 2, "i4"), ("seen_anchor", 4, "f4")),
    "SHAPE": (("normal", 4, "f4"), ("ids", 2, "i4")),
    "SHAPE_K": (("normal_k", 4, "f4"), ("ids_k", 2, "i4")),
    "FLOW": (("flow", 4, "f4"), ("ids", 2, "i4")),
    "OCCLUSION": (("occlusion", 1, "f1"),),
    "DISPLAY": (("display", 3, "f1"),),
    "SUM": (("sum", 4, "f4"),),
    "SUM_ALBEDO": (("sum_albedo", 4, "f4"),),
}  # fmt: skip

SLOTS = 4  # samples held before they are added up: the first, which stays, and three others
BACKDROP = SLOTS  # the slot of what lies behind all samples alike
_EMPTY = -1.0  # a sample's alpha where the backdrop shows
SAMPLE_PLACES = (8, 9, 10, 11)
_BACKDROP_PLACE = 12
_FLAT = ("OCCLUSION", "DISPLAY", "SUM", "SUM_ALBEDO")  # drawn without depths
_UNTOUCHED = np.array([0x5A, 0xA5, 0xC3, 0xFF], np.uint8)  # as a float, one of the NaNs that no shader makes


def slot_of(index: int) -> int:
    """Where a sample is drawn: the first keeps its place, the others take turns."""
    return index if index == 0 else 1 + (index - 1) % (SLOTS - 1)


def _slotted(name: str, slot: int) -> str:
    return f"{name}@{slot}" if slot else name


class Targets:
    """Framebuffers by kind of pass; kinds share textures of the same name."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int]) -> None:
        self._context = context
        self.size = size
        self._textures: dict[str, moderngl.Texture] = {}
        self._depth: moderngl.Texture | None = None
        self._depth_only: moderngl.Framebuffer | None = None
        self._framebuffers: dict[str, moderngl.Framebuffer] = {}
        self._triangle: moderngl.VertexArray | None = None
        self._where = (0, 0, 0, 0)

    def texture(self, name: str, channels: int, kind: str) -> moderngl.Texture:
        """The picture of one name."""
        if name not in self._textures:
            try:
                made = self._context.texture(self.size, channels, dtype=kind)
            except Exception as error:
                raise MissingSystem(f"no room for a {self.size[0]}x{self.size[1]} picture: {error}") from error
            made.filter = (self._context.NEAREST, self._context.NEAREST)
            made.repeat_x = made.repeat_y = False
            self._textures[name] = made
        return self._textures[name]

    def named(self, name: str) -> moderngl.Texture:
        """A picture that a pass was drawn into before."""
        return self._textures[name]

    def framebuffer(self, kind: str, slot: int = 0) -> moderngl.Framebuffer:
        """The framebuffer of one kind of pass; samples of a frame have one for each slot."""
        key = _slotted(kind, slot)
        if key not in self._framebuffers:
            colours = [self.texture(_slotted(name, slot), channels, form) for name, channels, form in _LAYOUT[kind]]
            try:
                if kind in _FLAT:
                    made = self._context.framebuffer(colours)
                else:
                    if self._depth is None:
                        self._depth = self._context.depth_texture(self.size)
                        self._depth_only = self._context.framebuffer(depth_attachment=self._depth)
                    made = self._context.framebuffer(colours, self._depth)
            except Exception as error:
                raise MissingSystem(f"no room for {self.size[0]}x{self.size[1]} pictures: {error}") from error
            self._framebuffers[key] = made
        return self._framebuffers[key]

    def use(self, kind: str, slot: int = 0) -> None:
        """Draw into this kind of pass from now on, over a cleared depth; every pixel's colours will be written."""
        framebuffer = self.framebuffer(kind, slot)
        framebuffer.use()
        if self._depth_only is not None and kind not in _FLAT:
            # Every pixel's colours get written anyway; clearing them too would cost as much as a pass.
            self._depth_only.clear(depth=1.0)
            framebuffer.use()

    def use_behind(self, kind: str, slot: int, where: tuple[int, int, int, int], empty: bool = False) -> None:
        """Draw into this kind of pass wherever something nearer than the far plane was drawn, keeping the depths.

        Args:
            kind: of pass.
            slot: of sample.
            where: x, y, width, height in px outside which nothing was drawn: drivers test depth pixel by pixel too.
            empty: first let the backdrop show everywhere.
        """
        framebuffer = self.framebuffer(kind, slot)
        framebuffer.depth_mask = False
        framebuffer.scissor = None  # type: ignore[assignment]
        framebuffer.use()
        if empty:
            framebuffer.clear(0.0, 0.0, 0.0, _EMPTY)
        framebuffer.scissor = where
        framebuffer.use()
        self._context.depth_func = ">"

    def use_before(self, kind: str, slot: int, where: tuple[int, int, int, int] | None = None) -> None:
        """Back to drawing what is nearest, perhaps only inside a rectangle."""
        framebuffer = self.framebuffer(kind, slot)
        framebuffer.depth_mask = True
        framebuffer.scissor = where  # type: ignore[assignment]
        framebuffer.use()
        self._context.depth_func = "<="

    def use_backdrop(self, kind: str, where: tuple[int, int, int, int]) -> None:
        """Draw what lies behind the samples into its own slot, but only inside a rectangle."""
        framebuffer = self.framebuffer(kind, BACKDROP)
        framebuffer.scissor = where
        self._where = where
        self.use(kind, BACKDROP)

    def hide_backdrop(self, kind: str) -> None:
        """Nothing lies between the samples and the first one."""
        self.framebuffer(kind, BACKDROP)
        self._where = (0, 0, 0, 0)

    def keep(self, kind: str, programs: Programs, index: int, count: int, backed: bool) -> None:
        """Sample ``index`` of ``count`` was drawn into its slot; when all slots are full, add them to the sums."""
        slot = slot_of(index)
        if slot != SLOTS - 1 and index != count - 1:
            return
        context = self._context
        program = programs.get("sky.vert", "resolve.frag")
        program["weight"].value = 1.0 / count
        program["first_weight"].value = float(index < SLOTS)
        program["others"].value = slot
        program["samples"].value = SAMPLE_PLACES
        program["backdrop"].value = _BACKDROP_PLACE
        x, y, width, height = self._where if backed else (0, 0, 0, 0)
        program["inside"].value = (x, y, x + width, y + height)
        if self._triangle is None:
            self._triangle = context.vertex_array(program, [])
        context.disable(context.DEPTH_TEST)
        if index >= SLOTS:
            context.enable(context.BLEND)
            context.blend_func = context.ONE, context.ONE
        pairs = [("colour", "SUM")] + ([("albedo", "SUM_ALBEDO")] if kind == "BEAUTY_ALBEDO" else [])
        for source, into in pairs:
            self.framebuffer(into).use()
            for other, place in enumerate(SAMPLE_PLACES):
                self._textures[_slotted(source, other if other <= slot else 0)].use(place)
            self._textures[_slotted(source, BACKDROP if backed else 0)].use(_BACKDROP_PLACE)
            self._triangle.render(context.TRIANGLES, vertices=3)
        context.disable(context.BLEND)

    def read_array(self, name: str) -> np.ndarray:
        """One picture as a fresh array ``(H, W[, channels])``."""
        texture = self._textures[name]
        width, height = self.size
        dtype = {"f4": np.float32, "i4": np.int32, "f1": np.uint8}[texture.dtype]
        shape = (height, width) if texture.components == 1 else (height, width, texture.components)
        array = np.empty(shape, dtype)
        # Some libraries end every OpenGL context of the process with their own; drawing then silently does nothing.
        first = array.reshape(-1).view(np.uint8)[:4]
        first[:] = _UNTOUCHED[: len(first)]
        texture.read_into(array, alignment=1)
        if dtype != np.uint8 and np.array_equal(first, _UNTOUCHED):
            raise CinemotionError(
                "the OpenGL context was lost, perhaps ended by another library: make a new Rasterizer"
            )
        return array

    def read(self, kind: str, wanted: frozenset[str]) -> dict[str, np.ndarray]:
        """The passes wanted out of an ``ALL`` or ``DATA`` picture."""
        out: dict[str, np.ndarray] = {}
        if "albedo" in wanted:
            out["albedo"] = self.read_array("albedo")[..., :3]
        if wanted & {"normal", "depth"}:
            normal = self.read_array("normal")
            if "normal" in wanted:
                out["normal"] = normal[..., :3]
            if "depth" in wanted:
                out["depth"] = normal[..., 3]
        if wanted & {"ids", "roughness_metallic"}:
            data = self.read_array("data")
            if "ids" in wanted:
                out["ids"] = data[..., :2]
            if "roughness_metallic" in wanted:
                out["roughness_metallic"] = data.view(np.float32)[..., 2:]
        if kind == "DATA":
            return out
        if "diffuse" in wanted:
            out["diffuse"] = self.read_array("diffuse")[..., :3]
        if "specular" in wanted:
            out["specular"] = self.read_array("specular")[..., :3]
        return out

    def read_sum(self, count: int, wanted: frozenset[str]) -> dict[str, np.ndarray]:
        """Beauty (``colour``) and its albedo, after all samples were added."""
        out = {}
        if "beauty" in wanted:
            out["colour"] = self.read_array("sum" if count > 1 else "colour")
        if "albedo_aa" in wanted:
            out["albedo_aa"] = self.read_array("sum_albedo" if count > 1 else "albedo")[..., :3]
        return out

    def release(self) -> None:
        """Give every picture back."""
        for thing in [
            *self._framebuffers.values(),
            *self._textures.values(),
            self._depth_only,
            self._depth,
            self._triangle,
        ]:
            if thing is not None:
                thing.release()
        self._framebuffers.clear()
        self._textures.clear()
        self._depth = self._depth_only = self._triangle = None
