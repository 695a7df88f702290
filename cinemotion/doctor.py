"""What this machine can do: GL, codecs, versions, extras; and the line that mends what it cannot."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cinemotion import provenance
from motion.errors import CinemotionError


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    topic: str
    text: str
    ok: bool = True
    needed: bool = True  # a film cannot be made without it
    mend: str = ""  # the line that mends it


def examine() -> list[Finding]:
    """Everything, without failing on anything."""
    return [*_machine(), *_packages(), _drawing(), *_video(), *_data(), *_weights(), *_extras()]


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    python_ok = tuple(map(int, platform.python_version_tuple()[:2])) >= (3, 11)
    return [
        Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}, {_cpu()}, {cores} cores"),
        Finding("memory", _memory()),
        Finding("disk", f"{free:.1f} GiB free here", free > 1, mend="" if free > 1 else "free some space"),
        Finding("python", platform.python_version(), python_ok, mend="" if python_ok else "use Python 3.11 or newer"),
    ]


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (ValueError, OSError, AttributeError):
        return "unknown"


def _packages() -> list[Finding]:
    found = []
    for name, version in provenance.versions().items():
        ok = version != "missing"
        found.append(Finding(name, version, ok, mend="" if ok else f"pip install {name}"))
    return found


def _drawing() -> Finding:
    try:
        from render.rasterizer import gl_info

        gl = gl_info()
    except CinemotionError as error:
        text, _, line = str(error).partition("; install Mesa's software driver with: ")
        return Finding("OpenGL", text, False, mend=line)
    except ImportError as error:
        return Finding("OpenGL", f"cannot be tried: {error}", False, mend="pip install moderngl")
    kind = "software, on the CPU" if gl["software"] else "GPU"
    text = f"{gl['renderer']} ({gl['vendor']}), {gl['version']}, {kind}, up to {gl['max_size']} px a side"
    return Finding("OpenGL", text)


def _video() -> list[Finding]:
    try:
        import av

        from render.video import CODECS
    except ImportError as error:
        return [Finding("video", f"cannot be tried: {error}", False, mend="pip install av")]
    found = []
    for name, codec in CODECS.items():
        ok = codec.encoder in av.codecs_available
        text = f"{codec.encoder}, into {' '.join(codec.suffixes)}" if ok else f"this FFmpeg has no {codec.encoder}"
        mend = "" if ok else "pip install --force-reinstall --only-binary :all: av"
        found.append(Finding(f"video {name}", text, ok, needed=name == "h264", mend=mend))
    chunks = "libx264rgb" in av.codecs_available
    if not chunks:
        mend = "pip install --force-reinstall --only-binary :all: av"
        found.append(Finding("video chunks", "this FFmpeg has no libx264rgb", False, mend=mend))
    return found


def _data() -> list[Finding]:
    from mocap_data.deepmimic import bundled

    captures = bundled()
    if not captures:
        return [Finding("captures", "none: the examples need them", False, needed=False, mend="pip install pybullet")]
    return [Finding("captures", f"{len(captures)} in the pybullet wheel: clip: pybullet:walk")]


def _weights() -> list[Finding]:
    """The weights that act words; films of captures need none."""
    from motion.prior import weights

    found = []
    for one in weights.shipped():
        if one.card is None:
            found.append(Finding("weights", f"{one.path.name} cannot be used: {one.trouble}", False, needed=False))
        elif one.card.kind == "prior":
            found.append(Finding("weights", f"{one.card.label}: {one.card.licence}"))
    if not found:
        words = "none: actions in words (`do`) and `cinemotion motion` need them"
        mend = "cinemotion train prior --data FOLDER --minutes 60 --out RUN"
        found.append(Finding("weights", words, False, needed=False, mend=mend))
    return found


#: Extra: the module that it brings, and what for.
EXTRAS = {
    "exr": ("OpenEXR", "multilayer EXR passes"),
    "pathtrace": ("mitsuba", "`cinemotion film --renderer pathtrace`, training pairs of the refiner"),
    "denoise": ("pyoidn", "path tracing without noise"),
    "fuse": ("skimage", "`cinemotion fuse`: a mesh from a shot's depth"),
    "diffusers": ("diffusers", "pretrained video pipelines as refiners"),
    "search": ("cma", "`cinemotion clean --dynamics --search`: one shot made better by sampling"),
    "smpl": ("smplx", "the SMPL authors' own skinning, to compare ours with; SMPL files are read without it"),
}


def _extras() -> list[Finding]:
    found = []
    for extra, (module, why) in EXTRAS.items():
        if importlib.util.find_spec(module) is not None:
            try:
                version = metadata.version(module)
            except metadata.PackageNotFoundError:
                version = "installed"
            found.append(Finding(f"extra {extra}", f"{module} {version}: {why}"))
        else:
            mend = f"pip install 'cinemotion[{extra}]'"
            found.append(Finding(f"extra {extra}", f"not installed: {why}", False, needed=False, mend=mend))
    return found
