"""`Bert`: the encoder of all-MiniLM-L6-v2 in plain torch, so that reading a sentence does not wait for `transformers`.

The network is BERT (Devlin et al. 2019) as `config.json` beside the weights describes it; only what a frozen encoder
needs at inference is here: no dropout, no pooling layer, token types all zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from motion.errors import BadInput


class Bert:
    """A frozen BERT encoder.

    Args:
        folder: holds ``config.json`` and ``model.safetensors`` as the Hugging Face hub lays them out.
        dtype: what it computes in.

    Raises:
        BadInput: a file is missing or describes another kind of network.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        from safetensors.torch import load_file

        try:
            config: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._weights = load_file(str(folder / "model.safetensors"))
            kind = (config["model_type"], config["hidden_act"], config.get("position_embedding_type", "absolute"))
            self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
            self._eps = float(config["layer_norm_eps"])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{folder}: not a BERT model ({type(error).__name__}: {error})") from None
        if kind != ("bert", "gelu", "absolute"):
            raise BadInput(f"{folder}: a network of kind {kind}, expected ('bert', 'gelu', 'absolute')")
        prefix = "bert."
        if any(name.startswith(prefix) for name in self._weights):
            self._weights = {name.removeprefix(prefix): value for name, value in self._weights.items()}
        self._weights = {n: v.to(dtype) if v.is_floating_point() else v for n, v in self._weights.items()}

    @torch.inference_mode()
    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token states.

        Args:
            ids: ``(B, L)`` int64, word pieces.
            mask: ``(B, L)``, nonzero where there is a token.

        Returns:
            ``(B, L, width)``.
        """
        w, (rows, length) = self._weights, ids.shape
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:length]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        seen = mask.bool()[:, None, None, :]
        for k in range(self._layers):
            at = f"encoder.layer.{k}."
            q, key, v = (
                self._linear(x, f"{at}attention.self.{name}").unflatten(-1, (self._heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            heard = F.scaled_dot_product_attention(q, key, v, attn_mask=seen).transpose(1, 2).reshape(rows, length, -1)
            x = self._norm(x + self._linear(heard, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
            inner = F.gelu(self._linear(x, f"{at}intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")
        return x

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], self._eps)
