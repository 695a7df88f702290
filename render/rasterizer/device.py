"""OpenGL without a window: finds a device that works, GPU or Mesa's software driver, and says which it is."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.errors import BadInput, MissingSystem

if TYPE_CHECKING:
    import moderngl

#: Environment variable that chooses the EGL device when no ``device`` is given.
DEVICE_VARIABLE = "CINEMOTION_GL_DEVICE"
_HELP = "install Mesa's software driver with: apt-get install -y libegl1 libgl1 libgl1-mesa-dri libgles2"
_TRIED_DEVICES = 8


def open_context(device: int | None = None) -> moderngl.Context:
    """An offscreen OpenGL 4.3+ context on EGL.

    Args:
        device: EGL device number; None: `DEVICE_VARIABLE`, else the first that works (GPUs come before software).

    Raises:
        BadInput: the device number is not one.
        MissingSystem: no device, or not this one, offers OpenGL.
    """
    import moderngl

    if device is None and os.environ.get(DEVICE_VARIABLE):
        text = os.environ[DEVICE_VARIABLE]
        if not text.strip().isdigit():
            raise BadInput(f"{DEVICE_VARIABLE} is '{text}', expected a device number: 0, 1, …")
        device = int(text)
    if device is not None and device < 0:
        raise BadInput(f"GL device {device}, expected 0 or more")
    reason = "no device"
    for index in range(_TRIED_DEVICES) if device is None else (device,):
        try:
            options: dict[str, Any] = {"backend": "egl", "device_index": index}
            context = moderngl.create_context(require=430, standalone=True, **options)
        except Exception as error:
            reason = str(error).strip() or type(error).__name__
            # Past the last device there is nothing to try; the first failure says more than that.
            if device is None and index > 0 and "device" in reason.lower():
                break
            continue
        return context
    which = "any EGL device" if device is None else f"EGL device {device}"
    raise MissingSystem(f"cannot draw: OpenGL 4.3 is not available on {which} ({reason}); {_HELP}")


def gl_info(device: int | None = None) -> dict[str, Any]:
    """What draws here: ``vendor``, ``renderer``, ``version``, ``software`` (bool), ``max_size`` (px).

    Raises:
        MissingSystem: there is no usable OpenGL; the text holds the ``apt-get`` line.
    """
    context = open_context(device)
    try:
        return describe(context)
    finally:
        context.release()


def describe(context: moderngl.Context) -> dict[str, Any]:
    """`gl_info` of an open context."""
    info = context.info
    renderer = str(info["GL_RENDERER"])
    return {
        "vendor": str(info["GL_VENDOR"]),
        "renderer": renderer,
        "version": str(info["GL_VERSION"]),
        "software": bool(re.search(r"llvmpipe|softpipe|swrast|software", renderer, re.IGNORECASE)),
        "max_size": int(info["GL_MAX_TEXTURE_SIZE"]),
    }


def available_memory() -> int | None:
    """Bytes of main memory that could be used now; None where the system does not say."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def shader_source(name: str, defines: dict[str, int] | None = None) -> str:
    """A shader of this package with its includes and definitions put in."""
    lines = ["#version 430 core", *(f"#define {key} {value}" for key, value in (defines or {}).items())]
    return "\n".join(lines) + "\n" + _read(name)


def _read(name: str) -> str:
    text = resources.files("render.rasterizer").joinpath("shaders", name).read_text(encoding="utf-8")
    return re.sub(r'^#include "([^"]+)"$', lambda m: _read(m[1]), text, flags=re.MULTILINE)
