"""`Prior`: trained weights that answer windows of motion, root first, then body."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import features
from motion.prior.diffusion import ddim, mix
from motion.prior.features import BODY, ROOT, Track
from motion.prior.network import Said, Size, plan_tokens
from motion.prior.observed import Observed
from motion.prior.request import WindowRequest
from motion.prior.stages import Sizes, TwoStages, guide
from motion.prior.weights import Card
from motion.prior.words import Words


@dataclass(frozen=True)
class Guidance:
    """Weights of classifier-free guidance; 1 is none. Words and constraints are weighed apart (as Kimodo does)."""

    words: float = 2.5
    constraints: float = 1.0


class Prior:
    """A trained prior.

    Args:
        stages: the networks, in evaluation mode.
        rest_offsets: ``(24, 3)`` metres, the skeleton it learned on.
        card: what the weights are.
        words: the sentence encoder; None: the packaged one, loaded when words come.
    """

    def __init__(self, stages: TwoStages, rest_offsets: np.ndarray, card: Card, words: Words | None = None) -> None:
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

        tensors, card = weights.load(weights.find(path, "prior"), "prior")
        sizes = Sizes(**{stage: Size(**card.config["sizes"][stage]) for stage in ("root", "body")})
        stages = TwoStages(sizes)
        offsets = tensors.pop("rest_offsets")
        try:
            stages.load_state_dict({name: torch.as_tensor(value).float() for name, value in tensors.items()})
        except RuntimeError as error:
            raise BadInput(
                f"{path}: tensors do not fit the card's sizes ({str(error).splitlines()[1].strip()})"
            ) from None
        return cls(stages, np.asarray(offsets), card, words)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the weights as float16 with their card."""
        from motion.prior import weights

        tensors = {name: value.detach() for name, value in self.stages.state_dict().items()}
        weights.save(path, {**tensors, "rest_offsets": self._rest}, self.card)

    def sample(
        self, requests: Sequence[WindowRequest], *, steps: int = 8, guidance: float = 2.5,
        constraint_guidance: float = 1.0, use_plan: bool = True, use_words: bool = True,
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
        rows, frames = len(requests), requests[0].frames
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
        told = _Told.of(self.said(requests, use_plan, use_words), observed.moved(shift, cos, sin), guidance)
        noises = [torch.Generator().manual_seed(r.seed & (2**63 - 1)) for r in requests]

        def noised(columns: int, clean: Tensor | None) -> Tensor:
            drawn = torch.stack([torch.randn(frames, columns, generator=g) for g in noises])
            return drawn if clean is None else mix(clean, drawn, torch.full((rows,), level))

        root_stage, body_stage = self.stages.root, self.stages.body
        rough = None if start is None else root_stage.scale.normal(features.root_features(start))
        noisy = noised(ROOT, rough)
        clean = ddim(lambda x, t: told.ask(x, t, root_stage.clean, told.observed), noisy, steps, level)
        root = settle(root_stage.scale.metric(clean))
        seen = told.observed.for_body(told.repeat(root[..., :2]), told.repeat(root[..., 3:5]))
        led = told.repeat(body_stage.guide_scale.normal(guide(root)))
        rough = None if start is None else body_stage.scale.normal(features.body_features(start))
        noisy = noised(BODY, rough)
        clean = ddim(lambda x, t: told.ask(x, t, body_stage.clean, led, seen), noisy, steps, level)
        track = features.place(root, body_stage.scale.metric(clean), self._rest)
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


@dataclass(frozen=True)
class _Told:
    """Words and constraints of a batch, and beside them, for guidance, the same with one of the two left out."""

    said: Said
    observed: Observed
    shares: tuple[float, ...]  # how much each copy of the batch counts

    @classmethod
    def of(cls, said: Said, observed: Observed, guidance: Guidance) -> _Told:
        rows = len(said.plan)
        words, held = guidance.words - 1, guidance.constraints - 1
        if not (said.mask.any() or (said.plan > 0).any()):
            words = 0.0
        if not (
            observed.path_on
            | observed.pelvis_on.any(-1)
            | observed.rotations_on.any(-1)
            | observed.positions_on.any(-1)
        ).any():
            held = 0.0
        none, all_ = torch.zeros(rows, dtype=torch.bool), torch.ones(rows, dtype=torch.bool)
        kinds = [(1 + words + held, none, none), (-words, all_, none), (-held, none, all_)]
        kinds = [kind for kind in kinds if kind[0] != 0]
        quiet = torch.cat([k[1] for k in kinds])
        index = torch.arange(rows).repeat(len(kinds))
        return cls(
            said[index].without(quiet, quiet),
            observed[index].nothing(torch.cat([k[2] for k in kinds])),
            tuple(k[0] for k in kinds),
        )

    def repeat(self, x: Tensor) -> Tensor:
        """One copy of the batch's tensor for each share."""
        return x.repeat(len(self.shares), *([1] * (x.ndim - 1)))

    def ask(self, x: Tensor, time: Tensor, predict: Callable[..., Tensor], *told: Any) -> Tensor:
        """A stage's clean motion under guidance (Ho and Salimans 2022, with x0 for ε)."""
        joints = torch.ones(len(x) * len(self.shares), features.JOINTS)
        clean = predict(self.repeat(x), self.repeat(time), *told, self.said, joints)
        shares = torch.tensor(self.shares)[:, None, None, None]
        return (clean.unflatten(0, (len(self.shares), -1)) * shares).sum(0)


#: How much the predicted steps of a path count against its predicted places: steps are known to millimetres, places to
#: centimetres, and a path that jitters makes feet slide.
_STEPS = 100.0


def settle(root: Tensor) -> Tensor:
    """One smooth path and heading from places and velocities that were predicted apart, by least squares.

    Args:
        root: ``(B, T, ROOT)``.

    Returns:
        The same shape; velocity and yaw rate are those of the path and heading.
    """
    yaw = np.unwrap(torch.atan2(root[..., 4], root[..., 3]).double().numpy(), axis=1)
    places = np.concatenate([root[..., :2].double().numpy(), yaw[..., None]], -1)  # (B, T, 3)
    steps = root[..., 5:8].double().numpy()[:, :-1] / FPS
    frames = places.shape[1]
    diagonal = np.full(frames, 1 + 2 * _STEPS)
    diagonal[[0, -1]] = 1 + _STEPS
    band = np.stack([diagonal, np.full(frames, -_STEPS)])
    right = places.copy()
    right[:, 1:] += _STEPS * steps
    right[:, :-1] -= _STEPS * steps
    flat = right.transpose(1, 0, 2).reshape(frames, -1)
    solved = solveh_banded(band, flat, lower=True).reshape(frames, len(places), 3).transpose(1, 0, 2)
    fixed = torch.as_tensor(solved, dtype=root.dtype)
    velocity = torch.diff(fixed, dim=1) * FPS
    velocity = torch.cat([velocity, velocity[:, -1:]], 1)
    angle = fixed[..., 2]
    return torch.cat([fixed[..., :2], root[..., 2:3], angle.cos()[..., None], angle.sin()[..., None], velocity], -1)
