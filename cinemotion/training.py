"""What `cinemotion train` and `cinemotion dataset` do: a corpus from whatever was given, a run, a file of weights."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.corpus import FPS, SPLITS, Corpus
from motion.errors import BadInput, unknown
from motion.prior import known, weights
from motion.prior.weights import Card

if TYPE_CHECKING:
    from motion.prior.trainer import Run

Say = Callable[[str], None]

#: Longest training, a month: a slip of the finger is not run.
MOST_MINUTES = 60 * 24 * 31

#: What no corpus of single captured performers teaches, said on every card.
_SEEN = "Knows the actions and styles that its corpus shows (listed here); other words get suggestions, not motion."
LIMITS: dict[str, tuple[str, ...]] = {
    "prior": (
        _SEEN,
        "One performer on a flat floor: no props in hand, no partner, no stairs, no fingers, no face.",
        "Key poses far outside captured motion are reached by bending, not by acting.",
    ),
    "inbetween": ("Answers one way, the likeliest: no variations and no words.", "Gaps over two seconds look plain."),
    "tokens": ("Details below its codes are lost: fast hands and feet by a few centimetres.",),
    "gpt": (_SEEN, "Small: it may go on with what it was doing when the words change."),
    "calibrator": (
        "Tremor in fast motion is hardly told from the motion: it takes little of it away there.",
        "Feet carry the weight in what it learned: of sitting, lying, rolling and hand stands it knows little.",
        "Where on the floor motion was meant to be cannot be told: of what wanders, a constant offset stays.",
    ),
}


@dataclass(frozen=True)
class Plan:
    """What `cinemotion train` was asked for."""

    kind: str
    data: tuple[str, ...]  # a corpus, or folders of captures
    folder: Path  # of the run
    minutes: float | None = None
    steps: int | None = None
    size: str = "cpu"
    batch: int | None = None  # frames of a step, all windows together
    device: str = "cpu"
    sources: tuple[str, ...] | None = None
    name: str = "own"
    seed: int = 0
    one_stage: bool = False  # prior: one network for root and body, to compare with
    tokens: str | None = None  # gpt: weights of the tokens that it speaks
    threads: int | None = None


@dataclass(frozen=True)
class Made:
    """A corpus that was written."""

    corpus: Corpus
    summary: str

    @property
    def card(self) -> str:
        """The dataset card: what is in it, what is missing, licences and known bias."""
        from mocap_data import dataset

        return str(dataset.card(self.corpus))


# ---- training


def run(plan: Plan, say: Say) -> Path:
    """Train, or go on with what a stopped run has left, and write the weights; returns their file.

    Raises:
        BadInput: an option or the data is wrong, or the folder holds a run of another model.
        MissingSystem: the disk is full, or there is no such device.
    """
    _check(plan)
    corpus = _only(_corpus(plan, say), plan.sources)
    from motion.prior.threads import device
    from motion.prior.trainer import Settings, train

    device(plan.device)
    task, write = _RECIPES[plan.kind](plan, corpus)
    settings = Settings(plan.minutes, plan.steps, device=plan.device, threads=plan.threads)
    leads = int(os.environ.get("RANK", "0")) == 0
    path = plan.folder / weights.file_name(plan.name, plan.kind)

    def keep(so_far: Run) -> None:
        """The weights so far, so that a run can be listened to, or cut off."""
        write(so_far, _card(plan, corpus, so_far), path)

    made = train(task, plan.folder, settings, say if leads else lambda _: None, keep)
    if leads:
        card = write(made, _card(plan, corpus, made), path)
        say(f"{path}: {card.parameters / 1e6:.2f} M parameters, {made.steps} steps, {made.seconds / 60:.1f} minutes")
        say(f"licence: {card.licence}{'' if card.commercial else ' (not for commercial use)'}")
        if plan.kind == "evaluator":
            from motion.prior.evaluator import Evaluator
            from motion.prior.evaluator_task import admission, verdict

            say(verdict(admission(Evaluator.load(path, task.words), corpus)))
    return path


def _check(plan: Plan) -> None:
    if plan.kind not in _RECIPES:
        raise unknown("model to train", plan.kind, [*_RECIPES, "camera"])
    if not plan.data:
        raise BadInput(f"train {plan.kind}: no --data, expected a corpus (`cinemotion dataset`) or folders of captures")
    if plan.minutes is None and plan.steps is None:
        raise BadInput("no budget: say --minutes N, or --steps N")
    if plan.minutes is not None and not 0 < plan.minutes <= MOST_MINUTES:
        raise BadInput(f"--minutes {plan.minutes:g}, expected more than 0 and at most {MOST_MINUTES} (a month)")
    if not plan.name or not all(c.isalnum() or c in "._-" for c in plan.name):
        raise BadInput(f"--name '{plan.name}', expected letters, digits, '.', '_' and '-'")
    if plan.device != "cpu" and not plan.device.startswith("cuda"):
        raise unknown("device", plan.device, ("cpu", "cuda", "cuda:0"))
    if plan.folder.exists() and not plan.folder.is_dir():
        raise BadInput(f"{plan.folder}: is a file, expected a folder for the run")
    if plan.one_stage and plan.kind != "prior":
        raise BadInput("--one-stage is for the prior")
    if (plan.kind == "gpt") != (plan.tokens is not None):
        words = (
            "gpt needs --tokens FILE: the token weights that it speaks" if plan.kind == "gpt" else "--tokens is for gpt"
        )
        raise BadInput(words)


def _corpus(plan: Plan, say: Say) -> Corpus:
    """The corpus that was given, or one made of the folders that were, kept with the run."""
    from mocap_data import dataset
    from mocap_data.dataset_store import WORDS

    given = [Path(name) for name in plan.data]
    corpora = [folder for folder in given if (folder / WORDS).is_file()]
    if len(given) == 1 and corpora:
        return dataset.load(given[0])
    if corpora:
        raise BadInput(f"{corpora[0]}: is a corpus; give one corpus alone, or folders of captures")
    kept = plan.folder / "corpus"
    if (kept / WORDS).is_file():
        say(f"captures as read before: {kept}")
        return dataset.load(kept)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadInput("under torchrun give a corpus: make one of the folders with `cinemotion dataset` first")
    corpus = dataset.build(given, seed=plan.seed, progress=say)
    dataset.save(corpus, kept)
    say(summary(corpus))
    return corpus


def _only(corpus: Corpus, sources: tuple[str, ...] | None) -> Corpus:
    if sources is None:
        return corpus
    known = {clip.source for clip in corpus.clips}
    for source in sources:
        if source not in known:
            raise unknown("source", source, known)
    return corpus.only(sources)


def _card(plan: Plan, corpus: Corpus, made: Run) -> Card:
    used = sorted({window.clip for window in corpus.windows if window.split == "train"})
    checked = {name: float(value) for name, value in made.figures.items()}
    return Card(
        kind=plan.kind,
        name=plan.name,
        licence=weights.licence_of(corpus.clips[c].licence for c in used),
        data=tuple(_data(corpus, used)),
        knows=known.of(corpus),
        training={
            "steps": made.steps,
            "minutes": round(made.seconds / 60, 1),
            "seed": plan.seed,
            "device": plan.device,
        },
        measured={"held out, at the end of training": checked} if checked else {},
        limits=LIMITS.get(plan.kind, ()),
    )


def _data(corpus: Corpus, used: Sequence[int]) -> list[str]:
    """One line for each source: clips, hours, licence."""
    frames: Counter[tuple[str, str]] = Counter()
    clips: Counter[tuple[str, str]] = Counter()
    for c in used:
        key = (corpus.clips[c].source, corpus.clips[c].licence)
        frames[key] += int(corpus.starts[c + 1] - corpus.starts[c])
        clips[key] += 1
    return [f"{key[0]}: {clips[key]} clips, {frames[key] / FPS / 3600:.2f} h, {key[1]}" for key in sorted(frames)]


# ---- one recipe for each kind: the task, and how its weights are written

Recipe = Callable[[Plan, Corpus], tuple[Any, Callable[[Any, Card, Path], Card]]]


def _prior(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from motion.prior.model import Prior
    from motion.prior.stages import SIZES
    from motion.prior.task import PriorTask

    if plan.size not in SIZES:
        raise unknown("size", plan.size, SIZES)
    # A GPU does not wait for sentences to be encoded on the CPU: all of them are, once, before it starts.
    kept = plan.folder / "captions.safetensors"
    cache = kept if plan.device != "cpu" or kept.is_file() else None
    task = PriorTask(corpus, plan.size, seed=plan.seed, one_stage=plan.one_stage, cache=cache, **_batch(plan))

    def write(made: Any, card: Card, path: Path) -> Card:
        Prior(made.module.cpu(), corpus.rest_offsets, replace(card, config={"sizes": task.sizes})).save(path)
        return weights.card_of(path)

    return task, write


def _evaluator(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from motion.prior.evaluator import Evaluator, card_config
    from motion.prior.evaluator_task import EvaluatorTask

    _one_size(plan)
    task = EvaluatorTask(corpus, seed=plan.seed, cache=plan.folder / "captions.safetensors", **_batch(plan))

    def write(made: Any, card: Card, path: Path) -> Card:
        return Evaluator(made.module.cpu(), replace(card, config=card_config(task.size))).save(path)

    return task, write


def _inbetween(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from motion.prior.inbetween import InBetweener
    from motion.prior.inbetween_net import Config, InbetweenTask

    _one_size(plan)
    task = InbetweenTask(*_windows(corpus), Config(), seed=plan.seed, **_batch(plan))

    def write(made: Any, card: Card, path: Path) -> Card:
        return InBetweener(made.module.cpu(), replace(card, config=asdict(Config()))).save(path)

    return task, write


def _tokens(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from motion.prior.vqvae import Tokenizer
    from motion.prior.vqvae_net import Config, TokenTask

    _one_size(plan)
    task = TokenTask(*_windows(corpus), Config(), seed=plan.seed, **_batch(plan))

    def write(made: Any, card: Card, path: Path) -> Card:
        return Tokenizer(made.module.cpu(), replace(card, config=asdict(Config()))).save(path)

    return task, write


def _gpt(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from motion.prior.gpt import MotionGPT
    from motion.prior.gpt_task import GptTask
    from motion.prior.vqvae import Tokenizer
    from motion.prior.words import Words

    _one_size(plan)
    if plan.batch is not None:
        raise BadInput("--batch: gpt has rows of tokens, not frames; leave it out")
    assert plan.tokens is not None
    tokenizer = Tokenizer.load(plan.tokens)
    train, held = _windows(corpus)
    words = Words(bf16=True)
    task = GptTask(train, tokenizer, held, seed=plan.seed, words=words, cache=plan.folder)

    def write(made: Any, card: Card, path: Path) -> Card:
        return MotionGPT(made.module.cpu(), tokenizer, card).save(path)

    return task, write


def _calibrator(plan: Plan, corpus: Corpus) -> tuple[Any, Callable[[Any, Card, Path], Card]]:
    from physics.calibrator.calibrate import Calibrator
    from physics.calibrator.captures import grounded
    from physics.calibrator.network import Config
    from physics.calibrator.task import CalibratorTask

    _one_size(plan)
    standing = _windows(grounded(corpus, plan.folder / "grounded.npz"))[0]
    task = CalibratorTask(*_windows(corpus), Config(), standing=standing, seed=plan.seed, **_batch(plan))

    def write(made: Any, card: Card, path: Path) -> Card:
        return Calibrator(made.module.cpu(), replace(card, knows={}, config=Config().as_dict())).save(path)

    return task, write


_RECIPES: dict[str, Recipe] = {
    "prior": _prior,
    "evaluator": _evaluator,
    "inbetween": _inbetween,
    "tokens": _tokens,
    "gpt": _gpt,
    "calibrator": _calibrator,
}


def _windows(corpus: Corpus) -> tuple[Any, Any]:
    """Windows to learn from and to measure on."""
    from motion.prior.batches import Windows

    held = any(window.split != "train" for window in corpus.windows)
    return Windows(corpus, ("train",)), Windows(corpus, ("blocks", "combinations")) if held else None


def _batch(plan: Plan) -> dict[str, Any]:
    """The size of a step, where it was given."""
    return {} if plan.batch is None else {"frames_per_batch": plan.batch}


def _one_size(plan: Plan) -> None:
    if plan.size != "cpu":
        raise BadInput(f"--size {plan.size}: only the prior comes in sizes; leave it out")


# ---- corpora


def make_corpus(folders: Sequence[Path], out: Path, seed: int, *, quiet: bool = False, say: Say | None = None) -> Made:
    """Build a corpus from folders of captures and write it.

    Raises:
        BadInput: a folder is missing, nothing in them can be used, or the corpus cannot be written there.
    """
    from mocap_data import dataset

    tell = say or (lambda line: None)
    corpus = dataset.build(list(folders), seed=seed, progress=None if quiet else tell)
    dataset.save(corpus, out)
    return Made(corpus, summary(corpus))


def summary(corpus: Corpus) -> str:
    """A corpus in one line."""
    hours = float(corpus.good.sum()) / FPS / 3600
    refused = corpus.notes.get("refused")
    broken = len(refused) if isinstance(refused, dict) else 0
    windows = ", ".join(f"{len(corpus.split(name)):,} {name}" for name in SPLITS)
    skipped = f"; {broken} files could not be used" if broken else ""
    return f"{len(corpus.clips):,} clips, {hours:.2f} h of sound motion; windows: {windows}{skipped}"
