"""Checkpoints of a run: `save` and `restore` all that it needs to go on. Tensors and plain numbers, never code."""

from __future__ import annotations

import os
import pickle
import random
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from motion.errors import BadInput
from motion.files import whole

FORMAT = 1
NAME = "checkpoint.pt"


@dataclass
class State:
    """Where a run stands."""

    steps: int = 0
    seconds: float = 0.0  # of training, all sittings together
    best: float = float("-inf")  # mean return on held-out episodes
    best_std: float = 0.0
    evaluated: int = 0  # steps at the last evaluation
    stage: str = "begin"  # begin, cloned, ppo
    notes: dict[str, float] = field(default_factory=dict)  # figures of stages that are over


def save(path: Path, model: Any, state: State) -> None:
    """Write a checkpoint whole; raises as `motion.files.whole`."""
    # Stable-Baselines3 shuffles with NumPy's global stream.
    numpy_state: Any = np.random.get_state()  # noqa: NPY002
    held = {
        "format": FORMAT,
        "policy": model.policy.state_dict(),
        "optimizer": model.policy.optimizer.state_dict(),
        "state": asdict(state),
        "updates": int(model._n_updates),
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": [torch.from_numpy(numpy_state[1].astype(np.int64)), *(float(v) for v in numpy_state[2:])],
        "python_rng": [int(v) for v in random.getstate()[1]],
    }
    normaliser = unwrap_vec_normalize(model.get_env())
    if normaliser is not None:
        held["normaliser"] = {
            f"{name}.{part}": torch.as_tensor(np.asarray(getattr(rms, part), np.float64))
            for name, rms in (("obs", normaliser.obs_rms), ("ret", normaliser.ret_rms))
            for part in ("mean", "var", "count")
        }
    with whole(path) as beside:
        torch.save(held, beside)


def restore(path: str | os.PathLike[str], model: Any) -> State:
    """Put a model back where a checkpoint was taken; the environments begin new episodes.

    Raises:
        BadInput: the file is no checkpoint, or one of another model.
    """
    try:
        held = torch.load(path, weights_only=True, map_location="cpu")
        if held["format"] != FORMAT:
            raise ValueError(f"format {held['format']}, expected {FORMAT}")
        model.policy.load_state_dict(held["policy"])
        model.policy.optimizer.load_state_dict(held["optimizer"])
        normaliser = unwrap_vec_normalize(model.get_env())
        if (normaliser is None) != ("normaliser" not in held):
            raise ValueError("normalize is another")
        if normaliser is not None:
            for name, value in held["normaliser"].items():
                which, part = name.split(".")
                rms = normaliser.obs_rms if which == "obs" else normaliser.ret_rms
                setattr(rms, part, value.numpy().copy() if value.ndim else float(value))
        state = State(**held["state"])
        model._n_updates = held["updates"]
        torch.set_rng_state(held["torch_rng"])
        keys, position, has_gauss, gauss = held["numpy_rng"]
        np.random.set_state(  # noqa: NPY002
            ("MT19937", keys.numpy().astype(np.uint32), int(position), int(has_gauss), gauss)
        )
        random.setstate((3, tuple(held["python_rng"]), None))
    except (RuntimeError, KeyError, ValueError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{path}: not a checkpoint of this run ({reason}); choose another folder") from None
    model.num_timesteps = state.steps
    return state
