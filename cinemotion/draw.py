"""Drawing one chunk of a film, in this process or in several: `Job`, `Painter`, and the pool of workers.

A chunk's bytes depend on the film and the chunk alone: not on the process that draws it, nor on what that process drew
before. That is what makes a resumed film, and one drawn by many workers, equal to one drawn in a single run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion.film import Film
from cinemotion.manifest import Chunk, remove, seal
from cinemotion.refining import Finisher
from cinemotion.styling import Styling
from motion.errors import BadInput, CinemotionError, MissingSystem
from motion.files import explain

if TYPE_CHECKING:
    from render.path_tracer import PathTracer

FILM = "film.mkv"
PASSES = "passes"

OnFrame = Callable[[int], None]
Seconds = dict[str, float]


@dataclass(frozen=True)
class Job:
    """What a worker needs to know."""

    film: Film
    folder: Path  # where chunks go
    scales: tuple[Any, ...]  # render.control.ShotScale per shot
    device: int | None = None


class Painter:
    """Draws chunks of one film with one GL context."""

    def __init__(self, job: Job) -> None:
        from render import Rasterizer, World
        from render.control import to_draw as control_passes
        from render.passes import to_draw

        self.job = job
        film = job.film
        self._stack = contextlib.ExitStack()
        self._world = World(film.drawn, film.stage)
        drawer: Rasterizer | PathTracer
        if film.look.renderer == "pathtrace":
            from render.path_tracer import PathTracer

            drawer = PathTracer(film.size, path_settings(film), settings(film), job.device)
        else:
            drawer = Rasterizer(size=film.size, settings=settings(film), device=job.device)
        self._drawer = drawer
        self._stack.enter_context(contextlib.closing(drawer))
        self._styling = None
        if film.style is not None:
            self._styling = self._stack.enter_context(Styling(film, self._world, job.device))
        self._finisher = Finisher(film, job.scales) if film.look.refining is not None else None
        finish = self._finisher.needs if self._finisher is not None else ()
        self._passes = tuple(sorted({"display", *to_draw(film.passes), *control_passes(film.control), *finish}))

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def draw(self, chunk: Chunk, on_frame: OnFrame | None = None) -> Seconds:
        """Draw a chunk into its folder, which appears whole; returns where the time went."""
        final = self.job.folder / chunk.name
        partial = self.job.folder / f".{chunk.name}.{os.getpid()}.partial"
        remove(partial)
        try:
            partial.mkdir(parents=True)
            seconds = self._draw(chunk, partial, on_frame or (lambda _: None))
            seal(partial, chunk)
            remove(final)
            partial.rename(final)
        except OSError as error:
            raise _unwritable(explain(final, error)) from error
        except BadInput as error:
            # A work folder that cannot be written to is no fault of the scene; anything else is.
            raise (_unwritable(error) if str(self.job.folder) in str(error) else error) from error
        finally:
            remove(partial)
        return seconds

    def _draw(self, chunk: Chunk, folder: Path, on_frame: OnFrame) -> Seconds:
        from render.control import picture
        from render.passes import PassWriter, legend_of

        film = self.job.film
        passes = None
        if film.passes:
            legend = legend_of(self._world)
            passes = PassWriter(
                folder / PASSES, film.passes, film.pass_format, film.size, film.fps, film.camera, legend=legend
            )
        seconds: Seconds = {"draw": 0.0, "store": 0.0}
        with contextlib.ExitStack() as stack:
            main = stack.enter_context(_Sink(folder / FILM, film.fps))
            controls = {name: stack.enter_context(_Sink(folder / f"{name}.mkv", film.fps)) for name in film.control}
            frames = self._drawer.render(self._world, film.camera, range(chunk.first, chunk.stop), passes=self._passes)
            if self._finisher is not None:
                before = None if chunk.after is None else self.job.folder / chunk.after
                frames = self._finisher.finish(frames, chunk, before, folder)
            clock = time.perf_counter()
            for frame in frames:
                shown = frame.display if self._styling is None else self._styling.picture(frame)
                now = time.perf_counter()
                seconds["draw"] += now - clock
                assert shown is not None
                main.write(shown)
                for name, sink in controls.items():
                    sink.write(picture(name, frame, self._scale(frame.index)))
                if passes is not None:
                    passes.write(frame)
                clock = time.perf_counter()
                seconds["store"] += clock - now
                on_frame(frame.index)
            clock = time.perf_counter()
        seconds["store"] += time.perf_counter() - clock
        return seconds

    def _scale(self, frame: int) -> Any:
        return next(s for s in self.job.scales if s.first <= frame <= s.last)


def settings(film: Film) -> Any:
    """The rasterizer's settings for a film."""
    from render import RenderSettings

    look = film.look
    base = RenderSettings.draft() if look.draft else RenderSettings()
    asked = None if look.draft or look.renderer != "raster" else look.samples
    samples = base.samples if asked is None else asked
    return replace(base, samples=samples, curve=look.tone_map, exposure=look.exposure)


def path_settings(film: Film) -> Any:
    """The path tracer's settings for a film; None: it does not draw it."""
    from render.path_tracer import PathSettings

    if film.look.renderer != "pathtrace":
        return None
    usual = PathSettings(seed=film.seed)
    return usual if film.look.samples is None else replace(usual, spp=film.look.samples)


def _unwritable(error: CinemotionError) -> CinemotionError:
    """The same error as the machine's, not the input's."""
    return MissingSystem(str(error)) if isinstance(error, BadInput) else error


class _Sink:
    """Writes frames to a chunk file beside the drawing, in a thread of its own; holds two frames at most."""

    def __init__(self, path: Path, fps: Fraction) -> None:
        self._path, self._fps = path, fps
        self._frames: queue.Queue[np.ndarray | None] = queue.Queue(maxsize=2)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Sink:
        self._thread.start()
        return self

    def _run(self) -> None:
        from render.frames import save_chunk

        try:
            save_chunk(self._path, self._arriving(), self._fps)
        except BaseException as error:
            self._error = error

    def _arriving(self) -> Iterator[np.ndarray]:
        while (frame := self._frames.get()) is not None:
            yield frame

    def write(self, frame: np.ndarray) -> None:
        self._put(np.ascontiguousarray(frame))

    def _put(self, item: np.ndarray | None) -> None:
        while self._thread.is_alive():
            try:
                return self._frames.put(item, timeout=0.2)
            except queue.Full:
                continue
        if self._error is not None:
            raise self._error

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        with contextlib.suppress(BaseException) if kind is not None else contextlib.nullcontext():
            self._put(None)
            self._thread.join()
            if self._error is not None:
                raise self._error


# ---- several processes


def _work(job: Job, pipe: Connection) -> None:
    """A worker: draws the chunks that come through the pipe until it closes."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    try:
        with Painter(job) as painter:
            pipe.send(("ready", None, None))
            while True:
                chunk = pipe.recv()
                if chunk is None:
                    return
                seconds = painter.draw(chunk, lambda frame: pipe.send(("frame", frame, None)))
                pipe.send(("done", chunk.index, seconds))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone; what is done is done
    except CinemotionError as error:
        with contextlib.suppress(OSError):
            pipe.send(("failed", type(error).__name__, str(error)))
    except Exception as error:  # a fault of ours: the parent tells it once, this process would tell it again
        with contextlib.suppress(OSError):
            pipe.send(("failed", "bug", f"a drawing process failed: {type(error).__name__}: {error}"))


def draw_with_workers(
    job: Job, chunks: Sequence[Chunk], workers: int, on_frame: OnFrame
) -> Iterator[tuple[Chunk, Seconds]]:
    """Draw chunks in several processes, each taking the next one when it is free; yields them as they are done.

    A chunk that goes on from another waits until that one is there.

    Raises:
        CinemotionError: what a worker raised, or that one died.
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(chunks)
    by_index = {c.index: c for c in chunks}
    missing = {c.name for c in chunks}
    team: dict[Connection, Any] = {}
    idle: list[Connection] = []
    try:
        for _ in range(min(workers, len(chunks))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(job, theirs), daemon=True)
            process.start()
            theirs.close()
            team[ours] = process
        left = len(chunks)
        busy = set(team)
        while left:
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                try:
                    kind, what, more = pipe.recv()
                except (EOFError, ConnectionResetError):
                    raise _ended(team[pipe]) from None
                if kind == "failed":
                    raise (MissingSystem if what == "MissingSystem" else CinemotionError)(more)
                if kind == "frame":
                    on_frame(what)
                    continue
                if kind == "done":
                    left -= 1
                    missing.discard(by_index[what].name)
                    yield by_index[what], more
                idle.append(pipe)
                for free in list(idle):
                    ready = next((c for c in waiting if c.after not in missing), None)
                    if ready is None and waiting:
                        continue  # somebody else is drawing what it needs
                    idle.remove(free)
                    if ready is None:
                        busy.discard(free)
                        with contextlib.suppress(OSError):
                            free.send(None)  # gone already is as good
                        continue
                    waiting.remove(ready)
                    try:
                        free.send(ready)
                    except OSError:
                        raise _ended(team[free]) from None
    finally:
        for pipe, process in team.items():
            pipe.close()  # a worker that waits or reports sees this and leaves
            process.join(2)
            if process.is_alive():
                process.terminate()
                process.join(5)


def _ended(process: Any) -> CinemotionError:
    """The error for a worker that is gone."""
    process.join(5)
    return CinemotionError(
        f"a drawing process ended by itself (exit code {process.exitcode}; short of memory?); what is done is kept: "
        "run again with --resume, perhaps with fewer --workers"
    )
