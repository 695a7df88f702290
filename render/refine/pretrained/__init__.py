"""Pretrained video pipelines as refiners: `load_refiner` picks the adapter that a pipeline's folder asks for.

Weights come from a local folder that the user names, in the layout of diffusers' ``save_pretrained``; nothing is ever
downloaded. diffusers is loaded when a refiner is made, not before.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from motion.errors import need
from render.refine.pretrained.folder import pipeline_class
from render.refine.pretrained.options import Options
from render.refine.protocol import Refiner

__all__ = ["ADAPTERS", "Options", "load_refiner"]

#: Module and class of the adapter, by diffusers' class name.
ADAPTERS: dict[str, tuple[str, str]] = {
    "AnimateDiffVideoToVideoControlNetPipeline": ("animatediff", "AnimateDiff"),
    "WanVACEPipeline": ("wan", "WanVACE"),
    "WanVideoToVideoPipeline": ("wan", "WanVideoToVideo"),
    "CogVideoXFunControlPipeline": ("cogvideo", "CogVideoXFunControl"),
    "Cosmos2_5_TransferPipeline": ("cosmos", "CosmosTransfer"),
    "LTXConditionPipeline": ("ltx", "LTXCondition"),
}


def load_refiner(folder: str | Path, **options: Any) -> Refiner:
    """The refiner of a pipeline's folder.

    Args:
        folder: on this machine, with ``model_index.json`` and a folder for each component.
        options: fields of `Options`: prompt, strength, seed, steps, control, frames, overlap …

    Raises:
        BadInput: the folder is not a pipeline that is known here, a part is missing or damaged, or an option is
            unknown or impossible. Each says what was expected.
        MissingExtra: diffusers is not installed.

    Example:
        >>> refiner = load_refiner("models/wan-vace", control="depth", seed=7)  # doctest: +SKIP
        >>> for final in refiner.refine(frames, Brief(scale, prompt="two friends in a park")):  # doctest: +SKIP
        ...     video.write(final.shown())
    """
    said = Options.of(**options)
    name = pipeline_class(Path(folder), ADAPTERS)
    need("diffusers", "diffusers", "a pretrained pipeline")
    module, adapter = ADAPTERS[name]
    refiner: Refiner = getattr(importlib.import_module(f"render.refine.pretrained.{module}"), adapter)(folder, said)
    return refiner
