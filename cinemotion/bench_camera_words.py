"""Words of `cinemotion bench camera`: which tables, of how many scenes, by whom, into which files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion.errors import BadInput, did_you_mean

#: The tables: controllers on single shots, directors on scenes, editors.
TABLES = ("shots", "scenes", "editing")

#: What may be said, as an error tells it.
KNOWN = (
    *TABLES, "episodes=64", "cem=64,1024", "tune=12000000", "scenes=12", "scene=3", "directors=rule,policy",
    "import=my_directors", "films=12", "markdown", "report.json", "sheet.png", "policy.safetensors",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    tables: tuple[str, ...] = ("shots",)
    policies: tuple[Path, ...] = ()  # (): the shipped policy's training seeds
    episodes: int = 64  # of single shots, and of editing
    budgets: tuple[int, ...] | None = None  # of cem; None: all
    tune: int | None = None  # environment steps to tune the rule controller with first
    scenes: int = 12  # the first so many
    scene: int | None = None  # this one alone
    directors: tuple[str, ...] = ()  # (): all
    modules: tuple[str, ...] = ()  # Python modules that register directors
    films: int = 12  # of whole films by editors with cameras of their own
    markdown: bool = False
    report: Path | None = None  # JSON
    sheet: Path | None = None  # PNG: one scene by every director


def read(arguments: tuple[str, ...]) -> Asked:
    """Words of a command line as what they ask for; a word about one table asks for that table.

    ``shots`` (usual), ``scenes``, ``editing``; POLICY files; ``episodes=N``, ``cem=N,N``, ``tune=STEPS``; ``scenes=N``,
    ``scene=K``, ``directors=NAME,NAME``, ``import=MODULE,MODULE``, ``SHEET.png``; ``films=N``; ``markdown``;
    ``REPORT.json``.

    Raises:
        BadInput: a word that is none of these.
    """
    given: dict[str, Any] = {}
    tables: list[str] = []
    policies: list[Path] = []
    for word in arguments:
        name, sign, value = word.partition("=")
        if word in TABLES:
            tables.append(word)
        elif word == "markdown":
            given["markdown"] = True
        elif sign and name == "cem":
            given["budgets"] = _budgets(value)
            tables.append("shots")
        elif sign and name in _NUMBERS:
            given[name] = _whole(word, value, _NUMBERS[name][0])
            tables += _NUMBERS[name][1]
        elif sign and name in ("directors", "import"):
            found = tuple(one for one in value.split(",") if one)
            if not found:
                raise BadInput(f"bench camera: '{word}', expected names after the sign, with commas between them")
            given["modules" if name == "import" else name] = found
            tables.append("scenes")
        elif word.endswith(".json"):
            given["report"] = Path(word)
        elif word.endswith(".png"):
            given["sheet"] = Path(word)
            tables.append("scenes")
        elif word.endswith(".safetensors"):
            if not Path(word).is_file():
                raise BadInput(f"bench camera: {word}: no such file")
            policies.append(Path(word))
        else:
            raise BadInput(f"bench camera: '{word}'{did_you_mean(word, KNOWN)}, expected {', '.join(KNOWN)}")
    chosen = tuple(t for t in TABLES if t in tables) or ("shots",)
    return Asked(chosen, tuple(policies), **given)


#: The least that a number may be, and which tables it asks for.
_NUMBERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "episodes": (1, ()), "tune": (1, ("shots",)), "scenes": (1, ("scenes",)), "scene": (0, ("scenes",)),
    "films": (0, ("editing",)),
}  # fmt: skip


def _budgets(value: str) -> tuple[int, ...]:
    from rl_camera.bench import BUDGETS

    sizes = tuple(_whole(f"cem={value}", one, 1) for one in value.split(",") if one)
    for size in sizes:
        if size not in BUDGETS:
            raise BadInput(f"bench camera: cem={size}, expected {', '.join(map(str, BUDGETS))}")
    return sizes


def _whole(word: str, value: str, least: int) -> int:
    if not re.fullmatch("[0-9]{1,12}", value) or not least <= int(value) <= 10**11:
        raise BadInput(f"bench camera: '{word}', expected a whole number, {least} or more")
    return int(value)
