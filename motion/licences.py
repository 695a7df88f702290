"""What a licence's name allows: `allows_commercial`, `forbids`, `use` in words; `combined` of several; `UNSTATED`.

Names are text that people wrote. Only what is known to allow commercial use counts as allowing it; all else does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Stands where a licence is not known.
UNSTATED = "not stated"

#: Licences known to let what is made under them be used commercially and changed; NC and ND forms are none of them.
_FREE = re.compile(
    r"""(?<![\w-])(?:
      CMU(?:\ Graphics\ Lab\ Motion\ Capture\ Database:\ free\ for\ all\ uses
        (?:;\ the\ data\ itself\ may\ not\ be\ resold)?)?
    | (?:the\ )?MIT(?:-0)?(?:\ Licen[cs]e)?(?:\ \(DeepMimic\))?
    | CC0(?:[ -]1\.0)?(?:\ Universal)?
    | (?:CC|Creative\ Commons)[ -]BY(?:-SA)?(?:[ -]\d\.\d)?
    | (?:Creative\ Commons\ )?Attribution(?:-ShareAlike)?\ \d\.\d(?:\ International)?
    | Apache(?:[ -]|\ Licen[cs]e,?\ (?:Version\ )?)2(?:\.0)?
    | BSD(?:[ -]\d-Clause)?(?:\ Licen[cs]e)?
    | ISC | Unlicense | ODC-By(?:[ -]1\.0)? | CDLA-Permissive-\d\.\d
    | public\ domain
    )(?![\w-]|\.\w)""",
    re.IGNORECASE | re.VERBOSE,
)
#: What may stand between the names of several licences.
_BETWEEN = re.compile(r"(?:[\s,;+&]|\band\b)*", re.IGNORECASE)
_FORBIDS = re.compile(r"non-?\s?commercial|\bNC\b|research (?:only|purposes?|use)|for research", re.IGNORECASE)


def allows_commercial(licence: str) -> bool:
    """Whether every licence named, with ``,``, ``;`` or ``+`` between them, is known to allow commercial use.

    >>> allows_commercial("CMU + MIT"), allows_commercial("CMU, CC BY-NC 4.0"), allows_commercial(UNSTATED)
    (True, False, False)
    """
    rest, count = _FREE.subn(" ", licence)
    return count > 0 and _BETWEEN.fullmatch(rest) is not None


def forbids(text: str) -> bool:
    """Whether a text speaks of non-commercial use or of research alone."""
    return _FORBIDS.search(text) is not None


def use(licence: str) -> str:
    """What people are told about a licence, in a few words."""
    if allows_commercial(licence):
        return "commercial use allowed"
    return "not for commercial use" if forbids(licence) else "ask whoever made the data before commercial use"


def combined(licences: Iterable[str]) -> str:
    """The licence of what is made of all of these: those not known to allow commercial use if there are, else all.

    Nothing at all, or an empty name, is `UNSTATED`.
    """
    said = sorted({name.strip() or UNSTATED for name in licences})
    strict = [name for name in said if not allows_commercial(name)]
    return ", ".join(strict or said) or UNSTATED
