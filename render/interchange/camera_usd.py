"""Camera paths as USD: `write` and `load`; registered in `render.interchange.camera`. Needs the extra ``usd``."""

from __future__ import annotations

from render.interchange.camera_usd_reader import load
from render.interchange.camera_usd_writer import write

__all__ = ["load", "write"]
