"""`generate`: words, keys, paths, points and rough clips to motion; what animators, scenes and the command line call.

from motion.prior.constraints import GUIDED
from motion.prior.generate import generate
[result] = generate("walks forward, then waves with the left hand", seconds=6, seed=1)
result.clip, result.report
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.prior import edit, keyframes, parts, paths, points
from motion.prior.constraints import GUIDED
from motion.prior.make import make
from motion.prior.request import Keys, Path, Reach, Request, Result, WindowModel
from motion.prior.retrieve import Index
from motion.prior.understand import understand
from motion.text import STYLES, ActionPlan


def generate(
    text: str | ActionPlan = "",
    *,
    seconds: float | None = None,
    seed: int = 0,
    variations: int = 1,
    keys: Keys | str | os.PathLike[str] | Iterable[Keys] | None = None,
    path: Path | str | os.PathLike[str] | Any = None,
    reach: Iterable[Reach] | Reach | Any = (),
    base: Clip | None = None,
    keep: str | Iterable[str] | None = None,
    strength: float | None = None,
    extend: float | None = None,
    style: str | Clip | None = None,
    loop: bool = False,
    in_place: bool = False,
    retrieval: str = "auto",
    index: Index | None = None,
    exact: bool = True,
    foot_lock: bool = False,
    fps: Fraction | float | None = None,
    steps: int = 8,
    guidance: float = 2.5,
    constraint_guidance: float = GUIDED,
    anyway: bool = False,
    model: WindowModel | str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Make motion.

    Args:
        text: what the performer does, in English, or a plan of it. May be empty where keys, a path, points or a base
            say enough.
        seconds: length. None: what the words say, else what each action usually takes, and long enough for the last
            key. With ``base`` the length is the base's.
        seed: the same seed and the same request give the same motion.
        variations: how many results; number k is what seed ``seed + k`` gives.
        keys: poses at times, see `motion.prior.keyframes`: `Keys`, several of them, or an NPZ file.
        path: where to go, see `motion.prior.paths`: points ``(N, 2)`` x and z in metres, or a CSV file; without
            times, at the usual pace of what is done.
        reach: joints at points at times: `Reach`, or ``(joint, point, seconds)``.
        base: a clip to change or to extend; the result is on its skeleton, at its place and rate.
        keep: parts or joints of ``base`` that stay exactly as they are ("legs": the arms and trunk are made anew).
        strength: how much of ``base`` is made anew: 0 nothing, 1 all; 0.5 when nothing is kept and nothing is said.
        extend: seconds to add after ``base``; negative: before it.
        style: one of `motion.text.STYLES`, or a clip whose manner is carried on.
        loop: the last pose is the first one. Travel is kept, so that a walk walks on, unless ``in_place``.
        in_place: the travel is taken out and the sway stays.
        retrieval: "auto": where the words are close to a capture of ``index``, it is taken and in-painted to length,
            keys and path; "off"; "on": the nearest capture in any case.
        index: captures to retrieve from; None: there are none.
        exact: keys and points are bent in to the millimetre at the end; the report says by how much.
        foot_lock: feet that slide while they stand are held. Off by default: physics clean-up does it better.
        fps: rate of the result; None: the base's, else 30.
        steps: network evaluations of each stage.
        guidance: how much the words count; 1 plainly.
        constraint_guidance: the same for keys, path, points and kept parts; other than 1 takes half as long again.
        anyway: make motion even of words that were not understood, or that the weights never learned.
        model: makes windows: a `motion.prior.model.Prior`, weights by name or file; None: the shipped ones.

    Returns:
        ``variations`` results, each a clip and a report of how it was made and what it keeps.

    Raises:
        BadInput: the request cannot be met; one line says what, where, and what was expected.
    """
    request = ask(
        text, seconds=seconds, seed=seed, variations=variations, keys=keys, path=path, reach=reach, base=base,
        keep=keep, strength=strength, extend=extend, style=style, loop=loop, in_place=in_place, retrieval=retrieval,
        exact=exact, foot_lock=foot_lock, fps=fps, steps=steps, guidance=guidance,
        constraint_guidance=constraint_guidance, anyway=anyway,
    )  # fmt: skip
    if request.retrieval == "on" and index is None:
        raise BadInput("retrieval: 'on' needs an index of captures; give index=Index(corpus)")
    return make(request, model_of(model), index)


def ask(
    text: str | ActionPlan = "",
    *,
    seconds: float | None = None,
    seed: int = 0,
    variations: int = 1,
    keys: Any = None,
    path: Any = None,
    reach: Any = (),
    base: Clip | None = None,
    keep: str | Iterable[str] | None = None,
    strength: float | None = None,
    extend: float | None = None,
    style: str | Clip | None = None,
    loop: bool = False,
    in_place: bool = False,
    retrieval: str = "auto",
    exact: bool = True,
    foot_lock: bool = False,
    fps: Fraction | float | None = None,
    steps: int = 8,
    guidance: float = 2.5,
    constraint_guidance: float = GUIDED,
    anyway: bool = False,
) -> Request:
    """The request that these arguments of `generate` are, checked as far as it can be without a model.

    Raises:
        BadInput: an argument is wrong, or two of them contradict each other.
    """
    given_keys, given_path, given_points = keyframes.of(keys), paths.of(path), points.of(reach)
    names = () if keep is None else (keep,) if isinstance(keep, str) else tuple(keep)
    parts.mask(names)
    _together(base, names, strength, extend, in_place, given_keys, given_path, given_points, seconds, loop)
    if base is not None:
        edit.check_base(base)
    style_clip = style if isinstance(style, Clip) else None
    style_word = "" if style is None or style_clip is not None else str(style).strip().lower()
    if style_clip is not None:
        edit.check_base(style_clip, "style")
        if base is not None:
            raise BadInput("style: an example clip sets how new motion begins; with a base give a word instead")
    elif style is not None and style_word not in STYLES:
        raise unknown("style", str(style), STYLES)
    bound = given_keys is not None or given_path is not None or bool(given_points) or base is not None
    plan, confidence, suggestions = understand(text, bound or style_clip is not None, anyway)
    return Request(
        plan=plan,
        confidence=confidence,
        suggestions=suggestions,
        anyway=anyway,
        seconds=None if seconds is None else _number(seconds, "seconds"),
        seed=_whole(seed, "seed"),
        variations=_whole(variations, "variations"),
        keys=given_keys,
        path=given_path,
        reach=given_points,
        keep=names,
        base=base,
        strength=None if strength is None else _number(strength, "strength"),
        extend=0.0 if extend is None else _number(extend, "extend"),
        style=style_word,
        style_clip=style_clip,
        loop=loop,
        in_place=in_place,
        retrieval=retrieval,
        exact=exact,
        foot_lock=foot_lock,
        fps=None if fps is None else edit.rate_of(fps, base),
        steps=_whole(steps, "steps"),
        guidance=_number(guidance, "guidance"),
        constraint_guidance=_number(constraint_guidance, "constraint guidance"),
    )


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{what}: {value!r:.40}, expected a number") from None


def _whole(value: Any, what: str) -> int:
    try:
        if int(value) == value:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise BadInput(f"{what}: {value!r:.40}, expected a whole number")


def _together(
    base: Clip | None,
    keep: tuple[str, ...],
    strength: float | None,
    extend: float | None,
    in_place: bool,
    keys: Keys | None,
    path: Path | None,
    reach: tuple[Reach, ...],
    seconds: float | None,
    loop: bool,
) -> None:
    """Refuse arguments that need or exclude each other."""
    if base is None:
        for name, value in (("keep", keep or None), ("strength", strength), ("extend", extend)):
            if value is not None:
                raise BadInput(f"{name}: changes a clip; give it as base")
    else:
        if extend is not None and (keep or strength is not None):
            raise BadInput("extend: leaves the base as it is; keep and strength change it: do one after the other")
        if extend is not None and loop:
            raise BadInput("extend: a clip with more after it does not end as it begins; loop it afterwards")
        if seconds is not None:
            instead = "extend says how much is added" if extend is not None else "motion.edit.speed changes it"
            raise BadInput(f"seconds: {seconds:g}; with a base the length is the base's ({instead})")
    if in_place:
        placed = [
            name
            for name, on in (
                ("a path", path is not None),
                ("points to reach", bool(reach)),
                ("keys with a root position", keys is not None and keys.root_position is not None),
            )
            if on
        ]
        if placed:
            raise BadInput(f"in place: contradicts {' and '.join(placed)}")


def model_of(model: WindowModel | str | os.PathLike[str] | None) -> WindowModel:
    """The model itself, or the weights of a name or file; None: the shipped ones."""
    if model is None or isinstance(model, (str, os.PathLike)):
        from motion.prior.model import Prior

        return Prior.load("base" if model is None else model)
    return model
