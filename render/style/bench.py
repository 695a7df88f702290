"""How steady a style is in time: warped residuals of its pictures along exact flow, beside the plain film's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from motion.errors import BadInput
from render.frame import Frame
from render.style.stylist import Stylist, reduced


@dataclass(frozen=True)
class Steadiness:
    """Root mean square of what changes on surface points that stay in sight, display values 0 to 1."""

    styled: float  # of the styled film
    plain: float  # of the plain one: light changes there too
    frozen: float  # of the styled film with the texture stuck to the screen: the frame before, moved nowhere

    @property
    def ratio(self) -> float:
        """The styled film's share of the plain one's."""
        return self.styled / max(self.plain, 1e-9)


def steadiness(stylist: Stylist, frames: Iterable[Frame]) -> Steadiness:
    """Measure a style over consecutive frames of one shot or several; pairs across a cut do not count.

    The residual of a pair is ``x_t − warp(x_{t−1})``, along exact flow, where the point is seen in both
    (`render.refine.metrics.temporal.warping_error`; Lai et al. 2018, with the renderer's own flow).

    Args:
        stylist: whose pictures.
        frames: at its ``frame_size`` with its passes, consecutive, from a rasterizer that is open.

    Raises:
        BadInput: fewer than two frames of one shot.
    """
    from render.refine.metrics.temporal import warping_error

    before: tuple[int, np.ndarray, np.ndarray] | None = None
    sums, count = np.zeros(3), 0
    n = stylist.detail
    for frame in frames:
        assert frame.display is not None
        picture = stylist.picture(frame).astype(np.float32) / 255.0
        plain = reduced(frame.display.astype(np.float32) / 255.0, n)
        if before is not None and before[0] == frame.index - 1 and _one_shot(stylist, frame.index):
            flow, occluded = frame.flow_to(before[0])
            flow, occluded = flow[n // 2 :: n, n // 2 :: n] / n, occluded[n // 2 :: n, n // 2 :: n]
            if not occluded.all():
                pairs = ((picture, before[1]), (plain, before[2]))
                errors = [warping_error(pair, flow, occluded, frame=frame.index) for pair in pairs]
                errors.append(warping_error(pairs[0], np.zeros_like(flow), occluded, frame=frame.index))
                sums += errors  # mean squares
                count += 1
        before = (frame.index, picture, plain)
    if count == 0:
        raise BadInput("style bench: expected at least two consecutive frames of one shot")
    return Steadiness(*(float(v) for v in np.sqrt(sums / count)))


def _one_shot(stylist: Stylist, index: int) -> bool:
    return not bool(stylist.camera.cuts[index])
