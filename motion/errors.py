"""The errors a user may see, in one small tree; the command line turns each into one line and an exit code.

CinemotionError          something a person should read           exit 1
├── BadInput             the input is wrong: file, name, value    exit 2
├── MissingExtra         an optional package is not installed     exit 1
└── MissingSystem        the machine lacks something (GL, space)  exit 1
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class CinemotionError(Exception):
    """Root of every error raised on purpose; its text is meant for people."""

    exit_code = 1


class BadInput(CinemotionError):
    """Input that cannot be used; says what, where, what was expected and what came."""

    exit_code = 2


class MissingExtra(CinemotionError):
    """An optional dependency is needed here; the text holds the line that installs it."""


class MissingSystem(CinemotionError):
    """The machine lacks something that no Python package brings: OpenGL, disk space, a permission."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suffix for an error about an unknown name: the nearest known names, or all of them when few.

    >>> did_you_mean("wlak", ["walk", "run"])
    "; did you mean 'walk'?"
    """
    options = sorted(map(str, known))
    lowered = {option.lower(): option for option in options}
    near = difflib.get_close_matches(str(name).lower(), list(lowered), n=3, cutoff=0.6)
    if near:
        return "; did you mean " + " or ".join(f"'{lowered[n]}'" for n in near) + "?"
    if not options:
        return ""
    shown = ", ".join(options[:12]) + (", …" if len(options) > 12 else "")
    return f"; known: {shown}"


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a name that is not in a closed list: ``raise unknown("outfit", "runer", outfits)``."""
    return BadInput(f"unknown {kind} '{name}'{did_you_mean(name, known)}")


def need(module: str, extra: str, why: str) -> ModuleType:
    """Import an optional module, or say which ``pip install`` line brings it.

    Raises:
        MissingExtra: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(f"{why} needs the package '{module}': pip install 'cinemotion[{extra}]'") from error
