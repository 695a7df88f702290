"""Gaps between known frames: where the keys are, and a first guess that leaves and meets them at their speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from motion.prior.poses import slerp, toward

#: Frames over which a key's own velocity gives way to the straight road to the next key (a third of a second).
SETTLE = 10.0


@dataclass(frozen=True)
class Gaps:
    """For every frame, the keys around it. A known frame is its own key on both sides; leading shape ``(B, T)``."""

    known: Tensor  # bool
    before: Tensor  # index of the last known frame at or before; the first known frame where there is none
    after: Tensor  # index of the first known frame at or after; the last known frame where there is none
    has_before: Tensor  # bool
    has_after: Tensor  # bool

    @property
    def since(self) -> Tensor:
        """Frames from the key before, float; 0 where there is none."""
        t = torch.arange(self.known.shape[1], device=self.known.device)
        return torch.where(self.has_before, t - self.before, 0).float()

    @property
    def until(self) -> Tensor:
        """Frames to the key after, float; 0 where there is none."""
        t = torch.arange(self.known.shape[1], device=self.known.device)
        return torch.where(self.has_after, self.after - t, 0).float()

    @property
    def nearest(self) -> Tensor:
        """Frames to the nearest key, float."""
        both = self.has_before & self.has_after
        return torch.where(both, torch.minimum(self.since, self.until), self.since + self.until)


def find(known: Tensor) -> Gaps:
    """The gaps of masks ``(B, T)`` bool; every row has at least one known frame."""
    frames = known.shape[1]
    t = torch.arange(frames, device=known.device).expand_as(known)
    before = torch.where(known, t, -1).cummax(1).values
    after = torch.where(known, t, frames).flip(1).cummin(1).values.flip(1)
    first, last = after[:, :1], before[:, -1:]
    return Gaps(
        known,
        torch.where(before >= 0, before, first),
        torch.where(after < frames, after, last),
        before >= 0,
        after < frames,
    )


def at(values: Tensor, index: Tensor) -> Tensor:
    """``values (B, T, …)`` at frames ``index (B, T)``."""
    rows = torch.arange(len(values), device=values.device)[:, None]
    return values[rows, index]


def gate(gaps: Gaps) -> Tensor:
    """``(B, T)``: 0 at keys and flat there, near 1 a few frames away: what is multiplied by it keeps keys exact."""
    square = gaps.nearest**2
    return square / (square + 2.0)


def straight(local: Tensor, root: Tensor, gaps: Gaps) -> tuple[Tensor, Tensor]:
    """The usual interpolation: slerp of local rotations ``(B, T, J, 4)``, a straight line for the root ``(B, T, 3)``.

    Poses are held before the first and after the last key. What lies at unknown frames is not looked at.
    """
    length = (gaps.after - gaps.before).clamp(min=1)
    share = gaps.since / length
    a = at(local, gaps.before)
    b = toward(at(local, gaps.after), a)
    x, y = at(root, gaps.before), at(root, gaps.after)
    return slerp(a, b, share[..., None].expand(a.shape[:-1])), x + share[..., None] * (y - x)


def guess(local: Tensor, root: Tensor, gaps: Gaps) -> tuple[Tensor, Tensor]:
    """`straight`, bent near the keys so that velocity goes on through them.

    A key beside known frames keeps the velocity it has there. A key alone between two gaps gets the one of Catmull and
    Rom, the mean of the roads to both sides weighted by the nearer. The bend is h(s) = s (1 - s / w)², a cubic
    Hermite tangent over w = `SETTLE` frames rather than the whole gap: over a second a velocity says little.
    """
    q = _bent(local, gaps, lambda a, b, t: slerp(a, b, t[..., None].expand(a.shape[:-1])), toward)
    p = _bent(root[:, :, None], gaps, lambda a, b, t: a + t[..., None, None] * (b - a), lambda b, a: b)
    return torch.nn.functional.normalize(q, dim=-1), p[:, :, 0]


Mix = Callable[[Tensor, Tensor, Tensor], Tensor]
Near = Callable[[Tensor, Tensor], Tensor]


def _bent(x: Tensor, gaps: Gaps, mix: Mix, near: Near) -> Tensor:
    known, frames = gaps.known, gaps.known.shape[1]
    i, j = gaps.before, gaps.after
    length = (j - i).clamp(min=1).float()
    a = at(x, i)
    b = near(at(x, j), a)
    base = mix(a, b, gaps.since / length)
    # Steps per frame along the straight road where it begins and where it ends.
    leave, arrive = mix(a, b, 1 / length) - a, b - mix(a, b, 1 - 1 / length)
    enter = _velocity(x, gaps, a, leave, length, i, -1, mix, near)
    goes_on = _velocity(x, gaps, b, arrive, length, j, +1, mix, near)
    inside = (gaps.has_before & gaps.has_after & ~known)[..., None, None]
    window = length.clamp(max=SETTLE)
    bend = _hermite(gaps.since, window) * (enter - leave) - _hermite(gaps.until, window) * (goes_on - arrive)
    # Open ends: the last velocity runs out.
    begun, ended = i.clamp(min=1), j.clamp(max=frames - 2) if frames > 1 else j
    out_after = (gaps.has_before & ~gaps.has_after & at(known, begun - 1) & (i > 0))[..., None, None]
    out_before = gaps.has_after & ~gaps.has_before & at(known, (ended + 1).clamp(max=frames - 1)) & (j < frames - 1)
    coast_after = _coast(gaps.since) * (a - near(at(x, begun - 1), a))
    coast_before = _coast(gaps.until) * (b - near(at(x, (ended + 1).clamp(max=frames - 1)), b))
    zero = torch.zeros_like(base)
    bend = torch.where(inside, bend, zero)
    bend = torch.where(out_after, coast_after, bend)
    return base + torch.where(out_before[..., None, None], coast_before, bend)


def _velocity(
    x: Tensor, gaps: Gaps, key: Tensor, road: Tensor, length: Tensor, index: Tensor, side: int, mix: Mix, near: Near
) -> Tensor:
    """Velocity per frame at keys ``index``, seen from the gap on their other side.

    ``side`` is -1 for the key before a gap and +1 for the key after one: where the key's other neighbour lies.
    """
    frames = gaps.known.shape[1]
    beside = (index + side).clamp(0, frames - 1)
    exists = (index + side >= 0) & (index + side < frames)
    neighbour_known = at(gaps.known, beside) & exists
    far = at(gaps.before if side < 0 else gaps.after, beside)
    has_far = at(gaps.has_before if side < 0 else gaps.has_after, beside) & exists
    other_length = (far - index).abs().clamp(min=1).float()
    other = near(at(x, far), key)
    # From the key towards the far one, turned so that it runs with time. A known neighbour is a far key one frame away.
    step = (mix(key, other, 1 / other_length) - key) * (1.0 if side > 0 else -1.0)
    weight = torch.where(neighbour_known, torch.ones_like(length), length / (length + other_length))[..., None, None]
    return torch.where(has_far[..., None, None], weight * step + (1 - weight) * road, road)


def _hermite(s: Tensor, window: Tensor) -> Tensor:
    return (s * (1 - s / window).clamp(min=0) ** 2)[..., None, None]


def _coast(s: Tensor) -> Tensor:
    return (SETTLE / 3 * (1 - (1 - s / SETTLE).clamp(min=0) ** 3))[..., None, None]
