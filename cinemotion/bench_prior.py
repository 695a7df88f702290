"""`cinemotion bench motion`: learned motion by the frozen evaluator and by geometry; see `motion.prior.evaluate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from motion.errors import BadInput, CinemotionError, did_you_mean
from motion.files import whole

if TYPE_CHECKING:
    from motion.prior.evaluate import Models, Report

#: Writes the cached test set anew from a corpus, instead of measuring.
REBUILD = "rebuild"
#: Writes the headline figures into the cards of the weights that were measured.
CARD = "card"


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    corpus: Path | None = None
    weights: str = "base"
    parts: tuple[str, ...] = ()  # (): all
    report: Path | None = None  # JSON
    rebuild: bool = False
    card: bool = False


def read(arguments: tuple[str, ...]) -> Asked:
    """Sort out arguments, in any order: a corpus folder, weights, parts of the bench, a .json to write, `CARD`.

    Raises:
        BadInput: one of them is none of these.
    """
    from mocap_data.dataset_store import WORDS
    from motion.prior import weights
    from motion.prior.evaluate_tables import PARTS

    names = {*weights.FAMILIES, *(one.path.stem.rpartition("-")[0] for one in weights.shipped())}
    corpus, report, name = None, None, "base"
    parts: list[str] = []
    flags: set[str] = set()
    for text in arguments:
        path = Path(text).expanduser()
        if text in PARTS:
            parts.append(text)
        elif text in (REBUILD, CARD):
            flags.add(text)
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
        elif text in names or text.endswith(weights.SUFFIX):
            name = text
        else:
            raise BadInput(
                f"bench motion: '{text}'{did_you_mean(text, (*PARTS, *names, REBUILD, CARD))}; expected a "
                f"corpus folder, weights, a .json to write, '{CARD}', or some of {', '.join(PARTS)}"
            )
    if REBUILD in flags and corpus is None:
        raise BadInput("bench motion rebuild: needs the corpus folder to build the test set from")
    return Asked(corpus, name, tuple(parts), report, REBUILD in flags, CARD in flags)


def run(*arguments: str) -> None:
    """Print the tables; rows whose weights or captures are missing are left out and said."""
    asked = read(arguments)
    from mocap_data import dataset
    from motion.prior import evaluate, evaluate_set, threads
    from motion.prior.evaluate_tables import PARTS
    from motion.prior.evaluator import Evaluator

    corpus = None if asked.corpus is None else dataset.load(asked.corpus)
    if asked.rebuild and corpus is not None:
        evaluator = Evaluator.load()
        sets = evaluate.build(evaluator, corpus, _progress)
        evaluate_set.save(sets, evaluator)
        _progress(f"{evaluate_set.FILE.name}: {evaluate_set.FILE.stat().st_size:,} bytes")
        return
    threads.settle()
    models = evaluate.Models.found(asked.weights)
    report = evaluate.run(models, corpus, parts=asked.parts or PARTS, say=_progress)
    add_shell(report, models)
    sys.stdout.write(report.text() + "\n")
    if asked.report is not None:
        with whole(asked.report) as beside:
            beside.write_text(json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if asked.card:
        describe(models.files, report)


def describe(files: Mapping[str, Path], report: Report) -> None:
    """Into the cards of the measured weights; what other parts of the bench wrote there before is kept.

    Args:
        files: kind of weights → the file that was measured. One that cannot be written is said and keeps no other back.
        report: what was measured.
    """
    from motion.prior import weights
    from motion.prior.evaluate_goals import headline

    for kind, path in files.items():
        figures = headline(report, kind)
        if not figures:
            _progress(f"{path.name}: nothing of it was measured; card as it was")
            continue
        try:
            measured = dict(weights.card_of(path).measured)
            for place, cells in figures.items():
                measured[place] = {**measured.get(place, {}), **cells}
            weights.describe(path, measured=measured)
        except (CinemotionError, OSError) as error:
            _progress(f"{path.name}: card not written: {error}")
            continue
        _progress(f"{path.name}: card written")


def add_shell(report: Report, models: Models, rounds: int = 3) -> None:
    """To the table of speed: from the shell to a written file, everything loaded anew each time.

    With as many threads as the other rows. A command that fails is said in the notes and leaves the row out.
    """
    from motion.prior import threads
    from motion.prior.evaluate_tables import FROM_SHELL, timed

    table = next((t for t in report.tables if t.title.startswith("speed")), None)
    path = models.files.get("prior")
    if table is None or path is None:
        return
    _progress("speed: from the shell to a file")
    words, count = "a person walks forward", str(threads.used())
    with tempfile.TemporaryDirectory() as folder:

        def shell(number: int) -> None:
            target = Path(folder) / f"{number}.bvh"
            command = [sys.executable, "-m", "cinemotion", "motion", words, "--seconds", "5", "-o", str(target)]
            subprocess.run(
                [*command, "--model", str(path.resolve()), "--anyway"], check=True, capture_output=True, text=True,
                env={**os.environ, "OMP_NUM_THREADS": count},
            )  # fmt: skip

        try:
            table.rows[FROM_SHELL] = timed(shell, rounds, warm=False)
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or [f"exit {error.returncode}"])[-1]
            report.notes.append(f"{FROM_SHELL}: left out ({last})")


def _progress(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
