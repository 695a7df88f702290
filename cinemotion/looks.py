"""What draws a film's frames and how they become final ones: what the scene says, and the command line instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinemotion.film import Changes
from cinemotion.models import entry_of, entry_of_pipeline
from cinemotion.refining import Refining, foreign, ours
from cinemotion.scene import RefineSpec, Scene
from cinemotion.structure import Report
from motion.errors import BadInput, CinemotionError
from motion.prior import weights

#: Samples a pixel that a scene may ask the rasterizer for.
MOST_SAMPLES = 256


def renderer_of(scene: Scene, changes: Changes, report: Report) -> str:
    """What draws the frames, one of `cinemotion.film.RENDERERS`. A draft's are the rasterizer's.

    Raises:
        BadInput: the command line asks for what does not go together; of the scene that is reported.
    """
    asked = scene.output.renderer or "raster"
    renderer = "raster" if changes.draft else changes.renderer or asked
    if changes.draft and changes.renderer == "pathtrace":
        raise BadInput("--draft and --renderer pathtrace: drafts are the rasterizer's, expected one of the two")
    if changes.spp is not None and renderer != "pathtrace":
        raise BadInput("--spp without the path tracer: expected --renderer pathtrace, and no --draft")
    if renderer == "pathtrace" and (changes.refine or changes.refiner is not None):
        raise BadInput("frames of the path tracer are not refined: expected --renderer raster, or --no-refine")
    if asked == "pathtrace" and scene.output.refine:
        report(("output", "refine"), "frames of the path tracer are not refined; expected renderer: raster")
    if renderer == "raster" and not changes.draft and (scene.output.samples or 0) > MOST_SAMPLES:
        words = f"{scene.output.samples}: the rasterizer takes {MOST_SAMPLES} at most; more are for renderer: pathtrace"
        report(("output", "samples"), words)
    if renderer == "pathtrace" and scene.stage.plate is not None:
        report(("stage", "plate"), "the path tracer draws no plates; expected renderer: raster")
    return renderer


def refining_of(
    scene: Scene, folder: Path, changes: Changes, report: Report
) -> tuple[Refining | None, tuple[dict[str, Any], ...]]:
    """How the rasterizer's frames become final ones, and what does it among the models. A draft's frames never do.

    Raises:
        CinemotionError: the command line names a refiner that cannot be used; of the scene that is reported.
    """
    asked = scene.output.refine
    wanted = bool(asked) if changes.refine is None and changes.refiner is None else changes.refine is not False
    if not wanted or changes.draft:
        return None, ()
    spec = asked if isinstance(asked, RefineSpec) else RefineSpec()
    if changes.refiner is not None and spec.pipeline is not None:
        spec = RefineSpec()  # the scene's settings are another refiner's
    if misplaced := spec.misplaced():
        report(("output", "refine"), misplaced)
        return None, ()
    own: dict[str, Any] = {"steps": spec.steps or 1, "every": spec.every or 1, "faithful": bool(spec.faithful)}
    try:
        if changes.refiner is not None:
            given = Path(changes.refiner).expanduser()
            if (given / "model_index.json").is_file():
                return _foreign(given, {})
            refining, paths = ours(changes.refiner, **own)
        elif spec.pipeline is not None:
            said = spec.model_dump(exclude_none=True, exclude={"pipeline", "weights", "faithful", "every"})
            return _foreign(folder / spec.pipeline, said)
        else:
            beside = folder / (spec.weights or "base")
            name = str(beside) if beside.is_file() else spec.weights or "base"
            refining, paths = ours(name, **own)
    except CinemotionError as error:
        if changes.refiner is not None:
            raise
        report(("output", "refine"), str(error))
        return None, ()
    return refining, tuple(entry_of(weights.card_of(path), path) for path in paths)


def _foreign(folder: Path, options: dict[str, Any]) -> tuple[Refining, tuple[dict[str, Any], ...]]:
    refining = foreign(folder, options)
    return refining, (entry_of_pipeline(folder, refining.sha256),)
