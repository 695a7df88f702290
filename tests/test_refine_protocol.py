"""What every refiner shares: shots told apart, frames looked at, light or picture; and sizes for models and back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from motion.camera import CameraPath
from motion.errors import BadInput
from render.frame import Frame
from render.refine.pretrained.fit import Fit
from render.refine.protocol import Refined, checked, shots
from render.tonemap import to_srgb8


def frames(count, cuts=(), size=(8, 6)):
    camera = CameraPath(
        np.broadcast_to(np.eye(4), (count, 4, 4)), np.array(35.0), Fraction(24), cuts=np.isin(np.arange(count), cuts)
    )
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    return [Frame(k, k / 24, size, camera, display=picture) for k in range(count)]


def test_a_film_is_told_apart_into_shots_as_it_streams():
    taken = []
    stream = (taken.append(f.index) or f for f in frames(7, cuts=[2, 3]))
    found = []
    for shot in shots(stream):
        found.append([f.index for f in shot])
        assert len(taken) <= found[-1][-1] + 2  # nothing is read ahead but the frame that ends a shot
    assert found == [[0, 1], [2], [3, 4, 5, 6]]
    assert list(shots([])) == []


def test_frames_are_looked_at():
    good = frames(4)
    assert [f.index for f in checked(good, ["display"])] == [0, 1, 2, 3]
    for stream, needs, text in (
        (good, ["depth"], "frame 0: pass 'depth' was not drawn"),
        (good[::2], ["display"], "frame 2 comes after frame 0, expected 1"),
        (frames(4, cuts=[3]), ["display"], "a cut lies at frame 3"),
        ([good[0], replace(good[1], size=(9, 6))], [], r"frame 1 is \(9, 6\), expected \(8, 6\)"),
    ):
        with pytest.raises(BadInput, match=text):
            list(checked(stream, needs))


def test_a_final_frame_is_light_or_a_picture():
    light = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32) * 3
    assert np.array_equal(Refined(0, beauty=light).shown("aces", 1.0), to_srgb8(light, curve="aces", exposure=1.0))
    picture = np.full((4, 5, 3), 9, np.uint8)
    assert Refined(0, display=picture).shown("aces", 1.0) is picture
    for wrong in ({}, {"beauty": light, "display": picture}):
        with pytest.raises(BadInput, match="one of the two"):
            Refined(3, **wrong)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64), (1280, 720), (7680, 4320), (33, 9)])
@pytest.mark.parametrize("multiple", [8, 16, 32])
def test_sizes_for_a_model_and_back(size, multiple):
    fit = Fit.of(size, multiple, 832 * 480)
    assert all(side % multiple == 0 for side in fit.work) and fit.inner[0] * fit.inner[1] <= 1.02 * 832 * 480
    assert all(0 <= w - i < multiple for w, i in zip(fit.work, fit.inner, strict=True))
    picture = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    small = fit.shrink(picture)
    assert small.shape == (fit.work[1], fit.work[0], 3)
    back = fit.grow(small)
    assert back.shape == picture.shape
    if fit.inner == size:
        assert np.array_equal(back, picture)  # no pixel is resampled without need


def test_passes_are_sampled_and_flow_is_padded():
    (frame,) = frames(1, size=(100, 60))
    ids = np.zeros((60, 100, 2), np.int32)
    ids[:, 50:] = 7
    fit = Fit.of((100, 60), 8, 50 * 30)
    small = fit.sampled(replace(frame, ids=ids))
    assert small.size == fit.inner == (50, 30) and set(np.unique(small.ids)) == {0, 7}
    assert (small.ids[:, 25:] == 7).all() and not small.ids[:, :25].any()
    vectors, occluded = fit.pad_flow((np.ones((60, 100, 2), np.float32), np.zeros((60, 100), bool)))
    assert fit.work == (56, 32) and vectors.shape == (64, 112, 2) and occluded.shape == (64, 112)
