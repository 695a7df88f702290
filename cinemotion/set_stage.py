"""The set of a scene: `set_stage` makes `motion.stage.Stage` from words, and checks that its files can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from cinemotion.check import existing
from cinemotion.scene import PropSpec, Scene
from cinemotion.source import Loc, Source
from cinemotion.structure import Report
from cinemotion.timeline import Timeline
from motion import rotations as rot
from motion.errors import BadInput
from motion.material import Material
from motion.stage import Attachment, Light, Prop, Stage

NoteFile = Callable[[str, str, Path], None]


def set_stage(source: Source, scene: Scene, timeline: Timeline, report: Report, note_file: NoteFile) -> Stage | None:
    """The scene's stage; None when something of it is wrong, which has been reported.

    Args:
        source: the scene's file; relative paths start at its folder.
        scene: a valid scene.
        timeline: props are held from and to its moments.
        report: takes problems.
        note_file: is told role, name and path of every file that the set is made from.
    """
    spec, folder = scene.stage, source.folder
    props = []
    before = len(report.errors)
    wrong = {p.path for p in report.errors}
    for k, prop in enumerate(spec.props):
        if any(path.startswith(f"stage.props[{k}]") for path in wrong):
            continue
        try:
            props.append(_prop(k, prop, folder, timeline, report, note_file))
        except BadInput as error:
            report(("stage", "props", k), str(error))
    plate = None
    if spec.plate is not None:
        try:
            path = existing(folder, spec.plate)
            note_file("plate", spec.plate, path)
            plate = str(path)
        except BadInput:
            return None
        if trouble := _not_an_image(path):
            report(("stage", "plate"), f"{spec.plate}: {trouble}")
    lights = tuple(
        Light(
            lamp.kind,
            np.array(lamp.at),
            lamp.color,
            lamp.intensity,
            None if lamp.target is None else np.array(lamp.target),
            lamp.angle,
        )
        for lamp in spec.lights
    )
    ground = None if spec.ground == "none" else spec.ground
    stage = Stage(ground, spec.light, spec.sun.azimuth, spec.sun.elevation, tuple(props), lights, plate)
    return stage if len(report.errors) == before else None


def _prop(k: int, spec: PropSpec, folder: Path, timeline: Timeline, report: Report, note_file: NoteFile) -> Prop:
    from motion.props import is_file, mesh, usual_size

    shape = spec.shape
    if is_file(shape):
        path = existing(folder, shape)
        note_file("prop", shape, path)
        shape = str(path)
    holds = []
    for h, held in enumerate(spec.held):
        loc: Loc = ("stage", "props", k, "held", h)
        begin = Fraction(0) if held.from_ is None else timeline.moment(held.from_, (*loc, "from"))
        end = None if held.to is None else timeline.moment(held.to, (*loc, "to"))
        if begin is not None and end is not None and end <= begin:
            report((*loc, "to"), f"{float(end):g} s is not after `from`, {float(begin):g} s")
        holds.append(Attachment(held.by, held.joint, float(begin or 0), None if end is None else float(end)))
    x, y, z = (spec.at[0], 0.0, spec.at[1]) if len(spec.at) == 2 else spec.at
    prop = Prop(
        spec.name or f"{Path(spec.shape).stem}_{k + 1}",
        shape,
        spec.size or usual_size(shape),
        np.array([x, y, z], dtype=np.float64),
        rot.yaw(spec.turn),
        _material(spec),
        tuple(holds),
    )
    mesh(prop)  # a mesh file that cannot be read is a problem of the scene
    return prop


def _not_an_image(path: Path) -> str | None:
    """Why a file cannot be a plate, or None when it can."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return "the image is too large for a plate"
    except (OSError, ValueError, SyntaxError) as error:
        return f"not an image that can be read ({type(error).__name__})"
    return None


def _material(spec: PropSpec) -> Material | None:
    """The prop's surface; None leaves what the shape or the file has."""
    from motion.props import MATERIALS

    given = spec.material
    if given is None and spec.color is None:
        return None
    base = MATERIALS[given.name] if given is not None and given.name is not None else Material("paint", roughness=0.55)
    changes: dict[str, object] = {}
    if given is not None:
        said = {
            "colour": given.color,
            "colour2": given.color2,
            "roughness": given.roughness,
            "metallic": given.metallic,
            "pattern": given.pattern,
            "scale": given.scale,
        }
        changes = {k: v for k, v in said.items() if v is not None}
    if spec.color is not None:
        changes["colour"] = spec.color
    if "colour" in changes and "colour2" not in changes:
        changes["colour2"] = None
    return replace(base, **changes)  # type: ignore[arg-type]
