"""`Prior`: trained weights that answer windows of motion, root first, then body."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.prior import features
from motion.prior.constraints import GUIDED
from motion.prior.features import BODY, ROOT, Track
from motion.prior.filled import filled
from motion.prior.guidance import Guidance, Told
from motion.prior.network import Said, Size, plan_tokens
from motion.prior.observed import Observed
from motion.prior.one_stage import SIZES as ONE
from motion.prior.one_stage import OneStage
from motion.prior.request import WindowRequest
from motion.prior.settling import stand
from motion.prior.stages import SIZES, Sizes, TwoStages
from motion.prior.weights import Card
from motion.prior.words import Words


def sizes_of(name: str, one_stage: bool = False) -> dict[str, dict[str, int]]:
    """The sizes that a card tells: of both stages, or of one network for all."""
    if name not in SIZES:
        raise unknown("size", name, SIZES)
    return {"one": vars(ONE[name])} if one_stage else {k: vars(getattr(SIZES[name], k)) for k in ("root", "body")}


def build(sizes: Mapping[str, Mapping[str, int]]) -> TwoStages | OneStage:
    """Networks of these sizes, not trained."""
    if "one" in sizes:
        return OneStage(Size(**sizes["one"]))
    return TwoStages(Sizes(**{stage: Size(**sizes[stage]) for stage in ("root", "body")}))


class Prior:
    """A trained prior.

    Args:
        stages: the networks, in evaluation mode.
        rest_offsets: ``(24, 3)`` metres, the skeleton it learned on.
        card: what the weights are.
        words: the sentence encoder; None: the packaged one, loaded when words come.
    """

    def __init__(
        self, stages: TwoStages | OneStage, rest_offsets: np.ndarray, card: Card, words: Words | None = None
    ) -> None:
        self.stages, self.card = stages.eval(), card
        self._rest = torch.as_tensor(np.asarray(rest_offsets), dtype=torch.float32)
        self._words = words or Words()

    @property
    def rest_offsets(self) -> np.ndarray:
        return self._rest.double().numpy()

    @classmethod
    def load(cls, path: str | os.PathLike[str], words: Words | None = None) -> Prior:
        """From a weights file, or a name that `motion.prior.weights.find` knows.

        Raises:
            BadInput: no such weights, or not whole, or of another format.
        """
        from motion.prior import weights

        path = weights.find(path, "prior")
        tensors, card = weights.load(path, "prior")
        if "rest_offsets" not in tensors:
            raise BadInput(f"{path}: no skeleton (tensor 'rest_offsets') beside the networks")
        offsets = tensors.pop("rest_offsets")
        return cls(filled(path, lambda _: build(card.config["sizes"]), tensors), offsets, card, words)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the weights as float16 with their card."""
        from motion.prior import weights

        tensors = {name: value.detach() for name, value in self.stages.state_dict().items()}
        weights.save(path, {**tensors, "rest_offsets": self._rest}, self.card)

    def sample(
        self, requests: Sequence[WindowRequest], *, steps: int = 8, guidance: float = 2.5,
        constraint_guidance: float = GUIDED, use_plan: bool = True, use_words: bool = True,
    ) -> list[Clip]:  # fmt: skip
        """One clip for each request; all have the same number of frames and are made as one batch.

        Args:
            requests: windows.
            steps: network evaluations of each stage.
            guidance: how much more than without them words and plan count; 1: plainly.
            constraint_guidance: the same for constraints.
            use_plan: False leaves the plan tokens off (the text road alone).
            use_words: False leaves the sentence off.
        """
        if not requests:
            return []
        lengths = {r.frames for r in requests}
        if len(lengths) > 1:
            raise BadInput(f"windows of {sorted(lengths)} frames in one batch, expected one length")
        for request in requests:
            request.constraints.check()
        with torch.inference_mode():
            track = self._sample(requests, steps, Guidance(guidance, constraint_guidance), use_plan, use_words)
        clips = []
        for row, request in enumerate(requests):
            one = Track(track.path[row], track.heading[row], track.pelvis[row], track.rotations[row],
                        track.contacts[row], self._rest)  # fmt: skip
            clips.append(features.to_clip(one, self.card.provenance(request.seed)))
        return clips

    def said(self, requests: Sequence[WindowRequest], use_plan: bool = True, use_words: bool = True) -> Said:
        """Words and plans of requests, as the networks read them."""
        sentences = self._words([r.text if use_words else "" for r in requests])
        plan = plan_tokens([r.label for r in requests])
        return Said(sentences.states, sentences.mask, sentences.pooled, plan if use_plan else torch.zeros_like(plan))

    def _sample(
        self, requests: Sequence[WindowRequest], steps: int, guidance: Guidance, use_plan: bool, use_words: bool
    ) -> Track:
        frames = requests[0].frames
        observed = Observed.of([r.constraints for r in requests], self._rest)
        start, level = self._start(requests)
        shift, cos, sin = observed.reference()
        if start is not None:
            # A rough clip has a place of its own, where no constraint gives one.
            free = ~(observed.path_on | observed.pelvis_on[..., 0]).any(1)
            first = start.heading[:, 0]
            shift = torch.where(free[:, None], -start.path[:, 0], shift)
            cos, sin = torch.where(free, first[:, 0], cos), torch.where(free, -first[:, 1], sin)
            start = features.turned(start, cos, sin, shift)
        told = Told.of(self.said(requests, use_plan, use_words), observed.moved(shift, cos, sin), guidance)
        noises = [torch.Generator().manual_seed(r.seed & (2**63 - 1)) for r in requests]
        noise = [torch.stack([torch.randn(frames, width, generator=g) for g in noises]) for width in (ROOT, BODY)]
        root, body = self.stages.denoise(told, (noise[0], noise[1]), start, level, steps)
        moved = told.observed[: len(root)]
        track = stand(features.place(root, body, self._rest), moved.path_on | moved.pelvis_on[..., 0])
        back = features.turned(track, cos, -sin, torch.zeros_like(shift))
        return features.turned(back, torch.ones_like(cos), torch.zeros_like(sin), -shift)

    def _start(self, requests: Sequence[WindowRequest]) -> tuple[Track | None, float]:
        """The rough clips of a batch as one track in the world, and how much noise they get."""
        given = [r.start for r in requests if r.start is not None]
        if not given:
            return None, 1.0
        strengths = {r.strength for r in requests}
        if len(given) < len(requests) or len(strengths) > 1:
            raise BadInput("edits of several strengths, or with and without a clip, in one batch; expected one kind")
        tracks = [features.of_clip(clip, self._rest) for clip in given]
        parts = {
            n: torch.stack([getattr(t, n) for t in tracks])
            for n in ("path", "heading", "pelvis", "rotations", "contacts")
        }
        return Track(**parts, rest_offsets=self._rest), max(0.02, strengths.pop())
