"""The smaller tables of the bench: keys and paths, gaps, seams, frozen prompts, speed; and how tables are printed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from motion import edit
from motion.clip import Clip
from motion.corpus import Label, Window
from motion.errors import BadInput
from motion.prior import constrain, evaluate_rows, evaluate_set, metrics, metrics_gap, metrics_motion, prompts, threads
from motion.prior.batches import Windows
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.evaluate_set import Item, TestSet
from motion.prior.metrics import Estimate

if TYPE_CHECKING:
    from motion.prior.evaluate import Models

PARTS: tuple[str, ...] = ("rows", "keys", "gaps", "seams", "prompts", "speed")
Say = Callable[[str], None]
#: Titles, columns and rows by which `motion.prior.evaluate_goals` finds its figures.
KEYS, SEAMS, PROMPTS = "5 keys in 6 s", "seams of long clips", "frozen prompts"
SIDED, SIDED_PROMPTS = "side, direction, hands", "the same, over prompts"
FROM_WORDS, AT_ONCE, FROM_SHELL = "10 s from words", "first frame of a stream", "shell to a file of 5 s"
#: What stands where nothing was measured.
NOTHING = "–"
#: Frames of the windows that keys and paths are measured on: 5 keys in 6 s.
KEYED = 180
#: Windows of each split that gaps are measured on.
GAP_WINDOWS = 96
#: Training windows behind the unit of L2P, LAFAN1's length.
SCALE_WINDOWS, SCALE_FRAMES = 800, 50
#: What is composed for the seams: long enough for several windows.
LONG: tuple[tuple[str, float], ...] = (
    ("walks forward", 14.0),
    ("walks forward, then waves with the right hand", 12.0),
    ("runs forward, then walks", 12.0),
    ("walks and turns left, then raises the left hand", 12.0),
    ("waves with both hands, then walks backward", 12.0),
    ("a tired person walks forward, then bows", 12.0),
    ("dances salsa", 14.0),
    ("raises the right hand, then walks forward and turns right", 12.0),
)


@dataclass
class Table:
    """Rows of estimates under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)  # format of each column; ".3f" where none is said

    def text(self) -> str:
        """Aligned for a terminal: the value, and its interval under it where there is one."""
        head = [self.title, *self.columns]
        lines = [head]
        for name, cells in self.rows.items():
            above, below = [name], [""]
            for column in self.columns:
                form = self.forms.get(column, ".3f")
                e = cells.get(column)
                known = e is not None and np.isfinite(e.value)
                above.append(format(e.value, form) if known and e is not None else NOTHING)
                interval = known and e is not None and np.isfinite(e.low)
                below.append(f"{_bare(e.low, form)}…{_bare(e.high, form)}" if interval and e is not None else "")
            lines += [above, below] if any(below) else [above]
        return aligned(lines)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Cells in columns, the first to the left and the others to the right."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if k == 0 else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths))).rstrip()
        for line in lines
    )


def _bare(value: float, form: str) -> str:
    return format(value, form).rstrip("%") if form.endswith("%") else format(value, form)


# ---- keys and paths


def keys(models: Models, test: TestSet, real: Sequence[Clip], say: Say) -> Table:
    """5 keys in 6 s, and a drawn path: errors by FK of the finished clip, raw, and jerk near keys over the data's."""
    table = Table(
        f"{KEYS}, {test.split}", ("key cm", "path cm", "jerk at keys/data", "inside jerk/data", "skate"),
        forms={"key cm": ".1f", "path cm": ".1f", "jerk at keys/data": ".2f", "inside jerk/data": ".2f",
               "skate": ".1%"},
    )  # fmt: skip
    chosen = [i for i, item in enumerate(test.items) if item.frames == KEYED]
    items, truth = [test.items[i] for i in chosen], [real[i] for i in chosen]
    if not items:
        return table
    at = evaluate_rows.key_frames(KEYED)
    answers: dict[str, list[Clip]] = {"Real": list(truth)}
    if models.prior is not None:
        say(f"{test.split}: keys and paths")
        asked = evaluate_rows.keyed(items, truth)
        answers["prior, words + keys"] = evaluate_rows.sampled(models.prior, items, constraints=asked)
        mute = [_wordless(item) for item in items]
        answers["prior, keys alone"] = evaluate_rows.sampled(models.prior, mute, constraints=asked)
        paths = [_path_of(clip) for clip in truth]
        answers["prior, words + path"] = evaluate_rows.sampled(models.prior, items, constraints=paths)
    if models.inbetween is not None:
        answers["in-betweener"] = evaluate_rows.filled(models.inbetween, items, truth)
    answers["interpolation"] = evaluate_rows.lerped(items, truth)
    answers["zero velocity"] = evaluate_rows.lerped(items, truth, still=True)
    for name, clips in answers.items():
        table.rows[name] = _keys_row(items, truth, clips, at, with_path=name.endswith("path"))
    return table


def _keys_row(
    items: Sequence[Item], truth: Sequence[Clip], clips: Sequence[Clip], at: np.ndarray, with_path: bool
) -> dict[str, Estimate]:
    cells: dict[str, list[float]] = {n: [] for n in ("key", "path", "near", "near real", "in", "in real", "skate")}
    near = metrics_motion.near(KEYED, at)
    for item, real, clip in zip(items, truth, clips, strict=True):
        valid = np.array(item.valid)
        made, there = (c.positions()[:, :JOINTS] for c in (clip, real))
        cells["key"].append(100 * metrics_motion.key_error(made[at], there[at], valid))
        cells["path"].append(100 * metrics_motion.path_error(smooth_path(clip), smooth_path(real))[0])
        for who, points in (("", made), (" real", there)):
            jerk = metrics_motion.jerk(points, 30, valid)
            cells["near" + who].append(float(jerk[near].mean()))
            cells["in" + who].append(float(jerk[~near].mean()))
        cells["skate"].append(float(evaluate_set.figures(clip, valid)[0]))
    groups = np.array([item.clip for item in items])
    out = {"skate": metrics.bootstrap(np.array(cells["skate"]), groups=groups)}
    if with_path:
        out["path cm"] = metrics.bootstrap(np.array(cells["path"]), groups=groups)
    else:
        out["key cm"] = metrics.bootstrap(np.array(cells["key"]), groups=groups)
    for column, name in (("jerk at keys/data", "near"), ("inside jerk/data", "in")):
        a, b = np.array(cells[name]), np.array(cells[name + " real"])
        out[column] = metrics.bootstrap_ratio(a, b, paired=True, groups=groups)
    return out


def smooth_path(clip: Clip) -> np.ndarray:
    """The smoothed root over the floor ``(T, 2)``, as the models mean it."""
    from motion.prior import features

    return features.of_clip(clip).path.double().numpy()


def _path_of(clip: Clip) -> Constraints:
    """A drawn path, timed, and nothing else."""
    into = Constraints.none(clip.frames)
    constrain.follow(into, np.arange(clip.frames), smooth_path(clip))
    return into


def _wordless(item: Item) -> Item:
    return replace(item, text="", plan=Label())


# ---- gaps


def position_scale(windows: Windows, seed: int = 0) -> metrics_gap.PositionScale:
    """LAFAN1's normalisation on our training windows: 50 frames, centred on their mean, facing +Z at the last past
    frame."""
    rng = np.random.default_rng([seed, 54])
    pool = [w for w in windows.windows if w.split == "train" and w.frames >= 60 and not w.mirror]
    chosen = [pool[i] for i in rng.choice(len(pool), min(SCALE_WINDOWS, len(pool)), replace=False)]
    cut = [Window(w.clip, w.start, SCALE_FRAMES, "train", w.label) for w in chosen]
    rows = []
    for clip in evaluate_set.clips_of(windows, cut):
        yaw = float(edit.heading(constrain.pick(clip, np.array([metrics_gap.PAST - 1])))[0])
        middle = clip.root_position.mean(0)
        rows.append(metrics_motion.align(clip.positions()[:, :JOINTS], yaw, middle))
    return metrics_gap.PositionScale.of(np.stack(rows))


def gaps(models: Models, windows: Windows, split: str, say: Say, seed: int = 0) -> Table:
    """LAFAN1's L2P, L2Q and NPSS at gaps of 5, 15, 30 and 45 frames, and L2P and L2Q over interpolation's."""
    columns = tuple(f"{name} {gap}" for gap in metrics_gap.GAPS for name in ("L2P", "ratio", "L2Q", "NPSS"))
    forms = {c: ".2f" if c.startswith(("L2P", "ratio", "L2Q")) else ".4f" for c in columns}
    table = Table(f"gaps, {split}", columns, forms=forms)
    longest = metrics_gap.PAST + max(metrics_gap.GAPS) + 1
    rng = np.random.default_rng([seed, 55])
    pool = [w for w in windows.windows if w.split == split and w.frames in (90, 120)]
    turn: dict[int, int] = {}
    order: list[tuple[int, int, Window]] = []
    for i in rng.permutation(len(pool)):
        turn[pool[i].clip] = turn.get(pool[i].clip, 0) + 1
        order.append((turn[pool[i].clip], len(order), pool[i]))
    chosen = [w for _, _, w in sorted(order, key=lambda r: r[:2])[:GAP_WINDOWS]]
    if not chosen:
        return table
    full = evaluate_set.clips_of(windows, chosen)
    real = [constrain.pick(clip, np.arange(longest)) for clip in full]
    valid = windows.corpus.valid[[w.clip for w in chosen], :JOINTS]
    groups = np.array([w.clip for w in chosen])
    scale = position_scale(windows)
    start = metrics_gap.PAST - 1
    for gap in metrics_gap.GAPS:
        say(f"{split}: gaps of {gap} frames")
        stop = metrics_gap.PAST + gap
        made: dict[str, list[Clip]] = {
            "interpolation": evaluate_rows.gap_of(metrics_gap.interpolate, real, start, stop),
            "zero velocity": evaluate_rows.gap_of(metrics_gap.hold, real, start, stop),
        }
        if models.inbetween is not None:
            made["in-betweener"] = evaluate_rows.gap_of_filler(models.inbetween, real, start, stop)
        if models.prior is not None:
            made["prior, no words"] = evaluate_rows.gap_of_prior(models.prior, real, start, stop, valid)
        inside = np.s_[:, metrics_gap.PAST : stop]
        true_q, true_p = (v[inside] for v in evaluate_rows.aligned_world(real, start, real))
        base: dict[str, np.ndarray] = {}
        for name, clips in made.items():
            q, p = (v[inside] for v in evaluate_rows.aligned_world(clips, start, real))
            l2p, l2q = metrics_gap.l2p(p, true_p, scale, valid), metrics_gap.l2q(q, true_q, valid)
            base.setdefault("L2P", l2p)
            cells = table.rows.setdefault(name, {})
            cells[f"L2P {gap}"] = metrics.bootstrap(l2p, groups=groups)
            cells[f"L2Q {gap}"] = metrics.bootstrap(l2q, groups=groups)
            cells[f"ratio {gap}"] = metrics.bootstrap_ratio(l2p, base["L2P"], paired=True, groups=groups)
            above, below = metrics_gap.npss_parts(q, true_q, valid)
            cells[f"NPSS {gap}"] = metrics.bootstrap_ratio(above, below, paired=True, groups=groups)
    return table


# ---- seams, prompts, speed


def seams(prior: Any, say: Say) -> Table:
    """Jerk where windows meet over jerk inside, of long clips from words."""
    from motion.prior.generate import generate

    table = Table(SEAMS, ("seam m/s³", "inside m/s³", "seam/inside"), forms={
        "seam m/s³": ".0f", "inside m/s³": ".0f", "seam/inside": ".2f"})  # fmt: skip
    at, inside, ratio = [], [], []
    for text, seconds in LONG:
        say(f"seams: {text}")
        [result] = generate(text, seconds=seconds, seed=0, retrieval="off", anyway=True, model=prior)
        at += [s.jerk for s in result.report.seams]
        ratio += [s.ratio for s in result.report.seams]
        inside += [s.jerk / s.ratio for s in result.report.seams if s.ratio > 0]
    cells = {"seam m/s³": at, "inside m/s³": inside, "seam/inside": ratio}
    table.rows["prior"] = {name: metrics.bootstrap(np.array(values)) for name, values in cells.items()}
    return table


def judge_prompts(
    sample: Callable[[prompts.Prompt, int], Sequence[Clip]], seeds: int = prompts.SEEDS
) -> tuple[prompts.Score, list[str]]:
    """Judge the frozen list.

    Args:
        sample: a prompt and how many seeds from 0 on, to the first sample of each. `BadInput` counts as wrong for all.
        seeds: how many.

    Returns:
        the score, and what was refused.
    """
    verdicts, refused = [], []
    for prompt in prompts.prompts():
        try:
            seen = [prompts.judge(prompt, clip) for clip in sample(prompt, seeds)]
        except BadInput as error:
            refused.append(f"{prompt.text}: {error}")
            wrong = prompts.Verdict((False,) * len(prompt.checks), False, False)
            seen = [wrong] * seeds
        verdicts.append((prompt, seen))
    return prompts.score(verdicts), refused


def prompt_roads(models: Models) -> dict[str, Callable[[prompts.Prompt, int], Sequence[Clip]]]:
    """Each way from words to motion, retrieval off."""
    from itertools import islice

    from motion.prior.generate import generate
    from motion.prior.request import WindowRequest

    def whole(prompt: prompts.Prompt, seeds: int) -> list[Clip]:
        results = generate(
            prompt.text, seconds=prompt.seconds, seed=0, variations=seeds, retrieval="off", model=models.prior
        )
        return [result.clip for result in results]

    def words_only(prompt: prompts.Prompt, seeds: int) -> list[Clip]:
        frames = round(30 * prompt.seconds)
        none = Constraints.none(frames)
        requests = [WindowRequest(frames, none, prompt.text, seed=k) for k in range(seeds)]
        clips: list[Clip] = models.prior.sample(requests, use_plan=False)
        return clips

    def streamed(prompt: prompts.Prompt, seeds: int) -> list[Clip]:
        frames = round(30 * prompt.seconds)
        return [models.streamer.collect(islice(models.streamer.stream(prompt.text, k), frames)) for k in range(seeds)]

    roads: dict[str, Callable[[prompts.Prompt, int], Sequence[Clip]]] = {}
    if models.prior is not None:
        roads["prior (words and plan)"] = whole
        roads["prior, words only, one window"] = words_only
    if models.streamer is not None:
        roads["token GPT"] = streamed
    return roads


def prompts_table(models: Models, notes: list[str], say: Say) -> Table:
    """The frozen prompts, 8 seeds each, first samples: shares that geometry calls right."""
    table = Table(PROMPTS, (), {})
    for name, sample in prompt_roads(models).items():
        say(f"prompts: {name}")
        score, refused = judge_prompts(sample)
        cells = {
            SIDED: score.sided, SIDED_PROMPTS: score.sided_prompts,
            "all that is asked": score.whole, "all, over prompts": score.whole_prompts, **score.kinds,
        }  # fmt: skip
        table.columns = tuple(dict.fromkeys([*table.columns, *cells]))
        table.rows[name] = cells
        notes += [f"{name}: refused {line}" for line in refused]
        worst = "; ".join(f"{text} {share:.0%}" for text, share in score.worst[:12])
        notes.append(f"{name}: prompts least often right: {worst}")
    if table.rows:
        notes.append(
            f"{PROMPTS}: intervals are Wilson's, which takes every seed of a prompt for a new case; over prompts: "
            "bootstrap intervals that draw whole prompts, the wider and the honest ones"
        )
    table.forms = dict.fromkeys(table.columns, ".0%")
    return table


def speed(models: Models, rounds: int = 5) -> Table:
    """Time to make 10 s of motion from words, and to the first frame of a stream, with loaded weights."""
    from motion.prior.generate import generate

    count = threads.used()
    table = Table(
        f"speed, {count} thread{'s' if count > 1 else ''}", ("median s", "best s"),
        forms={"median s": ".3f", "best s": ".3f"},
    )  # fmt: skip

    def words(seed: int) -> None:
        text = "a person walks forward, then waves"
        generate(text, seconds=10.0, seed=seed, retrieval="off", anyway=True, model=models.prior)

    if models.prior is not None:
        table.rows[FROM_WORDS] = timed(words, rounds)
    if models.streamer is not None:
        table.rows[AT_ONCE] = timed(lambda seed: next(models.streamer.stream("walks forward", seed)), 4 * rounds)
    return table


def timed(make: Callable[[int], object], rounds: int, warm: bool = True) -> dict[str, Estimate]:
    """Median and best time of several rounds, seconds; each is handed its number.

    Args:
        make: what is timed.
        rounds: how often.
        warm: once before that uncounted: what is loaded when first used is loaded then.
    """
    taken = []
    for number in range(rounds + warm):
        began = time.perf_counter()
        make(number)
        taken.append(time.perf_counter() - began)
    counted = taken[int(warm) :]
    return {
        name: Estimate(float(value), np.nan, np.nan, rounds)
        for name, value in (("median s", np.median(counted)), ("best s", min(counted)))
    }
