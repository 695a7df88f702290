"""Is it English, of a length that can be meant, and spelled as known? One clear line where not."""

from __future__ import annotations

import dataclasses
import difflib
import unicodedata
from collections import Counter

from motion.errors import BadInput
from motion.words import numbers
from motion.words.forms import Token, base_forms, words_of
from motion.words.marks import ARTICLES, NOT, OWNERS, PEOPLE, PRONOUNS
from motion.words.segments import link_words
from motion.words.slots import PART_WORDS, PHRASES
from motion.words.verbs import HEADS, NAMED_BY_GERUND, SENSES

#: Longest text, in words: about ten minutes of action.
LONGEST = 600

#: Words that say nothing of a slot: grammar, places, things.
COMMON = words_of(
    "a about above across again against air all alone along already also always am an and another any anyone "
    "anything apart are arena as aside at attention audience away ball balls banana bar bars basket be beach "
    "because bed been behind being bell belly below bench beneath beside between beyond big bike bit body book "
    "both bottle bottom bowl box boxes branch bridge bucket building bus but by cage camera can car carpet cat "
    "cause ceiling center centre chair chest circle city class clean cliff close clothes club coat come corner "
    "could couch course court cup curb danger dark day deck desk did direction directly distance ditch do dog "
    "done door doorway down drink each edge effort either else empty end enemy energy entire even every "
    "everything exercise experience eye facing far feeling fence few field final finally fire first flag flat "
    "floor flower food for forest form fountain free from front full fun further game garden gate gap glass goal "
    "going good grass great ground group gun gym half hall hallway hard has hat have having head heavy held her "
    "here hers herself hey high hill him himself his hold hole home hoop horse house how i if imaginary "
    "immediately in inside instead into invisible is it item its itself jacket job just keyboard kind knee ladder "
    "lane large last later lawn leading least less letter lifted light like line little living log long look lot "
    "loud loudly low machine make many mat maybe me meanwhile meters middle might mirror moment more most motion "
    "mountain mouth move movement much mud music must my narrow near nearby need neither net new next nice night "
    "no nobody nor nothing now number object obstacle of off office on once one only onto open opponent opposite "
    "or order other others our out outside over own pack pain park part partner past path pause perhaps perfect "
    "phone piano pick pitch place platform please point pole pond pool pose position possible prop puddle put "
    "quite rail railing rain rather ready really rest ring river road rock room rope round rug rule same sand "
    "scene school sea seat see set shall she shelf ship shoe shop should side sidewalk single sky small snow so "
    "sofa some somebody someone something soon space spot squarely stage stair stairs staircase start steps still "
    "stone stool straight stream street strong stuff suddenly sun surface sure table take tall target team than "
    "that the their theirs them themselves then there these they thing things this those though through time to "
    "today together too top toward towards town track train tree trench try tunnel turn two under underneath "
    "unseen until up upper upright upward upwards us van very viewer wall want was water way we weapon weight "
    "well were wet what when where whether which while who whole whom whose why wide will wind window with within "
    "without wood wooden world would yard yes yet you your yours almost barely slightly extremely incredibly "
    "fairly pretty somewhat completely fully entirely totally simply actually basically gets got getting onto "
    "downwards downward returning briefly twice thrice once times crowd downstairs upstairs ahead afterwards low "
    "landing lands land landed straightens belly stomach rug mat shoulder stance fighting guard imaginary wearing "
    "wears holding shot clip animation cycle loop idle sequence him his lets let's i'm i'd he'd she'd it's that's "
    "there's i'll he'll she'll they're we're you're ok okay um uh followed hips behind crossing crossed folded "
    "swinging outstretched extended bent arms apart relaxed towards unison sync standing place laughing along "
    "stepping starts start started starting ends ending finish finished finishing begins stuff pocket pockets "
    "sits boss team crossing steadily"
)
_FOREIGN = {
    "French": "il elle les une et puis avec dans est le la des du en marche court saute gauche droite "
    "lentement homme femme deux trois "
    "vers il lève salue pas fois qui sur son sa",
    "German": "er sie der das und mit ein eine geht läuft springt dann nach links rechts langsam schnell "
    "mann frau zwei drei winkt "
    "hebt seine seinen den dem im vorwärts rückwärts mal ist",
    "Spanish": "él ella el los las una y luego con camina corre salta hacia izquierda derecha lentamente "
    "hombre mujer dos tres "
    "un la en su saluda adelante atrás veces mano",
    "Italian": "lui lei gli una poi con cammina corre salta verso sinistra destra lentamente uomo donna due "
    "tre e il la mano saluta avanti",
    "Portuguese": "ele ela os uma depois com anda corre pula esquerda direita devagar homem mulher dois três e "
    "um a frente mão para",
    "Dutch": "hij zij het een en dan met loopt rent springt naar links rechts langzaam snel man vrouw twee drie zwaait",
    "Swedish": "han hon och sedan med går springer hoppar vänster höger långsamt två tre mannen framåt",
    "Polish": "on ona i potem idzie biegnie skacze lewo prawo powoli dwa trzy ręką macha",
    "Turkish": "o ve sonra ile yürür koşar zıplar sola sağa yavaşça iki üç adam",
}  # fmt: skip


def _known_words() -> frozenset[str]:
    out = (
        set(COMMON)
        | PEOPLE
        | PRONOUNS
        | OWNERS
        | ARTICLES
        | NOT
        | set(PART_WORDS)
        | NAMED_BY_GERUND
        | set(link_words())
    )
    for phrase in PHRASES:
        out.update(phrase)
    for senses in SENSES.values():
        for sense in senses:
            out.update(sense.rest, sense.near)
    return frozenset(out | numbers.WORDS | {"left", "right", "back", "around"})


KNOWN = _known_words()
_SLOT_WORDS = sorted(
    {
        w
        for phrase, (slot, _, _) in PHRASES.items()
        if slot in {"style", "manner", "direction"}
        for w in phrase
        if len(w) > 4
    }
)


def known(word: str) -> bool:
    """Whether a word stands in any table."""
    return word in KNOWN or bool(base_forms(word, HEADS))


def check(text: str, tokens: list[Token]) -> None:
    """Says what is wrong with a text as a whole.

    Raises:
        BadInput: empty, too long, not in Latin letters, or not English.
    """
    words = [token.text for token in tokens if token.is_word]
    if not text.strip():
        raise BadInput("text is empty; expected what a performer does, for example 'walks forward, then waves'")
    if len(words) > LONGEST:
        raise BadInput(f"text has {len(words)} words, expected at most {LONGEST}; split it into several motions")
    if not words:
        raise BadInput(f"no words in '{_short(text)}'; expected what a performer does, for example 'walks forward'")
    letters = [c for c in text if c.isalpha()]
    strange = [c for c in letters if "LATIN" not in unicodedata.name(c, "")]
    if len(strange) > 0.3 * len(letters):
        script = Counter(unicodedata.name(c, "UNKNOWN").split()[0].title() for c in strange).most_common(1)[0][0]
        raise BadInput(f"text is in {script} letters: '{_short(text)}'; plans are read from English alone")
    english = sum(known(word) for word in words)
    hits = {
        name: sum(word in set(listed.split()) and not _plain(word) for word in words)
        for name, listed in _FOREIGN.items()
    }
    tongue = max(hits, key=lambda name: hits[name])
    if hits[tongue] >= 1 and hits[tongue] >= english / 2 and english < len(words):
        raise BadInput(f"text seems to be {tongue}: '{_short(text)}'; plans are read from English alone")
    if english == 0 and not any(corrected(word) for word in words):
        raise BadInput(
            f"no English word that I know in '{_short(text)}'; "
            "expected what a performer does, for example 'walks forward'"
        )


def _plain(word: str) -> bool:
    """English words that other languages spell alike."""
    return word in {
        "a",
        "i",
        "e",
        "o",
        "on",
        "man",
        "me",
        "he",
        "due",
        "in",
        "court",
        "pas",
        "dan",
        "den",
        "y",
        "mal",
    } and word not in {"e", "y", "o"}


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"


def corrected(word: str) -> str:
    """A known word that a word outside all tables is a slip of, or ""."""
    if len(word) < 4 or not word.isascii() or known(word):
        return ""
    from motion.words.nearest import SPELLINGS

    for options in (list(SPELLINGS), _SLOT_WORDS):
        for near in difflib.get_close_matches(word, options, n=3, cutoff=0.72):
            swapped = sorted(near) == sorted(word)
            if near[0] == word[0] and (swapped or difflib.SequenceMatcher(None, word, near).ratio() >= 0.84):
                return near
    return ""


def mend(tokens: list[Token]) -> tuple[list[Token], dict[int, str]]:
    """Tokens with slips of spelling put right, and which token read as what."""
    out, slips = [], {}
    for i, token in enumerate(tokens):
        better = corrected(token.text) if token.is_word else ""
        if better:
            slips[i] = better
            token = dataclasses.replace(token, text=better)
        out.append(token)
    return out, slips
