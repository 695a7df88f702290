"""The words of `mocap_data.captions`: phrases for verbs, styles, directions and manners. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrase:
    """A way to name an action: a verb in its base form and what follows; "{hand}" becomes the hand or hands."""

    base: str
    rest: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Style:
    """How a style is said of a deed and of a person."""

    adverbs: tuple[str, ...]
    adjectives: tuple[str, ...] = ()


def _p(*phrases: str | tuple[str, str] | tuple[str, str, float]) -> tuple[Phrase, ...]:
    return tuple(Phrase(p) if isinstance(p, str) else Phrase(*p) for p in phrases)


#: Third person of verbs that the rule gets wrong.
THIRD: Mapping[str, str] = {"go": "goes", "do": "does", "have": "has", "be": "is"}

SUBJECTS: tuple[str, ...] = (
    "a {}person", "a {}person", "a {}person", "someone {}", "a {}man", "a {}woman", "a {}human", "a {}figure",
    "the {}person", "a {}character", "the {}performer", "he", "she", "the {}actor",
)  # fmt: skip

VERBS: Mapping[str, tuple[Phrase, ...]] = {
    "stand": _p(("stand", "", 2), ("stand", "still", 3), ("stand", "there"), "wait", ("keep", "standing"),
        ("stay", "where they are"), ("remain", "standing"), ("do", "nothing"), ("stand", "upright"),
        ("stand", "around"), "idle", "pause"),
    "walk": _p(("walk", "", 8), "go", ("move", "on foot"), ("take", "a walk"), ("go", "on foot"),
        ("keep", "walking"), ("stroll", "", 0.6), ("amble", "", 0.3), ("pace", "", 0.5), ("wander", "", 0.4),
        ("come", "walking", 0.4), ("walk", "along", 1.5)),
    "run": _p(("run", "", 8), ("go", "running"), ("move", "at a run"), ("keep", "running"), ("run", "along"),
        ("run", "at a steady pace", 0.5), ("break", "into a run", 0.3)),
    "jog": _p(("jog", "", 6), "trot", ("go", "jogging"), ("run", "at an easy pace"), ("run", "lightly", 0.5)),
    "dash": _p(("dash", "", 4), ("sprint", "", 4), ("rush", "", 2), "bolt", ("race", "", 1.5),
        ("run", "as fast as possible"), ("run", "at full speed"), ("charge", "", 0.7),
        ("break", "into a sprint", 0.5), ("hurry", "", 0.5)),
    "sneak": _p(("sneak", "", 5), ("creep", "", 2), "tiptoe", ("walk", "stealthily", 2), ("steal", "along"), "prowl",
        ("walk", "on the sly"), "slink"),
    "raise hand": _p(("raise", "{hand}", 6), ("lift", "{hand}", 3), ("put", "{hand} up", 2), ("put up", "{hand}", 2),
        ("hold up", "{hand}"), ("lift", "{hand} up"), ("bring", "{hand} up"), ("reach", "up with {hand}"),
        ("raise", "{hand} up high"), ("stretch", "{hand} up"), ("throw", "{hand} up", 0.3)),
    "hold hand up": _p(("hold", "{hand} up", 3), ("keep", "{hand} raised", 2), ("keep", "{hand} up", 2),
        ("hold", "{hand} in the air"), ("stand", "with {hand} raised")),
    "wave": _p(("wave", "{hand}", 4), ("wave", "with {hand}", 4), ("wave", "hello with {hand}"),
        ("swing", "{hand} from side to side"), ("greet", "with {hand}"), ("wave", "{hand} in greeting"),
        ("wave", "at someone with {hand}"), ("signal", "by waving {hand}"), ("give", "a wave with {hand}")),
    "wave goodbye": _p(("wave", "goodbye", 5), ("say", "goodbye with {hand}"), ("wave", "bye", 3),
        ("wave", "bye-bye"), ("wave", "farewell"), ("wave", "goodbye with {hand}", 3), ("bid", "farewell"),
        ("see", "someone off with a wave")),
    "bow": _p(("bow", "", 6), ("take", "a bow", 2), ("bend", "forward in a bow"), ("make", "a bow"),
        ("bow", "in greeting"), ("bow", "down")),
    "call": _p(("call", "out", 3), ("call", "out to someone", 3), ("call", "someone", 2), ("shout", "to someone", 2),
        ("call", "for someone"), ("yell", "at someone far away"),
        ("call", "out with {hand} at the mouth")),
    "guide": _p(("guide", "someone", 2), ("show", "the way", 3), ("point", "the way with {hand}", 2),
        ("gesture", "this way"), ("usher", "someone along"), ("direct", "someone with {hand}"),
        ("show", "someone where to go"), ("present", "something with {hand}")),
    "respond": _p(("respond", "to a call", 2), ("answer", "with {hand} raised", 2), "respond",
        ("reply", "by raising {hand}"), ("answer", "someone"), ("respond", "with {hand}")),
    "kick": _p(("kick", "", 5), ("give", "a kick"), ("kick", "with a leg"), ("throw", "a kick"), ("kick", "the air"),
        ("practise", "kicks", 0.5)),
    "spin kick": _p("spin kick", ("do", "a spin kick", 3), ("perform", "a spinning kick", 2),
        ("turn", "around and kick"), ("do", "a roundhouse kick"), ("kick", "while spinning")),
    "punch": _p(("punch", "", 5), ("throw", "punches", 2), ("box", "", 2), ("strike", "with the fists"),
        ("throw", "a punch"), ("hit", "the air"), ("fight", "with the fists"), "shadowbox"),
    "slash": _p(("slash", "", 3), ("swing", "a sword", 3), ("cut", "with a sword"), ("fight", "with a sword"),
        ("strike", "with a blade"), ("slice", "the air with a sword")),
    "dance": _p(("dance", "", 6), ("do", "a dance", 2), ("perform", "a dance"), ("dance", "around"),
        ("move", "to the music"), "groove", ("dance", "to music")),
    "salsa": _p(("dance", "salsa", 5), ("salsa", "dance"), ("dance", "the salsa", 2), ("do", "a salsa dance", 2),
        ("dance", "", 2), ("move", "to salsa music"), ("perform", "salsa steps")),
    "indian dance": _p(("perform", "an Indian dance", 4), ("dance", "an Indian dance", 2), ("dance", "", 2),
        ("do", "a classical Indian dance"), ("dance", "in Indian style")),
    "karate": _p(("do", "karate", 4), ("practise", "karate", 2), ("perform", "a karate kata", 2),
        ("train", "martial arts"), ("do", "martial arts", 2), ("perform", "karate moves")),
    "climb": _p(("climb", "", 4), ("climb", "up", 2), ("clamber", "up"), ("climb", "on a climbing frame"),
        ("climb", "a playground ladder")),
    "swing": _p(("swing", "on a bar", 3), ("swing", "back and forth on a high bar"), "swing"),
    "jump": _p(("jump", "", 6), ("leap", "", 2), ("jump", "up", 2), ("jump", "into the air"), ("make", "a jump"),
        ("spring", "off the ground"), ("hop", "with both feet", 0.5)),
    "hop": _p(("hop", "", 4), ("hop", "with both feet", 2), ("jump", "in small hops"), ("bounce", "along")),
    "crawl": _p(("crawl", "", 5), ("crawl", "on hands and knees", 2), ("go", "on all fours"),
        ("creep", "on hands and knees"), ("crawl", "along the floor")),
    "roll": _p(("roll", "", 4), ("do", "a forward roll", 2), ("roll", "over on the floor"), "tumble",
        ("somersault", "on the ground"), ("do", "a roll", 2)),
    "cartwheel": _p(("do", "a cartwheel", 5), ("cartwheel", "", 2), ("perform", "a cartwheel", 2),
        ("turn", "a cartwheel")),
    "flip": _p(("do", "a flip", 3), ("flip", "", 2), ("perform", "a flip"), ("do", "a somersault in the air"),
        ("do", "an acrobatic flip")),
    "backflip": _p(("do", "a backflip", 5), ("backflip", "", 2), ("flip", "backward", 2),
        ("perform", "a backflip", 2), ("do", "a backward somersault"), ("flip", "over backwards")),
    "sideflip": _p(("do", "a side flip", 3), ("flip", "sideways", 2), ("perform", "a sideflip")),
    "handstand": _p(("do", "a handstand", 4), ("stand", "on the hands", 2), ("kick", "up into a handstand"),
        ("perform", "a handstand")),
    "bridge": _p(("do", "a bridge", 4), ("bend", "back into a bridge", 2), ("make", "a bridge with the body"),
        ("bridge", "on hands and feet")),
    "get up": _p(("get up", "", 3), ("get up", "from the ground", 3), ("stand up", "from the floor", 2), "stand up",
        ("rise", "from the floor"), ("get", "back on the feet"), ("get up", "off the floor")),
    "spin": _p(("spin", "", 3), ("spin", "around", 3), ("whirl", "around"), "twirl", "pirouette",
        ("turn", "in circles")),
    "dribble": _p(("dribble", "a basketball", 4), ("dribble", "", 2), ("bounce", "a ball"), ("play", "basketball")),
    "kick ball": _p(("kick", "a ball", 4), ("kick", "a football", 2), ("shoot", "a soccer ball"),
        ("kick", "a soccer ball", 2), ("play", "football")),
    "pick up": _p(("pick", "something up", 3), ("pick up", "something from the floor", 2),
        ("bend", "down and scoop something up"), ("lift", "something off the ground"), ("pick up", "an object")),
    "wash": _p(("wash", "", 2), ("wash", "the body", 2), ("take", "a shower"), "shower", ("scrub", "the body")),
    "slip": _p(("slip", "", 3), ("slip", "on a banana peel", 2), ("slip", "and fall", 2), ("lose", "the footing")),
    "balance": _p(("balance", "", 3), ("keep", "the balance"), ("balance", "on one leg")),
    "duck": _p(("duck", "", 3), ("duck", "down", 2), "stoop", ("duck", "under something")),
    "turn": _p(("turn", "", 6), ("turn", "while walking"), ("change", "direction", 0.5), ("take", "a turn", 0.5),
        ("veer", "", 0.4)),
    "step": _p(("step", "", 5), ("take", "a step", 2), ("make", "a step", 0.5)),
}  # fmt: skip

STYLES: Mapping[str, Style] = {
    "normal": Style(("normally", "in a normal way", "naturally", "casually", "calmly"), ("normal", "ordinary", "calm")),
    "happy": Style(("happily", "cheerfully", "joyfully", "in a good mood", "with joy"),
        ("happy", "cheerful", "joyful")),
    "angry": Style(("angrily", "in anger", "furiously", "in an angry way", "with rage"),
        ("angry", "furious", "enraged")),
    "sad": Style(("sadly", "in sadness", "gloomily", "dejectedly", "miserably"),
        ("sad", "gloomy", "unhappy", "dejected")),
    "tired": Style(("tiredly", "wearily", "in exhaustion", "as if exhausted", "sluggishly"),
                   ("tired", "exhausted", "weary", "worn-out")),
    "old": Style(("like an old person", "as an elderly person would", "like the elderly", "like an old man",
                  "frailly"), ("old", "elderly", "aged", "frail old")),
    "proud": Style(("proudly", "with pride", "haughtily", "in a proud way", "with the chest out"),
        ("proud", "haughty")),
    "not confident": Style(("without confidence", "timidly", "shyly", "hesitantly", "in an insecure way"),
                           ("timid", "shy", "insecure", "unconfident", "hesitant")),
    "childish": Style(("childishly", "like a child", "like a little kid", "in a childlike way"),
        ("childish", "childlike")),
    "thug": Style(("like a thug", "like a hoodlum", "like a gangster", "roughly"),
                  ("thuggish", "swaggering", "rough")),
    "feminine": Style(("femininely", "in a feminine way", "in a ladylike manner", "gracefully", "like a woman"),
                      ("feminine", "ladylike", "graceful")),
    "masculine": Style(("in a masculine way", "in a manly way", "like a tough man", "with a manly air"),
                       ("masculine", "manly", "burly")),
    "giant": Style(("like a giant", "heavily, like a giant", "as if huge", "with heavy, huge movements"),
        ("giant", "huge")),
    "musical": Style(("rhythmically", "as in a musical", "to a beat", "as if to music", "in a musical way"),
                     ("rhythmic", "musical")),
    "active": Style(("actively", "energetically", "with energy", "lively", "vigorously", "with vigour"),
                    ("energetic", "active", "lively", "vigorous")),
    "youthful": Style(("youthfully", "like a young person", "in a youthful way", "like a teenager",
        "with youthful spirit"),
                      ("young", "youthful", "teenage")),
    "zombie": Style(("like a zombie", "as a zombie", "like the undead", "with stiff zombie steps"),
        ("zombie-like", "undead")),
}  # fmt: skip

DIRECTIONS: Mapping[str, tuple[str, ...]] = {
    "forward": ("forward", "forwards", "ahead", "straight ahead", "straight", "straight forward", "onward"),
    "backward": ("backward", "backwards", "back", "in reverse", "rearward", "backward without turning"),
    "left": ("to the left", "leftward", "sideways to the left", "toward the left", "left", "towards their left"),
    "right": ("to the right", "rightward", "sideways to the right", "toward the right", "right", "towards their right"),
    "diagonal left": ("forward and to the left", "diagonally to the left", "left", "to the left", "toward the left",
                      "ahead while moving over to the left"),
    "diagonal right": ("forward and to the right", "diagonally to the right", "right", "to the right",
        "toward the right",
                       "ahead while moving over to the right"),
    "in place": ("in place", "on the spot", "without moving from the spot"),
}  # fmt: skip
TURNS: Mapping[str, tuple[str, ...]] = {
    side: (
        f"and turn{{s}} {name}", f"and turn{{s}} to the {name}", f"turning {name}", f"turning to the {name}",
        f"in a curve to the {name}", f"and then turn{{s}} {name}", f"around a corner to the {name}",
        f"curving {name}", f"with a {name} turn", f"and take{{s}} a {name} turn", f"veering {name}",
        f"making a turn to the {name}",
    )
    for side, name in (("turn left", "left"), ("turn right", "right"))
}  # fmt: skip
TURNED: Mapping[str, tuple[str, ...]] = {
    "turn left": ("left", "to the left", "towards the left", "to their left", "leftwards"),
    "turn right": ("right", "to the right", "towards the right", "to their right", "rightwards"),
    "turn around": ("around", "back", "all the way around"),
}
CIRCLES: Mapping[str, tuple[str, ...]] = {
    side: (
        f"in a circle to the {name}", f"around in circles to the {name}", f"in a circle, turning {name}",
        f"round and round to the {name}",
    )
    for side, name in (("turn left", "left"), ("turn right", "right"))
}  # fmt: skip
AROUND: tuple[str, ...] = (
    "and turn{s} around", "turning around", "and turn{s} back", "making a U-turn", "and turn{s} all the way around",
    "in a half circle",
)  # fmt: skip
MANNERS: Mapping[str, tuple[str, ...]] = {
    "slow": ("slowly", "at a slow pace", "unhurriedly", "slowly"),
    "fast": ("quickly", "fast", "at a fast pace", "rapidly", "briskly", "swiftly"),
    "long steps": ("with long steps", "with big steps", "taking large strides"),
    "short steps": ("with short steps", "with small steps", "taking little steps"),
    "stealthy": ("stealthily", "quietly", "without a sound", "on quiet feet", "carefully"),
    "careful": ("carefully", "cautiously"),
    "high": ("high",),
    "low": ("low",),
}
#: Verbs that say speed, left out where the motion is slow or fast against them.
HASTY = frozenset({"sprint", "race", "hurry", "bolt", "rush", "charge"})
LEISURELY = frozenset({"stroll", "amble", "wander", "pace"})
#: Words for a walk or a run of some manner, used beside the plain ones.
OF_MANNER: Mapping[tuple[str, str], tuple[Phrase, ...]] = {
    ("walk", "slow"): _p("stroll", "amble", ("stroll", "along"), ("take", "a slow walk"), ("saunter", "")),
    ("walk", "fast"): _p(("hurry", "along"), ("stride", "out"), ("power walk", "")),
    ("walk", "stealthy"): _p("creep", "tiptoe"),
    ("run", "slow"): _p(("jog", "", 2), "trot"),
    ("run", "fast"): _p(("sprint", "", 2), "race", "dash", ("run", "at full speed")),
}
NUMBERS: tuple[str, ...] = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen",
)  # fmt: skip
TIMES: Mapping[int, str] = {1: "once", 2: "twice"}
