"""The application: scene files, the pipeline that makes films of them, the command line.

from cinemotion import make_film
made = make_film("park.yaml", workers=2)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cinemotion.film import Changes, Film
    from cinemotion.pipeline import Made, make_film
    from cinemotion.provenance import verify

__all__ = ["Changes", "Film", "Made", "make_film", "verify"]

_HOMES = {"Changes": "film", "Film": "film", "Made": "pipeline", "make_film": "pipeline", "verify": "provenance"}


def __getattr__(name: str) -> Any:
    # Late, so that `cinemotion --help` does not wait for NumPy and its friends.
    if name not in _HOMES:
        raise AttributeError(f"module 'cinemotion' has no attribute '{name}'")
    return getattr(importlib.import_module(f"cinemotion.{_HOMES[name]}"), name)
