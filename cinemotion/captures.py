"""Captures at hand for learning cameras: the pybullet wheel's fifteen, or every motion file of a user's folder."""

from __future__ import annotations

import functools
from pathlib import Path

from motion.clip import Clip
from motion.errors import BadInput


@functools.lru_cache(maxsize=4)
def captures(folder: str | Path | None = None) -> dict[str, Clip]:
    """Clips on SMPL-24 by name, in order of name; files that cannot be read are left out.

    Raises:
        BadInput: the folder is none, or holds no motion that can be read.
        MissingSystem: the pybullet wheel is not installed.
    """
    from cinemotion import formats
    from motion.retarget import retarget

    if folder is None:
        from mocap_data.deepmimic import BUNDLED, bundled, find_bundled

        names = sorted(bundled()) or [find_bundled("walk").stem]
        return {n.removeprefix("humanoid3d_"): retarget(formats.load(BUNDLED + n))[0] for n in names}
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of captures")
    formats.join()
    found: dict[str, Clip] = {}
    first: BadInput | None = None
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in formats.readable()):
        try:
            found[str(path.relative_to(folder))] = retarget(formats.load(path))[0]
        except BadInput as error:
            first = first or error
    if not found:
        raise first or BadInput(f"{folder}: no motion files, expected {', '.join(formats.readable())}")
    return found
