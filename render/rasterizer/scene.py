"""`Scene`: a `World` on the device: vertex buffers, materials, sky, ground, shadow maps; posed, then drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from motion.rotations import Array
from render import lighting, materials
from render.rasterizer.blocks import BLOB_BYTES, BLOCK, blob_table, fill_static, palette
from render.rasterizer.mesh import CONTACT_CELL_M, SHADOW_CELL_M, Mesh
from render.rasterizer.programs import BLOCKS, TEXTURES, Programs
from render.rasterizer.settings import RenderSettings
from render.rasterizer.shadow import Window
from render.rasterizer.targets import Targets
from render.view import View, above_horizon, silhouette
from render.world import Instant, Posed, World

if TYPE_CHECKING:
    import moderngl


GROUND_M = 9000.0  # from the eye to the edge of the ground, as in ground.vert


class Scene:
    """One world's things on the device. Positions are those of the instant posed last."""

    def __init__(
        self,
        context: moderngl.Context,
        world: World,
        settings: RenderSettings,
        size: tuple[int, int],
        plate: np.ndarray | None,
    ) -> None:
        self.context, self.world, self.settings = context, world, settings
        self.preset, self.sun = world.light, world.sun
        self._meshes = [Mesh(context, drawable) for drawable in world.drawables]
        self._posed: Instant | None = None
        self._block = np.zeros((), BLOCK)
        self._frame_buffer = context.buffer(reserve=BLOCK.itemsize, dynamic=True)
        self._palette_buffer = context.buffer(palette(world.materials).tobytes())
        self._blob_buffer = context.buffer(reserve=BLOB_BYTES, dynamic=True)
        self._plain: dict[int, moderngl.VertexArray] = {}
        texels = self._texels = settings.texels(size)
        self._shadow = context.depth_texture((texels, texels))
        self._shadow_frame = context.framebuffer(depth_attachment=self._shadow)
        self._compare = context.sampler(
            repeat_x=False, repeat_y=False, filter=(context.LINEAR, context.LINEAR), compare_func="<="
        )
        self._nearest = context.sampler(
            repeat_x=False, repeat_y=False, filter=(context.NEAREST, context.NEAREST), compare_func=""
        )
        side = self._contact_side = settings.contact_texels(size)
        self._below = context.depth_texture((side, side))
        self._below_frame = context.framebuffer(depth_attachment=self._below)
        self._contact = context.texture((side, side), 1, dtype="f4")
        self._contact.repeat_x = self._contact.repeat_y = False
        self._contact_frame = context.framebuffer([self._contact])
        self._sky = _clamped(context, lighting.sky_table(self.preset))
        noise = materials.solid_noise()
        self._noise = context.texture3d(noise.shape[:3], 4, noise.tobytes())
        self._noise.build_mipmaps()
        self._noise.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
        self._ground = materials.GROUNDS[world.stage.ground] if world.stage.ground else None
        tile = materials.ground_tile(self._ground.kind if self._ground else 0)
        self._tile = context.texture(tile.shape[1::-1], 4, tile.tobytes())
        self._tile.build_mipmaps()
        self._tile.filter = (context.LINEAR_MIPMAP_NEAREST, context.LINEAR)
        cloud = materials.cloud_tile() if self.preset.clouds else np.zeros((1, 1), np.uint8)
        self._cloud = context.texture(cloud.shape[::-1], 1, cloud.tobytes())
        self._cloud.build_mipmaps()
        self._cloud.filter = (context.LINEAR_MIPMAP_NEAREST, context.LINEAR)
        self._catcher = self._ground is not None and (plate is not None or settings.transparent)
        self._plate = _clamped(context, np.zeros((1, 1, 3), np.float32) if plate is None else plate)
        self.programs = Programs(context, self._features(plate is not None))

    def pose(self, instant: Instant) -> None:
        """Stream an instant's vertices, unless it is the one posed already."""
        if instant is self._posed:
            return
        for mesh, posed in zip(self._meshes, instant.meshes, strict=True):
            mesh.pose(posed)
        self._blob_buffer.write(blob_table(instant))
        self._posed = instant

    def pose_k(self, instant: Instant) -> None:
        """Stream the vertices of the frame that flow leads to, beside those of this one."""
        for mesh, posed in zip(self._meshes, instant.meshes, strict=True):
            mesh.pose_k(posed)

    def draw_shadow(self, window: Window | None) -> None:
        """Draw the sun's view of the posed instant."""
        if window is not None:
            self._draw_depth(self._shadow_frame, window, SHADOW_CELL_M)

    def draw_contact(self, window: Window) -> None:
        """Draw the posed instant from below, and from it the contact darkening of the ground."""
        context = self.context
        self._draw_depth(self._below_frame, window, CONTACT_CELL_M)
        program = self.programs.get("sky.vert", "contact.frag")
        program["side"].value = (window.side_m, float(self._contact_side), window.depth_m)
        self._contact_frame.use()
        context.disable(context.DEPTH_TEST)
        self._below.use(TEXTURES["below_map"])
        self._nearest.use(TEXTURES["below_map"])
        self._triangle(program).render(context.TRIANGLES, vertices=3)
        self._nearest.clear(TEXTURES["below_map"])

    def draw(self, targets: Targets, kind: str, looking: View, slot: int = 0, backed: bool = False) -> None:
        """Draw everything posed; `fill` came before. Surfaces first, then their looks, then ground, then sky.

        Args:
            targets: where to.
            kind: which pass.
            looking: the view that `fill` was given.
            slot: which of the frame's samples this is.
            backed: leave out what `draw_backdrop` drew.
        """
        context = self.context
        self._start()
        targets.use("SEEN")
        program = self.programs.get("mesh.vert", "mesh.frag", "SEEN")
        posed = self._posed.meshes if self._posed else ()
        for mesh, _ in sorted(zip(self._meshes, posed, strict=True), key=lambda m: _distance(m[1], looking.eye)):
            self.draw_mesh(mesh, program)
        outline = (0, 0, 0, 0) if self._posed is None else silhouette((self._posed,), looking)
        targets.use_behind(kind, slot, outline, empty=backed)
        for name in ("seen_normal", "seen_ids", "seen_anchor"):
            targets.named(name).use(TEXTURES[name])
        if outline[2] and outline[3]:
            self._triangle(self.programs.get("sky.vert", "surface.frag", kind)).render(context.TRIANGLES, vertices=3)
        targets.use_before(kind, slot)
        if self._ground is not None and not (self._catcher and kind == "DATA"):
            self._draw_ground("ground.frag", kind, patch=True, ring=not backed)
        if not backed:
            covered = self._ground is not None and not (self._catcher and kind == "DATA")
            targets.use_before(kind, slot, above_horizon(looking, GROUND_M) if covered else None)
            self._triangle(self.programs.get("sky.vert", "sky.frag", kind)).render(context.TRIANGLES, vertices=3)
            targets.use_before(kind, slot)
        self._stop()

    def draw_backdrop(self, targets: Targets, kind: str, where: tuple[int, int, int, int]) -> None:
        """Draw only the sky and the ground that nothing can shade: the same in every sample of a camera at rest.

        ``where``: x, y, width, height in px; the first sample shows it already everywhere else.
        """
        if not where[2] or not where[3]:
            targets.hide_backdrop(kind)
            return
        self._start()
        targets.use_backdrop(kind, where)
        if self._ground is not None:
            ring = self._triangle(self.programs.get("ground.vert", "ground.frag", kind))
            # With the ring's shader the patch is ground that nothing shades: what shows past its jittered edge.
            patch = self._triangle(self.programs.get("ground_patch.vert", "ground.frag", kind))
            patch.render(self.context.TRIANGLE_STRIP, vertices=4)
            ring.render(self.context.TRIANGLE_STRIP, vertices=10)
        self._triangle(self.programs.get("sky.vert", "sky.frag", kind)).render(self.context.TRIANGLES, vertices=3)
        self._stop()

    def draw_shape(self, targets: Targets) -> None:
        """Draw only depths, normals and ids of everything posed, for a flow's other end; `fill` came before."""
        context = self.context
        self.use_block()
        context.enable(context.DEPTH_TEST)
        context.depth_func = "<="
        context.front_face = "cw"
        targets.use("SHAPE_K")
        program = self.programs.get("mesh.vert", "mesh.frag", "SHAPE")
        for mesh in self._meshes:
            self.draw_mesh(mesh, program)
        if self._ground is not None and not self._catcher:
            self._draw_ground("ground.frag", "SHAPE")
        self._triangle(self.programs.get("sky.vert", "sky.frag", "SHAPE")).render(context.TRIANGLES, vertices=3)

    def draw_flow(self) -> None:
        """Draw the flow of everything posed here and there; `fill` came before."""
        context = self.context
        program = self.programs.get("flow.vert", "flow.frag")
        for mesh in self._meshes:
            self.draw_mesh(mesh, program)
        if self._ground is not None and not self._catcher:
            self._draw_ground("flow_ground.frag", "")
        self._triangle(self.programs.get("sky.vert", "flow_sky.frag")).render(context.TRIANGLES, vertices=3)

    def _draw_ground(self, fragment: str, kind: str, patch: bool = True, ring: bool = True) -> None:
        """The patch that something can shade, and the ring round it."""
        context = self.context
        shaded = f"{kind}_SHADED" if kind else "SHADED"
        vertex = "ground_patch.vert"
        if kind in ("DATA", "SHAPE", ""):
            shaded = kind  # without light there is no difference
        if patch:
            array = self._triangle(self.programs.get(vertex, fragment, shaded))
            array.render(context.TRIANGLE_STRIP, vertices=4)
        if ring:
            self._triangle(self.programs.get("ground.vert", fragment, kind)).render(context.TRIANGLE_STRIP, vertices=10)

    def draw_mesh(self, mesh: Mesh, program: Any) -> None:
        """One drawable through one program."""
        if "model" in program:
            program["model"].write(np.ascontiguousarray(mesh.model.T))
        if "model_k" in program:
            program["model_k"].write(np.ascontiguousarray(mesh.model_k.T))
        if "instance" in program:
            program["instance"].value = mesh.drawable.instance
        mesh.array(program).render(self.context.TRIANGLES)

    def fill(
        self,
        looking: View,
        sun: Window | None,
        contact: Window | None,
        turn: float,
        there: View | None = None,
        jittered: bool = False,
    ) -> None:
        """Write what every shader knows of this picture.

        Args:
            looking: from where.
            sun: the shadow map's view.
            contact: the contact map's view.
            turn: 0 … 1, another one for every sample.
            there: the view that flow leads to.
            jittered: the ground is one of several samples, which together filter a footprint's length; a single
                one must blur it.
        """
        block = self._block
        block["ground_tile"][3] = 1 / 10.0 if jittered else 1 / 3.5
        width, height = looking.size
        block["world_clip"] = looking.world_to_clip().T
        block["eye"][:3], block["forward"][:3] = looking.eye, looking.forward
        for name, vector in zip(("ray", "ray_dx", "ray_dy"), looking.rays(), strict=True):
            block[name][:3] = vector
        block["image"] = width, height, 1 / width, 1 / height
        block["sun_colour"][3] = 0.0
        if there is not None:
            block["world_clip_k"] = there.world_to_clip().T
            block["eye_k"][:3], block["forward_k"][:3] = there.eye, there.forward
        if sun is not None:
            to_unit = np.diag([0.5, 0.5, 0.5, 1.0])
            to_unit[:3, 3] = 0.5
            block["world_shadow"] = (to_unit @ sun.world_clip).T
            block["shadow"] = sun.side_m / self._texels, sun.depth_m, self._texels, turn
            block["sun_colour"][3] = 1.0
        corners, axes = (np.zeros((4, 2)), np.eye(2)) if sun is None else sun.patch
        block["ground_patch"] = corners.reshape(2, 4)
        block["patch_axis"] = axes.reshape(4)
        block["contact"] = 0.0
        if contact is not None:
            block["contact"] = contact.low[0], contact.low[1], 1 / contact.side_m, 1.0
        self._frame_buffer.write(block.tobytes())

    def use_block(self) -> None:
        """Bind the blocks that every program reads."""
        self._frame_buffer.bind_to_uniform_block(BLOCKS["FrameBlock"])
        self._palette_buffer.bind_to_uniform_block(BLOCKS["PaletteBlock"])
        self._blob_buffer.bind_to_uniform_block(BLOCKS["BlobBlock"])

    def release(self) -> None:
        """Give everything back."""
        self.programs.release()
        for mesh in self._meshes:
            mesh.release()
        things: list[Any] = [
            self._frame_buffer, self._palette_buffer, self._blob_buffer, *self._plain.values(), self._shadow_frame,
            self._shadow, self._compare, self._nearest, self._below_frame, self._below, self._contact_frame,
            self._contact, self._sky, self._noise, self._tile, self._plate, self._cloud,
        ]  # fmt: skip
        for thing in things:
            thing.release()

    def _features(self, plate: bool) -> dict[str, int]:
        """Write what never changes in this scene; what of it is compiled into the shaders."""
        lamps = fill_static(self._block, self.world)
        return {
            "LAMPS": lamps, "GROUND_KIND": self._ground.kind if self._ground else 0,
            "BACKDROP": int(self.preset.backdrop is not None), "PLATE": int(plate), "CATCHER": int(self._catcher),
            "CLOUDS": int(self.preset.clouds > 0), "STARS": int(self.preset.stars > 0),
            "GROUNDLESS": int(self._ground is None), "TRANSPARENT": int(self.settings.transparent),
            "SHADOW_TAPS": self.settings.shadow_taps, "SEARCH_TAPS": max(self.settings.shadow_taps // 2, 4),
        }  # fmt: skip

    def _draw_depth(self, framebuffer: moderngl.Framebuffer, window: Window, cell_m: float) -> None:
        context = self.context
        framebuffer.use()
        framebuffer.clear(depth=1.0)
        context.enable(context.DEPTH_TEST)
        context.depth_func = "<="
        program = self.programs.get("depth.vert", "depth.frag")
        program["world_map"].write(np.ascontiguousarray(window.world_clip.T, dtype=np.float32))
        # A body's shells lie over its closed skin, so sides turned away can be skipped; files may be wound anyhow.
        context.front_face = "ccw"
        context.cull_face = "back"
        for mesh in self._meshes:
            if mesh.drawable.skinned:
                context.enable(context.CULL_FACE)
            program["model"].write(np.ascontiguousarray(mesh.model.T))
            mesh.coarse_array(program, cell_m).render(context.TRIANGLES)
            context.disable(context.CULL_FACE)

    def _start(self) -> None:
        context = self.context
        context.enable(context.DEPTH_TEST)
        context.depth_func = "<="
        context.front_face = "cw"  # y points down
        self.use_block()
        self._shadow.use(TEXTURES["shadow_map"])
        self._compare.use(TEXTURES["shadow_map"])
        self._shadow.use(TEXTURES["shadow_depth"])
        self._nearest.use(TEXTURES["shadow_depth"])
        for name, texture in (
            ("sky_map", self._sky), ("noise_map", self._noise), ("ground_map", self._tile),
            ("contact_map", self._contact), ("cloud_map", self._cloud), ("plate_map", self._plate),
        ):  # fmt: skip
            texture.use(TEXTURES[name])

    def _stop(self) -> None:
        self._compare.clear(TEXTURES["shadow_map"])
        self._nearest.clear(TEXTURES["shadow_depth"])

    def _triangle(self, program: Any) -> moderngl.VertexArray:
        if program.glo not in self._plain:
            self._plain[program.glo] = self.context.vertex_array(program, [])
        return self._plain[program.glo]


def _clamped(context: moderngl.Context, image: np.ndarray) -> moderngl.Texture:
    texture = context.texture(image.shape[1::-1], image.shape[2], np.ascontiguousarray(image).tobytes(), dtype="f4")
    texture.repeat_x = texture.repeat_y = False
    texture.filter = (context.LINEAR, context.LINEAR)
    return texture


def _distance(posed: Posed, eye: Array) -> float:
    """From the eye to the nearest point of its bounds."""
    return float(np.linalg.norm(np.maximum(np.maximum(posed.low - eye, eye - posed.high), 0.0)))
