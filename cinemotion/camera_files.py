"""What `cinemotion camera` does with files: `export`, `convert`, `plan`, `storyboard`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cinemotion.film import Film
from cinemotion.film_shots import Reasons, shots_of
from cinemotion.shot_list import files_of, reasons_of
from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from render.interchange import camera as files
from render.interchange import otio_cuts
from render.interchange.camera_resample import spans

Say = Callable[[str], None]


def export(scene: Path, out: Path, *, video: Path | None = None, say: Say) -> str:
    """Write a scene's camera path, or its cuts to ``.otio`` or ``.edl``.

    Args:
        scene: the scene file.
        out: by its suffix.
        video: the film that an edit refers to; it need not be there yet.
        say: takes the scene's warnings.

    Returns:
        A line that says what was written.

    Raises:
        BadInput: the scene is wrong (`SceneError`, with every problem), another suffix, a place not to write to.
        MissingExtra: the format's library is not installed.
    """
    cuts = _checked(out)
    if video is not None and not cuts:
        raise BadInput(f"--film is for an edit, {' or '.join(otio_cuts.SUFFIXES)}, and {out.name} is a camera path")
    film = _load(scene, say)
    if cuts:
        otio_cuts.save(out, edit_of(film, reasons_of(film)), film=video, frames=film.frames)
    else:
        files.save(out, film.camera, aspect=film.size[0] / film.size[1])
    return _about(out, film.camera)


def convert(source: Path, out: Path, *, fps: str | None, name: str | None, aspect: str | None, say: Say) -> str:
    """Any camera file to any other, or to an edit of its cuts.

    Args:
        source: a camera path.
        out: by its suffix.
        fps: another rate; None: the file's own.
        name: which camera of a file that holds several.
        aspect: width / height of the picture, as ``16:9`` or a number; None: 16:9.
        say: takes what was assumed.

    Returns:
        A line that says what was written.

    Raises:
        BadInput: a file that cannot be read, holds several cameras and none is named, or cannot be written.
        MissingExtra: a format's library is not installed.
    """
    cuts = _checked(out)
    ratio = _aspect(aspect)
    found = files.load_noting(source, fps=fps, name=name, aspect=ratio)
    for note in found.notes:
        say(f"{source}: {note}")
    camera = found.camera
    if cuts:
        shots = tuple(otio_cuts.EditShot(f"shot {n}", a, b) for n, (a, b) in enumerate(spans(camera), start=1))
        otio_cuts.save(out, otio_cuts.Edit(camera.fps, shots, source.stem), frames=camera.frames)
    else:
        files.save(out, camera, name=found.name or "camera", aspect=ratio)
    return _about(out, camera)


def plan(scene: Path, out: Path, *, say: Say) -> None:
    """Draw a scene's set from above; raises as `export`."""
    from cinemotion import set_plan

    _png(out)
    film = _load(scene, say)
    shots = shots_of(film.camera, film.shots, files_of(film))
    set_plan.draw(out, film.title, film.performances, film.stage, film.camera, shots)


def storyboard(scene: Path, out: Path, *, device: int | None = None, quiet: bool = True, say: Say) -> None:
    """Draw a scene's storyboard; raises as `export`, and `MissingSystem` without OpenGL."""
    from cinemotion import storyboard as board
    from cinemotion.progress import Progress

    _png(out)
    film = _load(scene, say)
    with Progress("drawing", board.count(film), quiet=quiet) as progress:
        board.draw(film, out, reasons=reasons_of(film), device=device, on_frame=progress.step)


def edit_of(film: Film, reasons: Reasons | None = None) -> otio_cuts.Edit:
    """A film's cuts as an edit.

    Args:
        film: worked out.
        reasons: lines that say why a shot is as it is, by its place in ``film.shots``; for others, what was asked for.
    """
    shots = []
    for shot in shots_of(film.camera, film.shots, files_of(film)):
        ask = shot.asked
        asked = {
            "size": ask.size, "angle": ask.angle, "view": ask.view, "move": ask.move, "director": ask.director,
        }  # fmt: skip
        about = {
            **({"camera": shot.file} if shot.file else asked), "of": list(ask.of), "lens_mm": list(shot.lens_mm),
        }  # fmt: skip
        why = "\n".join(shot.why(reasons))
        shots.append(otio_cuts.EditShot(f"{shot.number} {shot.title}", shot.first, shot.stop, shot.title, why, about))
    return otio_cuts.Edit(film.fps, tuple(shots), film.title)


def _load(scene: Path, say: Say) -> Film:
    from cinemotion.resolve import load
    from cinemotion.source import read

    film, report = load(read(scene))
    for problem in report.sorted:
        say(str(problem))
    return film


def _checked(out: Path) -> bool:
    """Whether a place is for an edit; fails now, not after the scene is worked out."""
    suffix = out.suffix.lower()
    if suffix not in (*files.SUFFIXES, *otio_cuts.SUFFIXES):
        raise BadInput(f"{out}: {unknown('camera suffix', suffix, (*files.SUFFIXES, *otio_cuts.SUFFIXES))}")
    cuts = suffix in otio_cuts.SUFFIXES
    (otio_cuts if cuts else files).check(out)
    return cuts


def _png(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a picture is written to a .png file")


def _aspect(text: str | None) -> float:
    if text is None:
        return 16 / 9
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:[:/x]\s*(\d+(?:\.\d+)?))?\s*", text)
    value = 0.0 if match is None or float(match[2] or 1) == 0 else float(match[1]) / float(match[2] or 1)
    if not 0.01 <= value <= 100:
        raise BadInput(f"--aspect '{text}', expected width and height of the picture, such as 16:9 or 1.85")
    return value


def _about(out: Path, camera: CameraPath) -> str:
    shots = int(camera.cuts[1:].sum()) + 1
    low, high = (f"{v:.4g}" for v in (camera.focal_mm.min(), camera.focal_mm.max()))
    lens = low if low == high else f"{low} to {high}"
    seconds = float(camera.frames / camera.fps)
    return (
        f"{out}: {camera.frames} frames at {float(camera.fps):.5g} fps, {seconds:.2f} s, "
        f"{shots} shot{'s' if shots != 1 else ''}, {lens} mm"
    )
