"""One motion file to another: straight from skeleton to skeleton's file, or by SMPL where that is asked or needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from cinemotion import formats, values
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.take import Take

#: Metres per unit, for files that do not say.
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
#: The skeleton that `--retarget` knows by name; anything else is a motion file whose skeleton is taken.
SMPL = "smpl"


@dataclass(frozen=True)
class Options:
    """What `convert` may be asked for."""

    fps: str | None = None
    names: str | None = None  # joint names of the result: "mixamo", "unreal", …; goes by SMPL
    retarget: str | None = None  # "smpl", or a motion file whose skeleton the result shall have
    up: str | None = None  # of the source, when it does not say or says it wrongly
    units: str | None = None  # of the source
    start: str | None = None
    stop: str | None = None
    height: float | None = None
    build: str | None = None
    age: str | None = None
    presentation: str | None = None
    outfit: str | None = None
    model: str | None = None  # a user's own body file
    asf: str | None = None  # the skeleton of an .amc, when it is not found by name
    source_fps: str | None = None  # of the source, when the file says it wrongly
    sample: int | None = None  # which motion of a file that holds several, from 0
    weights: str | None = None  # of the tokenizer, for .tokens; None: base
    fault: str | None = None  # a kind of `physics.faults` to plant, or kind:seed


@dataclass(frozen=True)
class Converted:
    """What came of it, to be told."""

    take: Take
    notes: tuple[str, ...]
    by_smpl: bool
    frames: int
    fps: Fraction


def convert(source: str | Path, target: str | Path, options: Options | None = None) -> Converted:
    """Convert a motion file.

    Mocap to mocap keeps the skeleton as it is. It goes by SMPL-24 with ``names`` or ``retarget``, and where the target
    format holds one skeleton only. ``retarget`` may name a file: the motion is then brought onto that file's skeleton.
    A ``.glb`` or ``.gltf`` gets the dressed, skinned body.

    Raises:
        BadInput: a file, suffix or option is wrong, or no humanoid can be found where one is needed.
    """
    options = options or Options()
    target = Path(target)
    check_target(target, options)
    if options.weights is not None and formats.TOKENS not in (target.suffix.lower(), Path(source).suffix.lower()):
        raise BadInput(f"--model {options.weights}: names the weights of a tokenizer; neither file is {formats.TOKENS}")
    fault = None if options.fault is None else _fault(options.fault)
    take = read(str(source), options)
    if fault is not None:
        take = _spoiled(take, *fault)
    if target.suffix.lower() in formats.GLTF_SUFFIXES:
        return _to_gltf(take, target, options)
    if options.retarget not in (None, SMPL):
        return _onto(take, target, options)
    if options.names is not None or options.retarget is not None:
        return _by_smpl(take, target, options, ("asked for",))
    import mocap_data

    fps = _value("fps", values.rate, options.fps)
    take = take if fps is None else take.resample(fps)
    try:
        mocap_data.save(take, target, **_writing(target, options))
    except mocap_data.NeedsRetarget as needed:
        return _by_smpl(
            take, target, options, (f"by SMPL, because {target.suffix} holds that skeleton only: {needed}",)
        )
    return Converted(take, take.provenance.notes, False, take.frames, take.fps)


def _fault(text: str) -> tuple[str, int]:
    """Kind and seed of ``float`` or ``float:3``."""
    from physics import faults

    kind, _, seed = text.partition(":")
    if kind not in faults.KINDS:
        raise BadInput(f"--fault: {unknown('kind of fault', kind, faults.KINDS)}")
    if seed and not (seed.isdigit() and len(seed) < 10):
        raise BadInput(f"--fault {text}: expected a whole number after the colon, such as {kind}:3")
    return kind, int(seed or 0)


def _spoiled(take: Take, kind: str, seed: int) -> Take:
    """A capture with a fault planted, on its own skeleton."""
    from motion.retarget import retarget
    from motion.retarget.changed import changed
    from physics import faults

    clip, _ = retarget(take, ground=False, lock_feet=False)
    bad, told = faults.plant(clip, kind, seed)
    result = changed(take, clip, bad)
    note = f"planted fault: {kind}, {told.size:.3g} {told.unit}" + (f", {told.detail}" if told.detail else "")
    return replace(result, provenance=take.provenance.noting(note))


def check_target(target: Path, options: Options) -> None:
    """Refuse what cannot be written; raises as `convert`."""
    suffix = target.suffix.lower()
    if suffix not in formats.writable():
        raise BadInput(f"{target}: {unknown('suffix to write', suffix or '(none)', formats.writable())}")
    if options.units is not None and options.units not in UNITS:
        raise unknown("unit", options.units, UNITS)
    if options.up is not None and options.up.upper() not in ("X", "Y", "Z"):
        raise unknown("up axis", options.up, ("X", "Y", "Z"))
    if options.retarget is not None and suffix in formats.GLTF_SUFFIXES:
        raise BadInput(f"{target}: --retarget is for skeletons without a body; a {suffix} holds the dressed body")
    if options.retarget not in (None, SMPL) and options.names is not None:
        raise BadInput(f"--names {options.names} and --retarget {options.retarget}: the file has its own joint names")


def _value(name: str, parse: Any, text: str | None) -> Any:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise BadInput(f"--{name}: {error}") from None


def read(source: str, options: Options) -> Take:
    """A capture as the options of reading say it is, cut to their span; raises as `convert`."""
    known = formats.options_of(source)
    take = formats.load(source, **_reading(source, options, known))
    if options.up is not None and "up" not in known:
        take = replace(take, up=options.up.upper())
    if options.units is not None and "units" not in known:
        take = replace(take, metres_per_unit=UNITS[options.units])
    start, stop = (_value(n, values.span, v) for n, v in (("start", options.start), ("stop", options.stop)))
    if start is not None or stop is not None:
        first = 0 if start is None else round(start.at(take.fps) * take.fps)
        last = take.frames if stop is None else round(stop.at(take.fps) * take.fps) + 1
        if not 0 <= first < min(last, take.frames):
            raise BadInput(f"{source}: frames {first} to {last - 1} of {take.frames}: nothing is left")
        take = take.slice(first, last)
    return take


def _reading(source: str, options: Options, known: frozenset[str]) -> dict[str, Any]:
    """What the source's reader, which knows these options, is told."""
    rate = _value("source-fps", values.rate, options.source_fps)
    told: dict[str, Any] = {"asf": options.asf, "fps": None if rate is None else float(rate), "sample": options.sample}
    told["model"] = options.weights if "model" in known else None
    if options.sample is not None and "sample" not in known:
        raise BadInput(f"--sample {options.sample}: {source} holds one motion")
    # Points become joints under their unit and up axis; elsewhere both can wait until the motion is read.
    if options.up is not None and "up" in known:
        told["up"] = options.up.upper()
    if options.units is not None and "units" in known:
        told["units"] = UNITS[options.units]
    return {name: value for name, value in told.items() if value is not None}


def _writing(target: Path, options: Options) -> dict[str, Any]:
    """What the target's writer is told."""
    given = options.weights is not None and target.suffix.lower() == formats.TOKENS
    return {"model": options.weights} if given else {}


def body_of(options: Options) -> Any:
    """The body that options describe."""
    from motion.body import Body

    if options.model is not None:
        return Body.from_smpl(options.model, **({} if options.outfit is None else {"outfit": options.outfit}))
    words = {name: getattr(options, name) for name in ("build", "age", "presentation", "outfit")}
    words["height_m"] = options.height
    return Body.default(**{k: v for k, v in words.items() if v is not None})


def _clip(take: Take, options: Options, rest_offsets: Any) -> tuple[Clip, tuple[str, ...]]:
    from motion import edit
    from motion.retarget import retarget

    as_is = options.fault is not None  # what was planted is not to be mended
    clip, report = retarget(take, rest_offsets=rest_offsets, ground=not as_is, lock_feet=not as_is)
    fps = _value("fps", values.rate, options.fps)
    if fps is not None:
        clip = edit.resample(clip, fps)
    return clip, (*told(report), *clip.provenance.notes)


def told(report: Any) -> tuple[str, ...]:
    """A retarget's report in a few lines: how the joints were found, what was assumed, which were invented."""
    whose = f" ({report.convention})" if report.convention else ""
    up = f"{report.up} up, {report.metres_per_unit:g} m a unit"
    return (
        f"{len(report.mapping)} of 24 joints found by {report.road}{whose}, confidence {report.confidence:.2f}",
        f"rest {report.rest}, {up}, floor at {report.floor_m:.3f} m, legs x {report.scale:.3f}",
    )


def _to_gltf(take: Take, target: Path, options: Options) -> Converted:
    from render.interchange import gltf

    body = body_of(options)
    clip, notes = _clip(take, options, body.rest_offsets)
    gltf.save(target, clip, body, names=options.names or "smpl")
    return Converted(take, notes, True, clip.frames, clip.fps)


def _onto(take: Take, target: Path, options: Options) -> Converted:
    """Onto the skeleton of another file: a character of the user's own."""
    import mocap_data
    from motion.retarget import onto

    assert options.retarget is not None
    try:
        skeleton = formats.load(options.retarget)
    except BadInput as error:
        raise BadInput(f"--retarget {options.retarget}: expected 'smpl' or a file with a skeleton; {error}") from None
    clip, notes = _clip(take, options, None)
    result = onto(clip, skeleton)
    mocap_data.save(result, target)
    why = f"onto the {result.joints} joints of {Path(options.retarget).name}"
    return Converted(result, (why, *notes), True, result.frames, result.fps)


def _by_smpl(take: Take, target: Path, options: Options, why: tuple[str, ...]) -> Converted:
    import mocap_data
    from motion.retarget import clip_to_take

    asked = any(getattr(options, n) is not None for n in ("height", "build", "age", "presentation", "model"))
    clip, notes = _clip(take, options, body_of(options).rest_offsets if asked else None)
    result = clip_to_take(clip, names=options.names or "smpl")
    mocap_data.save(result, target, **_writing(target, options))
    return Converted(result, (*why, *notes), True, result.frames, result.fps)
