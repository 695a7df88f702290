"""A film's chunks and the hash of all that decides each: what must be drawn again after a change, and what need not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import manifest
from cinemotion.draw import path_settings, settings
from cinemotion.film import Film
from cinemotion.manifest import Chunk, digest
from cinemotion.refining import leans
from cinemotion.style_fields import looks_beyond, without_place
from motion.camera import CameraPath
from motion.stage import Performance

#: Frames beside a chunk that its own frames look at: flow to the next and previous one, open shutters.
_MARGIN = 2


def plan(film: Film, first: int, stop: int, gl: dict[str, Any], scales: Sequence[Any]) -> list[Chunk]:
    """The film's chunks, each with the hash of all that decides it. Their borders depend on the scene alone."""
    common = _common(film, gl)
    chunks: list[Chunk] = []
    for index, a, b in _borders(film, first, stop):
        mine = [s for s in scales if s.first < b and s.last >= a]
        low, high = (0, film.frames) if looks_beyond(film.style) else (a, b)
        key = digest(
            common,
            a,
            b,
            _camera_part(film.camera, low, high),
            [_motion_part(film, p, low, high) for p in film.drawn],
            mine,
        )
        chunk, before = Chunk(index, a, b, key), chunks[-1] if chunks else None
        if before is not None and leans(film, chunk, before):
            chunk = replace(chunk, key=digest(key, before.key), after=before.name)
        chunks.append(chunk)
    return chunks


def _borders(film: Film, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number, first frame and end of each chunk of frames ``first`` to ``stop``.

    A pretrained pipeline refines whole shots: it has windows of its own, which overlap, and remembers nothing else.
    """
    refining = film.look.refining
    if refining is not None and refining.pipeline is not None:
        begins = [0, *(int(k) for k in np.flatnonzero(film.camera.cuts[: film.frames]) if k), film.frames]
    else:
        begins = [*range(0, film.frames, film.chunk), film.frames]
    for index, (a, b) in enumerate(pairwise(begins)):
        if a < stop and b > first:
            yield index, max(first, a), min(stop, b)


def _common(film: Film, gl: dict[str, Any]) -> str:
    """What every chunk depends on."""
    import av

    bodies = {id(p.character): p.character for p in film.drawn}
    meshes = {key: digest(type(body).__name__, body.mesh) for key, body in bodies.items()}
    props = [replace(p, shape=Path(p.shape).name) for p in film.stage.props]
    # What these are used for is in the chunk's own motion and camera.
    apart = ("clip", "words", "learned", "plants", "camera", "music")
    files = [(i.role, i.provenance.sha256) for i in film.inputs if i.role not in apart]
    versions = [np.__version__, av.__version__, gl["vendor"], gl["renderer"], gl["version"]]
    if film.look.refining is not None:
        versions.append(metadata.version("torch"))
    stage = replace(film.stage, props=tuple(props), plate=None)
    cast = [(p.name, meshes[id(p.character)]) for p in film.drawn]
    asked = [film.size, film.fps, film.passes, film.pass_format, film.control, film.seed, film.look.refining]
    asked.append(without_place(film.style))
    if film.look.renderer == "pathtrace":
        from render.path_tracer.variant import describe

        asked += [path_settings(film), sorted(describe().items())]
    return digest(manifest.code_version(), versions, settings(film), stage, cast, files, asked)


def _camera_part(camera: CameraPath, a: int, b: int) -> str:
    rows = slice(max(0, a - _MARGIN), min(camera.frames, b + _MARGIN))
    values = [camera.T_world_camera, camera.focal_mm, camera.focus_m, camera.f_stop, camera.cuts]
    lens = [camera.sensor_width_mm, camera.shift, camera.shutter_angle, camera.frames]
    return digest([None if v is None else v[rows] for v in values], lens, camera.fps)


def _motion_part(film: Film, performance: Performance, a: int, b: int) -> str:
    """The samples of a clip that frames a to b look at; all of them when a prop may remember an earlier one."""
    clip = performance.clip
    rows = slice(None)
    if not any(p.attachments for p in film.stage.props):
        begin, end = (float((k + s * _MARGIN) / film.fps) - performance.start_s for k, s in ((a, -1), (b, 1)))
        low = int(np.clip(np.floor(begin * float(clip.fps)), 0, clip.frames - 1))
        high = int(np.clip(np.ceil(end * float(clip.fps)), 0, clip.frames - 1))
        rows = slice(low, high + 1)
        where = (low, low - (performance.start_s * float(clip.fps)))
    else:
        where = (0, performance.start_s)
    return digest(clip.rotations[rows], clip.root_position[rows], clip.fps, where)
