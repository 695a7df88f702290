"""`cinemotion bench motion`: learned motion by the frozen evaluator and by geometry; see `motion.prior.evaluate`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from motion.errors import BadInput, did_you_mean
from motion.files import whole

#: Writes the cached test set anew from a corpus, instead of measuring.
REBUILD = "rebuild"


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    corpus: Path | None = None
    weights: str = "base"
    parts: tuple[str, ...] = ()  # (): all
    report: Path | None = None  # JSON
    rebuild: bool = False


def read(arguments: tuple[str, ...]) -> Asked:
    """Sort out arguments, which come in any order: a corpus folder, weights, parts of the bench, a .json to write.

    Raises:
        BadInput: one of them is none of these.
    """
    from mocap_data.dataset_store import WORDS
    from motion.prior.evaluate_tables import PARTS

    corpus, report, name, parts, rebuild = None, None, "base", [], False
    for text in arguments:
        path = Path(text).expanduser()
        if text in PARTS:
            parts.append(text)
        elif text == REBUILD:
            rebuild = True
        elif text.endswith(".json"):
            report = path
        elif (path / WORDS).is_file():
            corpus = path
        elif path.is_dir() and any(path.glob("*.safetensors")):
            name = text
        elif path.is_dir():
            raise BadInput(
                f"bench motion: {text} is no corpus (no {WORDS}); make one with `cinemotion dataset`, or measure "
                "retargeting of captures with `cinemotion bench retarget`"
            )
        elif text in ("base", "clean") or text.endswith(".safetensors"):
            name = text
        else:
            raise BadInput(
                f"bench motion: '{text}'{did_you_mean(text, (*PARTS, 'base', 'clean', REBUILD))}; expected a corpus "
                f"folder, weights, a .json to write, or some of {', '.join(PARTS)}"
            )
    if rebuild and corpus is None:
        raise BadInput("bench motion rebuild: needs the corpus folder to build the test set from")
    return Asked(corpus, name, tuple(parts), report, rebuild)


def run(*arguments: str) -> None:
    """Print the tables; rows whose weights or captures are missing are left out and said."""
    asked = read(arguments)
    from mocap_data import dataset
    from motion.prior import evaluate, evaluate_set
    from motion.prior.evaluate_tables import PARTS
    from motion.prior.evaluator import Evaluator

    corpus = None if asked.corpus is None else dataset.load(asked.corpus)
    if asked.rebuild and corpus is not None:
        evaluator = Evaluator.load()
        sets = evaluate.build(evaluator, corpus, _progress)
        evaluate_set.save(sets, evaluator)
        _progress(f"{evaluate_set.FILE.name}: {evaluate_set.FILE.stat().st_size:,} bytes")
        return
    models = evaluate.Models.found(asked.weights)
    report = evaluate.run(models, corpus, parts=asked.parts or PARTS, say=_progress)
    sys.stdout.write(report.text() + "\n")
    if asked.report is not None:
        with whole(asked.report) as beside:
            beside.write_text(json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _progress(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
