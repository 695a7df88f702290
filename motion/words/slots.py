"""Manner, style, direction and body part: the words for each value."""

from __future__ import annotations

from motion.words.forms import words_of
from motion.words.verbs import HANDS, LEGS

_STYLES = """
happy: happy, happily, happiness, joyful, joyfully, joyous, joyously, joy, cheerful, cheerfully, merry, merrily,
  gleeful,
  gleefully, delighted, elated, jubilant, jolly, glad, gladly, smiling, in a good mood, jauntily, blissfully, cheery
happy .8: excited, excitedly, excitement, bouncy, thrilled, skipping for joy
angry: angry, angrily, anger, furious, furiously, fury, rage, raging, enraged, irritated, annoyed, irritably, in a rage
angry .8: aggressive, aggressively, frustrated, mad, hostile, madly, grumpily, grumpy, violently, fierce, fiercely
sad: sad, sadly, sadness, depressed, gloomy, gloomily, sorrowful, sorrowfully, mournful, mournfully, dejected,
  dejectedly,
  heartbroken, unhappy, unhappily, melancholy, miserable, miserably, downcast, crestfallen, glumly, glum, with a
  heavy heart
tired: with no energy left, no energy left, no energy, without energy, tired, tiredly, exhausted, exhaustedly,
  exhaustion, weary, wearily, weariness, fatigued, fatigue, sleepy, sleepily,
  worn out, drained, out of breath, sluggish, sluggishly, lethargic, lethargically, drowsy, drowsily, dead tired
old: old, elderly, aged, senior, grandpa, grandma, granny, grandfather, grandmother, geriatric, old age, frail, frailly,
  pensioner, older
proud: with the chest out, with his chest out, with her chest out, chest out, proud, proudly, pride, arrogant,
  arrogantly, haughty, haughtily, pompous, pompously, boastful, triumphant,
  triumphantly, regal, regally, with his head held high, with her head held high, cocky, with confidence
proud .8: confident, confidently, self assured, majestically, boldly, victorious, victoriously
not confident: not confident, without confidence, lacking confidence, lack of confidence, unconfident, unconfidently,
  shy, shyly, shyness, timid, timidly, timidity, nervous, nervously, hesitant, hesitantly, unsure, unsurely,
  insecure, insecurely,
  bashful, bashfully, meek, meekly, with little confidence, low confidence, not very confident, not so confident,
  no confidence, with no confidence, uncertain, uncertainly, self consciously
not confident .7: anxious, anxiously, afraid, scared, fearful, fearfully, frightened, worried, worriedly,
  awkward, awkwardly
childish: childish, childishly, childlike, child like, like a child, like a kid, like a toddler, immature, like
  a little kid,
  like children, like a small child, like a little boy, like a little girl, like a baby
childish .7: playful, playfully, child, kid, toddler, goofily, mischievously
thug .7: rough, roughly, with a swagger, with swagger, swaggering
thug: thug, thuggish, thuggishly, gangster, hoodlum, punk, delinquent, hooligan, ruffian, yakuza, chimpira, tough guy,
  street tough, bully, menacingly, menacing, mobster
feminine .7: graceful, gracefully, elegant, elegantly, dainty, daintily
feminine: feminine, femininely, feminine way, womanly, ladylike, like a woman, like a girl, like a lady, girly, girlish,
  girlishly, femininity, like a model
masculine .7: burly, muscular
masculine: masculine, masculinely, manly, macho, like a man, masculinity, like a tough man, in a manly way
giant: giant, like a giant, gigantic, ogre, titan, colossus, like a troll
giant .7: huge, as if huge, huge movements, enormous, heavily, lumbering, ponderously, monster, monstrous, like
  an elephant
musical: musical, musically, rhythmic, rhythmically, to the music, to music, to the beat, to a beat, in rhythm,
  with rhythm,
  with the beat, on the beat, in time with the music, melodic, melodically
active: active, actively, energetic, energetically, lively, vigorous, vigorously, energy, dynamic, dynamically, peppy,
  full of energy, spirited, enthusiastic, enthusiastically, enthusiasm, with vigour, with vigor, animatedly
youthful: youthful, youthfully, young, like a youth, teenager, teenage, teenaged, youngster, youth, younger
zombie: zombie, zombielike, undead, walking dead, living dead, zombified
normal: normal, normally, neutral, neutrally, ordinary, ordinarily, naturally, in a normal way, regular, usual, as usual
normal .7: casually, casual, calmly, calm, relaxed
"""
_MANNERS = """
slow: in no hurry, without hurry, without hurrying, without haste, slow, slowly, slower, unhurried, unhurriedly,
  leisurely, lazily, gradual, gradually, slow motion, in slow motion, slowed,
  at a slow pace, taking his time, taking her time, slow speed, at a snail pace, ever so slowly, slow mo, slow down
slow .8: gentle, gently, softly, soft, lazy, walking pace
fast: fast, quickly, quick, quicker, faster, rapid, rapidly, swift, swiftly, speedy, speedily, hurried,
  hurriedly, hasty,
  hastily, brisk, briskly, high speed, at high speed, full speed, at full speed, top speed, at top speed, in a hurry,
  at full tilt, full tilt, as fast as, lightning fast, in haste, at a fast pace, speed up, flat out, hurriedly
fast .7: sudden, suddenly, abruptly, sharply, snappy, snappily, explosively, frantically
long steps: long steps, long step, long strides, long stride, big steps, big step, big strides, large steps, large step,
  large strides, wide steps, wide strides, huge steps, huge strides, giant steps, giant strides, great strides,
  great steps, wide stride, long paces, exaggerated steps, longer steps, bigger steps
short steps: short steps, short step, short strides, small steps, small step, tiny steps, tiny step, little
  steps, little step,
  baby steps, baby step, mini steps, short paces, small strides, shorter steps, smaller steps
stealthy: stealthy, stealthily, stealth, sneaky, sneakily, furtively, on tiptoe, on tiptoes, on tip toe, on tip
  toes, covertly,
  on his toes, on her toes, unnoticed, without a sound, without making a sound, without noise, without making noise,
  like a thief, like a burglar, like a ninja, like a spy
stealthy .8: quiet, quietly, silent, silently, secretly, noiselessly, soundlessly
careful: careful, carefully, cautious, cautiously, gingerly, warily, wary, with care, with caution, watchfully,
  with great care
careful .7: delicately, tentatively, tentative
high: high, highly, high in the air, high into the air, higher, overhead, up high, above the head, above his head,
  above her head, over his head, over her head, over the head, above their head, over their head, as high as
low: low, lowly, deep, deeply, low to the ground, close to the ground, as low as
"""
_DIRECTIONS = """
forward: forward, forwards, ahead, straight ahead, straight on, straight forward, straight, onward, onwards,
  frontward, frontwards,
  frontways, right ahead, in a straight line, in front
forward .8: toward the camera, towards the camera, toward us, towards us, toward the viewer, towards the viewer,
  down the street
backward: backward, backwards, in reverse, rearward, rearwards, over his shoulder, over her shoulder, over the shoulder,
  behind him, behind her, behind them, over their shoulder, to the rear, to the back, over one shoulder
in place: in place, on the spot, on spot, on the same spot, in one place, in the same place, without moving forward
sideways: sideways, sidewards, sidewise, laterally, lateral, to the side, to one side, to his side, to her side
left: leftward, leftwards
right: rightward, rightwards
turn right: clockwise, in a clockwise circle, clockwise in a circle, in a circle clockwise
turn left: counterclockwise, anticlockwise, counter clockwise, anti clockwise, in a circle counterclockwise,
  in a circle anticlockwise, in a counterclockwise circle, in an anticlockwise circle
circle: in a circle, in circles, in a loop, around in circles, around in a circle, round in circles, in a big circle,
  in a small circle, in a large circle, in a tight circle, in a wide circle, around the table, around the tree,
  around the room,
  in a full circle, a circle, circles, in a semicircle, in a half circle, in a curve, in an arc, in a wide arc, a
  curve, an arc
turn around: around 180, half turn, half a turn, u turn, about face, about turn, to face the other way, the other way,
  the opposite way, to the opposite direction, in the opposite direction, to face the opposite direction, to face
  backward, 180
shuttle: back and forth, to and fro, backwards and forwards, forwards and backwards, backward and forward, up and back
none: side to side, from side to side, up and down, round and round, back to back, over and out, back straight,
  by his side,
  by her side, by his sides, by her sides, at his sides, at her sides, arms wide, left and right and left, back to
  the camera,
  from left to right, from right to left, in front of, ahead of
"""


def _table(text: str) -> dict[str, tuple[str, float]]:
    out: dict[str, tuple[str, float]] = {}
    for entry in text.replace("\n  ", " ").strip().splitlines():
        name, phrases = entry.split(":")
        sure = 1.0
        if name.rsplit(" ", 1)[-1].startswith("."):
            name, number = name.rsplit(" ", 1)
            sure = float(number)
        for phrase in phrases.split(","):
            out.setdefault(phrase.strip(), (name, sure))
    return out


#: phrase -> [(slot, value, confidence)]
PHRASES: dict[tuple[str, ...], tuple[str, str, float]] = {}
for _slot, _text in (("style", _STYLES), ("manner", _MANNERS), ("direction", _DIRECTIONS)):
    for _phrase, (_value, _sure) in _table(_text).items():
        PHRASES.setdefault(tuple(_phrase.split()), (_slot, _value, _sure))
#: Phrases that hold words of other tables and mean none of them.
for _phrase in [
    "high five",
    "high fives",
    "right away",
    "right now",
    "right then and there",
    "all right",
    "left over",
    "left alone",
    "at once",
    "all at once",
    "no one",
    "one by one",
    "one after another",
    "one after the other",
    "first of all",
    "on hands and knees",
    "without turning",
    "without turning around",
    "in small hops",
    "in greeting",
    "high bar",
    "in one go",
    "not only",
    "can't but",
    "cannot but",
    "nothing but",
    "cannot help but",
    "can not help but",
    "can't help but",
    "for the first time",
    "for the second time",
    "for the third time",
    "for the last time",
    "as well",
    "as well as",
    "old fashioned",
    "high heels",
    "high heel",
    "such as",
    "so as",
    "as for",
    "as if",
    "as though",
    "on the way",
    "by the way",
    "in order",
    "no longer",
    "slow dance floor",
    "fast food",
    "happy hour",
    "as far as",
    "as long as he can",
    "as long as she can",
    "as long as",
    "all the way",
    "again and again and",
    "at the end",
    "in the end",
    "at first",
    "in the middle",
    "in the direction",
    "upside down",
    "right side up",
    "the other side",
    "on the other side",
]:
    PHRASES.setdefault(tuple(_phrase.split()), ("none", "", 1.0))
for _owner in ("his", "her", "the", "their", "one", "its"):
    for _which in ("left ", "right ", ""):
        PHRASES.setdefault(("over", _owner, *f"{_which}shoulder".split()), ("direction", "backward", 1.0))
LONGEST = max(len(phrase) for phrase in PHRASES)

#: Words that name a part of the body.
PART_WORDS: dict[str, str] = dict.fromkeys(
    HANDS | {"wrist", "wrists", "finger", "fingers", "shoulder", "shoulders"}, "arms"
)
PART_WORDS |= dict.fromkeys(
    LEGS | {"ankle", "ankles", "toe", "toes", "heel", "heels", "hip", "hips", "shin", "shins"}, "legs"
)
PART_WORDS |= dict.fromkeys(["head", "face", "chin", "neck", "eyes", "gaze"], "head")
PART_WORDS |= dict.fromkeys(["torso", "chest", "trunk", "waist"], "upper body")
PART_PHRASES = {("upper", "body"): "upper body", ("lower", "body"): "legs"}
PAIRS = words_of("hands arms fists palms elbows legs feet knees")
SINGLES = words_of("hand arm fist palm elbow wrist leg foot knee ankle shoulder heel toe")
