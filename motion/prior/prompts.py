"""Prompts in free wording, frozen before any model was tuned, and the geometry that judges what was made of them.

`PROMPTS` lie in ``motion/assets/prompts.json``. A check looks at joints alone; its thresholds were set on captured
motion whose file name says what is done, and never on anything that a model made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from motion import contacts, edit, skeleton
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.prior import metrics
from motion.rotations import Array

FILE = Path(__file__).resolve().parent.parent / "assets" / "prompts.json"
#: Seeds that every prompt is made with; the first sample of each counts, nothing is picked.
SEEDS = 8
#: Checks that tell a side, a direction, or one hand from both: what the headline figure counts.
SIDED: tuple[str, ...] = ("hand_up", "wave", "travel", "turn", "each_hand_up")

_I = skeleton.INDEX
#: A wrist is up when it is higher than this above its shoulder, in arm lengths (tired people do not lift it all the
#: way; a hanging arm is at -1), and down when it stays lower than the second.
UP, DOWN = -0.15, -0.35
#: Of one raised hand, the other must stay this much lower, in arm lengths.
APART = 0.4
SWING_M = 0.025  # a hand waves when it swings by this much …
SWINGS = 2  # … and turns back at least so often while the forearm points up
SETTLE_S = 0.2  # what happens this near to the lifting and lowering of the forearm is no swing


@dataclass(frozen=True)
class Prompt:
    """One sentence as a user would write it, and what must be seen."""

    text: str
    seconds: float
    checks: tuple[Mapping[str, Any], ...]

    @property
    def sided(self) -> bool:
        """Whether a side, a direction or one hand or both is asked."""
        return any(check["check"] in SIDED for check in self.checks)


@dataclass(frozen=True)
class Verdict:
    """What was seen of one result."""

    passed: tuple[bool, ...]  # one for each check
    sided: bool  # every check in `SIDED` passed
    whole: bool  # every check passed


@dataclass(frozen=True)
class Score:
    """How often results were right, over all prompts and seeds."""

    sided: metrics.Estimate  # of results for prompts that ask a side, direction, one or both hands; Wilson
    whole: metrics.Estimate  # of all results; Wilson
    sided_prompts: metrics.Estimate  # the same shares; bootstrap over prompts, whose seeds are not independent
    whole_prompts: metrics.Estimate
    kinds: dict[str, metrics.Estimate] = field(default_factory=dict)  # by name of the check; Wilson
    worst: tuple[tuple[str, float], ...] = ()  # prompts with the smallest share of right results


class Body:
    """A clip seen as geometry: joints, facing, travel. Computed once, asked by many checks."""

    def __init__(self, clip: Clip) -> None:
        self.fps = float(clip.fps)
        self.p: Array = clip.positions()
        self.feet: Array = contacts.foot_points(clip)
        self.yaw: Array = np.unwrap(edit.heading(clip))
        self.arm = float(np.linalg.norm(clip.rest_offsets[[_I["left_elbow"], _I["left_wrist"]]], axis=-1).sum())
        self.size = contacts.size_of(clip.rest_offsets)
        self.rest_height = float(contacts.sole_heights(clip.rest_offsets)[0, 0] + self.size * contacts.ADULT_LEG_M)
        width = max(1, round(0.4 * self.fps))
        self.path = _smooth(self.p[:, 0][:, [0, 2]], width)
        velocity = np.gradient(self.path, axis=0) * self.fps if len(self.path) > 1 else np.zeros_like(self.path)
        self.speed: Array = np.linalg.norm(velocity, axis=-1)
        yaw = _smooth(self.yaw[:, None], width)[:, 0]
        self.ahead = velocity[:, 0] * np.sin(yaw) + velocity[:, 1] * np.cos(yaw)  # m/s along the facing
        self.leftward = velocity[:, 0] * np.cos(yaw) - velocity[:, 1] * np.sin(yaw)

    def joint(self, name: str) -> Array:
        """``(T, 3)`` metres."""
        return self.p[:, _I[name]]

    def lift(self, side: str) -> Array:
        """Height of a wrist above its shoulder ``(T,)``, in arm lengths."""
        return (self.joint(f"{side}_wrist")[:, 1] - self.joint(f"{side}_shoulder")[:, 1]) / self.arm

    def highest(self, side: str) -> float:
        """Where a wrist is for the best fifth of a second, in arm lengths above the shoulder."""
        return _held(self.lift(side), round(0.2 * self.fps))

    def tilt(self) -> Array:
        """Angle of the trunk from the vertical ``(T,)``, degrees."""
        trunk = self.joint("neck") - self.joint("pelvis")
        return np.degrees(np.arctan2(np.hypot(trunk[:, 0], trunk[:, 2]), trunk[:, 1]))

    def clear(self) -> Array:
        """Height of the lowest point of both soles over the floor ``(T,)``, metres."""
        return self.feet[:, :, 1].min(1)


def _smooth(values: Array, width: int) -> Array:
    """Running mean over ``width`` rows; the ends are means of what is there."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    at = np.arange(len(values))
    low, high = np.maximum(at - width // 2, 0), np.minimum(at + width // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)[:, None]


def _held(values: Array, frames: int) -> float:
    """The highest level that is kept for so many frames in all."""
    return float(np.sort(values)[-min(max(frames, 1), len(values))])


def _runs(on: np.ndarray) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[False], on, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


# ---- checks: each takes a `Body` and the check's own arguments


def hand_up(body: Body, side: str) -> bool:
    """The named hand is raised and the other is not; "both": both are, at the same time."""
    if side == "both":
        return _held(np.minimum(body.lift("left"), body.lift("right")), round(0.2 * body.fps)) > UP
    other = "right" if side == "left" else "left"
    return body.highest(side) > UP and body.highest(other) < body.highest(side) - APART


def swings(body: Body, side: str) -> int:
    """How often a raised hand turns back."""
    from scipy.signal import find_peaks

    offset = body.joint(f"{side}_wrist") - body.joint(f"{side}_shoulder")
    left = np.stack([np.cos(body.yaw), np.zeros_like(body.yaw), -np.sin(body.yaw)], -1)
    ahead = np.stack([np.sin(body.yaw), np.zeros_like(body.yaw), np.cos(body.yaw)], -1)
    local = np.stack([(offset * left).sum(1), offset[:, 1], (offset * ahead).sum(1)], -1)
    best = 0
    for start, stop in _runs(body.joint(f"{side}_wrist")[:, 1] > body.joint(f"{side}_elbow")[:, 1]):
        start, stop = start + round(SETTLE_S * body.fps), stop - round(SETTLE_S * body.fps)
        if stop - start < round(0.5 * body.fps):
            continue
        part = local[start:stop] - _smooth(local[start:stop], round(1.2 * body.fps))
        axis = np.linalg.svd(part - part.mean(0), full_matrices=False)[2][0]
        along = _smooth((part @ axis)[:, None], 3)[:, 0]
        turns = sum(len(find_peaks(sign * along, prominence=SWING_M)[0]) for sign in (1, -1))
        best = max(best, turns)
    return best


def wave(body: Body, side: str) -> bool:
    """The named hand is raised and swings to and fro, and the other stays down; "both": both do."""
    sides = ("left", "right") if side == "both" else (side,)
    return hand_up(body, side) and all(swings(body, s) >= SWINGS for s in sides)


def any_wave(body: Body) -> bool:
    """Some hand is raised and swings."""
    return any(body.highest(s) > 2 * UP and swings(body, s) >= SWINGS for s in ("left", "right"))


def each_hand_up(body: Body) -> bool:
    """Each hand is raised, the left one first, and not both at once all the time."""
    left, right = (body.lift(s) > UP for s in ("left", "right"))
    need = round(0.2 * body.fps)
    alone = (left & (body.lift("right") < DOWN)), (right & (body.lift("left") < DOWN))
    if alone[0].sum() < need or alone[1].sum() < need:
        return False
    return int(np.argmax(left)) < int(np.argmax(right))


def hands_down(body: Body) -> bool:
    """Neither hand is raised above the head."""
    return max(body.highest("left"), body.highest("right")) < 0.4


def travel(body: Body, way: str) -> bool:
    """The body goes this way as it faces itself, judged while it goes at all."""
    going = body.speed > 0.15
    if going.sum() < round(0.5 * body.fps):
        return False
    ahead, left = float(body.ahead[going].sum()) / body.fps, float(body.leftward[going].sum()) / body.fps
    if way == "forward":
        return ahead > 0.3 and ahead > abs(left)
    if way == "backward":
        return ahead < -0.3 and -ahead > abs(left)
    # Captured side walks are oblique: the performers cross their own facing at 10 to 45 degrees.
    aside = left if way == "left" else -left
    return aside > 0.4 and aside > 0.16 * abs(ahead)


def turn(body: Body, degrees: Sequence[float]) -> bool:
    """The facing changes by so much in all; to the left is positive."""
    k = max(1, min(round(0.2 * body.fps), len(body.yaw) // 4))
    turned = float(np.degrees(body.yaw[-k:].mean() - body.yaw[:k].mean()))
    return degrees[0] <= turned <= degrees[1]


def spin(body: Body, degrees: float) -> bool:
    """The body turns about itself by so much in either sense."""
    return float(np.degrees(np.ptp(body.yaw))) >= degrees


def speed(body: Body, between: Sequence[float]) -> bool:
    """The speed over the floor while it goes fast (80th percentile), m/s."""
    return between[0] <= float(np.percentile(body.speed, 80)) <= between[1]


def distance(body: Body, between: Sequence[float]) -> bool:
    """From the first place to the last, metres over the floor."""
    return between[0] <= float(np.linalg.norm(body.path[-1] - body.path[0])) <= between[1]


def stays(body: Body, within: float) -> bool:
    """Never farther than this from where it began, metres."""
    return float(np.linalg.norm(body.path - body.path[0], axis=-1).max()) <= within


def stops(body: Body) -> bool:
    """It goes, and stands at the end."""
    return float(body.speed.max()) > 0.5 and float(body.speed[-max(1, round(0.3 * body.fps)) :].mean()) < 0.3


def jump(body: Body, times: Sequence[int]) -> bool:
    """Both feet leave the floor together and the pelvis rises, so many times."""
    flights = 0
    for start, stop in _runs(body.clear() > 0.04):
        long_enough = stop - start >= round(0.12 * body.fps)
        near = body.p[max(0, start - round(0.7 * body.fps)) : stop + round(0.7 * body.fps), 0, 1]
        flights += bool(
            long_enough and body.clear()[start:stop].max() > 0.10 and body.p[start:stop, 0, 1].max() - near.min() > 0.2
        )
    return times[0] <= flights <= times[1]


def bow(body: Body) -> bool:
    """The trunk bends to the front by more than 20 degrees and comes up again, feet on the floor."""
    trunk = body.joint("neck") - body.joint("pelvis")
    front = np.degrees(np.arctan2(trunk[:, 0] * np.sin(body.yaw) + trunk[:, 2] * np.cos(body.yaw), trunk[:, 1]))
    deepest = int(np.argmax(front))
    return bool(front[deepest] - np.median(front) > 12 and front[deepest] > 20 and front[deepest:].min() < 15)


def punch(body: Body) -> bool:
    """A fist goes far out to the front, fast."""
    for side in ("left", "right"):
        offset = body.joint(f"{side}_wrist") - body.joint(f"{side}_shoulder")
        out = np.linalg.norm(offset[:, [0, 2]], axis=-1) / body.arm
        rate = np.gradient(np.linalg.norm(offset, axis=-1)) * body.fps
        level = offset[:, 1] / body.arm > -0.6
        if _held(np.where(level, out, 0.0), 2) > 0.75 and _held(np.where(level, rate, 0.0), 2) > 1.4:
            return True
    return False


def kick(body: Body) -> bool:
    """A foot comes higher than the middle of the thigh; behind the body, where a runner's heel goes, to the waist."""
    offset = body.feet - body.p[:, :1]
    ahead = offset[..., 0] * np.sin(body.yaw)[:, None] + offset[..., 2] * np.cos(body.yaw)[:, None]
    level = body.feet[..., 1] - np.where(ahead > -0.1, 0.7, 1.0) * body.size
    return _held(level.max(1), 2) > 0.0


def upside_down(body: Body) -> bool:
    """The trunk points downwards for a while."""
    return _held(body.tilt(), 3) > 120


def low(body: Body) -> bool:
    """The pelvis stays near the floor and the trunk level."""
    return float(np.median(body.p[:, 0, 1])) < 0.65 * body.rest_height and float(np.median(body.tilt())) > 45


def moves(body: Body) -> bool:
    """Arms and legs keep moving, and the body steps or turns about."""
    ends = [body.joint(f"{s}_{j}") - body.p[:, 0] for s in ("left", "right") for j in ("wrist", "ankle")]
    busy = np.mean([contacts.speed(e, body.fps) for e in ends], axis=0)
    return float(np.median(busy)) > 0.35


CHECKS: dict[str, Callable[..., bool]] = {
    f.__name__: f
    for f in (
        hand_up, wave, any_wave, each_hand_up, hands_down, travel, turn, spin, speed, distance, stays, stops, jump, bow,
        punch, kick, upside_down, low, moves,
    )
}  # fmt: skip


@cache
def prompts() -> tuple[Prompt, ...]:
    """The frozen list."""
    said = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Prompt(p["text"], float(p["seconds"]), tuple(p["checks"])) for p in said["prompts"])


def check(clip: Clip | Body, asked: Mapping[str, Any]) -> bool:
    """One check of one clip.

    Args:
        clip: 30 fps or any other rate, floor at 0.
        asked: ``check`` names it, the rest are its arguments.

    Raises:
        BadInput: no such check, or arguments that it does not have.
    """
    name = str(asked.get("check", ""))
    if name not in CHECKS:
        raise unknown("check", name, CHECKS)
    body = clip if isinstance(clip, Body) else Body(clip)
    arguments = {key: value for key, value in asked.items() if key != "check"}
    try:
        return bool(CHECKS[name](body, **arguments))
    except TypeError:
        raise BadInput(f"check {name}: cannot take {', '.join(arguments) or 'no arguments'}") from None


def judge(prompt: Prompt, clip: Clip) -> Verdict:
    """Look whether a clip does what a prompt asks."""
    body = Body(clip)
    passed = tuple(check(body, asked) for asked in prompt.checks)
    sided = [ok for ok, asked in zip(passed, prompt.checks) if asked["check"] in SIDED]
    return Verdict(passed, all(sided), all(passed))


def score(verdicts: Sequence[tuple[Prompt, Sequence[Verdict]]]) -> Score:
    """Sum up: every prompt with the verdicts of its seeds."""
    sided = [(k, v.sided) for k, (prompt, seen) in enumerate(verdicts) if prompt.sided for v in seen]
    whole = [(k, v.whole) for k, (_, seen) in enumerate(verdicts) for v in seen]
    kinds: dict[str, list[bool]] = {}
    for prompt, seen in verdicts:
        for verdict in seen:
            for ok, asked in zip(verdict.passed, prompt.checks):
                kinds.setdefault(asked["check"], []).append(ok)
    shares = sorted((float(np.mean([v.whole for v in seen])), prompt.text) for prompt, seen in verdicts if seen)
    return Score(
        sided=metrics.proportion(np.array([hit for _, hit in sided], bool)),
        whole=metrics.proportion(np.array([hit for _, hit in whole], bool)),
        sided_prompts=_over_prompts(sided),
        whole_prompts=_over_prompts(whole),
        kinds={name: metrics.proportion(np.array(hits)) for name, hits in sorted(kinds.items())},
        worst=tuple((text, share) for share, text in shares if share < 1.0),
    )


def _over_prompts(hits: Sequence[tuple[int, bool]]) -> metrics.Estimate:
    """The share of hits, each with its prompt's number; resamples draw whole prompts."""
    number = np.array([k for k, _ in hits], dtype=np.int64)
    return metrics.bootstrap(np.array([float(hit) for _, hit in hits]), groups=number)
