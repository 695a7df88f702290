"""`cinemotion train`, `dataset` and `models` through their own entry points, tiny."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_prior import corpus
from typer.testing import CliRunner, Result

from cinemotion.cli import app
from motion.prior import weights

pytest.importorskip("torch")


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mocap_data import dataset

    folder = tmp_path_factory.mktemp("data") / "corpus"
    dataset.save(corpus(), folder)
    return folder


@pytest.mark.parametrize("kind", ["prior", "inbetween"])
def test_a_run_writes_weights_that_load_and_goes_on(tmp_path: Path, data: Path, kind: str) -> None:
    out = tmp_path / "run"
    size = ("--batch", 240, *(("--size", "tiny") if kind == "prior" else ()))
    made = run("train", kind, "--data", data, "--steps", 2, "-o", out, "--name", "mine", "--threads", 1, *size)
    assert made.exit_code == 0, made.output
    card = weights.card_of(weights.find(out / f"mine-{kind}.safetensors", kind))
    assert card.training["steps"] == 2 and card.licence == "MIT" and card.commercial
    assert card.data == ("pybullet: 2 clips, 0.00 h, MIT",) and (out / "log.csv").is_file()
    again = run("train", kind, "--data", data, "--steps", 3, "-o", out, "--name", "mine", "--threads", 1, *size)
    assert again.exit_code == 0 and "goes on at step 2" in again.output
    if kind == "prior":
        from motion.prior.model import Prior

        assert Prior.load(out).card.training["steps"] == 3


@pytest.mark.slow
def test_torchrun_starts_it_on_two_ranks(tmp_path: Path, data: Path) -> None:
    import subprocess
    import sys

    order = ["train", "inbetween", "--data", data, "--steps", 2, "--batch", 240, "-o", tmp_path / "run", "--threads", 1]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, "-m", "cinemotion"]
    done = subprocess.run([str(w) for w in (*launch, *order)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    card = weights.card_of(tmp_path / "run" / "own-inbetween.safetensors", "inbetween")
    assert card.training["steps"] == 2 and done.stdout.count("licence:") == 1, "one rank writes and speaks"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("priro", "--steps", 1), "unknown model to train 'priro'; did you mean 'prior'"),
        (("prior",), "no budget: say --minutes"),
        (("prior", "--minutes", -1), "--minutes -1, expected more than 0"),
        (("prior", "--minutes", "nan"), "--minutes nan, expected more than 0"),
        (("prior", "--steps", 1, "--size", "huge"), "unknown size 'huge'"),
        (("inbetween", "--steps", 1, "--size", "gpu"), "only the prior comes in sizes"),
        (("prior", "--steps", 1, "--device", "tpu"), "unknown device 'tpu'"),
        (("prior", "--steps", 1, "--sources", "cmu"), "unknown source 'cmu'; known: pybullet"),
        (("prior", "--steps", 1, "--name", "a/b"), "--name 'a/b', expected letters"),
        (("prior", "--steps", 1, "--tokens", "x"), "--tokens is for gpt"),
    ],
)  # fmt: skip
def test_wrong_orders_are_one_line(tmp_path: Path, data: Path, words: tuple[object, ...], said: str) -> None:
    result = run("train", *words, "--data", data, "-o", tmp_path / "run")
    assert result.exit_code == 2 and said in result.output and len(result.output.splitlines()) == 1, result.output


def test_data_that_is_not_there(tmp_path: Path, data: Path) -> None:
    missing = run("train", "prior", "--data", tmp_path / "none", "--steps", 1, "-o", tmp_path / "run")
    assert missing.exit_code == 2 and "none" in missing.output
    both = run("train", "prior", "--data", data, "--data", tmp_path, "--steps", 1, "-o", tmp_path / "run")
    assert both.exit_code == 2 and "give one corpus alone" in both.output


def test_models_lists_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path / "package")
    assert "no weights on this machine" in run("models").output
    card = weights.Card(
        "prior", "clean", "CMU", data=("walks",), measured={"blocks": {"R@3": 0.61}}, limits=("cannot swim",)
    )
    weights.save(tmp_path / "clean-prior.safetensors", {"a": [[1.0, 2.0]]}, card)
    (tmp_path / "torn-prior.safetensors").write_bytes(b"\x10")
    text = run("models").output
    for part in ("clean prior 1: motion from words", "CMU (commercial use allowed)", "blocks: R@3 0.61", "cannot swim"):
        assert part in text
    assert "torn-prior.safetensors: cannot be used" in text and "not here: base-prior.safetensors" in text
