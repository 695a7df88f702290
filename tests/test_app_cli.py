"""The command line as people and shells meet it: help, exit codes, one line per error, conversion."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import mocap_data
from cinemotion import formats
from cinemotion.cli import app
from cinemotion.convert import Options, convert
from motion.errors import BadInput
from motion.retarget import retarget

GOOD = 'schema: 1\nsize: [32, 18]\ncast: {ada: {}}\ntimeline: [{actor: ada, clip: "pybullet:walk"}]\n'


@dataclass(frozen=True)
class Shown:
    returncode: int
    stdout: str
    stderr: str


def cli(*arguments: object, cwd: Path | None = None) -> Shown:
    """The command in this process: a new one takes a second to import everything."""
    with contextlib.chdir(cwd or Path()):
        result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Shown(result.exit_code, result.stdout, result.stderr)


def test_help_does_not_import_what_is_slow() -> None:
    code = (
        "import sys; from cinemotion import cli; heavy = {'numpy', 'scipy', 'torch', 'pydantic', 'moderngl', 'av'};"
        "sys.exit(f'imported: {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""
    shown = subprocess.run([sys.executable, "-m", "cinemotion", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    for command in ("film", "check", "convert", "doctor", "schema", "verify", "bench"):
        assert command in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("filn",), 2, "Did you mean"), (("film",), 2, "Missing argument"), (("film", "a.yaml", "--drft"), 2, "--draft"),
        (("film", "nowhere.yaml"), 2, "no such file"), (("check", "nowhere.yaml"), 2, "no such file"),
        (("film", "x.yaml", "--workers", "0"), 2, "--workers"), (("film", "x.yaml", "--passes", "dpth"), 2, "did you mean 'depth'"),
        (("film", "x.yaml", "--frames", "a:b"), 2, "expected FIRST:STOP"), (("verify", "x.mp4"), 2, "no such film"),
        (("bench", "rendr"), 2, "did you mean 'render'"), (("convert", "a.bvh", "b.bvh"), 2, "no such file"),
        (("convert", "pybullet:walk", "b.fbx"), 2, "unknown suffix to write"), (("convert", "pybullet:wlak", "b.bvh"), 2, "did you mean"),
        (("convert", "pybullet:walk", "b.bvh", "--fps", "0"), 2, "--fps: expected frames per second"),
        (("convert", "pybullet:walk", "b.bvh", "--units", "yd"), 2, "unknown unit"),
        (("convert", "pybullet:walk", "b.glb", "--outfit", "tuxedo"), 2, "unknown outfit"),
    ],
)  # fmt: skip
def test_usage_errors(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    shown = cli(*arguments, cwd=tmp_path)
    assert shown.returncode == code, shown.stderr
    assert words in shown.stderr and "Traceback" not in shown.stderr, shown.stderr
    if "Usage" not in shown.stderr:
        assert len(shown.stderr.strip().splitlines()) == 1, shown.stderr
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


def test_check_tells_people_and_programs(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(GOOD.replace("ada: {}", "ada: {outfit: runer}").replace("[32, 18]", "[0, 18]"))
    shown = cli("check", good, "--resolved")
    assert shown.returncode == 0 and "38 frames of 32 x 18" in shown.stdout and "pybullet:walk" in shown.stdout, shown
    shown = cli("check", bad)
    assert shown.returncode == 2 and shown.stdout == ""
    lines = shown.stderr.splitlines()
    assert lines[0] == f"{bad}:2:7: size: 0 x 18 pixels, expected 16 to 8192 a side"
    assert lines[1].startswith(f"{bad}:3:22: cast.ada.outfit: unknown outfit 'runer'") and lines[2] == "2 problems"
    shown = cli("check", bad, "--format", "json")
    document = json.loads(shown.stdout)
    assert shown.returncode == 2 and not document["ok"]
    first = document["problems"][0]
    assert (first["line"], first["column"], first["path"], first["severity"]) == (2, 7, "size", "error")
    assert json.loads(cli("check", tmp_path / "none.yaml", "--format", "json").stdout)["ok"] is False


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD + '"\\e[31mred": 1\n')
    shown = cli("check", bad)
    assert shown.returncode == 2 and "\x1b" not in shown.stderr and "\\x1b[31mred" in shown.stderr


def test_film_refuses_what_check_refuses(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD.replace("walk", "wlak").replace("32", "3"))
    shown = cli("film", bad)
    assert shown.returncode == 2 and len(shown.stderr.splitlines()) == 2
    assert {p.name for p in tmp_path.iterdir()} == {"bad.yaml"}


def test_a_broken_pickle_of_a_body_is_not_run(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("owned",)

    (tmp_path / "smpl.pkl").write_bytes(pickle.dumps({"v_template": Evil()}))
    scene = tmp_path / "scene.yaml"
    scene.write_text(GOOD.replace("ada: {}", "ada: {body: {model: smpl.pkl}}"))
    shown = cli("check", scene)
    assert shown.returncode == 2 and "owned" not in shown.stdout + shown.stderr
    assert "cast.ada.body.model: smpl.pkl" in shown.stderr and "Traceback" not in shown.stderr, shown.stderr


def test_version_and_schema() -> None:
    assert cli("--version").returncode == 0
    assert json.loads(cli("schema").stdout)["title"] == "Cinemotion scene, version 1"


# ---- conversion


def test_mocap_to_mocap_keeps_the_skeleton(tmp_path: Path) -> None:
    source = mocap_data.load("pybullet:walk")
    made = convert("pybullet:walk", tmp_path / "walk.bvh")
    assert not made.by_smpl
    back = mocap_data.load(tmp_path / "walk.bvh")
    assert sorted(back.names) == sorted(source.names) and back.frames == source.frames and back.fps == source.fps
    order = [back.names.index(n) for n in source.names]
    assert np.allclose(back.world()[1][:, order], source.world()[1], atol=2e-5)


def test_rates_and_parts(tmp_path: Path) -> None:
    made = convert("pybullet:walk", tmp_path / "walk.bvh", Options(fps="24000/1001", start="0.2s", stop="1s"))
    assert made.fps == Fraction(24000, 1001)
    take = mocap_data.load(tmp_path / "walk.bvh")
    assert take.fps == Fraction(24000, 1001) and take.frames == 20


def test_names_go_by_smpl(tmp_path: Path) -> None:
    made = convert("pybullet:walk", tmp_path / "walk.bvh", Options(names="mixamo"))
    assert made.by_smpl
    assert any("LeftUpLeg" in name for name in mocap_data.load(tmp_path / "walk.bvh").names)


def test_a_format_with_one_skeleton_is_retargeted_to(tmp_path: Path) -> None:
    made = convert("pybullet:walk", tmp_path / "walk.npz")
    assert made.by_smpl and "holds that skeleton only" in made.notes[0]
    assert mocap_data.load(tmp_path / "walk.npz").frames == made.frames


def test_glb_has_the_body_and_comes_back(tmp_path: Path) -> None:
    made = convert("pybullet:walk", tmp_path / "walk.glb", Options(outfit="casual", height=1.8))
    assert made.frames == 39
    take = formats.load(tmp_path / "walk.glb")
    clip, _ = retarget(take)
    original, _ = retarget(mocap_data.load("pybullet:walk"), rest_offsets=clip.rest_offsets)
    error = np.linalg.norm(clip.positions()[: original.frames] - original.positions()[: clip.frames], axis=-1)
    assert np.median(error) < 0.03, "the same performance, in metres"
    assert ".glb" in formats.readable() and ".glb" in formats.writable()


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_a_body_under_other_joint_names(tmp_path: Path, suffix: str) -> None:
    convert("pybullet:walk", tmp_path / f"walk{suffix}", Options(names="mixamo", stop="0.1s"))
    assert any("LeftUpLeg" in name for name in formats.load(tmp_path / f"walk{suffix}").names)


def test_onto_a_character_of_ones_own(tmp_path: Path) -> None:
    convert("pybullet:walk", tmp_path / "rig.bvh", Options(names="unreal", stop="0.1s"))
    made = convert("pybullet:dance_b", tmp_path / "dance.bvh", Options(retarget=str(tmp_path / "rig.bvh")))
    rig, danced = mocap_data.load(tmp_path / "rig.bvh"), mocap_data.load(tmp_path / "dance.bvh")
    assert made.frames == danced.frames == 153
    assert set(danced.names) == set(rig.names)
    lengths = {name: np.linalg.norm(offset) for name, offset in zip(rig.names, rig.rest_offsets, strict=True)}
    for name, offset in list(zip(danced.names, danced.rest_offsets, strict=True))[1:]:
        assert np.linalg.norm(offset) == pytest.approx(lengths[name], abs=1e-6)
    with pytest.raises(BadInput, match="expected 'smpl' or a file"):
        convert("pybullet:walk", tmp_path / "x.bvh", Options(retarget="smlp"))


def test_the_source_may_be_corrected(tmp_path: Path) -> None:
    convert("pybullet:walk", tmp_path / "walk.bvh")
    assert convert(tmp_path / "walk.bvh", tmp_path / "slow.bvh", Options(source_fps="15")).fps == 15
    with pytest.raises(BadInput, match="no option 'asf'"):
        convert(tmp_path / "walk.bvh", tmp_path / "x.bvh", Options(asf="walk.asf"))


def test_a_users_own_smpl_file_performs(tmp_path: Path) -> None:
    from cinemotion.resolve import load
    from cinemotion.source import read
    from motion.body import Body

    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **Body.default(outfit="runner").smpl_arrays())
    scene = tmp_path / "scene.yaml"
    for model in ("SMPL_NEUTRAL.npz", "."):
        scene.write_text(GOOD.replace("ada: {}", f"ada: {{body: {{model: {model}, betas: [0.5, -0.5]}}}}"))
        film, _ = load(read(scene))
        assert film.performances[0].character.mesh.vertices.shape[1] == 3
        licence = next(i.provenance.licence for i in film.inputs if i.role == "body")
        assert licence is not None and "own file" in licence
