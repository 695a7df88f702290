"""Motion-capture files in and out: `load` a path to a `Take`, `save` a `Take` to a path, `formats` for the list."""

from mocap_data import bvh, deepmimic, registry
from mocap_data.registry import Format, formats, load, register, save

__all__ = ["bvh", "deepmimic", "Format", "formats", "load", "register", "registry", "save"]
