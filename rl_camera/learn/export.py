"""`to_onnx`: a shipped policy as an ONNX graph, for engines that have no Python; agrees with `PolicyNet` to 1e-5.

Built from the policy's numbers, without torch. Inputs: ``observation (N, D)`` and, for a policy with memory, ``h`` and
``c`` ``(1, N, H)`` (a GRU has ``h`` alone). Outputs: ``action (N, A)`` in [−1, 1] and the next memory as ``h_next``,
``c_next``. An episode begins with memory of zeros.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import BadInput, need
from motion.files import whole
from rl_camera.policy_net import Cell, PolicyNet

#: Gelu is part of ONNX from opset 20 on; IR version 9 came with it, and runtimes since 2024 read both.
OPSET, IR_VERSION = 20, 9

#: Where ONNX's gates lie in torch's order: LSTM i, o, f, g from i, f, g, o; GRU z, r, n from r, z, n.
_GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
_OPS = {"tanh": "Tanh", "relu": "Relu", "gelu": "Gelu"}


def to_onnx(policy: PolicyNet, path: str | os.PathLike[str]) -> Path:
    """Write a policy as ONNX, whole or not at all; its card travels in the model's metadata.

    Args:
        policy: a shipped policy.
        path: a ``.onnx`` file.

    Raises:
        MissingExtra: the package onnx is not installed.
        BadInput: the suffix is wrong or the place cannot be written to.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise BadInput(f"{path}: an exported policy is written to an .onnx file")
    onnx = need("onnx", "onnx", "exporting a policy")
    model = graph(policy, onnx)
    onnx.checker.check_model(model)
    with whole(path) as beside:
        beside.write_bytes(model.SerializeToString())
    return path


def graph(policy: PolicyNet, onnx: Any) -> Any:
    """The model: an ``onnx.ModelProto``."""
    helper, shape = onnx.helper, policy.shape
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any) -> str:
        constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    inputs = [_tensor(onnx, "observation", ("N", policy.observation_size))]
    outputs = [_tensor(onnx, "action", ("N", policy.action_size))]
    x = "observation"
    if shape.mean is not None and shape.std is not None:
        x = node("Sub", [x, constant("mean", shape.mean)], ["centred"])
        x = node("Div", [x, constant("std", shape.std)], ["normalised"])
        if shape.clip is not None:
            limits = [constant("normalised_min", -shape.clip), constant("normalised_max", shape.clip)]
            x = node("Clip", [x, *limits], ["bounded"])
    if shape.cell is not None:
        size = shape.cell.size
        memory = ("h", "c") if shape.cell.kind == "lstm" else ("h",)
        inputs += [_tensor(onnx, name, (1, "N", size)) for name in memory]
        outputs += [_tensor(onnx, f"{name}_next", (1, "N", size)) for name in memory]
        x = _recurrent(onnx, shape.cell, x, memory, node, constant, constants)
    last = len(shape.layers) - 1
    for k, (weight, bias) in enumerate(shape.layers):
        names = [x, constant(f"policy.{k}.weight", weight), constant(f"policy.{k}.bias", bias)]
        x = node("Gemm", names, [f"layer.{k}"], transB=1)
        if k < last:
            x = node(_OPS[shape.activation], [x], [f"layer.{k}.{shape.activation}"])
    node("Clip", [x, constant("lowest", -1.0), constant("highest", 1.0)], ["action"])
    made = helper.make_graph(nodes, "camera_policy", inputs, outputs, constants)
    model = helper.make_model(made, producer_name="cinemotion", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    card = policy.card
    told = {"licence": card.licence, "name": card.name, "config": json.dumps(dict(card.config), default=str)}
    helper.set_model_props(model, {key: value for key, value in told.items() if value})
    return model


def _recurrent(onnx: Any, cell: Cell, x: str, memory: tuple[str, ...], node: Any, constant: Any, constants: Any) -> str:
    """One step of the cell: a sequence of length 1."""
    order, size = _GATES[cell.kind], cell.size

    def gates(array: np.ndarray) -> np.ndarray:
        parts = array.reshape(len(order), size, *array.shape[1:])
        return np.ascontiguousarray(parts[list(order)].reshape(array.shape)[None])

    both = np.concatenate([gates(cell.input_bias), gates(cell.hidden_bias)], axis=1)
    constants.append(onnx.numpy_helper.from_array(np.array([0], np.int64), "first"))
    x = node("Unsqueeze", [x, "first"], ["sequence"])
    weights = [constant("cell.input", gates(cell.input_weight)), constant("cell.hidden", gates(cell.hidden_weight))]
    attributes: dict[str, Any] = {"hidden_size": size}
    if cell.kind == "gru":
        attributes["linear_before_reset"] = 1  # as torch and this project have it
    outputs = ["", *(f"{name}_next" for name in memory)]
    nodes_in = [x, *weights, constant("cell.bias", both), "", *memory]
    node("LSTM" if cell.kind == "lstm" else "GRU", nodes_in, outputs, **attributes)
    return str(node("Squeeze", ["h_next", "first"], ["remembered"]))


def _tensor(onnx: Any, name: str, shape: tuple[Any, ...]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))
