"""`delta_e` and `colour_drift`: how far colours are apart, as the eye measures it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.errors import BadInput, need
from render.refine.metrics.check import pair


def delta_e(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float:
    """Mean CIEDE2000 colour difference over the masked pixels (Sharma, Wu, Dalal 2005; white D65, by scikit-image).

    About 1 is just seen when two patches lie side by side. Takes and raises as `psnr`.

    Raises:
        MissingExtra: the package scikit-image is not installed.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    color = need("skimage.color", "bench", "CIEDE2000")
    ours, theirs = (color.rgb2lab(np.clip(picture[mask], 0, 1).astype(np.float64)) for picture in (output, reference))
    return float(color.deltaE_ciede2000(theirs, ours).mean())


def colour_drift(first: Sequence[np.ndarray], last: Sequence[np.ndarray], mask: np.ndarray | None = None) -> float:
    """`delta_e` between the mean pictures of a static shot's first second and of its last: noise is averaged away.

    Args:
        first: pictures ``(H, W, 3)`` of the first second, display-encoded.
        last: pictures of the last.
        mask: ``(H, W)`` bool of what stands still and counts; None: all.

    Raises:
        BadInput: no pictures, arrays that do not fit, or are not finite where they count.
        MissingExtra: the package scikit-image is not installed.
    """
    if not len(first) or not len(last):
        raise BadInput(f"colour drift: {len(first)} first and {len(last)} last pictures, expected some of each")
    begin, end = (np.asarray(pictures, np.float32).mean(axis=0) for pictures in (first, last))
    return delta_e(end, begin, mask)
