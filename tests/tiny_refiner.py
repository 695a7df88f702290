"""A refiner's weights for tests: every layer does something, none of it is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from motion.prior import weights
from motion.prior.weights import Card
from render.refine.guides import GUIDES, HALF_GUIDES
from render.refine.network import SIZES, NetConfig, Network

CONFIG = NetConfig(GUIDES, HALF_GUIDES, **(SIZES["S"] | {"widths": (16, 16, 24), "blocks": (1, 1, 1), "fine": 8}))


def network(config: NetConfig = CONFIG, seed: int = 0) -> Network:
    """A network whose layers that begin as nothing are something, so that what it says depends on everything."""
    torch.manual_seed(seed)
    made = Network(config)
    for name, parameter in made.named_parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02 if "weight" in name else 0.05)
    return made


def card(config: NetConfig = CONFIG, kind: str = "bridge") -> Card:
    """What its file says of it."""
    return Card("refiner", "tiny", "CC0-1.0", config={"kind": kind, "network": config.as_dict()})


def save(path: Path, **changes: object) -> Path:
    """Write its weights."""
    weights.save(path, network().state_dict(), replace(card(), **changes))
    return path
