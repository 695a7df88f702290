"""`prompt_of`: what is to be seen in a stretch of a film, in words that a text-to-video model reads.

Built from what the film knows: framing, who acts and how, the set and its light. Names say nothing to a model, so
people are counted, not named.
"""

from __future__ import annotations

import re

from cinemotion.film import Film
from motion.camera import Shot

#: Appended to every prompt: the look that plain raster frames lack.
LOOK = "Photorealistic film still, natural skin and cloth, soft indirect light, fine detail."

_NUMBERS = ("nobody", "one person", "two people", "three people", "four people", "five people", "six people")
_LIGHTS = {
    "noon": "bright midday sun", "golden_hour": "low golden sun", "overcast": "soft overcast daylight",
    "night": "at night", "studio": "soft studio light",
}  # fmt: skip
_GROUNDS = {
    "studio": "in a seamless studio", "grass": "on grass", "concrete": "on a concrete floor",
    "wood": "on a wooden floor", "sand": "on sand", "asphalt": "on asphalt", "grid": "on a plain floor",
}  # fmt: skip
_ANGLES = {
    "low": "low angle", "high": "high angle", "overhead": "seen from above", "worm": "from the ground",
    "dutch": "tilted",
}  # fmt: skip


def prompt_of(film: Film, first: int, last: int) -> str:
    """A prompt for frames ``first`` to ``last`` (included) of a film.

    >>> prompt_of(film, 0, 35)  # doctest: +SKIP
    'Morning in the park. Wide shot of two people on grass, low golden sun, with a bench. One walks forward happily. …'
    """
    shot = _shot_at(film, first)
    on_screen = [p.name for p in film.performances if shot is None or p.name in shot.of] or [
        p.name for p in film.performances
    ]
    count = len(on_screen)
    who = _NUMBERS[count] if count < len(_NUMBERS) else f"{count} people"
    framing = f"{_said(shot.size)} shot" if shot is not None else "Shot"
    if shot is not None and shot.angle in _ANGLES:
        framing += f", {_ANGLES[shot.angle]},"
    place = _GROUNDS.get(film.stage.ground or "", f"on {_said(film.stage.ground)}" if film.stage.ground else "")
    light = _LIGHTS.get(film.stage.light, f"{_said(film.stage.light)} light")
    things = sorted({_said(re.split(r"[/\\]", prop.shape)[-1].rsplit(".", 1)[0]) for prop in film.stage.props})
    scene = ", ".join(part for part in (f"{framing} of {who} {place}".strip(), light) if part)
    if things:
        scene += ", with " + " and ".join(_a(thing) for thing in things[:4])
    parts = [film.title.strip(), _capital(scene), *_actions(film, on_screen, first, last)]
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in [*parts, LOOK] if part)


def _shot_at(film: Film, frame: int) -> Shot | None:
    number = film.camera.shot_of(frame)
    return film.shots[number] if number < len(film.shots) else None


def _actions(film: Film, names: list[str], first: int, last: int) -> list[str]:
    """What each one does then, a sentence each: "One walks forward, then waves"."""
    found = []
    for name in names:
        words: list[str] = []
        for row in film.table:
            who = str(row["name"]).split(" (")[0]
            if row["what"] not in ("clip", "do") or who != name:
                continue
            if not (int(str(row["first"])) <= last and int(str(row["stop"])) > first):
                continue
            said = str(row["detail"]).rsplit(", from (", 1)[0].strip()
            said = said if row["what"] == "do" else _of_file(said)
            if said and said not in words:
                words.append(said)
        if words:
            who = "The person" if len(names) == 1 else "One"
            found.append(f"{who} {', then '.join(words[:4])}")
    return found


def _of_file(name: str) -> str:
    """A capture's name as an action: ``pybullet:dance_b`` is "performs: dance"."""
    stem = re.split(r"[/\\:]", name)[-1].rsplit(".", 1)[0]
    words = [w for w in re.split(r"[^A-Za-z]+", stem) if len(w) > 1]
    return f"performs: {' '.join(words).lower()}" if words else ""


def _said(name: str | None) -> str:
    return (name or "").replace("_", " ").strip()


def _a(thing: str) -> str:
    return f"{'an' if thing[:1] in 'aeiou' else 'a'} {thing}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
