"""Shipped policies: the same numbers as torch and as ONNX, in a file with a card, and what odd files and sizes get."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from motion.errors import BadInput
from motion.prior import weights
from motion.prior.weights import Card
from rl_camera.learn.export import to_onnx
from rl_camera.policy_net import ACTIVATIONS, KIND, Cell, PolicyNet, Shape

D, A = 11, 7


def layers(*sizes: int, seed: int = 0) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    rng = np.random.default_rng(seed)
    made = []
    for size, out in itertools.pairwise(sizes):
        made.append(
            (rng.normal(0, 0.7 / size**0.5, (out, size)).astype(np.float32), rng.normal(0, 0.1, out).astype("f4"))
        )
    return tuple(made)


def cell(kind: str, size: int = 6) -> Cell:
    rng = np.random.default_rng(3)
    gates = (4 if kind == "lstm" else 3) * size
    shapes = ((gates, D), (gates, size), (gates,), (gates,))
    return Cell(kind, *(rng.normal(0, 0.4, s).astype(np.float32) for s in shapes))


def policy(
    activation: str = "tanh", memory: str | None = None, normal: bool = False, clip: float | None = None
) -> PolicyNet:
    rng = np.random.default_rng(5)
    stats: dict[str, Any] = {}
    if normal:
        stats = {"mean": rng.normal(0, 2, D).astype("f4"), "std": rng.uniform(0.2, 3, D).astype("f4"), "clip": clip}
    first = 6 if memory else D
    shape = Shape(layers(first, 16, 16, A), activation, cell=cell(memory) if memory else None, **stats)
    env = {"id": "cinemotion/Framing-v0", "kwargs": {"performers": 2}}
    return PolicyNet(shape, Card(KIND, "test", "CC0 1.0", config={"env": env}))


def observations(n: int = 9, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (n, D)).astype(np.float32)


CASES = [
    *((a, None, False, None) for a in ACTIVATIONS),
    ("tanh", None, True, None), ("tanh", None, True, 1.5), ("relu", "lstm", True, 5.0), ("tanh", "gru", False, None),
    ("tanh", "lstm", True, None),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_computes_what_torch_computes(case: Any) -> None:
    net = policy(*case)
    kinds: dict[str, Any] = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}
    parts: list[nn.Module] = []
    for w, b in net.shape.layers:
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": torch.from_numpy(w), "bias": torch.from_numpy(b)})
        parts += [linear, kinds[net.shape.activation]()]
    body = nn.Sequential(*parts[:-1])
    memory: Any = None
    state: Any = None
    if net.shape.cell is not None:
        one = net.shape.cell
        memory = (nn.LSTM if one.kind == "lstm" else nn.GRU)(D, one.size)
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        values = (one.input_weight, one.hidden_weight, one.input_bias, one.hidden_bias)
        memory.load_state_dict({n: torch.from_numpy(v) for n, v in zip(names, values)})
    for t in range(4):
        x = torch.from_numpy(observations(seed=t))
        if net.shape.mean is not None:
            x = (x - torch.from_numpy(net.shape.mean)) / torch.from_numpy(net.shape.std)
            x = x.clamp(-net.shape.clip, net.shape.clip) if net.shape.clip else x
        if memory is not None:
            out, state = memory(x[None], state)
            x = out[0]
        expected = body(x).clamp(-1, 1).detach().numpy()
        np.testing.assert_allclose(net.act(observations(seed=t)), expected, atol=2e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_onnx_agrees(case: Any, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    net = policy(*case)
    session = runtime.InferenceSession(str(to_onnx(net, tmp_path / "p.onnx")), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    fed: dict[str, np.ndarray] = {n: np.zeros((1, 9, 6), np.float32) for n in names if n != "observation"}
    for t in range(4):
        fed["observation"] = observations(seed=t)
        out = dict(zip([one.name for one in session.get_outputs()], session.run(None, fed)))
        np.testing.assert_allclose(net.act(fed["observation"]), out["action"], atol=1e-5)
        fed |= {n.removesuffix("_next"): v for n, v in out.items() if n.endswith("_next")}
    assert json.loads(session.get_modelmeta().custom_metadata_map["config"])["env"]["kwargs"] == {"performers": 2}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_read_again_acts_the_same_and_keeps_its_card(case: Any, tmp_path: Path) -> None:
    net = policy(*case)
    net.shape = replace(net.shape, log_std=np.full(A, -1, np.float32), value=layers(D, 8, 1))
    card = net.save(tmp_path / "p.safetensors")
    again = PolicyNet.load(tmp_path / "p.safetensors", observation_size=D)
    for t in range(2):
        np.testing.assert_array_equal(again.act(observations(seed=t)), net.act(observations(seed=t)))
    assert again.card == card and card.sha256 and card.licence == "CC0 1.0" and again.recurrent == net.recurrent
    assert len(again.shape.value) == 2 and again.shape.log_std is not None
    assert weights.card_of(tmp_path / "p.safetensors", KIND) == card


def test_one_observation_gives_one_action_and_a_batch_the_same_rows() -> None:
    net = policy(normal=True, clip=3.0)
    x = observations(5)
    rows = net.act(x)
    assert rows.shape == (5, A) and rows.dtype == np.float32 and net.act(x[2]).shape == (A,)
    np.testing.assert_allclose(net.act(x[2]), rows[2], atol=1e-6)
    np.testing.assert_allclose(net.act(np.asfortranarray(x)), rows, atol=1e-6)


def test_actions_are_the_callers_own() -> None:
    net = policy()
    first = net.act(observations(3))
    kept = first.copy()
    net.act(observations(3, seed=8))
    np.testing.assert_array_equal(first, kept)


def test_what_is_not_finite_stands_still_and_spoils_no_memory() -> None:
    broken = observations(3)
    broken[1] = np.nan
    for net in (policy(), policy(memory="lstm"), policy(normal=True, clip=2.0)):
        assert np.isfinite(net.act(broken)).all()
    net = policy()
    assert (net.act(broken)[1] == 0).all()
    net = policy(memory="lstm")
    net.act(broken)
    assert np.isfinite(net.act(observations(3))).all() and np.abs(net.act(observations(3))[1]).max() > 0


def test_memory_is_forgotten_where_an_episode_begins() -> None:
    net, fresh = policy(memory="gru"), policy(memory="gru")
    net.act(observations(4, seed=2))
    net.begin(np.array([True, False, False, True]))
    after, first = net.act(observations(4)), fresh.act(observations(4))
    np.testing.assert_allclose(after[[0, 3]], first[[0, 3]], atol=1e-6)
    assert np.abs(after[1:3] - first[1:3]).max() > 1e-3
    net.begin()
    np.testing.assert_allclose(net.act(observations(4)), first, atol=1e-6)


def test_another_size_of_observation_is_said_with_what_it_is_made_for(tmp_path: Path) -> None:
    net = policy()
    words = "policy for observations of 11 numbers, got 12; it is made for cinemotion/Framing-v0 with performers: 2"
    for x in (np.zeros((2, 12)), np.zeros(12)):
        with pytest.raises(BadInput, match=words):
            net.act(x)
    net.save(tmp_path / "p.safetensors")
    with pytest.raises(BadInput, match=words.replace("12", "60")):
        PolicyNet.load(tmp_path / "p.safetensors", observation_size=60)
    with pytest.raises(BadInput, match=r"got shape \(2, 3, 11\)"):
        net.act(np.zeros((2, 3, 11)))


def test_odd_files_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"not one")
    with pytest.raises(BadInput, match=r"not a \.safetensors file"):
        PolicyNet.load(tmp_path / "a.safetensors")
    with pytest.raises(BadInput, match="no such file"):
        PolicyNet.load(tmp_path / "none.safetensors")
    weights.save(tmp_path / "b.safetensors", {"x": np.zeros((2, 2))}, Card("prior", "x", "CC0"))
    with pytest.raises(BadInput, match="prior weights, expected camera weights"):
        PolicyNet.load(tmp_path / "b.safetensors")
    weights.save(tmp_path / "c.safetensors", {"x": np.zeros((2, 2))}, Card(KIND, "x", "CC0"))
    with pytest.raises(BadInput, match="no layers"):
        PolicyNet.load(tmp_path / "c.safetensors")
    chain = {"policy.0.weight": np.zeros((4, 3)), "policy.0.bias": np.zeros(4)}
    for more, words in (
        ({"policy.1.weight": np.zeros((7, 5)), "policy.1.bias": np.zeros(7)}, r"is \(7, 5\), expected \(7, 4\)"),
        ({"mean": np.zeros(2), "std": np.ones(2)}, r"mean is \(2,\), expected \(3,\)"),
    ):  # fmt: skip
        weights.save(tmp_path / "d.safetensors", {**chain, **more}, Card(KIND, "x", "CC0"))
        with pytest.raises(BadInput, match=words):
            PolicyNet.load(tmp_path / "d.safetensors")
    weights.save(tmp_path / "e.safetensors", chain, Card(KIND, "x", "CC0", config={"activation": "tahn"}))
    with pytest.raises(BadInput, match="did you mean 'tanh'"):
        PolicyNet.load(tmp_path / "e.safetensors")
    weights.save(tmp_path / "f.safetensors", chain, Card(KIND, "x", "CC0", config={"cell": "lstm"}))
    with pytest.raises(BadInput, match="its recurrent cell lacks"):
        PolicyNet.load(tmp_path / "f.safetensors")
    with pytest.raises(BadInput, match=r"written to an \.onnx file"):
        to_onnx(policy(), tmp_path / "g.pt")


def test_one_decision_takes_less_than_the_aim() -> None:
    shape = Shape(layers(165, 64, 64, 7), mean=np.zeros(165), std=np.ones(165), clip=10.0)
    net = PolicyNet(shape, Card(KIND, "x", "CC0"))
    x = np.zeros((1, 165), np.float32)
    took = []
    for _ in range(300):
        began = time.perf_counter()
        net.act(x)
        took.append(time.perf_counter() - began)
    assert min(took) < 50e-6  # the aim for a live decision is 0.05 ms; 13 us where this was written


def test_it_needs_neither_torch_nor_stable_baselines(tmp_path: Path) -> None:
    policy().save(tmp_path / "p.safetensors")
    code = (
        "import sys, numpy as np; from rl_camera.policy_net import PolicyNet;"
        f"PolicyNet.load({str(tmp_path / 'p.safetensors')!r}).act(np.zeros((2, {D})));"
        "print([m for m in ('torch', 'stable_baselines3', 'gymnasium', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
