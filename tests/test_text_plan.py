"""Sentences and the plans they mean; offsets, odd inputs, lengths and suggestions."""

from __future__ import annotations

import pytest

from motion.errors import BadInput
from motion.text import DIRECTIONS, MANNERS, SIDES, STYLES, VERBS, ActionPlan, describe, nearest, plan, seconds_of

# "|" parts steps, "+" actions of one step; an action is its verb, then its slots: side L R B, direction, xN count,
# manner, style, Ns seconds. Slots that are not written must be empty.
_SIDE = {"L": "left", "R": "right", "B": "both"}
TABLE = """
walk => walk
walks => walk
walking => walk
walked => walk
A person walks forward. => walk forward
He is walking. => walk
She has walked backwards. => walk backward
the performer walks back => walk backward
walks left => walk left
walks to the left => walk left
walks to his right => walk right
turns left => turn turn_left
turns to the left => turn turn_left
a left turn => turn turn_left
makes a 90 degree right turn => turn turn_right
walks and turns left => walk turn_left
walking, turning right => walk turn_right
a man walks forward while turning right => walk turn_right
runs, veering left => run turn_left
run/jog, veer left => run turn_left
veers to the right => walk turn_right
turns around => turn turn_around
turns 180 degrees => turn turn_around
turns right around => turn turn_around
does a U-turn => turn turn_around
turns 360 degrees => spin
walks in a circle to the right => walk turn_right
runs clockwise => run turn_right
walks in place => walk in_place
jogs on the spot for 5 seconds => jog in_place 5s
walks three steps => walk x3
takes three steps back => walk backward x3
takes a step forward => step forward x1
steps to the side, to the left => step left
walks three steps, stops, then waves twice with the left hand while looking back => walk x3 | stand | wave L x2 + look backward
raise the left hand while walking => walk + raise_hand L
While walking, he waves. => walk + wave
as she walks she waves with her right hand => walk + wave R
walks and waves => walk + wave
walks forward, waving with both hands => walk forward + wave B
walks three steps and waves => walk x3 | wave
walks to the door and waves => walk | wave
waves and then walks away => wave | walk
sits down and waves at the same time => sit + wave
raises both hands => raise_hand B
raises his hands => raise_hand B
raises a hand => raise_hand R
raises one arm => raise_hand R
lifts her left arm above her head => raise_hand L high
puts both hands up => raise_hand B
hands up! => raise_hand B
raises the left hand, then the right => raise_hand L | raise_hand R
raises the left and right hand => raise_hand B
raises the right hand and then the other hand => raise_hand R | raise_hand L
waves with one hand => wave R
waves one time => wave x1
waves once => wave x1
waves a couple of times with his right arm => wave R x2
waves two or three times => wave x3
wave 3x => wave x3
gives three quick waves => wave x3 fast
waves goodbye => wave_goodbye
says goodbye with the left hand => wave_goodbye L
bows deeply twice => bow x2 low
takes a bow => bow
Once he sits down, he waves. => sit | wave
sits down after walking three steps => walk x3 | sit
After jumping twice, she bows. => jump x2 | bow
Before sitting down, the man waves. => wave | sit
waves before sitting down => wave | sit
walks until he falls => walk | fall
walks forward, then backward, then sits => walk forward | walk backward | sit
First she jumps, second she kicks, and finally she bows => jump | kick | bow
walks forward. Turns around. Walks back. => walk forward | turn turn_around | walk forward
jumps twice and kicks once => jump x2 | kick x1
walks slowly => walk slow
slowly walks => walk slow
Slowly, he walks forward. => walk forward slow
walks quickly and happily => walk fast happy
runs as fast as he can => run fast
walks with long steps => walk long_steps
walks with very small steps => walk short_steps
sneaks => sneak
tiptoes carefully => sneak careful
walks stealthily => sneak stealthy
walks like an old man => walk old
an old man walks, then sits down => walk old | sit old
an exhausted woman runs => run tired
zombie walk => walk zombie
walks zombie-like => walk zombie
walks like a zombie forward => walk forward zombie
a proud man bows => bow proud
angrily punches with the left fist => punch L angry
waves to a tired man => wave
shyly waves => wave not_confident
walks without confidence => walk not_confident
stomps like a giant => walk giant
strolls => walk slow
trudges home => walk tired
marches => walk
sprints => dash
jogs => jog
leaps over the puddle => jump
hurdles => vault
pirouettes => spin
twirls twice => spin x2
greets => wave
beckons => call
does a cartwheel => cartwheel
does a backflip => flip backward
performs a roundhouse kick => spin_kick
jump and spin kick => jump | spin_kick
kicks the ball with the right foot => kick_ball R
kicks high with the left leg => kick L high
throws a left hook => punch L
a right jab => punch R
dances salsa => salsa
performs an Indian dance => indian_dance
picks the box up => pick_up
bends down to pick up a box => pick_up
gets back up => get_up
stands up => get_up
stands still for two seconds => stand 2s
waits a moment, then runs => stand 1s | run
after two seconds he waves => stand 2s | wave
walks for half a minute => walk 30s
a 3 second walk => walk 3s
walks for the second time => walk
walks briefly => walk 1s
walks for a long time => walk 8s
he left => walk
He left, waving. => walk + wave
walks right away => walk
turns right away from the wall => turn
the man on the left waves => wave
waves right before sitting => wave | sit
falls on his back => fall
steps back => step backward
looks back over his shoulder => look backward
looks left and right => look left | look right
lies on his back, then gets up => get_up
walks with his back straight => walk
don't run, walk => walk
walks without moving the arms => walk
never stops waving => wave
does not stop walking => walk
stops walking => stand
not only walks but also waves => walk + wave
instead of running he walks => walk
He does not move. => stand
walks, not slowly => walk
cannot help but dance => dance
starts walking, keeps walking and then stops => walk | walk | stand
hops forward with both feet for 4 hops => hop forward x4
runs three laps => run x3
crawls on hands and knees => crawl
paces back and forth => walk forward | walk turn_around | walk forward
The man who walks waves. => walk | wave
The old man the boat => !
left hand => !
""".strip().splitlines()


def _expected(text: str) -> list[list[tuple]]:
    steps = []
    for step in text.split("|"):
        actions = []
        for action in step.split("+"):
            verb, *slots = action.split()
            row: dict[str, object] = {"verb": verb.replace("_", " ")}
            for slot in slots:
                name = slot.replace("_", " ")
                if slot in _SIDE:
                    row["side"] = _SIDE[slot]
                elif name in DIRECTIONS:
                    row["direction"] = name
                elif slot[0] == "x" and slot[1:].isdigit():
                    row["count"] = int(slot[1:])
                elif name in MANNERS:
                    row["manner"] = name
                elif name in STYLES:
                    row["style"] = name
                elif slot[-1] == "s":
                    row["seconds"] = float(slot[:-1])
                else:
                    raise AssertionError(f"the table says {slot!r}")
            actions.append(_row(row))
        steps.append(actions)
    return steps


def _row(row: dict[str, object]) -> tuple:
    return tuple(row.get(k, 0 if k == "count" else None if k == "seconds" else "") for k in ("verb", "side", "direction", "count", "manner", "style", "seconds"))


def _rows(made: ActionPlan) -> list[list[tuple]]:
    return [[_row({**vars(a.label), "seconds": a.seconds}) for a in step] for step in made.steps]


@pytest.mark.parametrize("line", TABLE)
def test_sentences(line: str) -> None:
    text, expected = (part.strip() for part in line.split("=>"))
    if expected == "!":
        with pytest.raises(BadInput):
            plan(text)
    else:
        assert _rows(plan(text)) == _expected(expected)
