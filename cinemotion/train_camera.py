"""What `cinemotion train camera` does: a policy from a hyperparameter file, its weights, card and ONNX graph."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion import licences
from motion.errors import BadInput, unknown
from motion.prior import weights
from motion.prior.weights import Card

if TYPE_CHECKING:
    from rl_camera.learn.config import TrainConfig
    from rl_camera.learn.evaluate import Score

Say = Callable[[str], None]

#: Longest training, a month: a slip of the finger is not run.
MOST_MINUTES = 60 * 24 * 31

#: Planners that a policy may be cloned from: module and class.
PLANNERS: dict[str, tuple[str, str]] = {
    "cem": ("rl_camera.control.search", "CEM"),
    "greedy": ("rl_camera.control.search", "Greedy"),
    "rule": ("rl_camera.control.rule", "Rule"),
}

#: What no policy of this kind is good at.
LIMITS = (
    "Sees as many performers and obstacles as its observation has slots; of more than that the nearest.",
    "Knows the rigs and requests of its environment; of a scene's props it sees spheres, pillars and boxes.",
    "Keeps a shot: it does not choose when to cut.",
)


@dataclass(frozen=True)
class Plan:
    """What `cinemotion train camera` was asked for."""

    folder: Path  # of the run
    config: Path | None = None  # hyperparameters; None: the defaults
    env: str | None = None  # id; None: the file's, else Framing-v0
    options: Mapping[str, Any] = field(default_factory=dict)  # of the environment, over the file's
    minutes: float | None = None
    steps: int | None = None
    name: str = "own"
    seed: int = 0
    clone: str | None = None  # one of PLANNERS
    begin: Path | None = None  # a policy to train on from
    recurrent: bool = False
    onnx: bool = False  # write the graph, too
    threads: int | None = None
    device: str = "cpu"  # of the networks
    quiet: bool = False  # no progress bar


def run(plan: Plan, say: Say) -> Path:
    """Train, or go on with what a stopped run has left; write weights, card and graph; returns the weights' file.

    Raises:
        BadInput: an option or a setting is wrong, or the folder holds another run.
        MissingExtra: a policy with memory without sb3-contrib, a graph without onnx.
        MissingSystem: the disk is full.
    """
    _check(plan)
    if plan.onnx:  # before hours of training, not after
        from motion.errors import need

        need("onnx", "onnx", "exporting a policy")
    from rl_camera.learn import model_card
    from rl_camera.learn.train import Budget, train, use_threads
    from rl_camera.policy_net import PolicyNet

    config = _config(plan)
    begin = PolicyNet.load(plan.begin) if plan.begin else None
    use_threads(plan.threads)
    budget = Budget(plan.minutes, plan.steps)
    data = sources(config)
    for line in data:
        say(f"data: {line}")
    with _bar(plan) as progress:
        made = train(config, plan.folder, budget, seed=plan.seed, demonstrator=_teacher(plan.clone), begin=begin,
                     device=plan.device,
                     card=lambda training, score: _card(plan, data, training, score), say=say,
                     progress=progress)  # fmt: skip
    path = plan.folder / weights.file_name(plan.name, "camera")
    training = {**made.best.card.training, "run_steps": made.steps, "run_minutes": round(made.seconds / 60, 1)}
    best = replace(made.best.card, training=training, measured={"held-out episodes": _rounded(made.score)})
    made.best.card = best
    card = made.best.save(path)
    model_card.write(made.best, config, plan.folder / "README.md", path.name)
    say(f"{path}: {card.parameters:,} parameters, {made.steps:,} steps, {made.seconds / 60:.1f} minutes")
    say(f"return on held-out episodes: {made.score.mean:.3f} +/- {made.score.std:.3f}")
    say(f"licence: {card.licence}{'' if card.commercial else ' (not for commercial use)'}")
    if plan.onnx:
        from rl_camera.learn.export import to_onnx

        say(f"{to_onnx(made.best, path.with_suffix('.onnx'))}: the same as an ONNX graph")
    return path


def options_of(settings: Sequence[str], data: Sequence[str]) -> dict[str, Any]:
    """Settings of the environment from ``NAME=VALUE`` words, and the folder of captures.

    Raises:
        BadInput: a word without ``=``, or more than one folder.
    """
    found: dict[str, Any] = {}
    for word in settings:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise BadInput(f"--set {word}: expected NAME=VALUE: performers=4")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    if len(data) > 1:
        raise BadInput(f"--data: {len(data)} folders, expected one at most for a camera")
    return {**found, **({"data": data[0]} if data else {})}


def sources(config: TrainConfig) -> tuple[str, ...]:
    """The motion that an environment's episodes are cut from, one capture each with its licence; of ours alone."""
    if not config.env.startswith("cinemotion/"):
        return ()
    from rl_camera.env.config import FramingConfig
    from rl_camera.env.library import default_library

    settings = FramingConfig().with_options(dict(config.env_kwargs))
    library = settings.library or default_library(settings.split, settings.hz, settings.data)
    return library.sources


def _check(plan: Plan) -> None:
    if plan.minutes is not None and not 0 < plan.minutes <= MOST_MINUTES:
        raise BadInput(f"--minutes {plan.minutes:g}, expected more than 0 and at most {MOST_MINUTES} (a month)")
    if plan.steps is not None and plan.steps < 1:
        raise BadInput(f"--steps {plan.steps}, expected at least 1")
    if not plan.name or not all(c.isalnum() or c in "._-" for c in plan.name):
        raise BadInput(f"--name '{plan.name}', expected letters, digits, '.', '_' and '-'")
    if plan.folder.exists() and not plan.folder.is_dir():
        raise BadInput(f"{plan.folder}: is a file, expected a folder for the run")
    if plan.clone is not None and plan.clone not in PLANNERS:
        raise unknown("planner", plan.clone, PLANNERS)
    if plan.clone is not None and plan.begin is not None:
        raise BadInput("--clone and --begin: a policy begins from a planner or from another policy, not from both")


def _config(plan: Plan) -> TrainConfig:
    from rl_camera.learn import hyperparameters
    from rl_camera.learn.config import TrainConfig

    if plan.config is not None:
        config = hyperparameters.read(plan.config, plan.env)
    else:
        config = TrainConfig(env=plan.env) if plan.env else TrainConfig()
    if plan.recurrent and not config.recurrent:
        config = replace(config, policy="MlpLstmPolicy")
    return replace(config, env_kwargs={**config.env_kwargs, **plan.options})


def _teacher(name: str | None) -> Any:
    if name is None:
        return None
    from rl_camera.control.demonstrate import Teacher

    module, kind = PLANNERS[name]
    return Teacher(getattr(importlib.import_module(module), kind)())


def _card(plan: Plan, data: Sequence[str], training: dict[str, Any], score: Score | None) -> Card:
    named = [line.partition(": ")[2] for line in data]
    training = {**training, **({"cloned": plan.clone} if plan.clone else {})}
    return Card(
        kind="camera",
        name=plan.name,
        licence=weights.licence_of(named) if named else licences.UNSTATED,
        data=tuple(data),
        training=training,
        measured={"held-out episodes": _rounded(score)} if score else {},
        limits=LIMITS,
    )


def _rounded(score: Score) -> dict[str, float]:
    return {name: round(value, 5) for name, value in score.figures().items()}


@contextlib.contextmanager
def _bar(plan: Plan) -> Iterator[Callable[[float, int], None]]:
    """The share of the budget that is spent, in thousandths, as every long work here shows it."""
    from cinemotion.progress import Progress

    with Progress("training", 1000, unit="‰ of the budget", quiet=plan.quiet) as bar:

        def tell(share: float, _: int) -> None:
            while bar.count < int(share * 1000):
                bar.step()

        yield tell
