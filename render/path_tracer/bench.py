"""How long path tracing takes here, by each variant that works: `run`, the figures that the documentation quotes."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from dataclasses import dataclass

from render.bench import scene
from render.path_tracer.settings import PathSettings
from render.path_tracer.tracer import PathTracer
from render.path_tracer.variant import PLAIN, describe, fastest


@dataclass(frozen=True)
class Row:
    """One variant; seconds, and processor seconds of all threads, which a busy machine does not stretch."""

    variant: str
    first: float  # a new world's first frame, in a process that has traced another
    frame: float  # each frame after it, median
    first_cpu: float
    frame_cpu: float
    peak_mib: float  # most memory that the process has held so far


def measure(variant: str, size: tuple[int, int], spp: int, frames: int) -> Row:
    """The walking body of `render.bench`, its beauty and depth; nothing is blurred."""
    with PathTracer(size, PathSettings(spp=spp, motion_blur=False), variant=variant) as tracer:
        spent: list[float] = []
        busy: list[float] = []
        for _ in range(2):  # the first world compiles, or fills caches
            world, camera = scene()
            spent, busy = [], []
            for k in range(frames + 1):
                begin, worked = time.perf_counter(), time.process_time()
                next(tracer.render(world, camera, [k], ("beauty", "depth")))
                spent.append(time.perf_counter() - begin)
                busy.append(time.process_time() - worked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(variant, spent[0], statistics.median(spent[1:]), busy[0], statistics.median(busy[1:]), peak)


def run(spp: str | int = 64, width: str | int = 256, height: str | int = 256, frames: str | int = 5) -> list[Row]:
    """Measure and print.

    Args:
        spp: paths per pixel.
        width: px.
        height: px.
        frames: after the first.
    """
    size = int(width), int(height)
    about = ", ".join(f"{name} {value}" for name, value in describe().items() if name != "variant")
    rows = [measure(name, size, int(spp), int(frames)) for name in dict.fromkeys((fastest(), PLAIN))]
    lines = [
        f"{size[0]}x{size[1]}, {spp} paths a pixel; {about}",
        "variant        a new world's first frame, s (of all threads)   each after it",
    ]
    lines += [
        f"{r.variant:<13} {r.first:19.2f} ({r.first_cpu:.2f}) {r.frame:24.2f} ({r.frame_cpu:.2f})   "
        f"peak {r.peak_mib:.0f} MiB"
        for r in rows
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return rows
