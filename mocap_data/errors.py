"""The one error of this package that a caller acts on: the file format has a fixed skeleton, so retarget first."""

from __future__ import annotations

from motion.errors import BadInput


class NeedsRetarget(BadInput):
    """The format holds one skeleton only and the take has another.

    ``skeleton`` names the one it holds ("smpl"); `cinemotion convert` retargets to it and saves again.
    """

    def __init__(self, text: str, skeleton: str) -> None:
        super().__init__(text)
        self.skeleton = skeleton
