"""Commands of cameras, `cinemotion camera …`: paths in and out of files, the plan of a set, storyboards, choices.

Other commands join with ``@app.command()`` and ``@guarded``; what they need is imported when they run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cinemotion.guard import guarded, say

app = typer.Typer(
    help="Camera paths in and out of files; the set from above; storyboards; which camera you like better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SceneFile = Annotated[Path, typer.Argument(metavar="SCENE.yaml", help="The scene.", show_default=False)]
Picture = Annotated[Path, typer.Argument(metavar="OUT.png", help="The picture.", show_default=False)]
CameraOut = Annotated[
    Path,
    typer.Argument(
        metavar="OUT", help="By its suffix: .csv, .json, .gltf, .glb, .usd, .usda, .usdc; .otio.", show_default=False
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]


@app.command()
@guarded
def export(
    scene: SceneFile,
    out: CameraOut,
    film: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of an .otio: the film that its shots are parts of.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a scene's camera with its lens and cuts; to .otio the cuts, with what each shot is and why."""
    from cinemotion import camera_files

    line = camera_files.export(scene, out, video=film, say=_notes(quiet))
    if not quiet:
        typer.echo(line)


@app.command()
@guarded
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A camera in any of the formats.", show_default=False)],
    out: CameraOut,
    fps: Annotated[str | None, typer.Option(help="Another rate: 30, 24000/1001.")] = None,
    name: Annotated[str | None, typer.Option(help="Which camera of a file that holds several.")] = None,
    aspect: Annotated[
        str | None, typer.Option(help="Width and height of the picture, 16:9 or 1.85, where the file does not say.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Convert a camera between formats: your own from Blender, Maya or Houdini too."""
    from cinemotion import camera_files

    line = camera_files.convert(source, out, fps=fps, name=name, aspect=aspect, say=_notes(quiet))
    if not quiet:
        typer.echo(line)


@app.command()
@guarded
def plan(scene: SceneFile, out: Picture, quiet: Quiet = False) -> None:
    """Draw the set from above: who goes where, what stands there, what each shot's camera sees."""
    from cinemotion import camera_files

    camera_files.plan(scene, out, say=_notes(quiet))
    if not quiet:
        typer.echo(str(out))


@app.command()
@guarded
def storyboard(
    scene: SceneFile,
    out: Picture,
    device: Annotated[int | None, typer.Option(min=0, help="EGL device; by default the first that works.")] = None,
    quiet: Quiet = False,
) -> None:
    """Draw real frames of every shot on one sheet, with when, what, how and why below."""
    from cinemotion import camera_files

    camera_files.storyboard(scene, out, device=device, quiet=quiet, say=_notes(quiet))
    if not quiet:
        typer.echo(str(out))


@app.command()
@guarded
def prefer(
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="The choices; is gone on with.")] = Path(
        "camera_choices.csv"
    ),
    pairs: Annotated[int, typer.Option(min=1, help="How many, with those answered before.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the pairs.")] = 0,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who chooses.")] = "",
    show: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For the pictures; by default beside OUT.", show_default=False)
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Contact sheets instead of videos.")] = False,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Answers, one a line: a b = s q; else they are typed or piped.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Weights that film too, by default the shipped ones.")
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Ask nothing; say which reward weights the choices speak for.")] = (
        False
    ),
    device: Annotated[int | None, typer.Option(min=0, help="EGL device; by default the first that works.")] = None,
) -> None:
    """Say which of two cameras you like better; reward weights are learned from it."""
    from cinemotion import prefer as asking

    if fit:
        for line in asking.report(out, seed=seed):
            typer.echo(line)
        return
    made = asking.ask(
        out, pairs=pairs, seed=seed, who=by, show=show, sheet=sheet, answers=answers, policy=policy, device=device,
        say=typer.echo,
    )  # fmt: skip
    typer.echo(f"{out}: {made} choice{'s' if made != 1 else ''} more")


def _notes(quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if quiet else say
