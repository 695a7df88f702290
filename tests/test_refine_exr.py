"""The Neural Graphics Model Gym's layout: motion, depth, jitter and matrices as its reader and its checks take them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures

from cinemotion import refine_sets
from cinemotion.refine_exr import export, jittered
from motion.errors import BadInput
from render import Rasterizer
from render.rasterizer import RenderSettings
from render.refine import gym, shards
from render.refine.gym import GymFrame
from render.refine.warp import warp
from render.view import NEAR_M, view, window

pytest.importorskip("OpenEXR")

SIZE, SMALL = (96, 64), (48, 32)


@pytest.fixture(scope="module")
def frames() -> list[GymFrame]:
    """Four frames of a walker; the truth is the raster's own light over many samples."""
    world, camera = figures.world(), figures.camera()
    made = []
    with (
        Rasterizer(SIZE, RenderSettings(samples=16, max_samples=16)) as full,
        Rasterizer(SMALL, RenderSettings(samples=1, shadow_texels=512)) as half,
    ):
        for k in range(4):
            place = gym.jitter(k)
            large = next(full.render(world, camera, [k], ("beauty", "depth")))
            small = next(half.render(world, jittered(camera, SMALL, place), [k], ("beauty", "depth")))
            still = next(half.render(world, camera, [k], ("depth",)))
            assert large.beauty is not None and small.beauty is not None and small.depth is not None
            flows = [one.flow_to(max(k - 1, 0))[0] for one in (large, still)]
            looking = view(camera, k, SIZE)
            made.append(GymFrame(k, large.beauty, flows[0], small.beauty, small.depth, flows[1], place, looking))
    return made


@pytest.fixture(scope="module")
def written(frames: list[GymFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gym")
    gym.write(folder, 7, frames, 30, "a walker")
    return folder


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (v / (1 + v) for v in (a, b))
    return float(-10 * np.log10(np.square(a - b).mean() + 1e-12))


def test_what_is_written_comes_back(frames: list[GymFrame], written: Path) -> None:
    document, pictures = gym.read(written, 7)
    assert gym.sequences(written) == [7] and document["Scene"] == "a walker"
    assert document["TargetResolution"] == {"X": 96, "Y": 64} and document["EmulatedFramerate"] == 30
    assert [f["CameraCut"] for f in document["Frames"]] == [True, False, False, False]
    for frame, said, found in zip(frames, document["Frames"], pictures, strict=True):
        np.testing.assert_allclose(found["ground_truth"][..., :3], frame.truth, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found["x2/color"][..., :3], frame.colour, rtol=1e-3, atol=1e-4)
        assert (found["ground_truth"][..., 3] == 1).all()
        deep = frame.depth > 0
        back = gym.metres(found["x2/depth"][..., 0])
        np.testing.assert_allclose(back[deep], frame.depth[deep], rtol=1e-3)
        assert (back[~deep] == 0).all() and deep.any() and not deep.all()
        np.testing.assert_allclose(-found["motion_gt"] * SIZE, frame.flow, rtol=2e-3, atol=1e-3)
        assert (said["Jitter"]["X"], said["Jitter"]["Y"]) == frame.jitter


def test_depth_is_what_the_gym_turns_back_into_metres() -> None:
    """FSR 2's device-to-view parameters for a forward depth and an infinite far plane, which its reader works out."""
    metres = np.array([[0.5, 3.0, 80.0]], np.float32)
    device = gym.device_depth(metres)
    np.testing.assert_allclose(-NEAR_M / (device - 1.0), metres, rtol=2e-3)
    assert (np.diff(device) > 0).all() and gym.device_depth(np.zeros((1, 1)))[0, 0] == 1.0


def test_motion_brings_the_frame_before_here(frames: list[GymFrame], written: Path) -> None:
    """The gym samples the frame before at a place minus motion; its health check asks that this comes nearer."""
    _, pictures = gym.read(written, 7)
    found = list(pictures)
    for before, now in itertools.pairwise(found):
        for truth, moved, size in (("ground_truth", "motion_gt", SIZE), ("x2/color", "x2/motion", SMALL)):
            pixels = now[moved] * np.array(size, np.float32)
            assert np.abs(pixels).max() > 0.3
            if truth == "ground_truth":
                here, there = now[truth][..., :3], before[truth][..., :3]
                right = most(np.abs(warp(there, -pixels) - here))
                assert right < 0.7 * most(np.abs(there - here))
                assert right < 0.5 * most(np.abs(warp(there, pixels) - here))


def most(far: np.ndarray) -> float:
    """Mean of the lower nine tenths: what was hidden in the frame before cannot come from there."""
    return float(np.sort(far.ravel())[: int(0.9 * far.size)].mean())


def test_jitter_taken_back_comes_nearer_to_the_truth(frames: list[GymFrame], written: Path) -> None:
    document, pictures = gym.read(written, 7)
    far = 0
    for said, found in zip(document["Frames"], pictures, strict=True):
        place = said["NormalizedPerRatioJitter"][document["UpscalingRatiosIndices"]["x2_index"]]
        offset = np.array([place["X"] * SMALL[0], place["Y"] * SMALL[1]], np.float32)
        assert np.abs(offset).max() <= 0.5
        truth = found["ground_truth"][..., :3]
        truth = (truth[::2, ::2] + truth[1::2, ::2] + truth[::2, 1::2] + truth[1::2, 1::2]) / 4
        colour = found["x2/color"][..., :3]
        taken_back = warp(colour, np.broadcast_to(-offset, (*colour.shape[:2], 2)))
        wrong_way = warp(colour, np.broadcast_to(offset, (*colour.shape[:2], 2)))
        assert psnr(taken_back, truth) > psnr(wrong_way, truth)
        far += psnr(taken_back, truth) > psnr(colour, truth)
    assert far >= 3


def test_jitter_covers_the_pixel() -> None:
    places = np.array([gym.jitter(k) for k in range(gym.JITTERS)])
    assert (np.abs(places) <= 0.5).all() and np.abs(places.mean(0)).max() < 0.05
    assert len({tuple(p) for p in places}) == gym.JITTERS and gym.jitter(gym.JITTERS) == gym.jitter(0)


def test_the_matrix_projects_as_the_camera_does(frames: list[GymFrame]) -> None:
    looking = frames[2].looking
    clip = gym.view_projection(looking)
    points = looking.eye + looking.forward * [[2.0], [9.0]] + np.array([[0.3, 0.2, 0.1], [-1.0, 0.5, 0.2]])
    moved = np.c_[points, np.ones(2)] @ clip.T
    moved = moved[:, :3] / moved[:, 3:]
    pixels, metres = looking.project(points)
    np.testing.assert_allclose((moved[:, 0] + 1) / 2 * SIZE[0], pixels[:, 0], rtol=1e-6)
    np.testing.assert_allclose((1 - moved[:, 1]) / 2 * SIZE[1], pixels[:, 1], rtol=1e-6)
    np.testing.assert_allclose(moved[:, 2], gym.device_depth(metres), rtol=1e-5)


def test_bad_input(frames: list[GymFrame], written: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="sequence 0003 has no frames"):
        gym.write(tmp_path, 3, [], 30)
    with pytest.raises(BadInput, match=r"frame 0: depth is \(64, 96\), expected \(32, 48\)"):
        gym.write(tmp_path, 3, [replace(frames[0], depth=np.zeros((64, 96)))], 30)
    assert gym.sequences(tmp_path) == []
    with pytest.raises(BadInput, match=r"0009.json: not a sequence's metadata"):
        gym.read(written, 9)
    (tmp_path / "0001.json").write_text(json.dumps({"Frames": [{}]}))
    with pytest.raises(BadInput, match=r"0000.exr: not an EXR file"):
        next(gym.read(tmp_path, 1)[1])
    with pytest.raises(BadInput, match=r"'tset'.*did you mean 'test'"):
        export(tmp_path, tmp_path, folders=["tset"])
    with pytest.raises(BadInput, match="no clips of 256 paths"):
        export(tmp_path, tmp_path / "out")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with one clip, whose references are the raster's own frames."""
    folder = tmp_path_factory.mktemp("pairs")
    made = refine_sets.make(0, "check")
    camera = window(made.camera, (160, 90), 20, 10, (64, 48))
    with Rasterizer((64, 48)) as rasterizer:
        drawn = list(rasterizer.render(made.world, camera, range(10, 13), shards.PASSES))
        packed = [shards.pack(f, f.beauty, f.beauty) for f in drawn]  # type: ignore[arg-type]
    (folder / "check").mkdir()
    about = shards.About("check", 0, True, 256, (64, 48), (160, 90), (10, 11, 12), corner=(20, 10))
    shards.save(folder / "check" / "000004.safetensors", packed, about)
    yield folder


def test_pairs_are_exported_once(pairs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    assert export(pairs, tmp_path, say=said.append) == {"train": 0, "val": 1, "test": 0}
    document, pictures = gym.read(tmp_path / "val", 0)
    assert document["Scene"] == "check/000004" and len(document["Frames"]) == 3 and len(said) == 1
    found = list(pictures)
    assert found[0]["x2/color"].shape == (24, 32, 4) and found[0]["motion_gt"].shape == (48, 64, 2)
    assert np.abs(found[0]["motion_gt"]).max() < 1e-6  # nothing was before
    stored = shards.load(pairs / "check" / "000004.safetensors")
    np.testing.assert_allclose(found[1]["ground_truth"][..., :3], np.moveaxis(stored["first"][1], 0, -1), rtol=1e-3)
    small = found[1]["ground_truth"][..., :3].reshape(24, 2, 32, 2, 3).mean((1, 3))
    assert psnr(small, found[1]["x2/color"][..., :3]) > 18  # the same picture, at half the size
    export(pairs, tmp_path, say=said.append)
    assert len(said) == 1
