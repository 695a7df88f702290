"""Settings of the environments: frozen dataclasses, changed by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from motion.errors import unknown

T = TypeVar("T")


def changed(settings: T, of: str, options: Mapping[str, Any]) -> T:
    """Settings with some changed; the dataclass checks their values.

    Args:
        settings: a frozen dataclass.
        of: whose they are, for errors.
        options: by name.

    Raises:
        BadInput: no such setting, or a value out of range.
    """
    known = [f.name for f in fields(settings)]  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            raise unknown(f"setting of {of}", name, known)
    return replace(settings, **options)  # type: ignore[type-var]
