"""`PolicyNet`: a camera policy as it ships, one safetensors file with its card inside, run by NumPy alone.

Nothing here imports torch or Stable-Baselines3. A policy is a chain of dense layers, with a recurrent cell before them
where it has memory; observations are normalised as they were in training; actions are the mean, clipped to [−1, 1].
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.errors import BadInput, unknown
from motion.prior import weights
from motion.prior.weights import Card

#: The kind of weights that a policy is, for `cinemotion models`.
KIND = "camera"

ACTIVATIONS = ("tanh", "relu", "gelu")
CELLS = ("lstm", "gru")

Array = np.ndarray


@dataclass(frozen=True)
class Cell:
    """A recurrent cell in torch's layout: LSTM gates in the order i, f, g, o; GRU gates r, z, n."""

    kind: str  # of CELLS
    input_weight: Array  # (G·H, D)
    hidden_weight: Array  # (G·H, H)
    input_bias: Array  # (G·H,)
    hidden_bias: Array  # (G·H,)

    @property
    def size(self) -> int:
        """H, numbers of memory."""
        return int(self.hidden_weight.shape[1])

    def step(self, x: Array, memory: tuple[Array, Array]) -> tuple[Array, Array]:
        """New memory ``(h, c)``, each ``(N, H)``, from an input ``(N, D)`` and the old one; a GRU's ``c`` stays 0."""
        h, c = memory
        a, b = x @ self.input_weight.T + self.input_bias, h @ self.hidden_weight.T + self.hidden_bias
        size = self.size
        if self.kind == "lstm":
            i, f, g, o = (a + b).reshape(len(x), 4, size).transpose(1, 0, 2)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            return _sigmoid(o) * np.tanh(c), c
        rz = _sigmoid(a[:, : 2 * size] + b[:, : 2 * size])
        new = np.tanh(a[:, 2 * size :] + rz[:, :size] * b[:, 2 * size :])
        return new + rz[:, size:] * (h - new), c


@dataclass(frozen=True)
class Shape:
    """A policy's numbers: what it is rebuilt from."""

    layers: tuple[tuple[Array, Array], ...]  # weight (out, in) and bias (out,) of each, the last gives actions
    activation: str = "tanh"  # after each layer but the last
    mean: Array | None = None  # (D,) of observations in training; None: they were taken as they are
    std: Array | None = None  # (D,)
    clip: float | None = None  # normalised observations are clipped to ± this
    cell: Cell | None = None
    log_std: Array | None = None  # (A,) of the exploration that it was trained with
    value: tuple[tuple[Array, Array], ...] = ()  # the critic's layers, to train on from

    @property
    def observation_size(self) -> int:
        """D."""
        return int(self.cell.input_weight.shape[1] if self.cell else self.layers[0][0].shape[1])

    @property
    def action_size(self) -> int:
        """A."""
        return int(self.layers[-1][0].shape[0])


@dataclass
class PolicyNet:
    """A policy that acts.

    Args:
        shape: its numbers.
        card: what it is: data, licence, how it was trained and measured. ``card.config["env"]`` says what environment
            it is made for: ``id`` and ``kwargs``.
        where: the file's name, for errors.

    Example:
        >>> policy = PolicyNet.load("camera.safetensors")
        >>> actions = policy.act(observations)  # (N, D) -> (N, 7)
    """

    shape: Shape
    card: Card
    where: str = "policy"
    _work: dict[int, list[Array]] = field(default_factory=dict, repr=False)
    _memory: tuple[Array, Array] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        shape = self.shape
        if shape.activation not in ACTIVATIONS:
            raise unknown("activation", shape.activation, ACTIVATIONS)
        if shape.cell is not None and shape.cell.kind not in CELLS:
            raise unknown("recurrent cell", shape.cell.kind, CELLS)
        _check(shape, self.where)
        layers = [(np.asarray(w, np.float32), np.asarray(b, np.float32)) for w, b in shape.layers]
        self._scale: tuple[Array, Array] | None = None
        if shape.mean is not None and shape.std is not None:
            inverse = (1.0 / np.asarray(shape.std, np.float64)).astype(np.float32)
            mean = np.asarray(shape.mean, np.float32)
            if shape.clip is None and shape.cell is None:  # then it is part of the first layer
                w, b = layers[0]
                layers[0] = (w * inverse, (b - (w * inverse).astype(np.float64) @ mean).astype(np.float32))
            else:
                self._scale = (mean, inverse)
        self._layers = [(np.ascontiguousarray(w.T), b) for w, b in layers]

    @property
    def observation_size(self) -> int:
        """D, how many numbers an observation has."""
        return self.shape.observation_size

    @property
    def action_size(self) -> int:
        """A, how many numbers an action has."""
        return self.shape.action_size

    @property
    def recurrent(self) -> bool:
        """Whether it remembers: then `begin` at every first observation."""
        return self.shape.cell is not None

    def begin(self, mask: Array | None = None) -> None:
        """Forget: everything, or the environments of a mask ``(N,)`` of bool, which begin a new episode."""
        if self._memory is None or mask is None:
            self._memory = None
            return
        for part in self._memory:
            part[np.asarray(mask, dtype=bool)] = 0.0

    def act(self, observations: Array) -> Array:
        """Actions for observations.

        Args:
            observations: ``(N, D)``, or one of ``(D,)``.

        Returns:
            ``(N, A)`` or ``(A,)`` float32 in [−1, 1], the caller's own. What is not finite gives 0: stand still.

        Raises:
            BadInput: observations of another size.
        """
        x = np.asarray(observations, np.float32)
        one = x.ndim == 1
        if one:
            x = x[None]
        if x.ndim != 2 or x.shape[1] != self.observation_size:
            raise BadInput(self._other_size(np.shape(observations)))
        if self._scale is not None:
            x = (x - self._scale[0]) * self._scale[1]
            if self.shape.clip is not None:
                x.clip(-self.shape.clip, self.shape.clip, out=x)
        if self.shape.cell is not None:
            x = self._remember(x)
        work = self._buffers(len(x))
        last = len(self._layers) - 1
        for k, (weight, bias) in enumerate(self._layers):
            out = work[k]
            np.dot(x, weight, out=out) if x.flags.c_contiguous else np.matmul(x, weight, out=out)
            out += bias
            if k < last:
                _activate(out, self.shape.activation)
            x = out
        actions = np.minimum(np.maximum(x, np.float32(-1)), np.float32(1))
        if not np.isfinite(actions.sum()):
            actions = np.where(np.isfinite(actions), actions, np.float32(0))
        return actions[0] if one else actions

    def _remember(self, x: Array) -> Array:
        assert self.shape.cell is not None
        if self._memory is None or len(self._memory[0]) != len(x):
            empty = np.zeros((len(x), self.shape.cell.size), np.float32)
            self._memory = (empty, empty.copy())
        h, c = self.shape.cell.step(np.nan_to_num(x), self._memory)
        self._memory = (h.astype(np.float32, copy=False), c.astype(np.float32, copy=False))
        return self._memory[0]

    def _buffers(self, n: int) -> list[Array]:
        if n not in self._work:
            if len(self._work) > 8:  # batches of ever new sizes
                self._work.clear()
            self._work[n] = [np.empty((n, weight.shape[1]), np.float32) for weight, _ in self._layers]
        return self._work[n]

    def _other_size(self, shape: tuple[int, ...]) -> str:
        env = self.card.config.get("env") or {}
        kwargs = ", ".join(f"{key}: {value}" for key, value in (env.get("kwargs") or {}).items())
        made = f"; it is made for {env.get('id')}" + (f" with {kwargs}" if kwargs else "") if env else ""
        got = shape[-1] if len(shape) in (1, 2) else f"shape {shape}"
        return f"{self.where}: a policy for observations of {self.observation_size} numbers, got {got}{made}"

    # ---- files

    def save(self, path: str | os.PathLike[str]) -> Card:
        """Write it to a ``.safetensors`` file, whole or not at all; raises as `motion.prior.weights.save`."""
        shape = self.shape
        tensors: dict[str, Array] = {}
        for name, layers in (("policy", shape.layers), ("value", shape.value)):
            for k, (weight, bias) in enumerate(layers):
                tensors[f"{name}.{k}.weight"], tensors[f"{name}.{k}.bias"] = weight, bias
        for name in ("mean", "std", "log_std"):
            if (value := getattr(shape, name)) is not None:
                tensors[name] = np.asarray(value, np.float32)
        if shape.cell is not None:
            for name in _CELL:
                tensors[f"cell.{name}"] = getattr(shape.cell, name)
        config = {**self.card.config, "activation": shape.activation, "clip": shape.clip,
                  "cell": shape.cell.kind if shape.cell else None,
                  "observation_size": self.observation_size, "action_size": self.action_size}  # fmt: skip
        self.card = weights.save(path, tensors, replace(self.card, kind=KIND, config=config), half=False)
        return self.card

    @classmethod
    def load(cls, path: str | os.PathLike[str], observation_size: int | None = None) -> PolicyNet:
        """A policy from its file.

        Args:
            path: a ``.safetensors`` file.
            observation_size: numbers of an observation where it is to act; None: not known yet.

        Raises:
            BadInput: no such file, no camera policy, damaged, or made for observations of another size.
        """
        tensors, card = weights.load(path, KIND)
        where = Path(path).name
        config = card.config
        cell = None
        if config.get("cell"):
            try:
                cell = Cell(str(config["cell"]), *(tensors[f"cell.{name}"] for name in _CELL))
            except KeyError as error:
                raise BadInput(f"{path}: its recurrent cell lacks {error}") from None
        shape = Shape(
            layers=_chain(tensors, "policy"),
            activation=str(config.get("activation", "tanh")),
            mean=tensors.get("mean"),
            std=tensors.get("std"),
            clip=config.get("clip"),
            cell=cell,
            log_std=tensors.get("log_std"),
            value=_chain(tensors, "value"),
        )
        net = cls(shape, card, where)
        if observation_size is not None and observation_size != net.observation_size:
            raise BadInput(net._other_size((observation_size,)))
        return net


_CELL = ("input_weight", "hidden_weight", "input_bias", "hidden_bias")


def _chain(tensors: Mapping[str, Array], name: str) -> tuple[tuple[Array, Array], ...]:
    layers: list[tuple[Array, Array]] = []
    while f"{name}.{len(layers)}.weight" in tensors and f"{name}.{len(layers)}.bias" in tensors:
        k = len(layers)
        layers.append((tensors[f"{name}.{k}.weight"], tensors[f"{name}.{k}.bias"]))
    return tuple(layers)


def _check(shape: Shape, where: str) -> None:
    """Refuse layers that do not fit one another."""
    if not shape.layers:
        raise BadInput(f"{where}: no layers, expected policy.0.weight and what follows")
    width = shape.observation_size
    if shape.cell is not None:
        gates = (4 if shape.cell.kind == "lstm" else 3) * shape.cell.size
        for name, expected in zip(_CELL, ((gates, width), (gates, shape.cell.size), (gates,), (gates,))):
            _fits(getattr(shape.cell, name), expected, f"{where}: cell.{name}")
        width = shape.cell.size
    for name in ("mean", "std"):
        if (value := getattr(shape, name)) is not None:
            _fits(value, (shape.observation_size,), f"{where}: {name}")
    for k, (weight, bias) in enumerate(shape.layers):
        _fits(weight, (len(bias), width), f"{where}: policy.{k}.weight")
        width = len(bias)


def _fits(array: Array, expected: Sequence[int], what: str) -> None:
    if np.shape(array) != tuple(expected):
        raise BadInput(f"{what} is {np.shape(array)}, expected {tuple(expected)}")
    if not np.isfinite(array).all():
        raise BadInput(f"{what} is not finite")


def _activate(x: Array, kind: str) -> None:
    if kind == "tanh":
        np.tanh(x, out=x)
    elif kind == "relu":
        np.maximum(x, np.float32(0), out=x)
    else:
        from scipy.special import erf

        x *= np.float32(0.5) * (np.float32(1) + erf(x * np.float32(0.5**0.5)))


def _sigmoid(x: Array) -> Array:
    return np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * x))
