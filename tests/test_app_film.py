"""Films on disk: whole or not at all, the same bytes whether drawn at once, in several processes, or after a kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cinemotion import manifest
from cinemotion.film import Changes, Film
from cinemotion.pipeline import make_film
from cinemotion.plan import plan
from cinemotion.provenance import verify
from cinemotion.resolve import load
from cinemotion.source import read
from motion.errors import BadInput, CinemotionError, MissingSystem
from render.passes import read_passes
from render.video import probe, read_frames

SCENE = """\
schema: 1
title: Tiny
fps: 24
size: [32, 18]
cast:
  ada: {outfit: casual}
stage: {ground: none, light: noon}
timeline:
  - {actor: ada, clip: "pybullet:walk", loop: true, for: 1s}
shots:
  - {size: full, of: ada, for: 0.5s}
  - {size: medium, of: ada, move: push_in, until: 1s}
output: {chunk: 4, samples: 1, passes: [depth, ids, flow], pass_format: npz, control: [depth]}
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "tiny.yaml"
    path.write_text(SCENE)
    return path


@pytest.fixture(scope="module")
def film(scene: Path) -> Path:
    """The film as one run makes it."""
    return make_film(scene, scene.parent / "one" / "film.mp4").path


def contents(film: Path) -> dict[str, bytes]:
    """Everything that a film consists of, by name."""
    return {
        p.relative_to(film.parent).as_posix(): p.read_bytes() for p in sorted(film.parent.rglob("*")) if p.is_file()
    }


def test_a_film_is_what_the_scene_says(film: Path) -> None:
    info = probe(film)
    assert info.size == (32, 18) and info.fps == 24
    assert len(list(read_frames(film))) == 24
    names = set(contents(film))
    assert {
        "film.mp4",
        "film.provenance.json",
        "film_passes/frame.000023.npz",
        "film_control/shot_001.depth.mp4",
    } <= names
    assert not any(".work" in name or "partial" in name for name in names)
    passes = read_passes(film.parent / "film_passes", 5)
    assert passes["ids"][..., 0].max() == 1 and 1 < passes["depth"].max() < 20


def test_provenance_says_what_made_it(film: Path) -> None:
    document = verify(film)
    assert document["digitalSourceType"].endswith("/digitalCreation")
    assert document["film"]["sha256"] == manifest.file_sha256(film)
    roles = {one["role"]: one for one in document["inputs"]}
    assert "MIT" in roles["clip"]["licence"] and roles["clip"]["name"] == "pybullet:walk"
    assert "CC0" in roles["body"]["licence"] and len(roles["body"]["sha256"]) == 64
    text = json.dumps(document)
    assert str(film.parent) not in text and "date" not in document


def test_a_changed_film_is_noticed(film: Path, tmp_path: Path) -> None:
    copy = tmp_path / "film.mp4"
    copy.write_bytes(film.read_bytes()[:-1] + b"!")
    with pytest.raises(BadInput, match="nothing says what made it"):
        verify(copy)
    (tmp_path / "film.provenance.json").write_bytes(film.with_name("film.provenance.json").read_bytes())
    with pytest.raises(BadInput, match="changed since it was made"):
        verify(copy)
    (tmp_path / "film.provenance.json").write_text("{")
    with pytest.raises(BadInput, match="not a provenance file"):
        verify(copy)


def test_workers_make_the_same_bytes(scene: Path, film: Path) -> None:
    made = make_film(scene, scene.parent / "two" / "film.mp4", workers=2)
    assert contents(made.path) == contents(film)


def run(scene: Path, out: Path, *more: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cinemotion", "film", str(scene), "-o", str(out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_film_goes_on_and_is_the_same(scene: Path, film: Path, workers: str) -> None:
    out = scene.parent / f"killed{workers}" / "film.mp4"
    process = run(scene, out, "--workers", workers, start_new_session=True)
    chunks = out.with_name("film.mp4.work") / "chunks"
    limit = time.monotonic() + 60
    while not list(chunks.glob("[0-9]*/chunk.json")) and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = len(list(chunks.glob("[0-9]*/chunk.json")))
    assert 1 <= done < 6, "killed in the middle"
    assert not out.exists()
    # Damage is noticed: a chunk whose bytes changed is drawn again.
    victim = sorted(chunks.glob("[0-9]*/film.mkv"))[0]
    victim.write_bytes(victim.read_bytes()[:-3])
    made = make_film(scene, out, resume=True)
    assert made.kept == 4 * (done - 1) and made.drawn == 24 - made.kept
    assert contents(made.path) == contents(film)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_in_one_line_and_keeps_the_work(scene: Path, workers: str) -> None:
    long = scene.with_name("long.yaml")
    long.write_text(scene.read_text().replace("1s", "60s"))
    out = scene.parent / f"stopped{workers}" / "film.mp4"
    # A shell that runs in the background ignores Ctrl-C, and hands that on to all that it starts.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = run(long, out, "-q", "--workers", workers)
    signal.signal(signal.SIGINT, heard)
    chunks = out.with_name("film.mp4.work") / "chunks"
    limit = time.monotonic() + 60
    while not list(chunks.glob("[0-9]*/chunk.json")) and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    lines = err.splitlines()
    assert lines[-1] == "stopped" and "add --resume to go on" in lines[0] and len(lines) == 2, err
    assert not out.exists() and not list(chunks.glob(".*partial"))


def test_a_worker_that_dies_is_told(scene: Path) -> None:
    def kill() -> None:
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        for child in children:
            child.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(CinemotionError, match=r"ended by itself \(exit code -9.*--resume"):
        make_film(scene, scene.parent / "dead" / "film.mp4", workers=2)
    killer.join(5)
    assert not killer.is_alive() and not (scene.parent / "dead" / "film.mp4").exists()


def test_only_what_changed_is_drawn_again(scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(scene.read_text())
    out = tmp_path / "out" / "film.mp4"
    make_film(path, out, keep=True)
    path.write_text(scene.read_text().replace("push_in", "pull_out"))
    made = make_film(path, out, resume=True, keep=True)
    assert 12 <= made.drawn < 24, "the first shot's chunks are kept, save the one that sees the cut"
    fresh = make_film(path, tmp_path / "fresh" / "film.mp4")
    assert made.path.read_bytes() == fresh.path.read_bytes()
    assert make_film(path, out, resume=True).drawn == 0


def test_a_chunk_depends_on_the_frames_beside_it(scene: Path) -> None:
    film, _ = load(read(scene))
    gl = {"vendor": "", "renderer": "", "version": ""}

    def changed(other: Film) -> list[bool]:
        keys = [[c.key for c in plan(one, 0, film.frames, gl, ())] for one in (film, other)]
        return [a != b for a, b in zip(*keys, strict=True)]

    # Frame 8 begins the third chunk; the second one's flow leads there, the others do not look at it.
    expected = [False, True, True, False, False, False]
    poses = film.camera.T_world_camera.copy()
    poses[8, 0, 3] += 0.1
    assert changed(replace(film, camera=replace(film.camera, T_world_camera=poses))) == expected
    hero = film.performances[0]
    root = hero.clip.root_position.copy()
    root[int(8 * hero.clip.fps / film.fps), 1] += 0.1
    moved = replace(hero, clip=replace(hero.clip, root_position=root))
    assert changed(replace(film, performances=(moved,))) == expected
    assert not any(changed(film))


def test_draft_seed_passes_and_a_part(scene: Path, tmp_path: Path) -> None:
    made = make_film(
        scene, tmp_path / "part.mkv", changes=Changes(draft=True, seed=9, passes=("normal",)), frames=(6, 11)
    )
    assert probe(made.path).size == (16, 16) and len(list(read_frames(made.path))) == 5
    assert sorted(p.name for p in (tmp_path / "part_passes").glob("*.npz"))[0] == "frame.000006.npz"
    assert verify(made.path)["seed"] == 9 and verify(made.path)["film"]["frames"] == [6, 11]


@pytest.mark.parametrize("frames", [(5, 5), (0, 99), (30, None)])
def test_parts_that_are_not_there(scene: Path, tmp_path: Path, frames: tuple[int, int | None]) -> None:
    with pytest.raises(BadInput, match="expected a part of 0:24"):
        make_film(scene, tmp_path / "x.mp4", frames=frames)
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CinemotionError, match="a part of this path is a file"):
        make_film(scene, tmp_path / "file" / "film.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        make_film(scene, tmp_path / "folder.mp4")
    with pytest.raises((BadInput, MissingSystem)) as caught:
        make_film(scene, "/proc/film.mp4")
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="unknown video suffix"):
        make_film(scene, tmp_path / "film.gif")


def test_a_full_disk_is_one_line_and_leaves_no_film(scene: Path, tmp_path: Path) -> None:
    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    process = run(scene, tmp_path / "film.mp4", preexec_fn=little_room)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, (out, err)
    assert len(err.strip().splitlines()) == 1 and "Traceback" not in err, err
    assert not (tmp_path / "film.mp4").exists() and not (tmp_path / "film.provenance.json").exists()


def test_one_run_at_a_time(scene: Path, tmp_path: Path) -> None:
    import fcntl

    work = tmp_path / "film.mp4.work"
    work.mkdir()
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CinemotionError, match="another run is making this film"):
            make_film(scene, tmp_path / "film.mp4")
    assert work.is_dir()


def test_digests_are_of_content() -> None:
    import numpy as np

    a = np.arange(6.0).reshape(2, 3)
    assert manifest.digest(a) == manifest.digest(a.copy()) != manifest.digest(a.reshape(3, 2))
    assert manifest.digest({"a": 1, "b": 2}) == manifest.digest({"b": 2, "a": 1})
    assert manifest.digest("ab", "c") != manifest.digest("a", "bc")
    assert len({manifest.digest(v) for v in (1, 1.0, "1", True, None, (1,), b"1")}) == 7
    with pytest.raises(TypeError):
        manifest.digest(object())
