"""The scene's `style`: its keys, their check, and the `render.style.Style` that they make.

A look's own settings stand beside it, so the keys and their bounds come from the looks themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, create_model

from cinemotion.scene_fields import Word
from cinemotion.source import Loc
from motion.errors import BadInput, did_you_mean
from render.style.settings import LOOKS, OTHERS, SKY, Example, Style, make_style

if TYPE_CHECKING:
    from cinemotion.structure import Report

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
#: Settings that have another key in a scene, or a place of their own.
_RENAMED = {"painting", "frame"}


class _Keys(BaseModel):
    """What every look takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "look"}, description="toon, pencil, watercolour, clay, example"
    )
    example: Word | None = Field(default=None, description="an image: one frame of the film, painted over")
    frame: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="the frame of the film that `example` was painted over; left out: 0"
    )
    strength: dict[Word, Share] | Share = Field(
        default={}, description="0 to 1, of everything or by performer, prop, ground, sky, others"
    )


def _settings() -> dict[str, Any]:
    """A key for every setting of every look, with the widest bounds that any look gives it."""
    found: dict[str, Any] = {}
    bounds: dict[str, list[tuple[float, float]]] = {}
    owners: dict[str, list[str]] = {}
    whole: dict[str, bool] = {}
    for name, kind in LOOKS.items():
        for one in dataclasses.fields(kind):
            if one.name in _RENAMED:
                continue
            owners.setdefault(one.name, []).append(name)
            if "low" not in one.metadata:
                found[one.name] = (StrictBool | None, Field(default=None, description=f"of {name}"))
                continue
            bounds.setdefault(one.name, []).append((one.metadata["low"], one.metadata["high"]))
            whole[one.name] = isinstance(one.default, int)
    for name, ranges in bounds.items():
        low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
        of = int if whole[name] else float
        kind_of = Annotated[of, Field(strict=True, ge=low, le=high)]  # type: ignore[valid-type]
        words = f"of {', '.join(owners[name])}"
        found[name] = (kind_of | None, Field(default=None, description=words))
    return found


StyleSpec: Any = create_model("StyleSpec", __base__=_Keys, __doc__="A drawn look.", **_settings())


def as_style(value: Any) -> Any:
    """A style may be its look's name alone."""
    return {"look": value} if isinstance(value, str) else value


def styled(
    spec: Any,
    seed: int,
    names: Sequence[str],
    frames: int,
    find: Callable[[str], Path],
    report: Report,
) -> Style | None:
    """The style that a scene asks for, or None where it asks for none or for one that cannot be.

    Args:
        spec: the scene's ``style``.
        seed: the film's.
        names: of performers and props.
        frames: of the film.
        find: an existing file by the name that the scene gives it; raises `BadInput`.
        report: takes a place in the scene and what is wrong there.
    """
    if spec is None:
        return None
    if (spec.look is None) == (spec.example is None) and not (spec.look == "example" and spec.example):
        report(("style",), "expected a `look`, or an `example` to go by")
        return None
    look = spec.look or "example"
    if look not in LOOKS:
        at: Loc = ("style", "look") if ("style", "look") in report.source.values else ("style",)
        report(at, f"unknown look '{look}'{did_you_mean(look, LOOKS)}")
        return None
    own = {one.name for one in dataclasses.fields(LOOKS[look])}
    settings = {
        key: getattr(spec, key)
        for key in type(spec).model_fields
        if key not in ("look", "example", "frame", "strength") and getattr(spec, key) is not None
    }
    for key in settings:
        if key not in own:
            report(("style", key), f"no setting of the look '{look}'{did_you_mean(key, own - _RENAMED)}", key=True)
    strength = spec.strength if isinstance(spec.strength, dict) else {OTHERS: spec.strength}
    known = (*names, "ground", SKY, OTHERS)
    for name in strength:
        if name not in known:
            report(("style", "strength", name), f"nothing is called '{name}'{did_you_mean(name, known)}", key=True)
    if look == "example":
        if spec.example is None:
            report(("style", "look"), "the look `example` needs a painted frame: `example: painted.png`")
            return None
        if (spec.frame or 0) >= frames:
            report(("style", "frame"), f"the film has {frames} frames, 0 to {frames - 1}")
        settings |= {"frame": spec.frame or 0}
        try:
            settings["painting"] = str(find(spec.example))
        except BadInput as error:
            report(("style", "example"), str(error))
            return None
    elif spec.frame is not None:
        report(("style", "frame"), "only an `example` is painted over a frame")
    if any(key not in own for key in settings):
        return None
    try:
        return make_style(look, strength, seed, **settings)
    except BadInput as error:
        report(("style",), str(error))
        return None


def without_place(style: Style | None) -> Style | None:
    """A style for a digest: its painting by name, since what it shows is digested as an input."""
    if style is None or not isinstance(style.look, Example):
        return style
    return replace(style, look=replace(style.look, painting=Path(style.look.painting).name))


def looks_beyond(style: Style | None) -> bool:
    """Whether a frame's picture needs other frames: the painted one, or a pose that is held."""
    return style is not None and (isinstance(style.look, Example) or getattr(style.look, "every", 1) > 1)
