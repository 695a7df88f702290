"""`pybullet`, imported without the line that it prints then: standard error is for errors."""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["pybullet"]


def _quietly() -> None:
    """Import the module once while file descriptor 2 leads nowhere; what C has buffered goes there too."""
    if "pybullet" in sys.modules:
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import pybullet  # noqa: F401

        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_quietly()

import pybullet  # noqa: E402
