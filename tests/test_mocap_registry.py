"""`load` and `save` by suffix, files that are none, whole-or-nothing writing, and the measurements."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from mocap_data import bench, files, registry
from motion import Take
from motion import rotations as rot
from motion.errors import BadInput, MissingSystem

WALK = "pybullet:humanoid3d_walk"


def test_lists_what_is_read_and_written() -> None:
    table = {suffix: form for form in mocap_data.formats() for suffix in form.suffixes}
    assert {".bvh", ".amc", ".asf", ".npz", ".txt", ".json"} <= set(table)
    assert {s for s, form in table.items() if form.write} >= {".bvh", ".npz"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("walk.fbx", r"cannot read \.fbx.*known: .*\.bvh"),
        ("walk.bhv", r"cannot read \.bhv; did you mean '\.bvh'"),
        ("walk", "no suffix"),
        ("walk.bvh", "no such file"),
        ("walk.amc", "no such file"),
        ("walk.txt", "no such file"),
        ("a\0b.bvh", "cannot be read"),
        ("x" * 300 + ".bvh", "cannot be read"),
        ("pybullet:", "unknown capture"),
        ("pybullet:nothing", "unknown capture"),
    ],
)
def test_refuses_names(name: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        mocap_data.load(name)


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.bvh").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        mocap_data.load(tmp_path / "folder.bvh")
    os.mkfifo(tmp_path / "pipe.bvh")
    with pytest.raises(BadInput, match="not a regular file"):  # and does not wait for a writer
        mocap_data.load(tmp_path / "pipe.bvh")
    (tmp_path / "zero.bvh").symlink_to("/dev/zero")
    with pytest.raises(BadInput, match="not a regular file"):
        mocap_data.load(tmp_path / "zero.bvh")
    (tmp_path / "empty.bvh").touch()
    with pytest.raises(BadInput, match="is empty"):
        mocap_data.load(tmp_path / "empty.bvh")


def test_refuses_unknown_options(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no option 'unit' to save; did you mean 'units'"):
        mocap_data.save(mocap_data.load(WALK), tmp_path / "a.bvh", unit="m")
    mocap_data.save(mocap_data.load(WALK), tmp_path / "a.bvh")
    with pytest.raises(BadInput, match="no option 'asf' to load"):
        mocap_data.load(tmp_path / "a.bvh", asf="b.asf")


def test_a_capture_survives_the_way_to_bvh_and_back(tmp_path: Path) -> None:
    take = mocap_data.load(WALK)
    mocap_data.save(take, tmp_path / "walk.bvh")
    again = mocap_data.load(tmp_path / "walk.bvh")
    assert set(again.names) == set(take.names) and again.fps == take.fps
    order = [again.names.index(name) for name in take.names]
    assert np.degrees(rot.angle_between(take.rotations, again.rotations[:, order])).max() < 1e-6
    np.testing.assert_allclose(again.world()[1][:, order], take.world()[1], atol=1e-7)
    slow = mocap_data.load(tmp_path / "walk.bvh", fps=15)
    assert slow.fps == 15 and "instead of" in slow.provenance.notes[-1]
    with pytest.raises(BadInput, match="fps"):
        mocap_data.load(tmp_path / "walk.bvh", fps=0)


def test_writes_whole_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = mocap_data.load(WALK)
    with pytest.raises(BadInput, match=r"folder .* does not exist"):
        mocap_data.save(take, tmp_path / "nowhere" / "a.bvh")
    with pytest.raises(BadInput, match="is a folder"):
        (tmp_path / "b.bvh").mkdir()
        mocap_data.save(take, tmp_path / "b.bvh")
    with pytest.raises(BadInput, match=r"cannot write \.amc"):
        mocap_data.save(take, tmp_path / "a.amc")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    mocap_data.save(take, tmp_path / "a.bvh")
    before = (tmp_path / "a.bvh").read_bytes()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MissingSystem, match="no space left"):
        mocap_data.save(take.slice(0, 3), tmp_path / "a.bvh")
    assert (tmp_path / "a.bvh").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bvh", "b.bvh"]


def test_other_packages_can_add_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FORMATS", list(registry._FORMATS))
    take = mocap_data.load(WALK)
    written: list[tuple[Take, str]] = []
    mocap_data.register(
        mocap_data.Format("glTF", (".glb",), lambda path: take, lambda take, path: written.append((take, str(path))))
    )
    assert mocap_data.load("a.glb") is take
    mocap_data.save(take, "b.glb")
    assert written == [(take, "b.glb")]


def test_knows_the_licence_of_a_data_set_by_its_files_names() -> None:
    def licence(name: str) -> str | None:
        return files.provenance(f"/somewhere/{name}", b"x").licence

    assert "BY-NC" in (licence("dataset-2_walk_happy_001.bvh") or "")
    assert "BY-NC" in (licence("dataset-1_walk_not-confident_001.bvh") or "")
    assert "CMU" in (licence("02_01.amc") or "")
    assert "CMU" in (licence("salsa_01.bvh") or "")
    assert licence("mine.bvh") is None
    assert "CMU" in files.deepmimic_licence("49_02.txt") and "CMU" not in files.deepmimic_licence("humanoid3d_walk.txt")


def test_sweep_loads_or_refuses_every_file(tmp_path: Path) -> None:
    take = mocap_data.load(WALK)
    (tmp_path / "set").mkdir()
    mocap_data.save(take, tmp_path / "set" / "good.bvh")
    text = (tmp_path / "set" / "good.bvh").read_text()
    (tmp_path / "set" / "cut.bvh").write_text(text[: len(text) // 2])
    (tmp_path / "set" / "notes.md").write_text("no capture")
    results = list(bench.sweep(tmp_path))
    assert [r.path.name for r in results] == ["cut.bvh", "good.bvh"]
    assert results[0].refused and "cut.bvh:" in results[0].refused
    assert results[1].frames == take.frames and results[1].refused is None
    printed = bench.table(results, tmp_path)
    assert "refused:" in printed and "cut.bvh" in printed
    with pytest.raises(BadInput, match="not a folder"):
        list(bench.sweep(tmp_path / "nothing"))


def test_prints_its_measurements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take = mocap_data.load(WALK)
    mocap_data.save(take, tmp_path / "walk.bvh")
    assert len(bench.run(str(tmp_path), "1")) == 1
    printed = capsys.readouterr().out
    assert "loaded" in printed and "pybvh" in printed
    with pytest.raises(BadInput, match="turns"):
        bench.run(str(tmp_path), "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no captures"):
        bench.run(str(tmp_path / "empty"))


def test_measures_against_pybvh_on_the_largest_file(tmp_path: Path) -> None:
    pytest.importorskip("pybvh")
    take = mocap_data.load(WALK)
    mocap_data.save(take.slice(0, 2), tmp_path / "small.bvh")
    mocap_data.save(take, tmp_path / "large.bvh")
    report = bench.bvh_speed(tmp_path, turns=2)
    assert report.path.name == "large.bvh"
    assert report.ours > 0 and report.ratio == pytest.approx(report.pybvh / report.ours)


@pytest.mark.slow
@pytest.mark.skipif("CINEMOTION_DATA" not in os.environ, reason="CINEMOTION_DATA names no folder of captures")
def test_loads_every_file_of_the_shared_sets() -> None:
    results = list(bench.sweep(os.environ["CINEMOTION_DATA"]))
    refused = [r for r in results if r.refused is not None]
    assert len(results) > 0 and not refused, bench.table(results, os.environ["CINEMOTION_DATA"])
