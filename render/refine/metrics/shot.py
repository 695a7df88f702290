"""`ShotMeter`: all figures of one shot, frame by frame, in the memory of a few pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from motion.errors import BadInput
from render.frame import Flow
from render.refine.metrics import check, colour, learned, picture, spectrum, structure, temporal
from render.tonemap import shown


@dataclass(frozen=True)
class ShotScores:
    """One shot's figures, means over frames; NaN where nothing could be measured, infinite PSNR for equal pictures."""

    frames: int
    psnr_db: float
    ssim: float
    ms_ssim: float
    flip: float
    spectrum_db: float  # distance of power spectra
    fine_db: float  # signed, of the finer half; below 0: over-smoothed
    lpips: float | None  # None: no weights on this machine
    temporal_psnr_db: float
    temporal_error: float  # root of the mean over frames of squares; display-encoded units
    warping_excess: float  # E_warp of the output less the reference's
    flicker_excess: float  # of a static shot; NaN of others
    drift_delta_e: float  # of a static shot, first and last second; NaN of others and of those under two seconds


class ShotMeter:
    """Takes a shot's frames in order and says how near they come to the reference.

    Args:
        frames: how many will come.
        fps: frames per second, for the first and last second.
        static: camera and subject stand still: flicker and colour drift are measured.
        every: FLIP, structure, spectrum and LPIPS are measured on every so many frames; all else on all.
        curve: tone curve of all figures.
        exposure: stops, of all figures.

    Raises:
        BadInput: no frames, or ``every`` under 1.

    Example:
        >>> meter = ShotMeter(len(frames), 24)  # doctest: +SKIP
        >>> for frame in frames:  # doctest: +SKIP
        ...     back = frame.flow_to(frame.index - 1) if meter.count else None
        ...     meter.add(refined[frame.index], reference[frame.index], frame.depth > 0, back, frame=frame.index)
        >>> meter.scores().psnr_db  # doctest: +SKIP
    """

    def __init__(
        self,
        frames: int,
        fps: Fraction | float,
        *,
        static: bool = False,
        every: int = 1,
        curve: str = check.CURVE,
        exposure: float = check.EXPOSURE,
    ) -> None:
        if frames < 1 or every < 1:
            raise BadInput(f"shot meter: {frames} frames, every {every}; expected at least 1 of each")
        self.count = 0
        self._frames, self._static, self._every = frames, static, every
        self._curve, self._exposure = curve, exposure
        self._second = max(1, round(float(fps)))
        self._found: dict[str, list[float]] = {}
        self._no_lpips = False
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._ends: list[np.ndarray] = []  # sums of the pictures of the first and the last second
        self._still: np.ndarray | None = None  # masked in every frame

    def add(
        self,
        output: np.ndarray,
        reference: np.ndarray,
        mask: np.ndarray | None = None,
        back: Flow | None = None,
        *,
        frame: int | None = None,
    ) -> None:
        """Take the next frame.

        Args:
            output: ``(H, W, 3)`` linear light.
            reference: ``(H, W, 3)`` linear light.
            mask: ``(H, W)`` bool, surfaces; None: everything.
            back: flow to the frame before and what is occluded there (`Frame.flow_to`); None: no temporal figures.
            frame: its number, for errors.

        Raises:
            BadInput: arrays that do not fit, or light that is not finite where it counts.
        """
        frame = self.count if frame is None else frame
        if self.count >= self._frames:
            raise BadInput(f"frame {frame}: the shot meter was made for {self._frames} frames")
        light, true_light, mask = check.pair(output, reference, mask, frame)
        now, true = (shown(v, self._curve, self._exposure) for v in (light, true_light))
        self._note("psnr_db", picture.psnr(now, true, mask, frame=frame))
        if self.count % self._every == 0:
            self._still_figures(now, true, mask, frame)
        if self._before is not None:
            before, true_before = self._before
            ours, theirs = (now, before), (true, true_before)
            self._note("temporal_psnr_db", temporal.temporal_psnr(ours, theirs, mask, frame=frame))
            if back is not None:
                error = temporal.temporal_error(ours, theirs, *back, mask, frame=frame)
                self._note("temporal_square", error**2)
                excess = temporal.warping_error(ours, *back, mask, frame=frame)
                excess -= temporal.warping_error(theirs, *back, mask, frame=frame)
                self._note("warping_excess", excess)
            if self._static:
                self._note("flicker_excess", temporal.flicker(ours, theirs, mask, frame=frame))
        self._keep_ends(now, mask)
        self._before = now, true
        self.count += 1

    def scores(self) -> ShotScores:
        """The figures of what was taken so far.

        Raises:
            BadInput: no frame was taken.
        """
        if not self.count:
            raise BadInput("shot meter: no frames were taken")
        return ShotScores(
            self.count, self._mean("psnr_db"), self._mean("ssim"), self._mean("ms_ssim"), self._mean("flip"),
            self._mean("spectrum_db"), self._mean("fine_db"), None if self._no_lpips else self._mean("lpips"),
            self._mean("temporal_psnr_db"), float(np.sqrt(self._mean("temporal_square"))),
            self._mean("warping_excess"), self._mean("flicker_excess"), self._drift(),
        )  # fmt: skip

    def _still_figures(self, now: np.ndarray, true: np.ndarray, mask: np.ndarray, frame: int) -> None:
        self._note("ssim", structure.ssim(now, true, mask, frame=frame))
        self._note("ms_ssim", structure.ms_ssim(now, true, mask, frame=frame))
        self._note("flip", picture.flip(now, true, mask, frame=frame))
        spectra = spectrum.spectrum(now, true, mask, frame=frame)
        self._note("spectrum_db", spectra.error_db)
        self._note("fine_db", spectra.fine_db)
        value = None if self._no_lpips else learned.lpips(now, true, mask, frame=frame)
        if value is None:
            self._no_lpips = True
        else:
            self._note("lpips", value)

    def _note(self, name: str, value: float) -> None:
        if not np.isnan(value):  # a frame without surfaces says nothing about its shot
            self._found.setdefault(name, []).append(value)

    def _mean(self, name: str) -> float:
        return float(np.mean(self._found[name])) if name in self._found else float("nan")

    def _keep_ends(self, now: np.ndarray, mask: np.ndarray) -> None:
        if not self._static or self._frames < 2 * self._second:
            return
        if self._still is None:
            self._still = np.ones_like(mask)
            self._ends = [np.zeros(now.shape), np.zeros(now.shape)]
        self._still &= mask
        if self.count < self._second:
            self._ends[0] += now
        if self.count >= self._frames - self._second:
            self._ends[1] += now

    def _drift(self) -> float:
        if self._still is None or self.count < self._frames:
            return float("nan")
        first, last = (total / self._second for total in self._ends)
        return colour.delta_e(last, first, self._still)
