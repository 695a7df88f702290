"""The vocabulary: every word means something, and what people write is understood."""

from __future__ import annotations

import itertools

import pytest

from motion.errors import BadInput
from rl_camera import framing, vocabulary


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        ("shot size", "MCU", "medium_close_up"),
        ("shot size", "Close-Up", "close_up"),
        ("shot size", "extreme wide shot", "extreme_wide"),
        ("shot size", "ws", "wide"),
        ("shot size", "american", "medium_full"),
        ("camera angle", "bird's eye", "overhead"),
        ("camera angle", "low angle", "low"),
        ("camera move", "dolly in", "push_in"),
        ("camera move", "Vertigo", "dolly_zoom"),
        ("view", "OTS", "over_the_shoulder"),
        ("view", "three quarter left", "front_three_quarter_left"),
        ("position in the picture", "center", "centre"),
        ("position in the picture", "rule of thirds", "thirds"),
        ("director", "rule", "rule"),
    ],
)
def test_what_people_write_is_understood(kind: str, said: str, meant: str) -> None:
    assert vocabulary.find(kind, said) == meant


@pytest.mark.parametrize("kind", vocabulary.KINDS)
def test_every_name_is_found_and_described(kind: str) -> None:
    for name in vocabulary.names(kind):
        assert vocabulary.find(kind, name) == name == vocabulary.find(kind, name.upper().replace("_", " "))
        entry = vocabulary._TABLES[kind][name]
        assert getattr(entry, "about", entry)


def test_aliases_lead_to_names() -> None:
    for kind, aliases in vocabulary._ALIASES.items():
        assert set(aliases.values()) <= set(vocabulary.names(kind))
        assert not set(aliases) & set(vocabulary.names(kind))


@pytest.mark.parametrize("word", ["mediun", "", "zzz", "closeip", None, 3])
def test_unknown_words_are_refused_with_a_hint(word: object) -> None:
    with pytest.raises(BadInput, match=r"unknown shot size .*(did you mean|known:)"):
        vocabulary.find("shot size", word)  # type: ignore[arg-type]


def test_sizes_are_ordered_from_far_to_near() -> None:
    specs = list(vocabulary.SIZES.values())
    assert list(vocabulary.SIZES) == list(vocabulary.ShotSize)
    for far, near in itertools.pairwise(specs):
        assert far.frame_height > near.frame_height and far.lens_mm <= near.lens_mm
    for spec in specs:
        assert len(framing.indices(spec.keeps))
    assert 20 <= vocabulary.usual_lens("wide") <= 30 and vocabulary.usual_lens("cu") >= 75
