"""What a corpus holds, in Markdown: hours, actions and styles, licences, splits, what is missing, known bias."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from mocap_data.dataset_split import combination_names
from motion import skeleton
from motion.corpus import FPS, SPLITS, Corpus
from motion.text import VERBS


def card(corpus: Corpus) -> str:
    """The corpus in Markdown, every number counted from it."""
    parts = [
        "# Dataset card",
        f"{len(corpus.clips)} clips, {hours(len(corpus.rotations)):.2f} h at {FPS} fps on one skeleton, "
        f"{len(corpus.windows)} windows of 1 to 8 s.",
        "## Sources and licences",
        _table(("source", "clips", "hours", "licence"), _sources(corpus)),
        "Whatever is trained on a source follows its licence; weights for commercial use must leave out the "
        "non-commercial ones.",
        "## Actions and styles",
        "Seconds of captures by what the file or its description says (a dash where several actions follow each other "
        "or nothing is known).",
        _actions(corpus),
        "## Splits",
        _table(("split", "windows", "minutes of captures", "with words", "with an action"), _splits(corpus)),
        _combinations(corpus)
        + " `blocks` are runs of take numbers, and spans of long takes with half a second left out on both sides.",
        "## What was left out",
        _left_out(corpus),
        "## What is missing",
        _missing(corpus),
        "## Known bias",
        "\n".join(f"- {line}" for line in _bias(corpus)),
    ]
    return "\n\n".join(parts) + "\n"


def hours(frames: int) -> float:
    """Hours of so many frames."""
    return frames / FPS / 3600.0


def _frames(corpus: Corpus) -> list[int]:
    return [int(b - a) for a, b in zip(corpus.starts[:-1], corpus.starts[1:], strict=True)]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def _sources(corpus: Corpus) -> list[tuple[object, ...]]:
    count: Counter[tuple[str, str]] = Counter()
    frames: Counter[tuple[str, str]] = Counter()
    for clip, length in zip(corpus.clips, _frames(corpus), strict=True):
        count[clip.source, clip.licence] += 1
        frames[clip.source, clip.licence] += length
    return [(s, count[s, li], f"{hours(frames[s, li]):.2f}", li) for s, li in sorted(count)]


def _actions(corpus: Corpus) -> str:
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for clip, length in zip(corpus.clips, _frames(corpus), strict=True):
        seconds[clip.label.verb, clip.label.style] += length / FPS
    styles = sorted({style for _, style in seconds}, key=lambda s: (s != "", s))
    verbs = sorted({verb for verb, _ in seconds}, key=lambda v: -sum(seconds.get((v, s), 0.0) for s in styles))
    rows = [
        (verb or "–", *(f"{seconds[verb, s]:.0f}" if (verb, s) in seconds else "" for s in styles)) for verb in verbs
    ]
    return _table(("action", *(style or "none said" for style in styles)), rows)


def _splits(corpus: Corpus) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for split in SPLITS:
        windows = corpus.split(split)
        rows.append(
            (
                split,
                len(windows),
                f"{_covered(corpus, split) / FPS / 60:.1f}",
                f"{_share(sum(bool(w.captions) for w in windows), len(windows))}",
                f"{_share(sum(bool(w.label.verb) for w in windows), len(windows))}",
            )
        )
    return rows


def _covered(corpus: Corpus, split: str) -> int:
    """Frames of clips that some window of a split uses."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for w in corpus.windows:
        if w.split == split:
            spans[w.clip].append((w.start, w.start + round((w.frames - 1) * w.speed) + 1))
    total = 0
    for found in spans.values():
        last = 0
        for a, b in sorted(found):
            total += max(0, b - max(a, last))
            last = max(last, b)
    return total


def _share(part: int, whole: int) -> str:
    return f"{100.0 * part / whole:.0f} %" if whole else "–"


def _combinations(corpus: Corpus) -> str:
    names = combination_names(corpus.clips[w.clip].label for w in corpus.split("combinations"))
    if not names:
        return "`combinations` is empty: none of the actions in styles that are held out is in these captures."
    return "`combinations` are actions in styles that nobody trains on: " + "; ".join(names) + "."


def _left_out(corpus: Corpus) -> str:
    notes = corpus.notes
    refused = notes.get("refused") or {}
    copies = notes.get("copies") or {}
    faults = notes.get("faults") or {}
    assert isinstance(refused, dict) and isinstance(copies, dict) and isinstance(faults, dict)
    bad = int((~corpus.good).sum())
    lines = [f"{notes.get('files', len(corpus.clips))} files were read; {len(refused)} could not be used."]
    lines += [f"`{name}`: {why}" for name, why in list(refused.items())[:20]]
    troubles = notes.get("troubles")
    lines += [str(trouble) for trouble in (troubles if isinstance(troubles, list) else [])[:20]]
    lines.append(f"{len(copies)} clips are copies of others, found by pose (mirrored or not) or by take number.")
    mended = faults.get("spike mended", 0)
    straight = faults.get("hand straightened", 0)
    lines.append(f"{mended} frames with spikes were mended, hands turned over were laid straight in {straight};")
    lines.append(f"{bad} frames are in no window, with a margin of two frames around each fault:")
    lines += [f"{kind}: {count} frames" for kind, count in faults.items() if kind not in MENDED]
    lines.append(f"in part copies of other clips: {notes.get('frames copied in part', 0)} frames")
    disagree = notes.get("hands that disagree with the file's name")
    if isinstance(disagree, list):
        lines.append(f"{len(disagree)} clips raise another hand than their name says; the measurement is used.")
    return "\n".join(f"- {line}" for line in lines)


MENDED = ("spike mended", "hand straightened")


def _missing(corpus: Corpus) -> str:
    shown = {w.label.verb for w in corpus.windows if w.split == "train"}
    verbs = [verb for verb in VERBS if verb not in shown]
    lines = ["Actions in the vocabulary that no training window shows: " + (", ".join(verbs) or "none") + "."]
    unseen: Counter[str] = Counter()
    for clip, length in zip(range(len(corpus.clips)), _frames(corpus), strict=True):
        for joint in range(24):
            if not corpus.valid[clip, joint]:
                unseen[skeleton.JOINTS[joint]] += length
    rows = len(corpus.rotations)
    lines.append(
        "Joints that a source never had are marked, and are no evidence: "
        + ", ".join(f"{joint} ({_share(n, rows)} of all frames)" for joint, n in unseen.most_common(24))
        + "."
    )
    lines.append("No fingers, no faces, no two people, no props that the motion touches, no ground but a flat floor.")
    return "\n".join(f"- {line}" for line in lines)


def _bias(corpus: Corpus) -> list[str]:
    lines = []
    length = dict.fromkeys((clip.source for clip in corpus.clips), 0)
    for clip, frames in zip(corpus.clips, _frames(corpus), strict=True):
        length[clip.source] += frames
    total = max(sum(length.values()), 1)
    source, most = max(length.items(), key=lambda item: item[1])
    lines.append(f"{_share(most, total)} of the time comes from {source}.")
    if any(name.startswith("bandai-namco") for name in length):
        lines.append(
            "Styles are acted by professionals, each by few performers: a style and their bodies are learned together, "
            "and stand for no group of people."
        )
    if any("cmu" in name or "deepmimic" in name for name in length):
        lines.append("CMU and DeepMimic skills are often one take of one performer: seconds stand for a whole action.")
    lines.append(
        "Captions of file names come from a grammar, in English, spelled by this project; they say what was measured "
        "(direction, turn, steps, speed, hands) and what the name says (action, style), nothing else."
    )
    lines.append("Everybody has the proportions of one adult of 1.70 m after retargeting.")
    return lines
