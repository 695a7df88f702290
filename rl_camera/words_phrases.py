"""The phrases of camera work: what people say, word for word, and which term of a shot each of them is.

Made from `rl_camera.vocabulary`: every name and alias of every table in the ways that a sentence has for it, then the
verbs of camera work with their inflections and directions, then what no table holds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from motion.words.forms import words_of
from rl_camera import vocabulary, words_moves
from rl_camera.vocabulary import Move
from rl_camera.words_moves import Pair, Phrase, Term, forms, say

#: Slower and quicker, smaller and larger: the factor on how far a move goes in its time.
PACES: dict[str, float] = {
    **dict.fromkeys(words_of("slow slowly leisurely languid patient patiently unhurried"), 0.6),
    **dict.fromkeys(words_of("gentle gently soft softly subtle subtly slight slightly small little short tiny"), 0.6),
    **dict.fromkeys(
        words_of("quick quickly fast rapid rapidly swift swiftly speedy hurried sudden suddenly brisk"), 1.6
    ),
    **dict.fromkeys(words_of("big large strong strongly dramatic dramatically sweeping"), 1.6),
}
STRONGER = words_of("very really extremely super incredibly so ever")
#: Moves at one speed.
EVEN = words_of("steady steadily constant constantly linear linearly even evenly")
SMOOTH = words_of("smooth smoothly easing eased")

#: Words of a sentence's build, which say nothing of the picture.
GLUE = words_of(
    "me my and , of on in at to with as while for from by is are be being it its this that these those there here we "
    "us you i our your camera shot shots take view framing frame picture lens start starts starting begin begins "
    "beginning use using make makes keep keeps keeping let have give go goes going do does doing get then now onto "
    "into toward towards around round about past move moves moving movement motion over during whole through against "
    "also again all just still seen see shows show showing look looks looking film films filming shoot shoots "
    "shooting up behind between speed pace where when who image screen side want wanted would like should will can "
    "must hold angle"
)
#: Harmless words, which a sentence is told that it may as well leave out.
FILLER = words_of(
    "please nice nicely beautiful beautifully cinematic epic lovely good great cool perfect perfectly moody emotional "
    "intimate tense dynamic energetic elegant elegantly simple simply classic standard normal maybe perhaps somewhat "
    "kind sort reveal reveals revealing ok okay well thanks thank finally first firstly lastly"
)
NOT = words_of("no not never without dont doesnt avoid avoiding neither nor")

_SLOW_MOTION = "slow motion is a matter of the performance: play its clip at a lower `speed`"
#: What people ask of a camera that a shot cannot do, and what can be said instead.
UNSUPPORTED: dict[str, str] = {
    **dict.fromkeys(
        words_of("hand hands feet foot leg legs arm arms finger fingers knee knees shoe shoes back mouth lips"),
        "no shot size frames that part of a body; the nearest are 'close-up' (the face) and 'full' (head to toe)",
    ),
    **dict.fromkeys(
        words_of("pov subjective viewpoint"), "a performer's own view is not filmed; say 'over the shoulder'"
    ),
    **dict.fromkeys(words_of("fade fades fading dissolve dissolves dissolving crossfade wipe"), "shots meet in cuts"),
    **dict.fromkeys(words_of("rack racks racking refocus defocus"), "focus stays on the first subject's eyes"),
    "slowmo": _SLOW_MOTION,
    "slow": _SLOW_MOTION,
    **dict.fromkeys(
        words_of("left right"), "say 'on the …' (of the picture), 'from the …' (of the subject) or 'pan …'"
    ),
    "split": "one picture is filmed at a time",
}

#: Names that alone, without "from", "on" or "angle" beside them, could mean several things.
_NOT_ALONE = {
    "view": {"left", "right", "back", "rear"},
    "position in the picture": {"left", "right", "top", "bottom", "upper", "lower"},
    "camera angle": {"top", "ground", "god", "eye", "bird", "level", "neutral"},
    "camera move": {"none", "shoulder", "tilt", "pan", "circle_left", "circle_right", "still"},
}


@functools.cache
def phrases() -> dict[Phrase, tuple[Term, ...]]:
    """Every phrase as its words without articles, and what it says; where two agree the first said here wins."""
    table: dict[Phrase, tuple[Term, ...]] = {}
    for text, terms in _pairs():
        table.setdefault(tuple(text.replace("'", "").split()), terms)
    return table


@functools.cache
def longest() -> int:
    """Words of the longest phrase."""
    return max(map(len, phrases()))


@functools.cache
def suggestions() -> frozenset[str]:
    """Words that a mistyped one may have been: those with which a phrase begins, and manners."""
    return frozenset({phrase[0] for phrase in phrases() if phrase and phrase[0].isalpha()} | set(PACES) | EVEN | SMOOTH)


def _pairs() -> Iterator[Pair]:
    yield from _splits()
    yield from _special()
    yield from words_moves.pairs()
    yield from _tables()


def _splits() -> Iterator[Pair]:
    then, cut = Term("split", "then"), Term("split", "cut")
    yield from say(then, ";", ".", "!", "?", "then", "and then", ", then", "next", "after that", "afterwards",
                    "afterward", "followed by", "before", "later", "subsequently")  # fmt: skip
    for form in forms("cut"):
        for kind in ("", "smash ", "hard ", "straight ", "quick ", "match ", "jump "):
            ends = ("", " to", " into", " in to", " back to", " away to", " over to", " back", " away", " on to")
            yield from say(cut, *(f"{kind}{form}{end}" for end in ends))
    beat = Term("beat")
    for form in forms("cut"):
        yield from say((cut, beat), f"{form} on beat to", f"{form} on beat", f"{form} on beats", f"{form} to beat")
        yield from say((cut, beat), f"{form} to music", f"{form} with music", f"{form} on next beat")
        yield from say(Term("one_take"), *(f"{no} {form}" for no in sorted(NOT)), f"do not {form}")
    yield from say(beat, "on beat", "on beats", "to beat", "with beat", "to music", "with music", "on next beat",
                    "in time with music", "beat")  # fmt: skip
    yield from say(Term("one_take"), "one take", "single take", "in one take", "in single take", "uncut", "one shot",
                    "without any cuts", "no cuts")  # fmt: skip


def _special() -> Iterator[Pair]:
    """What no table of the vocabulary holds."""
    size = functools.partial(Term, "size")
    yield from say(
        size("full"), "head to toe", "from head to toe", "whole body", "entire body", "full figure", "whole figure"
    )
    yield from say(size("medium_full"), "knees up", "from knees up", "three quarter shot", "three quarter length")
    yield from say(size("medium"), "waist up", "from waist up", "waist shot", "half body")
    yield from say(size("medium_close_up"), "chest up", "from chest up", "head and shoulders", "bust shot")
    yield from say(
        size("close_up"), "tight", "tight shot", "tight on", "close on", "close in shot", "closeups", "close ups"
    )
    yield from say(size("wide"), "wides", "wide open shot", "master shot", "master")
    yield from say(size("extreme_wide"), "very wide", "super wide", "really wide", "establisher", "vista")
    yield from say(size("extreme_close_up"), "very close", "super close", "really close", "very tight", "choker")
    yield from say(Term("size", "close_up", weak=True), "face", "faces", "head", "portrait", "expression", "smile")
    yield from say(Term("size", "extreme_close_up", weak=True), "eyes", "eye", "gaze")
    yield from say(Term("step", number=1.0), "closer", "tighter", "nearer", "closer shot", "tighter shot")
    yield from say(Term("step", number=-1.0), "wider", "further away", "farther", "further", "looser", "wider shot")
    yield from say(Term("angle", "low"), "from below", "from underneath", "from low", "looking up", "looking up at",
                    "low down", "from low down", "below eye level")  # fmt: skip
    yield from say(Term("angle", "high"), "from above", "from high", "looking down", "looking down at",
                    "looking down on", "high up", "from high up", "above eye level")  # fmt: skip
    yield from say(Term("angle", "overhead"), "straight down", "from straight above", "from right above", "top shot",
                    "from top down", "from directly above", "birdseye", "from overhead", "drone shot")  # fmt: skip
    yield from say(Term("angle", "worm"), "from ground", "from floor", "ground level", "at ground level", "floor level",
                    "wormseye", "from ground up", "on ground", "on floor")  # fmt: skip
    yield from say(
        Term("angle", "eye_level"), "at eye level", "at eye height", "eye height", "eyelevel", "at eyes height"
    )
    yield from say(Term("angle", "dutch"), "dutch angle", "slanted", "slanted horizon", "tilted horizon", "crooked")
    yield from say(Term("view", "front"), "frontal", "head on", "from ahead", "straight on", "facing camera", "face on",
                    "from in front", "in front", "in front of")  # fmt: skip
    yield from say(Term("view", "profile"), "in profile", "side on", "from side", "sideways on", "from aside")
    yield from say(
        Term("view", "back"), "from back", "at back", "back view", "from rear", "from behind", "behind", "rear view"
    )
    for owner in ("", "her ", "his ", "their ", "its ", "subject's "):
        over = (f"over {owner}shoulder", f"over {owner}shoulders", f"past {owner}shoulder")
        yield from say(Term("view", "over_the_shoulder"), *over)
        for side in ("left", "right"):
            froms = (f"from {owner}{side}", f"from {owner}{side} side", f"from {owner}{side} hand side",
                     f"{side} profile", f"{owner}{side} profile", f"on {owner}{side} side")  # fmt: skip
            yield from say(Term("view", f"profile_{side}"), *froms)
        for end in ("front", "back"):
            for side in ("left", "right"):
                yield from say(Term("view", f"{end}_three_quarter_{side}"), f"from {owner}{end} {side}")
    yield from say(
        Term("position", "thirds"), "off centre", "off center", "with look room", "with lead room", "on third"
    )
    yield from say(Term("position", "centre"), "centred", "centered", "dead centre", "dead center", "symmetrical")
    for side in ("left", "right"):
        yield from say(Term("position", f"{side}_third"), f"on {side}", f"on {side} side of frame", f"frame {side}",
                        f"screen {side}", f"{side} side of frame", f"in {side} third", f"on {side} hand side",
                        "left of frame" if side == "left" else "right of frame", f"{side} of picture")  # fmt: skip
    yield from say(
        Term("position", "top"), "high in frame", "high in picture", "at top", "top of frame", "at top of frame"
    )
    yield from say(Term("position", "bottom"), "low in frame", "low in picture", "at bottom", "bottom of frame",
                    "at bottom of frame")  # fmt: skip
    yield from say(Term("lens", number=14.0), "fisheye", "ultra wide lens", "fish eye")
    yield from say(Term("lens", number=24.0), "wide angle lens", "wide lens", "wide angle", "short lens")
    yield from say(Term("lens", number=50.0), "normal lens", "standard lens")
    yield from say(Term("lens", number=85.0), "portrait lens")
    yield from say(Term("lens", number=135.0), "long lens", "telephoto", "telephoto lens", "tele lens", "tele")
    focus = ("shallow focus", "shallow depth of field", "shallow", "blurred background", "blurry background", "bokeh",
             "soft background", "wide open")  # fmt: skip
    yield from say(Term("f_stop", number=2.0), *focus)
    yield from say(Term("f_stop", number=16.0), "deep focus", "deep depth of field", "everything in focus",
                    "all in focus", "everything sharp")  # fmt: skip
    yield from say(Term("who", "both"), "both", "both of them", "two of them", "pair", "couple", "two shot", "twoshot",
                    "two of us", "two people", "two", "2 shot")  # fmt: skip
    yield from say(Term("who", "everyone"), "everyone", "everybody", "all of them", "everyone else", "group", "cast",
                    "group shot", "all three", "all four", "people", "performers", "actors", "characters", "figures",
                    "dancers all", "three of them", "crowd", "ensemble", "whole cast", "everyone in scene")  # fmt: skip
    yield from say(Term("who", "other"), "other", "other one", "other person", "other performer", "partner")
    yield from say(Term("who", "nobody"), "nobody", "no one", "noone", "nothing", "empty stage", "empty set")
    yield from say(Term("who", "one"), "man", "woman", "girl", "boy", "lady", "guy", "person", "performer", "actor",
                    "actress", "figure", "character", "subject", "hero", "heroine", "kid", "child",
                    "protagonist")  # fmt: skip
    yield from say(Term("who", "pronoun"), "her", "him", "she", "he", "his", "hers", "subject's")
    yield from say(Term("who", "they"), "them", "they", "their", "each other")
    yield from say(Term("option", "live", 1.0), "live", "in real time")
    yield from say(Term("option", "ride", 0.0), "from one spot", "without travelling", "feet planted")


def _tables() -> Iterator[Pair]:
    """Every name and alias of the vocabulary, in the ways that a sentence has for it."""
    ways = {
        "shot size": ("size", ("{}", "{} shot", "{} framing", "{} on", "{} frame")),
        "camera angle": (
            "angle", ("{}", "{} angle", "{} angle shot", "{} view", "from {}", "from {} angle", "{} shot"),
        ),
        "view": ("view", ("{}", "{} view", "from {}", "from {} side", "in {}", "{} shot", "{} on")),
        "camera move": ("move", ("{}", "{} shot", "{} move", "{} on", "{} to")),
        "position in the picture": (
            "position", ("{}", "on {}", "in {}", "at {}", "{} of picture", "{} of frame", "in {} of frame",
                         "{} of screen", "in {} of picture", "frame {}", "framed {}", "on {} of frame",
                         "on {} of picture"),
        ),
    }  # fmt: skip
    for kind, (name, patterns) in ways.items():
        for word, meant in vocabulary.spellings(kind):
            for pattern in patterns:
                if pattern == "{}" and word in _NOT_ALONE.get(kind, ()):
                    continue
                term = Term("handheld") if meant == Move.HANDHELD else Term(name, meant)
                yield from say(term, pattern.format(word.replace("_", " ")))
    yield from say(Term("director", "auto"), "auto", "automatic", "automatically")
    for word in vocabulary.DIRECTORS:
        yield from say(Term("director", word), f"{word} director", f"director {word}")
    for word, meant in {**{name: name for name in _FRAMERS}, **_DIRECTORS}.items():
        yield from say(Term("director", meant), f"{word} director", f"{word} camera operator")
        for verb in ("let", "have", "with", "by", "using", "use"):
            yield from say(Term("director", meant), *(f"{verb} {word}{act}" for act in ("", *_ACTS)))


#: What a director is let do.
_ACTS = (
    " director", " frame", " frame it", " frame this", " film", " film it", " shoot", " shoot it", " choose", " decide",
    " run camera", " handle it", " do it", " framing", " director choose", " director frame it", " take over",
    " take it",
)  # fmt: skip

#: Directors whose names are no moves.
_FRAMERS = ("rule", "dp", "greedy", "cem", "policy")

#: What people call directors.
_DIRECTORS = {
    "planner": "cem", "mpc": "cem", "model predictive control": "cem", "learned": "policy",
    "learned director": "policy", "learned camera": "policy", "network": "policy", "neural network": "policy",
    "agent": "policy", "ai": "policy",
    "rules": "rule", "rule based": "rule", "dynamic programming": "dp", "film": "auto", "scene": "auto",
}  # fmt: skip
