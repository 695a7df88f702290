"""What `cinemotion motion` says of the licence of what it made agrees with the sidecar."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_prior
from dataset_clips import glide
from typer.testing import CliRunner

import mocap_data
from cinemotion.cli import app
from cinemotion.make_motion import licences
from motion.retarget import clip_to_take

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_prior.write(tmp_path_factory.mktemp("weights") / "tiny.safetensors", "CMU, MIT", "clean")


def _base(path: Path, licence: str) -> Path:
    take = clip_to_take(glide(seconds=1.5))
    mocap_data.save(replace(take, provenance=replace(take.provenance, licence=licence)), path)
    return path


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("AMASS: research only", "licence: CMU, MIT; AMASS: research only (of what was made; not for commercial use)"),
        ("studio's own", "licence: CMU, MIT; studio's own (of what was made; ask whoever made the data"),
        ("CMU, MIT", "licence: CMU, MIT (clean prior 1 (sha256 "),
    ],
)
def test_other_motion_brings_in_its_licence(tmp_path: Path, model: Path, licence: str, said: str) -> None:
    base, out = _base(tmp_path / "base.npz", licence), tmp_path / "made.bvh"
    made = CliRunner().invoke(
        app, ["motion", "waves", "-o", str(out), "--base", str(base), "--keep", "legs", "--model", str(model)]
    )
    assert made.exit_code == 0, made.output
    last = made.output.splitlines()[-1]
    assert last.startswith(said), made.output
    document = json.loads((tmp_path / "made.bvh.provenance.json").read_text())
    assert last.startswith(f"licence: {document['licence']} (")


def test_weights_alone_are_one_line(model: Path) -> None:
    (line,) = licences([model], ["CMU, MIT", None, "CMU, MIT"])
    assert line.startswith("licence: CMU, MIT (clean prior 1 ") and "commercial" not in line
    lines = list(licences([model], ["CC BY-NC 4.0"]))
    assert lines[0].startswith("licence of the weights: CMU, MIT") and "not for commercial use" in lines[1]
