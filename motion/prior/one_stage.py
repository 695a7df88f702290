"""The prior as one network, root and body at once: what two stages are compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motion.prior.batches import Batch
from motion.prior.diffusion import ddim, mix
from motion.prior.features import BODY, ROOT, Track, body_features, root_features
from motion.prior.guidance import Told
from motion.prior.network import Said, Size, Transformer
from motion.prior.observed import BODY_FLAGS, ROOT_FLAGS, ROOT_VALUES, Observed
from motion.prior.settling import calm, settle
from motion.prior.stages import (
    Chance,
    Losses,
    Scale,
    body_terms,
    columns_of,
    course_of,
    measure,
    noised,
    root_input,
    root_terms,
)  # fmt: skip

Seen = tuple[Tensor, Tensor, Tensor]


#: As many parameters as both stages together, by the names of `motion.prior.stages.SIZES`.
SIZES: dict[str, Size] = {"tiny": Size(32, 2, 2), "cpu": Size(288, 6, 8), "gpu": Size(288, 8, 8)}


class OneStage(nn.Module):
    """Root and body from one transformer, as large as both stages together.

    What is observed of the body is told in the frame of the root; sampling uses the root of the step before.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.root_scale, self.body_scale = Scale(ROOT), Scale(BODY)
        into = ROOT + BODY + ROOT_VALUES + ROOT_FLAGS + BODY_FLAGS
        self.network = Transformer(size, into, ROOT + BODY)

    def measure(self, batches: list[Batch]) -> None:
        """Set means and spreads, as `TwoStages.measure`."""
        measure(batches, self.root_scale, self.body_scale)

    def clean(self, noisy: Tensor, time: Tensor, observed: Observed, seen: Seen, said: Said, joints: Tensor) -> Tensor:
        """Normalised root and body ``(B, T, ROOT + BODY)`` from noisy ones."""
        values, on, flags = seen
        body = torch.where(on, self.body_scale.normal(values), noisy[..., ROOT:])
        root = root_input(self.root_scale, noisy[..., :ROOT], time, observed)
        # The network lets its first columns pass: what is denoised comes first.
        x = torch.cat([root[..., :ROOT], body, root[..., ROOT:], flags], -1)
        answer = self.network(x, time, said, joints)
        return torch.cat([answer[..., :ROOT] + course_of(self.root_scale, observed), answer[..., ROOT:]], -1)

    def loss(
        self, track: Track, observed: Observed, said: Said, joints: Tensor, chance: Chance, weights: Losses
    ) -> dict[str, Tensor]:
        """Terms of the loss, each ``(B,)``: those of both stages."""
        had = columns_of(joints)[:, None]
        root = self.root_scale.normal(root_features(track))
        body = self.body_scale.normal(body_features(track)) * had
        noisy_body = mix(body, chance.body_noise, chance.time) * had
        noisy = torch.cat([mix(root, chance.root_noise, chance.time), noisy_body], -1)
        seen = observed.for_body(track.path, track.heading)
        predicted = self.clean(noisy, chance.time, observed, seen, said, joints)
        return {
            **root_terms(self.root_scale, predicted[..., :ROOT], track, observed, chance.time, weights),
            **body_terms(self.body_scale, predicted[..., ROOT:], track, joints, chance.time, weights),
        }

    def denoise(
        self, told: Told, noise: tuple[Tensor, Tensor], start: Track | None, level: float, steps: int
    ) -> tuple[Tensor, Tensor]:
        """As `TwoStages.denoise`."""
        rough = None
        if start is not None:
            root, body = self.root_scale.normal(root_features(start)), self.body_scale.normal(body_features(start))
            rough = torch.cat([root, body], -1)
        blind = told.observed.nothing(torch.ones(len(told.observed.path), dtype=torch.bool))
        known: list[Tensor] = []

        def predict(x: Tensor, time: Tensor) -> Tensor:
            for first in (True, False) if not known else (False,):
                root = self.root_scale.metric(x[..., :ROOT]) if first else known[0]
                held = blind if first else told.observed
                seen = held.for_body(told.repeat(root[..., :2]), told.repeat(root[..., 3:5]))
                clean = told.ask(x, time, self.clean, told.observed, seen)
                known[:] = [settle(self.root_scale.metric(clean[..., :ROOT]))]
            return clean

        clean = ddim(predict, noised(rough, torch.cat(noise, -1), level), steps, level)
        held = told.observed[: len(clean)].posed()
        return known[0], calm(self.body_scale.metric(clean[..., ROOT:]), held)
