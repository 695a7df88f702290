"""The measurements behind the numbers that the documentation quotes, from the packages that own them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from motion.errors import MissingSystem, unknown

#: Subject: the module and function that measure it.
SUBJECTS = {
    "render": ("render.bench", "run"),
    "motion": ("cinemotion.bench_motion", "run"),
    "formats": ("mocap_data.bench", "run"),
}


def run(subject: str, arguments: Sequence[str] = ()) -> object:
    """Measure one subject; what is measured prints its own table."""
    if subject not in SUBJECTS:
        raise unknown("bench", subject, SUBJECTS)
    module, function = SUBJECTS[subject]
    try:
        measure = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise MissingSystem(f"bench {subject} cannot be run here: {error}") from error
    return measure(*arguments)
