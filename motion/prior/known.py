"""Which actions and styles a corpus teaches: `of`, what a card's ``knows`` says; `seconds`, how long each was seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from motion.corpus import FPS, Corpus
from motion.text import STYLES, VERBS

#: Kinds of words that are told, and the vocabulary of each.
SLOTS: dict[str, tuple[str, ...]] = {"verb": VERBS, "style": STYLES}
#: A word is known when training shows it for so long, captured seconds: two of the shortest windows. What was seen for
#: less is one moment of one take …
LEAST_S = 2.0
#: … or for this share of all training motion, where that is less: a corpus of one's own may be a minute long.
LEAST_SHARE = 0.01


def of(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """The verbs and styles that training windows show long enough, in the vocabulary's order."""
    least = min(LEAST_S, LEAST_SHARE * _covered(_spans(corpus)) / FPS)
    seen = seconds(corpus)
    return {slot: tuple(word for word in words if seen[slot].get(word, 0.0) >= least) for slot, words in SLOTS.items()}


def seconds(corpus: Corpus) -> dict[str, dict[str, float]]:
    """Captured seconds of each word in the train split; overlapping, mirrored and re-timed windows count once."""
    found: dict[str, dict[str, float]] = {}
    spans = _spans(corpus)
    for slot in SLOTS:
        of_word: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for window, span in zip(corpus.split("train"), spans, strict=True):
            word = getattr(window.label, slot)
            if word:
                of_word[word].append(span)
        found[slot] = {word: _covered(own) / FPS for word, own in of_word.items()}
    return found


def _spans(corpus: Corpus) -> list[tuple[int, int]]:
    """Rows of the corpus that each training window was cut from, first and stop."""
    spans = []
    for w in corpus.split("train"):
        first = int(corpus.starts[w.clip]) + w.start
        spans.append((first, min(first + round((w.frames - 1) * w.speed) + 1, int(corpus.starts[w.clip + 1]))))
    return spans


def _covered(spans: Sequence[tuple[int, int]]) -> int:
    """Rows in any of the spans."""
    count, last = 0, 0
    for first, stop in sorted(spans):
        count += max(0, stop - max(first, last))
        last = max(last, stop)
    return count
