"""`cinemotion stream`: motion made frame by frame by the token GPT, cut at a length and written as `motion` writes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cinemotion import ask as asking
from cinemotion.ask import Ask
from cinemotion.make_motion import body_for, licences, targets_of, written
from motion import edit
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import threads, weights
from motion.prior.request import Report, Result, Span
from motion.prior.understand import understand

#: A file is held in memory whole; in Python a stream has no end.
MOST_SECONDS = 3600.0
ROAD = "streamed"


def make(ask: Ask, out: Path) -> Iterator[str]:
    """Stream motion into a file; yields what to tell, line by line.

    Raises:
        BadInput: an option is wrong, the words say nothing known, or there are no such weights.
        MissingSystem: the disk is full.
    """
    (target,) = targets_of(out, 1)
    seconds = ask.seconds or 0.0
    if not 1 / FPS <= seconds <= MOST_SECONDS:
        raise BadInput(f"--seconds {seconds:g}, expected {1 / FPS:.2f} to {MOST_SECONDS:g}; in Python it need not end")
    rate = asking.rate(ask)
    body = body_for(ask, out)
    path = weights.find(ask.model, "gpt")
    plan, confidence, suggestions = understand(ask.text, bound=False, card=weights.card_of(path))
    threads.settle()
    from motion.prior.gpt import tokens_beside
    from motion.prior.stream import Streamer

    models = [path, tokens_beside(path)]
    streamer = Streamer.load(path)
    begun = time.perf_counter()
    playing = streamer.stream(plan, ask.seed)
    frames = [next(playing)]
    first = time.perf_counter() - begun
    frames += itertools.islice(playing, round(seconds * FPS) - 1)
    taken = time.perf_counter() - begun
    clip = streamer.collect(frames, ask.seed)
    if rate is not None:
        clip = edit.resample(clip, rate)
    spans = tuple(_spans(frames, ask.seed))
    note = f"made from the words '{ask.text.strip()}': {ROAD}"
    clip = replace(clip, provenance=clip.provenance.noting(note))
    decided = tuple(d for step in plan.steps for action in step for d in action.decisions)
    report = Report(spans, decided, confidence, suggestions, notes=plan.notes)
    yield from written(Result(clip, report), target, ask, body, models)
    yield f"  first frame after {1e3 * first:.0f} ms, {len(frames) / taken:.0f} frames a second"
    yield from licences(models)


def _spans(frames: Sequence[Any], seed: int) -> Iterator[Span]:
    """What was followed when."""
    for text, group in itertools.groupby(frames, key=lambda frame: frame.text):
        rows = list(group)
        yield Span(rows[0].seconds, rows[-1].seconds + 1 / FPS, text, ROAD, seed=seed)
