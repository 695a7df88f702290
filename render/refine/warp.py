"""`warp` and `warp_torch`: a picture of another frame brought here along exact flow, for metrics and for training.

Whether a pixel may be trusted is not decided here: `Frame.flow_to` says it beside the flow, as ``occluded``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion.errors import BadInput

if TYPE_CHECKING:
    import torch


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What ``image``, of frame k, shows of each pixel's surface point here: ``image`` at the pixel's place plus flow.

    Bilinear between pixel centres (at .5). A place beyond the picture's border takes the border's value, and flow
    that is not finite is no flow; both are ``occluded``.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` of frame k.
        flow: ``(H, W, 2)`` px from here to frame k: position there minus here, x right, y down (`Frame.flow_to`).

    Returns:
        float32, of the image's shape.

    Raises:
        BadInput: the shapes do not fit.
    """
    image, flow = np.asarray(image, np.float32), np.asarray(flow, np.float32)
    if image.ndim not in (2, 3) or 0 in image.shape or flow.shape != (*image.shape[:2], 2):
        raise BadInput(f"warp: image {image.shape} and flow {flow.shape}, expected (H, W[, C]) and (H, W, 2)")
    height, width = flow.shape[:2]
    move = np.nan_to_num(flow, nan=0.0, posinf=1e9, neginf=-1e9)
    # Positions count from the centre of the first pixel, so that a whole number is a pixel.
    x = np.clip(move[..., 0] + np.arange(width, dtype=np.float32), 0, width - 1)
    y = np.clip(move[..., 1] + np.arange(height, dtype=np.float32)[:, None], 0, height - 1)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    flat = image.reshape(height * width, -1)
    found = np.zeros((height, width, flat.shape[1]), np.float32)
    for row, wy in ((top, 1 - fy), (below, fy)):
        for column, wx in ((left, 1 - fx), (right, fx)):
            found += np.take(flat, row * width + column, axis=0) * (wy * wx)[..., None]
    return found.reshape(image.shape)


def warp_torch(image: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """`warp` on tensors, with gradients for image and flow.

    Args:
        image: ``(N, C, H, W)`` of frame k.
        flow: ``(N, 2, H, W)`` px, x first; as in `warp`.

    Returns:
        ``(N, C, H, W)`` of the image's type.

    Raises:
        BadInput: the shapes do not fit.
    """
    import torch

    if image.ndim != 4 or tuple(flow.shape) != (image.shape[0], 2, *image.shape[2:]):
        raise BadInput(
            f"warp: image {tuple(image.shape)}, flow {tuple(flow.shape)}; expected (N, C, H, W), (N, 2, H, W)"
        )
    height, width = image.shape[2:]
    # Half precision cannot tell neighbouring pixels of a wide picture apart: places are float32 whatever comes.
    move = torch.nan_to_num(flow.float(), nan=0.0, posinf=1e9, neginf=-1e9)
    x = move[:, 0] + torch.arange(width, device=flow.device, dtype=torch.float32) + 0.5
    y = move[:, 1] + torch.arange(height, device=flow.device, dtype=torch.float32)[:, None] + 0.5
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], dim=-1)
    found = torch.nn.functional.grid_sample(
        image.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found.to(image.dtype)
