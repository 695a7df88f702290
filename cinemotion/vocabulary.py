"""The words that a scene may use, each list asked from the package that owns it, when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from motion.errors import BadInput, unknown

if TYPE_CHECKING:
    pass


def _directors() -> Iterable[str]:
    from rl_camera.director import registered

    return (*registered(), "auto")


def _attribute(module: str, name: str) -> Callable[[], Iterable[str]]:
    return lambda: getattr(importlib.import_module(module), name)


_SOURCES: dict[str, Callable[[], Iterable[str]]] = {
    "outfit": _attribute("motion.body", "OUTFITS"),
    "build": _attribute("motion.body", "BUILDS"),
    "age": _attribute("motion.body", "AGES"),
    "presentation": _attribute("motion.body", "PRESENTATIONS"),
    "skin": _attribute("motion.body", "SKINS"),
    "hair": _attribute("motion.body", "HAIR_COLOURS"),
    "gender": lambda: ("neutral", "female", "male"),  # the files of a folder of SMPL models
    "joint": _attribute("motion.skeleton", "JOINTS"),
    "style": _attribute("motion.text", "STYLES"),
    "verb": _attribute("motion.text", "VERBS"),
    "side": _attribute("motion.text", "SIDES"),
    "direction": _attribute("motion.text", "DIRECTIONS"),
    "manner": _attribute("motion.text", "MANNERS"),
    "shape": _attribute("motion.props", "PRIMITIVES"),
    "material": _attribute("motion.props", "MATERIALS"),
    "pattern": _attribute("render.materials", "PATTERNS"),
    "ground": _attribute("render.materials", "GROUNDS"),
    "light": _attribute("render.lighting", "PRESETS"),
    "feet": _attribute("physics.kinematic", "MODES"),
    "part": _attribute("physics.plants", "LABELS"),
    "director": _directors,
    "edit": _attribute("rl_camera.editing", "STYLES"),
    "codec": _attribute("render.video", "CODECS"),
    "pass": _attribute("render.passes", "PASSES"),
    "pass_format": _attribute("render.passes", "FORMATS"),
    "control": _attribute("render.control", "CONTROLS"),
    "debug": _attribute("cinemotion.debug", "KINDS"),
    "look": _attribute("render.style.settings", "LOOKS"),
    "tone_map": _attribute("render.tonemap", "CURVES"),
    "renderer": _attribute("cinemotion.film", "RENDERERS"),
}


#: Words that `rl_camera.vocabulary` knows, with its own aliases ("MCU", "dolly in").
_CAMERA = {
    "size": "shot size",
    "angle": "camera angle",
    "view": "view",
    "move": "camera move",
    "position": "position in the picture",
    "option": "camera option",
}
_LABELS = {
    "edit": "editing style",
    "feet": "foot mode",
    "hair": "hair colour",
    "light": "light preset",
    "pass_format": "pass format",
    "tone_map": "tone map",
    "control": "control video",
    "debug": "debug view",
    "part": "part of the body",
    "pattern": "material pattern",
}


def words(name: str) -> tuple[str, ...]:
    """The words of one vocabulary, in their owner's order."""
    if name in _CAMERA:
        from rl_camera import vocabulary as camera

        return camera.names(_CAMERA[name])
    return tuple(map(str, _SOURCES[name]()))


def closed(name: str) -> bool:
    """Whether nothing but the listed words is allowed: shapes may be files too, and camera words have aliases."""
    return name != "shape" and name not in _CAMERA


def usual(name: str, word: str) -> str:
    """The vocabulary's own spelling of a word.

    Raises:
        BadInput: no such word.
    """
    if name in _CAMERA:
        from rl_camera import vocabulary as camera

        return camera.find(_CAMERA[name], word)
    known = words(name)
    if word not in known:
        raise unknown(_LABELS.get(name, name), word, known)
    return word


def trouble(name: str, word: str | None) -> str | None:
    """What is wrong with a word, or None when it is known (or not given)."""
    if word is None:
        return None
    try:
        usual(name, word)
    except BadInput as error:
        return str(error)
    return None
