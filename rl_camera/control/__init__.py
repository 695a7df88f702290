"""Controllers: what steers a batch of cameras in the framing environment: static, rule, greedy, cem, policy."""

from rl_camera.control.base import Controller, Drive, rollout

__all__ = ["Controller", "Drive", "rollout"]
