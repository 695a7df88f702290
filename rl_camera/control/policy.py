"""The policy controller: a learned network, run without the library that trained it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from motion.errors import BadInput
from rl_camera.control.base import Drive
from rl_camera.env import FRAMING
from rl_camera.env.columns import Array
from rl_camera.env.config import FramingConfig
from rl_camera.policy_net import PolicyNet


class Policy:
    """Acts as a `PolicyNet` says; live unless it was trained with look-ahead.

    Args:
        net: the network, or the file of one.
    """

    def __init__(self, net: PolicyNet | str | Path) -> None:
        self.net = net if isinstance(net, PolicyNet) else PolicyNet.load(net)
        self.config = config_of(self.net)

    @property
    def live(self) -> bool:
        """Whether it acts without knowing the future."""
        return self.config.knowledge == "live"

    def begin(self, count: int) -> None:
        """Forget what a network with memory remembers."""
        self.net.begin()

    def act(self, drive: Drive) -> Array:
        """The network's action for the present observation."""
        obs, _ = drive.core.observe(drive.episodes, drive.state)
        if len(obs) != self.net.observation_size:
            sizes = f"for observations of {self.net.observation_size} numbers, these have {len(obs)}"
            raise BadInput(f"{self.net.where}: a policy {sizes}")
        return self.net.act(np.ascontiguousarray(obs.T)).T


def config_of(net: PolicyNet) -> FramingConfig:
    """The environment that a policy was trained in, as its card says.

    Raises:
        BadInput: the card names another environment, or settings that there are not.
    """
    env = net.card.config.get("env") if net.card is not None else None
    if not env or env.get("id") != FRAMING:
        raise BadInput(
            f"{net.where}: a policy for {env.get('id') if env else 'no known environment'}, expected {FRAMING}"
        )
    known = {f.name for f in fields(FramingConfig)}
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in env.get("kwargs", {}).items() if k in known}
    settings.pop("data", None)
    return FramingConfig().with_options(settings)
