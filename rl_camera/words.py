"""Camera work in words to shots: "slow push-in on the dancer, low angle, then cut wide"; no network.

`parse` understands a sentence, `timed` lays its shots out over a stretch of time, `shots_of` makes `motion.camera.Shot`
of them. What was not understood is an error with the nearest words; nothing of it is swallowed. What a sentence leaves
open stays None, and a later shot takes from the one before it whom it shows, but not the move. A shot that after a
mere "then" names only a move goes on in the framing before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from motion.camera import Shot
from motion.errors import BadInput
from rl_camera.vocabulary import usual_lens
from rl_camera.words_people import People
from rl_camera.words_reading import Reading
from rl_camera.words_settle import Described
from rl_camera.words_tokens import Quantity, tokens_of

__all__ = ["MOST_WORDS", "Described", "Sentence", "parse", "shot_of", "shots_of", "timed"]

#: A sentence of more words is not one of camera work.
MOST_WORDS = 1000


@dataclass(frozen=True)
class Sentence:
    """What a sentence says."""

    shots: tuple[Described, ...]
    ignored: tuple[str, ...] = ()  # harmless words that change nothing: "please", "cinematic"


def parse(
    text: str,
    cast: Sequence[str] = (),
    roles: Mapping[str, Iterable[str]] | None = None,
    deeds: Mapping[str, Iterable[str]] | None = None,
    of: Sequence[str] = (),
) -> Sentence:
    """Understand a sentence of camera work.

    Args:
        text: English; shots are parted by "then", "cut to", "after two seconds", a semicolon or a full stop.
        cast: performers' names, which the sentence may use.
        roles: what else performers are called, by name: ``{"ada": ["bride"]}``.
        deeds: verbs of what they do, by name: "dance" makes "the dancer" known.
        of: who is filmed where the words name nobody, and who "her" then is.

    Raises:
        BadInput: there is nothing, words are not understood, nobody is called so, or one shot is asked for two things.
    """
    if not isinstance(text, str):
        raise BadInput(f"camera words: expected text, got {type(text).__name__}")
    tokens = tokens_of(text)
    if len(tokens) > MOST_WORDS:
        raise BadInput(f"camera words: {len(tokens):,} words, expected at most {MOST_WORDS:,}")
    if not any(isinstance(t, Quantity) or t.isalpha() for t in tokens):
        raise BadInput("camera words: nothing is said, expected words such as 'slow push-in, low angle, then cut wide'")
    reading = Reading(tokens, People(cast, roles or {}, deeds or {}))
    reading.read()
    return Sentence(reading.shots(tuple(of)), tuple(dict.fromkeys(reading.ignored)))


def timed(sentence: Sentence, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """When each shot begins and ends, seconds: what is said, and even shares of the rest for the others.

    Where every shot says how long, the last one lasts until the end.

    Raises:
        BadInput: the shots are said to last longer than there is time.
    """
    lasts = [shot.seconds for shot in sentence.shots]
    said, open_ = sum(s for s in lasts if s is not None), sum(s is None for s in lasts)
    rest = (end_s - start_s) - said
    if rest < -1e-6 or (open_ and rest <= 1e-6):
        more = " and more shots follow" if open_ else ""
        raise BadInput(f"the words say {said:g} s{more}, and there are {end_s - start_s:g} s from {start_s:g} s on")
    spans, at = [], start_s
    for k, seconds in enumerate(lasts):
        stop = end_s if k == len(lasts) - 1 else at + (rest / open_ if seconds is None else seconds)
        spans.append((at, stop))
        at = stop
    return spans


def shot_of(said: Described, start_s: float, end_s: float, cast: Sequence[str]) -> Shot:
    """One described shot between two moments; what it leaves open is usual, its lens that of its size."""
    given = {name: getattr(said, name) for name in ("size", "angle", "view", "move", "position", "director")}
    known = {name: word for name, word in given.items() if word is not None}
    known.setdefault("position", "auto")
    lens = usual_lens(known.get("size", Shot.size)) if said.lens_mm is None else said.lens_mm
    of = said.of or tuple(cast)
    return Shot(start_s, end_s, of, **known, lens_mm=lens, f_stop=said.f_stop, options=dict(said.options))


def shots_of(
    text: str,
    start_s: float,
    end_s: float,
    cast: Sequence[str],
    roles: Mapping[str, Iterable[str]] | None = None,
    deeds: Mapping[str, Iterable[str]] | None = None,
) -> list[Shot]:
    """A sentence as shots between two moments; see `parse` and `timed`.

    >>> [s.move for s in shots_of("push in on ada, then cut wide", 0.0, 4.0, ["ada"])]
    ['push_in', 'static']
    """
    sentence = parse(text, cast, roles, deeds)
    spans = timed(sentence, start_s, end_s)
    return [shot_of(s, a, b, cast) for s, (a, b) in zip(sentence.shots, spans, strict=True)]
