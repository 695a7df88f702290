"""What motion models are judged on: held-out windows in two halves, and what is known of them without the captures.

`TestSet.build` needs a corpus; `save` and `load` keep embeddings and figures, captions and labels, but no motion.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from motion import contacts, text
from motion.clip import Clip
from motion.corpus import Corpus, Label, Window
from motion.errors import BadInput
from motion.files import whole
from motion.prior import features, metrics_motion
from motion.prior.batches import Windows
from motion.prior.constraints import JOINTS
from motion.prior.evaluator import Evaluator
from motion.prior.evaluator_task import fullest
from motion.prior.metrics import Estimate, proportion
from motion.prior.said import said, swap_sides

FILE = Path(__file__).resolve().parent.parent / "assets" / "bench_motion.safetensors"
#: Windows that are judged in each split, by length in frames; as many again are the reference of KID and FID.
COUNTS: dict[int, int] = {60: 128, 120: 64, 180: 48}
#: Figures of one motion, in the order of `figures`.
FIGURES: tuple[str, ...] = ("skate", "contact", "penetration", "float", "jerk")


@dataclass(frozen=True)
class Item:
    """One thing that is asked of every model: a caption that is true of a captured window."""

    text: str
    label: Label  # what the caption says of the window
    plan: Label  # what `motion.text.plan` reads in the caption: what a user's words come to
    truth: Label  # all that is known of the window
    frames: int
    clip: str  # of the window; windows of one clip belong together
    start: int
    valid: tuple[bool, ...]  # (22,)


@dataclass
class Row:
    """What is measured of one model's answers to all items."""

    embeddings: np.ndarray  # (N, D)
    figures: np.ndarray  # (N, len(FIGURES))
    copied: np.ndarray | None = None  # (N,) distance to training motion over the bound of that length


@dataclass
class TestSet:
    """One split."""

    split: str
    items: list[Item]
    reference: np.ndarray  # (M, D) embeddings of the other half
    reference_clips: list[str]  # (M,)
    rows: dict[str, Row] = field(default_factory=dict)  # of the captures themselves, and of baselines made of them
    bounds: dict[int, float] = field(default_factory=dict)  # `metrics.copy_bound` of each length, metres

    @property
    def groups(self) -> np.ndarray:
        """``(N,)`` the clip of each item."""
        return np.array([item.clip for item in self.items])

    @property
    def valid(self) -> np.ndarray:
        """``(N, 22)`` bool."""
        return np.array([item.valid for item in self.items], dtype=bool)


def choose(corpus: Corpus, split: str, seed: int = 0) -> tuple[list[Window], list[Window]]:
    """Reference and judged windows of a split: no clip is in both, every clip comes once before any comes twice."""
    rng = np.random.default_rng([seed, 50])
    pool = [w for w in corpus.windows if w.split == split and w.captions and w.label.verb]
    clips = sorted({w.clip for w in pool}, key=lambda c: (corpus.clips[c].label.verb, rng.random()))
    halves: tuple[list[Window], list[Window]] = ([], [])
    for half, chosen in enumerate(halves):
        mine = set(clips[half::2])
        for length, count in COUNTS.items():
            at = [w for w in pool if w.clip in mine and w.frames == length]
            order = rng.permutation(len(at))
            turn: dict[int, int] = {}
            ranked: list[tuple[int, int, Window]] = []
            for i in order:
                turn[at[i].clip] = turn.get(at[i].clip, 0) + 1
                ranked.append((turn[at[i].clip], len(ranked), at[i]))
            chosen += [w for _, _, w in sorted(ranked, key=lambda r: r[:2])[:count]]
    return halves


def item_of(corpus: Corpus, window: Window) -> Item:
    """What is asked: the window's fullest caption, and what it means to people and to the plan."""
    caption = fullest(window)
    info = corpus.clips[window.clip]
    return Item(
        text=caption, label=said(caption, window.label), plan=plan_label(caption), truth=window.label,
        frames=window.frames, clip=info.name, start=window.start,
        valid=tuple(bool(v) for v in corpus.valid[window.clip, :JOINTS]),
    )  # fmt: skip


def plan_label(caption: str) -> Label:
    """What the action plan makes of a sentence: the first action's label; empty where nothing was understood."""
    try:
        plan = text.plan(caption)
    except BadInput:
        return Label()
    return plan.steps[0][0].label if plan.steps else Label()


def clips_of(windows: Windows, chosen: Sequence[Window]) -> list[Clip]:
    """Captured windows as clips in their own place, contacts as captured."""
    out: list[Clip] = []
    for window in chosen:
        track, _ = windows.gather([window])
        out.append(features.to_clip(row_of(track, 0)))
    return out


def real_clips(windows: Windows, items: Sequence[Item]) -> list[Clip]:
    """The captured motion behind items.

    Raises:
        BadInput: this corpus lacks a clip of the test set, or has another one under its name.
    """
    corpus = windows.corpus
    number = {info.name: c for c, info in enumerate(corpus.clips)}
    for item in items:
        if item.clip not in number:
            raise BadInput(f"test set: {item.clip} is not in this corpus; build the test set anew from it")
        clip = number[item.clip]
        if item.start + item.frames > int(corpus.starts[clip + 1] - corpus.starts[clip]):
            raise BadInput(f"test set: {item.clip} is shorter in this corpus; build the test set anew from it")
    return clips_of(windows, [Window(number[i.clip], i.start, i.frames, "", i.truth) for i in items])


def row_of(track: features.Track, row: int) -> features.Track:
    """One row of a batch of tracks."""
    names = ("path", "heading", "pelvis", "rotations", "contacts")
    return features.Track(**{n: getattr(track, n)[row] for n in names}, rest_offsets=track.rest_offsets)


def figures(clip: Clip, valid: np.ndarray) -> np.ndarray:
    """`FIGURES` of one clip: skate ratio, contact share, penetration mm, float mm, jerk m/s³."""
    feet = contacts.foot_points(clip)
    values = metrics_motion.jerk(clip.positions()[:, :JOINTS], clip.fps, valid)
    return np.array(
        [
            metrics_motion.skate_ratio(feet, clip.fps),
            metrics_motion.contact_share(feet),
            metrics_motion.penetration(feet),
            metrics_motion.floating(feet, clip.fps),
            float(values.mean()) if len(values) else np.nan,
        ]
    )


def prefers_sides(evaluator: Evaluator, test: TestSet) -> Estimate:
    """How often the captured motion is nearer to its caption than to the same with left and right exchanged.

    Items whose caption says no side are left out.
    """
    kept = [i for i, item in enumerate(test.items) if swap_sides(item.text) != item.text]
    captions = [test.items[i].text for i in kept]
    motion = test.rows["Real"].embeddings[kept]
    true, twin = evaluator.text(captions), evaluator.text([swap_sides(c) for c in captions])
    return proportion((motion * true).sum(1) > (motion * twin).sum(1))


def row(evaluator: Evaluator, clips: Sequence[Clip], valid: np.ndarray) -> Row:
    """Measure clips that answer items with these valid joints ``(N, 22)``."""
    return Row(
        evaluator.clips(clips, valid), np.stack([figures(clip, v) for clip, v in zip(clips, valid, strict=True)])
    )


# ---- on disk


def save(sets: Sequence[TestSet], evaluator: Evaluator, path: str | os.PathLike[str] = FILE) -> None:
    """Keep embeddings and figures in half precision with the items; no motion is in the file."""
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    said_: dict[str, object] = {"evaluator": evaluator.card.sha256, "splits": []}
    for one in sets:
        arrays[f"{one.split}/reference"] = one.reference.astype(np.float16)
        for name, r in one.rows.items():
            arrays[f"{one.split}/{name}/embeddings"] = r.embeddings.astype(np.float16)
            arrays[f"{one.split}/{name}/figures"] = r.figures.astype(np.float32)
            if r.copied is not None:
                arrays[f"{one.split}/{name}/copied"] = r.copied.astype(np.float16)
        entry = {
            "split": one.split,
            "items": [asdict(i) for i in one.items],
            "clips": one.reference_clips,
            "rows": list(one.rows),
            "bounds": {str(n): b for n, b in one.bounds.items()},
        }
        said_["splits"].append(entry)  # type: ignore[attr-defined]
    with whole(Path(path)) as beside:
        beside.write_bytes(to_bytes(arrays, {"set": json.dumps(said_)}))


def load(evaluator: Evaluator, path: str | os.PathLike[str] = FILE) -> list[TestSet]:
    """What `save` kept.

    Raises:
        BadInput: the file is missing or damaged, or was made with another evaluator.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path.name}: missing; build it from the captures (cinemotion dataset, then bench motion)")
    try:
        with safe_open(str(path), "np") as file:
            document = json.loads(file.metadata()["set"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise BadInput(f"{path}: not a test set ({type(error).__name__})") from None
    if document["evaluator"] != evaluator.card.sha256:
        raise BadInput(
            f"{path.name}: made with evaluator {document['evaluator'][:12]}…, this one is "
            f"{evaluator.card.sha256[:12]}…; build it anew from the captures"
        )
    sets = []
    for entry in document["splits"]:
        split = entry["split"]
        items = [
            Item(**{**i, **{k: Label(**i[k]) for k in ("label", "plan", "truth")}, "valid": tuple(i["valid"])})
            for i in entry["items"]
        ]
        rows = {
            name: Row(
                arrays[f"{split}/{name}/embeddings"].astype(np.float32),
                arrays[f"{split}/{name}/figures"].astype(np.float64),
                arrays[f"{split}/{name}/copied"].astype(np.float64) if f"{split}/{name}/copied" in arrays else None,
            )
            for name in entry["rows"]
        }
        reference = arrays[f"{split}/reference"].astype(np.float32)
        bounds = {int(n): float(b) for n, b in entry["bounds"].items()}
        sets.append(TestSet(split, items, reference, entry["clips"], rows, bounds))
    return sets


# ---- baselines made of captures


def mean_clip(windows: Windows, frames: int, seed: int = 0, count: int = 512) -> Clip:
    """The mean of training windows of a length, feature by feature, each seen from its first frame; as a clip."""
    rng = np.random.default_rng([seed, 51])
    pool = [w for w in windows.windows if w.frames == frames] or [w for w in windows.windows if w.frames > frames]
    chosen = [pool[i] for i in rng.choice(len(pool), min(count, len(pool)), replace=False)]
    roots, bodies = [], []
    for at in range(0, len(chosen), 64):
        track, _ = windows.gather(chosen[at : at + 64])
        c, s = track.heading[:, 0].unbind(-1)
        own = features.turned(track, c, -s, -track.path[:, 0])
        roots.append(features.root_features(own)[:, :frames])
        bodies.append(features.body_features(own)[:, :frames])
    mean = features.place(torch.cat(roots).mean(0), torch.cat(bodies).mean(0), windows.rest_offsets)
    return features.to_clip(mean)
