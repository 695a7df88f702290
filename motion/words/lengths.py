"""How long an action takes when nobody says."""

from __future__ import annotations

from motion.words.vocabulary import Action

#: Seconds for one of what is usually counted: a step of going, a repetition of anything else. Common adult figures:
#: 109 steps a minute walking, about 170 running; the rest by eye on captures of the same actions.
ONE = {
    "walk": 0.55, "run": 0.36, "dash": 0.3, "jog": 0.4, "sneak": 0.9, "crawl": 0.8, "step": 0.6, "jump": 1.3,
    "hop": 0.6,
    "roll": 1.6, "cartwheel": 1.8, "flip": 1.5, "kick": 1.2, "spin kick": 1.4, "punch": 0.8, "slash": 1.2, "dance": 2.0,
    "salsa": 2.0, "indian dance": 2.5, "karate": 2.0, "raise hand": 2.0, "wave": 0.7, "bow": 2.4, "wave goodbye": 0.7,
    "call": 1.5, "guide": 2.5, "respond": 1.5, "climb": 1.0, "swing": 1.5, "sit": 2.0, "get up": 2.5, "spin": 1.2,
    "dribble": 0.6, "bridge": 3.0, "handstand": 3.0, "duck": 1.5, "pick up": 2.5, "wash": 1.0, "balance": 3.0,
    "slip": 1.5,
    "turn": 1.2, "fall": 1.8, "block": 1.0, "stretch": 2.5, "kick ball": 1.5, "vault": 1.5, "look": 1.2, "stand": 2.0,
}  # fmt: skip
#: Seconds of an action that goes on, where nothing is counted.
GOES_ON = {
    "stand": 2.0, "walk": 4.0, "run": 3.0, "dash": 2.5, "jog": 3.5, "sneak": 5.0, "crawl": 4.0, "dance": 6.0,
    "salsa": 6.0,
    "indian dance": 6.0, "karate": 5.0, "wave": 2.1, "wave goodbye": 2.1, "climb": 4.0, "swing": 4.0, "dribble": 3.0,
    "wash": 4.0, "balance": 4.0, "stretch": 4.0, "hop": 2.0,
}  # fmt: skip
#: Metres a second.
SPEED = {"walk": 1.3, "run": 3.2, "dash": 5.0, "jog": 2.4, "sneak": 0.6, "crawl": 0.5, "step": 0.8, "hop": 1.2}
LAP_M = 9.4  # a lap: once round a circle of 1.5 m radius
_PACE = {"slow": 1.5, "fast": 0.7, "stealthy": 1.4, "careful": 1.3, "long steps": 1.15, "short steps": 0.8}
_MOOD = {
    "tired": 1.25,
    "old": 1.35,
    "sad": 1.2,
    "giant": 1.3,
    "zombie": 1.4,
    "active": 0.85,
    "youthful": 0.9,
    "angry": 0.9,
}


def seconds_of(action: Action) -> float:
    """The length of an action: as asked, else from its count or distance, else what is usual.

    >>> from motion.text import plan
    >>> round(plan("walks four steps").seconds, 2)
    2.2
    """
    if action.seconds is not None:
        return action.seconds
    label = action.label
    pace = _PACE.get(label.manner, 1.0) * _MOOD.get(label.style, 1.0)
    metres = next((float(d.value) for d in action.decisions if d.slot == "metres"), 0.0)
    if label.verb in SPEED and (metres or action.unit == "laps"):
        return (metres or label.count * LAP_M) / SPEED[label.verb] * pace
    if label.count:
        return label.count * ONE.get(label.verb, 1.5) * pace
    if label.verb == "walk" and label.direction == "turn around":
        return 3.0 * pace
    return GOES_ON.get(label.verb, ONE.get(label.verb, 2.0)) * (pace if label.verb not in {"stand", "balance"} else 1.0)
