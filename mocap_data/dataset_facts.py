"""From measures to words: the `Label` and the `Fact` that are true of a crop, whatever its file is called."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mocap_data.captions import GOING, STEPPING, Fact
from mocap_data.dataset_labels import Said
from mocap_data.dataset_measure import CIRCLE, Measures, Track, going, measure, turning
from motion.corpus import Label

#: A crop in which wrists and feet move less than this, and the body does not travel, is standing, metres.
QUIET_M = 0.10
#: A wrist whose path is wider than this is doing something, metres.
ACTS_M = 0.22
#: A crop that holds this share of a clip's motion may be told what the clip is.
SHARE = 0.7
#: Speeds that are slow or fast for a verb: outside the middle of that verb's crops.
SLOW, FAST = 15.0, 85.0
#: Below this much sideways travel for each metre ahead, a walk is straight.
ASLANT = 0.22
#: A turn of this much may be called nothing but a turn.
TURNS = math.radians(55.0)
_HANDS = frozenset({"raise hand", "wave", "wave goodbye", "call", "guide", "respond", "bow"})


@dataclass(frozen=True)
class Pace:
    """Speeds of a verb's crops, metres per second: slower is slow, faster is fast."""

    slow: float
    fast: float


def true_label(said: Said, m: Measures, spread: float, share: float, paces: dict[str, Pace]) -> tuple[Label, Fact]:
    """What can be said of a crop.

    Args:
        said: what is known of the whole clip.
        m: the crop's measures.
        spread: how far wrists and ankles move within the crop, metres.
        share: part of the clip's motion that lies in the crop.
        paces: slow and fast for each verb.
    """
    label, fact = _true(said, m, spread, share, paces)
    whole = said.captions if share > 0.85 or said.told else ()
    return label, replace(fact, sentences=whole or (() if label.verb else said.generic))


def _true(said: Said, m: Measures, spread: float, share: float, paces: dict[str, Pace]) -> tuple[Label, Fact]:
    label = said.label
    if not label.verb:
        return Label(), Fact(Label())
    if spread < QUIET_M and m.path < 0.25:
        if label.verb in _HANDS and any(m.raised):
            side = sided(m.raised)
            quiet = Label("raise hand", side=side, style=label.style)
            return quiet, Fact(quiet, held=True, seconds=m.seconds)
        if label.verb in _HANDS | STEPPING and not m.bent:  # a bow that is held is no stand
            quiet = Label("stand", style=label.style)
            return quiet, Fact(quiet, seconds=m.seconds)
    if label.verb in GOING:
        return _travelling(said, m, paces)
    if label.verb == "raise hand":
        return _raising(label, m)
    if label.verb in ("wave", "wave goodbye"):
        return _waving(label, m)
    if label.verb in ("jump", "hop"):
        if not m.flights:
            return Label(), Fact(Label())
        label = replace(label, count=m.flights, direction=_way(m))
        return label, Fact(label, going=label.direction, count=m.flights)
    if not said.always and share < SHARE:
        return Label(), Fact(Label())
    if label.verb in ("call", "guide", "respond"):
        label = replace(label, side=sided((m.moved[0] > ACTS_M or m.raised[0], m.moved[1] > ACTS_M or m.raised[1])))
    return label, Fact(label, seconds=m.seconds if said.always else 0.0)


def otherwise(label: Label, fact: Fact, m: Measures, rng: np.random.Generator) -> tuple[Label, Fact]:
    """Sometimes another name for the same motion: a run that is slow is a jog, two steps aside are steps.

    For training only, so that each way to ask is learned; what is judged goes by the first name.
    """
    verb, chance = label.verb, float(rng.random())
    if (
        verb == "walk"
        and label.direction.startswith("turn")
        and m.seconds < 3.1
        and abs(m.turn) > TURNS
        and chance < 0.4
    ):
        label = Label("turn", direction=label.direction, style=label.style, manner=label.manner)
    elif verb == "walk" and 1 <= label.count <= 2 and not fact.turn and m.path > 0.3 and chance < 0.25:
        label = replace(label, verb="step")
    elif verb == "sneak" and chance < 0.4:
        label = replace(label, verb="walk")
    elif verb == "run" and label.manner == "slow" and chance < 0.5:
        label = replace(label, verb="jog", manner="")
    elif verb == "run" and label.manner == "fast" and chance < 0.3:
        label = replace(label, verb="dash", manner="")
    else:
        return label, fact
    return label, replace(fact, label=label, count=label.count if label.verb in STEPPING else 0)


def sided(hands: tuple[bool, bool]) -> str:
    """ "left", "right", "both" or ""."""
    return {(True, False): "left", (False, True): "right", (True, True): "both"}.get(hands, "")


def _way(m: Measures) -> str:
    return going(m) or "in place"


def _travelling(said: Said, m: Measures, paces: dict[str, Pace]) -> tuple[Label, Fact]:
    label = said.label
    if m.path < 0.25 and m.steps == 0:
        still = Label("stand", style=label.style if label.style != "zombie" else "")
        return still, Fact(still, seconds=m.seconds)
    turn, way = turning(m.turn), _way(m)
    aslant = ""
    if way == "forward" and abs(m.aside) > ASLANT * abs(m.ahead) and abs(m.aside) > 0.35:
        aslant = "left" if m.aside > 0 else "right"
    direction = turn or aslant or way
    pace = paces.get(label.verb)
    manner = label.manner
    if pace is not None and way != "in place":
        manner = "slow" if m.speed < pace.slow else "fast" if m.speed > pace.fast else label.manner
    label = replace(label, direction=direction, manner=manner, count=m.steps if label.verb in STEPPING else 0)
    said_way = f"diagonal {aslant}" if aslant and not turn else way
    distance = m.net if not turn and way != "in place" else 0.0
    fact = Fact(label, said_way, turn, distance, m.seconds, label.count, abs(m.turn) >= CIRCLE)
    return label, fact


def _raising(label: Label, m: Measures) -> tuple[Label, Fact]:
    side = sided(m.raised)
    if not side:
        # The hand is on its way, or the arm hangs: neither a raised hand nor a still stand can be claimed.
        return Label(style=label.style), Fact(Label(style=label.style))
    label = replace(label, side=side)
    return label, Fact(label, held=not any(m.rises), seconds=m.seconds)


def _waving(label: Label, m: Measures) -> tuple[Label, Fact]:
    side = sided(m.raised)
    swings = max(m.swings)
    if not side:
        return Label(style=label.style), Fact(Label(style=label.style))
    if swings == 0:
        raised = Label("raise hand", side=side, style=label.style)
        return raised, Fact(raised, held=not any(m.rises), seconds=m.seconds)
    label = replace(label, side=side, count=swings)
    return label, Fact(label, count=swings, seconds=m.seconds)


def hands_disagree(said: Said, t: Track) -> bool:
    """Whether a clip whose name says which hand is raised or waves raises another."""
    if said.label.verb not in ("raise hand", "wave") or not said.label.side:
        return False
    return sided(measure(t, 0, len(t.root)).raised) != said.label.side


def spread(t: Track, start: int, stop: int) -> float:
    """How far a wrist moves within a crop, metres: the largest extent of the two along any axis."""
    part = t.wrists[start:stop]
    return float((part.max(0) - part.min(0)).max()) if len(part) else 0.0


def energy(t: Track) -> np.ndarray:
    """``(T + 1,)`` running sum of how much wrists and pelvis move, for shares of a clip's motion."""
    hands = np.linalg.norm(np.diff(t.wrists, axis=0), axis=-1).sum(1)
    body = np.linalg.norm(np.diff(t.root, axis=0), axis=-1) + np.abs(np.diff(t.height))
    return np.concatenate([[0.0, 0.0], np.cumsum(hands + 2.0 * body)]) + 1e-9


def find_paces(crops: list[tuple[str, float]]) -> dict[str, Pace]:
    """Slow and fast of each verb from the speeds ``(verb, m/s)`` of many crops."""
    out = {}
    for verb in sorted({v for v, _ in crops}):
        speeds = [s for v, s in crops if v == verb and s > 0.2 and math.isfinite(s)]
        if len(speeds) >= 20:
            out[verb] = Pace(float(np.percentile(speeds, SLOW)), float(np.percentile(speeds, FAST)))
    return out
