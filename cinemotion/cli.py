"""The command line: `film`, `check`, `convert`, `clean`, `sheet`, `doctor`, `schema`, `words`, `verify`, `bench`.

Each command is a typed function; what it needs is imported when it runs, so that help is instant. The commands of
learned motion (`motion`, `stream`, `find`, `train`, `dataset`, `models`) are in `cinemotion.cli_motion`, `fuse` in
`cinemotion.cli_fuse`, `camera …` in `cinemotion.cli_camera`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cinemotion import cli_camera, cli_fuse, cli_motion
from cinemotion.guard import guarded, say

app = typer.Typer(
    name="cinemotion",
    help="From a scene file and motion capture to a film.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib import metadata

        try:
            print(metadata.version("cinemotion"))
        except metadata.PackageNotFoundError:
            print("unknown (not installed as a package)")
        raise typer.Exit


MotionFile = Annotated[str, typer.Argument(metavar="IN", help="A motion file, or pybullet:NAME.", show_default=False)]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="By its suffix; .glb with the body.", show_default=False)]
UpAxis = Annotated[str | None, typer.Option(help="Up axis of the source when it does not say: X, Y, Z.")]
Units = Annotated[str | None, typer.Option(help="Units of the source: m, cm, mm, in, ft.")]
SourceRate = Annotated[str | None, typer.Option(help="Rate of the source when it says it wrongly.")]
Skeleton = Annotated[str | None, typer.Option(help="Skeleton of an .amc, when not found by name.")]
SceneFile = Annotated[Path, typer.Argument(metavar="SCENE.yaml", help="The scene.", show_default=False)]


@app.command()
@guarded
def film(
    scene: SceneFile,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The film; by default where the scene says.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Half the size, one sample, nothing blurred.")] = False,
    passes: Annotated[
        str | None, typer.Option(help="Data beside the film, with commas: depth,normal,flow,ids.", metavar="NAMES")
    ] = None,
    frames: Annotated[str | None, typer.Option(help="Only frames A to B (not included).", metavar="A:B")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run ended.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that draw.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the scene's.")] = None,
    device: Annotated[int | None, typer.Option(min=0, help="EGL device; by default the first that works.")] = None,
    physics: Annotated[
        bool | None, typer.Option("--physics/--no-physics", help="Clean everybody up, or nobody.", show_default=False)
    ] = None,
    refine: Annotated[
        bool | None, typer.Option("--refine/--no-refine", help="Make frames final ones, or not.", show_default=False)
    ] = None,
    refiner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Refine by these weights, or a pipeline's folder.")
    ] = None,
    renderer: Annotated[str | None, typer.Option(metavar="raster|pathtrace", help="What draws the frames.")] = None,
    spp: Annotated[int | None, typer.Option(min=1, max=65536, help="Of pathtrace: paths per pixel.")] = None,
    export_controls: Annotated[
        Path | None,
        typer.Option(
            "--export-controls", metavar="FOLDER", help="No film, but control videos, prompts and ComfyUI workflows."
        ),
    ] = None,
    debug: Annotated[str | None, typer.Option(metavar="NAMES", help="Show, with commas: humanoid,plants.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the work folder.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Make the film of a scene."""
    from cinemotion import vocabulary
    from cinemotion.film import Changes
    from cinemotion.pipeline import make_film

    named, views = _names("pass", passes), _names("debug", debug)
    if renderer is not None:
        renderer = vocabulary.usual("renderer", renderer)
    changes = Changes(draft, seed, named, physics, views, refine, refiner, renderer, spp)
    if export_controls is not None:
        from cinemotion.export_controls import of_scene

        for folder in of_scene(scene, export_controls, changes, frames=_frames(frames), device=device, quiet=quiet):
            print(f"{folder}/")
        return
    made = make_film(
        scene,
        out,
        changes=changes,
        resume=resume,
        workers=workers,
        keep=keep,
        frames=_frames(frames),
        device=device,
        quiet=quiet,
    )
    for problem in made.warnings:
        say(str(problem))
    if quiet:
        return
    total = sum(made.seconds.values())
    drawn = f"{made.drawn} frames drawn" + (f", {made.kept} kept from before" if made.kept else "")
    width, height = made.film.size
    rate = f"{float(made.film.fps):g} fps"
    print(f"{made.path}: {(made.drawn + made.kept) / float(made.film.fps):.2f} s, {width} x {height}, {rate}; {drawn}")
    for folder in made.folders:
        print(f"{folder}/")
    print(f"{made.provenance}")
    for line in made.film.mended:
        print(f"  physics, {line}")
    for model in made.film.models:
        roles = {"calibrator": "poses calmed by", "refiner": "frames refined by", "pipeline": "frames refined by"}
        made_by = roles.get(model["kind"], "motion in words by")
        print(f"  {made_by} {model['name']} {model['kind']} {model['version']}: {model['licence']}")
    for stage, seconds in sorted(made.seconds.items(), key=lambda item: -item[1]):
        print(f"  {stage:<28}{seconds:8.2f} s  {seconds / max(total, 1e-9):4.0%}")
    print(f"  {'in all':<28}{total:8.2f} s")


def _names(kind: str, text: str | None) -> tuple[str, ...] | None:
    """Words of a vocabulary, with commas between them."""
    from cinemotion import vocabulary

    if text is None:
        return None
    return tuple(vocabulary.usual(kind, name.strip()) for name in text.split(",") if name.strip())


def _frames(text: str | None) -> tuple[int | None, int | None] | None:
    import re

    from motion.errors import BadInput

    if text is None:
        return None
    match = re.fullmatch(r"(\d{0,9}):(\d{0,9})", text.strip())
    if not match:
        raise BadInput(f"--frames '{text}', expected FIRST:STOP such as 24:48, :48 or 24:")
    first, stop = (int(part) if part else None for part in match.groups())
    return first, stop


@app.command()
@guarded
def check(
    scene: SceneFile,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the compiled timeline.")] = False,
    format: Annotated[Format, typer.Option("--format", help="Of the report.")] = Format.text,
) -> None:
    """Say every problem of a scene, with line and column; exit 2 when there is one."""
    import json

    from cinemotion.film import Changes, Clock, Film
    from cinemotion.resolve import resolve
    from cinemotion.source import Problem, SceneError, read
    from cinemotion.structure import Report
    from motion.errors import BadInput

    made: Film | None = None
    problems: list[Problem] = []
    try:
        source = read(scene)
        report = Report(source)
        made = resolve(source, report, Changes(), Clock(), sketch=True)
        problems = report.sorted
    except SceneError as error:
        problems = list(error.problems)
    except BadInput as error:
        if format is Format.text:
            raise
        problems = [Problem(str(scene), 1, 1, "", str(error))]
    errors = sum(p.severity == "error" for p in problems)
    if format is Format.json:
        table = [dict(row) for row in made.table] if resolved and made else None
        document: dict[str, object] = {"ok": errors == 0, "problems": [p.as_dict() for p in problems]}
        print(json.dumps(document | ({"timeline": table} if table is not None else {}), indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            say(str(problem))
        if errors:
            say(f"{errors} problem{'s' if errors > 1 else ''}")
        elif made is not None:
            _print_film(scene, made, resolved)
    raise SystemExit(2 if errors else 0)


def _print_film(scene: Path, made: Any, resolved: bool) -> None:
    width, height = made.size
    people = len(made.performances)
    print(
        f"{scene}: fine; {made.seconds:.2f} s, {made.frames} frames of {width} x {height} at {made.fps} fps, "
        f"{people} performer{'s' if people != 1 else ''}, {len(made.shots)} shot{'s' if len(made.shots) != 1 else ''}"
    )
    if resolved:
        for row in made.table:
            span = f"{row['start_s']:8.3f} – {row['end_s']:8.3f} s  {row['first']:>6}:{row['stop']:<6}"
            print(f"  {span} {row['what']:<5} {row['name']:<20} {row['detail']}")


@app.command()
@guarded
def convert(
    source: MotionFile,
    target: Target,
    fps: Annotated[str | None, typer.Option(help="Another rate: 30, 24000/1001.")] = None,
    names: Annotated[str | None, typer.Option(help="Joint names of the result: mixamo, unreal, … (by SMPL).")] = None,
    retarget: Annotated[
        str | None, typer.Option(metavar="smpl|FILE", help="Onto SMPL-24, or onto the skeleton of another file.")
    ] = None,
    up: UpAxis = None,
    units: Units = None,
    source_fps: SourceRate = None,
    asf: Skeleton = None,
    sample: Annotated[int | None, typer.Option(help="Which motion of a file that holds several, from 0.")] = None,
    start: Annotated[str | None, typer.Option(help="Begin here: 2s, 48f.")] = None,
    stop: Annotated[str | None, typer.Option(help="End here.")] = None,
    height: Annotated[float | None, typer.Option(help="Of the body, metres.")] = None,
    build: Annotated[str | None, typer.Option(help="Of the body.")] = None,
    age: Annotated[str | None, typer.Option(help="Of the body.")] = None,
    presentation: Annotated[str | None, typer.Option(help="Of the body.")] = None,
    outfit: Annotated[str | None, typer.Option(help="What the body wears.")] = None,
    body: Annotated[str | None, typer.Option("--body", help="Your own SMPL, SMPL-H or SMPL-X file.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="base|clean|FILE", help="Weights of the tokenizer, for .tokens.")
    ] = None,
    fault: Annotated[
        str | None, typer.Option(metavar="KIND[:SEED]", help="Spoil it, to try `clean`: float, slide, noise, …")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Convert motion between formats; to .glb with a dressed, skinned body."""
    from cinemotion.convert import Options
    from cinemotion.convert import convert as run

    options = Options(
        fps, names, retarget, up, units, start, stop, height, build, age, presentation, outfit, body, asf, source_fps,
        sample, model, fault,
    )  # fmt: skip
    made = run(source, target, options)
    if quiet:
        return
    road = "by SMPL-24" if made.by_smpl else f"{made.take.joints} joints as they are"
    print(f"{target}: {made.frames} frames at {float(made.fps):g} fps, {road}")
    for note in dict.fromkeys(made.notes):
        print(f"  {note}")


@app.command()
@guarded
def clean(
    source: MotionFile,
    target: Target,
    feet: Annotated[str, typer.Option(help="Held as found (auto), always, not at all (never); or grounding.")] = "auto",
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="How much of each correction is made.")] = 1.0,
    learned: Annotated[
        bool, typer.Option("--learned", help="Let a network take tremble, flips, drift and lean out first.")
    ] = False,
    dynamics: Annotated[
        bool, typer.Option("--dynamics", help="Let a body perform it in Bullet; keep the seconds that gain.")
    ] = False,
    search: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Of --dynamics: sample for a better one, so long.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Figures before and after, segment by segment: .json")] = None,
    plot: Annotated[Path | None, typer.Option(help="Feet, balance and help over time, before and after: .png")] = None,
    strip: Annotated[
        Path | None, typer.Option(help="Figures before and after, and what was decided: .png or .jpg")
    ] = None,
    plants: Annotated[Path | None, typer.Option(help="When feet stand, set by you: .csv")] = None,
    save_plants: Annotated[Path | None, typer.Option(help="When feet stand, to be edited: .csv")] = None,
    up: UpAxis = None,
    units: Units = None,
    source_fps: SourceRate = None,
    asf: Skeleton = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Clean up a capture: no floating, sinking or sliding feet; what cannot be mended stays as it is."""
    from cinemotion.clean import Asked
    from cinemotion.clean import clean as run
    from cinemotion.convert import Options

    options = Options(up=up, units=units, asf=asf, source_fps=source_fps)
    asked = Asked(feet, strength, learned, dynamics, search, plants, save_plants, report, plot, strip)
    made = run(source, target, asked, options, quiet=quiet)
    if quiet:
        return
    print(f"{target}: {made.report.verdict()}")
    kept = [s for s in made.report.segments if s.why]
    for segment in kept[:4]:
        print(f"  {segment.start_s:.1f} to {segment.stop_s:.1f} s kept as {segment.kept}: {segment.why}")
    if len(kept) > 4:
        print(f"  … and {len(kept) - 4} more; --report writes them all")
    for note in dict.fromkeys((*made.report.notes, *made.notes)):
        print(f"  {note}")


@app.command()
@guarded
def doctor() -> None:
    """Say what this machine can do, and the line that mends what it cannot."""
    from cinemotion.doctor import examine

    findings = examine()
    for finding in findings:
        mark = "ok" if finding.ok else "MISSING" if finding.needed else "absent"
        print(f"{mark:<8}{finding.topic:<16}{finding.text}")
        if finding.mend:
            print(f"{'':<24}mend: {finding.mend}")
    broken = [f.topic for f in findings if f.needed and not f.ok]
    print("films can be made here" if not broken else f"films cannot be made here: {', '.join(broken)}")
    raise SystemExit(1 if broken else 0)


@app.command()
@guarded
def schema() -> None:
    """Print the JSON Schema of scene files, for editors."""
    import json

    from cinemotion.scene import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
@guarded
def words() -> None:
    """Print every word that a scene may use, as Markdown."""
    from cinemotion.words import page

    print(page(), end="")


@app.command()
@guarded
def verify(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film with its sidecar.", show_default=False)],
) -> None:
    """Say what made a film, and whether it is untouched."""
    from cinemotion.provenance import verify as run

    document = run(film)
    print(f"{film}: as it was made ({document['film']['sha256'][:16]}…)")
    print(f"  scene     {document['scene']['name']} ({document['scene']['sha256'][:16]}…), seed {document['seed']}")
    for one in document["inputs"]:
        print(f"  {one['role']:<9} {one['name']}: {one['licence']}")
    for one in document["models"]:
        print(f"  model     {one['name']} {one['kind']} {one['version']} ({one['sha256'][:16]}…): {one['licence']}")
    print(f"  drawn by  {document['made_by']['gl']['renderer']}")


@app.command()
@guarded
def sheet(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.png", show_default=False)],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES…", help="Of motion, in any format.", show_default=False)
    ] = None,
    prompts: Annotated[
        int, typer.Option(min=0, help="Instead of files: so many of the frozen prompts, made by --model.")
    ] = 0,
    model: Annotated[str, typer.Option(metavar="base|clean|FILE", help="Weights.")] = "base",
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Draw motion as strips of stick figures beside a map of the way, as one picture."""
    from cinemotion import sheet as drawn
    from motion.errors import BadInput

    if bool(files) == bool(prompts):
        raise BadInput("sheet: expected motion files, or --prompts N")
    if files:
        drawn.of_files(files, out)
    else:
        drawn.of_prompts(prompts, model, seed, out)
    print(out)


@app.command()
@guarded
def bench(
    subject: Annotated[str, typer.Argument(help="render, refine, motion, camera, formats …", show_default=False)],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="What the measurement takes.", show_default=False)
    ] = None,
) -> None:
    """Measure, in one run, the numbers that the documentation quotes."""
    from cinemotion.bench import run

    run(subject, arguments or ())


cli_motion.add_to(app)
cli_fuse.add_to(app)
app.add_typer(cli_camera.app, name="camera")


def main() -> None:
    """Entry point of the ``cinemotion`` command."""
    app()


if __name__ == "__main__":
    main()
