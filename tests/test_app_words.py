"""The page of words is what the packages know today."""

from __future__ import annotations

from pathlib import Path

from cinemotion.words import SECTIONS, page


def test_the_published_page_is_the_printed_one() -> None:
    published = Path(__file__).parent.parent / "docs" / "words.md"
    assert published.read_text(encoding="utf-8") == page(), "cinemotion words > docs/words.md"


def test_every_kind_of_word_has_its_place_on_the_page() -> None:
    from cinemotion import vocabulary

    told = {kind for kinds in SECTIONS.values() for kind in kinds}
    assert told | {"gender"} >= set(vocabulary._SOURCES) | set(vocabulary._CAMERA)
