"""`Programs`: shaders compiled when first used, one variant per pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion.errors import MissingSystem
from render.rasterizer.device import shader_source

if TYPE_CHECKING:
    import moderngl

#: Places where uniform blocks and textures are bound, the same in every program.
BLOCKS = {"FrameBlock": 0, "PaletteBlock": 1, "BlobBlock": 2}
TEXTURES = {
    "shadow_map": 0, "shadow_depth": 1, "sky_map": 2, "noise_map": 3, "ground_map": 4, "contact_map": 5,
    "plate_map": 6, "below_map": 7, "one": 8, "shape_k": 9, "ids_k": 10, "place_map": 11, "ids_here": 12,
    "seen_normal": 8, "seen_ids": 9, "seen_anchor": 10, "cloud_map": 14, "curve_map": 15,
}  # fmt: skip

_VARIANTS: dict[str, dict[str, int]] = {
    "BEAUTY": {"LIT": 1, "PASS_BEAUTY": 1},
    "BEAUTY_ALBEDO": {"LIT": 1, "PASS_BEAUTY": 1, "WITH_ALBEDO": 1},
    "ALL": {"LIT": 1, "PASS_ALL": 1},
    "DATA": {"PASS_DATA": 1},
    "BEAUTY_SHADED": {"LIT": 1, "PASS_BEAUTY": 1, "SHADED": 1},
    "BEAUTY_ALBEDO_SHADED": {"LIT": 1, "PASS_BEAUTY": 1, "WITH_ALBEDO": 1, "SHADED": 1},
    "ALL_SHADED": {"LIT": 1, "PASS_ALL": 1, "SHADED": 1},
    "DATA_SHADED": {"PASS_DATA": 1, "SHADED": 1},
    "SHAPE_SHADED": {"PASS_SHAPE": 1, "SHADED": 1},
    "SHADED": {"SHADED": 1},
    "SHAPE": {"PASS_SHAPE": 1},
    "SEEN": {},
    "": {},
}


class Programs:
    """Compiled shader programs by stage names and pass, with what never changes in a scene compiled in."""

    def __init__(self, context: moderngl.Context, features: dict[str, int] | None = None) -> None:
        self._context = context
        self._features = dict(features or {})
        self._programs: dict[tuple[str, str, str], Any] = {}

    def get(self, vertex: str, fragment: str, variant: str = "") -> Any:
        """The `moderngl.Program` of two shader files for one kind of pass.

        Any, because moderngl types a program's members as one union of uniforms, blocks and inputs.
        """
        key = (vertex, fragment, variant)
        if key not in self._programs:
            defines = _VARIANTS[variant] | self._features
            try:
                program: Any = self._context.program(shader_source(vertex, defines), shader_source(fragment, defines))
            except Exception as error:
                raise MissingSystem(f"this OpenGL cannot compile {fragment} ({variant or 'plain'}): {error}") from error
            for name, place in BLOCKS.items():
                if name in program:
                    program[name].binding = place
            for name, place in TEXTURES.items():
                if name in program:
                    program[name].value = place
            self._programs[key] = program
        return self._programs[key]

    def release(self) -> None:
        """Give the programs back."""
        for program in self._programs.values():
            program.release()
        self._programs.clear()
