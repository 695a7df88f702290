"""What file names and the captions of a capture archive say: a `Label` for a whole clip, and sentences about it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from mocap_data.dataset_sayings import Saying
from motion import files
from motion.corpus import Label
from motion.errors import BadInput
from motion.text import STYLES, plan

#: Style words of the Bandai-Namco sets that this project calls otherwise.
STYLE_NAMES: Mapping[str, str] = {
    "elderly": "old", "exhausted": "tired", "chimpira": "thug", "not-confident": "not confident",
    "masculinity": "masculine",
}  # fmt: skip
#: Contents of the Bandai-Namco sets: verb, side, direction.
CONTENTS: Mapping[str, tuple[str, str, str]] = {
    "walk": ("walk", "", ""),
    "walk-back": ("walk", "", "backward"),
    "walk-left": ("walk", "", "left"),
    "walk-right": ("walk", "", "right"),
    "walk-turn-left": ("walk", "", "turn left"),
    "walk-turn-right": ("walk", "", "turn right"),
    "run": ("run", "", ""),
    "dash": ("dash", "", ""),
    "bow": ("bow", "", ""),
    "bye": ("wave goodbye", "", ""),
    "byebye": ("wave goodbye", "", ""),
    "call": ("call", "", ""),
    "guide": ("guide", "", ""),
    "respond": ("respond", "", ""),
    "kick": ("kick", "", ""),
    "punch": ("punch", "", ""),
    "slash": ("slash", "", ""),
    "dance-short": ("dance", "", ""),
    "dance-long": ("dance", "", ""),
    "raise-up-left-hand": ("raise hand", "left", ""),
    "raise-up-right-hand": ("raise hand", "right", ""),
    "raise-up-both-hands": ("raise hand", "both", ""),
    "wave-left-hand": ("wave", "left", ""),
    "wave-right-hand": ("wave", "right", ""),
    "wave-both-hands": ("wave", "both", ""),
}
#: Endings of DeepMimic's names: label, whether the label holds for any crop. Longer endings stand first.
SKILLS: tuple[tuple[str, Label, bool], ...] = (
    ("run_jump", Label(), False),
    ("run_roll", Label(), False),
    ("stealthy_walk", Label("sneak", manner="stealthy"), True),
    ("zombie_walk", Label("walk", style="zombie"), True),
    ("long_zombie", Label("walk", style="zombie"), True),
    ("long_walk", Label("walk"), True),
    ("punch_forward", Label("punch", direction="forward"), False),
    ("punch_left", Label("punch", direction="left"), False),
    ("punch_right", Label("punch", direction="right"), False),
    ("run_forward", Label("run"), True),
    ("run_left", Label("run"), True),
    ("run_right", Label("run"), True),
    ("getup_facedown", Label("get up"), False),
    ("getup_faceup", Label("get up"), False),
    ("dance_spin", Label("dance"), True),
    ("backflip", Label("flip", direction="backward"), False),
    ("sideflip", Label("flip", direction="left"), False),
    ("cartwheel", Label("cartwheel"), False),
    ("spinkick", Label("spin kick"), False),
    ("handstand", Label("handstand"), False),
    ("bridge", Label("bridge"), True),
    ("crawl", Label("crawl"), True),
    ("dance", Label("dance"), True),
    ("jog", Label("jog"), True),
    ("jump", Label("jump"), False),
    ("kick", Label("kick"), False),
    ("punch", Label("punch"), False),
    ("roll", Label("roll"), False),
    ("spin", Label("spin"), False),
    ("walk", Label("walk"), True),
    ("run", Label("run"), True),
)
#: Descriptions of CMU's index, lower case, by their beginning: label, whether it holds for any crop. Takes of several
#: actions ("walk, then sit") have no entry: their sentences are told of the whole take only, and no verb is claimed.
DESCRIPTIONS: tuple[tuple[str, Label, bool], ...] = (
    ("slow walk", Label("walk"), True),
    ("walk to run", Label(), False),
    ("walk", Label("walk"), True),
    ("run stop", Label(), False),
    ("run jump", Label(), False),
    ("run dive", Label(), False),
    ("run duck", Label(), False),
    ("run/jog", Label("jog"), True),
    ("run", Label("run"), True),
    ("basketball - sideways dribble", Label("dribble"), True),
    ("soccer - kick ball", Label("kick ball"), False),
    ("forward jump", Label("jump"), False),
    ("jump and spin kick", Label("spin kick"), False),
    ("jump kick", Label("kick"), False),
    ("jumptwist", Label(), False),
    ("jump, balance", Label(), False),
    ("jump", Label("jump"), False),
    ("get up", Label("get up"), False),
    ("handstandkicks", Label("handstand"), False),
    ("kickflip", Label("flip"), False),
    ("crouch and flip backward", Label("flip", direction="backward"), False),
    ("stretch and cartwheel", Label(), False),
    ("banana peel slip", Label("slip"), False),
    ("playground - forward jumps", Label("hop"), False),
    ("playground - climb", Label("climb"), False),
    ("punch/strike", Label("punch"), True),
    ("bend over, scoop up", Label("pick up"), False),
    ("swordplay", Label("slash"), True),
    ("wash self", Label("wash"), True),
    ("salsa", Label("salsa"), True),
    ("indian dance", Label("indian dance"), True),
    ("karate", Label("karate"), True),
    ("bridge", Label("bridge"), True),
    ("crawl", Label("crawl"), True),
    ("dance", Label("dance"), True),
    ("spinkick", Label("spin kick"), False),
)
#: Takes of CMU that its index leaves without a description, by what people wrote of them.
SENTENCES: tuple[tuple[str, Label, bool], ...] = (
    ("cartwheel", Label("cartwheel"), False),
    ("swinging", Label("swing"), True),
    ("jumping in the air", Label("jump"), False),
)
#: Verbs that are true of any moment of the time they are said of, and not of one moment in it.
STEADY: frozenset[str] = frozenset(
    label.verb for _, label, always in (*SKILLS, *DESCRIPTIONS, *SENTENCES) if always and label.verb
) - frozenset(label.verb for _, label, always in (*SKILLS, *DESCRIPTIONS, *SENTENCES) if not always)
#: Words of a sentence that tells of a deed alone: "an old man walks slowly".
SIMPLE = 6
#: What is true of any moment on CMU's climbing frame.
PLAYGROUND = ("a person plays on a climbing frame", "someone is on the playground", "a person climbs about on a frame")


@dataclass(frozen=True)
class Said:
    """What is known of a clip without looking at its motion."""

    label: Label = field(default_factory=Label)
    always: bool = False  # the label's verb holds for any crop; otherwise for crops that hold most of the clip's motion
    captions: tuple[str, ...] = ()  # sentences of the whole clip
    brief: str = ""  # the archive's own description
    sayings: tuple[Saying, ...] = ()  # sentences about spans of it
    generic: tuple[str, ...] = ()  # sentences that are true of every crop
    told: bool = False  # the captions are true of this crop, whatever its share of the clip


def load_captions(path: str | os.PathLike[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Descriptions and sentences by clip name: ``{"cmu-bvh/salsa_01.bvh": ("salsa dance", ())}``.

    Raises:
        BadInput: no such file, or not a JSON object of ``{"description": …, "captions": […]}``.
    """
    try:
        table = json.loads(files.read(path, "JSON file of captions"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({error})") from None
    if not isinstance(table, dict):
        raise BadInput(f"{path}: a {type(table).__name__}, expected an object with clip names")
    out = {}
    for name, entry in table.items():
        sentences = entry.get("captions") if isinstance(entry, dict) else None
        brief = entry.get("description") if isinstance(entry, dict) else None
        if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
            raise BadInput(f"{path}: '{name}' has no list of captions")
        if brief is not None and not isinstance(brief, str):
            raise BadInput(f"{path}: the description of '{name}' is a {type(brief).__name__}, expected words")
        out[name] = (brief or "", tuple(s.strip() for s in sentences if s.strip()))
    return out


def find_captions(folders: list[Path]) -> Path | None:
    """`cmu-captions.json` in one of the folders, or beside one."""
    for folder in folders:
        for place in (folder, folder.parent):
            if (place / "cmu-captions.json").is_file():
                return place / "cmu-captions.json"
    return None


def said(name: str, source: str, captions: Mapping[str, tuple[str, tuple[str, ...]]]) -> Said:
    """What is known of a clip by its name and its archive's captions; an empty `Said` when that is nothing."""
    brief, sentences = captions.get(name, ("", ()))
    stem = Path(name).stem
    if source.startswith("bandai-namco"):
        return _bandai_namco(stem)
    numbered = re.fullmatch(r"\d+_\d+", stem) is not None
    if brief or numbered:
        for beginning, label, always in DESCRIPTIONS:
            if brief.lower().startswith(beginning):
                # "climb, sit, dangle legs": the first of several actions, true of no crop in particular.
                if "," in brief and label.verb == "climb":
                    return Said(Label(), False, sentences, brief, generic=PLAYGROUND)
                return Said(_kept(label, brief), always, sentences, brief)
        for piece, label, always in SENTENCES:
            if any(piece in sentence.lower() for sentence in sentences):
                return Said(label, always, sentences, brief)
        return Said(Label(), False, sentences, brief)
    ending = re.sub(r"(_[ab])?\d*$", "", stem)
    for skill, label, always in SKILLS:
        if source in ("deepmimic", "cmu-deepmimic") and ending.endswith(skill):
            words = skill.replace("_", " ") if not label.verb else ""
            return Said(label, always, sentences, brief or words)
    if source in ("deepmimic", "cmu-deepmimic") or name in captions:
        return Said(Label(), False, sentences, brief)
    words = re.sub(r"[\d_\-.]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)).strip()
    return Said(label_of(words), True, sentences, words)


@lru_cache(maxsize=20000)
def label_of(text: str) -> Label:
    """The label of a sentence or a name that tells of one thing done all along; an empty one where that is not sure."""
    try:
        told = plan(text)
    except BadInput:
        return Label()
    actions = [action for step in told.steps for action in step]
    if len(actions) != 1 or actions[0].confidence < 0.9 or actions[0].part:
        return Label()
    return replace(actions[0].label, count=0)


def steady(text: str) -> bool:
    """Whether a sentence that is true of some time is true of any part of it: "a man walks", not "walks in a circle".

    A longer one tells of more than the deed: where it leads, or how it ends.
    """
    label = label_of(text)
    simple = label.verb in STEADY and not label.direction and len(text.split()) <= SIMPLE
    return simple and not plan(text).steps[0][0].label.count


def of_crop(said: Said, start: float, end: float, length: float) -> Said:
    """What is said of seconds ``start`` to ``end`` of a clip: where spans are described, by those that hold there.

    Where only the whole is described, and the crop is too little of it, what is done all along still holds.
    """
    if not said.sayings:
        return said
    true = tuple(dict.fromkeys(s.text for s in said.sayings if s.holds(start, end, length)))
    if not true and all(s.start <= 0.0 and s.end == math.inf for s in said.sayings):
        if said.label.verb:
            return replace(said, sayings=())
        label = _agreed(label for s in said.sayings if (label := label_of(s.text)).verb)
        label = label if label.verb in STEADY else Label()
        return replace(said, label=label, always=bool(label.verb), sayings=())
    label = _agreed(label for text in true if (label := label_of(text)).verb)
    return Said(label, bool(label.verb), true, said.brief, generic=said.generic, told=True)


def _agreed(labels: Iterable[Label]) -> Label:
    """The first label; an empty one where two see different actions in one moment, which leaves the verb open."""
    found = list(labels)
    return found[0] if found and all(other.verb == found[0].verb for other in found) else Label()


def _kept(label: Label, brief: str) -> Label:
    return Label(label.verb, manner="slow") if brief.lower().startswith("slow") else label


def _bandai_namco(stem: str) -> Said:
    parts = stem.split("_")
    if len(parts) != 4 or parts[1] not in CONTENTS:
        return Said()
    style = STYLE_NAMES.get(parts[2], parts[2])
    verb, side, direction = CONTENTS[parts[1]]
    return Said(Label(verb, side, direction, style=style if style in STYLES else ""), True)
