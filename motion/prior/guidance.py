"""Classifier-free guidance: a batch told everything, and beside it the same told less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from motion.prior.constraints import GUIDED, JOINTS
from motion.prior.network import Said
from motion.prior.observed import Observed

#: Noise level below which nothing is guided: there the answer is all but decided, and guidance only multiplies what a
#: network shakes by (as the limited interval of Kynkäänniemi et al. 2024).
GUIDED_ABOVE = 0.4


@dataclass(frozen=True)
class Guidance:
    """Weights of classifier-free guidance; 1 is none. Words and constraints are weighed apart (as Kimodo does)."""

    words: float = 2.5
    constraints: float = GUIDED


@dataclass(frozen=True)
class Told:
    """Words and constraints of a batch, and beside them, for guidance, the same with one of the two left out."""

    said: Said
    observed: Observed
    shares: tuple[float, ...]  # how much each copy of the batch counts

    @classmethod
    def of(cls, said: Said, observed: Observed, guidance: Guidance) -> Told:
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
        """A stage's clean motion under guidance (Ho and Salimans 2022, with x0 for ε), where there is noise enough."""
        rows = len(x)
        if len(self.shares) == 1 or float(time[0]) < GUIDED_ABOVE:  # the first copy is told everything
            return predict(
                x, time, *(_first(value, rows) for value in told), self.said[:rows], torch.ones(rows, JOINTS)
            )
        joints = torch.ones(rows * len(self.shares), JOINTS)
        clean = predict(self.repeat(x), self.repeat(time), *told, self.said, joints)
        shares = torch.tensor(self.shares)[:, None, None, None]
        return (clean.unflatten(0, (len(self.shares), -1)) * shares).sum(0)


def _first(value: Any, rows: int) -> Any:
    """The first rows of a tensor, of constraints, or of each in a tuple."""
    return tuple(_first(one, rows) for one in value) if isinstance(value, tuple) else value[:rows]
