"""Names, words and files of a scene: what can be said without reading a capture, each with its line and column.

What needs the captures (times, overlaps, clips that end early) is found by `cinemotion.resolve`, which reports into
the same `Report`.
"""

from __future__ import annotations

from pathlib import Path

from cinemotion import acting, vocabulary
from cinemotion.check_shots import check_shots
from cinemotion.scene import Entry, MaterialSpec, Scene
from cinemotion.source import Loc, Source
from cinemotion.structure import Report
from motion.errors import BadInput, CinemotionError, did_you_mean, unknown
from motion.prior.weights import Card

#: Pixels a side. Below, nothing can be seen; above, graphics drivers end.
MIN_SIDE, MAX_SIDE = 16, 8192


def check_names(scene: Scene, report: Report) -> None:
    """Actors, props, vocabularies, sizes: all that can be said without opening another file."""
    word = _WordCheck(report)
    _check_picture(scene, report)
    if scene.physics is not None:
        word("feet", scene.physics.feet, ("physics", "feet"))
    for name, actor in scene.cast.items():
        loc: Loc = ("cast", name)
        for key in ("build", "age", "presentation", "skin", "hair", "gender"):
            word(key, getattr(actor.body, key), (*loc, "body", key))
        word("outfit", actor.outfit, (*loc, "outfit"))
        word("style", actor.style, (*loc, "style"))
        if actor.physics is not None:
            word("feet", actor.physics.feet, (*loc, "physics", "feet"))
            if isinstance(actor.physics.plants, list):
                for k, row in enumerate(actor.physics.plants):
                    word("part", row.part, (*loc, "physics", "plants", k, "part"))
        _check_facing(scene, report, actor.facing, (*loc, "facing"), name)
        if not any(e.actor == name for e in scene.timeline):
            report(loc, f"'{name}' has nothing to do: no entry of the timeline names this actor", key=True)
    _check_stage(scene, report, word)
    _check_entries(scene, report, word)
    check_shots(scene, report, word)
    output = scene.output
    for key in ("codec", "tone_map", "pass_format", "renderer"):
        word(key, getattr(output, key), ("output", key))
    for key in ("passes", "control", "debug"):
        for n, name in enumerate(getattr(output, key)):
            word("pass" if key == "passes" else key, name, _item(report, ("output", key), n))


def _item(report: Report, loc: Loc, n: int) -> Loc:
    """The place of a list's item, or of the list where it was written as one text."""
    return (*loc, n) if (*loc, n) in report.source.values else loc


class _WordCheck:
    def __init__(self, report: Report) -> None:
        self._report = report

    def __call__(self, vocabulary_name: str, value: str | None, loc: Loc) -> None:
        trouble = vocabulary.trouble(vocabulary_name, value)
        if trouble:
            self._report(loc, trouble)


def _check_picture(scene: Scene, report: Report) -> None:
    width, height = scene.size
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        report(("size",), f"{width} x {height} pixels, expected {MIN_SIDE} to {MAX_SIDE} a side")
    shutter = scene.output.shutter
    if shutter is not None and not 0 <= shutter <= 6.2832:
        report(("output", "shutter"), "expected an angle from 0 to 360deg")


def _check_actor(scene: Scene, report: Report, name: str, loc: Loc) -> None:
    if name not in scene.cast:
        report(loc, f"unknown actor '{name}'{did_you_mean(name, scene.cast)}")


def _check_facing(scene: Scene, report: Report, facing: float | str | None, loc: Loc, who: str) -> None:
    if isinstance(facing, str):
        if facing == who:
            report(loc, f"'{who}' cannot face '{who}'")
        else:
            _check_actor(scene, report, facing, loc)


def _check_stage(scene: Scene, report: Report, word: _WordCheck) -> None:
    stage = scene.stage
    if stage.ground != "none":
        word("ground", stage.ground, ("stage", "ground"))
    word("light", stage.light, ("stage", "light"))
    seen: dict[str, int] = {}
    from motion.props import is_file

    for k, prop in enumerate(stage.props):
        loc: Loc = ("stage", "props", k)
        if not is_file(prop.shape):
            trouble = vocabulary.trouble("shape", prop.shape)
            if trouble:
                report((*loc, "shape"), f"{trouble} (or the path of a mesh file, such as chair.glb)")
        if isinstance(prop.material, MaterialSpec):
            name_loc = (*loc, "material", "name")
            named = name_loc in report.source.values
            word("material", prop.material.name, name_loc if named else (*loc, "material"))
            word("pattern", prop.material.pattern, (*loc, "material", "pattern"))
        if prop.name is not None:
            if prop.name in scene.cast:
                report((*loc, "name"), f"'{prop.name}' is an actor's name already")
            if prop.name in seen:
                report((*loc, "name"), f"'{prop.name}' is the name of stage.props[{seen[prop.name]}] already")
            seen.setdefault(prop.name, k)
        for h, held in enumerate(prop.held):
            _check_actor(scene, report, held.by, (*loc, "held", h, "by"))
            word("joint", held.joint, (*loc, "held", h, "joint"))


#: Keys that cut and repeat a clip; an action in words lasts as long as it is told to.
_CLIPS_ONLY = {
    "in": "trims a clip; say with `for` how long",
    "out": "trims a clip; say with `for` how long",
    "speed": "re-times a clip; say it in words: slowly, fast",
    "repeat": "repeats a clip; say it in words: waves three times",
    "loop": "repeats a clip; an action lasts as long as `for` says",
    "mirror": "mirrors a clip; say it in words: with the left hand",
}


def _check_entries(scene: Scene, report: Report, word: _WordCheck) -> None:
    ids: dict[str, int] = {}
    for i, entry in enumerate(scene.timeline):
        loc: Loc = ("timeline", i)
        _check_actor(scene, report, entry.actor, (*loc, "actor"))
        _check_facing(scene, report, entry.facing, (*loc, "facing"), entry.actor)
        if entry.id is not None:
            if entry.id in ids:
                line = report.line(("timeline", ids[entry.id]))
                report((*loc, "id"), f"the id '{entry.id}' is taken by the entry on line {line}")
            ids.setdefault(entry.id, i)
        if entry.clip is not None and entry.do is not None:
            report((*loc, "do"), "give `clip` or `do`, not both", key=True)
        elif entry.do is not None:
            _check_words(entry, report, loc, word)
        elif entry.clip is None:
            report(loc, "missing key 'clip' (a motion file, or pybullet:NAME) or 'do' (an action in words)")
        elif entry.style is not None or entry.seed is not None:
            key = "style" if entry.style is not None else "seed"
            report((*loc, key), f"`{key}` is for actions in words (`do`); a clip is as it was captured", key=True)
        if entry.for_ is not None and entry.until is not None:
            report((*loc, "until"), "give `for` or `until`, not both", key=True)
        said = [n for n, v in (("at", entry.at), ("after", entry.after), ("with", entry.with_)) if v is not None]
        if len(said) > 1:
            report((*loc, said[1]), f"give one of `at`, `after` and `with`, not {' and '.join(said)}", key=True)
        for name in ("after", "with"):
            value = entry.after if name == "after" else entry.with_
            if value is not None and value.anchor is None:
                report((*loc, name), f"expected an entry's id, got {value}; for a time, say `at`")


def _check_words(entry: Entry, report: Report, loc: Loc, word: _WordCheck) -> None:
    """An action in words: known ones, and no keys that only clips have."""
    assert entry.do is not None
    for key, why in _CLIPS_ONLY.items():
        if (*loc, key) in report.source.keys:
            report((*loc, key), f"`{key}` {why}", key=True)
    word("style", entry.style, (*loc, "style"))
    for trouble in acting.troubles(entry.do):
        report((*loc, "do"), trouble)


def weights_path(scene: Scene, folder: Path) -> Path:
    """The weights that act the scene's words: shipped or the user's own by name, or a file beside the scene.

    Raises:
        BadInput: there are none, or they cannot be used.
    """
    from motion.prior import weights

    name = scene.model
    if name.endswith(weights.SUFFIX):
        return weights.find(existing(folder, name), "prior")
    return weights.find(name, "prior")


def calibrator_path() -> Path:
    """The weights that ``physics: {learned: true}`` asks.

    Raises:
        BadInput: there are none, or they cannot be used.
    """
    from motion.prior import weights

    return weights.find("clean", "calibrator")


def _check_calibrator(scene: Scene, report: Report) -> None:
    asked: list[Loc] = [("physics",)] if scene.physics is not None and scene.physics.learned else []
    asked += [("cast", n, "physics") for n, a in scene.cast.items() if a.physics is not None and a.physics.learned]
    for loc in asked[:1]:
        try:
            calibrator_path()
        except BadInput as error:
            report((*loc, "learned"), str(error))


def _check_model(scene: Scene, report: Report) -> None:
    spoken = next((i for i, e in enumerate(scene.timeline) if e.do is not None), None)
    if spoken is None:
        return
    from motion.prior import weights

    try:
        card = weights.card_of(weights_path(scene, report.source.folder))
    except BadInput as error:
        given = ("model",) in report.source.values
        report(("model",) if given else ("timeline", spoken, "do"), str(error))
        return
    _check_known(scene, report, card)


def _check_known(scene: Scene, report: Report, card: Card) -> None:
    """Actions that the scene's weights were never shown, which they cannot act, and styles, which they leave out."""
    from motion.prior.understand import unseen, unseen_style

    for i, entry in enumerate(scene.timeline):
        if entry.do is None or acting.troubles(entry.do):
            continue
        plan, do = acting.understood(entry.do), ("timeline", i, "do")
        for trouble in unseen(plan, card):
            report(do, trouble)
        styles: list[tuple[str | None, Loc]] = [(a.label.style, do) for step in plan.steps for a in step]
        if entry.style is not None:
            styles.append((entry.style, ("timeline", i, "style")))
        elif entry.actor in scene.cast:
            styles.append((scene.cast[entry.actor].style, ("cast", entry.actor, "style")))
        for style, loc in styles:
            if style and vocabulary.trouble("style", style) is None and (trouble := unseen_style(style, card)):
                report(loc, trouble, severity="warning")


def check_files(scene: Scene, report: Report) -> None:
    """Files that the scene names: there, and where they may be."""
    folder = report.source.folder
    for i, entry in enumerate(scene.timeline):
        if entry.clip is not None:
            try:
                clip_path(folder, entry.clip)
            except CinemotionError as error:
                report(("timeline", i, "clip"), str(error))
    for k, shot in enumerate(scene.listed):
        if shot.camera is not None:
            try:
                camera_file(folder, shot.camera)
            except CinemotionError as error:
                report(("shots", k, "camera"), str(error))
    _check_file(report, scene.music, ("music",))
    _check_model(scene, report)
    _check_calibrator(scene, report)
    from motion.props import is_file

    for name, actor in scene.cast.items():
        _check_file(report, actor.body.model, ("cast", name, "body", "model"), folders=True)
        if actor.physics is not None and isinstance(actor.physics.plants, str):
            _check_file(report, actor.physics.plants, ("cast", name, "physics", "plants"))
    for k, prop in enumerate(scene.stage.props):
        if is_file(prop.shape):
            _check_file(report, prop.shape, ("stage", "props", k, "shape"))
    _check_file(report, scene.stage.plate, ("stage", "plate"))
    _check_output(scene, report)


def _check_file(report: Report, name: str | None, loc: Loc, folders: bool = False) -> None:
    if name is not None:
        try:
            existing(report.source.folder, name, folders)
        except BadInput as error:
            report(loc, str(error))


def existing(folder: Path, name: str, folders: bool = False) -> Path:
    """A file (or, where allowed, a folder) that a scene names, relative to the scene's folder.

    Raises:
        BadInput: it is not there.
    """
    if "\0" in name:
        raise BadInput(f"{name!r} is not a file name")
    path = folder / Path(name).expanduser()
    try:
        if path.is_dir() and folders:
            return path
        if path.is_dir():
            raise BadInput(f"'{name}' is a folder, expected a file")
        if not path.is_file():
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = did_you_mean(path.name, beside) if beside else ""
            raise BadInput(f"no such file '{name}'{hint if 'did you mean' in hint else ''}")
    except OSError as error:
        raise BadInput(f"'{name}' cannot be read ({error.strerror or error})") from None
    return path


def clip_path(folder: Path, clip: str) -> Path:
    """The file of an entry's ``clip``: a path from the scene's folder, or ``pybullet:NAME``.

    Of a file that holds several motions, ``result.npy#3`` means the one with that number; so does what is returned.

    Raises:
        BadInput: no such file or capture.
        MissingSystem: the pybullet wheel is not installed.
    """
    from mocap_data import deepmimic, split_sample

    if clip.startswith(deepmimic.BUNDLED):
        return deepmimic.find_bundled(clip)
    _, sample = split_sample(str(folder / Path(clip).expanduser())) if "\0" not in clip else (clip, None)
    if sample is None:
        return existing(folder, clip)
    path = existing(folder, clip.rpartition("#")[0])
    return path.with_name(f"{path.name}#{sample}")


def camera_file(folder: Path, name: str) -> tuple[Path, str | None]:
    """The file of a shot's ``camera`` and, after ``#``, which camera of it.

    Raises:
        BadInput: no such file, or no format of cameras.
    """
    from render.interchange.camera import SUFFIXES

    file, camera = name, None
    if "#" in name and "\0" not in name and not (folder / name).is_file():
        file, _, camera = name.rpartition("#")
    path = existing(folder, file)
    if path.suffix.lower() not in SUFFIXES:
        raise unknown("camera format", path.suffix or path.name, SUFFIXES)
    return path, camera or None


def output_path(scene: Scene, source: Source) -> Path:
    """Where the scene says that its film goes; inside the scene's folder, whatever the path says.

    Raises:
        BadInput: the path leaves the scene's folder, or its suffix does not fit the codec.
    """
    from render.video import codec_for

    name = scene.output.video or f"{source.path.stem}.{_suffix(scene.output.codec)}"
    if "\0" in name:
        raise BadInput(f"{name!r} is not a file name")
    home = source.folder.resolve()
    path = (home / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(home) or path == home:
        raise BadInput(f"'{name}' leaves the scene's folder; a scene writes beside itself only (or give -o)")
    codec_for(name, scene.output.codec if scene.output.codec in vocabulary.words("codec") else None)
    return source.folder / path.relative_to(home)


def _suffix(codec: str | None) -> str:
    return {"lossless": "mkv", "prores": "mov"}.get(codec or "", "mp4")


def _check_output(scene: Scene, report: Report) -> None:
    try:
        output_path(scene, report.source)
    except BadInput as error:
        report(("output", "video"), str(error))
