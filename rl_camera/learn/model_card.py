"""`model_card`: a policy's README as the Hugging Face hub has it: metadata on top, use, hyperparameters, licences."""

from __future__ import annotations

import io
import os
from typing import Any

from motion import licences
from motion.files import whole
from rl_camera.learn import hyperparameters
from rl_camera.learn.config import TrainConfig
from rl_camera.policy_net import PolicyNet


def model_card(policy: PolicyNet, config: TrainConfig, file: str) -> str:
    """The card's text.

    Args:
        policy: with its card; ``measured`` is what a run found on held-out episodes.
        config: what it was trained with.
        file: the policy's file name.

    Returns:
        Markdown with YAML metadata, as ``huggingface_sb3`` writes it: library, tags, mean reward "x +/- y".
    """
    card = policy.card
    env = dict(card.config.get("env") or {"id": config.env, "kwargs": dict(config.env_kwargs)})
    reward = _reward(card.measured)
    commercial = licences.use(card.licence) if card.licence else "not stated"
    sections = [
        f"---\n{_metadata(env['id'], reward)}---",
        f"# A camera policy for {env['id']}",
        f"{_kind(policy)}, trained with PPO{' after cloning a planner' if 'cloned_samples' in card.training else ''}. "
        f"It reads {policy.observation_size} numbers and answers with {policy.action_size}: velocity, turn and zoom.",
        _use(env, file),
        f"## Measured\n\n{_measured(card.measured)}",
        f"## Hyperparameters\n\n```yaml\n{hyperparameters.text(config).rstrip()}\n```",
        f"## Environment\n\n```python\nenv_id = {env['id']!r}\nenv_kwargs = {dict(env.get('kwargs') or {})!r}\n```",
        f"## Data and licence\n\n{_data(card.data)}\n\nLicence of the weights: {card.licence or 'not stated'} "
        f"({commercial}).",
    ]
    if card.limits:
        sections.append("## Limits\n\n" + "\n".join(f"- {limit}" for limit in card.limits))
    return "\n\n".join(sections) + "\n"


def write(policy: PolicyNet, config: TrainConfig, path: str | os.PathLike[str], file: str) -> None:
    """Write the card, whole or not at all; raises as `motion.files.whole`."""
    with whole(path) as partial:
        partial.write_text(model_card(policy, config, file), encoding="utf-8")


def _metadata(env_id: str, reward: str | None) -> str:
    from ruamel.yaml import YAML

    model: dict[str, Any] = {"name": "PPO", "results": []}
    if reward is not None:
        model["results"] = [{
            "task": {"type": "reinforcement-learning", "name": "reinforcement-learning"},
            "dataset": {"name": env_id, "type": env_id},
            "metrics": [{"type": "mean_reward", "value": reward, "name": "mean_reward", "verified": False}],
        }]  # fmt: skip
    told = {
        "library_name": "stable-baselines3",
        "tags": [env_id, "deep-reinforcement-learning", "reinforcement-learning", "stable-baselines3", "cinemotion"],
        "model-index": [model],
    }
    yaml = YAML()
    yaml.default_flow_style = False
    out = io.StringIO()
    yaml.dump(told, out)
    return out.getvalue()


def _reward(measured: Any) -> str | None:
    """``x +/- y`` of the first set of figures that has a return."""
    for figures in measured.values():
        if isinstance(figures, dict) and "return" in figures:
            return f"{figures['return']:.2f} +/- {figures.get('return_std', 0.0):.2f}"
    return None


def _kind(policy: PolicyNet) -> str:
    widths = " x ".join(str(len(bias)) for _, bias in policy.shape.layers[:-1])
    memory = f"An {policy.shape.cell.kind.upper()} of {policy.shape.cell.size} and a" if policy.shape.cell else "A"
    return f"{memory} network of {widths or 'no hidden'} {policy.shape.activation} units"


def _use(env: dict[str, Any], file: str) -> str:
    kwargs = "".join(f", {key}={value!r}" for key, value in (env.get("kwargs") or {}).items())
    return f"""## Use

```python
import gymnasium
import rl_camera.env
from rl_camera.policy_net import PolicyNet

policy = PolicyNet.load("{file}")
env = gymnasium.make_vec("{env["id"]}", num_envs=16{kwargs})
observations, _ = env.reset(seed=0)
for _ in range(100):
    observations, rewards, terminated, truncated, infos = env.step(policy.act(observations))
```

NumPy alone runs it: neither torch nor Stable-Baselines3 is needed. The file is safetensors; nothing in it is code."""


def _measured(measured: Any) -> str:
    lines = []
    for name, figures in measured.items():
        if isinstance(figures, dict):
            lines += [f"{name}:", "", "| measure | mean |", "|---|---|"]
            lines += [f"| {key} | {value:.4g} |" for key, value in figures.items()]
        else:
            lines.append(f"- {name}: {figures}")
    return "\n".join(lines) or "Nothing yet."


def _data(data: Any) -> str:
    return "\n".join(f"- {one}" for one in data) or "Not stated."
