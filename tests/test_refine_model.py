"""The refiner on real raster frames: every size, strips, chunks and cuts, light and weights that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures
import tiny_refiner
import torch

from motion.errors import BadInput
from motion.prior import weights
from motion.prior.weights import Card
from motion.stage import Stage
from render import Rasterizer
from render.frame import Frame
from render.refine import model, shards
from render.refine.bridge import KINDS
from render.refine.guides import GUIDES, HALF_GUIDES
from render.refine.model import BridgeRefiner, Carry
from render.refine.network import SIZES, NetConfig, Network
from render.refine.rivals import Pixelwise
from render.refine.state import modulator

SIZE = (80, 48)
FULL = NetConfig(GUIDES, HALF_GUIDES, **SIZES["S"])


def refiner(steps: int = 1, kind: str = "bridge", faithful: bool = False) -> BridgeRefiner:
    return BridgeRefiner(tiny_refiner.network(FULL), tiny_refiner.card(FULL, kind), steps, faithful=faithful)


def test_faithful_wants_a_network_that_mixes() -> None:
    with pytest.raises(BadInput, match="expected those of a bridge"):
        BridgeRefiner(Pixelwise(FULL), tiny_refiner.card(FULL), faithful=True)


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer(SIZE) as made:
        yield made


@pytest.fixture(scope="module")
def frames(rasterizer: Rasterizer) -> list[Frame]:
    return list(rasterizer.render(figures.world(), figures.camera(), range(10), shards.PASSES))


def lights(refined) -> list[np.ndarray]:
    return [one.beauty for one in refined]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3])
def test_every_frame_comes_back_changed_and_finite(frames: list[Frame], kind: str, steps: int) -> None:
    out = list(refiner(steps, kind).refine(frames))
    assert [one.index for one in out] == [frame.index for frame in frames]
    for one, frame in zip(out, frames, strict=True):
        assert one.beauty is not None and one.beauty.shape == (48, 80, 3) and one.beauty.dtype == np.float32
        assert np.isfinite(one.beauty).all() and (one.beauty >= 0).all()
        assert np.abs(one.beauty - frame.beauty).max() > 1e-3


@pytest.mark.parametrize("ground", [None, "sand"])
def test_a_network_that_has_learned_nothing_changes_the_grounds_light_alone(
    rasterizer: Rasterizer, ground: str | None
) -> None:
    frames = list(rasterizer.render(figures.world(Stage(ground)), figures.camera(), range(2), shards.PASSES))
    torch.manual_seed(0)
    config = NetConfig(GUIDES, HALF_GUIDES, **SIZES["S"])
    plain = BridgeRefiner(Network(config), Card("refiner", "test", "CC0-1.0", config={"network": config.as_dict()}))
    for one, frame in zip(lights(plain.refine(frames)), frames, strict=True):
        assert frame.ids is not None and frame.normal is not None
        same = np.abs(one - frame.beauty).max(-1) < 2e-3
        if ground is None:
            assert same.all()
        else:  # what faces up sees nothing of it, what faces down is lit
            assert same[(frame.normal[..., 1] > 0.99) & (frame.alpha == 1)].mean() > 0.95
            body = (frame.ids[..., 0] > 0) & (frame.normal[..., 1] < -0.2)
            assert (one[body] > frame.beauty[body]).all(-1).mean() > 0.9


def test_from_noise_begins_with_noise_that_stands_still(frames: list[Frame]) -> None:
    """As it was trained, and the same in every frame: a still shot does not flicker."""
    made, seen = refiner(kind="noise"), []
    features = made._network.features  # type: ignore[union-attr]

    def looked(state: torch.Tensor, *rest: object) -> torch.Tensor:
        seen.append(state)
        return features(state, *rest)  # type: ignore[arg-type, operator]

    made._network.features = looked  # type: ignore[method-assign, assignment, union-attr]
    first, again = ([np.asarray(one.beauty) for one in r.refine(frames[:4])] for r in (made, refiner(kind="noise")))
    assert seen[0].float().std() > 0.4 and torch.equal(seen[0][0], seen[0][3])
    np.testing.assert_array_equal(first, again)


def test_a_faithful_answer_lies_between_the_lights_that_are_there(frames: list[Frame]) -> None:
    """No pixel's demodulated light is beyond that of the whole picture's surfaces, whatever the network says."""
    frame = frames[0]
    m = modulator(frame.albedo_aa, frame.alpha[..., None])
    given, solid = frame.beauty / m, frame.alpha > 0.99
    made = lights(refiner(faithful=True).refine([frame]))[0] / m
    assert np.abs(made - given)[solid].max() > 1e-3
    for channel in range(3):
        low, high = given[..., channel].min(), given[..., channel].max()
        assert low - 1e-3 <= made[..., channel].min() and made[..., channel].max() <= high + 1e-3
    np.testing.assert_allclose(made[frame.alpha == 0], given[frame.alpha == 0], rtol=1e-4)


def test_the_sky_stays_what_it_is(frames: list[Frame]) -> None:
    assert frames[0].alpha is not None
    sky = frames[0].alpha == 0
    assert sky.any()
    np.testing.assert_allclose(
        lights(refiner().refine(frames[:1]))[0][sky], frames[0].beauty[sky], rtol=1e-4, atol=1e-5
    )


def test_the_same_frames_give_the_same_light(frames: list[Frame]) -> None:
    for a, b in zip(lights(refiner().refine(frames)), lights(refiner().refine(frames)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cut", [1, 4, 8, 9])
def test_a_shot_in_parts_is_the_shot_in_one(frames: list[Frame], cut: int) -> None:
    whole = lights(refiner().refine(frames))
    carry = Carry()
    one = refiner()
    parts = [*lights(one.refine(frames[:cut], carry=carry)), *lights(one.refine(frames[cut:], carry=carry))]
    if cut % shards.CHUNK == 0:
        for a, b in zip(whole, parts, strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(parts) == len(whole) and carry.index == frames[-1].index


def test_history_is_used_and_nothing_of_it_is_kept_between_shots(frames: list[Frame]) -> None:
    one = refiner()
    carried = lights(one.refine(frames))
    fresh = lights(one.refine(frames[4:]))
    assert np.abs(carried[4] - fresh[0]).max() > 1e-4
    np.testing.assert_array_equal(fresh[0], lights(refiner().refine(frames[4:]))[0])


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 33), (101, 7)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    with Rasterizer(size) as small:
        drawn = list(small.render(figures.world(), figures.camera(), range(2), shards.PASSES))
        for light in lights(refiner().refine(drawn)):
            assert light.shape == (size[1], size[0], 3) and np.isfinite(light).all()


def test_strips_are_the_picture_in_one(frames: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = refiner()
    exact.dtype = torch.float32
    exact._network.float()
    whole = lights(exact.refine(frames[:5]))
    monkeypatch.setattr(model, "STRIP_PX", 80 * 16)
    for a, b in zip(whole, lights(exact.refine(frames[:5])), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_light_that_is_no_light(frames: list[Frame], value: float) -> None:
    beauty = frames[0].beauty.copy()
    beauty[20:24, 30:34] = value
    for light in lights(refiner().refine([replace(frames[0], beauty=beauty)])):
        assert np.isfinite(light).all()


def test_a_frame_that_lacks_a_pass_or_a_world(frames: list[Frame]) -> None:
    with pytest.raises(BadInput, match="frame 0: pass 'normal' was not drawn"):
        list(refiner().refine([replace(frames[0], normal=None)]))
    with pytest.raises(BadInput, match="frame 0 does not say what world"):
        list(refiner().refine([replace(frames[0], world=None)]))


def test_a_carried_frame_of_another_size(frames: list[Frame]) -> None:
    with pytest.raises(BadInput, match="the frame before is"):
        list(refiner().refine(frames[1:2], carry=Carry(0, np.zeros((2, 2, 3), np.float16))))


@pytest.mark.parametrize("steps", [0, 65])
def test_steps_that_are_none(steps: int) -> None:
    with pytest.raises(BadInput, match=f"{steps} steps, expected 1 to 64"):
        refiner(steps)


def test_weights_go_to_a_file_and_back(frames: list[Frame], tmp_path: Path) -> None:
    one = refiner()
    path = tmp_path / "own-refiner.safetensors"
    weights.save(path, tiny_refiner.network(FULL).state_dict(), one.card)
    again = BridgeRefiner.load(path)
    for a, b in zip(lights(one.refine(frames[:1])), lights(again.refine(frames[:1])), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=2e-3)  # the file has half precision
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(BadInput, match="own-refiner"):
        BridgeRefiner.load(path)
    weights.save(
        path,
        tiny_refiner.network(FULL).state_dict(),
        replace(one.card, config={"network": {"guides": GUIDES, "half_guides": HALF_GUIDES, "wdiths": []}}),
    )
    with pytest.raises(BadInput, match=r"wdiths.*did you mean 'widths'"):
        BridgeRefiner.load(path)
    config = NetConfig(GUIDES, HALF_GUIDES, **SIZES["M"]).as_dict()
    weights.save(path, tiny_refiner.network(FULL).state_dict(), replace(one.card, config={"network": config}))
    with pytest.raises(BadInput, match="own-refiner"):
        BridgeRefiner.load(path)
