"""`Ask`: what `cinemotion motion` was asked, as typed; and how it becomes a `motion.prior.request.Request`."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import formats, values
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.prior.constraints import GUIDED

#: Where `--extend` puts the new motion, and the sign of its seconds.
EXTEND = {"forwards": 1, "backwards": -1}
#: Frames of a motion file that are taken for keys; a longer file is a performance, not a set of poses.
MOST_KEYS = 200
#: What `--instant` goes with.
_INSTANT = frozenset({
    "instant", "keyframes", "keys", "seconds", "model", "fps", "names", "height", "build", "age", "presentation",
    "outfit", "body", "text",
})  # fmt: skip
_POINT = re.compile(r"^(?P<joint>[A-Za-z_ ]+):(?P<point>[^@]+)@(?P<time>[^+]+)(?:\+(?P<hold>.+))?$")


@dataclass(frozen=True)
class Ask:
    """The command's options; None and empty stand for what was not given."""

    text: str = ""
    seconds: float | None = None
    seed: int = 0
    variations: int = 1
    keyframes: str | None = None
    keys: tuple[str, ...] = ()
    path: str | None = None
    reach: tuple[str, ...] = ()
    base: str | None = None
    strength: float | None = None
    keep: str | None = None
    extend: str | None = None
    style: str | None = None
    loop: bool = False
    in_place: bool = False
    retrieval: str | None = None
    foot_lock: bool = False
    instant: bool = False
    model: str = "base"
    anyway: bool = False
    steps: int = 8
    guidance: float = 2.5
    constraint_guidance: float = GUIDED
    fps: str | None = None
    names: str | None = None
    height: float | None = None
    build: str | None = None
    age: str | None = None
    presentation: str | None = None
    outfit: str | None = None
    body: str | None = None

    @property
    def wants_body(self) -> bool:
        """Whether a body is described: its proportions are then those of the motion."""
        words = (self.height, self.build, self.age, self.presentation, self.outfit, self.body)
        return any(value is not None for value in words)


def check(ask: Ask) -> None:
    """Refuse options that say nothing together, in the command's own words.

    Raises:
        BadInput: names the option.
    """
    if ask.instant:
        _check_instant(ask)
    if ask.extend is not None:
        if ask.extend not in EXTEND:
            raise unknown("direction to extend", ask.extend, EXTEND)
        if ask.seconds is None:
            raise BadInput("--extend: say how much with --seconds")
    if (
        ask.base is not None
        and ask.strength is None
        and ask.keep is None
        and ask.extend is None
        and not ask.text.strip()
    ):
        raise BadInput("--base: say what of it changes: words, --strength 0.5, --keep legs, or --extend forwards")


def _check_instant(ask: Ask) -> None:
    """The in-betweener takes key poses and a body; everything else is for sampled motion."""
    if ask.text.strip():
        raise BadInput(f"--instant: the in-betweener knows poses and no words; leave out '{ask.text}' or --instant")
    for field in fields(ask):
        if field.name not in _INSTANT and getattr(ask, field.name) != field.default:
            raise BadInput(f"--instant: --{field.name.replace('_', '-')} is for sampled motion; leave one of them out")
    if ask.keyframes is None and not ask.keys:
        raise BadInput("--instant: between which poses? Give --keyframes FILE, or --key FILE@TIME=TIME twice or more")


def request(ask: Ask, rest_offsets: np.ndarray | None) -> Any:
    """The checked `motion.prior.request.Request`; nothing heavy is needed for it.

    Args:
        ask: as typed.
        rest_offsets: ``(24, 3)`` metres, of a body that was described; None: the models' own, or the given clip's.

    Raises:
        BadInput: a file cannot be read, an option is no value, or the request contradicts itself.
    """
    from motion.prior import generate

    check(ask)
    given: dict[str, Any] = {
        name: getattr(ask, name)
        for name in (
            "seed", "variations", "loop", "in_place", "foot_lock", "steps", "guidance", "constraint_guidance", "anyway",
        )
    }  # fmt: skip
    given["seconds"] = None if ask.extend is not None else ask.seconds
    given["keys"] = _keys(ask, rest_offsets)
    given["path"] = ask.path
    given["reach"] = tuple(map(_reach, ask.reach))
    given["fps"] = rate(ask)
    given["base"] = None if ask.base is None else clip_of(ask.base, rest_offsets)
    given["strength"] = ask.strength
    given["keep"] = None if ask.keep is None else [part.strip() for part in ask.keep.split(",") if part.strip()]
    given["extend"] = None if ask.extend is None else EXTEND[ask.extend] * (ask.seconds or 0.0)
    given["retrieval"] = "auto" if ask.retrieval else "off"
    if ask.style is not None:
        given["style"] = clip_of(ask.style, None) if _is_file(ask.style) else ask.style
    return generate.ask(ask.text, **given)


def rate(ask: Ask) -> Fraction | None:
    """Frames per second that were asked; raises `BadInput`."""
    return None if ask.fps is None else _value("--fps", values.rate, ask.fps)


def _value(name: str, parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise BadInput(f"{name}: {error}") from None


def _seconds(name: str, text: str) -> float:
    return float(_value(name, values.span, text.strip()).at(Fraction(30)))


def _is_file(text: str) -> bool:
    return ":" in text or Path(text).suffix.lower() in formats.readable()


@functools.lru_cache(maxsize=8)
def _take(name: str) -> Any:
    return formats.load(name)


def clip_of(name: str, rest_offsets: np.ndarray | None = None) -> Clip:
    """A motion file on a skeleton; None: on its own."""
    from motion.retarget import retarget

    return retarget(_take(name), rest_offsets=rest_offsets)[0]


def _keys(ask: Ask, rest_offsets: np.ndarray | None) -> Any:
    """Keys from --keyframes and --key, all on one skeleton: the body's, else that of the first of them."""
    from motion.prior import keyframes

    sets = []
    if ask.keyframes is not None:
        if _is_keys(ask.keyframes):
            sets.append(keyframes.read(ask.keyframes))
        else:
            clip = clip_of(ask.keyframes, rest_offsets)
            if clip.frames > MOST_KEYS:
                words = f"{clip.frames} frames, each a key; expected at most {MOST_KEYS}"
                raise BadInput(f"--keyframes {ask.keyframes}: {words}. Take single poses with --key FILE@TIME=TIME")
            sets.append(keyframes.from_frames(clip, range(clip.frames)))
        rest_offsets = sets[0].rest_offsets if rest_offsets is None else rest_offsets
    for text in ask.keys:
        source, _, at = text.rpartition("=")
        name, _, when = source.rpartition("@") if "@" in source else (source, "", "0s")
        if not name or not at:
            raise BadInput(f"--key '{text}', expected FILE[@TIME]=TIME such as idle.bvh@0.5s=2s")
        time = _seconds(f"--key '{text}'", when)
        clip = clip_of(name, rest_offsets)
        rest_offsets = clip.rest_offsets
        sets.append(keyframes.from_clip(clip, [time], [_seconds(f"--key '{text}'", at)], placed=False))
    return sets or None


def _is_keys(name: str) -> bool:
    """An NPZ of keys, not one of motion (AMASS)."""
    if Path(name).suffix.lower() != ".npz":
        return False
    try:
        with np.load(name, allow_pickle=False) as arrays:
            return "mocap_framerate" not in arrays.files and "mocap_frame_rate" not in arrays.files
    except (OSError, ValueError):
        return True  # what is wrong with it is said by the reader of keys


def _reach(text: str) -> Any:
    """``right hand:0.4,1.2,0.5@2s`` or, to stay there, ``…@2s+1s``."""
    from motion.prior.request import Reach

    match = _POINT.match(text.strip())
    expected = "expected JOINT:X,Y,Z@TIME such as 'right hand:0.4,1.2,0.5@2s' (metres; @2s+1s stays for a second)"
    try:
        x, y, z = map(float, (match["point"] if match else "").split(","))
    except ValueError:
        raise BadInput(f"--reach '{text}', {expected}") from None
    assert match is not None
    hold = 0.0 if match["hold"] is None else _seconds(f"--reach '{text}'", match["hold"])
    return Reach(match["joint"].strip(), (x, y, z), _seconds(f"--reach '{text}'", match["time"]), hold)
