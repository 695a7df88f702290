"""`cinemotion clean`: a capture comes back on its own skeleton, its feet mended, with report, plot and plants."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import mocap_data
from cinemotion.cli import app
from motion import Take
from motion import rotations as rot
from motion.retarget import clip_to_take, retarget
from physics import faults


@pytest.fixture(scope="module")
def sunken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk that sinks, in Mixamo's names, with a finger that SMPL-24 does not have."""
    clip, _ = retarget(mocap_data.load("pybullet:walk"))
    take = clip_to_take(faults.plant(clip, "sink", 1)[0], names="mixamo")
    bend = rot.from_axis("Z", np.linspace(0, 1, take.frames))
    hand = next(i for i, name in enumerate(take.names) if name.endswith("LeftHand"))
    take = replace(
        take, names=(*take.names, "mixamorig:LeftHandIndex1"), parents=np.append(take.parents, hand),
        rest_offsets=np.concatenate([take.rest_offsets, [[0.1, 0, 0]]]),
        rotations=np.concatenate([take.rotations, bend[:, None]], axis=1),
        translations=np.concatenate([take.translations, np.tile([[[0.1, 0, 0]]], (take.frames, 1, 1))], axis=1),
        end_offsets=None,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("clean") / "sunken.bvh"
    mocap_data.save(take, path)
    return path


def lowest(take: Take) -> float:
    from motion import contacts

    clip, _ = retarget(take, ground=False)
    return float(contacts.foot_points(clip)[..., 1].min())


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_file_is_cleaned_on_its_own_skeleton(sunken: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean.bvh"
    extra = ["--report", tmp_path / "r.json", "--plot", tmp_path / "p.png", "--save-plants", tmp_path / "p.csv"]
    result = run("clean", sunken, out, *extra)
    assert result.exit_code == 0 and "penetration" in result.stdout
    before, after = mocap_data.load(sunken), mocap_data.load(out)
    assert after.names == before.names and after.frames == before.frames
    finger = before.names.index("mixamorig:LeftHandIndex1")
    assert rot.angle_between(after.rotations[:, finger], before.rotations[:, finger]).max() < 1e-3
    assert lowest(before) < -0.03 and lowest(after) > -0.008
    [told] = json.loads((tmp_path / "r.json").read_text())["performers"]
    assert told["after"]["penetration_mm"] < 0.2 * told["before"]["penetration_mm"]
    assert np.asarray(Image.open(tmp_path / "p.png").convert("L")).std() > 5
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert rows and set(rows[0]) == {"part", "start_s", "end_s"}


def test_a_strip_shows_before_and_after_and_what_was_kept(sunken: Path, tmp_path: Path) -> None:
    assert run("clean", sunken, tmp_path / "a.bvh", "--strip", tmp_path / "s.png", "-q").exit_code == 0
    assert run("clean", sunken, tmp_path / "b.bvh", "--strip", tmp_path / "n.png", "--feet", "never").exit_code == 0
    mended = np.asarray(Image.open(tmp_path / "s.png").convert("RGB")).astype(int)
    left = np.asarray(Image.open(tmp_path / "n.png").convert("RGB")).astype(int)
    assert mended.shape == left.shape
    for picture, rows in ((mended, slice(46, 270)), (left, slice(270, 494))):
        assert red(picture[rows]) > 300, "feet in the floor are red, before and where nothing is done"
    assert red(mended[270:494]) < 0.2 * red(mended[46:270])
    assert near(mended, (0x2A, 0x9D, 0x4A)) > 5000 and near(left, (0xB8, 0xB8, 0xB8)) > 5000


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture - colour).max(-1) < 12).sum())


def red(picture: np.ndarray) -> int:
    return near(picture, (0xE0, 0x10, 0x10))


def test_a_fault_is_planted_where_it_is_asked_for(tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("a.bvh", "b.bvh", "c.bvh")]
    for path, fault in zip(made, ("float:2", "float:2", "slide"), strict=True):
        done = run("convert", "pybullet:walk", path, "--fault", fault)
        assert done.exit_code == 0 and "planted fault" in done.stdout
    assert made[0].read_bytes() == made[1].read_bytes() != made[2].read_bytes()
    clean = mocap_data.load("pybullet:walk")
    assert lowest(mocap_data.load(made[0])) > lowest(clean) + 0.04
    assert abs(lowest(mocap_data.load(made[2])) - lowest(clean)) < 0.001
    for fault, said in (("flaot", "did you mean 'float'?"), ("float:x", "a whole number after the colon")):
        done = run("convert", "pybullet:walk", tmp_path / "e.bvh", "--fault", fault)
        assert done.exit_code == 2 and said in done.stderr and not (tmp_path / "e.bvh").exists()


def test_plants_that_were_edited_are_held(sunken: Path, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("part,start_s,end_s\n")
    asked = ["--plants", tmp_path / "none.csv", "--save-plants", tmp_path / "b.csv", "-q"]
    assert run("clean", sunken, tmp_path / "a.bvh", *asked).exit_code == 0
    assert (tmp_path / "b.csv").read_text().splitlines() == ["part,start_s,end_s"]


def test_a_cleaned_clip_may_wear_the_body(sunken: Path, tmp_path: Path) -> None:
    assert run("clean", sunken, tmp_path / "a.glb", "-q").exit_code == 0
    assert (tmp_path / "a.glb").read_bytes()[:4] == b"glTF"


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shaken") / "shaken.bvh"
    mocap_data.save(clip_to_take(faults.plant(retarget(mocap_data.load("pybullet:walk"))[0], "noise", 1)[0]), path)
    return path


def test_poses_are_calmed_where_that_is_asked_for(shaken: Path, tmp_path: Path) -> None:
    jerk = []
    for more in ([], ["--learned"]):
        done = run("clean", shaken, tmp_path / "a.bvh", "--report", tmp_path / "r.json", *more)
        assert done.exit_code == 0 and ("poses calibrated by a learned pass" in done.stdout) == bool(more)
        [told] = json.loads((tmp_path / "r.json").read_text())["performers"]
        assert (told["learned"] is not None) == bool(more)
        jerk.append(told["after"]["jerk_m_s3"])
    assert jerk[1] < 0.8 * jerk[0]


def test_a_search_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    done = run("clean", "pybullet:walk", tmp_path / "o.bvh", "--dynamics", "--search", "5")
    assert done.exit_code == 2 and "pip install 'cinemotion[search]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_search_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cma")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    mocap_data.save(mocap_data.load("pybullet:jump").slice(20, 80), tmp_path / "jump.bvh")
    done = run("clean", tmp_path / "jump.bvh", tmp_path / "o.bvh", "--dynamics", "--search", "2")
    assert done.exit_code == 0 and "searching: 2/2 seconds" in done.stderr and "  search: " in done.stdout


def test_the_plot_tells_what_a_body_was_lent(tmp_path: Path) -> None:
    assert run("convert", "pybullet:jump", tmp_path / "jump.bvh", "--fault", "noise:1").exit_code == 0
    files = ["--report", tmp_path / "r.json", "--plot", tmp_path / "p.png"]
    assert run("clean", tmp_path / "jump.bvh", tmp_path / "o.bvh", "--dynamics", *files).exit_code == 0
    [told] = json.loads((tmp_path / "r.json").read_text())["performers"]
    assert told["wrench"] is not None and set(told["wrench"]) == {"force", "upward", "torque", "at_bound"}
    tall = Image.open(tmp_path / "p.png")
    assert tall.height == 7 * 150 + 30
    lent = np.asarray(tall.convert("RGB")).astype(int)[5 * 150 + 30 :]
    assert near(lent, (0x5B, 0x4F, 0xB5)) > 200 and near(lent, (0x2C, 0xA0, 0x2C)) > 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.bvh", "o.bvh"], "missing.bvh"),
        (["pybullet:walk", "o.xyz"], "unknown suffix to write '.xyz'"),
        (["pybullet:walk", "o.bvh", "--feet", "nevr"], "unknown foot mode 'nevr'; did you mean 'never'"),
        (["pybullet:walk", "o.bvh", "--plot", "p.jpg"], "p.jpg: expected a .png file"),
        (["pybullet:walk", "o.bvh", "--report", "r.txt"], "r.txt: expected a .json file"),
        (["pybullet:walk", "o.bvh", "--strip", "s.gif"], "s.gif: a strip is written to a .png or .jpg file"),
        (["pybullet:walk", "o.bvh", "--strip", "no/s.png"], "no/s.png: the folder no does not exist"),
        (["pybullet:walk", "o.bvh", "--feet", "never", "--dynamics"], "leave out --dynamics, or say another mode"),
        (["pybullet:walk", "o.bvh", "--feet", "never", "--learned"], "leave out --learned, or say another mode"),
        (["pybullet:walk", "o.bvh", "--search", "5"], "--search: improves what --dynamics simulates; give both"),
        (["pybullet:walk", "o.bvh", "--dynamics", "--search", "0"], "--search 0: expected seconds, more than 0"),
        (["pybullet:walk", "o.bvh", "--dynamics", "--search", "nan"], "--search nan: expected seconds"),
        (["pybullet:walk", "o.bvh", "--plants", "nothing.csv"], "nothing.csv"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("clean", *arguments)
    assert result.exit_code == 2 and said in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
