"""What a scene says of its shots in words: each sentence read, with who is there and what they are called."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from cinemotion import acting
from cinemotion.scene import Scene
from motion.errors import BadInput
from rl_camera.words import Sentence, parse

#: What a performer may be called besides the name, by the body's presentation.
_CALLED = {"feminine": ("woman", "lady", "girl"), "masculine": ("man", "guy", "boy")}


def read(scene: Scene, k: int) -> Sentence:
    """The words of ``shots[k]``, with the scene's cast.

    Raises:
        BadInput: they are not understood, or nobody is called so.
    """
    spec = scene.listed[k]
    return parse(spec.words or "", tuple(scene.cast), roles(scene), deeds(scene), tuple(spec.of))


def roles(scene: Scene) -> dict[str, list[str]]:
    """What else performers are called: "the woman"."""
    return {name: list(_CALLED.get(actor.body.presentation or "", ())) for name, actor in scene.cast.items()}


def deeds(scene: Scene) -> dict[str, list[str]]:
    """Verbs of what performers do, from actions in words and from the names of clips: "dance", hence "the dancer"."""
    from motion.text import VERBS

    found: dict[str, list[str]] = {name: [] for name in scene.cast}
    for entry in scene.timeline:
        if entry.actor not in found:
            continue
        if entry.do is not None:
            try:
                steps = acting.understood(entry.do).steps
            except BadInput:
                continue  # reported where it stands
            verbs = [action.label.verb for step in steps for action in step]
        else:
            verbs = re.split(r"[^a-z]+", PurePosixPath((entry.clip or "").replace(":", "/")).stem.lower())
        found[entry.actor] += [verb for verb in verbs if verb in VERBS and " " not in verb]
    return found


def filmed(scene: Scene, k: int) -> tuple[str, ...]:
    """Who is filmed in ``shots[k]``, as far as can be said: by its keys, by its words, else everybody."""
    spec = scene.listed[k]
    named = [name for name in spec.of if name in scene.cast]
    if not named and spec.words is not None:
        try:
            named = [name for shot in read(scene, k).shots for name in shot.of]
        except BadInput:
            named = []  # reported where it stands
    return tuple(dict.fromkeys(named)) or tuple(scene.cast)
