"""Frames between refined ones: which are refined, what is carried, holes, parts, cuts; and the network that mends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures
import torch
from test_refine_model import refiner as random_refiner

from cinemotion import refine_sets
from motion.errors import BadInput
from motion.prior import weights
from render import Rasterizer
from render.frame import Frame
from render.refine import blend, shards
from render.refine.between import CarryBetween, Interleaved, card, load
from render.refine.blend import BlendConfig, BlendNetwork, filled
from render.refine.model import Carry
from render.refine.protocol import Refined, Refiner

SIZE = (80, 48)


class Graded:
    """A refiner that multiplies light by a colour: the change is the same everywhere, and so is the answer between."""

    needs = shards.PASSES
    gain = np.array([1.5, 1.1, 0.8], np.float32)

    def __init__(self) -> None:
        self.refined: list[int] = []

    def refine(self, shot: Iterable[Frame], brief: object = None, carry: Carry | None = None) -> Iterator[Refined]:
        for frame in shot:
            self.refined.append(frame.index)
            assert frame.beauty is not None and frame.alpha is not None
            gain = 1 + (self.gain - 1) * (frame.alpha > 0)[..., None]
            yield Refined(frame.index, beauty=frame.beauty * gain)


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer(SIZE) as made:
        yield made


@pytest.fixture(scope="module")
def frames(rasterizer: Rasterizer) -> list[Frame]:
    return list(rasterizer.render(figures.world(), figures.camera(), range(12), shards.PASSES))


def network(seed: int = 0) -> BlendNetwork:
    """One whose last layer, which begins as nothing, says something."""
    torch.manual_seed(seed)
    made = BlendNetwork()
    torch.nn.init.normal_(made.leave.weight, std=0.05)
    return made


def lights(refined: Iterable[Refined]) -> list[np.ndarray]:
    return [np.asarray(one.beauty) for one in refined]


# ---- which frames are refined


@pytest.mark.parametrize(
    ("every", "first", "stop", "refined"),
    [
        (2, 0, 12, [0, 1, 3, 5, 7, 9, 11]), (4, 0, 12, [0, 3, 7, 11]), (3, 0, 12, [0, 2, 5, 8, 11]),
        (4, 0, 1, [0]), (4, 0, 2, [0, 1]), (4, 5, 7, [5, 6]), (4, 4, 10, [4, 7, 9]), (2, 4, 5, [4]), (2, 0, 0, []),
    ],
)  # fmt: skip
def test_frames_are_refined_by_number_and_so_are_a_shots_ends(
    frames: list[Frame], every: int, first: int, stop: int, refined: list[int]
) -> None:
    inner = Graded()
    out = list(Interleaved(inner, every).refine(frames[first:stop]))
    assert inner.refined == refined
    assert [one.index for one in out] == list(range(first, stop))


def test_the_last_frame_of_a_shot_is_refined_when_it_comes(frames: list[Frame]) -> None:
    inner = Graded()
    stream = Interleaved(inner, 4).refine(iter(frames[8:12]))
    assert [next(stream).index for _ in range(4)] == [8, 9, 10, 11]
    assert inner.refined == [8, 11]


@pytest.mark.parametrize("every", [2, 4])
def test_it_streams(frames: list[Frame], every: int) -> None:
    taken = 0

    def feed() -> Iterator[Frame]:
        nonlocal taken
        for frame in frames:
            taken += 1
            yield frame

    given = 0
    for given, _ in enumerate(Interleaved(Graded(), every).refine(feed()), 1):
        assert taken - given < every
    assert given == len(frames)
    assert isinstance(Interleaved(Graded(), every), Refiner)


# ---- what is carried


@pytest.mark.parametrize("every", [2, 3, 4])
def test_a_change_that_is_the_same_everywhere_is_carried_exactly(frames: list[Frame], every: int) -> None:
    whole = lights(Graded().refine(frames))
    for light, frame, exact in zip(lights(Interleaved(Graded(), every).refine(frames)), frames, whole, strict=True):
        assert frame.depth is not None and frame.alpha is not None
        inner = (frame.alpha > 0.999) & (frame.depth > 0)  # in logarithms, knee and all; bilinear at silhouettes
        far = np.abs(np.log1p(light[inner]) - np.log1p(exact[inner]))
        assert far.max() < 0.06 and far.mean() < 0.002
        sky = frame.alpha == 0
        np.testing.assert_allclose(light[sky], np.asarray(frame.beauty)[sky], rtol=1e-5)


def test_textures_and_shadows_drawn_between_stay_sharp(frames: list[Frame]) -> None:
    """Light carried as it is loses what the raster frame between knows; its change does not."""
    far = {}
    exact = lights(Graded().refine(frames))
    for way in ("change", "light", "picture"):
        made = lights(Interleaved(Graded(), 4, way=way).refine(frames))
        far[way] = float(np.mean([np.abs(a - b).mean() for a, b in zip(made, exact, strict=True)]))
    assert far["change"] < 0.3 * min(far["light"], far["picture"])


def test_what_changes_between_is_blended_by_nearness(frames: list[Frame]) -> None:
    class Brighter(Graded):
        def refine(self, shot, brief=None, carry=None):
            for frame in shot:
                yield Refined(frame.index, beauty=frame.beauty * (2.0 if frame.index >= 3 else 1.0))

    still = [replace(frame, camera=frames[0].camera) for frame in frames]
    made = lights(Interleaved(Brighter(), 4).refine(still[:4]))
    solid = np.asarray(frames[0].alpha) > 0.999
    shares = [float(np.median(np.asarray(m)[solid] / np.asarray(f.beauty)[solid])) for m, f in zip(made, frames)]
    assert shares[0] == pytest.approx(1.0, abs=0.01) and shares[3] == pytest.approx(2.0, abs=0.01)
    assert 1.1 < shares[1] < 1.4 < shares[2] < 1.8


def test_holes_are_filled_from_around_and_the_known_stays() -> None:
    values = torch.zeros(1, 2, 33, 21)
    values[:, 0], values[:, 1] = 3.0, torch.linspace(0, 1, 21)
    known = torch.ones(1, 1, 33, 21)
    known[..., 5:25, 8:14] = 0
    out = filled(torch.where(known > 0, values, torch.full_like(values, 99.0)), known)
    np.testing.assert_array_equal(out[:, :, known[0, 0] > 0].numpy(), values[:, :, known[0, 0] > 0].numpy())
    np.testing.assert_allclose(out[0, 0], 3.0, atol=1e-5)
    assert float((out[0, 1] - values[0, 1]).abs().max()) < 0.3
    assert float(filled(values, torch.zeros_like(known)).abs().max()) == 0.0  # nothing is known: nothing changes


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 33), (101, 7)])
@pytest.mark.parametrize("mending", [False, True])
def test_odd_sizes(size: tuple[int, int], mending: bool) -> None:
    with Rasterizer(size) as small:
        drawn = list(small.render(figures.world(), figures.camera(), range(4), shards.PASSES))
        for light in lights(Interleaved(Graded(), 4, network() if mending else None).refine(drawn)):
            assert light.shape == (size[1], size[0], 3) and np.isfinite(light).all() and (light >= 0).all()


# ---- parts and cuts


@pytest.mark.parametrize(("every", "cut"), [(2, 2), (2, 6), (4, 4), (4, 8)])
def test_a_shot_in_parts_is_the_shot_in_one(frames: list[Frame], every: int, cut: int) -> None:
    mending = network()
    whole = lights(Interleaved(random_refiner(), every, mending).refine(frames))
    carry = CarryBetween()
    parts = []
    for part in (frames[:cut], frames[cut:]):
        parts += lights(Interleaved(random_refiner(), every, mending).refine(part, carry=carry))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)
    assert carry.index == frames[-1].index


@pytest.mark.parametrize("cut", [1, 5, 7])
def test_a_part_may_end_anywhere(frames: list[Frame], cut: int) -> None:
    carry, inner = CarryBetween(), Graded()
    one = Interleaved(inner, 4)
    out = [*one.refine(frames[:cut], carry=carry), *one.refine(frames[cut:], carry=carry)]
    assert [made.index for made in out] == list(range(12)) and cut - 1 in inner.refined


def test_a_plain_carry_is_history_for_the_refiner_alone(frames: list[Frame]) -> None:
    inner = Graded()
    carry = CarryBetween(3, np.zeros((48, 80, 3), np.float16))
    list(Interleaved(inner, 4).refine(frames[4:8], carry=carry))
    assert inner.refined == [4, 7]


def test_nothing_crosses_a_cut(rasterizer: Rasterizer) -> None:
    camera = figures.camera()
    cuts = np.zeros(12, bool)
    cuts[6] = True
    camera = replace(camera, cuts=cuts)
    drawn = list(rasterizer.render(figures.world(), camera, range(12), shards.PASSES))
    one = Interleaved(Graded(), 4)
    with pytest.raises(BadInput, match="a cut lies at frame 6"):
        list(one.refine(drawn))
    assert one.refiner.refined[-1] == 5  # type: ignore[attr-defined]  # the shot's last, though 5 + 1 is no multiple of 4
    carry = CarryBetween()
    list(one.refine(drawn[:6], carry=carry))
    with pytest.raises(BadInput, match="a cut lies at frame 6"):
        list(one.refine(drawn[6:], carry=carry))


def test_the_same_frames_give_the_same_light(frames: list[Frame]) -> None:
    one = Interleaved(random_refiner(), 4, network())
    for a, b in zip(lights(one.refine(frames)), lights(one.refine(frames)), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- bad input


@pytest.mark.parametrize("every", [0, 1, 5, -2])
def test_distances_that_are_none(every: int) -> None:
    with pytest.raises(BadInput, match=f"every {every} frames, expected 2 to 4"):
        Interleaved(Graded(), every)


def test_other_bad_input(frames: list[Frame]) -> None:
    with pytest.raises(BadInput, match=r"unknown way.*'chnage'.*did you mean 'change'"):
        Interleaved(Graded(), 2, way="chnage")
    with pytest.raises(BadInput, match="trained on 'change'"):
        Interleaved(Graded(), 2, network(), way="light")
    carry = CarryBetween()
    list(Interleaved(Graded(), 2).refine(frames[:2], carry=carry))
    with pytest.raises(BadInput, match="frame 4 comes after a carried frame 1"):
        list(Interleaved(Graded(), 2).refine(frames[4:6], carry=carry))
    assert carry.planes is not None
    with pytest.raises(BadInput, match=r"frame 3 is \(24, 40\), expected \(48, 80\)"):
        bad = CarryBetween(3, None, carry.planes[:, ::2, ::2])
        list(Interleaved(Graded(), 4).refine(frames[4:8], carry=bad))
    with pytest.raises(BadInput, match="frame 0: pass 'normal' was not drawn"):
        list(Interleaved(Graded(), 2).refine([replace(frames[0], normal=None)]))

    class Painted(Graded):
        def refine(self, shot, brief=None, carry=None):
            for frame in shot:
                yield Refined(frame.index, display=np.zeros((48, 80, 3), np.uint8))

    with pytest.raises(BadInput, match="frame 0: a finished picture came"):
        list(Interleaved(Painted(), 2).refine(frames))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_light_that_is_no_light(frames: list[Frame], value: float) -> None:
    beauty = np.array(frames[1].beauty)
    beauty[20:24, 30:34] = value
    bad = [frames[0], replace(frames[1], beauty=beauty), *frames[2:4]]
    for mending in (None, network()):
        for light in lights(Interleaved(random_refiner(), 4, mending).refine(bad)):
            assert np.isfinite(light).all()


# ---- the network


def test_a_network_that_has_learned_nothing_is_near_the_plain_blend(frames: list[Frame]) -> None:
    plain = lights(Interleaved(Graded(), 4).refine(frames))
    untrained = lights(Interleaved(Graded(), 4, BlendNetwork()).refine(frames))
    for a, b in zip(plain, untrained, strict=True):
        assert np.abs(np.log1p(a) - np.log1p(b)).mean() < 0.01
    assert sum(p.numel() for p in BlendNetwork().parameters()) < 100_000


def test_strips_are_the_picture_in_one(frames: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    with Rasterizer((40, 240)) as tall:
        drawn = list(tall.render(figures.world(), figures.camera(), range(4), shards.PASSES))
        whole = lights(Interleaved(Graded(), 4, network()).refine(drawn))
        monkeypatch.setattr(blend, "STRIP_PX", 40 * 80)
        for a, b in zip(whole, lights(Interleaved(Graded(), 4, network()).refine(drawn)), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


def test_weights_go_to_a_file_and_back(frames: list[Frame], tmp_path: Path) -> None:
    made = network()
    path = tmp_path / "own-between.safetensors"
    weights.save(path, made.state_dict(), card(made, name="own", licence="CC0-1.0"))
    again = Interleaved(Graded(), 4, load(path))
    for a, b in zip(lights(Interleaved(Graded(), 4, made).refine(frames)), lights(again.refine(frames)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=5e-3)  # the file has half precision
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(BadInput, match="own-between"):
        load(path)
    for config, words in (({"fien": 3}, r"fien.*did you mean 'fine'"), ({"fine": 0}, "fine 0"), ({"fine": 16}, "own-")):
        bad = replace(card(made, name="own", licence="CC0-1.0"), config={"network": config})
        weights.save(path, made.state_dict(), bad)
        with pytest.raises(BadInput, match=words):
            load(path)
    with pytest.raises(BadInput, match="whole number"):
        BlendConfig.from_dict({"coarse": "wide"})


# ---- slow motion is no interpolation


def test_slow_motion_retimes_the_motion_and_then_draws(tmp_path: Path) -> None:
    """A scene at half speed shows at every frame what the scene at full speed shows at half the time, exactly."""
    from cinemotion.resolve import load as resolved
    from cinemotion.source import read
    from render.world import World

    worlds = []
    for factor in (1, 0.5):
        path = tmp_path / f"{factor}.yaml"
        entry = f'{{actor: ada, clip: "pybullet:jump", out: 0.5s, speed: {factor}}}'
        path.write_text(f"schema: 1\nfps: 24\nsize: [64, 36]\ncast: {{ada: {{}}}}\ntimeline:\n  - {entry}\n")
        film = resolved(read(path))[0]
        worlds.append(World(film.drawn, film.stage))
    fast, slow = worlds
    for frame in (5, 8, 13):
        moments = frame / 2, frame // 2, frame // 2 + 1
        exact, before, after = (np.asarray(fast.at(t / 24).meshes[0].vertices) for t in moments)
        drawn = np.asarray(slow.at(frame / 24).meshes[0].vertices)
        np.testing.assert_allclose(drawn, exact, rtol=0, atol=5e-4)  # half a millimetre: captures are resampled
        if frame % 2:  # and not what lies halfway between the frames beside it
            assert np.abs(drawn - (before + after) / 2).max() > 5 * np.abs(drawn - exact).max()


# ---- learning, and the benchmark's rows


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pairs with a clip to learn from and one to check on; references are the raster's frames, brighter."""
    from render.view import window

    folder = tmp_path_factory.mktemp("pairs")
    (folder / "sources.json").write_text(json.dumps({"captures": None, "sources": refine_sets.sources()}))
    made = refine_sets.make(1, "check")
    camera = window(made.camera, (160, 90), 20, 10, (64, 48))
    with Rasterizer((64, 48)) as rasterizer:
        drawn = list(rasterizer.render(made.world, camera, range(10, 18), shards.PASSES))
        packed = [shards.pack(f, *[1.3 * np.asarray(f.beauty)] * 2) for f in drawn]
    for tier in ("fine", "check"):
        (folder / tier).mkdir()
        about = shards.About("check", 1, True, 256, (64, 48), (160, 90), tuple(range(10, 18)), corner=(20, 10))
        shards.save(folder / tier / "000003.safetensors", packed, about)
    return folder


def test_a_network_is_trained_from_pairs(pairs: Path, frames: list[Frame], tmp_path: Path) -> None:
    from cinemotion import train_between
    from cinemotion.train_refiner import Plan
    from render.refine.between_task import TRIPLES, BetweenTask, made, read

    said: list[str] = []
    path = train_between.run(Plan(tmp_path, str(pairs), steps=3, batch=2, name="own"), said.append)
    assert path == tmp_path / "own-between.safetensors" and "3 steps" in said[-1]
    about = weights.card_of(path, "between")
    assert about.training["learned_from"] == "path tracing" and about.licence == "MIT (DeepMimic)"
    assert set(about.measured["held-out clips, dB"]) == {"psnr", "plain", "psnr_holes", "plain_holes"}
    lights(Interleaved(Graded(), 4, load(path)).refine(frames))

    clip = tmp_path / "clips_traced" / "train" / "fine-000003.safetensors"
    one = read(clip, len(TRIPLES) - 1)  # frame 6 between 3 and 7
    assert float(one.distance) == 4.0 and float(one.before.near) == 0.25 and float(one.after.near) == 0.75
    np.testing.assert_allclose(one.light, 1.3 * one.passes.beauty, rtol=2e-3, atol=1e-3)
    far = (torch.log1p(made(None, one)) - torch.log1p(one.light)).abs() * (one.passes.alpha > 0.99)
    assert float(far.mean()) < 0.01  # flow leads to the neighbours, both ways
    task = BetweenTask([clip], crop=(32, 40), rows=3)
    a, b = task.batch(5), task.batch(5)
    assert task.rows(a) == 3 and a.light.shape == (3, 3, 32, 40) and torch.equal(a.before.change, b.before.change)
    assert {float(level.det().sign()) for level in torch.cat([task.batch(k).passes.level for k in range(4)])} == {-1, 1}
    terms = task.loss(task.module(), a, slice(1, 3))
    assert all(value.shape == (2,) and bool(value.isfinite().all()) for value in terms.values())

    with pytest.raises(BadInput, match="triple 99"):
        read(clip, 99)
    with pytest.raises(BadInput, match="not a file of clips"):
        read(pairs / "fine" / "000003.safetensors", 0)
    with pytest.raises(BadInput, match="no clips of 256 paths"):
        train_between.make(tmp_path, tmp_path / "none")
    with pytest.raises(BadInput, match="no pairs"):
        train_between.run(Plan(tmp_path), said.append)


def test_rows_of_the_benchmark_go_on_to_the_next_refined_frame(frames: list[Frame]) -> None:
    from types import SimpleNamespace
    from typing import Any, cast

    from cinemotion import bench_refine_between
    from cinemotion.bench_refine_rows import TestShot

    made: Any = SimpleNamespace(world=figures.world(), camera=figures.camera())
    shot = TestShot(0, "", made, frames[1:10], 3, [], [], (8, 4), (32, 24), frames[10:12])
    inner = Graded()
    rows = bench_refine_between.rows(inner)
    assert [row.name for row in rows] == [
        f"every {n}, {way}" for n in ("2nd", "4th") for way in ("plain warp", "carried light", "carried change")
    ]
    exact = [shot.window(light) for light in lights(Graded().refine(frames[7:10]))]
    for row, refined in ((rows[2], [1, 3, 5, 7, 9]), (rows[1], []), (rows[5], [1, 3, 7, 11]), (rows[4], [])):
        inner.refined.clear()  # one way has refined for the others, too
        found = list(row.lights(cast(TestShot, shot)))
        assert inner.refined == refined and row.seconds > 0
        for a, b in zip(found, exact, strict=True):
            assert a.shape == (24, 32, 3) and np.abs(a - b).mean() < (0.01 if row in (rows[2], rows[5]) else 0.03)
