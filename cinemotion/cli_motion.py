"""Commands of learned motion: `motion` from words, keys and paths; `stream`, `find`, `train`, `curves`, `models`, …"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cinemotion.guard import guarded, say


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on an application."""
    for command in (motion, stream, find, train, curves, dataset, models):
        app.command()(guarded(command))


OF_CAMERAS = "Of cameras"
OF_REFINERS = "Of refiners"
BODY = "The body: dressed in a .glb, its proportions in other files"
Height = Annotated[float | None, typer.Option(help="Of the body, metres.", rich_help_panel=BODY)]
OfBody = Annotated[str | None, typer.Option(help="Of the body.", rich_help_panel=BODY)]
Outfit = Annotated[str | None, typer.Option(help="What the body wears.", rich_help_panel=BODY)]
OwnBody = Annotated[
    str | None, typer.Option("--body", help="Your own SMPL, SMPL-H or SMPL-X file.", rich_help_panel=BODY)
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]


def motion(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="By its suffix: .bvh, .npz; .glb with the body.", show_default=False)
    ],
    text: Annotated[str, typer.Argument(metavar="WORDS", help="What the performer does.", show_default=False)] = "",
    seconds: Annotated[float | None, typer.Option(help="Length; by default as long as the actions take.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another performance.")] = 0,
    variations: Annotated[int, typer.Option(help="How many performances; files are numbered.")] = 1,
    keyframes: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Poses to pass through: an .npz (docs/prior.md), or any motion file, each frame a key."
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[@TIME]=TIME", help="One pose of a motion file at a time: idle.bvh@0.5s=2s. Repeat."),
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="CSV", help="Way to go: columns x, z in metres, and seconds if it matters.")
    ] = None,
    reach: Annotated[
        list[str] | None,
        typer.Option(metavar="JOINT:X,Y,Z@TIME", help="right hand:0.4,1.2,0.5@2s touches that point. Repeat."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="FILE", help="A clip to change, keep parts of, or extend.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="Of the change: 0 leaves the base as it is, 1 makes it anew.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="PARTS", help="Stay as in the base: legs, left arm, head.")
    ] = None,
    extend: Annotated[
        str | None, typer.Option(metavar="forwards|backwards", help="Go on after the base, or begin before it.")
    ] = None,
    style: Annotated[str | None, typer.Option(metavar="WORD|FILE", help="happy, tired, old, …, or a clip.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="End as it begins.")] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Without travel.")] = False,
    retrieval: Annotated[
        str | None, typer.Option(metavar="CORPUS", help="Captures to use where the words are close to one.")
    ] = None,
    foot_lock: Annotated[bool, typer.Option("--foot-lock", help="Hold planted feet by leg IK.")] = False,
    instant: Annotated[
        bool, typer.Option("--instant", help="Key poses alone, no words: between them in one pass, always the same.")
    ] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also of words that are not understood.")] = False,
    model: Annotated[str, typer.Option(metavar="base|clean|FILE", help="Weights; see `cinemotion models`.")] = "base",
    steps: Annotated[int, typer.Option(min=1, max=100, help="Of denoising.")] = 8,
    guidance: Annotated[float, typer.Option(help="How closely the words are followed.")] = 2.5,
    constraint_guidance: Annotated[float, typer.Option(help="How closely keys and path are; 1 is plainly.")] = 1.25,
    fps: Annotated[str | None, typer.Option(help="Rate of the result: 30, 24000/1001.")] = None,
    names: Annotated[str | None, typer.Option(help="Joint names of the result: mixamo, unreal, …")] = None,
    height: Height = None,
    build: OfBody = None,
    age: OfBody = None,
    presentation: OfBody = None,
    outfit: Outfit = None,
    body: OwnBody = None,
    quiet: Quiet = False,
) -> None:
    """Make motion from words, key poses, a path, or another clip."""
    from cinemotion.ask import Ask
    from cinemotion.make_motion import make

    ask = Ask(
        text=text, seconds=seconds, seed=seed, variations=variations, keyframes=keyframes, keys=tuple(key or ()),
        path=path, reach=tuple(reach or ()), base=base, strength=strength, keep=keep, extend=extend, style=style,
        loop=loop, in_place=in_place, retrieval=retrieval, foot_lock=foot_lock, instant=instant, anyway=anyway,
        model=model, steps=steps, guidance=guidance, constraint_guidance=constraint_guidance, fps=fps, names=names,
        height=height, build=build, age=age, presentation=presentation, outfit=outfit, body=body,
    )  # fmt: skip
    for line in make(ask, out):
        if not quiet:
            typer.echo(line)


def stream(
    text: Annotated[str, typer.Argument(metavar="WORDS", help="What happens; the last goes on.", show_default=False)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="By its suffix: .bvh, .npz; .glb with the body.", show_default=False)
    ],
    seconds: Annotated[float, typer.Option(help="Where the stream is cut.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another performance.")] = 0,
    model: Annotated[str, typer.Option(metavar="base|clean|FILE", help="Weights: a GPT, its tokens beside.")] = "base",
    fps: Annotated[str | None, typer.Option(help="Rate of the result: 30, 24000/1001.")] = None,
    names: Annotated[str | None, typer.Option(help="Joint names of the result: mixamo, unreal, …")] = None,
    height: Height = None,
    build: OfBody = None,
    age: OfBody = None,
    presentation: OfBody = None,
    outfit: Outfit = None,
    body: OwnBody = None,
    quiet: Quiet = False,
) -> None:
    """Make motion frame by frame, as a game would; in Python it has no end and hears new words while it plays."""
    from cinemotion.ask import Ask
    from cinemotion.make_stream import make

    ask = Ask(
        text=text, seconds=seconds, seed=seed, model=model, fps=fps, names=names, height=height, build=build, age=age,
        presentation=presentation, outfit=outfit, body=body,
    )  # fmt: skip
    for line in make(ask, out):
        if not quiet:
            typer.echo(line)


def find(
    motion: Annotated[str, typer.Argument(metavar="FILE", help="What to look for: any motion.", show_default=False)],
    where: Annotated[
        list[Path], typer.Argument(metavar="WHERE…", help=".tokens files, captures, or folders.", show_default=False)
    ],
    most: Annotated[int, typer.Option(min=1, help="Stretches to print, one of each file.")] = 5,
    model: Annotated[str, typer.Option(metavar="base|clean|FILE", help="Weights of the tokenizer.")] = "base",
) -> None:
    """Find the stretches of motion that move most like another; fast where `convert` made .tokens of the files."""
    from cinemotion.find import find as run

    for line in run(motion, where, most, model):
        typer.echo(line)


def train(
    kind: Annotated[
        str, typer.Argument(help="prior, evaluator, inbetween, tokens, gpt, calibrator, camera or refiner.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the run; a run that was stopped goes on.", show_default=False)
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A corpus (`cinemotion dataset`), or folders of captures. Repeat. camera: one folder, or none for the "
            "captures at hand.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Of training, all sittings together.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="End at this step, if minutes do not end it before.")] = None,
    size: Annotated[str, typer.Option(help="Of the network: cpu or gpu.")] = "cpu",
    batch: Annotated[
        int | None, typer.Option(min=1, help="Frames of a step, all windows together; by default each kind's own.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1.")] = "cpu",
    sources: Annotated[
        str | None, typer.Option(help="Only these sets of the corpus, with commas: weights under another licence.")
    ] = None,
    name: Annotated[str, typer.Option(help="What the weights are called.")] = "own",
    seed: Annotated[int, typer.Option(min=0, help="Of the weights' start and of all that is drawn.")] = 0,
    one_stage: Annotated[
        bool, typer.Option("--one-stage", help="prior: one network for root and body, to compare with.")
    ] = False,
    tokens: Annotated[str | None, typer.Option(metavar="FILE", help="gpt: the token weights that it speaks.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of the CPU.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Hyperparameters: YAML as rl-zoo3 writes it.", rich_help_panel=OF_CAMERAS)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the environment: performers=4. Repeat.",
            rich_help_panel=OF_CAMERAS,
        ),
    ] = None,
    clone: Annotated[
        str | None,
        typer.Option(metavar="PLANNER", help="Learn first what cem, greedy or rule does.", rich_help_panel=OF_CAMERAS),
    ] = None,
    begin: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from a policy's weights.", rich_help_panel=OF_CAMERAS)
    ] = None,
    recurrent: Annotated[
        bool, typer.Option("--recurrent", help="A policy with memory.", rich_help_panel=OF_CAMERAS)
    ] = False,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write the policy as an ONNX graph, too.", rich_help_panel=OF_CAMERAS)
    ] = False,
    make_data: Annotated[
        bool,
        typer.Option("--make-data", help="Make training pairs for so many minutes.", rich_help_panel=OF_REFINERS),
    ] = False,
    tiers: Annotated[
        str | None,
        typer.Option(help="Pairs to make, with commas: many, fine, check, test.", rich_help_panel=OF_REFINERS),
    ] = None,
    exr: Annotated[
        Path | None,
        typer.Option(
            "--exr", metavar="FOLDER", help="Write pairs for Arm's Neural Graphics Model Gym, too.",
            rich_help_panel=OF_REFINERS,
        ),
    ] = None,
    refine_by: Annotated[
        str | None,
        typer.Option(
            "--by", help="bridge; between, for frames between; rivals noise, regression, pixel.",
            rich_help_panel=OF_REFINERS,
        ),
    ] = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="On clips, with its own history.", rich_help_panel=OF_REFINERS)
    ] = False,
    judges: Annotated[
        bool, typer.Option("--judges", help="With judges of frames and of clips.", rich_help_panel=OF_REFINERS)
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:  # fmt: skip
    """Train a model on motion, a camera, a refiner; on again where it was stopped, also by kill -9; torchrun too."""
    tell = (lambda _: None) if quiet else typer.echo
    if kind == "camera":
        from cinemotion import train_camera

        train_camera.run(
            train_camera.Plan(
                folder=out, config=config, options=train_camera.options_of(settings or (), data or ()), minutes=minutes,
                steps=steps, name=name, seed=seed, clone=clone, begin=begin, recurrent=recurrent, onnx=onnx,
                threads=threads, device=device, quiet=quiet,
            ),
            tell,
        )  # fmt: skip
        return
    if kind == "refiner":
        from cinemotion import train_refiner
        from motion.errors import BadInput

        if data and len(data) > 1:
            raise BadInput(f"--data: {len(data)} folders, expected one for a refiner")
        asked = train_refiner.Plan(
            folder=out, data=data[0] if data else None, make_data=make_data, exr=exr,
            tiers=tuple(tiers.split(",")) if tiers else (), minutes=minutes, steps=steps, kind=refine_by, clips=clips,
            judges=judges, begin=str(begin) if begin else None, batch=batch,
            device=device, name=name, seed=seed, threads=threads,
        )  # fmt: skip
        train_refiner.run(train_refiner.with_size(asked, size), tell)
        return
    from cinemotion.training import Plan, run

    if batch is not None and batch < 30:
        from motion.errors import BadInput

        raise BadInput(f"--batch {batch}, expected at least 30 frames")
    plan = Plan(
        kind=kind, data=tuple(data or ()), folder=out, minutes=minutes, steps=steps, size=size, batch=batch,
        device=device,
        sources=None if sources is None else tuple(s.strip() for s in sources.split(",") if s.strip()),
        name=name, seed=seed, one_stage=one_stage, tokens=tokens, threads=threads,
    )  # fmt: skip
    run(plan, tell)


def curves(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", help="Folders that `train` wrote, a colour each.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .png file.", show_default=False)],
) -> None:
    """Draw the losses and held-out figures of training runs."""
    from cinemotion.curves import draw

    draw(runs, out)


def dataset(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDERS…", help="Of captures: .bvh, .amc, .npz, .npy, DeepMimic's.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The corpus, a folder.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="Of the split into training and held-out motion.")] = 0,
    card: Annotated[bool, typer.Option("--card", help="Print the dataset card.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Make a corpus to train on: retargeted, cleaned, captioned, split; broken files are skipped and counted."""
    from cinemotion.training import make_corpus

    made = make_corpus(folders, out, seed, quiet=quiet, say=say)
    if not quiet:
        say(f"{out}: {made.summary}")
    if card:
        typer.echo(made.card)


def models() -> None:
    """List the weights on this machine: what they are, how good they were measured to be, their licence."""
    from cinemotion.models import table

    for line in table():
        typer.echo(line)
