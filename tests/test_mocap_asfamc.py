"""Acclaim skeletons and motion, against an independent forward kinematics straight from the format's description."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mocap_data
from mocap_data import asfamc
from motion.errors import BadInput
from motion.take import Take

ASF = """# comment
:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
  any words begin here
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lowerback
    direction 0.1 0.99 -0.05
    length 8
    axis 5 -10 15 XYZ
    dof rx ry rz
    limits (-20.0 45.0)
           (-30.0 30.0)
           (-inf inf)
  end
  begin
    id 2
    name head
    direction 0 1 0.1
    length 6
    axis 0 0 0 XYZ
  end
  begin
    id 3
    name lfemur
    direction 0.34 -0.94 0
    length 8
    axis 0 0 20 XYZ
    dof rx rz
  end
  begin
    id 4
    name ltibia
    direction 0.34 -0.94 0.1
    length 7
    axis 30 0 20 XYZ
    dof rx
  end
:hierarchy
  begin
    root lowerback lfemur
    lowerback head
    lfemur ltibia
  end
"""
AMC = """#!OML:ASF any words
:FULLY-SPECIFIED
:DEGREES
1
root 1 16 -3 10 -20 30
lowerback 5 6 7
lfemur -25 8
ltibia 40
2
root 1.5 16.5 -3.5 12 -22 32
lowerback 15 -6 17
lfemur -35 18
ltibia 60
"""


def write(folder: Path, asf: str = ASF, amc: str = AMC, asf_name: str = "07.asf", amc_name: str = "07_01.amc") -> Path:
    if asf:
        (folder / asf_name).write_text(asf)
    (folder / amc_name).write_text(amc)
    return folder / amc_name


def axis_matrix(axis: str, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def acclaim_positions(asf: str, frames: list[dict[str, list[float]]]) -> dict[str, np.ndarray]:
    """Where every bone begins and ends, ``(T, 2, 3)`` by name, by 4x4 matrices and recursion, from the text itself.

    In Acclaim's description a bone's matrix is L = C^-1 M C B on row vectors, that is B C M C^-1 on columns, where B
    moves along the parent bone; angles apply x first, then y, then z.
    """
    bones: dict[str, dict[str, list[str]]] = {
        "root": {"axis": ["0", "0", "0"], "dof": ["tx", "ty", "tz", "rx", "ry", "rz"]}
    }
    for block in asf.split(":bonedata")[1].split(":hierarchy")[0].split("begin")[1:]:
        fields = {words[0]: words[1:] for words in (line.split() for line in block.split("\n")) if words}
        bones[fields["name"][0]] = fields
    links = [line.split() for line in asf.split(":hierarchy")[1].split("\n") if len(line.split()) > 1]

    def turn(x: float, y: float, z: float) -> np.ndarray:
        m = np.eye(4)
        m[:3, :3] = axis_matrix("z", z) @ axis_matrix("y", y) @ axis_matrix("x", x)
        return m

    out: dict[str, list[np.ndarray]] = {}
    for frame in frames:

        def visit(name: str, above: np.ndarray, frame: dict[str, list[float]] = frame) -> None:
            bone = bones[name]
            values = dict(zip(bone.get("dof", []), frame.get(name, []), strict=True))
            c = turn(*map(float, bone["axis"][:3]))
            m = turn(values.get("rx", 0), values.get("ry", 0), values.get("rz", 0))
            shift, step = np.eye(4), np.eye(4)
            shift[:3, 3] = [values.get("tx", 0), values.get("ty", 0), values.get("tz", 0)]
            if name != "root":
                step[:3, 3] = float(bone["length"][0]) * np.array(bone["direction"], dtype=float)
            world = above @ shift @ c @ m @ np.linalg.inv(c)
            tip = world @ step
            out.setdefault(name, []).append(np.stack([world[:3, 3], tip[:3, 3]]))
            for children in (words[1:] for words in links if words[0] == name):
                for child in children:
                    visit(child, tip)

        visit("root", np.eye(4))
    return {name: np.array(places) for name, places in out.items()}


def amc_frames(amc: str) -> list[dict[str, list[float]]]:
    frames: list[dict[str, list[float]]] = []
    for words in (line.split() for line in amc.split("\n")):
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif len(words) > 1 and not words[0].startswith(("#", ":")):
            frames[-1][words[0]] = [float(word) for word in words[1:]]
    return frames


def assert_positions(take: Take, asf: str, amc: str) -> None:
    expected = acclaim_positions(asf, amc_frames(amc))
    turns, places = take.world()
    assert set(expected) == set(take.names)
    for j, name in enumerate(take.names):
        np.testing.assert_allclose(places[:, j], expected[name][:, 0], atol=1e-9, err_msg=name)
    assert take.end_offsets is not None
    from motion import rotations as rot

    for j in np.flatnonzero(np.isfinite(take.end_offsets).all(1)):
        tips = places[:, j] + rot.rotate(turns[:, j], take.end_offsets[j])
        np.testing.assert_allclose(tips, expected[take.names[j]][:, 1], atol=1e-9)


def test_joints_stand_where_acclaim_puts_them(tmp_path: Path) -> None:
    take = mocap_data.load(write(tmp_path))
    assert take.names == ("root", "lowerback", "head", "lfemur", "ltibia")
    assert_positions(take, ASF, AMC)
    assert take.up == "Y" and take.fps == 120
    assert take.metres_per_unit == pytest.approx(0.0254 / 0.45)
    assert any("120" in note for note in take.provenance.notes)
    assert "CMU" in (take.provenance.licence or "")
    assert take.provenance.source == "07_01.amc"


def test_root_order_may_differ(tmp_path: Path) -> None:
    asf = ASF.replace("order TX TY TZ RX RY RZ", "order RX RY RZ TX TY TZ")
    amc = AMC.replace("root 1 16 -3 10 -20 30", "root 10 -20 30 1 16 -3").replace(
        "root 1.5 16.5 -3.5 12 -22 32", "root 12 -22 32 1.5 16.5 -3.5"
    )
    assert_positions(mocap_data.load(write(tmp_path, asf, amc)), ASF, AMC)


def test_radians_and_windows_line_ends(tmp_path: Path) -> None:
    amc = AMC.replace("DEGREES", "RADIANS")
    for name, count in (("lowerback", 3), ("lfemur", 2), ("ltibia", 1)):
        lines = []
        for line in amc.split("\n"):
            words = line.split()
            if words and words[0] == name:
                line = " ".join([name, *(repr(np.radians(float(w))) for w in words[1 : 1 + count])])
            lines.append(line)
        amc = "\n".join(lines)
    for old in ("10 -20 30", "12 -22 32"):
        amc = amc.replace(old, " ".join(repr(float(np.radians(float(w)))) for w in old.split()))
    amc = amc.replace("np.float64(", "").replace(")", "")
    assert_positions(mocap_data.load(write(tmp_path, ASF, amc.replace("\n", "\r\n"))), ASF, AMC)


@pytest.mark.parametrize("name", ["07_01.asf", "07.asf", "07.ASF", "someone_else.asf"])
def test_finds_its_skeleton(tmp_path: Path, name: str) -> None:
    assert mocap_data.load(write(tmp_path, asf_name=name)).frames == 2


def test_without_a_skeleton_says_which_was_looked_for(tmp_path: Path) -> None:
    path = write(tmp_path, asf="")
    with pytest.raises(BadInput, match=r"07_01\.amc: needs its skeleton.*07_01\.asf and 07\.asf.*there is none"):
        mocap_data.load(path)
    (tmp_path / "a.asf").write_text(ASF)
    (tmp_path / "b.asf").write_text(ASF)
    with pytest.raises(BadInput, match="there are 2"):
        mocap_data.load(path)
    assert mocap_data.load(path, asf=tmp_path / "b.asf", fps=60).fps == 60
    with pytest.raises(BadInput, match=r"c\.asf: no such file"):
        mocap_data.load(path, asf=tmp_path / "c.asf")


def test_a_skeleton_alone_is_its_rest_pose(tmp_path: Path) -> None:
    write(tmp_path)
    take = mocap_data.load(tmp_path / "07.asf")
    assert take.frames == 1
    np.testing.assert_allclose(take.world()[1][0], take.rest_world()[1])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("lfemur -35 18\n", "", r"07_01\.amc:12: frame 2 \(from line 9\) lacks bone 'lfemur'"),
        ("lfemur -35 18", "lfemur -35", r"07_01\.amc:12: bone 'lfemur' has 1 values, expected 2"),
        ("ltibia 60", "ltibia sixty", r"07_01\.amc:13: bone 'ltibia': 'sixty'"),
        ("ltibia 60", "ltibia nan", "not finite"),
        ("ltibia 60", "ltibia 60\nltibia 60", r"07_01\.amc:14: bone 'ltibia' stands twice in frame 2"),
        ("ltibia 60", "lshin 60", r"07_01\.amc:13: bone 'lshin' is not in the skeleton"),
        ("\n2\n", "\n7\n", r"07_01\.amc:9: frame 7 after frame 1, expected 2"),
        ("\n1\n", "\n", r"07_01\.amc:4: 'root' before the first frame's number"),
        (AMC[AMC.index("\n1\n") :], "\n", "no frames"),
        (AMC, "\0\1\2", "binary"),
    ],
)
def test_refuses_damaged_motion_with_the_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in AMC
    with pytest.raises(BadInput, match=expected):
        mocap_data.load(write(tmp_path, amc=AMC.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "lfemur ltibia",
            "lfemur ltibbia",
            r"07\.asf:\d+: unknown bone 'ltibbia' in :hierarchy; did you mean 'ltibia'",
        ),
        ("    lfemur ltibia\n", "", r"bone 'ltibia' is not joined"),
        ("lfemur ltibia", "lfemur ltibia head", r"bone 'head' has a parent already"),
        ("lowerback head", "lowerback head\n    head root", r"'root' has a parent already"),
        ("dof rx rz", "dof rx rw", r"07\.asf:\d+: degree of freedom 'rw' is unknown"),
        ("length 7", "length long", r"length of bone 'ltibia'.*'long'"),
        ("length 7", "length inf", "inf"),
        ("axis 30 0 20 XYZ", "axis 30 0 20 XXZ", "axis order 'XXZ'"),
        ("angle deg", "angle turns", "angle unit 'turns'"),
        ("length 0.45", "length 0", "length unit 0"),
        (ASF[ASF.index(":hierarchy") :], "", "no :hierarchy"),
        (ASF[ASF.index("    dof rx\n") :], "", "ends inside a bone"),
        (ASF, "hello", r"07\.asf:1: starts with 'hello'"),
        (ASF, "", "is empty"),
    ],
)
def test_refuses_damaged_skeletons(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in ASF
    path = write(tmp_path, asf=ASF.replace(old, new, 1) or " ")
    if not new:
        (tmp_path / "07.asf").write_text(ASF.replace(old, new, 1))
    with pytest.raises(BadInput, match=expected):
        mocap_data.load(path)


def test_limits_are_read_but_do_not_bind(tmp_path: Path) -> None:
    write(tmp_path)
    skeleton = asfamc._Skeleton((tmp_path / "07.asf").read_bytes(), "07.asf")
    assert skeleton.bones["lowerback"].limits == [(-20.0, 45.0), (-30.0, 30.0), (-np.inf, np.inf)]
    wild = AMC.replace("lowerback 5 6 7", "lowerback 170 6 7")
    assert_positions(mocap_data.load(write(tmp_path, amc=wild)), ASF, wild)
