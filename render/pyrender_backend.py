"""pyrender as a second opinion: the same world drawn by somebody else's rasterizer, for depth and for timing."""

from __future__ import annotations

import os
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from motion.camera import CameraPath, look_at
from motion.errors import MissingSystem
from render.view import view
from render.world import World

_GROUND_M = 100.0  # half a side of its ground; pyrender has no infinite plane
_FAR_M = 400.0


def _pyrender() -> ModuleType:
    """pyrender, on EGL, mended for numpy 2 (it still says ``np.infty``)."""
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    # Its viewer, imported with it, would ask for X11 libraries, which a server does not have.
    os.environ.setdefault("PYGLET_HEADLESS", "1")
    vars(np).setdefault("infty", np.inf)
    import pyrender

    return pyrender


class Pyrender:
    """Draws frames of a world with pyrender: 8-bit colour and depth.

    Args:
        size: width and height, px.
        shadows: draw the sun's shadow too.

    Raises:
        MissingSystem: it finds no OpenGL.
    """

    def __init__(self, size: tuple[int, int], shadows: bool = False) -> None:
        self._library = _pyrender()
        self.size, self.shadows = size, shadows
        try:
            self._renderer = self._library.OffscreenRenderer(*size)
        except Exception as error:
            raise MissingSystem(f"pyrender cannot draw here: {error}") from error
        self._static: tuple[World, Any, list[Any]] | None = None

    def __enter__(self) -> Pyrender:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give its OpenGL context back.

        Not by its own ``delete``, which ends EGL for the whole process and every other renderer's context with it.
        """
        if self._renderer is None:
            return
        from OpenGL import EGL

        platform = self._renderer._platform
        platform.make_current()
        self._renderer._renderer.delete()
        EGL.eglMakeCurrent(platform._egl_display, EGL.EGL_NO_SURFACE, EGL.EGL_NO_SURFACE, EGL.EGL_NO_CONTEXT)
        EGL.eglDestroyContext(platform._egl_display, platform._egl_context)
        platform._egl_display = platform._egl_context = None
        self._renderer = None

    def render(self, world: World, camera: CameraPath, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Colour ``(H, W, 3)`` uint8 and depth ``(H, W)`` float32 in metres, 0 where nothing is.

        pyrender has no skinning, so a performer's mesh is built again for every frame.
        """
        library = self._library
        looking = view(camera, frame, self.size)
        scene = library.Scene(bg_color=[0.5, 0.6, 0.7, 1.0], ambient_light=[0.3, 0.3, 0.3])
        for posed in world.at(float(frame / camera.fps)).meshes:
            drawable = posed.drawable
            palette = np.array([[*m.colour, 1.0] for m in world.materials], np.float32)
            moved = posed.vertices is not None
            primitive = library.Primitive(
                positions=posed.vertices if moved else drawable.rest,
                normals=posed.normals if moved else drawable.rest_normals,
                color_0=palette[drawable.label[:, 0]],
                indices=drawable.faces,
                material=library.MetallicRoughnessMaterial(metallicFactor=0.0, roughnessFactor=0.8, doubleSided=True),
                mode=library.constants.GLTF.TRIANGLES,
            )
            scene.add(library.Mesh([primitive]), pose=np.eye(4) if moved else posed.T_world_prop)
        if world.stage.ground is not None:
            scene.add(self._ground())
        light = library.DirectionalLight(color=np.ones(3), intensity=4.0)
        sun = np.array([0.0, 6.0, 0.0])
        scene.add(light, pose=look_at(sun, sun - [0.35, 0.85, 0.4]))
        f = looking.focal_px
        lens = library.IntrinsicsCamera(f, f, looking.centre[0], looking.centre[1], znear=0.05, zfar=_FAR_M)
        scene.add(lens, pose=looking.T_world_camera)
        flags = library.RenderFlags.SHADOWS_DIRECTIONAL if self.shadows else library.RenderFlags.NONE
        colour, depth = self._renderer.render(scene, flags=flags)
        return colour, depth

    def _ground(self) -> Any:
        library = self._library
        s = _GROUND_M
        primitive = library.Primitive(
            positions=np.array([[-s, 0, -s], [s, 0, -s], [s, 0, s], [-s, 0, s]], np.float32),
            normals=np.tile(np.array([0, 1, 0], np.float32), (4, 1)),
            indices=np.array([[0, 2, 1], [0, 3, 2]], np.int32),
            material=library.MetallicRoughnessMaterial(baseColorFactor=[0.4, 0.4, 0.4, 1.0], metallicFactor=0.0),
            mode=library.constants.GLTF.TRIANGLES,
        )
        return library.Mesh([primitive])


def render(
    world: World, camera: CameraPath, frame: int, size: tuple[int, int], shadows: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """One frame by pyrender: colour ``(H, W, 3)`` uint8 and depth ``(H, W)`` float32 metres, 0 where nothing is."""
    with Pyrender(size, shadows) as renderer:
        return renderer.render(world, camera, frame)
