"""What is held out: whole combinations of action and style, and contiguous blocks of takes and of long takes' time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mocap_data.dataset_find import ARCHIVES
from mocap_data.dataset_labels import Said
from motion.corpus import FPS, Label

#: Combinations that nobody trains on: verb, side, style; "one" is a single hand. Both mirror images are held out, since
#: training mirrors; walking is held out with its turns, since a turn's first steps are a straight walk.
COMBINATIONS: tuple[tuple[str, str, str], ...] = (
    ("walk", "any", "masculine"),
    ("run", "any", "old"),
    ("raise hand", "one", "youthful"),
    ("raise hand", "both", "old"),
    ("wave", "one", "feminine"),
    ("wave", "both", "tired"),
    ("bow", "any", "angry"),
    ("wave goodbye", "any", "happy"),
    ("guide", "any", "giant"),
    ("dash", "any", "childish"),
)
#: Share of each content and style of the Bandai-Namco-2 set that is held out as one run of take numbers.
TAKES_SHARE = 0.09
#: Share of a long take that is held out, as one span; takes shorter than `LONG_S` stay whole.
SPAN_SHARE = 0.2
LONG_S = 11.0
SPAN_S = (3.0, 9.0)
#: Time between what is trained on and what is held out of one take, seconds.
GUARD_S = 0.5
#: Series of numbered takes outside of Bandai-Namco-2 that are held out as a run of takes: one in so many.
SERIES = 8


@dataclass(frozen=True)
class Span:
    """Frames ``start`` to ``stop`` of a clip, in a split; frames in no span are used by none."""

    clip: int
    start: int
    stop: int
    split: str


def held_combination(said: Said) -> bool:
    """Whether a clip's action and style are of a combination that is held out."""
    return any(_is(said.label, combination) for combination in COMBINATIONS)


def _is(label: Label, combination: tuple[str, str, str]) -> bool:
    verb, side, style = combination
    if label.verb != verb or label.style != style:
        return False
    return side in ("any", label.side) or (side == "one" and label.side in ("left", "right"))


def spans(names: Sequence[str], said: Sequence[Said], frames: Sequence[int], seed: int) -> list[Span]:
    """Which frames of which clip belong to which split; deterministic by ``seed``."""
    rng = np.random.default_rng([seed, 20])
    out: list[Span] = []
    blocks = held_takes(names, said, seed)
    for clip, (name, what, count) in enumerate(zip(names, said, frames, strict=True)):
        if held_combination(what):
            out.append(Span(clip, 0, count, "combinations"))
        elif name in blocks:
            out.append(Span(clip, 0, count, "blocks"))
        elif count / FPS >= LONG_S and not name.startswith("bandai-namco-2"):
            out += _cut(clip, count, rng)
        else:
            out.append(Span(clip, 0, count, "train"))
    return out


def _cut(clip: int, count: int, rng: np.random.Generator) -> list[Span]:
    """One held-out span somewhere inside, a guard on both sides, the rest for training."""
    length = round(float(np.clip(SPAN_SHARE * count / FPS, *SPAN_S)) * FPS)
    guard = round(GUARD_S * FPS)
    # Not at the very ends: people stand there and wait.
    low, high = count // 10, count - count // 10 - length
    start = int(rng.integers(low, max(high, low + 1)))
    stop = min(start + length, count)
    parts = [
        Span(clip, 0, max(0, start - guard), "train"),
        Span(clip, start, stop, "blocks"),
        Span(clip, min(count, stop + guard), count, "train"),
    ]
    return [part for part in parts if part.stop > part.start]


def held_takes(names: Sequence[str], said: Sequence[Said], seed: int) -> frozenset[str]:
    """Clips that are held out whole: a run of take numbers of each series."""
    rng = np.random.default_rng([seed, 21])
    series: dict[str, list[str]] = {}
    for name, what in zip(names, said, strict=True):
        match = re.fullmatch(r"(.*?)_?(\d+)\.\w+", name)
        if match is None or held_combination(what):
            continue
        prefix = match.group(1)
        if name.startswith("bandai-namco-2") or "humanoid3d_run_" in name:
            series.setdefault(prefix, []).append(name)
    for name in names:  # a set that nobody here knows: a run of its files, in the order of their names
        source = name.split("/")[0]
        if source not in ARCHIVES:
            series.setdefault(source, []).append(name)
    out: list[str] = []
    for prefix in sorted(series):
        takes = sorted(series[prefix], key=_number) if prefix.count("/") else sorted(series[prefix])
        share = 1.0 / SERIES if "humanoid3d_run_" in prefix else TAKES_SHARE
        run = max(2, round(share * len(takes)))
        if len(takes) < 3 * run:
            continue
        # Not at the ends of the run of numbers, where a performer warms up or repeats.
        start = int(rng.integers(1, len(takes) - run))
        out += takes[start : start + run]
    return frozenset(out)


def _number(name: str) -> int:
    match = re.search(r"(\d+)\.\w+$", name)
    return int(match.group(1)) if match else 0


def combination_names(labels: Iterable[Label]) -> list[str]:
    """The combinations that are held out and found among labels of clips, in words."""
    hands = {"any": "", "one": " (one)", "both": " (both)"}
    there = set(labels)
    return [
        f"{verb}{hands[side]} × {style}"
        for verb, side, style in COMBINATIONS
        if any(_is(label, (verb, side, style)) for label in there)
    ]
