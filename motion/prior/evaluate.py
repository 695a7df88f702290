"""The bench of learned motion: every row of the table, measured by our own evaluator and by geometry.

    report = run(Models.found(), corpus)     # corpus None: rows and tables that need captures say so and are left out
    print(report.text())

Retrieval and foot lock are off everywhere. Intervals are 95 %: bootstrap over captures (windows of one capture are
drawn together); for shares of prompts Wilson's, and beside it a bootstrap over prompts. These figures are not
comparable with published HumanML3D figures: another evaluator, other data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from motion.clip import Clip
from motion.corpus import Corpus
from motion.errors import BadInput
from motion.prior import (
    evaluate_copy,
    evaluate_goals,
    evaluate_rows,
    evaluate_set,
    evaluate_tables,
    evaluator_task,
    metrics,
    metrics_sets,
    threads,
)
from motion.prior.batches import Windows
from motion.prior.evaluate_models import Models
from motion.prior.evaluate_set import Row, TestSet
from motion.prior.evaluate_tables import Table
from motion.prior.evaluator import Evaluator
from motion.prior.metrics import Estimate
from motion.prior.said import true_of

Say = Callable[[str], None]
HELD_OUT = ("blocks", "combinations")
NEEDS_CAPTURES = "needs the captures: build the corpus with `cinemotion dataset` and hand its folder in"
#: Columns of the main table, and how each is printed.
COLUMNS: dict[str, str] = {
    "R@1": ".2f", "R@2": ".2f", "R@3": ".2f", "R@3 all": ".2f", "KID": ".3f", "KID/Real": ".1f", "FID": ".3f",
    "MM": ".3f", "Div": ".3f", "MModal": ".3f", "copy": ".0%", "skate": ".1%", "contact": ".0%", "pen mm": ".1f",
    "float mm": ".1f", "jerk": ".0f", "jerk/data": ".2f",
}  # fmt: skip


@dataclass
class Report:
    """All that was measured."""

    scores: dict[str, dict[str, dict[str, Estimate]]] = field(default_factory=dict)  # split: row: column
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def text(self) -> str:
        """For people."""
        parts = []
        for split, rows in self.scores.items():
            table = Table(f"held-out {split}", tuple(COLUMNS), {}, dict(COLUMNS))
            table.rows.update(rows)
            parts.append(table.text())
        parts += [table.text() for table in self.tables]
        notes = [*self.notes, f"measured in {self.seconds / 60:.1f} minutes"]
        return "\n\n".join(part for part in (*parts, "\n".join(notes), evaluate_goals.told(self)) if part)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: split or table, row, column, then value, low, high, count; null where there is no such figure."""

        def numbers(e: Estimate) -> list[float | None]:
            return [*(v if isfinite(v) else None for v in (e.value, e.low, e.high)), e.count]

        def plain(rows: dict[str, dict[str, Estimate]]) -> dict[str, Any]:
            return {r: {c: numbers(e) for c, e in cells.items()} for r, cells in rows.items()}

        return {
            "scores": {split: plain(rows) for split, rows in self.scores.items()},
            "tables": {table.title: plain(table.rows) for table in self.tables},
            "goals": [asdict(line) for line in evaluate_goals.lines(self)],
            "notes": self.notes,
            "seconds": self.seconds,
        }


# ---- the test sets


def build(evaluator: Evaluator, corpus: Corpus, say: Say = lambda _: None, seed: int = 0) -> list[TestSet]:
    """Test sets of both splits with the rows that are made of captures: Real, mean motion, retrieval."""
    windows = Windows(corpus, ("train", *HELD_OUT))
    training = evaluate_copy.TrainingMotion.of(corpus)
    sets = []
    for split in HELD_OUT:
        other, judged = evaluate_set.choose(corpus, split, seed)
        items = [evaluate_set.item_of(corpus, w) for w in judged]
        say(f"{split}: {len(items)} windows to judge, {len(other)} for reference")
        test = TestSet(split, items, evaluator.windows(windows, other), [corpus.clips[w.clip].name for w in other])
        found = evaluate_copy.retrieve(corpus, items, evaluator.words, seed=seed)
        means = {n: evaluate_set.mean_clip(windows, n, seed) for n in sorted({i.frames for i in items})}
        made = {
            "Real": evaluate_set.clips_of(windows, judged),
            "mean motion": [means[i.frames] for i in items],
            "retrieval from train": evaluate_set.clips_of(windows, found),
        }
        say(f"{split}: distances to training motion")
        held = evaluate_set.clips_of(windows, other)
        far = evaluate_copy.distances(training, {"held": held, **made})
        frames = np.array([c.frames for c in held])
        test.bounds = {int(n): metrics.copy_bound(far["held"][frames == n]) for n in np.unique(frames)}
        asked = np.array([i.frames for i in items])
        for name, clips in made.items():
            test.rows[name] = evaluate_set.row(evaluator, clips, test.valid)
            test.rows[name].copied = evaluate_copy.over_bound(far[name], asked, test.bounds)
        sets.append(test)
    return sets


# ---- scores


def score(test: TestSet, row: Row, evaluator: Evaluator, shuffle: bool = False, seed: int = 0) -> dict[str, Estimate]:
    """One row of the main table.

    Args:
        test: the split, with its Real row.
        row: what was measured of the model's answers.
        evaluator: embeds the captions.
        shuffle: give every motion another one's caption.
        seed: of galleries and resamples.
    """
    items, groups = test.items, test.groups
    words = evaluator.text([i.text for i in items])
    same = true_of([i.label for i in items], [i.truth for i in items]) | np.eye(len(items), dtype=bool)
    if shuffle:
        order = np.random.default_rng([seed, 53]).permutation(len(items))
        words, same = words[order], same[order][:, order]
    motion, real = row.embeddings, test.rows["Real"]
    others = np.array(test.reference_clips)
    hits = metrics.r_precision(words, motion, same, seed=seed)
    whole = metrics.r_precision(words, motion, same, gallery=None)
    out = {f"R@{k + 1}": metrics.bootstrap(hits[:, k], groups=groups) for k in range(3)}
    out["R@3 all"] = metrics.bootstrap(whole[:, 2], groups=groups)
    if not shuffle:
        own = metrics.r_precision(words, real.embeddings, same, seed=seed)
        out["R@3/Real"] = metrics.bootstrap_ratio(hits[:, 2], own[:, 2], paired=True, groups=groups)
    out["KID"] = metrics_sets.kid(test.reference, motion, made_groups=groups, real_groups=others)
    floor = metrics_sets.kid(test.reference, real.embeddings, unbiased=False, rounds=2).value
    biased = metrics_sets.kid(test.reference, motion, unbiased=False, made_groups=groups, real_groups=others)
    out["KID/Real"] = Estimate(biased.value / floor, biased.low / floor, biased.high / floor, biased.count)
    out["FID"] = metrics_sets.fid_estimate(test.reference, motion, made_groups=groups, real_groups=others)
    out["MM"] = metrics.bootstrap(metrics.mm_distance(words, motion), groups=groups)
    out["Div"] = metrics_sets.diversity_estimate(motion, groups=groups)
    if row.copied is not None:
        out["copy"] = metrics.bootstrap((row.copied < 1.0).astype(float), groups=groups)
    figures = dict(zip(evaluate_set.FIGURES, row.figures.T, strict=True))
    for name, column in (("skate", "skate"), ("contact", "contact"), ("pen mm", "penetration"), ("float mm", "float")):
        out[name] = metrics.bootstrap(figures[column], groups=groups)
    out["jerk"] = metrics.bootstrap(figures["jerk"], groups=groups)
    data = dict(zip(evaluate_set.FIGURES, real.figures.T, strict=True))
    out["skate-data"] = metrics.bootstrap(figures["skate"] - data["skate"], groups=groups)
    for name, column in (("contact/Real", "contact"), ("jerk/data", "jerk")):
        out[name] = metrics.bootstrap_ratio(figures[column], data[column], paired=True, groups=groups)
    return out


def sides(evaluator: Evaluator, sets: Sequence[TestSet]) -> str:
    """How often the evaluator prefers a capture's caption over the same with left and right exchanged, in one line."""
    seen = {test.split: evaluate_set.prefers_sides(evaluator, test) for test in sets if "Real" in test.rows}
    name = f"evaluator: {evaluator.card.label}"
    if any(share.count for share in seen.values()):
        return f"{name}; captures of the cached test set: {evaluator_task.verdict(seen)}"
    known = evaluator.card.measured.get("side preference", {})
    told_ = {split: Estimate(*value) for split, value in known.items() if split != "all"}
    return f"{name}; from its card, not measured here: {evaluator_task.verdict(told_)}"


# ---- the whole bench


def run(
    models: Models,
    corpus: Corpus | None = None,
    *,
    parts: Iterable[str] = ("rows", "keys", "gaps", "seams", "prompts", "speed"),
    say: Say = lambda _: None,
    sets: Sequence[TestSet] | None = None,
    steps: int = 8,
    guidance: float = 2.5,
) -> Report:
    """Measure everything that there are weights and data for.

    Args:
        models: what is judged.
        corpus: captures; None: the cached test set is used, and what needs poses is left out and said.
        parts: which parts of the bench.
        say: hears of progress.
        sets: test sets that were built before; None: the cached ones.
        steps: network evaluations of each stage of the prior.
        guidance: how much words count.

    Raises:
        BadInput: an unknown part, or the cached test set is missing.
    """
    wanted = tuple(parts)
    for part in wanted:
        if part not in evaluate_tables.PARTS:
            raise BadInput(f"bench motion: part '{part}', expected some of {', '.join(evaluate_tables.PARTS)}")
    began = time.monotonic()
    evaluator = models.evaluator
    test_sets = list(sets) if sets is not None else evaluate_set.load(evaluator)
    report = Report(notes=[*models.said(), sides(evaluator, test_sets)])
    windows, training = None, None
    if corpus is None:
        report.notes.append(f"keys, gaps, paths and copy rates of models: left out ({NEEDS_CAPTURES})")
    else:
        windows = Windows(corpus, ("train", *HELD_OUT))
        training = evaluate_copy.TrainingMotion.of(corpus) if "rows" in wanted else None
    for test in test_sets if {"rows", "keys", "gaps"} & set(wanted) else ():
        real = None if windows is None else evaluate_set.real_clips(windows, test.items)
        if "rows" in wanted:
            report.scores[test.split] = _rows(models, test, training, real, say, steps, guidance)
        if real is not None and "keys" in wanted:
            report.tables.append(evaluate_tables.keys(models, test, real, say))
        if windows is not None and "gaps" in wanted:
            report.tables.append(evaluate_tables.gaps(models, windows, test.split, say))
    if models.prior is not None:
        if "seams" in wanted:
            report.tables.append(evaluate_tables.seams(models.prior, say))
        if "prompts" in wanted:
            report.tables.append(evaluate_tables.prompts_table(models, report.notes, say))
    if "speed" in wanted and (models.prior is not None or models.streamer is not None):
        say("speed")
        report.tables.append(evaluate_tables.speed(models))
        report.notes.append(
            f"speed: measured on {threads.cores()} cores at a load of {threads.load():.1f}, this bench's own included; "
            "a load above the cores makes every time too long"
        )
    report.seconds = time.monotonic() - began
    return report


def _rows(
    models: Models, test: TestSet, training: evaluate_copy.TrainingMotion | None, real: list[Clip] | None, say: Say,
    steps: int, guidance: float,
) -> dict[str, dict[str, Estimate]]:  # fmt: skip
    """The main table of one split."""
    evaluator, items = models.evaluator, test.items
    made: dict[str, list[Clip]] = {}
    prior = models.prior
    if prior is not None:
        roads: dict[str, dict[str, Any]] = {
            "prior": {},
            "prior, words only": {"use_plan": False},
            "prior, plan only": {"use_words": False},
        }
        if real is not None:
            roads["prior + keys"] = {"constraints": evaluate_rows.keyed(items, real)}
        for name, more in roads.items():
            say(f"{test.split}: {name}")
            made[name] = evaluate_rows.sampled(prior, items, steps=steps, guidance=guidance, **more)
    if models.inbetween is not None and real is not None:
        made["in-betweener, keys"] = evaluate_rows.filled(models.inbetween, items, real)
    if models.streamer is not None:
        say(f"{test.split}: token GPT")
        streamed = evaluate_rows.streamed(models.streamer, items)
        # Words that are refused get a motion that is wrong for every caption, not a missing row.
        rest = next((c for c in streamed if c is not None), None)
        if rest is not None:
            made["token GPT"] = [c if c is not None else _standing(rest, i.frames) for c, i in zip(streamed, items)]
    if real is not None:
        made["interpolation, keys"] = evaluate_rows.lerped(items, real)
        made["zero velocity, keys"] = evaluate_rows.lerped(items, real, still=True)
    rows = dict(test.rows)
    for name, clips in made.items():
        rows[name] = evaluate_set.row(evaluator, clips, test.valid)
    if training is not None and test.bounds:
        say(f"{test.split}: distances to training motion")
        asked = np.array([i.frames for i in items])
        for name, far in evaluate_copy.distances(training, made).items():
            rows[name].copied = evaluate_copy.over_bound(far, asked, test.bounds)
    scores: dict[str, dict[str, Estimate]] = {}
    for name, row in rows.items():
        scores[name] = score(test, row, evaluator)
        if name == "Real":
            scores["Real, captions shuffled"] = score(test, row, evaluator, shuffle=True)
    if prior is not None:
        scores["prior"]["MModal"] = _multimodality(models, test, steps, guidance)
    return scores


def _standing(like: Clip, frames: int) -> Clip:
    """Nobody moves: T-pose on the spot."""
    turns = np.zeros((frames, 24, 4))
    turns[..., 3] = 1.0
    return Clip(turns, np.tile(like.rest_offsets[0], (frames, 1)), like.rest_offsets, like.fps)


def _multimodality(
    models: Models, test: TestSet, steps: int, guidance: float, count: int = 16, seeds: int = 6
) -> Estimate:
    """Distance between samples for one caption, over the first captions of two seconds."""
    items = [i for i in test.items if i.frames == 60][:count]
    rows = [
        models.evaluator.clips(
            evaluate_rows.sampled(models.prior, items, seed=seed + 1, steps=steps, guidance=guidance)
        )
        for seed in range(seeds)
    ]
    return metrics.bootstrap(metrics_sets.multimodality(np.stack(rows, axis=1)))
