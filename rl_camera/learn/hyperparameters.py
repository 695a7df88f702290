"""Hyperparameter files in rl-baselines3-zoo's form: `read`, `write`; an environment's id on top, or ``default``.

What the zoo has no name for (cloning, evaluation) stands beside, under ``cinemotion``, so that the zoo still reads it.
"""

from __future__ import annotations

import ast
import io
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from motion import files
from motion.errors import BadInput, unknown
from rl_camera.learn.config import Cloning, Evaluation, TrainConfig, checked

#: Settings that stand in the file by the zoo's names; ``policy_kwargs`` hold the network.
_PLAIN = (
    "n_envs", "n_timesteps", "policy", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "learning_rate",
    "clip_range", "ent_coef", "vf_coef", "max_grad_norm", "target_kl", "normalize", "env_kwargs",
)  # fmt: skip
_NETWORK = ("net_arch", "activation_fn", "log_std_init", "lstm_hidden_size")
#: The zoo's, and not ours.
_REFUSED = (
    "env_wrapper",
    "vec_env_wrapper",
    "frame_stack",
    "callback",
    "use_sde",
    "sde_sample_freq",
    "normalize_kwargs",
)
_OURS = "cinemotion"
_DEFAULT = "default"


def read(path: str | os.PathLike[str], env: str | None = None) -> TrainConfig:
    """Hyperparameters of one environment.

    Args:
        path: a YAML file.
        env: the environment's id; None: the one the file has.

    Raises:
        BadInput: no such file, not YAML, nothing for this environment, an unknown setting or a wrong value.
    """
    path = Path(path)
    text = files.read(path, "YAML file").decode("utf-8", errors="replace")
    return parse(text, str(path), env)


def parse(text: str, where: str = "hyperparameters", env: str | None = None) -> TrainConfig:
    """As `read`, from text."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        tree = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except YAMLError as error:
        raise BadInput(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
        raise BadInput(f"{where}: not YAML that can be read ({type(error).__name__})") from None
    if not isinstance(tree, Mapping):
        raise BadInput(f"{where}: expected an environment's id and its settings below")
    named = [str(key) for key in tree if key not in (_OURS, _DEFAULT)]
    if env is None:
        if len(named) > 1:
            raise BadInput(f"{where}: settings of {len(named)} environments ({', '.join(named)}); say which")
        env = named[0] if named else TrainConfig().env
    chosen = tree.get(env, tree.get(_DEFAULT, None if named else {}))
    if chosen is None:
        raise BadInput(f"{where}: nothing for {env} and no '{_DEFAULT}'; it has {', '.join(named)}")
    try:
        return _config(env, chosen, tree.get(_OURS) or {})
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def write(config: TrainConfig, path: str | os.PathLike[str]) -> None:
    """Write them so that `read` gives the same; raises as `motion.files.whole`."""
    with files.whole(path) as partial:
        partial.write_text(text(config), encoding="utf-8")


def text(config: TrainConfig) -> str:
    """The file's text."""
    from ruamel.yaml import YAML

    values: dict[str, Any] = {name: _plain(getattr(config, name)) for name in _PLAIN}
    values = {name: value for name, value in values.items() if value is not None and value != {}}
    arch: Any = list(config.net_arch)
    if config.net_arch_vf is not None:
        arch = {"pi": arch, "vf": list(config.net_arch_vf)}
    network: dict[str, Any] = {"net_arch": arch, "activation_fn": config.activation}
    network["log_std_init"] = config.log_std_init
    if config.recurrent:
        network["lstm_hidden_size"] = config.lstm_hidden_size
    values["policy_kwargs"] = network
    ours = {"cloning": asdict(config.cloning), "evaluation": asdict(config.evaluation)}
    yaml = YAML()
    yaml.default_flow_style = False
    out = io.StringIO()
    yaml.dump({config.env: values, _OURS: ours}, out)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if hasattr(value, "written"):
        return value.written()
    return dict(value) if isinstance(value, Mapping) else value


def _config(env: str, given: Any, ours: Any) -> TrainConfig:
    if not isinstance(given, Mapping):
        raise BadInput(f"{env}: {given!r}, expected a table of settings")
    values: dict[str, Any] = {"env": env}
    for name, value in given.items():
        if name in _REFUSED:
            raise BadInput(f"{env}: '{name}' is not supported here; leave it out")
        if name == "policy_kwargs":
            values |= _network(value)
        elif name == "normalize":
            values[name] = _normalize(value)
        elif name == "env_kwargs":
            values[name] = dict(_table(value, "env_kwargs"))
        elif name in _PLAIN:
            values[name] = value
        else:
            raise unknown(f"setting of {env}", str(name), (*_PLAIN, "policy_kwargs"))
    kinds = {"cloning": Cloning, "evaluation": Evaluation}
    for name, value in _table(ours, _OURS).items():
        if name not in kinds:
            raise unknown(f"setting of {_OURS}", str(name), kinds)
        values[name] = checked(kinds[name], value, name)
    known = {f.name for f in fields(TrainConfig)}
    return TrainConfig(**{name: value for name, value in values.items() if name in known})


def _network(value: Any) -> dict[str, Any]:
    given = _table(value, "policy_kwargs")
    values: dict[str, Any] = {}
    for name, one in given.items():
        if name not in (*_NETWORK, "ortho_init"):
            raise unknown("policy_kwargs setting", str(name), _NETWORK)
        if name == "net_arch":
            both = one if isinstance(one, Mapping) else {"pi": one}
            if "pi" not in both or not set(both) <= {"pi", "vf"}:
                raise BadInput(f"net_arch: {one!r}, expected [64, 64], or pi and vf")
            values |= {"net_arch": both["pi"], "net_arch_vf": both.get("vf")}
        elif name == "activation_fn":
            values["activation"] = str(one).removeprefix("nn.").lower()
        elif name == "ortho_init":
            if one is not True:
                raise BadInput(f"ortho_init: {one!r}, expected true: networks begin orthogonal")
        else:
            values[name] = one
    return values


def _normalize(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    table = _table(value, "normalize")
    if set(table) <= {"norm_obs", "norm_reward"} and all(v is True for v in table.values()):
        return True
    raise BadInput(f"normalize: {value!r}, expected true or false")


def _table(value: Any, name: str) -> Mapping[str, Any]:
    """A table, written as YAML or, as the zoo does, as Python's ``dict(…)``; nothing in it is run."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str):
        try:
            call = ast.parse(value.strip(), mode="eval").body
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "dict" and not call.args:
                return {str(k.arg): _literal(k.value) for k in call.keywords}
            if isinstance(call, ast.Dict):
                return {str(_literal(k)): _literal(v) for k, v in zip(call.keys, call.values) if k is not None}
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    raise BadInput(f"{name}: {value!r}, expected a table")


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Attribute):  # nn.Tanh
        return node.attr
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
        return {str(k.arg): _literal(k.value) for k in node.keywords}
    return ast.literal_eval(node)
