"""The structure of a scene: pydantic's errors as problems with a place and words of our own; `Report` collects them."""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from cinemotion.scene import TAGS, Scene
from cinemotion.source import Loc, Problem, SceneError, Source, kind_of
from motion.errors import did_you_mean


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
    return tuple(part for part in loc if part not in ("[key]", *TAGS))


def _without(data: Any, errors: list[Any], report: Report) -> Any:
    """A copy of the data in which the values with errors are missing."""
    data = copy.deepcopy(data)
    gone: dict[str, set[int]] = {}
    for error in errors:
        loc = _place(error["loc"])
        section = str(loc[0]) if loc else ""
        if section == "schema":
            data["schema"] = 1
        elif (
            section in ("timeline", "shots")
            and len(loc) >= 2
            and isinstance(loc[1], int)
            and (error["type"] == "missing" or len(loc) == 2)
        ):
            gone.setdefault(section, set()).add(int(loc[1]))
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
    if loc == ("shots",) and kind == "list_type":
        return f"expected a list of shots, or {{director: auto}}, got {got}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {got}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        meaning = _meaning_of(loc)
        return f"expected {words} {context[name]:g}{f' ({meaning})' if meaning else ''}, got {got}"
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
        if isinstance(part, int):
            annotation = next((b for b in _branches(annotation) if typing.get_origin(b) is list), annotation)
            continue
        annotation = _mapping(annotation)
        model = _model_in(annotation)
        if typing.get_origin(annotation) is dict or model is None:
            annotation = model or annotation
            continue
        fields = {(f.alias or name): f for name, f in model.model_fields.items()}
        if part not in fields:
            return None, None
        annotation = fields[part].annotation
    annotation = _mapping(annotation)
    return annotation, _model_in(annotation)


def _branches(annotation: Any) -> list[Any]:
    """What a union allows, without pydantic's notes."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [inner for branch in typing.get_args(annotation) for inner in _branches(branch)]
    return [typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation]


def _mapping(annotation: Any) -> Any:
    """The section that a union allows to be written as a mapping, where it allows one."""
    models = [b for b in _branches(annotation) if isinstance(b, type) and issubclass(b, BaseModel)]
    return models[0] if models else annotation


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


def _meaning_of(loc: Loc) -> str:
    """What the schema says about a key: its unit, mostly."""
    _, model = _walk(loc[:-1])
    fields = {f.alias or name: f for name, f in model.model_fields.items()} if model else {}
    return (fields[str(loc[-1])].description or "") if loc and str(loc[-1]) in fields else ""


def _count_of(loc: Loc) -> str:
    annotation, _ = _walk(loc[:-1])
    inner = [annotation, *typing.get_args(annotation)]
    found = [a for a in inner if typing.get_origin(a) is tuple]
    return str(len(typing.get_args(found[0]))) if found else "more"
