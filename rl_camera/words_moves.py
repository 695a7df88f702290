"""How people say camera moves: verbs with inflections and directions, each with the terms of a shot that it is."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One thing that a phrase says of a shot."""

    kind: str  # size, angle, view, move, position, director, lens, f_stop, option, who, split, …
    value: str = ""
    number: float = 0.0
    weak: bool = False  # said in passing: gives way to another of its kind


Phrase = tuple[str, ...]
Pair = tuple[str, tuple[Term, ...]]  # what is said, and what it says

_VERBS: dict[str, str] = {
    "in": "push dolly move creep travel track truck drift glide fly go come ease inch step get float",
    "out": "pull dolly move creep travel track truck drift glide fly go back ease step float",
    "side": "truck dolly crab slide track move travel glide drift strafe go",
    "pan": "pan turn swivel",
    "tilt": "tilt",
    "crane": "crane boom jib rise raise lift descend sink lower",
    "pedestal": "pedestal ped move go travel float",
    "arc": "arc curve circle swing",
    "orbit": "orbit circle revolve",
    "round": "go move travel fly track sweep swing dolly glide walk",
    "zoom": "zoom punch",
    "follow": "follow track chase trail accompany shadow",
    "with": "track move travel go stay walk run keep fly",
    "whip": "whip swish flash",
}
_IN = ("in", "in on", "in to", "in toward", "in towards", "into", "closer", "closer to", "forward", "forwards",
                "toward",
       "towards", "up to", "near", "nearer")  # fmt: skip
_OUT = ("out", "out from", "out to", "back", "back from", "back to", "away", "away from", "backward", "backwards",
        "further away", "off")  # fmt: skip
_SIDES = {
    "left": ("left", "to left", "toward left", "towards left", "leftward", "leftwards", "sideways left"),
    "right": ("right", "to right", "toward right", "towards right", "rightward", "rightwards", "sideways right"),
    "up": ("up", "upward", "upwards"),
    "down": ("down", "downward", "downwards"),
}
_ROUND = ("around", "round", "about", "all way around", "all way round", "all around", "in circle around", "in circle")


def forms(verb: str) -> tuple[str, ...]:
    """A verb's inflections: pan, pans, panning, panned."""
    irregular = {
        "go": ("go", "goes", "going", "went"), "come": ("come", "comes", "coming", "came"),
        "rise": ("rise", "rises", "rising", "rose"), "fly": ("fly", "flies", "flying", "flew"),
        "sink": ("sink", "sinks", "sinking", "sank"), "creep": ("creep", "creeps", "creeping", "crept"),
        "get": ("get", "gets", "getting", "got"), "swing": ("swing", "swings", "swinging", "swung"),
        "sweep": ("sweep", "sweeps", "sweeping", "swept"), "run": ("run", "runs", "running", "ran"),
        "keep": ("keep", "keeps", "keeping", "kept"), "cut": ("cut", "cuts", "cutting"),
        "travel": ("travel", "travels", "travelling", "traveling", "travelled"),
        "pedestal": ("pedestal", "pedestals", "pedestalling", "pedestaling"),
    }  # fmt: skip
    if verb in irregular:
        return irregular[verb]
    if verb.endswith("e"):
        return verb, f"{verb}s", f"{verb[:-1]}ing", f"{verb}d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb, f"{verb[:-1]}ies", f"{verb}ing", f"{verb[:-1]}ied"
    if verb.endswith(("sh", "ch", "ss", "x")):
        return verb, f"{verb}es", f"{verb}ing", f"{verb}ed"
    if len(verb) < 6 and verb[-1] in "bdgmnpt" and verb[-2] in "aeiou" and verb[-3:-2] not in tuple("aeiou"):
        return verb, f"{verb}s", f"{verb}{verb[-1]}ing", f"{verb}{verb[-1]}ed"
    return verb, f"{verb}s", f"{verb}ing", f"{verb}ed"


def all_forms(verbs: str) -> list[str]:
    """All inflections of several verbs."""
    return [form for verb in verbs.split() for form in forms(verb)]


def say(terms: Term | tuple[Term, ...], *texts: str) -> Iterator[Pair]:
    """Each text with what it says."""
    for text in texts:
        yield text, terms if isinstance(terms, tuple) else (terms,)


def _option(name: str, value: float) -> Term:
    return Term("option", name, value)


def pairs() -> Iterator[Pair]:
    """Every way to say a move; where two agree the first said here wins."""
    move = functools.partial(Term, "move")
    whip = all_forms(_VERBS["whip"])
    for side in ("left", "right"):
        for verb in whip:
            for pan in (" pan", " panning", " pans", ""):
                yield from say(move(f"whip_pan_{side}"), *(f"{verb}{pan} {way}" for way in _SIDES[side]))
    for verb in whip:
        for pan in (" pan", " panning", " pans", ""):
            yield from say(
                (move("whip_pan_right"), Term("option", "leave", 1.0)),
                *(f"{verb}{pan} {w}" for w in ("away", "off", "out", "away from")),
            )
            yield from say(
                move("whip_pan_right"), *(f"{verb}{pan}{w}" for w in (" to", " onto", " over to", " around", " round"))
            )
            if verb.startswith(("whip", "swish")) or pan:
                yield from say(move("whip_pan_right"), f"{verb}{pan}")
    dolly = ("dolly zoom", "dolly zooms", "dolly zooming", "zolly", "vertigo", "vertigo effect", "vertigo shot",
             "hitchcock zoom", "trombone", "trombone shot", "push pull", "contra zoom", "counter zoom")  # fmt: skip
    yield from say(
        (move("dolly_zoom"), Term("sign", number=-1.0)), *(f"{d} {w}" for d in dolly for w in ("out", "back"))
    )
    yield from say(move("dolly_zoom"), *(f"{d} in" for d in dolly), *dolly)
    for a in (*forms("dolly"), *forms("push"), *forms("move")):
        for link in ("and", "while", ", "):
            for z in forms("zoom"):
                yield from say(move("dolly_zoom"), f"{a} in {link} {z} out", f"{z} out {link} {a} in")
                back = (f"{a} out {link} {z} in", f"{z} in {link} {a} out", f"{z} in {link} {a} back")
                yield from say((move("dolly_zoom"), Term("sign", number=-1.0)), *back)
    for verb in all_forms(_VERBS["zoom"]):
        yield from say(move("zoom_in"), *(f"{verb} {way}" for way in _IN))
        yield from say(move("zoom_out"), *(f"{verb} {way}" for way in _OUT))
    yield from say(
        (move("zoom_in"), Term("pace", number=1.6)),
        *(f"{c} zoom{i}" for c in ("crash", "snap", "quick") for i in ("", " in")),
    )
    yield from say((move("zoom_out"), Term("pace", number=1.6)), "crash zoom out", "snap zoom out")
    yield from say(move("zoom_in"), *forms("zoom"))
    for verb in all_forms(_VERBS["round"]):
        yield from say(move("orbit"), *(f"{verb} {way}" for way in _ROUND))
    for verb in (*all_forms(_VERBS["orbit"]), *all_forms(_VERBS["round"])):
        joins = ("", " around", " round", " around to", " round to", " her", " him", " them")
        yield from say(move("arc_left"), *(f"{verb}{j} {w}" for j in joins[1:] for w in _SIDES["left"]))
        yield from say(move("arc_right"), *(f"{verb}{j} {w}" for j in joins[1:] for w in _SIDES["right"]))
    for verb in forms("orbit"):
        yield from say((move("orbit"), Term("sign", number=-1.0)), *(f"{verb} {w}" for w in _SIDES["left"]))
        yield from say(move("orbit"), *(f"{verb} {w}" for w in _SIDES["right"]))
    for verb in all_forms(_VERBS["orbit"]):
        yield from say(move("orbit"), verb, *(f"{verb} {way}" for way in _ROUND))
    yield from say((move("orbit"), Term("turn", number=180.0)), *_turned(("half", "semi")))
    yield from say((move("orbit"), Term("turn", number=90.0)), *_turned(("quarter",)))
    yield from say((move("orbit"), Term("turn", number=360.0)), *_turned(("full", "complete", "whole", "one")), "360")
    for verb in all_forms(_VERBS["arc"]):
        for side in ("left", "right"):
            yield from say(
                move(f"arc_{side}"), *(f"{verb}{j} {way}" for j in ("", " around", " round") for way in _SIDES[side])
            )
    yield from say(
        move("arc_right"), *all_forms("arc curve"), *(f"{v} around" for v in all_forms("arc curve")), "arc shot"
    )
    for verb in all_forms(_VERBS["crane"]):
        up = not verb.startswith(("descend", "sink", "sank", "lower"))
        yield from say(move("crane_up"), *(f"{verb} {way}" for way in (*_SIDES["up"], "above", "over") if up))
        yield from say(move("crane_down"), *(f"{verb} {way}" for way in _SIDES["down"]))
        yield from say(move("crane_up" if up else "crane_down"), verb, f"{verb} shot")
    for verb in all_forms(_VERBS["pedestal"]):
        for way in ("up", "down"):
            yield from say(move(f"pedestal_{way}"), *(f"{verb} {w}" for w in _SIDES[way]))
        if verb.startswith("ped"):
            yield from say(move("pedestal_up"), verb)
    for verb in all_forms(_VERBS["tilt"]):
        for way in ("up", "down"):
            yield from say(move(f"tilt_{way}"), *(f"{verb} {w}" for w in _SIDES[way]))
    for verb in all_forms(_VERBS["pan"]):
        for side in ("left", "right"):
            yield from say(move(f"pan_{side}"), *(f"{verb} {w}" for w in _SIDES[side]), f"{side} {verb}")
            yield from say(move(f"pan_{side}"), f"{verb} from {'right to left' if side == 'left' else 'left to right'}")
    for verb in all_forms(_VERBS["side"]):
        for side in ("left", "right"):
            yield from say(move(f"truck_{side}"), *(f"{verb} {w}" for w in _SIDES[side]))
        if verb.startswith(("truck", "crab", "slid", "strafe", "strafing")):
            yield from say(move("truck_right"), verb, f"{verb} sideways")
    for verb in all_forms(_VERBS["with"]):
        yield from say(
            move("follow"), *(f"{verb} {w}" for w in ("with", "along with", "up with", "alongside", "beside"))
        )
    for verb in all_forms(_VERBS["in"]):
        yield from say(move("push_in"), *(f"{verb} {way}" for way in _IN))
    for verb in all_forms(_VERBS["out"]):
        yield from say(move("pull_out"), *(f"{verb} {way}" for way in _OUT))
    closing = [f"{close} in{on}" for close in ("close", "closes", "closing") for on in ("", " on")]
    yield from say(move("push_in"), *forms("push"), *forms("approach"), *closing, "dolly", "dolly shot", "dollying")
    yield from say(move("pull_out"), *forms("pull"), *forms("retreat"), *forms("recede"))
    after = ("chas", "trail", "shadow")
    for verb in all_forms(_VERBS["follow"]):
        view = (Term("view", "back", weak=True),) if verb.startswith(after) else ()
        yield from say((move("follow"), *view), verb, f"{verb} shot", f"{verb} along", f"{verb} after")
    yield from say((move("follow"), Term("view", "front", weak=True)), *forms("lead"), "walk backwards before")
    yield from say(
        move("follow"), "steadicam", "steadicam shot", "gimbal", "on gimbal", "travelling shot", "traveling shot"
    )
    yield from say(Term("handheld"), "handheld", "hand held", "handheld camera", "handheld shot", "shoulder camera",
                    "shoulder mounted", "on shoulder", "shaky", "shaky cam", "shaky camera", "documentary style",
                    "documentary", "shaking", "shake", "shakes", "camera shake")  # fmt: skip
    still = (
        "static", "static shot", "static camera", "locked", "locked off", "locked down", "lock off", "lock", "tripod",
        "on tripod", "from tripod", "on sticks", "fixed", "fixed camera", "stationary", "motionless", "unmoving",
        "still camera", "still shot", "camera still", "no move", "no moves", "stand still", "stands still",
    )  # fmt: skip
    yield from say(move("static"), *still)
    holds = [f"{verb}{on}" for verb in all_forms("hold stay linger") for on in ("", " on", " still", " there")]
    pans = [f"{verb}{on}" for verb in forms("pan") for on in ("", " with")]
    yield from say(Term("move", "static", weak=True), *holds, *pans, "rest on", "stays put")
    nothing = (
        "no movement", "no camera movement", "no camera moves", "dont move camera", "dont move", "do not move",
        "do not move camera", "without moving", "without movement", "no pan", "no panning", "dont pan", "do not pan",
        "without panning", "never pan", "no tilt", "dont tilt", "no tilting", "camera does not move", "never stirs",
    )  # fmt: skip
    yield from say((move("static"), Term("director", "static")), *nothing)


def _turned(shares: Iterable[str]) -> Iterator[str]:
    for share in shares:
        for what in (
            "circle",
            "orbit",
            "turn",
            "arc",
            "circle around",
            "orbit around",
            "way around",
            "way round",
            "revolution",
        ):
            yield f"{share} {what}"
