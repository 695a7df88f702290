"""`export_controls`: a film's control videos, prompts and ComfyUI workflows, for who refines it elsewhere.

A folder for each shot:

    NAME.shot_000.init.mp4            the raster, to start from
    NAME.shot_000.depth.mp4 …         control videos (`render.control`)
    prompt.txt                        what is to be seen
    metadata.json                     frames, rate, size, seed, scales, the camera of every frame
    workflow_vace.json …              for ComfyUI: Wan VACE under the depth video, parts of a long shot numbered
    workflow_controlnet.json …        for ComfyUI: ControlNets on depth and edges, started from the raster
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import comfy
from cinemotion.draw import settings
from cinemotion.film import Changes, Clock, Film
from cinemotion.manifest import remove
from cinemotion.progress import Progress
from cinemotion.shot_prompt import prompt_of
from motion.errors import BadInput
from motion.files import explain, whole, write_json

SCHEMA = 1
#: What is written when nothing else is asked for.
CONTROLS = ("depth", "normal", "edges", "ids")

_NETWORKS = {
    "depth": ("control_v11f1p_sd15_depth_fp16.safetensors", 0.8),
    "edges": ("control_v11p_sd15_canny_fp16.safetensors", 0.6),
}


def of_scene(
    scene: str | Path,
    folder: str | Path,
    changes: Changes,
    *,
    frames: tuple[int | None, int | None] | None = None,
    device: int | None = None,
    quiet: bool = True,
) -> tuple[Path, ...]:
    """`export_controls` of a scene file: those that it asks for, else the usual ones.

    Raises:
        SceneError: the scene is wrong.
        BadInput: as `export_controls`, or frames that the film has not.
    """
    from cinemotion.pipeline import frame_range
    from cinemotion.resolve import load
    from cinemotion.source import read

    film, _ = load(read(scene), replace(changes, refine=False, refiner=None), Clock())
    asked = film.control or CONTROLS
    return export_controls(film, folder, controls=asked, frames=frame_range(film, frames), device=device, quiet=quiet)


def export_controls(
    film: Film,
    folder: str | Path,
    *,
    controls: Sequence[str] = CONTROLS,
    frames: tuple[int, int] | None = None,
    device: int | None = None,
    quiet: bool = True,
) -> tuple[Path, ...]:
    """Draw a film's control videos into a folder, which appears whole or not at all.

    Args:
        film: loaded.
        folder: made; one that an earlier export made is replaced, another that holds anything is left alone.
        controls: names from `render.control.CONTROLS`.
        frames: first and last + 1 frame; None: all.
        device: EGL device number.
        quiet: no progress.

    Returns:
        The folders of the shots.

    Raises:
        BadInput: a control is unknown, or the folder holds something else.
        MissingSystem: no GL, or no space.
    """
    from motion.errors import unknown
    from render.control import CONTROLS as KNOWN
    from render.control import shot_scales

    for name in controls:
        if name not in KNOWN:
            raise unknown("control video", name, KNOWN)
    final = Path(folder).absolute()
    first, stop = frames or (0, film.frames)
    scales = [
        (number, scale)
        for number, scale in enumerate(shot_scales(film.camera, film.size, film.performances))
        if scale.first < stop and scale.last >= first
    ]
    _refuse_foreign(final)
    staged = final.with_name(f".{final.name}.{os.getpid()}.partial")
    try:
        remove(staged)
        staged.mkdir(parents=True)
        names = _draw(film, staged, controls, scales, (first, stop), device, quiet)
        write_json(staged / "metadata.json", {**_about_film(film), "shots": names})
        remove(final)
        staged.rename(final)
    except OSError as error:
        raise explain(final, error) from error
    finally:
        remove(staged)
    return tuple(final / name for name in names)


def _refuse_foreign(folder: Path) -> None:
    if folder.is_file():
        raise BadInput(f"{folder}: is a file, expected a folder for control videos")
    with contextlib.suppress(FileNotFoundError):
        names = {p.name for p in folder.iterdir()}
        others = {n for n in names if not re.fullmatch(r"shot_\d{3,}|metadata\.json", n)}
        if others or (names and "metadata.json" not in names):
            odd = min(others or names)
            raise BadInput(f"{folder}: holds other things already ({odd}), expected an empty or a new folder")


def _draw(
    film: Film,
    staged: Path,
    controls: Sequence[str],
    scales: Sequence[tuple[int, Any]],
    span: tuple[int, int],
    device: int | None,
    quiet: bool,
) -> list[str]:
    """Every shot in its folder; the folders' names."""
    from render import Rasterizer, World
    from render.control import picture, to_draw
    from render.video import VideoWriter

    names = []
    passes = tuple(sorted({"display", *to_draw(controls)}))
    world = World(film.drawn, film.stage)
    with (
        Rasterizer(film.size, settings(film), device) as rasterizer,
        Progress("drawing", span[1] - span[0], quiet=quiet) as progress,
    ):
        for number, scale in scales:
            shot = _Shot(film, number, max(scale.first, span[0]), min(scale.last + 1, span[1]), scale, tuple(controls))
            home = staged / shot.name
            home.mkdir()
            with contextlib.ExitStack() as stack:
                writers = {
                    kind: stack.enter_context(VideoWriter(home / file, film.size, film.fps, crf=12))
                    for kind, file in shot.files.items()
                }
                for frame in rasterizer.render(world, film.camera, range(shot.first, shot.stop), passes):
                    for kind, writer in writers.items():
                        writer.write(np.asarray(frame.display) if kind == "init" else picture(kind, frame, scale))
                    progress.step()
            shot.describe(home)
            names.append(shot.name)
    return names


class _Shot:
    """One shot's names and words."""

    def __init__(self, film: Film, number: int, first: int, stop: int, scale: Any, controls: tuple[str, ...]) -> None:
        self.film, self.number, self.first, self.stop, self.scale = film, number, first, stop, scale
        self.controls = controls
        self.name = f"shot_{number:03d}"
        # ComfyUI finds videos by name in one folder, so films and shots are told apart there.
        slug = re.sub(r"[^a-z0-9]+", "_", film.title.lower()).strip("_")[:40] or "film"
        self.stem = f"{slug}.{self.name}"
        self.files = {kind: f"{self.stem}.{kind}.mp4" for kind in ("init", *controls)}
        self.prompt = prompt_of(film, first, stop - 1)
        self.seed = film.seed + number

    def describe(self, home: Path) -> None:
        """Prompt, numbers and workflows."""
        with whole(home / "prompt.txt") as partial:
            partial.write_text(self.prompt + "\n", encoding="utf-8")
        workflows = dict(self._workflows())
        for name, graph in workflows.items():
            write_json(home / name, graph)
        write_json(home / "metadata.json", self._metadata(sorted(workflows)))

    def _workflows(self) -> Iterator[tuple[str, comfy.Graph]]:
        """Wan VACE needs one control, the ControlNets take what there is of theirs."""
        main = next((name for name in ("depth", "normal", "edges", "ids") if name in self.files), None)
        networks = [(self.files[k], *_NETWORKS[k]) for k in _NETWORKS if k in self.files]
        parts = comfy.parts_of(self.stop - self.first)
        for k, (start, count) in enumerate(parts):
            end = ".json" if len(parts) == 1 else f".part_{k:02d}.json"
            common = (start, count, self.film.size, self.film.fps, self.prompt, self.seed)
            out = self.stem if len(parts) == 1 else f"{self.stem}.part_{k:02d}"
            if main is not None:
                yield f"workflow_vace{end}", comfy.wan_vace(self.files[main], *common, f"{out}.vace")
            if networks:
                graph = comfy.controlnet(self.files["init"], networks, *common, f"{out}.controlnet")
                yield f"workflow_controlnet{end}", graph

    def _metadata(self, workflows: Sequence[str]) -> dict[str, Any]:
        from render.control import MEANING

        camera, rows = self.film.camera, slice(self.first, self.stop)
        return {
            **_about_film(self.film),
            "shot": self.number,
            "frames": [self.first, self.stop],  # the last is not included
            "seed": self.seed,
            "prompt": self.prompt,
            "negative_prompt": comfy.NEGATIVE,
            "files": self.files,
            "workflows": list(workflows),
            "controls": {name: MEANING[name] for name in self.controls},
            "scales": asdict(self.scale),
            "parts": [list(part) for part in comfy.parts_of(self.stop - self.first)],
            "camera": {
                "axes": "right-handed, metres, Y up, camera looks down -Z; T_world_camera maps camera to world",
                "T_world_camera": np.round(camera.T_world_camera[rows], 6).tolist(),
                "focal_mm": np.round(camera.focal_mm[rows], 4).tolist(),
                "sensor_width_mm": camera.sensor_width_mm,
                "shift": list(camera.shift),
            },
        }


def _about_film(film: Film) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "title": film.title,
        "fps": str(film.fps),
        "size": list(film.size),
        "scene_sha256": film.scene_sha256,
    }
