"""`lpips`: a learned distance, only where its package and both its weights are on the disk already."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from render.refine.metrics.check import alike_outside, pair

#: LPIPS shrinks a picture five times; below this AlexNet has nothing left.
_SMALLEST = 32


@lru_cache(maxsize=1)
def lpips_model() -> tuple[Any, str]:
    """The network with AlexNet features (version 0.1), or None and why there is none. Nothing is downloaded."""
    import importlib.util

    for package in ("lpips", "torchvision"):
        if importlib.util.find_spec(package) is None:
            return None, f"LPIPS not measured: the package '{package}' is not installed"
    import torch

    try:
        from torchvision.models import AlexNet_Weights
    except (ImportError, RuntimeError) as error:  # built for another torch
        return None, f"LPIPS not measured: torchvision does not load ({error})"
    weights = Path(torch.hub.get_dir()) / "checkpoints" / Path(AlexNet_Weights.IMAGENET1K_V1.url).name
    if not weights.is_file():
        return None, f"LPIPS not measured: AlexNet's weights are not at {weights}, and nothing is downloaded"
    import warnings

    import lpips as library

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package names the weights as torchvision did years ago
        return library.LPIPS(net="alex", spatial=True, verbose=False).eval(), ""


def lpips(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float | None:
    """LPIPS (Zhang et al., CVPR 2018), AlexNet, v0.1: mean of its map over the masked pixels.

    None where `lpips_model` finds no weights, and says why; NaN for pictures with a side under 32 px. Takes and raises
    as `psnr`.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    model, _ = lpips_model()
    if model is None:
        return None
    if not mask.any() or min(mask.shape) < _SMALLEST:
        return float("nan")
    import torch

    a, b = (
        torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None] * 2 - 1
        for picture in alike_outside(output, reference, mask)
    )
    with torch.inference_mode():
        errors = model(a, b)[0, 0].numpy()
    return float(errors[mask].mean(dtype=np.float64))
