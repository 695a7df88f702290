"""Training pairs and what trains on them: sets by number, windows of pictures, batches, losses, a tiny run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures
import torch

from cinemotion import refine_data, refine_sets
from motion.camera import CameraPath, look_at
from motion.errors import BadInput
from motion.prior import weights
from motion.stage import Stage
from render import Rasterizer, World
from render.refine import bridge, losses, mixing, shards
from render.refine.adversary import APPEARANCE, with_appearance
from render.refine.batches import Batches, Pairs, crop, mirror, recolour, tensors
from render.refine.describe import CODE, LIGHTS
from render.refine.guides import GUIDES, look
from render.refine.model import BridgeRefiner
from render.refine.task import Data, RefinerTask
from render.view import view, window

SIZE = (64, 48)


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer(SIZE) as made:
        yield made


def pack(rasterizer: Rasterizer, frames: int = 8, gain: float = 1.3) -> list[dict[str, np.ndarray]]:
    """A clip whose references are the raster's light times a gain."""
    world, camera = figures.world(), figures.camera()
    out = []
    for frame in rasterizer.render(world, camera, range(2, 2 + frames), shards.PASSES):
        out.append(shards.pack(frame, frame.beauty * gain, frame.beauty * gain))
        if len(out) > 1:
            before = 2 + (len(out) - 1) // shards.CHUNK * shards.CHUNK - 1
            out[-1] |= shards.pack_flow(frame, frame.index - 1)
            out[-1] |= shards.pack_flow(frame, max(before, 2), "_far")
    return [one | {n: np.zeros_like(v) for n, v in out[-1].items() if n not in one} for one in out]


@pytest.fixture(scope="module")
def pairs(rasterizer: Rasterizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pairs as `train refiner --make-data` leaves it."""
    folder = tmp_path_factory.mktemp("pairs")
    clip = pack(rasterizer)
    for tier, spp in (("many", 16), ("fine", 256), ("check", 256)):
        (folder / tier).mkdir()
        about = shards.About("train", 1, True, spp, SIZE, SIZE, tuple(range(2, 10)), "a walk")
        shards.save(folder / tier / "000000.safetensors", clip, about)
    (folder / "sources.json").write_text('{"captures": null, "sources": ["walk: CC0-1.0"]}')
    return folder


# ---- sets


def test_a_set_is_a_function_of_its_number_and_split() -> None:
    one, again, other = refine_sets.make(3), refine_sets.make(3), refine_sets.make(4)
    assert one.words == again.words and one.sky == again.sky
    np.testing.assert_array_equal(one.camera.T_world_camera, again.camera.T_world_camera)
    a, b = one.world.at(0.4).meshes[0], again.world.at(0.4).meshes[0]
    np.testing.assert_array_equal(a.world_vertices(), b.world_vertices())
    assert one.camera.T_world_camera.tobytes() != other.camera.T_world_camera.tobytes()
    assert one.camera.frames == 72
    with pytest.raises(BadInput, match="did you mean 'test'"):
        refine_sets.make(0, "tset")


def test_splits_share_no_sky_and_no_motion() -> None:
    skies = {split: {refine_sets.make(n, split).sky for n in range(5)} for split in ("train", "test")}
    assert all(sky >= 0 and sky % refine_sets.HELD_SKY == 0 for sky in skies["test"])
    assert all(sky < 0 or sky % refine_sets.HELD_SKY for sky in skies["train"])
    from rl_camera.env.library import default_library

    sources = [set(default_library(split, 10.0).sources) for split in ("train", "test")]
    assert sources[0] and sources[1] and not sources[0] & sources[1]


def test_skies_of_ones_own_light_the_set(rasterizer: Rasterizer) -> None:
    made = refine_sets.make(1)
    assert made.world.light == refine_sets.sky(made.sky) if made.sky >= 0 else made.world.light
    frame = next(rasterizer.render(made.world, made.camera, [5], ("beauty",)))
    assert np.isfinite(frame.beauty).all() and frame.beauty.mean() > 1e-3


# ---- windows


def test_a_window_sees_what_the_whole_picture_sees_there() -> None:
    shifted = {"shift": (0.07, -0.03)}
    camera = CameraPath(
        look_at(np.array([[1, 1.5, 3.0]]), np.array([0, 0.8, 0])), np.array(30.0), Fraction(24), **shifted
    )
    points = np.random.default_rng(0).normal(size=(20, 3))
    whole_, depth = view(camera, 0, (1280, 720)).project(points)
    part, other = view(window(camera, (1280, 720), 300, 200, (320, 180)), 0, (320, 180)).project(points)
    np.testing.assert_allclose(whole_ - part, np.broadcast_to([300, 200], part.shape), atol=1e-6)
    np.testing.assert_allclose(depth, other)


def test_windows_of_the_passes(rasterizer: Rasterizer) -> None:
    camera = figures.camera()
    with Rasterizer((160, 96)) as large:
        whole_ = next(large.render(figures.world(), camera, [3], ("depth", "ids", "normal")))
    part = next(
        rasterizer.render(figures.world(), window(camera, (160, 96), 40, 20, SIZE), [3], ("depth", "ids", "normal"))
    )
    rows, columns = slice(20, 20 + SIZE[1]), slice(40, 40 + SIZE[0])
    assert (whole_.ids[rows, columns] == part.ids).mean() > 0.995
    same = (whole_.ids[rows, columns] == part.ids).all(-1) & (part.depth > 0)
    np.testing.assert_allclose(whole_.depth[rows, columns][same], part.depth[same], rtol=1e-3)


# ---- files and batches


def test_a_file_comes_back(pairs: Path, rasterizer: Rasterizer) -> None:
    path = pairs / "many" / "000000.safetensors"
    about, arrays = shards.about(path), shards.load(path)
    assert about.clip and about.spp == 16 and about.size == SIZE and about.frames == tuple(range(2, 10))
    frame = next(rasterizer.render(figures.world(), figures.camera(), [2], shards.PASSES))
    found = tensors(shards.load(path, slice(0, 1))).passes
    np.testing.assert_allclose(found.beauty[0].permute(1, 2, 0), frame.beauty, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(found.albedo_aa[0].permute(1, 2, 0), frame.albedo_aa, atol=0.01)
    np.testing.assert_allclose(found.depth[0, 0], frame.depth, rtol=2e-3)
    assert arrays["first"].shape == (8, 3, SIZE[1], SIZE[0])


@pytest.mark.parametrize("damage", ["cut", "other", "old"])
def test_a_file_that_is_none(pairs: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "000000.safetensors"
    raw = (pairs / "many" / "000000.safetensors").read_bytes()
    if damage == "cut":
        path.write_bytes(raw[:1000])
    elif damage == "other":
        path.write_bytes(b"not a file of tensors")
    else:
        shards.save(path, pack_one(pairs), replace(shards.about(pairs / "many" / "000000.safetensors"), format=0))
    with pytest.raises(BadInput, match="000000"):
        shards.about(path)


def pack_one(pairs: Path) -> list[dict[str, np.ndarray]]:
    arrays = shards.load(pairs / "many" / "000000.safetensors", slice(0, 1))
    return [{name: value[0] for name, value in arrays.items()}]


def guides_of(arrays: dict[str, np.ndarray]) -> torch.Tensor:
    """At full size, and at half size in the last channels, twice as large."""
    full, half = look(tensors(arrays).passes)
    wide = half.guides.repeat_interleave(2, -1).repeat_interleave(2, -2)
    return torch.cat([full.guides, wide], dim=1)


def test_a_part_of_the_guides_is_the_guides_of_a_part(pairs: Path) -> None:
    arrays = shards.load(pairs / "many" / "000000.safetensors", slice(0, 1))
    rng = np.random.default_rng(1)
    state = rng.bit_generator.state
    part = crop(arrays, (32, 40), rng)
    rng.bit_generator.state = state
    top, left = int(rng.integers(SIZE[1] - 32 + 1)), int(rng.integers(SIZE[0] - 40 + 1))
    whole_, cut = guides_of(arrays), guides_of(part)
    expected = whole_[..., top : top + 32, left : left + 40]
    # The last row and column of the part do not know whether an edge lies behind them.
    torch.testing.assert_close(cut[..., :-1, :-1], expected[..., :-1, :-1], rtol=1e-4, atol=1e-4)


def test_a_mirrored_picture_has_mirrored_guides(pairs: Path) -> None:
    arrays = shards.load(pairs / "many" / "000000.safetensors", slice(0, 1))
    plain, turned = guides_of(arrays), guides_of(mirror(arrays)).flip(-1)
    turned[:, [12, GUIDES + 12]] *= -1.0  # the normal's x in the level frame
    edges = (20, GUIDES + 20)  # an edge is a difference to the right, which is another pixel's difference after turning
    told = 2 * GUIDES  # from here on sums over a spiral of directions, which is another spiral in a mirror
    kept = [c for c in range(told) if c not in edges]
    torch.testing.assert_close(plain[:, kept], turned[:, kept], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(plain[:, told:], turned[:, told:], rtol=0.0, atol=0.02)
    assert mirror(arrays)["code"][0, 0] == -arrays["code"][0, 0]


def test_a_recoloured_set_is_the_set_under_that_light(rasterizer: Rasterizer) -> None:
    """Exchanging colours and dimming the lights of a world is what `recolour` does to its passes and its code."""
    order, gains = np.array([2, 0, 1]), np.array([0.5, 1.7, 1.2])
    camera, plain = figures.camera(), figures.world(Stage("concrete", "noon", props=()))

    def other(colour: tuple[float, float, float], light: bool = True) -> tuple[float, float, float]:
        red, green, blue = np.array(colour)[order] * (gains if light else 1.0)
        return float(red), float(green), float(blue)

    light = replace(plain.light, clouds=0.0)  # which would grey other colours otherwise
    plain = World(plain.performances, plain.stage, light)
    colours = ("sun_colour", "zenith", "horizon", "bounce", "glow")
    lit = World(plain.performances, plain.stage, replace(light, **{n: other(getattr(light, n)) for n in colours}))
    lit.materials = tuple(
        replace(m, colour=other(m.colour, False), colour2=m.colour2 and other(m.colour2, False)) for m in lit.materials
    )
    packed = []
    for world in (plain, lit):
        frame = next(rasterizer.render(world, camera, [3], shards.PASSES))
        packed.append({k: v[None] for k, v in shards.pack(frame, frame.beauty, frame.beauty).items()})
    made, drawn = recolour(packed[0], order, gains), packed[1]
    body = drawn["ids"][0, 0] == 1  # the ground's own colours stayed
    ratio = made["diffuse"][0][:, body].astype(float) / np.maximum(drawn["diffuse"][0][:, body].astype(float), 1e-3)
    assert 0.9 < np.median(ratio) < 1.1
    lights = [i for first in LIGHTS for i in range(first, first + 3)]
    np.testing.assert_allclose(made["code"][0, lights], drawn["code"][0, lights], rtol=1e-4, atol=1e-4)


def test_mirrored_flow_leads_to_the_same_surface(pairs: Path) -> None:
    arrays = shards.load(pairs / "many" / "000000.safetensors", slice(0, 2))
    turned = mirror(mirror(arrays))
    for name, value in arrays.items():
        np.testing.assert_allclose(turned[name].astype(float), value.astype(float), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(mirror(arrays)["flow"][1, 0, :, ::-1], -arrays["flow"][1, 0])


def test_batches_are_a_function_of_the_step(pairs: Path) -> None:
    paths = [*refine_data.files(pairs, "many"), *refine_data.files(pairs, "fine")]
    one, other = Batches(paths, 4, seed=3), Batches(paths, 4, seed=3)
    one(0)
    a, b = one(7), other(7)
    torch.testing.assert_close(a.passes.beauty, b.passes.beauty)
    assert a.clean.sum() == 2 and len(a.clean) == 4
    with pytest.raises(BadInput, match="none with clips of 16 frames"):
        Batches(paths, 16, 16)


# ---- losses


def test_the_loss_that_forgives_noise_is_least_at_the_mean() -> None:
    """Of noisy references the answer that costs least is their mean, not their median or their logarithms' mean."""
    rng = torch.Generator().manual_seed(0)
    noisy = torch.empty(1, 3, 64, 64).exponential_(1.0, generator=rng)
    flat, one = torch.ones(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    with torch.no_grad():
        costs = {v: losses.relative(flat * v, noisy, flat, one).item() * (v + 0.05) ** 2 for v in (0.6, 0.8, 1.0, 1.2)}
    assert min(costs, key=costs.__getitem__) == 1.0


def test_structure_and_sky() -> None:
    rng = torch.Generator().manual_seed(0)
    a = torch.rand(1, 3, 48, 48, generator=rng)
    assert losses.structure(a, a, torch.ones(1, 1, 48, 48)).abs().max() < 1e-5
    assert losses.structure(a, 1 - a, torch.ones(1, 1, 48, 48)).min() > 0.5
    assert losses.structure(a, 1 - a, torch.zeros(1, 1, 48, 48)).abs().max() < 1e-5


# ---- training


@pytest.mark.parametrize("kind", bridge.KINDS)
@pytest.mark.parametrize("frames", [1, shards.CHUNK])
def test_every_kind_learns_a_gain(pairs: Path, kind: str, frames: int) -> None:
    if kind != "bridge" and frames > 1:
        pytest.skip("one kind of clips is enough")
    data = Data(tuple(refine_data.files(pairs, "many")), tuple(refine_data.files(pairs, "check")))
    task = RefinerTask(data, kind=kind, frames=frames, rows=4, crop=(32, 48))
    module = task.module()
    optimiser = torch.optim.Adam(module.parameters(), 7e-4)

    def cost() -> float:
        batch = task.batch(100)
        return float(task.loss(module, batch, slice(0, task.rows(batch)))["relative"].detach().mean())

    before = cost()
    for step in range(14):
        batch = task.batch(step)
        terms = task.loss(module, batch, slice(0, task.rows(batch)))
        assert all(value.shape == (task.rows(batch),) for value in terms.values())
        optimiser.zero_grad()
        torch.stack([value.mean() for value in terms.values()]).sum().backward()
        optimiser.step()
    assert cost() < 0.6 * before
    assert set(task.check(module)) >= {"psnr", "raster", "gain"}


def test_training_goes_on_from_whole_weights_in_training_mode(pairs: Path, tmp_path: Path) -> None:
    import tiny_refiner

    plain = tiny_refiner.network()
    tiny_refiner.save(tmp_path / "tiny-refiner.safetensors")
    begin = BridgeRefiner.load(tmp_path / "tiny-refiner.safetensors").network
    task = RefinerTask(Data(tuple(refine_data.files(pairs, "many"))), rows=2, crop=(32, 48), begin=begin)
    module = task.module()
    assert all(part.training for part in module.modules())
    for name, value in plain.state_dict().items():  # half precision is the file's; bfloat16 were four times as coarse
        torch.testing.assert_close(module.state_dict()[name], value, rtol=1e-3, atol=1e-7)
    assert "faithful" in task.loss(module, task.batch(0), slice(0, 2))


def test_kernels_begin_at_the_pixel_itself(pairs: Path) -> None:
    batch: Pairs = Batches(refine_data.files(pairs, "many"), 1)(0)
    _, half = look(batch.passes)
    logits = torch.zeros(1, len(mixing.TAPS), *half.raster.shape[-2:])
    logits[:, 0] = 30.0
    torch.testing.assert_close(
        mixing.mixed(half, logits, 1), torch.nn.functional.avg_pool2d(batch.passes.beauty, 2), rtol=1e-3, atol=1e-4
    )


def test_train_refiner_from_the_command_line(pairs: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cinemotion.cli import app

    def go(*words: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(w) for w in ("train", "refiner", *words)])
        return result.exit_code, result.output

    run = ("-o", tmp_path / "run", "--data", pairs, "--batch", 2, "--threads", 1)
    code, said = go(*run, "--steps", 2)
    assert code == 0 and "M parameters, 2 steps" in said, said
    card = weights.card_of(weights.find(tmp_path / "run", "refiner"))
    assert card.licence == "CC0-1.0" and card.config["kind"] == "bridge" and "psnr" in card.measured["held-out windows"]
    code, said = go(*run, "--steps", 3)
    assert code == 0 and "goes on at step 2" in said and "3 steps" in said
    code, said = go("-o", tmp_path / "next", "--data", pairs, "--batch", 8, "--steps", 1, "--clips",
                    "--begin", tmp_path / "run")  # fmt: skip
    assert code == 0, said
    code, said = go("-o", tmp_path / "judged", "--data", pairs, "--batch", 4, "--steps", 1, "--judges",
                    "--begin", tmp_path / "run")  # fmt: skip
    assert code == 0 and BridgeRefiner.load(tmp_path / "judged").card.config["network"]["appearance"] > 0, said
    # What is begun with stays what it is, unless another kind is asked for.
    next_ = ("-o", tmp_path / "a", "--data", pairs, "--steps", 1, "--batch", 2)
    for name, words, kind in (("pixel", ("--by", "pixel"), "pixel"),
                              ("pixel2", ("--begin", tmp_path / "pixel"), "pixel"),
                              ("reg", ("--begin", tmp_path / "run", "--by", "regression"), "regression"),
                              ("reg2", ("--begin", tmp_path / "reg"), "regression")):  # fmt: skip
        code, said = go("-o", tmp_path / name, "--data", pairs, "--steps", 1, "--batch", 2, *words)
        assert code == 0, said
        made = BridgeRefiner.load(tmp_path / name)
        assert ("pixel" if made.card.config["pixelwise"] else made.kind) == kind
    for words, wrong in (
        ((*run, "--judges", "--steps", 4), "network to begin with"),
        (("-o", tmp_path / "a"), "make them with --make-data"),
        (("-o", tmp_path / "a", "--data", tmp_path), "no training pairs"),
        ((*run, "--by", "brigde", "--steps", 3), "did you mean 'bridge'"),
        ((*run, "--by", "pixels", "--steps", 3), "did you mean 'pixel'"),
        ((*next_, "--begin", tmp_path / "run", "--by", "pixel"), "is of kind 'bridge'"),
        ((*next_, "--begin", tmp_path / "pixel", "--by", "regression"), "is of kind 'pixel'"),
        ((*next_, "--begin", tmp_path / "run", "--size", "M"), "has another size"),
        ((*run, "--size", "XL", "--steps", 3), "XL"),
        (("-o", tmp_path / "a", "--make-data"), "no --minutes"),
        (("-o", tmp_path / "a", "--make-data", "--minutes", 1, "--tiers", "manny"), "did you mean 'many'"),
    ):
        code, said = go(*words)
        assert code == 2 and wrong in said, said


def test_pairs_go_on_with_the_captures_that_they_were_begun_with(tmp_path: Path) -> None:
    refine_data._note_sources(tmp_path, None)
    refine_data._note_sources(tmp_path, None)
    assert refine_data.captures(tmp_path) is None and refine_data.sources(tmp_path)
    (tmp_path / "sources.json").write_text('{"captures": "/mocap/mine", "sources": ["walk: CC0-1.0"]}')
    with pytest.raises(BadInput, match="begun with captures of /mocap/mine, now the pybullet wheel"):
        refine_data._note_sources(tmp_path, None)
    (tmp_path / "sources.json").write_text('{"captures": null, "sources": ["walk: CC0-1.0"]}')
    with pytest.raises(BadInput, match="others by now"):
        refine_data.captures(tmp_path)
    for text in ("[]", "{}", "nothing"):
        (tmp_path / "sources.json").write_text(text)
        with pytest.raises(BadInput, match="does not say what it was made from"):
            refine_data.sources(tmp_path)


def test_a_frozen_raster_stays_known_when_shots_are_added(rasterizer: Rasterizer, tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    clip = pack(rasterizer, 3)
    about = shards.About("test", 1, True, 1024, SIZE, SIZE, (2, 3, 4), "a walk")
    frozen = []
    for number in range(2):
        shards.save(tmp_path / "test" / f"{number:06}.safetensors", clip, about)
        frozen.append(refine_data.freeze(tmp_path))
    assert frozen[0] != frozen[1] == refine_data.baseline(tmp_path)["sha256"]
    assert list(refine_data.baseline(tmp_path)["shots"].values()) == frozen
    clip[0]["beauty"] = clip[0]["beauty"] + np.float16(0.5)
    shards.save(tmp_path / "test" / "000000.safetensors", clip, about)
    refine_data.freeze(tmp_path)
    assert not set(refine_data.baseline(tmp_path)["shots"].values()) & set(frozen)
    for text in ("{}", '{"shots": ["000000"], "sha256": "ab"}', "[", '{"shots": {}}'):
        (tmp_path / "baseline.json").write_text(text)
        with pytest.raises(BadInput, match="make the test tier"):
            refine_data.baseline(tmp_path)


def test_pairs_are_made_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file in this process, by the real rasterizer and path tracer, and again the same bytes."""
    pytest.importorskip("mitsuba")
    monkeypatch.setattr(refine_data, "WINDOW", (48, 32))
    monkeypatch.setattr(refine_data, "WHOLES", {(64, 48): 1.0})
    monkeypatch.setitem(refine_data.TIERS, "many", replace(refine_data.TIERS["many"], spp=2, windows=1, clips=0.0))
    files = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.safetensors"
        refine_data._run(refine_data.Job("many", 6, path, None))
        files.append(path.read_bytes())
    assert files[0] == files[1]
    about, arrays = shards.about(tmp_path / "one.safetensors"), shards.load(tmp_path / "one.safetensors")
    assert about.whole == (64, 48) and about.size == (48, 32) and not about.clip
    solid = arrays["alpha"][0] > 250
    ratio = (
        arrays["first"][0].astype(float).mean(0)[solid].mean() / arrays["beauty"][0].astype(float).mean(0)[solid].mean()
    )
    assert 0.5 < ratio < 2.0
    assert np.abs(arrays["first"].astype(float) - arrays["second"]).max() > 0


@pytest.mark.parametrize("frames", [1, shards.CHUNK])
def test_judges_and_network_learn_in_one_step(pairs: Path, frames: int) -> None:
    data = Data(tuple(refine_data.files(pairs, "fine")), tuple(refine_data.files(pairs, "check")))
    begin = RefinerTask(data).module()
    task = RefinerTask(data, frames=frames, rows=4, crop=(32, 48), begin=begin, adversarial=True)
    contest = task.module()
    batch = task.batch(0)
    terms = task.loss(contest, batch, slice(0, task.rows(batch)))
    judged, earned = terms["judges"].sum(), terms["adversarial"].sum()
    judged.backward(retain_graph=True)
    assert all(p.grad is None or not p.grad.any() for p in contest.network.parameters())
    assert any(p.grad is not None and p.grad.any() for p in contest.judges.parameters())
    contest.zero_grad(set_to_none=True)
    earned.backward()
    assert all(p.grad is None or not p.grad.any() for p in contest.judges.parameters())
    assert any(p.grad is not None and p.grad.any() for p in contest.network.parameters())
    assert set(task.check(contest)) >= {"psnr"}
    with pytest.raises(BadInput, match="network to begin with"):
        RefinerTask(data, adversarial=True)


def test_an_appearance_code_of_zeros_changes_nothing() -> None:
    import tiny_refiner

    plain = tiny_refiner.network()
    seen = torch.randn(1, plain.config.half_guides, 16, 16)
    args = (torch.randn(1, 3, 16, 16), seen, torch.randn(1, CODE), torch.ones(1), 1)
    before = plain(*args)
    told = with_appearance(plain)
    torch.testing.assert_close(told(*args), before)
    assert (told(*args, torch.ones(1, APPEARANCE)) - before).abs().max() > 0
