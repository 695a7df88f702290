"""The shots of a scene: words of their keys, words of camera work, and keys that do not go together."""

from __future__ import annotations

from collections.abc import Callable

from cinemotion import shot_words, vocabulary
from cinemotion.scene import AutoShots, Scene, ShotSpec
from cinemotion.source import Loc
from cinemotion.structure import Report
from motion.errors import BadInput, did_you_mean

WordCheck = Callable[[str, str | None, Loc], None]

#: Keys that say how a director frames.
_FRAMING = ("size", "angle", "view", "move", "position", "lens", "f_stop", "options")


def check_shots(scene: Scene, report: Report, word: WordCheck) -> None:
    """Report what is wrong with the scene's shots, as far as it can be said without reading a file."""
    word("director", scene.director, ("director",))
    if isinstance(scene.shots, AutoShots):
        word("edit", scene.shots.style, ("shots", "style"))
        _check_of(scene, report, scene.shots.of, ("shots", "of"))
        if scene.director not in (None, "auto"):
            report(("director",), "`shots` says `director: auto`: the film chooses its shots itself; leave this out")
    elif scene.director == "auto" and scene.shots:
        words = "with `director: auto` the film chooses all its shots itself; leave `shots` out, or say"
        report(("director",), f"{words} `director: auto` in those that it shall choose")
    for k, shot in enumerate(scene.listed):
        loc: Loc = ("shots", k)
        for key in ("size", "angle", "view", "move", "position", "director"):
            word(key, getattr(shot, key), (*loc, key))
        word("edit", shot.style, (*loc, "style"))
        for key in shot.options:
            word("option", key, (*loc, "options", key))
        _check_of(scene, report, shot.of, (*loc, "of"))
        if shot.for_ is not None and shot.until is not None:
            report((*loc, "until"), "give `for` or `until`, not both", key=True)
        _check_way(scene, shot, loc, report)
        if shot.words is not None:
            _check_words(scene, k, report)


def _check_of(scene: Scene, report: Report, names: list[str], loc: Loc) -> None:
    for n, name in enumerate(names):
        if name not in scene.cast:
            place = (*loc, n) if (*loc, n) in report.source.values else loc
            report(place, f"unknown actor '{name}'{did_you_mean(name, scene.cast)}")


def _given(shot: ShotSpec, keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if getattr(shot, key) not in (None, {}, [])]


def _check_way(scene: Scene, shot: ShotSpec, loc: Loc, report: Report) -> None:
    """A shot is described by keys and words, comes from a file, or is chosen by the film: one of the three."""
    if shot.camera is not None:
        for key in _given(shot, (*_FRAMING, "words", "director", "style")):
            report((*loc, key), f"`{key}` is for directors; with `camera` the file says it all", key=True)
        return
    auto = scene.director_of(shot) == "auto"
    if shot.director == "auto":
        for key in _given(shot, (*_FRAMING, "words")):
            report((*loc, key), f"`{key}` is for a shot of one's own; with `director: auto` the film chooses", key=True)
    if shot.style is not None and not auto:
        report((*loc, "style"), "`style` is for `director: auto`, of the edit that the film chooses", key=True)


def _check_words(scene: Scene, k: int, report: Report) -> None:
    loc: Loc = ("shots", k, "words")
    try:
        sentence = shot_words.read(scene, k)
    except BadInput as error:
        report(loc, str(error).removeprefix("camera words: "))
        return
    for name in dict.fromkeys(shot.director for shot in sentence.shots if shot.director):
        trouble = vocabulary.trouble("director", name)
        if trouble:
            report(loc, trouble)
    if sentence.ignored:
        report(loc, f"says nothing of a shot, and is left out: {', '.join(sentence.ignored)}", severity="warning")
    if any(shot.beat for shot in sentence.shots) and scene.music is None:
        report(
            loc,
            "cuts fall where the words say; the scene names no `music` with beats",
            severity="warning",
        )
