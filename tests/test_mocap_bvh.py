"""The BVH reader on odd and on damaged files, and the writer's laws."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mocap_data import bvh, bvh_write
from motion import rotations as rot
from motion.errors import BadInput
from motion.take import Take

PLAIN = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 5 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 2 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
1 90 3 10 20 30 40 50 60
2 91 4 11 21 31 41 51 61
"""


def parse(text: str | bytes) -> Take:
    return bvh.parse(text.encode() if isinstance(text, str) else text, "a.bvh")


def refusal(text: str | bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parse(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_same(a: Take, b: Take, tolerance: float = 1e-6) -> None:
    """Same motion, joints matched by name; degrees and source units."""
    assert set(a.names) == set(b.names)
    order = [b.names.index(name) for name in a.names]
    assert [a.names[p] if p >= 0 else None for p in a.parents] == [
        b.names[b.parents[j]] if b.parents[j] >= 0 else None for j in order
    ]
    assert np.degrees(rot.angle_between(a.rotations, b.rotations[:, order])).max() < tolerance
    np.testing.assert_allclose(b.translations[:, order], a.translations, atol=tolerance)
    np.testing.assert_allclose(b.rest_offsets[order], a.rest_offsets, atol=tolerance)
    if a.end_offsets is not None and b.end_offsets is not None:
        np.testing.assert_allclose(b.end_offsets[order], a.end_offsets, atol=tolerance)
    assert a.fps == b.fps


def test_reads_names_tree_rate_and_values() -> None:
    take = parse(PLAIN)
    assert take.names == ("Hips", "Chest")
    assert take.parents.tolist() == [-1, 0]
    assert take.fps == 30 and take.frames == 2
    assert take.translations[1].tolist() == [[2, 91, 4], [0, 5, 0]]
    assert take.end_offsets is not None
    np.testing.assert_array_equal(take.end_offsets, [[np.nan] * 3, [0, 2, 0]])
    expected = rot.from_euler("ZXY", np.radians([[10, 20, 30], [40, 50, 60]]))
    np.testing.assert_allclose(rot.angle_between(take.rotations[0], expected), 0, atol=1e-12)
    assert take.metres_per_unit is None and take.up is None
    assert take.provenance.source == "a.bvh" and len(take.provenance.sha256 or "") == 64


#: What real exporters do to a file without changing what it says.
SAME = {
    "crlf": lambda s: s.replace("\n", "\r\n"),
    "mac line ends": lambda s: s.replace("\n", "\r"),
    "tabs": lambda s: s.replace("  ", "\t").replace(" 90 ", "\t90\t"),
    "blank lines": lambda s: s.replace("\n", "\n\n \n"),
    "no final newline": lambda s: s.rstrip("\n"),
    "trailing blanks": lambda s: s.replace("\n", "  \n"),
    "byte-order mark": lambda s: "\ufeff" + s,
    "utf-16": lambda s: s.encode("utf-16"),
    "lower-case end site": lambda s: s.replace("End Site", "End site"),
    "upper-case end site": lambda s: s.replace("End Site", "END SITE"),
    "lower-case keywords": lambda s: s.lower().replace("hips", "Hips").replace("chest", "Chest"),
    "scientific": lambda s: s.replace(" 91 ", " 9.1e+01 ").replace(" 10 ", " 1.0E1 "),
    "brace on the joint's line": lambda s: s.replace("Chest\n  {", "Chest {"),
    "brace after end site": lambda s: s.replace("End Site\n    {", "End Site {"),
    "frame time first": lambda s: s.replace("Frames: 2\nFrame Time: 0.0333333", "Frame Time: 0.0333333\nFrames: 2"),
    "tab after frames": lambda s: s.replace("Frames: ", "Frames:\t"),
    "plus signs": lambda s: s.replace("1 90", "+1 +90"),
    "channels before offset": lambda s: s.replace(
        "    OFFSET 0 5 0\n    CHANNELS 3 Zrotation Xrotation Yrotation",
        "    CHANNELS 3 Zrotation Xrotation Yrotation\n    OFFSET 0 5 0",
    ),
    "end site with no channels": lambda s: s.replace("OFFSET 0 2 0", "OFFSET 0 2 0\nCHANNELS 0"),
    "footer of blank lines": lambda s: s + "\n\n\n",
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_reads_the_same_from_what_exporters_vary(change) -> None:
    take = parse(change(PLAIN))
    assert take.names == ("Hips", "Chest")
    assert_same(parse(PLAIN), take, 1e-9)


@pytest.mark.parametrize(
    "name", ["mixamorig:Hips", "Left Up Leg", "Bip01 L Thigh", "Hüfte", "腰", "a.b-c_d", "End", "MOTION"]
)
def test_keeps_names_with_blanks_and_signs(name: str) -> None:
    assert parse(PLAIN.replace("JOINT Chest", f"JOINT {name}")).names[1] == name


def test_reads_names_in_latin_1() -> None:
    assert parse(PLAIN.replace("Chest", "Hüfte").encode("latin-1")).names[1] == "Hüfte"


def test_numbers_names_that_repeat() -> None:
    take = parse(PLAIN.replace("JOINT Chest", "JOINT Hips"))
    assert take.names == ("Hips", "Hips_2")
    assert any("Hips_2" in note for note in take.provenance.notes)


def channels(*names: str) -> str:
    return f"CHANNELS {len(names)}" + "".join(f" {name}" for name in names)


@pytest.mark.parametrize(
    ("chest", "values", "turn", "place"),
    [
        ((), "", [0, 0, 0, 1], [0, 5, 0]),
        (("Xrotation",), "90", [2**-0.5, 0, 0, 2**-0.5], [0, 5, 0]),
        (("Yposition",), "7", [0, 0, 0, 1], [0, 7, 0]),
        (("Zrotation", "Zposition", "Xrotation", "Xposition"), "90 8 0 9", [0, 0, 2**-0.5, 2**-0.5], [9, 5, 8]),
        (("Xrotation", "Yrotation", "Zrotation"), "0 90 0", [0, 2**-0.5, 0, 2**-0.5], [0, 5, 0]),
        (("xROTATION", "yrotation", "ZROTATION"), "180 0 0", [1, 0, 0, 0], [0, 5, 0]),
        (("Zrotation", "Xrotation", "Zrotation"), "30 0 60", [0, 0, 2**-0.5, 2**-0.5], [0, 5, 0]),
        (
            ("Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation"),
            "1 2 3 0 0 180",
            [0, 1, 0, 0],
            [1, 2, 3],
        ),
    ],
    ids=["none", "one rotation", "one position", "mixed up", "another order", "any case", "axis twice", "six"],
)
def test_takes_any_channels_of_a_joint(chest, values: str, turn: list[float], place: list[float]) -> None:
    text = PLAIN.replace("CHANNELS 3 Zrotation Xrotation Yrotation", channels(*chest))
    text = text.replace("40 50 60", values).replace("41 51 61", values)
    take = parse(text)
    assert rot.angle_between(take.rotations[0, 1], turn) < 1e-9
    assert take.translations[0, 1].tolist() == place
    assert_same(take, parse(bvh_write.text(take)))


def test_reads_several_roots() -> None:
    hierarchy, motion = PLAIN.split("MOTION")
    second = hierarchy.replace("HIERARCHY\n", "").replace("Hips", "Prop").replace("Chest", "Tip")
    rows = motion.strip().split("\n")
    take = parse("\n".join([hierarchy + second + "MOTION", *rows[:2], *(f"{row} {row}" for row in rows[2:])]))
    assert take.parents.tolist() == [-1, 0, -1, 2]
    assert_same(take, parse(bvh_write.text(take)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN.replace(" 51 61", ""), ["a.bvh:20", "frame 1", "7 values", "expected 9"]),
        (PLAIN.replace(" 51 61", " 51 61 5"), ["a.bvh:20", "10 values", "expected 9"]),
        (PLAIN.replace("2 91 4 11 21 31 41 51 61\n", ""), ["a.bvh:19", "1 frames", "expected 2"]),
        (PLAIN + "2 91 4 11 21 31 41 51 61\n", ["a.bvh:21", "3 frames", "expected 2"]),
        (PLAIN.replace("Frames: 2", "Frames: 0"), ["a.bvh:17", "Frames"]),
        (PLAIN.replace("Frames: 2", "Frames: -3"), ["a.bvh:17", "-3"]),
        (PLAIN.replace("Frames: 2", "Frames: two"), ["a.bvh:17", "two"]),
        (PLAIN.replace("Frames: 2", "Frames: 99999999999"), ["2 frames", "99999999999"]),
        (PLAIN.replace("Frames: 2", "Frames: " + "9" * 5000), ["a.bvh:17"]),
        (PLAIN.replace("Frames: 2\n", ""), ["Frames:"]),
        (PLAIN.replace("Frame Time: 0.0333333\n", ""), ["a.bvh:18", "Frame Time"]),
        (PLAIN.replace("0.0333333", "0"), ["a.bvh:18", "Frame Time", "positive"]),
        (PLAIN.replace("0.0333333", "-0.03"), ["a.bvh:18", "positive"]),
        (PLAIN.replace("0.0333333", "nan"), ["a.bvh:18"]),
        (PLAIN.replace("0.0333333", "inf"), ["a.bvh:18"]),
        (PLAIN.replace("0.0333333", "1e30"), ["a.bvh:18"]),
        (PLAIN.replace("0.0333333", "1e-300"), ["a.bvh:18"]),
        (PLAIN.replace("0.0333333", "fast"), ["a.bvh:18", "fast"]),
        (PLAIN.replace(" 91 ", " nan "), ["a.bvh:20", "frame 1", "value 2", "nan"]),
        (PLAIN.replace(" 91 ", " -inf "), ["a.bvh:20", "value 2"]),
        (PLAIN.replace(" 91 ", " 1e300 "), ["a.bvh:20", "value 2", "1e300"]),
        (PLAIN.replace(" 91 ", " 91,5 "), ["a.bvh:20", "'91,5'", "point"]),
        (PLAIN.replace(" 91 ", " 9_1 "), ["a.bvh:20", "'9_1'"]),
        (PLAIN.replace(" 91 ", " -1.#IND "), ["a.bvh:20", "'-1.#IND'"]),
        (PLAIN.replace("OFFSET 0 5 0", "OFFSET 0 nan 0"), ["a.bvh:8", "nan"]),
        (PLAIN.replace("OFFSET 0 5 0", "OFFSET 0 5"), ["a.bvh:8", "2 numbers", "expected 3"]),
        (PLAIN.replace("OFFSET 0 5 0", "OFFSET 0 five 0"), ["a.bvh:8", "five"]),
        (PLAIN.replace("    OFFSET 0 5 0\n", ""), ["a.bvh:6", "'Chest'", "no OFFSET"]),
        (PLAIN.replace("3 Zrotation", "3 Wrotation"), ["a.bvh:9", "Wrotation", "did you mean"]),
        (PLAIN.replace("CHANNELS 3", "CHANNELS 4"), ["a.bvh:9", "says 4", "names 3"]),
        (PLAIN.replace("CHANNELS 3", "CHANNELS"), ["a.bvh:9", "count"]),
        (PLAIN.replace("6 Xposition Yposition", "6 Xposition Xposition"), ["a.bvh:5", "Xposition", "2 times"]),
        (PLAIN.replace("  }\n}\nMOTION", "}\nMOTION"), ["'}'", "Hips"]),
        (PLAIN.replace("}\nMOTION", "}\n}\nMOTION"), ["a.bvh:16", "'}'"]),
        (PLAIN.replace("  {\n    OFFSET 0 5 0", "    OFFSET 0 5 0"), ["a.bvh:7", "'{'"]),
        (PLAIN.replace("ROOT Hips", "JOINT Hips"), ["a.bvh:2", "outside"]),
        (PLAIN.replace("JOINT Chest", "ROOT Chest"), ["a.bvh:6", "inside"]),
        (PLAIN.replace("JOINT Chest", "JOINT"), ["a.bvh:6", "without a name"]),
        (PLAIN.replace("JOINT Chest", "JIONT Chest"), ["a.bvh:6", "did you mean 'JOINT'"]),
        (PLAIN.split("MOTION")[0], ["MOTION"]),
        (PLAIN.replace("HIERARCHY\n", ""), ["a.bvh:1", "HIERARCHY"]),
        (PLAIN.replace("3 Zrotation Xrotation Yrotation", "0").replace("6 Xp", "0 Xp"), ["a.bvh:5", "says 0"]),
        ("MOTION\nFrames: 1\nFrame Time: 0.1\n", ["HIERARCHY"]),
        ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 0.1\n", ["ROOT"]),
        ("", ["HIERARCHY"]),
        ("  \n\n", ["HIERARCHY"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ["binary"]),
        (bytes(range(1, 256)) * 20, ["HIERARCHY"]),
        ('{"Frames": []}', ["HIERARCHY"]),
    ],
)  # fmt: skip
def test_refuses_damaged_files_with_the_line(text: str | bytes, expected: list[str]) -> None:
    message = refusal(text)
    for part in expected:
        assert part in message, message


def test_refuses_every_truncation_in_time() -> None:
    start = time.perf_counter()
    for cut in range(len(PLAIN) - 3):
        refusal(PLAIN[:cut])
    assert time.perf_counter() - start < 10


def test_loads_a_thousand_joints_in_one_chain() -> None:
    joints = 1000
    lines = ["HIERARCHY"]
    for j in range(joints):
        lines += [f"{'JOINT' if j else 'ROOT'} j{j}", "{", "OFFSET 0 1 0", "CHANNELS 3 Zrotation Xrotation Yrotation"]
    lines += ["}"] * joints + ["MOTION", "Frames: 3", "Frame Time: 0.01"]
    lines += [" ".join(["1"] * 3 * joints)] * 3
    take = parse("\n".join(lines))
    assert take.joints == joints and take.fps == 100
    assert_same(take, parse(bvh_write.text(take)))


def test_agrees_with_pybvh_on_a_plain_file(tmp_path) -> None:
    pybvh = pytest.importorskip("pybvh")
    take = random_take(np.random.default_rng(3), joints=12, frames=20)
    path = tmp_path / "a.bvh"
    bvh_write.write(take, path)
    other = pybvh.read_bvh_file(str(path), world_up="+y")
    ours = bvh.read(path)
    assert list(other.joint_names) == list(ours.names)
    expected = rot.from_euler("ZXY", np.asarray(other.joint_angles))
    np.testing.assert_allclose(rot.angle_between(ours.rotations, expected), 0, atol=1e-9)
    np.testing.assert_allclose(ours.translations[:, 0], other.root_pos, atol=1e-9)


def random_take(rng: np.random.Generator, joints: int, frames: int, fps: Fraction = Fraction(60)) -> Take:
    """A random tree in random order with violent random turns: a take that came from no BVH."""
    parents = np.array([-1, *(int(rng.integers(0, j)) for j in range(1, joints))])
    rest = rng.normal(size=(joints, 3))
    translations = np.repeat(rest[None], frames, axis=0)
    translations[:, 0] = rng.normal(size=(frames, 3)) * 50
    return Take(
        names=tuple(f"joint{j}" for j in range(joints)),
        parents=parents,
        rest_offsets=rest,
        rotations=rot.normalize(rng.normal(size=(frames, joints, 4))),
        translations=translations,
        fps=fps,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    joints=st.integers(1, 12),
    frames=st.integers(1, 9),
    fps=st.fractions(Fraction(1, 5), 1000, max_denominator=2000),
)
def test_a_take_written_and_read_again_is_the_same(seed: int, joints: int, frames: int, fps: Fraction) -> None:
    take = random_take(np.random.default_rng(seed), joints, frames, fps)
    again = parse(bvh_write.text(take))
    assert_same(take, again)
    third = parse(bvh_write.text(again))  # from here on it comes from a BVH
    assert third.names == again.names and third.channels == again.channels
    assert_same(again, third)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_file_with_any_channels_read_and_written_again_says_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    take = random_take(rng, joints=6, frames=4)
    layouts = []
    for _ in range(6):
        axes = list(rng.permutation(list("XYZ"))[: rng.integers(0, 4)])
        places = [f"{axis}position" for axis in rng.permutation(list("XYZ"))[: rng.integers(0, 4)]]
        names = [*places, *(f"{axis}rotation" for axis in axes)]
        layouts.append(tuple(str(name) for name in rng.permutation(names)) if names else ())
    head = bvh_write.text(take).split("MOTION")[0]
    each = iter(layouts)
    head = re.sub("CHANNELS .*", lambda _: channels(*next(each)), head)
    width = sum(map(len, layouts))
    if width == 0:
        return
    rows = "\n".join(" ".join(f"{v:.6f}" for v in rng.uniform(-400, 400, width)) for _ in range(4))
    first = parse(f"{head}MOTION\nFrames: 4\nFrame Time: 0.04\n{rows}\n")
    assert first.channels == tuple(layouts)
    again = parse(bvh_write.text(first))
    assert again.channels == first.channels and again.names == first.names
    assert_same(first, again)


def test_angles_run_on_through_half_turns_and_gimbal_lock() -> None:
    frames = 400
    t = np.linspace(0, 4 * np.pi, frames)
    q = rot.from_euler("YXZ", np.stack([t, 1.2 * np.sin(t), 0.3 * np.cos(2 * t)], axis=-1))
    steady = rot.from_euler("ZXY", np.stack([0.2 * t, np.full(frames, np.pi / 2), 0.1 * t], axis=-1))  # always locked
    through = rot.from_euler("ZXY", np.stack([0 * t, t, 0 * t], axis=-1))  # over the top, again and again
    for turns in (q, steady, through):
        take = Take(("a",), np.array([-1]), np.zeros((1, 3)), turns[:, None], np.zeros((frames, 1, 3)), Fraction(30))
        text = bvh_write.text(take)
        rows = np.array([line.split() for line in text.split("Frame Time")[1].strip().split("\n")[1:]], dtype=float)
        assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 10  # degrees a frame; the motion turns by less than 3
        assert_same(take, parse(text))


def test_writes_what_blender_steps_through() -> None:
    take = random_take(np.random.default_rng(0), joints=9, frames=3)
    names = ("Hips", "a name with  blanks", "x" * 80, "x" * 80, "Hips", "{odd}", "", "é" * 40, "a")
    take = replace(take, names=names)
    lines = bvh_write.text(take).split("\n")
    written = [line.split(None, 1) for line in lines if line.strip().startswith(("ROOT", "JOINT"))]
    assert len(written) == 9 and all(len(words) == 2 for words in written)
    unique = [words[1] for words in written]
    assert len(set(unique)) == 9
    assert all(" " not in name and len(name.encode()) <= 63 and "{" not in name for name in unique)
    for number, line in enumerate(lines):
        if line.strip().startswith(("ROOT", "JOINT")):
            assert lines[number + 1].strip() == "{"
            assert lines[number + 2].split()[0] == "OFFSET"
            assert lines[number + 3].split()[:2] == ["CHANNELS", "6" if "ROOT" in line else "3"]
    leaves = 9 - len({p for p in take.parents if p >= 0})
    assert sum(line.strip() == "End Site" for line in lines) == leaves
    assert parse("\n".join(lines)).end_offsets is not None


def test_writes_metres_or_centimetres_and_stands_upright() -> None:
    parents = np.array([-1, 0])
    lying = rot.from_axis("X", np.pi / 2)  # a body whose own axes are Y-up, in a Z-up world
    take = Take(
        ("pelvis", "head"), parents, np.array([[0, 0, 36.0], [0, 24.0, 0]]), np.array([[lying, rot.IDENTITY]]),
        np.array([[[10, 20, 36.0], [0, 24.0, 0]]]), Fraction(30),
        rest_rotations=np.array([lying, rot.IDENTITY]), metres_per_unit=0.0254, up="Z",
    )  # fmt: skip
    for units, scale in ((None, 0.0254), ("m", 0.0254), ("cm", 2.54), ("source", 1.0)):
        again = parse(bvh_write.text(take, units=units))
        np.testing.assert_allclose(again.world()[1][0], np.array([[10, 36, -20], [10, 60, -20]]) * scale, atol=1e-6)
        np.testing.assert_allclose(again.rest_world()[1], np.array([[0, 36, 0], [0, 60, 0]]) * scale, atol=1e-6)
        assert rot.angle_between(again.rotations[0], rot.IDENTITY).max() < 1e-8  # at rest all angles are zero
    with pytest.raises(BadInput, match="unit 'mm'"):
        bvh_write.text(take, units="mm")
    with pytest.raises(BadInput, match="does not say its own unit"):
        bvh_write.text(replace(take, metres_per_unit=None), units="m")


def test_writes_positions_only_where_joints_move() -> None:
    take = random_take(np.random.default_rng(1), joints=4, frames=5)
    moved = take.translations.copy()
    moved[:, 2] += np.linspace(0, 1, 5)[:, None]
    take = replace(take, translations=moved)
    again = parse(bvh_write.text(take))
    assert again.channels is not None
    assert sorted(map(len, again.channels)) == [3, 3, 6, 6]
    assert_same(take, again)


@pytest.mark.parametrize("field", ["rotations", "translations", "rest_offsets"])
def test_never_writes_nan(field: str) -> None:
    take = random_take(np.random.default_rng(2), joints=3, frames=4)
    broken = getattr(take, field).copy()
    broken[(1, 1) if field == "rest_offsets" else (2, 1, 0)] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        bvh_write.text(replace(take, **{field: broken}))


def test_thousands_of_joints_of_one_name_take_no_minute() -> None:
    count = 20_000
    joints = "\n".join(["JOINT a", "{", "OFFSET 0 1 0", "}"] * (count - 1))
    text = f"HIERARCHY\nROOT a\n{{\nOFFSET 0 0 0\nCHANNELS 1 Xposition\n{joints}\n}}\nMOTION\nFrames: 1\n"
    began = time.process_time()
    take = bvh.parse((text + "Frame Time: 0.04\n0\n").encode(), "a.bvh")
    assert take.names[:3] == ("a", "a_2", "a_3") and len(set(take.names)) == count
    written = bvh_write.text(take)
    assert time.process_time() - began < 8.0  # tried from the first number on, every name would take 20 s
    assert f"JOINT a_{count}" in written


def test_a_chain_of_thousands_of_joints_is_not_written_in_tabs() -> None:
    count = 2000
    head = "\n".join(f"{'JOINT' if j else 'ROOT'} j{j}\n{{\nOFFSET 0 1 0" for j in range(count))
    text = f"HIERARCHY\n{head}\nCHANNELS 1 Xrotation\n{'}' * count}\nMOTION\nFrames: 1\nFrame Time: 0.04\n0\n"
    take = bvh.parse(text.encode(), "a.bvh")
    written = bvh_write.text(take)
    assert len(written) < 1_000_000
    assert bvh.parse(written.encode(), "b.bvh").parents.tolist() == take.parents.tolist()
