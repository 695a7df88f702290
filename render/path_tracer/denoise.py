"""`denoise`: Intel Open Image Denoise over a noisy picture, guided by passes without noise. On the processor."""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import ModuleType

import numpy as np

from motion.errors import BadInput, MissingExtra, MissingSystem


@lru_cache(maxsize=1)
def denoiser() -> ModuleType:
    """The package that brings Open Image Denoise, once it has denoised a small picture.

    Raises:
        MissingExtra: it is not installed.
        MissingSystem: it does not run here.
    """
    try:
        package = importlib.import_module("pyoidn")
    except ImportError as error:
        raise MissingExtra("denoising needs the package 'pyoidn': pip install 'cinemotion[denoise]'") from error
    except OSError as error:
        raise MissingSystem(f"Open Image Denoise does not run here: {error}") from error
    try:
        package.denoise(np.full((16, 16, 3), 0.5, np.float32), hdr=True)
    except Exception as error:  # whatever its library raises
        raise MissingSystem(f"Open Image Denoise does not run here: {error}") from error
    return package


def denoise(beauty: np.ndarray, albedo: np.ndarray | None = None, normal: np.ndarray | None = None) -> np.ndarray:
    """A picture without its noise.

    Args:
        beauty: ``(H, W, 3)`` linear light, of any range.
        albedo: ``(H, W, 3)`` base colour under the beauty's filter (`Frame.albedo_aa`).
        normal: ``(H, W, 3)`` unit normals, zero where nothing is; only with ``albedo``.

    Returns:
        ``(H, W, 3)`` float32.

    Raises:
        BadInput: another shape, or a normal without albedo.
        MissingExtra: Open Image Denoise is not installed.
        MissingSystem: it does not run here.
    """
    if normal is not None and albedo is None:
        raise BadInput("denoise: normals without albedo, expected both or albedo alone")
    given = {"beauty": beauty, "albedo": albedo, "normal": normal}
    images: dict[str, np.ndarray] = {}
    for name, values in given.items():
        if values is None:
            continue
        image = np.ascontiguousarray(values, dtype=np.float32)
        if image.ndim != 3 or image.shape[2] != 3 or image.shape != np.shape(beauty) or not image.size:
            raise BadInput(f"denoise: {name} of shape {image.shape}, expected (height, width, 3) as the beauty's")
        # One number that is none would spread over a whole tile.
        images[name] = np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
    if "normal" in images:
        from scipy.ndimage import gaussian_filter

        # Normals are those at pixel centres: as soft as the beauty's filter, edges come out less jagged.
        images["normal"] = gaussian_filter(images["normal"], sigma=(0.5, 0.5, 0.0))
    # The rasterizer's passes have no noise of their own.
    guides = {name: images[name] for name in ("albedo", "normal") if name in images}
    done = denoiser().denoise(images["beauty"], **guides, hdr=True, clean_aux=bool(guides))
    return np.asarray(done, dtype=np.float32)
