"""From a scene file to a film on disk: `make_film` resolves, draws in chunks, encodes, and says what made it.

While it works, everything lies in ``<film>.work/`` beside the film. A run that was stopped, by ``kill -9`` too, is
taken up again with ``resume=True``; the film is then the same, byte for byte.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cinemotion import manifest, provenance
from cinemotion.draw import FILM, PASSES, Job, Painter, draw_with_workers
from cinemotion.film import Changes, Clock, Film
from cinemotion.manifest import Chunk
from cinemotion.plan import plan
from cinemotion.progress import Progress
from cinemotion.resolve import load
from cinemotion.source import Problem, Source, read
from motion.errors import BadInput, CinemotionError, MissingSystem
from motion.files import explain, write_json


@dataclass(frozen=True)
class Made:
    """What `make_film` did."""

    path: Path
    provenance: Path
    folders: tuple[Path, ...]  # passes, control videos
    film: Film
    drawn: int  # frames drawn in this run
    kept: int  # frames that were there already
    seconds: dict[str, float]  # by stage
    warnings: tuple[Problem, ...]


def make_film(
    scene: str | Path,
    out: str | Path | None = None,
    *,
    changes: Changes | None = None,
    resume: bool = False,
    workers: int = 1,
    keep: bool = False,
    frames: tuple[int | None, int | None] | None = None,
    device: int | None = None,
    quiet: bool = True,
) -> Made:
    """Make the film of a scene file.

    Args:
        scene: the file.
        out: the film, anywhere; None: where the scene says, beside itself.
        changes: what the command line asks for instead of what the scene says.
        resume: use the chunks that a stopped run has left.
        workers: processes that draw.
        keep: leave the work folder.
        frames: only frames ``first`` to ``stop`` (excluded).
        device: EGL device number.
        quiet: no progress.

    Raises:
        SceneError: the scene is wrong; holds every problem.
        BadInput: an argument is wrong.
        MissingSystem: no GL, no space, no permission.
    """
    if not 1 <= workers <= 256:
        raise BadInput(f"--workers {workers}, expected 1 to 256")
    clock = Clock()
    source = read(scene)
    film, report = load(source, changes, clock)
    path = _output(film, out)
    first, stop = frame_range(film, frames)
    with clock("GL"):
        from render.rasterizer import gl_info

        gl = gl_info(device)
    if max(film.size) > gl["max_size"]:
        raise BadInput(f"size {film.size[0]} x {film.size[1]}: this GL device ends at {gl['max_size']} pixels a side")
    _check_extras(film)
    with _workshop(path, resume) as work:
        with clock("plan"):
            job = Job(film, work / "chunks", _scales(film), device)
            chunks = plan(film, first, stop, gl, job.scales)
            done = _already(job.folder, chunks) if resume else set()
        kept = sum(c.frames for c in chunks if c.index in done)
        try:
            _draw(job, chunks, done, workers, work, clock, quiet)
            made = _finish(film, job, chunks, path, work, source, gl, clock, quiet)
        except (CinemotionError, KeyboardInterrupt) as error:
            _give_up(work, job.folder, chunks, error)
            raise
        if not keep:
            manifest.remove(work)
    warnings = tuple(p for p in report.sorted if p.severity == "warning")
    return replace(made, drawn=stop - first - kept, kept=kept, seconds=clock.seconds, warnings=warnings)


# ---- before drawing


def _output(film: Film, out: str | Path | None) -> Path:
    from render.video import codec_for

    if out is None:
        return film.video
    path = Path(out)
    codec_for(path, film.codec if film.codec and path.suffix.lower() != "" else None)
    return path


def frame_range(film: Film, frames: tuple[int | None, int | None] | None) -> tuple[int, int]:
    """First frame and the one after the last, of what was asked for.

    Raises:
        BadInput: the film has no such part.
    """
    first, stop = frames or (None, None)
    first, stop = first or 0, film.frames if stop is None else stop
    if not 0 <= first < stop <= film.frames:
        raise BadInput(f"--frames {first}:{stop}, expected a part of 0:{film.frames} (the end is not included)")
    return first, stop


def _check_extras(film: Film) -> None:
    """Say now, not after the first frame, that a package is missing."""
    if film.passes and film.pass_format == "exr":
        from render import exr

        exr.library()


@contextlib.contextmanager
def _workshop(path: Path, resume: bool) -> Iterator[Path]:
    """The work folder, locked while it is in use. Makes sure first that the film can be written at all."""
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder, expected the name of a film")
        path.parent.mkdir(parents=True, exist_ok=True)
        work = path.with_name(path.name + ".work")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:80]}."):
            pass
        if not resume:
            _refuse_if_locked(work)
            manifest.remove(work)
        (work / "chunks").mkdir(parents=True, exist_ok=True)
        with (work / "lock").open("w") as lock:
            _lock(lock, work)
            for leftover in (work / "chunks").glob(".*.partial"):
                manifest.remove(leftover)
            yield work
    except OSError as error:
        raise _no_place(path, error) from error


def _no_place(path: Path, error: OSError) -> CinemotionError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MissingSystem(f"{path}: not allowed to write in the folder {path.parent}; give another with -o")
    return explain(path, error)


def _lock(lock: Any, work: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CinemotionError(f"{work}: another run is making this film right now") from None


def _refuse_if_locked(work: Path) -> None:
    if (work / "lock").is_file():
        with (work / "lock").open() as lock:
            _lock(lock, work)


def _scales(film: Film) -> tuple[Any, ...]:
    from render.control import shot_scales

    return tuple(shot_scales(film.camera, film.size, film.performances)) if film.control or film.look.refining else ()


def _already(folder: Path, chunks: Sequence[Chunk]) -> set[int]:
    """Which chunks need not be drawn again; others of the folder, which would never be used, are removed."""
    wanted = {c.name for c in chunks}
    for stray in folder.iterdir():
        if stray.name not in wanted:
            manifest.remove(stray)
    return {c.index for c in chunks if manifest.is_done(folder / c.name, c)}


# ---- drawing and after


def _draw(
    job: Job, chunks: Sequence[Chunk], done: set[int], workers: int, work: Path, clock: Clock, quiet: bool
) -> None:
    left = [c for c in chunks if c.index not in done]
    total = sum(c.frames for c in chunks)
    about = {"title": job.film.title, "scene_sha256": job.film.scene_sha256, "code": manifest.code_version()}
    done = set(done)

    def note(chunk: Chunk | None = None) -> None:
        if chunk is not None:
            done.add(chunk.index)
        manifest.write_manifest(work / "manifest.json", about, list(chunks), done)

    note()
    if not left:
        return
    with Progress("drawing", total, total - sum(c.frames for c in left), quiet=quiet) as progress:
        if workers == 1:
            with clock("GL"):
                painter = Painter(job)
            with painter:
                for chunk in left:
                    for stage, seconds in painter.draw(chunk, progress.step).items():
                        clock.add(stage, seconds)
                    note(chunk)
        else:
            with clock(f"draw and store ({workers} workers)"):
                for chunk, _ in draw_with_workers(job, left, workers, progress.step):
                    note(chunk)


def _finish(
    film: Film,
    job: Job,
    chunks: Sequence[Chunk],
    path: Path,
    work: Path,
    source: Source,
    gl: dict[str, Any],
    clock: Clock,
    quiet: bool,
) -> Made:
    """Encode, put passes and control videos in place, write the sidecar."""
    folders = []
    with clock("encode"):
        video = work / f"film{path.suffix}"
        _encode(film, job.folder, chunks, video, quiet)
        if film.control:
            staged = work / "control"
            _encode_controls(film, job, chunks, staged)
            folders.append((staged, path.with_name(f"{path.stem}_control")))
    if film.passes:
        with clock("store"):
            staged = work / "passes"
            _gather_passes(job.folder, chunks, staged)
            folders.append((staged, path.with_name(f"{path.stem}_passes")))
    with clock("provenance"):
        sidecar = provenance.path_for(path)
        document = provenance.describe(film, chunks, source, gl, manifest.file_sha256(video), path.name)
        staged_sidecar = work / sidecar.name
        write_json(staged_sidecar, document)
        for staged, final in folders:
            _swap(staged, final)
        staged_sidecar.replace(sidecar)
        video.replace(path)
    return Made(path, sidecar, tuple(final for _, final in folders), film, 0, 0, {}, ())


def _encode(film: Film, folder: Path, chunks: Sequence[Chunk], video: Path, quiet: bool) -> None:
    from render.frames import load_chunk
    from render.video import VideoWriter

    total = sum(c.frames for c in chunks)
    with VideoWriter(video, film.size, film.fps, film.codec) as writer, Progress("encoding", total, quiet=quiet) as bar:
        for chunk in chunks:
            count = 0
            for frame in load_chunk(folder / chunk.name / FILM):
                writer.write(frame)
                bar.step()
                count += 1
            if count != chunk.frames:
                raise CinemotionError(f"{folder / chunk.name}: {count} frames, expected {chunk.frames}; draw it again")


def _encode_controls(film: Film, job: Job, chunks: Sequence[Chunk], staged: Path) -> None:
    from render.control import ControlWriter
    from render.frames import load_chunk

    manifest.remove(staged)
    with ControlWriter(staged, film.control, film.size, film.fps, job.scales) as writer:
        for chunk in chunks:
            videos = [load_chunk(job.folder / chunk.name / f"{name}.mkv") for name in film.control]
            for index, pictures in zip(range(chunk.first, chunk.stop), zip(*videos, strict=True), strict=True):
                writer.write_pictures(index, dict(zip(film.control, pictures, strict=True)))


def _gather_passes(folder: Path, chunks: Sequence[Chunk], staged: Path) -> None:
    """All chunks' pass files in one folder, as links: the chunks stay whole in case this run is stopped."""
    manifest.remove(staged)
    for chunk in chunks:
        home = folder / chunk.name / PASSES
        for file in sorted(p for p in home.rglob("*") if p.is_file()):
            target = staged / file.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                os.link(file, target)
            except OSError:
                import shutil

                shutil.copyfile(file, target)


def _swap(staged: Path, final: Path) -> None:
    """Put a finished folder where an older one may be."""
    old = final.with_name(f".{final.name}.{os.getpid()}.old")
    if final.exists():
        final.replace(old)
    staged.replace(final)
    manifest.remove(old)


def _give_up(work: Path, folder: Path, chunks: Sequence[Chunk], error: BaseException) -> None:
    """Keep what a resumed run can use, and say so; else leave nothing behind."""
    done = sum((folder / c.name / manifest.RECORD).is_file() for c in chunks)
    if done == 0:
        manifest.remove(work)
    elif not isinstance(error, BadInput):
        words = f"{done} of {len(chunks)} chunks are kept in {work}; add --resume to go on\n"
        sys.stderr.write(words)
