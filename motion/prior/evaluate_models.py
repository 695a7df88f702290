"""The networks that a bench judges: `Models`, and where those that belong together lie (`beside`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motion.errors import BadInput, CinemotionError
from motion.prior import weights
from motion.prior.evaluator import Evaluator

#: Kinds of weights that are judged, and what a report calls them.
CALLED: dict[str, str] = {"prior": "prior", "inbetween": "in-betweener", "gpt": "token GPT"}


@dataclass
class Models:
    """The networks that are judged; None where weights are missing, and why."""

    evaluator: Evaluator
    prior: Any = None
    inbetween: Any = None
    streamer: Any = None
    missing: dict[str, str] = field(default_factory=dict)  # what a report calls it → why it is left out
    files: dict[str, Path] = field(default_factory=dict)  # kind of weights → the file that was loaded

    @classmethod
    def found(cls, name: str | os.PathLike[str] = "base") -> Models:
        """Load the weights of one name, of one folder, or of a file and what lies beside it; nobody else's stand in.

        Raises:
            BadInput: there is no evaluator.
        """
        from motion.prior.inbetween import InBetweener
        from motion.prior.model import Prior
        from motion.prior.stream import Streamer

        evaluator = Evaluator.load("base")
        models = cls(evaluator)

        def load(kind: str, loader: Callable[[Path], Any]) -> Any:
            try:
                path = beside(name, kind)
                loaded = loader(path)
            except CinemotionError as error:
                models.missing[CALLED[kind]] = str(error)
                return None
            models.files[kind] = path
            return loaded

        models.prior = load("prior", lambda path: Prior.load(path, evaluator.words))
        models.inbetween = load("inbetween", InBetweener.load)
        models.streamer = load("gpt", lambda path: Streamer.load(path, words=evaluator.words))
        return models

    def said(self) -> Iterator[str]:
        """Which weights are judged and which are not there, line by line."""
        for kind, path in self.files.items():
            yield f"{CALLED[kind]}: {weights.card_of(path).label}"
        for what, why in self.missing.items():
            yield f"{what}: left out ({why})"


def beside(name: str | os.PathLike[str], kind: str) -> Path:
    """The file of one kind among weights that belong together.

    Args:
        name: a name; a folder; or a file, which stands for itself and, for other kinds, for the file of the same name
            beside it (``own-prior``, ``own-inbetween``), else for the only one in its folder.
        kind: a name in `motion.prior.weights.KINDS`.

    Raises:
        BadInput: there is none.
    """
    path = Path(name).expanduser()
    if path.suffix != weights.SUFFIX or not path.is_file():
        return weights.find(name, kind)
    own = weights.card_of(path).kind
    if own == kind:
        return path
    twin = path.with_name(path.name.replace(f"-{own}", f"-{kind}"))
    if twin != path and twin.is_file():
        return weights.find(twin.resolve(), kind)
    try:
        return weights.find(path.resolve().parent, kind)
    except BadInput:
        raise BadInput(f"no {kind} weights beside {path}") from None
