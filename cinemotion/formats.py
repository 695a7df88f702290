"""Every file that motion can be read from: `mocap_data`'s registry joined with glTF, which lives in `render`."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from motion.take import Take

GLTF_SUFFIXES = (".glb", ".gltf")


@functools.cache
def join() -> None:
    """Add glTF reading to the registry; once is enough."""
    from mocap_data import Format, register

    def read(path: str | os.PathLike[str]) -> Take:
        from render.interchange import gltf

        return gltf.load(Path(path))

    note = "the skin's joints and the first animation; written with the dressed body"
    register(Format("glTF", GLTF_SUFFIXES, read, note=note))


def load(path: str | os.PathLike[str], **options: Any) -> Take:
    """A `Take` from any motion file; raises `BadInput` as `mocap_data.load` does."""
    import mocap_data

    join()
    return mocap_data.load(path, **options)


def options_of(path: str | os.PathLike[str]) -> frozenset[str]:
    """What the reader of a file may be told, for example ``fps`` or ``sample``; raises as `load`."""
    import mocap_data

    join()
    return mocap_data.options_of(path)


def readable() -> tuple[str, ...]:
    """Suffixes that motion is read from."""
    import mocap_data

    join()
    return tuple(dict.fromkeys(s for f in mocap_data.formats() if f.read is not None for s in f.suffixes))


def writable() -> tuple[str, ...]:
    """Suffixes that motion is written to."""
    import mocap_data

    own = (s for f in mocap_data.formats() if f.write is not None for s in f.suffixes)
    return tuple(dict.fromkeys((*own, *GLTF_SUFFIXES)))
