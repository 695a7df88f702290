"""Motion-capture files in and out: `load` a path to a `Take`, `save` a `Take` to a path, `formats` for the list."""

from mocap_data import amass, asfamc, bvh, bvh_write, deepmimic, joints, kimodo, registry
from mocap_data.errors import NeedsRetarget
from mocap_data.registry import Format, formats, load, options_of, register, save, split_sample

__all__ = [
    "Format",
    "NeedsRetarget",
    "amass",
    "asfamc",
    "bvh",
    "bvh_write",
    "deepmimic",
    "formats",
    "joints",
    "kimodo",
    "load",
    "options_of",
    "register",
    "registry",
    "save",
    "split_sample",
]
