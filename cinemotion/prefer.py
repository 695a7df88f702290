"""`cinemotion camera prefer`: two cameras of one episode side by side, a choice, a row in a CSV file; what they tell.

`ask` shows pairs and writes choices as they are made; `report` fits reward weights to them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cinemotion.axes import INK, OVER, PAPER, font, picture, save
from cinemotion.film_shots import plain
from motion.camera import Shot
from motion.errors import BadInput
from rl_camera.env.reward import TERMS, RewardWeights
from rl_camera.pairs import Pair, Pairs
from rl_camera.preferences import Fitted, Preference, append, fit, read

#: What is typed, and what it means; "s" leaves a pair out, "q" ends.
KEYS = {"a": "a", "b": "b", "=": "tie", "s": "skip", "q": "quit"}

#: Height of one picture, pixels; how many moments a sheet shows; frames a second of a video.
HEIGHT, MOMENTS, FPS = 216, 5, 15

_OUTFITS = ("runner", "office", "dancer", "dress")
_BAR = 26  # pixels below the pictures

Say = Callable[[str], None]


def ask(
    out: Path,
    *,
    pairs: int = 20,
    seed: int = 0,
    who: str = "",
    show: Path | None = None,
    sheet: bool = False,
    answers: Path | None = None,
    policy: str | None = None,
    device: int | None = None,
    say: Say,
) -> int:
    """Show pairs one after the other and write what is chosen, each at once.

    Pairs are a function of the seed. Those that this person has answered in the file already are left out, so a
    stopped run goes on where it was. Which camera is left is chance, and no name is shown.

    Args:
        out: the CSV file, new or to go on with.
        pairs: how many, with those answered before.
        seed: of the pairs.
        who: chooses.
        show: folder of the pictures; None: ``NAME_pairs`` beside the file.
        sheet: contact sheets instead of videos.
        answers: a file of answers, one a line; None: the terminal, or what is piped in.
        policy: weights that film too, a name or a file; None: the shipped ones where they are there.
        device: EGL device number.
        say: takes what is said to the person.

    Returns:
        How many choices were made now.

    Raises:
        BadInput: the file holds something else, an answer there is not, no such weights.
        MissingSystem: no usable OpenGL.
    """
    if not 1 <= pairs <= 100_000:
        raise BadInput(f"--pairs {pairs}, expected 1 to 100000")
    if out.suffix.lower() != ".csv":
        raise BadInput(f"{out}: choices are written to a .csv file")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")
    there = out.is_file() and out.stat().st_size > 0
    known = {(c.config, c.seed) for c in read(out) if c.who == who} if there else set()
    given = _answers(answers)
    source = Pairs(seed, policy=_weights(policy))
    folder = show or out.parent / f"{out.stem}_pairs"
    folder.mkdir(parents=True, exist_ok=True)
    looks = _bodies()
    made = 0
    for number in range(pairs):
        if (source.config, source.seed_of(number)) in known:
            continue
        pair = source.make(number, looks)
        file = folder / f"pair-{pair.seed}.{'png' if sheet else 'mp4'}"
        (draw_sheet if sheet else draw_video)(pair, file, device)
        say(f"pair {number + 1} of {pairs}: {file}")
        say(f"  asked for: {_wanted(pair.shot)}")
        key = KEYS[_answer(given, "above (a), below (b)" if sheet else "left (a), right (b)", say)]
        if key == "quit":
            break
        if key == "skip":
            continue
        when = datetime.now(UTC).isoformat(timespec="seconds")
        append(
            out,
            Preference(pair.seed, pair.config, pair.a.name, pair.b.name, pair.a.terms, pair.b.terms, key, who, when),
        )
        made += 1
    return made


def _weights(policy: str | None) -> Path | None:
    """The file of a policy's weights."""
    from motion.prior.weights import find

    if policy is not None:
        return find(policy, "camera")
    try:
        return find("clean", "camera")
    except BadInput:  # none are in this package
        return None


def _bodies() -> list[Any]:
    """Bodies that can be told apart."""
    from motion.body import Body

    return [Body.default(outfit=outfit) for outfit in _OUTFITS]


def _wanted(shot: Shot) -> str:
    """What the shot asks for, in words."""
    view = shot.options.get("azimuth_deg", 0.0)
    side = "in front" if abs(view) < 15 else "behind" if abs(view) > 165 else ""
    side = side or f"{abs(view):.0f} degrees to the {'left' if view > 0 else 'right'}"
    people = " and ".join(f"{name} ({_OUTFITS[_slot(name) % len(_OUTFITS)]})" for name in shot.of)
    move = "" if shot.move == "follow" else f", {plain(shot.move)}"
    return f"{plain(shot.size)} of {people}, from {side}{move}"


def _slot(name: str) -> int:
    from rl_camera.env.staging import NAMES

    return NAMES.index(name) if name in NAMES else 0


# ---- answers


def _answers(path: Path | None) -> Iterator[tuple[str, str]] | None:
    """Answers of a file with where each stands; None: people type them."""
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    found = [(f"{path}, line {n}", line.strip().lower()) for n, line in enumerate(lines, 1) if line.strip()]
    for where, word in found:
        if word not in KEYS:
            raise BadInput(f"{where}: '{word}', expected one of {' '.join(KEYS)}")
    return iter(found)


def _answer(given: Iterator[tuple[str, str]] | None, which: str, say: Say) -> str:
    """The next answer; where there are no more, the end."""
    if given is not None:
        return next(given, ("", "q"))[1]
    while True:
        say(f"  {which}, as good (=), skip (s), quit (q)?")
        line = sys.stdin.readline()
        if not line:
            return "q"
        word = line.strip().lower()
        if word in KEYS:
            return word
        if not sys.stdin.isatty():
            raise BadInput(f"answer '{word}', expected one of {' '.join(KEYS)}")
        say(f"  '{word}' is none of {' '.join(KEYS)}")


# ---- pictures


def draw_video(pair: Pair, out: Path, device: int | None = None) -> None:
    """Both takes side by side as a short video."""
    from render.video import VideoWriter

    step = max(1, round(float(pair.a.path.fps) / FPS))
    frames = range(0, pair.a.path.frames, step)
    rate = pair.a.path.fps / step
    size, left, right = _drawn(pair, frames, device)
    label = _labels(pair, size)
    gap = np.full((size[1], 4, 3), 255, np.uint8)
    with VideoWriter(out, (label.shape[1], size[1] + label.shape[0]), Fraction(rate)) as writer:
        for one, two in zip(left, right, strict=True):
            writer.write(np.concatenate([np.concatenate([one, gap, two], 1), label]))


def draw_sheet(pair: Pair, out: Path, device: int | None = None) -> None:
    """Both takes as rows of pictures, the left one above."""
    frames = np.linspace(0, pair.a.path.frames - 1, MOMENTS).round().astype(int).tolist()
    size, *takes = _drawn(pair, frames, device)
    wide, high = size
    image = picture(40 + MOMENTS * (wide + 4), 2 * (high + 6) + _BAR)
    pen = ImageDraw.Draw(image)
    for row, (name, pictures) in enumerate(zip("ab", takes, strict=True)):
        y = row * (high + 6)
        pen.text((20 * OVER, (y + high / 2) * OVER), name, fill=INK, font=font(18), anchor="mm")
        for k, shown in enumerate(pictures):
            large = Image.fromarray(shown).resize((wide * OVER, high * OVER), Image.Resampling.LANCZOS)
            image.paste(large, ((40 + k * (wide + 4)) * OVER, y * OVER))
    words = f"asked for: {_wanted(pair.shot)}"
    pen.text((40 * OVER, (2 * (high + 6) + 5) * OVER), words, fill=INK, font=font(12))
    save(image, out)


def _drawn(pair: Pair, frames: Any, device: int | None) -> tuple[tuple[int, int], list[np.ndarray], list[np.ndarray]]:
    """Size and pictures of both takes."""
    from render import Rasterizer, World

    size = (round(HEIGHT * 16 / 9) // 2 * 2, HEIGHT)
    world = World(pair.cast, pair.stage)
    with Rasterizer(size=size, device=device) as rasterizer:
        takes = []
        for take in (pair.a, pair.b):
            sharp = replace(take.path, shutter_angle=0.0)
            shown = rasterizer.render(world, sharp, list(frames), passes=("display",))
            takes.append([np.ascontiguousarray(f.display[..., :3]) for f in shown if f.display is not None])
    return size, takes[0], takes[1]


def _labels(pair: Pair, size: tuple[int, int]) -> np.ndarray:
    """The bar below both pictures: which is which, and what was asked for."""
    wide = 2 * size[0] + 4
    bar = Image.new("RGB", (wide, _BAR), PAPER)
    pen = ImageDraw.Draw(bar)
    face = font(7)
    for x, text, anchor in ((6, "a", "lm"), (wide - 6, "b", "rm"), (wide // 2, _wanted(pair.shot), "mm")):
        pen.text((x, _BAR // 2), text, fill=INK, font=face, anchor=anchor)
    return np.asarray(bar)


# ---- what choices tell


def report(path: Path, *, seed: int = 0) -> tuple[str, ...]:
    """Lines that say which weights choices speak for.

    Raises:
        BadInput: no such file, or nobody preferred anything.
    """
    choices = read(path)
    found = fit(choices, seed=seed)
    usual = asdict(RewardWeights())
    people = f"{found.people} {'person' if found.people == 1 else 'people'}"
    out = [f"{path}: {found.choices} choices by {people}, {found.ties} ties", ""]
    out.append(f"  {'weight':<12}{'usual':>7}{'fitted':>8}{'± error':>9}")
    fitted = asdict(found.weights)
    out += [f"  {name:<12}{usual[name]:7.3f}{fitted[name]:8.3f}{found.errors[name]:9.3f}" for name in TERMS]
    out += ["", *_predicts(found), *(f"note: {note}" for note in found.notes)]
    weights = rounded(found.weights)
    flow = ", ".join(f"{name}: {value:g}" for name, value in weights.items())
    return (
        *out, "", "to train with them, under the environment's id in the YAML file:",
        f"  env_kwargs: {{weights: {{{flow}}}}}", "as JSON:", f"  {json.dumps({'env_kwargs': {'weights': weights}})}",
    )  # fmt: skip


def _predicts(found: Fitted) -> list[str]:
    out = [f"predicts {found.accuracy:.0%} of the choices, the usual weights {found.usual:.0%}"]
    if found.held_out is not None and found.interval is not None:
        low, high = (f"{100 * v:.0f}" for v in found.interval)
        out.append(f"of episodes left out of the fit {found.held_out:.0%} (95 % interval {low} to {high} %)")
    return out


def rounded(weights: RewardWeights) -> dict[str, float]:
    """Weights to three digits, as they are written down."""
    return {name: round(value, 3) for name, value in asdict(weights).items()}
