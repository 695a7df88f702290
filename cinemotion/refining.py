"""Final frames of a film: `Refining`, what a scene asks for; `Finisher`, which refines frames as they are drawn.

A shot's refiner remembers its last frame. Where a shot goes on into the next chunk that frame is written beside the
chunk's pictures, and the next chunk begins with it: so chunks of one shot are drawn one after the other, and whoever
draws them, the film has the same bytes.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion.manifest import Chunk, file_sha256
from motion.errors import BadInput
from motion.files import whole

if TYPE_CHECKING:
    from cinemotion.film import Film
    from render.frame import Frame
    from render.refine.model import Carry

#: What a chunk leaves to the next one of its shot.
CARRY = "carry.npz"


@dataclass(frozen=True)
class Refining:
    """How a film's frames become final ones."""

    weights: str | None  # a name or a file of our own network's; None: a pretrained pipeline
    pipeline: str | None = None  # its folder
    steps: int = 1  # of our network
    every: int = 1  # of our network: frames from one refined frame to the next
    faithful: bool = False  # of our network: nothing is invented
    options: tuple[tuple[str, Any], ...] = ()  # of a pipeline
    sha256: str = ""  # of what is loaded: the weights' tensors, or the pipeline's files

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.pipeline}" if self.pipeline else f"{self.weights} refiner"


def ours(
    weights: str = "base", steps: int = 1, every: int = 1, faithful: bool = False
) -> tuple[Refining, tuple[Path, ...]]:
    """Refining by our own network, and the files of its weights: with the network between refined frames, if any.

    Raises:
        BadInput: no such weights.
    """
    from motion.prior import weights as files

    found = [(files.find(weights, "refiner"), "refiner")]
    between = between_weights() if every > 1 else None
    if between is not None:
        found.append((between, "between"))
    sha256 = "".join(files.card_of(path, kind).sha256 for path, kind in found)
    return Refining(weights, None, steps, every, faithful, (), sha256), tuple(path for path, _ in found)


def between_weights() -> Path | None:
    """The file of the network that works frames out between refined ones; None: there is none, plain blending does.

    Raises:
        BadInput: there is one, and it cannot be used.
    """
    from motion.prior import weights as files

    return None if files.named("base", "between") is None else files.find("base", "between")


def foreign(pipeline: str | Path, options: Mapping[str, Any]) -> Refining:
    """Refining by a pretrained pipeline in a folder.

    Raises:
        BadInput: no such folder, or it holds no pipeline that is known; an option is unknown.
    """
    from render.refine.pretrained import ADAPTERS, Options
    from render.refine.pretrained.folder import pipeline_class

    folder = Path(pipeline)
    Options.of(**options)
    pipeline_class(folder, ADAPTERS)
    from cinemotion.manifest import digest

    parts = [(p.relative_to(folder).as_posix(), file_sha256(p)) for p in sorted(folder.rglob("*")) if p.is_file()]
    return Refining(None, str(folder), options=tuple(sorted(options.items())), sha256=digest(parts))


def continues(film: Film, frame: int) -> bool:
    """Whether a frame belongs to the shot of the frame before it."""
    return frame > 0 and film.camera.shot_of(frame) == film.camera.shot_of(frame - 1)


def leans(film: Film, chunk: Chunk, before: Chunk | None) -> bool:
    """Whether a chunk needs what the chunk before it left: it is refined, and goes on with that one's last shot."""
    refining = film.look.refining
    return (
        refining is not None and refining.weights is not None and before is not None
        and before.stop == chunk.first and continues(film, chunk.first)
    )  # fmt: skip


class Finisher:
    """Refines frames of one film.

    Args:
        film: with a `Refining` in its look.
        scales: `render.control.ShotScale` of every shot.
    """

    def __init__(self, film: Film, scales: Sequence[Any]) -> None:
        refining = film.look.refining
        assert refining is not None
        self._film, self._scales, self._asked = film, scales, refining
        if refining.weights is not None:
            from motion.prior import threads
            from render.refine.model import BridgeRefiner

            threads.settle()
            self._refiner: Any = BridgeRefiner.load(refining.weights, refining.steps, faithful=refining.faithful)
            if refining.every > 1:
                from render.refine import between

                path = between_weights()
                network = between.load(path) if path is not None else None
                self._refiner = between.Interleaved(self._refiner, refining.every, network)
        else:
            from render.refine.pretrained import load_refiner

            assert refining.pipeline is not None
            self._refiner = load_refiner(refining.pipeline, **dict(refining.options))

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that frames must have."""
        return tuple(self._refiner.needs)

    def finish(self, drawn: Iterable[Frame], chunk: Chunk, before: Path | None, here: Path) -> Iterator[Frame]:
        """A chunk's frames with the refined beauty and display in place of the raster's.

        Args:
            drawn: frames of the chunk, in order.
            chunk: which.
            before: the finished chunk that this one goes on from; None: it begins by itself.
            here: the chunk's folder; what the next one needs is written there.
        """
        from render.refine.protocol import Brief, shots

        carry = _load(before, self._asked.every)
        look = self._film.look
        for shot in shots(drawn):
            held: deque[Frame] = deque()
            for refined in self._refine(self._kept(shot, held), Brief, carry):
                frame = held.popleft()
                picture = refined.shown(look.tone_map, look.exposure)
                yield replace(frame, beauty=frame.beauty if refined.beauty is None else refined.beauty, display=picture)
            if self._asked.weights is not None and chunk.stop < self._film.frames and continues(self._film, chunk.stop):
                _save(here / CARRY, carry)
            carry = _load(None, self._asked.every)

    def _refine(self, shot: Iterator[Frame], brief: Any, carry: Carry) -> Iterator[Any]:
        first = next(shot, None)
        if first is None:
            return
        whole_shot = itertools.chain((first,), shot)
        if self._asked.weights is not None:
            yield from self._refiner.refine(whole_shot, carry=carry)
            return
        from cinemotion.shot_prompt import prompt_of

        scale = next(s for s in self._scales if s.first <= first.index <= s.last)
        said = brief(scale, self._film.seed, prompt_of(self._film, scale.first, scale.last))
        yield from self._refiner.refine(whole_shot, said)

    @staticmethod
    def _kept(shot: Iterable[Frame], held: deque[Frame]) -> Iterator[Frame]:
        for frame in shot:
            held.append(frame)
            yield frame


def _save(path: Path, carry: Carry) -> None:
    arrays = {name: value for name, value in vars(carry).items() if value is not None}
    with whole(path) as beside, beside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _load(folder: Path | None, every: int) -> Carry:
    """What a chunk left.

    Raises:
        BadInput: it left nothing that can be read.
    """
    from render.refine.between import CarryBetween
    from render.refine.model import Carry

    kind = CarryBetween if every > 1 else Carry
    if folder is None:
        return kind()
    try:
        with np.load(folder / CARRY, allow_pickle=False) as found:
            return kind(**{"index": int(found["index"])} | {name: found[name] for name in found if name != "index"})
    except (OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise BadInput(
            f"{folder / CARRY}: what the chunk before left cannot be read ({error}); draw it again"
        ) from error
