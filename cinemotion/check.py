"""Every problem of a scene at once, each with its line and column: structure, words, names and files.

What needs the captures (times, overlaps, clips that end early) is found by `cinemotion.resolve`, which reports into
the same `Report`.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cinemotion import vocabulary
from cinemotion.scene import MaterialSpec, Scene
from cinemotion.source import Loc, Problem, SceneError, Source, kind_of
from motion.errors import BadInput, did_you_mean

#: Pixels a side. Below, nothing can be seen; above, graphics drivers end.
MIN_SIDE, MAX_SIDE = 16, 8192


class Report:
    """Collects problems of one scene; each is kept once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._kept: dict[str, list[int]] = {}  # lists from which broken items were left out: the items that stayed

    def __call__(self, loc: Loc, message: str, *, key: bool = False, severity: str = "error") -> None:
        if len(loc) > 1 and loc[0] in self._kept and isinstance(loc[1], int):
            loc = (loc[0], self._kept[str(loc[0])][loc[1]], *loc[2:])
        problem = self.source.problem(loc, " ".join(message.split()), key=key, severity=severity)
        if problem not in self.problems:
            self.problems.append(problem)

    def leave_out(self, section: str, items: Iterable[int], count: int) -> None:
        gone = set(items)
        before = self._kept.get(section, list(range(count)))
        self._kept[section] = [k for i, k in enumerate(before) if i not in gone]

    def line(self, loc: Loc) -> int:
        return self.source.mark(loc).line

    @property
    def sorted(self) -> list[Problem]:
        return sorted(self.problems, key=lambda p: (p.line, p.column, p.path))

    @property
    def errors(self) -> list[Problem]:
        return [p for p in self.sorted if p.severity == "error"]

    def raise_if_wrong(self) -> None:
        if self.errors:
            raise SceneError(self.sorted)


def validate(source: Source, report: Report) -> tuple[Scene | None, set[str]]:
    """The scene, as far as its structure allows, and the sections in which it does not.

    Broken values are left out and the rest is validated again, so that names can be checked beside them.
    """
    data: Any = source.data
    broken: set[str] = set()
    for _ in range(4):
        try:
            return Scene.model_validate(data), broken
        except ValidationError as failure:
            errors = failure.errors(include_url=False)
        for error in errors:
            loc = _place(error["loc"])
            if not broken or error["type"] not in ("missing", "too_short"):
                report(
                    loc, _words(error, loc), key=error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
                )
        broken |= {str(e["loc"][0]) if e["loc"] else "" for e in errors}
        data = _without(data, errors, report)
    return None, broken


def _place(loc: tuple[Any, ...]) -> Loc:
    return tuple(part for part in loc if part != "[key]")


def _without(data: Any, errors: list[Any], report: Report) -> Any:
    """A copy of the data in which the values with errors are missing."""
    import copy

    data = copy.deepcopy(data)
    gone: dict[str, set[int]] = {}
    for error in errors:
        loc = _place(error["loc"])
        section = str(loc[0]) if loc else ""
        if section == "schema":
            data["schema"] = 1
        elif section in ("timeline", "shots") and len(loc) >= 2 and (error["type"] == "missing" or len(loc) == 2):
            gone.setdefault(section, set()).add(loc[1])
        else:
            depth = 3 if section in ("timeline", "shots", "cast") else 2
            _drop(data, loc if error["type"] != "missing" and len(loc) <= depth else loc[:depth])
    for section, items in gone.items():
        report.leave_out(section, items, len(data[section]))
        data[section] = [item for i, item in enumerate(data[section]) if i not in items]
    return data


def _drop(data: Any, loc: Loc) -> None:
    for part in loc[:-1]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return
    if loc and isinstance(data, dict):
        data.pop(loc[-1], None)


# ---- words for pydantic's errors


def _words(error: Any, loc: Loc) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    got = kind_of(value)
    if error["loc"][-1:] == ("[key]",):
        return f"a name must be letters, digits and underscores, got {got}"
    if kind == "missing":
        if loc and isinstance(loc[-1], int):
            return f"expected {_count_of(loc)} values, got {loc[-1]}"
        note = {"schema": " (this version reads `schema: 1`)"}.get(str(loc[-1]), "")
        return f"missing key '{loc[-1]}'{note}"
    if kind == "extra_forbidden":
        known = _keys_at(loc[:-1])
        return f"unknown key '{loc[-1]}'{did_you_mean(str(loc[-1]), known)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        note = " (written for a newer Cinemotion?)" if loc == ("schema",) else ""
        return f"expected {context['expected']}, got {got}{note}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {got}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"expected {words} {context[name]:g}, got {got}"
    if kind == "too_short":
        return f"expected at least {context['min_length']}, got {got}"
    if kind == "too_long":
        return f"expected at most {context['max_length']} values, got {got}"
    if kind == "string_pattern_mismatch":
        return f"expected a name of letters, digits and underscores, got {got}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, got {got}"


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "string_too_short": "some text",
    "string_too_long": "shorter text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (name: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _walk(loc: Loc) -> tuple[Any, type[BaseModel] | None]:
    """The annotation at a place of the schema, and the model inside it."""
    annotation: Any = Scene
    for part in loc:
        model = _model_in(annotation)
        if isinstance(part, int):
            continue
        if typing.get_origin(annotation) is dict or model is None:
            annotation = model or annotation
            continue
        fields = {(f.alias or name): f for name, f in model.model_fields.items()}
        if part not in fields:
            return None, None
        annotation = fields[part].annotation
    return annotation, _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _keys_at(loc: Loc) -> list[str]:
    _, model = _walk(loc)
    return [f.alias or name for name, f in model.model_fields.items()] if model else []


def _count_of(loc: Loc) -> str:
    annotation, _ = _walk(loc[:-1])
    inner = [annotation, *typing.get_args(annotation)]
    found = [a for a in inner if typing.get_origin(a) is tuple]
    return str(len(typing.get_args(found[0]))) if found else "more"


# ---- names, words and files


def check_names(scene: Scene, report: Report) -> None:
    """Actors, props, vocabularies, sizes: all that can be said without opening another file."""
    word = _WordCheck(report)
    _check_picture(scene, report)
    for name, actor in scene.cast.items():
        loc: Loc = ("cast", name)
        for key in ("build", "age", "presentation", "skin", "hair"):
            word(key, getattr(actor.body, key), (*loc, "body", key))
        word("outfit", actor.outfit, (*loc, "outfit"))
        _check_facing(scene, report, actor.facing, (*loc, "facing"), name)
        if not any(e.actor == name for e in scene.timeline):
            report(loc, f"'{name}' has nothing to do: no entry of the timeline names this actor", key=True)
    _check_stage(scene, report, word)
    _check_entries(scene, report)
    for k, shot in enumerate(scene.shots):
        loc = ("shots", k)
        for key in ("size", "angle", "view", "move", "position", "director"):
            word(key, getattr(shot, key), (*loc, key))
        for key in shot.options:
            word("option", key, (*loc, "options", key))
        for n, name in enumerate(shot.of):
            place = (*loc, "of", n) if (*loc, "of", n) in report.source.values else (*loc, "of")
            _check_actor(scene, report, name, place)
        if shot.for_ is not None and shot.until is not None:
            report((*loc, "until"), "give `for` or `until`, not both", key=True)
    output = scene.output
    for key in ("codec", "tone_map", "pass_format"):
        word(key, getattr(output, key), ("output", key))
    for key in ("passes", "control"):
        for n, name in enumerate(getattr(output, key)):
            place = ("output", key, n) if ("output", key, n) in report.source.values else ("output", key)
            word("pass" if key == "passes" else "control", name, place)


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


def _check_entries(scene: Scene, report: Report) -> None:
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
            words = "text actions need the motion prior, which this version does not have; give a `clip`"
            report((*loc, "do"), words, key=True)
        elif entry.clip is None:
            report(loc, "missing key 'clip': a motion file, or pybullet:NAME")
        if entry.for_ is not None and entry.until is not None:
            report((*loc, "until"), "give `for` or `until`, not both", key=True)
        said = [n for n, v in (("at", entry.at), ("after", entry.after), ("with", entry.with_)) if v is not None]
        if len(said) > 1:
            report((*loc, said[1]), f"give one of `at`, `after` and `with`, not {' and '.join(said)}", key=True)
        for name in ("after", "with"):
            value = entry.after if name == "after" else entry.with_
            if value is not None and value.anchor is None:
                report((*loc, name), f"expected an entry's id, got {value}; for a time, say `at`")


def check_files(scene: Scene, report: Report) -> None:
    """Files that the scene names: there, and where they may be."""
    folder = report.source.folder
    for i, entry in enumerate(scene.timeline):
        if entry.clip is not None:
            try:
                clip_path(folder, entry.clip)
            except BadInput as error:
                report(("timeline", i, "clip"), str(error))
    from motion.props import is_file

    for name, actor in scene.cast.items():
        _check_file(report, actor.body.model, ("cast", name, "body", "model"))
    for k, prop in enumerate(scene.stage.props):
        if is_file(prop.shape):
            _check_file(report, prop.shape, ("stage", "props", k, "shape"))
    _check_file(report, scene.stage.plate, ("stage", "plate"))
    _check_output(scene, report)


def _check_file(report: Report, name: str | None, loc: Loc) -> None:
    if name is not None:
        try:
            existing(report.source.folder, name)
        except BadInput as error:
            report(loc, str(error))


def existing(folder: Path, name: str) -> Path:
    """A file that a scene names, relative to the scene's folder.

    Raises:
        BadInput: it is not there.
    """
    if "\0" in name:
        raise BadInput(f"{name!r} is not a file name")
    path = folder / Path(name).expanduser()
    try:
        if path.is_dir():
            raise BadInput(f"'{name}' is a folder, expected a file")
        if not path.is_file():
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = did_you_mean(path.name, beside) if beside else ""
            raise BadInput(f"no such file '{name}'{hint if 'did you mean' in hint else ''}")
    except OSError as error:
        raise BadInput(f"'{name}' cannot be read ({error.strerror or error})") from None
    return path


PYBULLET = "pybullet:"


def clip_path(folder: Path, clip: str) -> Path:
    """The file of an entry's ``clip``: a path from the scene's folder, or ``pybullet:NAME``.

    Raises:
        BadInput: no such file or capture.
    """
    if not clip.startswith(PYBULLET):
        return existing(folder, clip)
    from mocap_data.deepmimic import bundled

    captures = {stem.removeprefix("humanoid3d_"): path for stem, path in bundled().items()}
    if not captures:
        raise BadInput(f"'{clip}' needs the captures in the pybullet wheel: pip install pybullet")
    name = clip.removeprefix(PYBULLET).removesuffix(".txt").removeprefix("humanoid3d_")
    if name not in captures:
        raise BadInput(f"unknown capture '{clip}'{did_you_mean(name, captures)}")
    return captures[name]


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
    codec_for(path, scene.output.codec if scene.output.codec in vocabulary.words("codec") else None)
    return source.folder / path.relative_to(home)


def _suffix(codec: str | None) -> str:
    return {"lossless": "mkv", "prores": "mov"}.get(codec or "", "mp4")


def _check_output(scene: Scene, report: Report) -> None:
    try:
        output_path(scene, report.source)
    except BadInput as error:
        where = report.source.label
        report(
            ("output", "video"), str(error).replace(str(report.source.folder.resolve()) + "/", "").replace(where, "")
        )
