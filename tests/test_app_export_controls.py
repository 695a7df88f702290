"""Controls for who refines elsewhere: videos, prompts and numbers by shot, and ComfyUI graphs that hold together."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from cinemotion import comfy
from cinemotion.export_controls import export_controls
from cinemotion.film import Changes
from cinemotion.resolve import load
from cinemotion.shot_prompt import LOOK, prompt_of
from cinemotion.source import read
from motion.errors import BadInput
from render.video import probe, read_frames

SCENE = """\
schema: 1
title: Morning, in the Park!
fps: 24
size: [64, 36]
seed: 5
cast:
  ada: {outfit: casual}
  bob: {at: [1.5, 0]}
stage: {ground: grass, light: golden_hour, props: [{shape: bench, at: [2, 2]}]}
timeline:
  - {actor: ada, clip: "pybullet:walk", loop: true, for: 1s}
  - {actor: bob, clip: "pybullet:dance_b", for: 1s}
shots:
  - {size: wide, of: [ada, bob], for: 0.25s}
  - {size: medium, of: ada, angle: low, until: 0.5s}
output: {samples: 1}
"""

#: ComfyUI's own nodes that are used: inputs that each must have, and the number of its outputs; from its sources
#: (nodes.py, comfy_extras: nodes_wan, nodes_video, nodes_images, nodes_model_advanced), 2026-08.
NODES = {
    "UNETLoader": ({"unet_name", "weight_dtype"}, 1),
    "CLIPLoader": ({"clip_name", "type"}, 1),
    "VAELoader": ({"vae_name"}, 1),
    "CheckpointLoaderSimple": ({"ckpt_name"}, 3),
    "ControlNetLoader": ({"control_net_name"}, 1),
    "ModelSamplingSD3": ({"model", "shift"}, 1),
    "CLIPTextEncode": ({"clip", "text"}, 1),
    "LoadVideo": ({"file"}, 1),
    "GetVideoComponents": ({"video"}, 3),
    "ImageFromBatch": ({"image", "batch_index", "length"}, 1),
    "ImageScale": ({"image", "upscale_method", "width", "height", "crop"}, 1),
    "WanVaceToVideo": (
        {"positive", "negative", "vae", "width", "height", "length", "batch_size", "strength"}, 4,
    ),
    "ControlNetApplyAdvanced": (
        {"positive", "negative", "control_net", "image", "strength", "start_percent", "end_percent"}, 2,
    ),
    "KSampler": (
        {"model", "positive", "negative", "latent_image", "seed", "steps", "cfg", "sampler_name", "scheduler",
         "denoise"}, 1,
    ),
    "TrimVideoLatent": ({"samples", "trim_amount"}, 1),
    "VAEEncode": ({"pixels", "vae"}, 1),
    "VAEDecode": ({"samples", "vae"}, 1),
    "CreateVideo": ({"images", "fps"}, 1),
    "SaveVideo": ({"video", "filename_prefix", "format"}, 1),
}  # fmt: skip
OPTIONAL = {"WanVaceToVideo": {"control_video"}, "CLIPLoader": {"device"}, "SaveVideo": {"codec"}}


def check_graph(graph):
    """Every node is known, has its inputs, and every link leads to an output that is there, without a circle."""
    links = {}
    for number, node in graph.items():
        inputs, _ = NODES[node["class_type"]]
        assert inputs <= set(node["inputs"]) <= inputs | OPTIONAL.get(node["class_type"], set())
        links[number] = [value for value in node["inputs"].values() if isinstance(value, list)]
        for source, output in links[number]:
            assert source in graph and 0 <= output < NODES[graph[source]["class_type"]][1]
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {n for n in graph if n not in done and all(source in done for source, _ in links[n])}
        assert ready, "a circle"
        done |= ready
    ends = [n for n, node in graph.items() if node["class_type"] == "SaveVideo"]
    needed, todo = set(), list(ends)
    while todo:
        number = todo.pop()
        needed.add(number)
        todo += [source for source, _ in links[number] if source not in needed]
    assert len(ends) == 1 and needed == set(graph)  # nothing hangs loose


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "park.yaml"
    path.write_text(SCENE)
    return load(read(path), Changes())[0]


@pytest.fixture(scope="module")
def exported(film, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "controls"
    return folder, export_controls(film, folder)


def test_every_shot_has_its_videos_prompt_and_numbers(film, exported):
    folder, homes = exported
    assert [home.name for home in homes] == ["shot_000", "shot_001"]
    assert sorted(p.name for p in folder.iterdir()) == ["metadata.json", "shot_000", "shot_001"]
    for home, span in zip(homes, ([0, 6], [6, 12]), strict=True):
        about = json.loads((home / "metadata.json").read_text())
        assert about["frames"] == span and about["fps"] == "24" and about["size"] == [64, 36]
        assert set(about["files"]) == {"init", "depth", "normal", "edges", "ids"}
        assert {p.name for p in home.iterdir()} == {
            "prompt.txt", "metadata.json", *about["files"].values(), *about["workflows"],
        }  # fmt: skip
        for name in about["files"].values():
            assert probe(home / name).size == (64, 36) and probe(home / name).fps == 24
            assert len(list(read_frames(home / name))) == 6
        pose = np.array(about["camera"]["T_world_camera"])
        assert np.allclose(pose, film.camera.T_world_camera[slice(*span)], atol=1e-6)
        assert about["prompt"] + "\n" == (home / "prompt.txt").read_text()
        assert about["scales"]["near_m"] > 0 and about["seed"] == 5 + about["shot"]
    edges = next(read_frames(homes[0] / "morning_in_the_park.shot_000.edges.mp4"))
    assert 0.005 < (edges > 128).mean() < 0.4


def test_the_prompt_says_what_the_shot_shows(film):
    assert prompt_of(film, 0, 5) == (
        "Morning, in the Park! Wide shot of two people on grass, low golden sun, with a bench. One performs: walk. "
        f"One performs: dance. {LOOK}"
    )
    assert "Medium shot, low angle, of one person on grass" in prompt_of(film, 6, 11)
    assert "The person performs: walk." in prompt_of(film, 6, 11)
    detail = "waves, from (0.00, 1.00) to (0.00, 1.00), fade 0.00 s"
    said = replace(film, table=({"what": "do", "name": "ada (x)", "first": 0, "stop": 9, "detail": detail},))
    assert "One waves." in prompt_of(said, 0, 5)
    bare = replace(
        film, table=(), shots=(), performances=(), title="", stage=replace(film.stage, ground=None, props=())
    )
    assert prompt_of(bare, 0, 5) == f"Shot of nobody, low golden sun. {LOOK}"


def test_workflows_hold_together_and_name_the_videos(exported):
    _, homes = exported
    for home in homes:
        about = json.loads((home / "metadata.json").read_text())
        assert about["workflows"] == ["workflow_controlnet.json", "workflow_vace.json"]
        for name in about["workflows"]:
            graph = json.loads((home / name).read_text())
            check_graph(graph)
            files = {n["inputs"]["file"] for n in graph.values() if n["class_type"] == "LoadVideo"}
            assert files and files <= set(about["files"].values())
            texts = [n["inputs"]["text"] for n in graph.values() if n["class_type"] == "CLIPTextEncode"]
            assert texts[0] == about["prompt"]
    vace = json.loads((homes[0] / "workflow_vace.json").read_text())
    (node,) = (n for n in vace.values() if n["class_type"] == "WanVaceToVideo")
    assert node["inputs"]["length"] == 9 and node["inputs"]["width"] == 64 and node["inputs"]["height"] == 32


@pytest.mark.parametrize("frames", [1, 2, 80, 81, 82, 153, 154, 500])
def test_parts_cover_a_shot_and_suit_wan(frames):
    parts = comfy.parts_of(frames)
    covered = set()
    for first, count in parts:
        covered |= set(range(first, first + count))
        graph = comfy.wan_vace("a.mp4", first, count, (1280, 720), Fraction(24000, 1001), "x", 1, "out")
        check_graph(graph)
        (node,) = (n for n in graph.values() if n["class_type"] == "WanVaceToVideo")
        assert node["inputs"]["length"] % 4 == 1 and count <= node["inputs"]["length"] < count + 4
        assert node["inputs"]["width"] % 16 == 0 == node["inputs"]["height"] % 16
    assert covered == set(range(frames))
    assert all(b[0] < a[0] + a[1] for a, b in itertools.pairwise(parts))


def test_a_folder_is_replaced_or_left_alone(film, exported, tmp_path):
    folder, _ = exported
    before = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    (home,) = export_controls(film, tmp_path / "a", controls=("normal",), frames=(0, 2))
    assert {p.name for p in home.iterdir()} == {
        "morning_in_the_park.shot_000.init.mp4", "morning_in_the_park.shot_000.normal.mp4", "prompt.txt",
        "metadata.json", "workflow_vace.json",
    }  # fmt: skip
    export_controls(film, tmp_path / "a", controls=("ids",), frames=(0, 2))
    assert (home / "morning_in_the_park.shot_000.ids.mp4").is_file()
    assert not (home / "morning_in_the_park.shot_000.normal.mp4").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "holiday.jpg").write_bytes(b"x")
    for target, controls, text in (
        (mine, ("depth",), "holds other things already .*holiday.jpg"),
        (mine / "holiday.jpg", ("depth",), "is a file, expected a folder"),
        (tmp_path / "b", ("dept",), "did you mean 'depth'"),
    ):
        with pytest.raises(BadInput, match=text):
            export_controls(film, target, controls=controls, frames=(0, 1))
    assert (mine / "holiday.jpg").read_bytes() == b"x"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "mine"]
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before
