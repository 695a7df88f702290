"""`filled`: a network with the tensors of a file of weights, or one line about why they do not fit together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from motion.errors import BadInput

N = TypeVar("N", bound=nn.Module)


def filled(
    path: str | os.PathLike[str], build: Callable[[Mapping[str, np.ndarray]], N], tensors: Mapping[str, np.ndarray]
) -> N:
    """Build a network and put weights into it.

    Args:
        path: where the weights come from, for the message.
        build: the network, not trained, from the tensors and whatever the card says.
        tensors: as `motion.prior.weights.load` gives them.

    Raises:
        BadInput: the card or the tensors are another network's.
    """
    try:
        network = build(tensors)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not the weights of this network ({reason[:160]})") from None
    return network
