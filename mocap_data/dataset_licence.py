"""Under which licence a capture comes: what its reader says, in `short`, and the LICENSE file that stands with it."""

from __future__ import annotations

import re
from pathlib import Path

from mocap_data import files
from mocap_data.dataset_find import ARCHIVES, above
from motion import licences
from motion.errors import CinemotionError

#: Licences as corpora and weights name them, by what a reader says.
SHORT: tuple[tuple[str, str], ...] = (
    (files.BANDAI_NAMCO_LICENCE, "CC BY-NC 4.0"),
    (files.CMU_LICENCE, "CMU"),
    (files.DEEPMIMIC_LICENCE, "MIT"),
)
_WORDS = ("LICENSE", "LICENCE", "License", "Licence", "license", "licence")
_FILES = tuple(word + suffix for word in _WORDS for suffix in ("", ".txt", ".md"))
_LICENCE = r"(?: public)?(?: licen[cs]e)?"
#: Titles of licences, a whole line of lower case, and their names.
_TITLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:the )?mit(?: licen[cs]e)?(?: \(mit\))?"), "MIT"),
    (re.compile(r"apache(?:-| licen[cs]e,? (?:version )?)2\.0(?:, january 2004)?"), "Apache-2.0"),
    (re.compile(r"(?:the )?bsd[ -]([23])[ -]clause(?: licen[cs]e)?"), "BSD-{0}-Clause"),
    (re.compile(r"(?:creative commons )?cc0(?:[ -]1\.0)?(?: universal)?" + _LICENCE), "CC0 1.0"),
    (re.compile(r"(?:cc|creative commons)[ -]by((?:-nc|-nd|-sa)*)[ -](\d\.\d)(?: international)?" + _LICENCE),
     "CC BY{0} {1}"),
    (re.compile(r"(?:creative commons )?attribution((?:-noncommercial|-noderivatives|-noderivs|-sharealike)*) (\d\.\d)"
                r"(?: international| unported)?" + _LICENCE), "CC BY{0} {1}"),
    (re.compile(r"public domain"), "public domain"),
)  # fmt: skip
_PARTS = {"-noncommercial": "-NC", "-noderivatives": "-ND", "-noderivs": "-ND", "-sharealike": "-SA"}
#: A title stands in one of the first lines.
_FIRST = 3
_MOST = 64 << 10  # bytes; the longest of these licences has 20 kB


def licence_of(said: str | None, path: Path, name: str, source: str) -> str:
    """The licence of a capture in a corpus; several that all hold stand with ``+`` between them.

    A LICENSE file says it where the capture does not. Where both do, both hold: a file that lies with many things does
    not loosen what is known of one. The archives' own licences are known, and their files are not looked at.
    """
    own = short(said or "")
    stands = "" if source in ARCHIVES else standing(path, name)
    if not stands or stands == own:
        return own
    if own == licences.UNSTATED:
        return stands
    if stands.startswith("see ") and not licences.allows_commercial(own):
        return own
    return " + ".join(sorted({*own.split(" + "), stands}))


def short(said: str) -> str:
    """ "CMU + MIT" for a file and a motion under two licences; the text itself where it is none of ours."""
    known, rest = [], said
    for text, name in SHORT:
        if text in rest:
            known.append(name)
            rest = rest.replace(text, "")
    if known and not rest.strip("; "):
        return " + ".join(known)
    return licences.UNSTATED if said in ("", "unknown") else said


def standing(path: Path, name: str) -> str:
    """What the nearest LICENSE file at or above a capture says, up to the folder given; "" where there is none."""
    for folder in above(path, name):
        for each in _FILES:
            if (folder / each).is_file():
                return titled(folder / each)
    return ""


def titled(path: Path) -> str:
    """A licence by the title of its text; ``see LICENSE (my_captures)`` for one that is not recognised."""
    other = f"see {path.name} ({path.parent.name})"
    try:
        text = files.text_of(files.read_head(path, _MOST), path, "a licence's")
    except CinemotionError:
        return other
    lines = [line for line in (" ".join(line.strip(" \t\r#*=_").lower().split()) for line in text.splitlines()) if line]
    head = (*lines[:_FIRST], " ".join(lines[:2]))  # "Apache License", and below it "Version 2.0, January 2004"
    first = {found for line in head if (found := _name(line))}
    named = first | {found for line in lines if (found := _name(line))}
    if len(named) != 1 or not first:
        return other
    (found,) = named
    # "MIT License", and further down "the data is for non-commercial use".
    return other if licences.allows_commercial(found) and licences.forbids(text) else found


def _name(line: str) -> str:
    line = line.removeprefix("spdx-license-identifier:").strip()
    for pattern, name in _TITLES:
        match = pattern.fullmatch(line)
        if match is not None:
            parts = [re.sub(r"-[a-z]+", lambda m: _PARTS.get(m[0], m[0].upper()), g) for g in match.groups()]
            return name.format(*parts)
    return ""
