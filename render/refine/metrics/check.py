"""What every picture metric does first: see that the arrays fit and are finite, and say what counts."""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput

#: The tone map and exposure (stops) that all picture metrics share.
CURVE, EXPOSURE = "agx", 0.0


def pair(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None, frame: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two pictures ``(H, W, 3)`` float32 and the mask ``(H, W)`` bool of what counts; no mask: everything.

    Raises:
        BadInput: shapes that do not fit, or a value that counts and is not finite; it names ``frame``.
    """
    where = "" if frame is None else f"frame {frame}: "
    output, reference = np.asarray(output, np.float32), np.asarray(reference, np.float32)
    if output.ndim != 3 or output.shape[2] != 3 or 0 in output.shape or output.shape != reference.shape:
        raise BadInput(f"{where}output {output.shape} and reference {reference.shape}, expected both (H, W, 3)")
    mask = np.ones(output.shape[:2], bool) if mask is None else np.asarray(mask)
    if mask.shape != output.shape[:2] or mask.dtype != bool:
        raise BadInput(f"{where}mask {mask.dtype} {mask.shape}, expected bool {output.shape[:2]}")
    for name, picture in (("output", output), ("reference", reference)):
        wrong = ~np.isfinite(picture).all(axis=-1) & mask
        if wrong.any():
            y, x = np.argwhere(wrong)[0]
            many = f"{np.count_nonzero(wrong)} pixels that are not finite, the first in row {y}, column {x}"
            raise BadInput(f"{where}{name} has {many}")
    return output, reference, mask


def alike_outside(output: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures, the same outside the mask: there each pixel is the mean of the two at the nearest masked pixel.

    So a filter that reaches over the mask's border sees no difference beyond it, no edge that is not there, and nothing
    of what the pictures held. The mask has a pixel at least.
    """
    if mask.all():
        return output, reference
    from scipy import ndimage

    rows, columns = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    mean = (0.5 * (output + reference))[rows, columns]
    inside = mask[..., None]
    return np.where(inside, output, mean), np.where(inside, reference, mean)
