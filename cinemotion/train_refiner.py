"""What `cinemotion train refiner` does: training pairs first, then a network from them, its weights and card."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cinemotion import refine_data
from motion.errors import BadInput, unknown
from motion.prior import weights
from motion.prior.weights import Card

if TYPE_CHECKING:
    from motion.prior.trainer import Run
    from render.refine.model import BridgeRefiner

Say = Callable[[str], None]

#: Learning rate: higher ones left pictures with blotches after some hundred steps.
RATE = 6e-4

#: The same on clips, which are fewer: what pictures taught is kept, and history learned.
RATE_OF_CLIPS = 2.5e-4

#: What can be trained: our refiner, its rivals, and the network between refined frames.
KINDS = ("bridge", "noise", "regression", "pixel", "between")

#: What this network is not good at.
LIMITS = (
    "Refines what the rasterizer draws: what it does not draw (glass, mirrors' images, caustics) does not come.",
    "Learned on people, plain props and seven grounds under open skies and studio light; ceilings are new to it.",
)


@dataclass(frozen=True)
class Plan:
    """What `cinemotion train refiner` was asked for."""

    folder: Path  # of the run, or of the pairs that are made
    data: str | None = None  # of pairs; when pairs are made, of captures
    make_data: bool = False
    exr: Path | None = None  # where the pairs are written for Arm's Neural Graphics Model Gym, too
    tiers: tuple[str, ...] = ()  # of pairs that are made; (): all
    minutes: float | None = None
    steps: int | None = None
    size: str | None = None  # of `render.refine.network.SIZES`; None: that of the weights to begin with, else S
    kind: str | None = None  # of `KINDS`; None: that of the weights to begin with, else "bridge"
    clips: bool = False  # train on clips with the network's own history; else on pictures
    judges: bool = False  # the adversarial stage; needs weights to begin with
    begin: str | None = None  # weights to train on from
    batch: int | None = None  # frames of a step; None: `rows`
    device: str = "cpu"
    name: str = "own"
    seed: int = 0
    threads: int | None = None

    @property
    def rows(self) -> int:
        """Frames of a step: eight pictures, or four clips of which half is learned from."""
        return self.batch or (32 if self.clips else 8)


def run(plan: Plan, say: Say) -> Path:
    """Make training pairs, or train; returns the folder of the pairs, or the file of weights.

    Raises:
        BadInput: an option or the data is wrong, or the folder holds a run of another network.
        MissingExtra: pairs without Mitsuba.
        MissingSystem: the disk is full, or there is no such device.
    """
    if plan.make_data:
        return _make(plan, say)
    if plan.kind is not None and plan.kind not in KINDS:
        raise unknown("kind of refiner", plan.kind, KINDS)
    if plan.kind == "between":
        from cinemotion import train_between

        return train_between.run(plan, say)
    if plan.data is None:
        raise BadInput("train refiner: no pairs; make them with --make-data -o PAIRS, then give --data PAIRS")
    from motion.prior.threads import device
    from motion.prior.trainer import Settings, train
    from render.refine import shards
    from render.refine.adversary import Contest
    from render.refine.model import BridgeRefiner
    from render.refine.task import Data, RefinerTask

    device(plan.device)
    folder = Path(plan.data)
    found = {tier: tuple(refine_data.files(folder, tier)) for tier in refine_data.TIERS}
    if not found["many"] and not found["fine"]:
        raise BadInput(f"{folder}: no training pairs (expected files many/000000.safetensors or fine/…)")
    begin = BridgeRefiner.load(plan.begin) if plan.begin else None
    kind = _kind(plan, begin)
    task = RefinerTask(
        Data(found["many"] + found["fine"], found["check"]), plan.size or "S", "bridge" if kind == "pixel" else kind,
        shards.CHUNK if plan.clips else 1, plan.rows, begin.network if begin else None, kind == "pixel",
        plan.judges, seed=plan.seed,
    )  # fmt: skip
    if begin is not None and plan.size is not None and begin.network.config != task.config:
        raise BadInput(f"--size {plan.size}: '{begin.card.label}', which training begins with, has another size")
    frozen = refine_data.baseline(folder)["sha256"] if found["test"] else None
    leads = int(os.environ.get("RANK", "0")) == 0
    path = plan.folder / weights.file_name(plan.name, "refiner")

    def keep(so_far: Run) -> None:
        """The weights so far, so that they can be looked at, or the run cut off."""
        network: Any = so_far.module.network if isinstance(so_far.module, Contest) else so_far.module
        shape = replace(network.config, appearance=getattr(network, "appearance", 0))
        config = {"kind": task.kind, "network": shape.as_dict(), "pixelwise": kind == "pixel"}
        card = _card(plan, folder, found, frozen, so_far, config, begin)
        weights.save(path, network.state_dict(), card)

    settings = Settings(
        plan.minutes,
        plan.steps,
        rate=RATE_OF_CLIPS if plan.clips else RATE,
        device=plan.device,
        threads=plan.threads,
        check_every=250,
        average=0.998,
    )
    made = train(task, plan.folder, settings, say if leads else lambda _: None, keep)
    if leads:
        keep(made)
        card = weights.card_of(path)
        say(f"{path}: {card.parameters / 1e6:.2f} M parameters, {made.steps} steps, {made.seconds / 60:.1f} minutes")
        say("  ".join(f"{name} {value:.3f}" for name, value in made.figures.items()))
    return path


def _kind(plan: Plan, begin: BridgeRefiner | None) -> str:
    """One of `KINDS`: as asked for, else as the weights that training begins with."""
    was = None if begin is None else "pixel" if begin.card.config.get("pixelwise") else begin.kind
    kind = plan.kind or was or "bridge"
    if was is not None and begin is not None and (kind == "pixel") != (was == "pixel"):
        raise BadInput(f"--by {kind}: '{begin.card.label}', which training begins with, is of kind '{was}'")
    return kind


def _make(plan: Plan, say: Say) -> Path:
    if plan.minutes is None:
        raise BadInput("train refiner --make-data: no --minutes, expected a time budget")
    made = refine_data.make(
        plan.folder, plan.minutes, data=plan.data, tiers=plan.tiers or tuple(refine_data.TIERS),
        workers=plan.threads or 0, say=say,
    )  # fmt: skip
    say(f"{plan.folder}: " + ", ".join(f"{count} {tier}" for tier, count in made.items()))
    if plan.exr is not None:
        from cinemotion import refine_exr

        written = refine_exr.export(plan.folder, plan.exr, data=plan.data, say=say)
        say(f"{plan.exr}: " + ", ".join(f"{count} {name}" for name, count in written.items()))
    return plan.folder


def _card(
    plan: Plan, folder: Path, found: dict[str, tuple[Path, ...]], frozen: str | None, made: Run,
    config: dict[str, Any], begin: BridgeRefiner | None,
) -> Card:  # fmt: skip
    sources = refine_data.sources(folder)
    before: dict[str, Any] = {"begun_from": begin.card.training} if begin else {}
    return Card(
        kind="refiner",
        name=plan.name,
        licence=weights.licence_of(line.partition(": ")[2] for line in sources),
        data=(
            "random sets of the project's own, path-traced: "
            + ", ".join(f"{len(found[t])} shots at {refine_data.TIERS[t].spp} paths a pixel" for t in ("many", "fine")),
            *sources,
        ),
        config=config,
        training={
            "steps": made.steps,
            "minutes": round(made.seconds / 60, 1),
            "seed": plan.seed,
            "device": plan.device,
            "on": "clips" if plan.clips else "pictures",
            "judges": plan.judges,
            "frozen_baseline": frozen,
            **before,
        },
        measured={"held-out windows": {k: round(float(v), 4) for k, v in made.figures.items()}} if made.figures else {},
        limits=LIMITS,
    )


def with_size(plan: Plan, size: str) -> Plan:
    """The plan with the size that the command line gave; its default is that of other models."""
    return plan if size == "cpu" else replace(plan, size=size)
