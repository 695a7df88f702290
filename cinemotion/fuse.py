"""`cinemotion fuse`: a shot's depth as one point cloud and mesh, with the proof that its views agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion import values
from cinemotion.draw import settings
from cinemotion.film import Film
from cinemotion.film_shots import FilmShot, shots_of
from cinemotion.progress import Progress
from cinemotion.shot_list import files_of
from motion.camera import CameraPath
from motion.errors import BadInput, need, unknown
from motion.files import write_json

if TYPE_CHECKING:
    from render import World
    from render.fusion import Cloud, DepthView, EdgeAgreement, Spread

#: What points and meshes are coloured by: the pass that is drawn for it.
LOOKS = {"lit": "beauty", "albedo": "albedo"}
#: Side of a voxel unless asked otherwise, metres; larger where the set would need too many.
VOXEL_M = 0.02
#: Room round things in the mesh's box, metres.
_MARGIN_M = 0.2
#: A camera that goes less than this shows everything from one place, metres.
_GOES_M = 0.01


@dataclass(frozen=True)
class Asked:
    """What `fuse` may be asked for."""

    shot: int = 1
    out: Path = Path("cloud.ply")
    mesh: Path | None = None
    report: Path | None = None
    views: int = 24  # frames of the shot, evenly spaced
    at: str | None = None  # the instant that moving things are held at; None: the shot's middle
    look: str = "lit"
    spacing_m: float = 0.01  # of points
    voxel_m: float | None = None  # None: `VOXEL_M`, or as fine as fits
    reach_m: float = 20.0  # points farther from their camera are left out
    device: int | None = None


@dataclass(frozen=True)
class Fused:
    """What came of it, to be told."""

    lines: tuple[str, ...]
    report: dict[str, Any]


def fuse(scene: Path, asked: Asked, *, quiet: bool = True, say: Callable[[str], None] = lambda _: None) -> Fused:
    """Fuse a shot's exact depth.

    What stands still is compared over the film's own frames. What moves has one shape at one instant, so it is held
    there and drawn again by the cameras of those frames; cloud and mesh are of that instant.

    Args:
        scene: the scene file.
        asked: which shot, where to, how fine.
        quiet: no progress.
        say: takes the scene's warnings.

    Raises:
        BadInput: the scene is wrong (`SceneError`), no such shot or instant, a place that cannot be written to, or no
            surface is in view.
        MissingExtra: a mesh or a report without the package scikit-image.
        MissingSystem: no usable OpenGL.
    """
    from cinemotion.resolve import load
    from cinemotion.source import read

    _check(asked)
    film, problems = load(read(scene))
    for problem in problems.sorted:
        say(str(problem))
    shots = shots_of(film.camera, film.shots, files_of(film))
    if not 1 <= asked.shot <= len(shots):
        raise BadInput(f"--shot {asked.shot}: the film has {len(shots)} shot{'s' * (len(shots) != 1)}, from 1")
    shot = shots[asked.shot - 1]
    return _fuse(film, shot, _instant(asked.at, film, shot), asked, quiet)


def _fuse(film: Film, shot: FilmShot, instant: float, asked: Asked, quiet: bool) -> Fused:
    from render import World
    from render.fusion import Cloud, FrozenWorld, Volume, save_cloud, save_mesh, spread, still_instances
    from render.passes import legend_of

    frames = np.unique(np.rint(np.linspace(shot.first, shot.stop - 1, asked.views)).astype(int)).tolist()
    world = World(film.drawn, film.stage)
    names = {number: name for number, (name, _) in legend_of(world).items()}
    still = still_instances(world, (frame / float(film.fps) for frame in frames))
    found: dict[int, Spread] = {}
    edges: list[EdgeAgreement] = []
    with Progress("drawing", len(frames) * (1 + (asked.report is not None)), quiet=quiet) as bar:
        if asked.report is not None:
            views, edges = _as_filmed(film, world, frames, still, asked, bar)
            found |= spread(views) if len(frames) > 1 else {}
        views = _held(film, FrozenWorld(world, instant), frames, asked, bar)
    if asked.report is not None and len(frames) > 1:
        found |= spread([v.only([n for n in names if n not in still]) for v in views])
    cloud = Cloud.of(views, asked.reach_m).thinned(asked.spacing_m)
    save_cloud(asked.out, cloud)
    lines = [f"{asked.out}: {len(cloud.points)} points of {len(frames)} views, shot {shot.number}, {instant:.2f} s"]
    report = _about(film, shot, frames, instant) | {"cloud": {"file": asked.out.name, "points": len(cloud.points)}}
    if asked.mesh is not None:
        low, high = _box(cloud, world.ground_instance)
        voxel = asked.voxel_m or _voxel(low, high)
        surface = Volume.around(views, low, high, voxel).mesh()
        save_mesh(asked.mesh, surface)
        lines.append(f"{asked.mesh}: {len(surface.faces)} triangles, voxels of {voxel * 1000:.3g} mm")
        report["mesh"] = {"file": asked.mesh.name, "triangles": len(surface.faces), "voxel_mm": voxel * 1000}
    if asked.report is not None:
        report |= {"surfaces": _surfaces(found, names, still), "edges": _edges(edges)}
        write_json(asked.report, report)
        lines += [str(asked.report), *_told(report)]
    return Fused(tuple(lines), report)


def _as_filmed(
    film: Film, world: World, frames: list[int], still: tuple[int, ...], asked: Asked, bar: Progress
) -> tuple[list[DepthView], list[EdgeAgreement]]:
    """What stands still, as the film's own frames show it; and how their edges lie."""
    from render import Rasterizer
    from render.fusion import PASSES, DepthView, edges_agree

    views, edges = [], []
    with Rasterizer(size=film.size, settings=settings(film), device=asked.device) as rasterizer:
        for frame in rasterizer.render(world, film.camera, frames, (*PASSES, "display")):
            assert frame.display is not None
            views.append(DepthView.of(frame, still))
            edges.append(edges_agree(frame.display, frame))
            bar.step()
    return views, edges


def _held(film: Film, world: World, frames: list[int], asked: Asked, bar: Progress) -> list[DepthView]:
    """One instant, seen by the cameras of these frames."""
    from render import Rasterizer
    from render.fusion import PASSES, DepthView

    # One sample at the pixel's centre: a colour belongs to the point that has the depth.
    views, plain = [], replace(settings(film), samples=1)
    with Rasterizer(size=film.size, settings=plain, device=asked.device) as rasterizer:
        for frame in rasterizer.render(world, film.camera, frames, (*PASSES, LOOKS[asked.look])):
            views.append(DepthView.of(frame))
            bar.step()
    return views


def _check(asked: Asked) -> None:
    """Refuse what cannot be done before any work is."""
    from render.fusion.ply import check_ply

    for path in (asked.out, asked.mesh):
        if path is not None:
            check_ply(path)
    if asked.report is not None and asked.report.suffix.lower() != ".json":
        raise BadInput(f"{asked.report}: a report is written to a .json file")
    if asked.look not in LOOKS:
        raise unknown("look", asked.look, LOOKS)
    for name, value in (("spacing", asked.spacing_m), ("voxel", asked.voxel_m), ("reach", asked.reach_m)):
        if value is not None and not 0 < value < 1e6:
            raise BadInput(f"--{name} {value:g}: expected metres above 0")
    if asked.views < 1:
        raise BadInput(f"--views {asked.views}: expected 1 at least")
    if asked.mesh is not None or asked.report is not None:
        need("skimage", "fuse", "a mesh or a report of a shot's depth")


def _instant(text: str | None, film: Film, shot: FilmShot) -> float:
    """Seconds of the film."""
    if text is None:
        return float(shot.middle / film.fps)
    try:
        time = float(values.span(text).at(film.fps))
    except ValueError as error:
        raise BadInput(f"--at: {error}") from None
    if not shot.first / film.fps <= time <= shot.stop / film.fps:
        raise BadInput(f"--at {text}: shot {shot.number} is from {shot.times}")
    return time


def _box(cloud: Cloud, ground: int) -> tuple[np.ndarray, np.ndarray]:
    """Round all things but the ground; round the ground where it is all there is."""
    things = cloud.points[cloud.instance != ground]
    points = things if len(things) else cloud.points
    return points.min(axis=0) - _MARGIN_M, points.max(axis=0) + _MARGIN_M


def _voxel(low: np.ndarray, high: np.ndarray) -> float:
    from render.fusion.tsdf import MOST_VOXELS

    fits = float(np.prod(high - low) / (0.9 * MOST_VOXELS)) ** (1 / 3)
    return max(VOXEL_M, fits)


def _about(film: Film, shot: FilmShot, frames: list[int], instant: float) -> dict[str, Any]:
    return {
        "schema": 1,
        "scene_sha256": film.scene_sha256,
        "shot": shot.number,
        "frames": frames,
        "instant_s": round(instant, 6),
        "camera_goes_m": round(_goes(film.camera, frames), 4),
    }


def _goes(camera: CameraPath, frames: list[int]) -> float:
    """The greatest distance of two of the cameras."""
    places = camera.T_world_camera[frames, :3, 3]
    return float(np.linalg.norm(places[:, None] - places, axis=-1).max())


def _surfaces(found: dict[int, Spread], names: dict[int, str], still: tuple[int, ...]) -> list[dict[str, Any]]:
    return [
        {"instance": number, "name": names[number], "moves": number not in still}
        | {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(one).items()}
        for number, one in sorted(found.items())
    ]


def _edges(edges: list[EdgeAgreement]) -> dict[str, float | None]:
    """Means over frames; None where no frame has any."""
    means: dict[str, float | None] = {}
    for name in ("precision", "recall", "offset_px"):
        known = [v for v in (getattr(one, name) for one in edges) if not np.isnan(v)]
        means[name] = round(float(np.mean(known)), 4) if known else None
    return means


def _told(report: dict[str, Any]) -> list[str]:
    """The report in lines for people."""
    lines = [f"  {'surface':<18}{'median':>10}{'95 %':>10}{'most':>10}   mm between views"]
    for row in report["surfaces"]:
        odd = f", {row['at_odds']} points at odds" if row["at_odds"] else ""
        name = row["name"] + (" (held)" if row["moves"] else "")
        figures = "".join(f"{row[k]:>10.4f}" for k in ("median_mm", "p95_mm", "max_mm"))
        lines.append(f"  {name:<18}{figures}   {row['compared']} pairs{odd}")
    if not report["surfaces"]:
        lines = ["  one view has nothing to agree with: no spread" if len(report["frames"]) == 1 else
                 "  no two views show the same surface: no spread"]  # fmt: skip
    elif report["camera_goes_m"] < _GOES_M:
        lines.append("  the camera stays in one place, so this says little about depth")
    edges = report["edges"]
    if edges["recall"] is not None and edges["precision"] is not None:
        lines.append(
            f"  film edges on shape edges {edges['precision']:.2f}, shape edges in the film {edges['recall']:.2f}, "
            f"{edges['offset_px'] or 0:.2f} px apart"
        )
    return lines
