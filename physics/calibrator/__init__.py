"""The calibrator: a small network that learned to undo faults planted in captures, without a simulator.

    calibrator = Calibrator.load()
    clip = calibrator(clip)

`calibrate` applies it; `features` is what it sees, `network` what it is, `distort` the faults that it learns from,
`task` its training. After DMC (arXiv 2602.18199), without words. It needs torch.
"""

from physics.calibrator.calibrate import Calibration, Calibrator

__all__ = ["Calibration", "Calibrator"]
