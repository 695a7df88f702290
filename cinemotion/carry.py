"""`carried`: a clip from one body of SMPL-24 to another, the way scaled by the legs, planted feet kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.clip import Clip


def carried(clip: Clip, rest_offsets: np.ndarray) -> Clip:
    """The clip on another body.

    Args:
        clip: any performance.
        rest_offsets: ``(24, 3)`` metres, of the body that shall perform it.
    """
    from motion import contacts
    from motion.retarget import clip_to_take, retarget
    from motion.retarget.proportions import leg_length

    # The floor is at 0 already; looking for it again in a short piece, a jump perhaps, might find another.
    made, _ = retarget(clip_to_take(clip), rest_offsets=rest_offsets, ground=False)
    ratio = leg_length(np.asarray(rest_offsets)) / leg_length(clip.rest_offsets)
    ankles = [float(contacts.sole_heights(offsets)[:, 0].mean()) for offsets in (clip.rest_offsets, rest_offsets)]
    lifted = made.root_position + np.array([0.0, ankles[1] - ratio * ankles[0], 0.0])
    return replace(made, root_position=lifted, valid=clip.valid, contacts=clip.contacts, provenance=clip.provenance)
