"""Training pairs for the refiner: random sets drawn by the rasterizer and path-traced, in parallel, for a time budget.

Every file is a function of its tier, its number and the captures alone, so a stopped run goes on where it was and any
number of workers writes the same files; the budget decides only how many there are.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion import refine_sets
from motion.errors import BadInput, unknown
from motion.files import write_json

if TYPE_CHECKING:
    from motion.camera import CameraPath
    from render.path_tracer import PathTracer
    from render.rasterizer import Rasterizer

Say = Callable[[str], None]
Size = tuple[int, int]

#: What training sees of a picture, px.
WINDOW: Size = (320, 180)

#: Pictures that windows are cut from: all of a small one up to a sixteenth of a 720p frame.
WHOLES: dict[Size, float] = {(320, 180): 0.25, (480, 270): 0.25, (640, 360): 0.2, (960, 540): 0.15, (1280, 720): 0.15}

_SEED = 20261128  # of everything that is drawn here besides sets


@dataclass(frozen=True)
class Tier:
    """One part of the data."""

    split: str  # of `refine_sets`
    spp: int  # paths a pixel, both references together
    windows: int  # of a set, unless it is a clip
    clips: float  # share of sets that are clips
    frames: int  # of a clip
    share: float  # of the time
    most: int | None = None  # files


#: ``many`` for losses that forgive noise, ``fine`` for others, ``check`` while training, ``test`` for tables.
TIERS: dict[str, Tier] = {
    "many": Tier("train", 16, 3, 0.25, 8, 0.40),
    "fine": Tier("train", 256, 2, 0.1, 8, 0.30),
    "check": Tier("check", 256, 2, 0.25, 8, 0.05, 12),
    "test": Tier("test", 1024, 1, 1.0, 3, 0.25, 24),
}

#: Pictures of the test split: shots are refined whole, and compared in a window, but for `LARGE`, whole ones too.
TEST_WHOLE: Size = (1280, 720)
LARGE: dict[int, int] = {11: 2, 23: 2}  # file: its frames
_BEFORE = 12  # frames before the first that is compared: a refiner has its history by then


@dataclass(frozen=True)
class Job:
    """One file."""

    tier: str
    number: int
    path: Path
    data: str | None  # folder of captures


def make(
    folder: Path,
    minutes: float,
    *,
    data: str | None = None,
    tiers: Sequence[str] = tuple(TIERS),
    workers: int = 0,
    say: Say = lambda _: None,
) -> dict[str, int]:
    """Make training pairs in ``folder/TIER/NUMBER.safetensors`` until the time is spent; files there already count.

    Args:
        folder: of the data; made when missing.
        minutes: of this run; a file that is begun is finished.
        data: a folder of captures; None: the pybullet wheel's.
        tiers: which parts; the time is shared among them.
        workers: processes; 0: one for each core.
        say: told how it goes.

    Returns:
        Files of each tier that are there now.

    Raises:
        BadInput: an unknown tier, a budget that is none.
        MissingExtra: Mitsuba is not installed.
    """
    for tier in tiers:
        if tier not in TIERS:
            raise unknown("tier of training data", tier, TIERS)
    if not minutes > 0:
        raise BadInput(f"--minutes {minutes:g}, expected more than 0")
    from motion.prior.threads import cores
    from render.path_tracer.variant import mitsuba

    mitsuba()  # says now what is missing
    workers = workers or cores()
    folder.mkdir(parents=True, exist_ok=True)
    _note_sources(folder, data)
    spent = dict.fromkeys(tiers, 0.0)
    end = time.monotonic() + 60 * minutes
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _begin, (max(1, cores() // workers),)
    ) as pool:
        jobs = _jobs(folder, data, tiers, spent)
        running: dict[Future[float], Job] = {}
        made = 0
        while True:
            while len(running) < workers and time.monotonic() < end and (job := next(jobs, None)) is not None:
                running[pool.submit(_run, job)] = job
                # Counted as begun, so that two workers do not both take the tier that is behind.
                spent[job.tier] += 1e-3
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(done)
                seconds = done.result()
                spent[job.tier] += seconds
                made += 1
                if made % 25 == 0 or job.tier == "test":
                    left = max(0.0, end - time.monotonic()) / 60
                    say(f"{made} files; {job.tier} {job.number}: {seconds:.1f} s; {left:.0f} minutes left")
    found = {tier: len(files(folder, tier)) for tier in tiers}
    if found.get("test"):
        freeze(folder)
    return found


def files(folder: Path, tier: str) -> list[Path]:
    """A tier's files in order of number."""
    return sorted((folder / tier).glob("[0-9]*.safetensors"))


def freeze(folder: Path) -> str:
    """Write down a hash of the test split's raster passes, before training, in ``baseline.json``; returns it.

    What is compared with must not change with what is compared: `cinemotion bench refine` refuses another raster. The
    hash so far is kept shot by shot, so that weights whose card names it still know theirs once shots have been added.
    """
    from render.refine import shards

    digest, so_far = hashlib.sha256(), {}
    for path in files(folder, "test"):
        arrays = shards.load(path)
        digest.update(path.stem.encode())
        for name in ("beauty", "diffuse", "specular", "albedo_aa", "normal", "depth", "alpha"):
            digest.update(np.ascontiguousarray(arrays[name]).tobytes())
        so_far[path.stem] = digest.hexdigest()
    write_json(folder / "baseline.json", {"shots": so_far, "sha256": digest.hexdigest()})
    return digest.hexdigest()


def sources(folder: Path) -> tuple[str, ...]:
    """The captures whose motion is seen in a folder of pairs, one each with its licence.

    Raises:
        BadInput: the folder does not say.
    """
    return tuple(str(line) for line in _made_from(folder)["sources"])


def captures(folder: Path) -> str | None:
    """The folder of captures that pairs were made from, with which their sets can be drawn again; None: the wheel's.

    Raises:
        BadInput: the pairs do not say, or the captures there are others by now.
    """
    found = _made_from(folder)
    data = found["captures"]
    if sorted(found["sources"]) != refine_sets.sources(data):
        raise BadInput(
            f"{folder}: its captures, of {data or 'the pybullet wheel'}, are others by now: make the pairs again"
        )
    return None if data is None else str(data)


def _made_from(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
        return {"captures": found["captures"], "sources": list(found["sources"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{folder}: does not say what it was made from (sources.json: {error!r})") from error


def _note_sources(folder: Path, data: str | None) -> None:
    """Write down what pairs are made from; a folder that goes on must go on with the same."""
    here = {"captures": None if data is None else str(Path(data).absolute()), "sources": refine_sets.sources(data)}
    if (folder / "sources.json").is_file() and (there := _made_from(folder))["sources"] != here["sources"]:
        raise BadInput(
            f"{folder}: begun with captures of {there['captures'] or 'the pybullet wheel'}, now "
            f"{here['captures'] or 'the pybullet wheel'}; expected the same, or another folder"
        )
    write_json(folder / "sources.json", here)


def baseline(folder: Path) -> dict[str, Any]:
    """What `freeze` wrote: ``shots``, the hash up to and with each, and ``sha256``, that of all.

    Raises:
        BadInput: nothing was frozen there.
    """
    try:
        found = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
        return {"shots": dict(found["shots"]), "sha256": str(found["sha256"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{folder}: no frozen baseline (baseline.json: {error}); make the test tier first") from error


def _jobs(folder: Path, data: str | None, tiers: Sequence[str], spent: dict[str, float]) -> Iterator[Job]:
    """Files to make, of whichever tier is furthest behind its share of the time."""
    at = dict.fromkeys(tiers, 0)
    open_ = list(tiers)
    while open_:
        tier = min(open_, key=lambda t: spent[t] / TIERS[t].share)
        number, most = at[tier], TIERS[tier].most
        if most is not None and number >= most:
            open_.remove(tier)
            continue
        at[tier] += 1
        path = folder / tier / f"{number:06d}.safetensors"
        if not path.is_file():
            yield Job(tier, number, path, data)


# ---- in a worker


class _Tools:
    """Rasterizers and path tracers by picture size; a GL context each."""

    def __init__(self) -> None:
        self._rasters: dict[tuple[Size, Size], Rasterizer] = {}
        self._tracers: dict[tuple[Size, Size], PathTracer] = {}

    def raster(self, size: Size, whole: Size) -> Rasterizer:
        from render.rasterizer import Rasterizer

        if (size, whole) not in self._rasters:
            self._rasters[size, whole] = Rasterizer(size, settings(whole))
        return self._rasters[size, whole]

    def tracer(self, size: Size, whole: Size) -> PathTracer:
        from render.path_tracer import PathTracer

        if (size, whole) not in self._tracers:
            self._tracers[size, whole] = PathTracer(size, raster=settings(whole))
        return self._tracers[size, whole]


_tools = _Tools()


def settings(whole: Size) -> Any:
    """The film's own settings; shadows as fine as they are in the whole picture, though a window of it is drawn."""
    from render.rasterizer import RenderSettings

    return RenderSettings(shadow_texels=RenderSettings().texels(whole))


def _begin(threads: int) -> None:
    """What a worker does first."""
    from render.path_tracer.variant import mitsuba, use_threads

    os.nice(5)
    mitsuba()
    use_threads(threads)


def _run(job: Job) -> float:
    """Make one file; returns the seconds it took."""
    from render.refine import shards

    began = time.monotonic()
    tier = TIERS[job.tier]
    made = refine_sets.make(job.number if tier.split != "train" else _number(job), tier.split, job.data)
    rng = np.random.default_rng([_SEED, _KEYS[job.tier], job.number])
    clip = tier.split == "test" or rng.random() < tier.clips
    parts = _windows(made, tier, job, clip, rng)
    packed = []
    for part in parts:
        packed += [_pair(made, part, index, tier, job, clip and index > part.frames[0]) for index in part.frames]
    if clip and len(packed) > 1:
        packed[0] |= {name: _none(name, value) for name, value in packed[-1].items() if name not in packed[0]}
    indices, one = tuple(index for part in parts for index in part.frames), parts[0]
    about = shards.About(
        tier.split, made.number, clip, tier.spp, one.size, one.whole, indices, made.words, made.sky, one.corner
    )
    shards.save(job.path, packed, about)
    return time.monotonic() - began


_KEYS = {name: k for k, name in enumerate(TIERS)}


def _number(job: Job) -> int:
    """Sets for training: no two tiers share one."""
    return 2 * job.number + (job.tier == "fine")


@dataclass(frozen=True)
class _Part:
    """A window of a set's picture, and frames of it."""

    camera: CameraPath  # of the window
    size: Size
    whole: Size  # of the picture
    corner: tuple[int, int]  # of the window in it, px
    frames: tuple[int, ...]


def _windows(made: refine_sets.RandomSet, tier: Tier, job: Job, clip: bool, rng: np.random.Generator) -> list[_Part]:
    """What is drawn of a set."""
    from render.view import window

    last = made.camera.frames - 1

    def part(whole: Size, first: int, count: int) -> _Part:
        corner = _aim(made, whole, first, rng)
        return _Part(
            window(made.camera, whole, *corner, WINDOW), WINDOW, whole, corner, tuple(range(first, first + count))
        )

    if tier.split == "test":
        first = int(rng.integers(_BEFORE, last - tier.frames))
        if job.number in LARGE:
            frames = tuple(range(first, first + LARGE[job.number]))
            return [_Part(made.camera, TEST_WHOLE, TEST_WHOLE, (0, 0), frames)]
        return [part(TEST_WHOLE, first, tier.frames)]
    whole = list(WHOLES)[int(rng.choice(len(WHOLES), p=list(WHOLES.values())))]
    count = tier.frames if clip else 1
    return [part(whole, int(rng.integers(0, last - count)), count) for _ in range(1 if clip else tier.windows)]


def _aim(made: refine_sets.RandomSet, whole: Size, frame: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a window lies in the picture: mostly about somebody's joint, as the audience looks at people."""
    from render.view import view

    free = whole[0] - WINDOW[0], whole[1] - WINDOW[1]
    middle = np.array([rng.uniform(0, free[0] + 1e-9), rng.uniform(0, free[1] + 1e-9)])
    if rng.random() < 0.7:
        performance = made.world.performances[int(rng.integers(len(made.world.performances)))]
        at = round(frame / float(made.camera.fps) * float(performance.clip.fps))
        joints = performance.clip.positions()[min(at, performance.clip.frames - 1)]
        place, depth = view(made.camera, frame, whole).project(joints[int(rng.integers(len(joints)))])
        if depth > 0 and np.isfinite(place).all():
            middle = place - np.array(WINDOW) * rng.uniform(0.3, 0.7, 2)
    left, top = np.clip(middle, 0, free).astype(int)
    return int(left), int(top)


def _pair(
    made: refine_sets.RandomSet, part: _Part, index: int, tier: Tier, job: Job, flows: bool
) -> dict[str, np.ndarray]:
    """One frame and its references; with flow to the frame before, and to the end of the chunk before."""
    from render.refine import shards

    frame = next(_tools.raster(part.size, part.whole).render(made.world, part.camera, [index], shards.PASSES))
    tracer = _tools.tracer(part.size, part.whole)
    references = []
    for half in range(2):
        seed = int(np.random.SeedSequence([_SEED, _KEYS[job.tier], job.number, half]).generate_state(1)[0])
        tracer.settings = replace(tracer.settings, spp=tier.spp // 2, seed=seed)
        references.append(next(tracer.render(made.world, part.camera, [index], ("beauty",))).beauty)
    packed = shards.pack(frame, *references)  # type: ignore[arg-type]
    if not flows:
        return packed
    first = part.frames[0]
    before = first + (index - first) // shards.CHUNK * shards.CHUNK - 1
    near = shards.pack_flow(frame, index - 1)
    if before >= first:
        return packed | near | shards.pack_flow(frame, before, "_far")
    # The first chunk has none before it.
    return packed | near | {f"{name}_far": _none(name, value) for name, value in near.items()}


def _none(name: str, like: np.ndarray) -> np.ndarray:
    """Flow of a clip's first frame: there is nothing before it."""
    return np.ones_like(like) if name.startswith("hidden") else np.zeros_like(like)
