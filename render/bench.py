"""How fast the rasterizer is beside pyrender, on the same moving, dressed body on a ground: `run`.

Both draw the same world in turns, so that a busy machine slows both alike; ratios are medians over pairs. Posing and
skinning are in both columns. pyrender gives 8-bit colour and depth; ours gives every pass of `Frame`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.character import Character
from motion.clip import Clip
from motion.stage import Performance, Stage
from render.frame import PASSES
from render.rasterizer import Rasterizer, RenderSettings, gl_info
from render.world import World

SIZES: tuple[tuple[int, int], ...] = ((256, 256), (512, 512), (1280, 720))
_FRAMES = 240
_ALL = tuple(name for name in PASSES if name not in ("display", "albedo_aa"))


@dataclass(frozen=True)
class Row:
    """One size: milliseconds a frame (medians) and ratios (medians over pairs; above 1: ours is faster)."""

    size: tuple[int, int]
    pyrender_ms: float  # colour and depth
    pyrender_shadows_ms: float
    ours_ms: float  # every pass, shadows, one sample
    ours_flow_ms: float  # and exact flow with occlusion to the next frame
    ours_aa_ms: float  # every pass, beauty and its albedo at four samples
    plain_ratio: float  # pyrender plain / ours
    shadows_ratio: float  # pyrender with shadows / ours
    aa_ratio: float  # pyrender with shadows / ours anti-aliased


def scene(character: Character | None = None) -> tuple[World, CameraPath]:
    """A dressed body walking on concrete at noon, and a camera that sees all of it."""
    if character is None:
        from motion.body import Body

        character = Body.default()
    t = np.arange(_FRAMES) / 30.0
    swing = np.sin(2 * np.pi * t)
    turns = np.tile(rot.IDENTITY, (_FRAMES, 24, 1))
    for joint, axis, angle in (
        (1, "X", -0.5 * swing), (2, "X", 0.5 * swing), (4, "X", 0.4 + 0.3 * swing), (5, "X", 0.4 - 0.3 * swing),
        (16, "Z", -1.2 + 0.1 * swing), (17, "Z", 1.2 + 0.1 * swing), (18, "Y", -0.5 + 0.2 * swing),
        (19, "Y", 0.5 + 0.2 * swing), (12, "Y", 0.3 * swing), (3, "X", 0.1 * swing),
    ):  # fmt: skip
        turns[:, joint] = rot.from_axis(axis, angle)
    root = np.stack([0 * t, np.full(_FRAMES, character.rest_offsets[0][1]), 0.1 * swing], axis=-1)
    clip = Clip(turns, root, character.rest_offsets, Fraction(30))
    pose = look_at(np.tile([1.2, 1.4, 3.6], (_FRAMES, 1)), np.array([0.0, 0.9, 0.0]))
    world = World([Performance("walker", clip, character)], Stage("concrete", "noon"))
    return world, CameraPath(pose, np.array(35.0), Fraction(30))


def measure(size: tuple[int, int], pairs: int, character: Character | None = None) -> Row:
    """One size, ``pairs`` times each in turns."""
    from render.pyrender_backend import Pyrender

    world, camera = scene(character)
    with (
        Pyrender(size) as plain,
        Pyrender(size, shadows=True) as shaded,
        Rasterizer(size, RenderSettings(samples=1)) as single,
        Rasterizer(size, RenderSettings(samples=4, max_samples=4)) as smooth,
    ):

        def ours(k: int) -> None:
            next(single.render(world, camera, [k], _ALL))

        def flow(k: int) -> None:
            next(single.render(world, camera, [k], _ALL)).flow_to(k + 1)

        def anti_aliased(k: int) -> None:
            next(smooth.render(world, camera, [k], (*_ALL, "albedo_aa")))

        contestants: tuple[Callable[[int], object], ...] = (
            lambda k: plain.render(world, camera, k),
            ours,
            lambda k: shaded.render(world, camera, k),
            anti_aliased,
            flow,
        )
        times: list[list[float]] = [[] for _ in contestants]
        for k in range(pairs + 2):
            for spent, draw in zip(times, contestants, strict=True):
                # A frame nobody drew yet, so that everybody poses it.
                frame = (k * len(contestants) * 2 + times.index(spent) * 2) % (_FRAMES - 1)
                world.forget()
                begin = time.perf_counter()
                draw(frame)
                spent.append((time.perf_counter() - begin) * 1e3)
    # The first two rounds compile shaders.
    a, ours_, b, aa, with_flow = (np.array(t[2:]) for t in times)
    middle = statistics.median
    return Row(
        size, middle(a), middle(b), middle(ours_), middle(with_flow), middle(aa), middle(a / ours_), middle(b / ours_),
        middle(b / aa),
    )  # fmt: skip


def run(pairs: str | int = 15, *sizes: str) -> list[Row]:
    """Measure and print the table that the documentation quotes.

    Args:
        pairs: rounds per size.
        sizes: ``"256x256"``, …; none: `SIZES`.
    """
    chosen: Sequence[tuple[int, int]] = [_size(s) for s in sizes] or SIZES
    rows = [measure(size, int(pairs)) for size in chosen]
    info = gl_info()
    lines = [
        f"{info['renderer']}; one dressed body, ground, sun; ms a frame, medians of {pairs} interleaved rounds",
        "     size | pyrender  +shadows | ours, all passes  +flow  2x2 AA |  vs plain (>=2)  vs shadows (>=3)  AA vs "
        "shadows (>=1, aim 2)",
    ]
    lines += [
        f"{r.size[0]:>4}x{r.size[1]:<4} | {r.pyrender_ms:8.1f} {r.pyrender_shadows_ms:9.1f} | {r.ours_ms:16.1f} "
        f"{r.ours_flow_ms:6.1f} {r.ours_aa_ms:7.1f} | "
        f"{r.plain_ratio:14.2f} {r.shadows_ratio:17.2f} {r.aa_ratio:14.2f}"
        for r in rows
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return rows


def _size(text: str) -> tuple[int, int]:
    from motion.errors import BadInput

    width, cross, height = text.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise BadInput(f"bench render: size '{text}', expected WIDTHxHEIGHT, for example 512x512")
    return int(width), int(height)
