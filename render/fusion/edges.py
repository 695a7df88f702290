"""`edges_agree`: whether a film's edges lie on the edges of its shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import BadInput, need
from render.frame import Frame
from render.refine.metrics.spectrum import LUMA

#: Neighbours whose normals differ by more than this lie on a crease, radians.
_CREASE = np.radians(35.0)
#: Neighbours lie at a step when one is off the other's plane by this share of its distance from the camera.
_STEP = 0.02


@dataclass(frozen=True)
class EdgeAgreement:
    """Edge pixels of a picture against those of its passes; NaN where there are none."""

    precision: float  # share of the film's edges within the tolerance of a pass edge; textures and shadows lower it
    recall: float  # share of pass edges within the tolerance of one of the film's; things of one tone lower it
    offset_px: float  # mean distance from a pass edge to the film's nearest, of those within four pixels
    film_edges: int  # pixels
    pass_edges: int


def edges_agree(
    film: np.ndarray, frame: Frame, tolerance_px: float = 1.5, low: float = 0.015, high: float = 0.04
) -> EdgeAgreement:
    """Compare a film frame's strong luma edges (Canny 1986, sigma 1 px) with the exact edges of its passes.

    A film has edges of textures and shadows that no shape has, and shapes of one tone that show none, so neither share
    is 1 for a perfect film. Compare refined film with raster film of the same frame: a refiner that moves or melts
    edges has the lower recall and precision and the greater offset.

    Args:
        film: ``(H, W, 3)`` display-encoded in [0, 1], or uint8.
        frame: with ``ids``, ``depth`` and ``normal``.
        tolerance_px: how far apart two edges may be and be one.
        low: gradient of luma per pixel, after smoothing, that carries an edge on.
        high: one that begins an edge; a step of 0.1 has 0.04.

    Raises:
        BadInput: a pass is missing, shapes that do not fit, or a film that is not finite.
        MissingExtra: the package scikit-image is not installed.
    """
    film = np.asarray(film)
    film = film.astype(np.float32) / 255 if film.dtype == np.uint8 else film.astype(np.float32)
    geometry = pass_edges(frame)
    if film.shape != (*geometry.shape, 3):
        raise BadInput(f"frame {frame.index}: film has shape {film.shape}, expected {(*geometry.shape, 3)}")
    if not np.isfinite(film).all():
        raise BadInput(f"frame {frame.index}: film has values that are not finite")
    feature = need("skimage.feature", "fuse", "edges of a film")
    from scipy import ndimage

    # The library's thresholds are of Sobel's unscaled sums, eight times the gradient.
    shown = feature.canny(film @ LUMA, sigma=1.0, low_threshold=8 * low, high_threshold=8 * high)

    def distance(edges: np.ndarray) -> np.ndarray:
        return ndimage.distance_transform_edt(~edges) if edges.any() else np.full(edges.shape, np.inf)

    to_pass, to_film = distance(geometry)[shown], distance(shown)[geometry]
    near = to_film[to_film <= 4.0]
    return EdgeAgreement(
        float((to_pass <= tolerance_px).mean()) if len(to_pass) else float("nan"),
        float((to_film <= tolerance_px).mean()) if len(to_film) else float("nan"),
        float(near.mean()) if len(near) else float("nan"),
        len(to_pass),
        len(to_film),
    )


def pass_edges(frame: Frame) -> np.ndarray:
    """Where shapes end ``(H, W)`` bool: pixels beside another instance, a step in depth, or a crease.

    Raises:
        BadInput: a pass is missing, or depth is not finite.
    """
    from render.fusion.cloud import DepthView

    one = DepthView.of(frame)
    width, height = one.looking.size
    edges = np.zeros((height, width), bool)
    y, x = np.mgrid[:height, :width]
    places = one.points(y.ravel(), x.ravel()).reshape(height, width, 3)
    for ahead, behind in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        here, there = one.instance[ahead], one.instance[behind]
        both = (here > 0) & (there > 0)
        turn = np.einsum("ijk,ijk->ij", one.normal[ahead], one.normal[behind])
        apart = places[ahead] - places[behind]
        room = _STEP * one.depth[ahead]
        # A step is off both neighbours' planes; a surface that turns away is off one at most.
        step = np.minimum(
            np.abs(np.einsum("ijk,ijk->ij", apart, one.normal[ahead])),
            np.abs(np.einsum("ijk,ijk->ij", apart, one.normal[behind])),
        )
        found = (here != there) | (both & ((turn < np.cos(_CREASE)) | (step > room)))
        edges[ahead] |= found
        edges[behind] |= found
    return edges
