"""What `cinemotion train refiner --by between` does: clips with flow both ways from pairs, then the network on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion import refine_data, refine_sets
from cinemotion.train_refiner import Plan
from motion.errors import BadInput
from motion.files import whole
from motion.prior import weights

if TYPE_CHECKING:
    from motion.prior.trainer import Run
    from render.rasterizer import Rasterizer
    from render.refine.model import BridgeRefiner

Say = Callable[[str], None]

#: What the network is not good at.
LIMITS = (
    "Learned on distances of 2 to 4 frames at 24 frames a second; faster things leave larger holes than it has seen.",
    "What a neighbour's light does by itself (a lamp switched on between two refined frames) it spreads over time.",
)

_MOST = {"train": 48, "check": 6}  # clips, some 25 MB each


def run(plan: Plan, say: Say) -> Path:
    """Make clips from pairs, unless the run's folder holds them, and train; returns the file of weights.

    Args:
        plan: ``data`` is a folder of pairs; ``begin`` names refiner weights whose light is learned from, on all clips;
            None: the clean references of pairs, on clips that have them.
        say: told how it goes.

    Raises:
        BadInput: no pairs, or none with clips; no such weights; the folder holds a run of another network.
    """
    if plan.data is None:
        raise BadInput("train refiner --by between: no pairs; make them with --make-data -o PAIRS, then --data PAIRS")
    from motion.prior.threads import device
    from motion.prior.trainer import Settings, train
    from render.refine.between import card
    from render.refine.between_task import BetweenTask
    from render.refine.model import BridgeRefiner

    device(plan.device)
    pairs, leads = Path(plan.data), int(os.environ.get("RANK", "0")) == 0
    teacher = BridgeRefiner.load(plan.begin) if plan.begin else None
    # Light of another teacher is other clips.
    kept = plan.folder / f"clips_{teacher.card.sha256[:8] if teacher else 'traced'}"
    data = refine_data.captures(pairs)
    clips = {split: make(pairs, kept / split, split, teacher, data, say) for split in _MOST}
    task = BetweenTask(clips["train"], clips["check"], plan.rows, seed=plan.seed)
    path = plan.folder / weights.file_name(plan.name, "between")
    sources = refine_data.sources(pairs)
    taught: dict[str, Any] = {"learned_from": teacher.card.label} if teacher else {"learned_from": "path tracing"}

    def keep(so_far: Run) -> None:
        network: Any = so_far.module
        about = card(
            network, name=plan.name, limits=LIMITS,
            licence=weights.licence_of(line.partition(": ")[2] for line in sources),
            data=(f"{len(clips['train'])} clips of random sets of the project's own", *sources),
            training={"steps": so_far.steps, "minutes": round(so_far.seconds / 60, 1), "seed": plan.seed, **taught},
            measured={"held-out clips, dB": {k: round(v, 2) for k, v in so_far.figures.items()}}
            if so_far.figures else {},
        )  # fmt: skip
        weights.save(path, network.state_dict(), about)

    settings = Settings(
        plan.minutes, plan.steps, rate=2e-3, warm_up=50, device=plan.device, threads=plan.threads, check_every=250,
        average=0.995, bf16=False,
    )  # fmt: skip
    made = train(task, plan.folder, settings, say if leads else lambda _: None, keep)
    if leads:
        keep(made)
        say(f"{path}: {made.steps} steps, " + "  ".join(f"{name} {value:.2f}" for name, value in made.figures.items()))
    return path


def make(
    pairs: Path,
    out: Path,
    split: str = "train",
    teacher: BridgeRefiner | None = None,
    data: str | None = None,
    say: Say = lambda _: None,
) -> list[Path]:
    """Clips with flow both ways: pairs' own passes, their sets drawn again for flow; files there already stay.

    Args:
        pairs: folder of training pairs.
        out: folder of the clips.
        split: "train" or "check".
        teacher: refines every frame, which is what is learned; None: the pairs' references, of clean clips.
        data: the folder of captures that the pairs were made from; None: the pybullet wheel's.
        say: told how it goes.

    Returns:
        The files, by name.

    Raises:
        BadInput: there is no clip.
    """
    from render.refine import shards
    from render.refine.batches import CLEAN_SPP

    tiers = ("fine", "many") if split == "train" else ("check",)
    found = [(tier, path) for tier in tiers for path in refine_data.files(pairs, tier)]
    clean = CLEAN_SPP if teacher is None else 0
    clips = [
        (tier, path) for tier, path in found if (about := shards.about(path)).clip and about.spp >= clean
    ][: _MOST[split]]  # fmt: skip
    if not clips:
        kind = "clips" if teacher else f"clips of {CLEAN_SPP} paths a pixel or more; name refiner weights to learn from"
        raise BadInput(f"{pairs}: no {kind} in tier {' or '.join(tiers)}")
    out.mkdir(parents=True, exist_ok=True)
    rasters: dict[Any, Rasterizer] = {}
    files = []
    try:
        for count, (tier, path) in enumerate(clips, 1):
            files.append(out / f"{tier}-{path.name}")
            if not files[-1].is_file():
                _write(files[-1], _clip(path, teacher, data, rasters))
                say(f"{split} clips: {count} of {len(clips)}")
    finally:
        for one in rasters.values():
            one.close()
    return files


def _clip(
    path: Path, teacher: BridgeRefiner | None, data: str | None, rasters: dict[Any, Rasterizer]
) -> dict[str, np.ndarray]:
    from render.rasterizer import Rasterizer
    from render.refine import shards
    from render.refine.between_task import TRIPLES
    from render.view import window

    about, arrays = shards.about(path), shards.load(path)
    world_and_camera = refine_sets.make(about.number, about.split, data)
    camera = window(world_and_camera.camera, about.whole, *about.corner, about.size)
    if about.whole not in rasters:
        rasters[about.whole] = Rasterizer(about.size, refine_data.settings(about.whole))
    frames = list(rasters[about.whole].render(world_and_camera.world, camera, about.frames, shards.PASSES))
    out = {name: value for name, value in arrays.items() if not name.startswith(("flow", "hidden", "second"))}
    if teacher is None:
        out["first"] = ((arrays["first"].astype(np.float32) + arrays["second"]) / 2).astype(np.float16)
    else:
        lights = [np.moveaxis(np.asarray(one.beauty), -1, 0) for one in teacher.refine(frames)]
        out["first"] = np.clip(np.stack(lights), 0, shards.MOST).astype(np.float16)
    out["triples"] = np.array(TRIPLES, np.uint8)
    for name, to in (("back", 0), ("on", 2)):
        flows = [shards.pack_flow(frames[t[1]], frames[t[to]].index) for t in TRIPLES]
        out[name] = np.stack([flow["flow"] for flow in flows])
        out[f"{name}_hidden"] = np.stack([flow["hidden"] for flow in flows])
    return out


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save_file

    with whole(path) as beside:
        save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, str(beside))
