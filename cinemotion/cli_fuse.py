"""The command `cinemotion fuse`; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cinemotion.guard import guarded, say


def add_to(app: typer.Typer) -> None:
    """Put the command on an application."""
    app.command()(guarded(fuse))


def fuse(
    scene: Annotated[Path, typer.Argument(metavar="SCENE.yaml", help="The scene.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.ply", help="The points.", show_default=False)],
    shot: Annotated[int, typer.Option(help="Which, from 1.")] = 1,
    mesh: Annotated[Path | None, typer.Option(metavar="FILE.ply", help="The surface, as triangles.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="How far views are apart on every surface, in mm.")
    ] = None,
    views: Annotated[int, typer.Option(help="Frames of the shot to fuse, evenly spaced.")] = 24,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Where what moves is held: 2s, 48f; by default mid-shot.")
    ] = None,
    look: Annotated[str, typer.Option(metavar="lit|albedo", help="Colours as filmed, or of the bare surface.")] = "lit",
    spacing: Annotated[float, typer.Option(help="Of the points, metres.")] = 0.01,
    voxel: Annotated[
        float | None, typer.Option(help="Of the surface, metres; by default 0.02 or what fits.", show_default=False)
    ] = None,
    reach: Annotated[float, typer.Option(help="Leave out what is farther from the camera, metres.")] = 20.0,
    device: Annotated[int | None, typer.Option(min=0, help="EGL device; by default the first that works.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Fuse a shot's exact depth to a point cloud and a mesh, and prove that its frames agree."""
    from cinemotion.fuse import Asked
    from cinemotion.fuse import fuse as run

    asked = Asked(shot, out, mesh, report, views, at, look, spacing, voxel, reach, device)
    made = run(scene, asked, quiet=quiet, say=(lambda _: None) if quiet else say)
    if not quiet:
        for line in made.lines:
            typer.echo(line)
