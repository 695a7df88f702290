"""`between_keys`: a request of key poses alone, answered at once by the in-betweener: one pass, nothing sampled."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import constrain, keyframes
from motion.prior.constraints import JOINTS
from motion.prior.inbetween import InBetweener
from motion.prior.request import Keys, Report, Request, Result, Span, check_seconds

#: What reports call this way of making motion.
ROAD = "in-betweener"


def between_keys(request: Request, maker: InBetweener) -> Result:
    """Motion through the request's keys, on their skeleton; its words, seed and the rest are not looked at.

    Keys without a place stand on one spot, each with its lowest foot on the floor; the report says so.

    Raises:
        BadInput: no keys, a key of some joints only, keys outside the clip or too far apart to travel between.
    """
    keys, rate = request.keys, request.fps or Fraction(FPS)
    if keys is None:
        raise BadInput("keys: none; the in-betweener needs poses to go between")
    _whole(keys)
    rest = maker.rest_offsets if keys.rest_offsets is None else keys.rest_offsets
    seconds = float(keys.times[-1] + 1 / rate) if request.seconds is None else request.seconds
    check_seconds(seconds, "the last key")
    frames, fps = round(seconds * rate), float(rate)
    if frames < 2:
        raise BadInput("seconds: the only key is at 0 s; say for how long it is held")
    at = keyframes.frames_of(keys, frames, fps)
    poses = keyframes.poses(keys, rest)
    stops = [(frame / fps, constrain.pick(poses, [k])) for k, frame in enumerate(at)]
    clip = maker.between(stops, (frames - 1) / fps, rate)
    notes = clip.provenance.notes
    if keys.root_position is None:
        notes = (*notes, "keys without a place: all stand on one spot, their lowest foot on the floor")
    made = replace(maker.card.provenance(), licence=clip.provenance.licence, notes=notes)
    span = Span(0.0, clip.seconds, "", ROAD)
    report = Report((span,), key_error_m=keyframes.error(keys, at, clip, rest), notes=notes)
    return Result(replace(clip, provenance=made), report)


def _whole(keys: Keys) -> None:
    """Refuse keys of some joints: nothing but the words would say what the others do."""
    if keys.joints is None or keys.joints[:, :JOINTS].all():
        return
    k = int(np.argmin(keys.joints[:, :JOINTS].all(1)))
    held = int(keys.joints[k].sum())
    raise BadInput(f"{keys.name(k)}: holds {held} of 24 joints; the in-betweener goes between whole poses alone")
