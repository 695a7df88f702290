"""Every pretrained adapter end to end on a tiny random pipeline: loaded from a folder, a drawn shot refined."""

from __future__ import annotations

import inspect
import itertools
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from motion.errors import BadInput, MissingExtra, MissingSystem
from render.refine.protocol import Brief, Refiner
from tests import render_figures as figures

diffusers = pytest.importorskip("diffusers")
pytest.importorskip("ftfy")

from render.refine.pretrained import ADAPTERS, load_refiner  # noqa: E402
from tests import tiny_pipelines  # noqa: E402

SIZE = (44, 30)
#: Frames of a chunk: less than a shot of ten, so that every adapter works in several.
FRAMES = {"AnimateDiffVideoToVideoControlNetPipeline": 6}
NAMES = tuple(ADAPTERS)
#: One that denoises noise itself and one that starts from the raster; the others are slow together.
QUICK = [
    n if n in ("WanVACEPipeline", "LTXConditionPipeline") else pytest.param(n, marks=pytest.mark.slow) for n in NAMES
]
CONTROLLED = ("AnimateDiffVideoToVideoControlNetPipeline", "WanVACEPipeline", "CogVideoXFunControlPipeline",
              "Cosmos2_5_TransferPipeline")  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each class, made when it is asked for."""
    home = tmp_path_factory.mktemp("pipelines")

    def of(name):
        return home / name if (home / name).is_dir() else tiny_pipelines.save(name, home / name)

    return of


@pytest.fixture(scope="module")
def shot():
    """Ten frames of a walker before a moving camera, and the brief of their shot."""
    from render import Rasterizer
    from render.control import shot_scales, to_draw

    world, path = figures.world(), figures.camera()
    (scale,) = shot_scales(path, SIZE, world.performances)
    passes = ("display", *to_draw(["edges", "normal"]))
    with Rasterizer(SIZE) as rasterizer:
        frames = list(rasterizer.render(world, path, range(10), passes))
        yield frames, Brief(scale, seed=7, prompt="a film still of two friends who dance")


@pytest.fixture(scope="module")
def refiner_of(folders):
    def load(name, **options):
        if name.startswith("Cosmos"):
            options.setdefault("components", {"safety_checker": tiny_pipelines.Watchman()})
        return load_refiner(folders(name), **({"steps": 2, "frames": FRAMES.get(name, 5)} | options))

    return load


def watch(refiner):
    """The chunks that the refiner's pipeline is called with from now on."""
    seen, call = [], refiner.call

    def watched(chunk):
        seen.append(chunk)
        return call(chunk)

    refiner.call = watched
    return seen


@pytest.mark.parametrize("name", QUICK)
def test_every_adapter_refines_a_shot(name, refiner_of, shot):
    frames, brief = shot
    refiner = refiner_of(name)
    assert isinstance(refiner, Refiner) and "display" in refiner.needs
    chunks = watch(refiner)
    first = list(refiner.refine(iter(frames), brief))
    assert [f.index for f in first] == list(range(10))
    pictures = np.stack([f.shown() for f in first])
    assert pictures.shape == (10, 30, 44, 3) and pictures.dtype == np.uint8 and pictures.std() > 3
    # Several chunks, each of a size that the class takes, sharing frames and the noise of those frames.
    assert len(chunks) >= 2
    step = refiner.temporal
    for before, chunk in itertools.pairwise(chunks):
        shared = (refiner.overlap - 1) // step + 1
        assert np.array_equal(chunk.noise[:, :, 0], before.noise[:, :, before.noise.shape[2] - shared])
        assert chunk.raster[0] == before.raster[refiner.frames - refiner.overlap]
        assert len(chunk.kept) == (refiner.overlap if refiner.keeps_frames else 0)
    for chunk in chunks:
        assert chunk.noise.shape[1:3] == (refiner.channels, (chunk.frames - 1) // step + 1)
        assert refiner.accepts(chunk.frames) and all(side % refiner.multiple == 0 for side in chunk.size)
        assert chunk.prompt == brief.prompt
    again = np.stack([f.shown() for f in refiner.refine(iter(frames), brief)])
    assert np.array_equal(pictures, again)
    other = np.stack([f.shown() for f in refiner.refine(iter(frames[:3]), replace(brief, seed=8))])
    assert other.shape == (3, 30, 44, 3) and not np.array_equal(other, pictures[:3])


@pytest.mark.parametrize("name", CONTROLLED)
def test_the_control_reaches_the_network(name, refiner_of, shot):
    """The control is the one asked for, and other controls, all else the same, make another picture."""
    import torch
    from PIL import Image

    from render.control import picture

    frames, brief = shot
    refiner = refiner_of(name, control="edges")
    call, chunks = refiner.call, watch(refiner)
    list(refiner.refine(iter(frames[:5]), brief))
    assert set(refiner.needs) == {"display", "ids", "depth", "normal", "albedo"} and list(chunks[0].controls) == [
        "edges"
    ]
    shown = np.asarray(chunks[0].controls["edges"][3])[:30, :44]
    assert np.array_equal(shown, picture("edges", frames[3], brief.scale))
    rng = np.random.default_rng(0)
    width, height = chunks[0].size
    noise = [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in chunks[0].raster]
    made = [
        call(replace(chunks[0], controls=controls, generator=torch.Generator().manual_seed(0)))
        for controls in (chunks[0].controls, chunks[0].controls, {"edges": noise})
    ]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


@pytest.mark.parametrize("name", QUICK)
def test_the_noise_is_what_the_pipeline_starts_from(name, refiner_of, shot):
    """Other noise, all else the same: another picture. So ``latents=`` is not ignored."""
    frames, brief = shot
    refiner = refiner_of(name, strength=1.0)
    call = refiner.call
    plain = next(refiner.refine(iter(frames[:5]), brief)).shown()
    refiner.call = lambda chunk: call(replace(chunk, noise=-chunk.noise))
    turned = next(refiner.refine(iter(frames[:5]), brief)).shown()
    assert not np.array_equal(plain, turned)


def test_frames_stream_and_one_frame_is_a_shot(refiner_of, shot):
    frames, brief = shot
    refiner = refiner_of("WanVideoToVideoPipeline")
    taken = []
    stream = refiner.refine((taken.append(f.index) or f for f in frames), brief)
    next(stream)
    assert taken == [0, 1, 2, 3, 4]  # one chunk, no more
    for name in ("WanVACEPipeline", "AnimateDiffVideoToVideoControlNetPipeline", "Cosmos2_5_TransferPipeline"):
        (only,) = refiner_of(name).refine([frames[4]], brief)
        assert only.index == 4 and only.shown().shape == (30, 44, 3)
    assert list(refiner.refine([], brief)) == []


@pytest.mark.parametrize("scheduler", ["flow", "unipc"])
def test_wan_starts_as_its_own_pipeline_would_from_the_same_noise(scheduler, shot, tmp_path):
    import torch

    frames, brief = shot
    tiny_pipelines.wan_video(scheduler).save_pretrained(tmp_path)
    refiner = load_refiner(tmp_path, steps=10, strength=0.5, frames=5)
    chunks = watch(refiner)
    list(refiner.refine(frames[:5], brief))
    (chunk,) = chunks
    pipe, (width, height) = refiner.pipe, chunk.size
    noise = torch.randn(chunk.noise.shape, generator=torch.Generator().manual_seed(3))
    ours = refiner._start(replace(chunk, noise=noise))
    pipe.scheduler.set_timesteps(10)
    steps, _ = pipe.get_timesteps(10, pipe.scheduler.timesteps, 0.5, "cpu")
    video = pipe.video_processor.preprocess_video(chunk.raster, height, width)
    with torch.no_grad():
        theirs = pipe.prepare_latents(
            video, 1, 16, height, width, torch.float32, torch.device("cpu"), torch.Generator().manual_seed(3), None,
            steps[:1],
        )  # fmt: skip
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_animatediff_and_ltx_start_as_their_own_pipelines_would(refiner_of, shot):
    import torch

    frames, brief = shot
    refiner = refiner_of(NAMES[0], steps=10, strength=0.5)
    chunks = watch(refiner)
    list(refiner.refine(frames[:4], brief))
    chunk, pipe = chunks[0], refiner.pipe
    width, height = chunk.size
    video = pipe.video_processor.preprocess_video(chunk.raster, height=height, width=width).permute(0, 2, 1, 3, 4)
    pipe.scheduler.set_timesteps(10)
    steps, _ = pipe.get_timesteps(10, pipe.scheduler.timesteps, 0.5, "cpu")
    with torch.no_grad():
        theirs = pipe.prepare_latents(
            video, height, width, 4, 1, steps[:1], torch.float32, torch.device("cpu"), torch.Generator().manual_seed(3)
        )
        generator = torch.Generator().manual_seed(3)
        pipe.encode_video(video[0], generator)  # draws what theirs drew before its noise
        noise = torch.randn((1, 4, 4, *chunk.noise.shape[3:]), generator=generator).permute(0, 2, 1, 3, 4)
        ours = refiner._start(replace(chunk, noise=noise, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(ours, theirs, atol=1e-5)

    pipe = refiner_of("LTXConditionPipeline").pipe
    clean = torch.randn(1, 8, 2, 4, 6)
    said = {
        "conditions": [], "condition_strength": [], "condition_frame_index": [], "num_channels_latents": 8,
        "height": 16, "width": 24, "num_frames": 5, "device": torch.device("cpu"), "dtype": torch.float32,
    }  # fmt: skip
    pipe.noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(5))
    for level in (0.3, None):
        sigma = None if level is None else torch.tensor([level])
        ours, *_ = pipe.prepare_latents(sigma=sigma, latents=clean, **said)
        theirs, *_ = diffusers.LTXConditionPipeline.prepare_latents(
            pipe, sigma=sigma, latents=clean, generator=torch.Generator().manual_seed(5), **said
        )
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_cosmos_goes_on_from_kept_frames_and_its_guardrail_is_asked(refiner_of, shot):
    frames, brief = shot
    watchman = tiny_pipelines.Watchman()
    refiner = refiner_of("Cosmos2_5_TransferPipeline", components={"safety_checker": watchman})
    seen = []
    prepare = type(refiner.pipe).prepare_latents

    def watched(**said):
        made = prepare(refiner.pipe, **said)
        seen.append([int(made[3][0, 0, :, 0, 0].sum()), float(made[1][:, :, 0].abs().mean())])
        return made

    refiner.pipe.prepare_latents = watched
    list(refiner.refine(frames, brief))
    assert [kept for kept, _ in seen] == [0, 1, 1] and watchman.asked == 3
    assert seen[1][1] != seen[0][1]


def test_several_control_networks(shot, tmp_path):
    frames, brief = shot
    tiny_pipelines.animatediff(2).save_pretrained(tmp_path)
    refiner = load_refiner(tmp_path, steps=2, frames=4, control=("depth", "edges"))
    chunks = watch(refiner)
    assert len(list(refiner.refine(frames[:4], brief))) == 4
    assert list(chunks[0].controls) == ["depth", "edges"]
    with pytest.raises(BadInput, match=r"1 controls \(depth\), expected 2"):
        load_refiner(tmp_path, control="depth")


def test_a_picture_that_is_not_finite_is_the_raster(refiner_of, shot):
    frames, brief = shot
    refiner = refiner_of("WanVideoToVideoPipeline")

    def broken(chunk):
        made = np.full((chunk.frames, chunk.size[1], chunk.size[0], 3), 0.5, np.float32)
        made[1, 0, 0, 0] = np.nan
        return made

    refiner.call = broken
    with pytest.warns(UserWarning, match="frame 1: .* the raster stands"):
        made = list(refiner.refine(iter(frames[:5]), brief))
    assert np.array_equal(made[1].shown(), frames[1].display) and (made[0].shown() == 128).all()


def test_chunks_are_faded_into_one_another(refiner_of, shot):
    """A pipeline that paints each chunk in its own grey: across the shared frames the grey changes step by step."""
    frames, brief = shot
    refiner = refiner_of("CogVideoXFunControlPipeline", frames=9, overlap=5)
    greys = iter((0.2, 0.8, 0.4))
    refiner.call = lambda chunk: np.full((chunk.frames, chunk.size[1], chunk.size[0], 3), next(greys), np.float32)
    made = [int(f.shown()[0, 0, 0]) for f in refiner.refine(iter(frames), brief)]
    assert made == [51, 51, 51, 51, 76, 102, 128, 153, 179, 204]


def test_models_of_another_make_get_chunks_that_suit_them(tmp_path, folders):
    """CogVideoX 1.5 takes latent frames two by two; a motion module ends at 32 frames."""
    pipe = tiny_pipelines.cogvideo(patch_size_t=2)
    pipe.save_pretrained(tmp_path)
    refiner = load_refiner(tmp_path, steps=2)
    assert refiner.frames == 45 and refiner.accepts(45) and not refiner.accepts(49)
    with pytest.raises(BadInput, match=r"chunks of 49 frames do not suit .* the nearest is 45"):
        load_refiner(tmp_path, frames=49)
    with pytest.raises(BadInput, match=r"chunks of 40 frames do not suit .* the nearest is 32"):
        load_refiner(folders(NAMES[0]), frames=40)


def test_a_gpu_without_room_is_told_in_one_line(refiner_of, shot):
    import torch

    frames, brief = shot
    refiner = refiner_of("WanVideoToVideoPipeline")

    def full(chunk):
        raise torch.OutOfMemoryError("CUDA out of memory")

    refiner.call = full
    with pytest.raises(MissingSystem, match="no room on the GPU for 5 frames of 48x32"):
        list(refiner.refine(iter(frames), brief))


def test_bad_shots(refiner_of, shot):
    frames, brief = shot
    refiner = refiner_of("WanVideoToVideoPipeline")
    cuts = np.arange(frames[0].camera.frames) == 2
    cut = [replace(f, camera=replace(f.camera, cuts=cuts)) for f in frames]
    for stream, text in (
        (cut, "a cut lies at frame 2"),
        ([frames[0], frames[2]], "frame 2 comes after frame 0"),
        ([replace(frames[0], display=None)], "pass 'display' was not drawn"),
    ):
        with pytest.raises(BadInput, match=text):
            list(refiner.refine(stream, brief))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"promt": "x"}, "did you mean 'prompt'"),
        ({"control": "dept"}, "did you mean 'depth'"),
        ({"control": "flow"}, "unknown control 'flow'"),
        ({"strength": 0.0}, "strength 0.0, expected more than 0"),
        ({"strength": 0.01, "steps": 10}, "leaves no step"),
        ({"frames": 80}, "chunks of 80 frames do not suit WanVideoToVideoPipeline; the nearest is 81"),
        ({"frames": 81, "overlap": 8}, "overlap of 8 frames .* expected 1, 5, 9"),
        ({"steady": 2}, "steady 2, expected 0 to 1"),
        ({"dtype": "float8"}, "unknown number format 'float8'"),
        ({"device": "cuda"}, "sees no GPU"),
        ({"steps": 0}, "steps 0, expected at least 1"),
    ],
)
def test_bad_options(options, text, folders):
    import torch

    if options.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BadInput, match=text):
        load_refiner(folders("WanVideoToVideoPipeline"), **options)


def spoil(folder, how):
    """A copy of a good folder with one thing wrong."""
    index = json.loads((folder / "model_index.json").read_text())
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    if how == "no index":
        (folder / "model_index.json").unlink()
    elif how == "not json":
        (folder / "model_index.json").write_text("{")
    elif how in ("WanVACPipeline", "StableDiffusionPipeline"):
        (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": how}))
    elif how == "no vae folder":
        shutil.rmtree(folder / "vae")
    elif how == "no vae entry":
        (folder / "model_index.json").write_text(json.dumps({k: v for k, v in index.items() if k != "vae"}))
    elif how == "no weights":
        weights.unlink()
    elif how == "a pickle":
        weights.rename(weights.with_suffix(".bin"))
    elif how == "cut short":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "a shard":
        weights.unlink()
        about = {"weight_map": {"a": "part-2-of-2.safetensors"}}
        (folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(about))
    elif how == "no config":
        (folder / "transformer" / "config.json").unlink()
    elif how == "no scheduler":
        (folder / "scheduler" / "scheduler_config.json").unlink()
    elif how == "no such class":
        about = index | {"scheduler": ["diffusers", "NoSuchScheduler"]}
        (folder / "model_index.json").write_text(json.dumps(about))
    elif how == "own code":
        (folder / "model_index.json").write_text(json.dumps(index | {"vae": ["my_vae", "MyVae"]}))
    elif how == "other weights":
        from safetensors.numpy import save_file

        save_file({"nothing": np.zeros(3, np.float32)}, weights)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("no index", "holds no model_index.json"),
        ("not json", "model_index.json: not JSON"),
        ("WanVACPipeline", "did you mean 'WanVACEPipeline'"),
        ("StableDiffusionPipeline", "unknown pipeline class 'StableDiffusionPipeline'"),
        ("no vae folder", "component 'vae' is missing, expected the folder .*vae of a AutoencoderKLWan"),
        ("no vae entry", "component 'vae' is missing, expected with the folder"),
        ("no weights", "weights of component 'transformer' are missing, expected a .safetensors"),
        ("a pickle", "diffusion_pytorch_model.bin is a pickle"),
        ("cut short", "damaged or cut short"),
        ("a shard", "part-2-of-2.safetensors of component 'transformer' is missing, named by"),
        ("no config", r"config.json of component 'transformer' \(WanVACETransformer3DModel\) is missing"),
        ("no scheduler", "scheduler_config.json of component 'scheduler'"),
        ("own code", "component 'vae' is of 'my_vae', code that is not run"),
        ("no such class", "not a pipeline that can be loaded: .*NoSuchScheduler"),
        ("other weights", "weights of component 'transformer' lack [0-9]+ tensors"),
    ],
)
def test_a_folder_with_something_wrong_says_what(how, text, folders, tmp_path):
    folder = tmp_path / "pipe"
    shutil.copytree(folders("WanVACEPipeline"), folder)
    spoil(folder, how)
    with pytest.raises(BadInput, match=text) as caught:
        load_refiner(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_no_folder_at_all(folders, tmp_path):
    file = tmp_path / "wan.safetensors"
    file.write_bytes(b"x")
    for path, text in (
        (tmp_path / "missing", "no such folder"),
        (file, "a file, expected the folder"),
        (folders("WanVACEPipeline") / "transformer", "one model, not a pipeline"),
    ):
        with pytest.raises(BadInput, match=text):
            load_refiner(path)


def test_the_guardrail_of_cosmos_cannot_be_left_out(folders):
    """Its licence asks for it: without the package or a checker handed in, the pipeline is not made."""
    if inspect.getmodule(diffusers.Cosmos2_5_TransferPipeline).is_cosmos_guardrail_available():
        pytest.skip("cosmos_guardrail is installed")
    with pytest.raises(MissingExtra, match="pip install cosmos_guardrail"):
        load_refiner(folders("Cosmos2_5_TransferPipeline"), steps=2)


def test_nothing_is_asked_of_the_hub_while_a_pipeline_loads():
    import huggingface_hub
    from huggingface_hub import constants

    from render.refine.pretrained.folder import offline

    was = constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")
    with offline():
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        with pytest.raises(Exception, match=r"(?i)offline"):
            huggingface_hub.HfApi().model_info("any/model")
    assert (constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")) == was
