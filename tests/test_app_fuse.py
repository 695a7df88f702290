"""`cinemotion fuse`: a shot's points, surface and report in one go; what cannot be is said in a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cinemotion import cli_fuse

SCENE = """
schema: 1
title: Two boxes
fps: 24
size: [160, 120]
cast:
  kim: {at: [0, 0], facing: 0deg}
stage:
  ground: concrete
  light: noon
  props:
    - {name: crate, shape: box, at: [0.9, 0.2], size: [0.5, 0.6, 0.4]}
timeline:
  - {actor: kim, clip: "pybullet:walk", loop: true, until: 1s}
shots:
  - {size: full, of: kim, view: front, move: arc_left, until: 0.5s}
  - {size: full, of: kim, view: profile_right, until: 0.541667s}
  - {size: medium, of: kim, view: front, until: 1s}
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_fuse.add_to(app)
    result = CliRunner().invoke(app, ["fuse", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuse") / "scene.yaml"
    path.write_text(SCENE)
    return path


def test_a_shot_becomes_points_a_surface_and_a_report(scene: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    import trimesh

    cloud, mesh, report = (tmp_path / name for name in ("cloud.ply", "mesh.ply", "report.json"))
    code, said = run(scene, "-o", cloud, "--mesh", mesh, "--report", report, "--views", 4, "--voxel", 0.06)
    assert code == 0, said
    points = trimesh.load(cloud)
    assert len(points.vertices) > 1000 and np.ptp(np.asarray(points.colors)[:, 0]) > 20
    surface = trimesh.load(mesh, process=False)
    low, high = surface.bounds
    assert low[1] > -0.06 and 1.4 < high[1] < 2.1  # from the ground to the top of the head
    about = json.loads(report.read_text())
    rows = {row["name"]: row for row in about["surfaces"]}
    assert rows["kim"]["moves"] and not rows["ground"]["moves"] and len(about["frames"]) == 4
    assert about["camera_goes_m"] > 0.05 and about["shot"] == 1
    assert rows["ground"]["max_mm"] < 0.02 and rows["ground"]["at_odds"] == 0
    assert rows["kim"]["median_mm"] < 1.0 and rows["kim"]["at_odds"] == 0
    assert 0 < about["edges"]["recall"] <= 1 and about["edges"]["offset_px"] < 2
    assert "kim (held)" in said and "mm between views" in said


def test_a_shot_of_one_frame_has_points_and_no_spread(scene: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    report = tmp_path / "report.json"
    code, said = run(scene, "--shot", 2, "-o", tmp_path / "cloud.ply", "--report", report, "--look", "albedo")
    assert code == 0 and "one view has nothing to agree with" in said, said
    assert json.loads(report.read_text())["surfaces"] == []


def test_a_still_camera_proves_little_and_says_so(scene: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    report = tmp_path / "report.json"
    code, said = run(scene, "--shot", 3, "-o", tmp_path / "c.ply", "--report", report, "--views", 2, "--at", "0.7s")
    assert code == 0 and json.loads(report.read_text())["instant_s"] == pytest.approx(0.7, abs=0.05), said
    assert "the camera stays in one place" in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--shot", "9"), "--shot 9: the film has 3 shots"),
        (("--shot", "0"), "--shot 0: the film has 3 shots"),
        (("--at", "5s"), "--at 5s: shot 1 is from 0.0 to 0.5 s"),
        (("--at", "soon"), "--at:"),
        (("--look", "litt"), "did you mean 'lit'"),
        (("--mesh", "mesh.obj"), "mesh.obj: a point cloud or mesh is written to a .ply file"),
        (("--report", "report.txt"), "report.txt: a report is written to a .json file"),
        (("--spacing", "0"), "--spacing 0: expected metres above 0"),
        (("--voxel", "-1"), "--voxel -1: expected metres above 0"),
        (("--reach", "nan"), "--reach nan: expected metres above 0"),
        (("--views", "0"), "--views 0: expected 1 at least"),
        (("--reach", "0.05", "--views", "1"), "no surface within 0.05 m is in view in frames 0 to 0"),
    ],
)
def test_what_cannot_be_is_said(scene: Path, tmp_path: Path, options: tuple[str, ...], expected: str) -> None:
    code, said = run(scene, "-o", tmp_path / "cloud.ply", *options)
    assert code == 2 and expected in said, said
    assert not (tmp_path / "cloud.ply").exists() and len(said.strip().splitlines()) == 1


def test_a_place_that_is_not_one(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = run(scene, "-o", tmp_path / "file" / "cloud.ply", "--views", 1)
    assert code == 2 and "cloud.ply" in said
    code, said = run(tmp_path / "none.yaml", "-o", tmp_path / "cloud.ply")
    assert code == 2 and "no such file" in said
