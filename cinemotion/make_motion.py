"""`cinemotion motion`: asks the prior, brings results onto a body, writes files and sidecars, tells what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import ask as asking
from cinemotion import formats
from cinemotion.ask import Ask
from cinemotion.carry import carried
from cinemotion.models import entry_of
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.files import write_json
from motion.licences import use
from motion.prior import threads, weights
from motion.prior.request import Result
from motion.prior.understand import judged

SCHEMA = 1


def make(ask: Ask, out: Path) -> Iterator[str]:
    """Make motion and write it; yields what to tell, line by line, as it is known.

    Raises:
        BadInput: an option, a file or a request is wrong.
        MissingSystem: the disk is full.
    """
    targets = targets_of(out, ask.variations)
    body = body_for(ask, out)
    request = scaled(asking.request(ask, None if body is None else body.rest_offsets), body)
    path = weights.find(ask.model, "inbetween" if ask.instant else "prior")
    made = [filled(request, path)] if ask.instant else played(request, path, ask.retrieval)
    for target, result in zip(targets, made, strict=True):
        yield from written(result, target, ask, body, [path])
    yield from licences([path], [result.clip.provenance.licence for result in made])


def written(result: Result, target: Path, ask: Ask, body: Any, models: Sequence[Path]) -> Iterator[str]:
    """Bring a result onto the body, if there is one, write it with its sidecar, and tell about it."""
    clip = result.clip
    if body is not None and not np.allclose(clip.rest_offsets, body.rest_offsets, atol=1e-6):
        clip = carried(clip, body.rest_offsets)
    _write(clip, target, ask.names or "smpl", body)
    write_json(sidecar(target), _document(ask, clip, result, models, target))
    yield f"{target}: {clip.frames} frames at {float(clip.fps):g} fps, {clip.seconds:.2f} s"
    yield from told(result.report)


def licences(models: Sequence[Path], made: Sequence[str | None] = ()) -> Iterator[str]:
    """A line for each file of weights that was used, and for what was ``made`` where other motion brought in more."""
    cards = [weights.card_of(path) for path in models]
    others = [licence for licence in dict.fromkeys(made) if licence and licence not in {c.licence for c in cards}]
    for card in cards:
        what = "licence of the weights" if others else "licence"
        yield f"{what}: {card.licence} ({card.label}{'' if card.commercial else f'; {use(card.licence)}'})"
    for licence in others:
        yield f"licence: {licence} (of what was made; {use(licence)})"


def played(request: Any, path: Path, corpus: str | None = None) -> Sequence[Any]:
    """The results of a request, by the weights in a file; with a corpus, captures are used where the words are near."""
    if corpus is None:
        judged(request, weights.card_of(path))  # what it never learned is said before anything heavy is loaded
    index = None if corpus is None else _index(corpus)
    threads.settle()
    from motion.prior.make import make as run
    from motion.prior.model import Prior

    return run(request, Prior.load(path), index)


def filled(request: Any, path: Path) -> Result:
    """The result of a request of key poses alone, by the in-betweener in a file."""
    threads.settle()
    from motion.prior.inbetween import InBetweener
    from motion.prior.instant import between_keys

    return between_keys(request, InBetweener.load(path))


def _index(corpus: str) -> Any:
    from cinemotion.acting_prior import cache_folder
    from cinemotion.manifest import digest
    from mocap_data import dataset
    from motion.prior.retrieve import Index

    captions = cache_folder("captions") / f"{digest(str(Path(corpus).resolve()))[:16]}.npz"
    return Index(dataset.load(corpus), cache=captions)


def scaled(request: Any, body: Any) -> Any:
    """A request whose way and points, given for a body, are those of the models' own skeleton.

    A clip or keys carry their skeleton with them; without either, the motion is made on the models' own.
    """
    if body is None or request.base is not None or request.keys is not None:
        return request
    if request.path is None and not request.reach:
        return request
    from motion.prior import paths, points
    from motion.retarget.proportions import leg_length

    factor = leg_length(adult()) / leg_length(body.rest_offsets)
    path = None if request.path is None else paths.scaled(request.path, factor)
    return replace(request, path=path, reach=points.scaled(request.reach, factor))


def adult() -> np.ndarray:
    """``(24, 3)`` the skeleton of every corpus and model."""
    from mocap_data.dataset_read import rest_offsets

    return rest_offsets()


def targets_of(out: Path, variations: int) -> list[Path]:
    """Where each result goes: one to ``out``, several numbered."""
    from motion.prior.request import MOST_VARIATIONS

    if out.suffix.lower() not in formats.writable():
        raise BadInput(f"{out}: {unknown('suffix to write', out.suffix.lower() or '(none)', formats.writable())}")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")
    if not 1 <= variations <= MOST_VARIATIONS:
        raise BadInput(f"--variations {variations}, expected 1 to {MOST_VARIATIONS}")
    if variations == 1:
        return [out]
    return [out.with_stem(f"{out.stem}_{k:0{len(str(variations))}d}") for k in range(1, variations + 1)]


def sidecar(target: Path) -> Path:
    """``walk.bvh`` has ``walk.bvh.provenance.json`` beside it."""
    return target.with_name(target.name + ".provenance.json")


def body_for(ask: Ask, out: Path) -> Any:
    """The body that was described, or that the file needs; None: there is none."""
    if not ask.wants_body and out.suffix.lower() not in formats.GLTF_SUFFIXES:
        return None
    from cinemotion.convert import Options, body_of

    return body_of(
        Options(
            height=ask.height, build=ask.build, age=ask.age, presentation=ask.presentation, outfit=ask.outfit,
            model=ask.body,
        )
    )  # fmt: skip


def _write(clip: Clip, target: Path, names: str, body: Any) -> None:
    if target.suffix.lower() in formats.GLTF_SUFFIXES:
        from render.interchange import gltf

        gltf.save(target, clip, body, names=names)
        return
    import mocap_data
    from motion.retarget import clip_to_take

    mocap_data.save(clip_to_take(clip, names=names), target)


def _document(ask: Ask, clip: Clip, result: Result, models: Sequence[Path], target: Path) -> dict[str, Any]:
    """The sidecar: what made the file, from what, and what may be done with it."""
    from cinemotion.manifest import file_sha256

    given = {k: v for k, v in vars(ask).items() if v is not None and v != () and v is not False and k != "text"}
    p, cards = clip.provenance, [weights.card_of(path) for path in models]
    return {
        "schema": SCHEMA,
        "file": {"name": target.name, "sha256": file_sha256(target), "frames": clip.frames, "fps": str(clip.fps)},
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "words": ask.text,
        "asked": given,
        "models": [entry_of(card, path) for card, path in zip(cards, models, strict=True)],
        "licence": p.licence or weights.licence_of(card.licence for card in cards),
        "source": p.source,
        "seed": p.seed,
        "notes": list(p.notes),
        "report": result.report.as_dict(),
    }


# ---- what people read


def told(report: Any) -> Iterator[str]:
    """A report in a few lines: what is done when and by which road, which words decided it, how well it keeps what
    was asked."""
    for span in report.spans:
        road = span.road + (f" ({span.detail})" if span.detail else "")
        yield f"  {span.start_s:6.2f} – {span.stop_s:6.2f} s  {span.text or '(no words)'}  [{road}]"
    decided = [f"{d.slot} {d.value} ('{d.words}')" for d in report.decisions]
    if decided:
        yield "  understood: " + ", ".join(decided)
    if report.suggestions:
        yield f"  not sure of the words (confidence {report.confidence:.2f}); nearest: {', '.join(report.suggestions)}"
    if report.key_error_m:
        worst = max(range(len(report.key_error_m)), key=report.key_error_m.__getitem__)
        mean = sum(report.key_error_m) / len(report.key_error_m)
        yield f"  keys: {_cm(mean)} off on average, {_cm(report.key_error_m[worst])} at key {worst}"
        if report.key_sampled_m:
            left = sum(report.key_sampled_m) / len(report.key_sampled_m)
            yield f"        ({_cm(left)} before they were bent in)"
    if report.path_error_m is not None:
        yield f"  path: {_cm(report.path_error_m)} off on average, {_cm(report.path_worst_m or 0.0)} at worst"
    for k, error in enumerate(report.reach_error_m):
        yield f"  reach {k}: {_cm(error)} off"
    if report.loop_gap_m is not None:
        yield f"  loop: joints come back within {_cm(report.loop_gap_m)}"
    if report.seams:
        yield f"  seams: {len(report.seams)}, jerk {max(s.ratio for s in report.seams):.2f} times that beside them"
    for note in report.notes:
        yield f"  {note}"


def _cm(metres: float) -> str:
    return f"{100 * metres:.1f} cm"
