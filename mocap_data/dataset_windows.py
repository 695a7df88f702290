"""Spans of clips to captioned windows: lengths, mirror images, re-timing, and weights that balance rare actions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mocap_data.captions import captions, mirrored, mirrored_label
from mocap_data.dataset_facts import Pace, energy, find_paces, otherwise, spread, true_label
from mocap_data.dataset_labels import Said, of_crop
from mocap_data.dataset_measure import Track, measure
from mocap_data.dataset_split import Span
from motion.corpus import FPS, Window

#: Lengths of windows, frames at 30 fps: batches have one length and no padding.
LENGTHS: tuple[int, ...] = (30, 60, 90, 120, 180, 240)
#: Windows of a length start this part of it apart: long ones overlap more, or there would be few. Rare actions are cut
#: twice as close.
STRIDES: dict[int, float] = {30: 0.9, 60: 0.6, 90: 0.45, 120: 0.35, 180: 0.25, 240: 0.18}
#: A group of action and style with less material than this is rare, seconds.
RARE_S = 45.0
#: Re-timing: a third of the training windows, evenly within these.
SPEEDS = (0.85, 1.15)
RETIMED = 1.0 / 3.0
#: Share of training windows without words.
WORDLESS = 0.1
#: Weights grow with this power of the material: what fills 100 times as many windows is drawn 10 times as often.
TEMPER = 0.5
#: No action's windows are drawn more than so many times as often as the middle action's.
MOST_RARE = 8.0
#: Windows of 8 s are drawn this power of 8 more often, each, than windows of 1 s.
LENGTHY = 0.9


def cut(
    spans_: Sequence[Span], tracks: Sequence[Track], good: Sequence[np.ndarray], said: Sequence[Said], seed: int
) -> list[Window]:
    """All windows of all splits; deterministic by ``seed``."""
    seconds: dict[tuple[str, ...], float] = {}
    for span in spans_:
        if span.split == "train":
            key = group(said[span.clip])
            seconds[key] = seconds.get(key, 0.0) + (span.stop - span.start) / 30.0
    paces = find_paces(_speeds(spans_, tracks, said))
    energies = [energy(track) for track in tracks]
    out: list[Window] = []
    for number, span in enumerate(spans_):
        rng = np.random.default_rng([seed, 30, number])
        rare = seconds.get(group(said[span.clip]), 0.0) < RARE_S
        for length in LENGTHS:
            for start, speed, mirror in _places(span, length, rare, good[span.clip], rng):
                out.append(_window(span, length, start, speed, mirror, tracks, said, energies, paces, rng))
    return weighed(out)


def group(said: Said) -> tuple[str, ...]:
    """What is balanced against what: verb and style of the clip."""
    return (said.label.verb, said.label.style)


def reach(length: int, speed: float) -> int:
    """Source frames that a window of ``length`` frames at a speed needs."""
    return math.ceil((length - 1) * speed - 1e-9) + 1


def _places(
    span: Span, length: int, rare: bool, good: np.ndarray, rng: np.random.Generator
) -> list[tuple[int, float, bool]]:
    """Where windows of one length lie in a span: ``(start, speed, mirror)``."""
    room = span.stop - span.start
    broken = np.concatenate([[0], np.cumsum(~good)])

    def fits(start: int, need: int) -> bool:
        return start >= span.start and start + need <= span.stop and broken[start + need] == broken[start]

    if span.split != "train":
        # Evaluation: as captured, side by side with half an overlap at most, centred in the span.
        if room < length:
            return []
        count = max(1, int((room - length) / (0.75 * length)) + 1)
        places = np.linspace(span.start, span.stop - length, count).round().astype(int).tolist()
        return [(start, 1.0, False) for start in places if fits(start, length)]
    out: list[tuple[int, float, bool]] = []
    stride = max(6, round(length * STRIDES[length] * (0.5 if rare else 1.0)))
    slowest = reach(length, SPEEDS[0])
    if room < slowest:
        return []
    count = max(1, -(-(room - slowest + 1) // stride))
    for k in range(count):
        speed = 1.0 if rng.random() >= RETIMED else round(float(rng.uniform(*SPEEDS)), 3)
        if reach(length, speed) > room:
            # Too short a clip: slowed just enough to fill the window.
            speed = max(SPEEDS[0], math.floor(1000 * (room - 1) / (length - 1)) / 1000)
        need = reach(length, speed)
        start = span.start + min(k * stride + int(rng.integers(stride)), room - need)
        mirrors = (False, True) if rare else (bool(rng.random() < 0.5),)
        out += [(start, speed, mirror) for mirror in mirrors if need <= room and fits(start, need)]
    return out


def _window(
    span: Span, length: int, start: int, speed: float, mirror: bool, tracks: Sequence[Track], said: Sequence[Said],
    energies: Sequence[np.ndarray], paces: dict[str, Pace], rng: np.random.Generator,
) -> Window:  # fmt: skip
    clip, stop = span.clip, start + reach(length, speed)
    track, total = tracks[clip], energies[clip]
    share = float((total[stop] - total[min(start + 1, stop)]) / total[-1])
    m = measure(track, start, stop, speed)
    what = of_crop(said[clip], start / FPS, (stop - 1) / FPS, len(track.root) / FPS)
    if mirror:
        m = m.mirrored()
        what = replace(what, label=mirrored_label(what.label), captions=tuple(map(mirrored, what.captions)))
    label, fact = true_label(what, m, spread(track, start, stop), share, paces)
    if span.split == "train":
        label, fact = otherwise(label, fact, m, rng)
    wordless = span.split == "train" and rng.random() < WORDLESS
    words = () if wordless else captions(fact, rng, int(rng.integers(3, 7)))
    return Window(clip, start, length, span.split, label, words, mirror, speed)


def _speeds(spans_: Sequence[Span], tracks: Sequence[Track], said: Sequence[Said]) -> list[tuple[str, float]]:
    """Speeds of two-second crops of the training spans, for slow and fast."""
    out = []
    for span in spans_:
        verb = said[span.clip].label.verb
        if span.split == "train" and verb:
            starts = range(span.start, span.stop - 60, 30)
            out += [(verb, measure(tracks[span.clip], start, start + 61).speed) for start in starts]
    return out


def weighed(windows: Sequence[Window]) -> list[Window]:
    """Training windows with weights that temper how much a common action is drawn; the mean weight is 1.

    An action, in a style, is drawn with the root of its material: the seconds of all its windows, which grow with the
    seconds captured. Long windows, of which there are few, are drawn more.
    """
    material: dict[tuple[str, str], float] = {}
    for w in windows:
        if w.split == "train":
            material[kind(w)] = material.get(kind(w), 0.0) + w.frames / FPS * lengthy(w)
    most = MOST_RARE * float(np.median([1.0 / material[key] ** (1.0 - TEMPER) for key in material] or [1.0]))
    raw = [
        min(1.0 / material[kind(w)] ** (1.0 - TEMPER), most) * lengthy(w) if w.split == "train" else 0 for w in windows
    ]
    mean = sum(raw) / max(sum(w.split == "train" for w in windows), 1)
    return [
        replace(w, weight=round(value / mean, 4)) if w.split == "train" else w
        for w, value in zip(windows, raw, strict=True)
    ]


def kind(window: Window) -> tuple[str, str]:
    """What is balanced against what; a step and a turn are parts of a walk."""
    verb = window.label.verb
    return ("walk" if verb in ("step", "turn") else verb, window.label.style)


def lengthy(window: Window) -> float:
    """How much more a window is drawn than one of a second."""
    return (window.frames / LENGTHS[0]) ** LENGTHY
