"""What is changed in a clip is done to its capture; the rest stays to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mocap_data
from motion import Clip, Take
from motion import rotations as rot
from motion.errors import BadInput
from motion.retarget import clip_to_take, retarget
from motion.retarget.changed import changed


@pytest.fixture(scope="module", params=["smpl", "mixamo", "deepmimic", "z up, centimetres"])
def take(request: pytest.FixtureRequest) -> Take:
    capture = mocap_data.load("pybullet:walk")
    if request.param == "deepmimic":
        return capture
    made = clip_to_take(retarget(capture)[0], names="mixamo" if request.param == "mixamo" else "smpl")
    if request.param.startswith("z"):
        up = rot.from_axis("X", np.pi / 2)
        rotations, translations = made.rotations.copy(), 100 * made.translations
        rotations[:, 0] = rot.multiply(up, rotations[:, 0])
        translations[:, 0] = rot.rotate(up, translations[:, 0])
        rest = rot.IDENTITY * np.ones((made.joints, 1))
        rest[0] = up
        made = replace(
            made, rotations=rotations, translations=translations, rest_offsets=100 * made.rest_offsets,
            rest_rotations=rest, end_offsets=None, metres_per_unit=0.01, up="Z", skeleton_kind=None,
        )  # fmt: skip
    return made


def bent(clip: Clip) -> Clip:
    """Knees and a hip turned, all of it moved."""
    rotations = clip.rotations.copy()
    for joint, turn in ((1, (0.1, 0, 0.05)), (4, (0.2, 0, 0)), (7, (-0.1, 0.1, 0))):
        rotations[:, joint] = rot.multiply(rotations[:, joint], rot.from_rotvec(np.array(turn)))
    return replace(clip, rotations=rotations, root_position=clip.root_position + [0.03, -0.04, 0.1])


def test_nothing_changed_is_the_capture_itself(take: Take) -> None:
    clip, _ = retarget(take)
    same = changed(take, clip, clip)
    assert np.array_equal(same.rotations, take.rotations) and np.array_equal(same.translations, take.translations)


def test_the_changed_capture_makes_the_changed_clip(take: Take) -> None:
    clip, _ = retarget(take)
    wanted = bent(clip)
    made = changed(take, clip, wanted)
    again, _ = retarget(made, ground=False)
    base, _ = retarget(take, ground=False)
    off = again.positions() - base.positions() - (wanted.positions() - clip.positions())
    assert np.linalg.norm(off, axis=-1)[:, [0, 1, 4, 7, 15, 20]].max() < 0.012
    arm = take.names.index("right_wrist") if "right_wrist" in take.names else take.joints - 1
    assert np.array_equal(made.rotations[:, arm], take.rotations[:, arm]), "nobody touched it"


def test_other_lengths_are_refused(take: Take) -> None:
    clip, _ = retarget(take)
    with pytest.raises(BadInput, match="frames, expected as many"):
        changed(take.slice(0, 5), clip, clip)
