"""What people call each action: senses of verbs and nouns, by the words that stand near them."""

from __future__ import annotations

from dataclasses import dataclass

from motion.words.forms import words_of

HANDS = words_of("hand hands arm arms fist fists palm palms elbow elbows")
LEGS = words_of("leg legs foot feet knee knees thigh thighs")
_UP = frozenset(["up", "upright"])
_BALL = frozenset(["ball", "football", "soccer", "basketball"])
_BLADE = words_of("sword blade katana axe knife machete sabre saber stick bat racket club weapon paddle")
_WHOLE = frozenset(["self", "himself", "herself", "themselves", "body", "bodies", "themself"])


@dataclass(frozen=True)
class Sense:
    """One meaning of a head word. ``near``: one of these must stand in the clause; ``far``: none of these may."""

    verb: str
    slots: tuple[tuple[str, str], ...] = ()
    sure: float = 1.0
    near: frozenset[str] = frozenset()
    far: frozenset[str] = frozenset()
    rest: tuple[str, ...] = ()  # words that must follow at once
    light: bool = False  # a helper ("does", "starts to"): the action is the next head


def _rows() -> list[tuple[str, Sense]]:
    rows: list[tuple[str, Sense]] = []

    def add(
        heads: str, verb: str, slots: str = "", sure: float = 1.0, near: object = "", far: object = "",
        light: bool = False,
    ) -> None:  # fmt: skip
        def words(value: object) -> frozenset[str]:
            return frozenset(value.split()) if isinstance(value, str) else frozenset(value)  # type: ignore[call-overload]

        pairs = tuple((s.split("=")[0], s.split("=")[1].replace("_", " ")) for s in slots.split())
        for head in heads.split(","):
            first, *rest = head.split()
            rows.append((first, Sense(verb, pairs, sure, words(near), words(far), tuple(rest), light)))

    # Standing still.
    add("stand on hands,stand on the hands,stand on his hands,stand on her hands,stand on their hands", "handstand")
    add("stand on one,stand on the left,stand on the right,stand on his left,stand on his right,stand on her left,"
        "stand on her right,stand on a single", "balance", near=LEGS)  # fmt: skip
    add("stand back up,stand up,stand upright", "get up", far="still")
    add("stand", "get up", near="up feet")
    add("stand", "balance", near="leg foot", far="one's still")
    add("stand,stop,halt,wait,pause,idle,freeze,stay,remain,hold still,hold position,stand by,come to a halt,"
        "come to a stop,come to a standstill,come to rest,linger,standstill,do nothing", "stand")  # fmt: skip
    add("rest,loiter,hesitate,hold,relax,listen,think,breathe", "stand", sure=0.8, far=HANDS | LEGS)
    # Getting up, sitting, picking up.
    add("get", "get up", near="up feet", far="ready down")
    add("rise,arise", "get up", far=HANDS)
    add("sit up,push up off,recover,straighten up,pull himself up,pull herself up,pick himself up,pick herself up,"
        "push himself up,push herself up,come to his feet,come to her feet,jump to his feet,jump to her feet,"
        "rise to his feet,struggle to his feet,struggle to her feet", "get up", sure=0.9)  # fmt: skip
    add("sit,take a seat,have a seat,be seated,squat down on the chair", "sit", far="up")
    add("sit", "get up", sure=0.7, near="up")
    add("pick,scoop", "pick up", near="up")
    add("pickup,grab,collect,retrieve,gather", "pick up", sure=0.9)
    add("pick,scoop,fetch", "pick up", sure=0.8)
    add("reach down,bend down to pick,bend to pick,bend over to pick,crouch to pick,crouch down to pick,stoop to pick,"
        "reach down and pick,reach down to pick", "pick up", sure=0.9)  # fmt: skip
    # Going.
    add("walk,go for a walk,move on foot,go on foot,tread,trek,hike,wander,roam,ramble,stride out,take a walk", "walk")
    add("stroll,amble,saunter,mosey,meander,dawdle,promenade,go for a stroll", "walk", "manner=slow")
    add("stride", "walk", "manner=long_steps")
    add("march,parade,patrol", "walk", sure=0.9)
    add("strut,swagger,prance", "walk", "style=proud", sure=0.9)
    add("trudge,plod,slog,drag himself,drag herself,drag his feet,drag her feet", "walk", "style=tired")
    add("stomp,tromp,lumber,stamp", "walk", "style=giant", sure=0.8)
    add("toddle,waddle", "walk", "style=childish", sure=0.7)
    add("shuffle", "walk", "manner=short_steps", sure=0.9)
    add("hobble,dodder", "walk", "style=old", sure=0.8)
    add("lurch,shamble", "walk", "style=zombie", sure=0.8)
    add("stagger,limp,totter,reel", "walk", sure=0.6)
    add("pace", "walk")
    add("power walk,speed walk", "walk", "manner=fast")
    add("back away,back off,back up,retreat", "walk", "direction=backward", sure=0.9)
    add("backpedal,moonwalk", "walk", "direction=backward", sure=0.9)
    add("strafe", "walk", "direction=sideways")
    add("go for a run,go running", "run")
    add("go,move,come,travel,proceed,advance,head,approach,enter,exit,leave,depart,return,withdraw,wend,cross", "walk",
        sure=0.8, far=HANDS | LEGS | {"head", "heads", "hips", "shoulders"})  # fmt: skip
    add("go down,get down", "duck", sure=0.7)
    add("come down,come back down,get back down", "stand", sure=0.6)
    add("run,break into a run,flee,scamper,take off running,run away", "run")
    add("scurry", "run", "manner=short_steps", sure=0.9)
    add("jog,trot,go for a jog,go jogging", "jog")
    add("sprint,dash,bolt,rush,race,hurtle,break into a sprint,take off", "dash")
    add("charge,gallop,chase,hurry,hasten", "dash", sure=0.8)
    add(
        "sneak,steal along,steal away,walk on the sly,tiptoe,creep,prowl,slink,skulk,walk on tiptoe,"
        "walk on tiptoes,walk on his toes,walk on her toes",
        "sneak",
    )
    add("stalk", "sneak", sure=0.8)
    add(
        "crawl,creep on hands and knees,go on hands and knees,move on hands and knees,go on all fours,"
        "walk on all fours,move on all fours,creep on all fours,walk on hands and knees",
        "crawl",
    )
    add("climb,clamber,ascend", "climb")
    add("scale", "climb", sure=0.9)
    add("sidestep", "step", "direction=sideways")
    add("side step", "step", "direction=sideways")
    # Steps are settled in `clauses`: a unit ("walks three steps") or an action ("steps back").
    add("step", "step")
    # Turning.
    add("turn,rotate,swivel,tilt,crane", "look", near="head gaze eyes")
    add("turn on the spot,pivot,swivel,about face,face about,u turn", "turn")
    add("turn a cartwheel,turn cartwheels", "cartwheel")
    add("turn,veer,swerve,curve,bear left,bear right,bank left,bank right,peel off", "turn", far="somersault")
    add("face,orient", "turn", sure=0.9)
    add("circle", "walk", "direction=turn_left", sure=0.7)
    add(
        "spin kick,spin and kick,roundhouse kick,spinkick,roundhouse,wheel kick,spinning kick,turning kick,mawashigeri",
        "spin kick",
    )
    add("kick", "spin kick", near="spin spinning roundhouse")
    add("spin,twirl,whirl,rotate,revolve,pirouette,gyrate,spin around,turn in circles,turn round and round", "spin")
    # Off the ground.
    add("jump kick,flying kick,drop kick,dropkick", "kick")
    add("jump,leap,jump up and down,spring,jump rope", "jump")
    add("bound,bounce,pounce,lunge forward through the air", "jump", sure=0.8)
    add("hop,bounce along", "hop")
    add("skip", "hop", sure=0.7)
    add("vault,leapfrog", "vault")
    add("hurdle,jump a hurdle", "vault", sure=0.9)
    add("cartwheel,cart wheel", "cartwheel")
    add("flip backward,flip backwards,back flip,backflip,back somersault,back handspring,flic flac", "flip",
        "direction=backward")  # fmt: skip
    add("front flip,frontflip,flip forward,flip forwards", "flip", "direction=forward")
    add("flip,sideflip,side flip,somersault in the air,kip,kick flip,kickflip,handspring,aerial", "flip")
    add("somersault,salto", "flip", near="air mid midair")
    add("salto", "flip")
    add("roll,somersault,dive roll,shoulder roll,barrel roll", "roll")
    add("tumble", "roll", sure=0.7)
    add("hand stand,handstand,headstand", "handstand")
    add("bend,arch", "bridge", near="bridge")
    add("bridge,back bend,backbend", "bridge")
    add(
        "balance,keep balance,keep the balance,keep his balance,keep her balance,keep their balance,"
        "stand on one leg,stand on one foot",
        "balance",
    )
    add("teeter,wobble,sway", "balance", sure=0.6)
    # Down.
    add("fall,collapse,faint,topple,keel over,pass out,fall over,drop dead", "fall")
    add("trip,drop to the ground,drop to the floor,drop down", "fall", sure=0.8)
    add("stumble", "fall", sure=0.6)
    add(
        "lose balance,lose his balance,lose her balance,lose their balance,lose its balance,"
        "lose the balance,lose the footing,lose footing,lose his footing,lose her footing",
        "fall",
        sure=0.7,
    )
    add("slip,skid", "slip")
    add("duck,crouch,squat,hunker", "duck")
    add("stoop,bend down,bend over,dodge,cower", "duck", sure=0.8)
    # Hitting.
    add("kick", "kick ball", near=_BALL)
    add("shoot", "kick ball", sure=0.8, near=_BALL)
    add("dribble", "dribble")
    add("bounce", "dribble", near=_BALL)
    add("play basketball", "dribble", sure=0.8)
    add("play football,play soccer", "kick ball", sure=0.8)
    add("kick,boot", "kick")
    add("punch,jab,uppercut,sucker punch,shadow box,shadowbox", "punch")
    add("hook", "punch", sure=0.8)
    add("box,strike,hit,sock", "punch", sure=0.9, far=_BLADE)
    add("fight,cut,duel,attack,stab,practise,practice", "slash", near=_BLADE)
    add("fight", "punch", sure=0.8, near="fist fists")
    add("strike,hit", "slash", sure=0.9, near=_BLADE)
    add("slash,swordplay,sword fight,fence", "slash")
    add("swing,swipe,wield", "slash", near=_BLADE)
    add("slice,chop,hack,cleave,swipe", "slash", sure=0.9)
    add("block,parry,deflect,fend off,ward off", "block")
    add("guard,defend,shield", "block", sure=0.8)
    add("train in karate,karate,kata,practice karate,do karate,perform karate", "karate")
    add("kung fu,martial arts,taekwondo", "karate", sure=0.8)
    # Dancing.
    add(
        "move to salsa music,move to salsa,sway to salsa music,salsa,salsa dance,dance salsa,"
        "dance the salsa,dance a salsa",
        "salsa",
    )
    add("dance", "salsa", near="salsa")
    add("dance", "indian dance", near="indian bharatanatyam kathak bollywood")
    add("indian dance,indian dancing,bharatanatyam,kathak", "indian dance")
    add("move,sway,groove", "salsa", near="salsa")
    add("move,sway", "dance", near="music beat rhythm song")
    add("dance,boogie,groove", "dance")
    add("break dance,breakdance,brake dance,waltz,tap dance,jive,tango,disco,shimmy", "dance", sure=0.8)
    # Arms.
    add("wave goodbye,wave good bye,wave bye,wave bye bye,wave farewell,say goodbye,say good bye,say bye,say bye bye,"
        "say farewell,bid farewell,bid goodbye,take leave,goodbye,bye,bye bye,farewell", "wave goodbye")  # fmt: skip
    add("wave", "wave goodbye", near="goodbye bye farewell goodbyes")
    add("wave,say hello,say hi,wave hello", "wave")
    add("greet,hail", "wave", sure=0.9)
    add(
        "raise,lift,put,throw,stretch,fling,thrust,shoot,bring,hold,extend,reach,point,stick",
        "raise hand",
        near=HANDS,
        far="down out sides behind hips pockets together ball",
    )  # narrowed in `clauses`
    add("hand up,hands up,arm up,arms up,hands raised,arms raised,hand raised,arm raised", "raise hand")
    add("raise,hand raise,arm raise", "raise hand", far=LEGS | {"head", "eyebrow", "eyebrows", "shoulders", "heels"})
    add("reach up", "raise hand", sure=0.8)
    add("salute", "raise hand", "side=right", sure=0.7)
    add("cheer,hail a taxi,hail a cab", "raise hand", sure=0.6)
    add("celebrate", "raise hand", "side=both", sure=0.6)
    add("volunteer", "raise hand", sure=0.6)
    add("see", "wave goodbye", near="off")
    add("bend", "bow", near="bow")
    add("bow,take a bow,bow down", "bow")
    add("curtsy,curtsey", "bow", sure=0.7)
    add("call,call over,call out,shout,yell", "call")
    add("beckon,summon,wave over,beckon over", "call", sure=0.9)
    add("wave", "call", sure=0.8, near="over", far="head heads shoulder shoulders")
    add("guide,usher,show the way,lead the way,show someone the way,direct,invite in,welcome in", "guide")
    add("show", "guide", near="way")
    add("gesture,point,invite,welcome,motion", "guide", sure=0.6)
    add("respond,answer,reply,acknowledge", "respond")
    add("stretch,limber,limber up,loosen up", "stretch")
    add("warm up", "stretch", sure=0.8)
    add("wash,shower,take a shower,rinse,scrub,bathe,take a bath", "wash")
    add("take", "wash", near="shower bath")
    add("clean", "wash", sure=0.7, near=_WHOLE | HANDS)
    add("swing on,swing from,hang", "swing")
    add("swing", "swing", far=HANDS | LEGS | _BLADE | {"hips"})
    add("dangle", "swing", sure=0.7)
    add("lift", "pick up", sure=0.7, far=HANDS | LEGS | {"head"})
    # The gaze.
    add("look,glance,gaze,peer,peek", "look", far="like")
    add("stare,watch", "look", sure=0.8)
    # Helpers.
    add("do,make,perform,execute,take,give,have,get,start,begin,continue,keep,try,want,need,let,decide,manage,"
        "use,attempt,commence,resume,go on,complete,deliver,land,throw,practice,practise,show,carry out,"
        "set off,prepare,burst,break,launch,hurl,kick up into,go into,play,signal,train", "", light=True)  # fmt: skip
    return rows


#: Senses of each head word: the longest phrase first, then those that ask for company, then as listed.
SENSES: dict[str, list[Sense]] = {}
for _head, _sense in _rows():
    SENSES.setdefault(_head, []).append(_sense)
for _list in SENSES.values():
    _list.sort(key=lambda sense: (-len(sense.rest), sense.light, not sense.near))

#: Head words that are a thing, not an action, after an article or an owner, unless a helper asks for an action.
THINGS = words_of(
    "box block guide face head circle watch rest stand swing point fence bridge scale bar club call show play use "
    "rock shield guard spring bank reel look race charge stick hold cross clean stalk bolt fetch break lumber "
    "dash curve ring start land motion gesture approach return groove trip bow hurdle breath disco parade vault "
    "pace"
)
#: Nouns that make a gerund before them part of a name.
NAMED_BY_GERUND = words_of(
    "shoes shoe stick cane shorts board distance stance speed pace gear track bar music frame wall"
)

#: English verbs outside the vocabulary and the actions nearest to them. Below .5 they are suggestions alone.
KIN: dict[str, tuple[tuple[str, float], ...]] = {}
_KIN = """
swim: crawl .3, dance .2 | fly: jump .3, raise hand .2 | skate: walk .4, slip .3 | ski: walk .3, duck .3
ride: sit .4 | drive: sit .4 | drink: raise hand .3, sit .2 | eat: sit .4 | read: sit .4, stand .3 | write: sit .4
type: sit .4 | sleep: sit .3, fall .3 | lie: fall .4, sit .4 | lay: fall .3, pick up .3 | kneel: duck .5, sit .4
nod: bow .45, respond .45 | shrug: respond .4 | clap: wave .4, raise hand .4 | applaud: wave .4, raise hand .4
hug: raise hand .4, guide .3 | kiss: bow .3 | shake: wave .4 | throw: punch .4, slash .3 | toss: punch .3, guide .3
catch: block .4, pick up .3 | push: punch .4, block .3 | shove: punch .4 | pull: swing .3, pick up .3
drag: walk .4 | carry: walk .4, pick up .4 | lean: duck .4, stand .4 | bend: duck .5, bow .5
lunge: step .5, kick .3 | slide: slip .5 | glide: walk .4 | moonwalk: walk .5, dance .5 | crabwalk: crawl .4
dive: roll .5, jump .5 | fight: punch .5, karate .4 | wrestle: punch .3 | attack: punch .5, slash .5
stab: slash .5, punch .4 | shoot: punch .3 | aim: raise hand .3 | juggle: wave .3, dribble .3 | dig: pick up .4
sweep: slash .3, guide .3 | paint: wave .3 | cook: stand .3 | knock: punch .4 | open: guide .3 | close: guide .3
laugh: stand .3 | cry: stand .3 | weep: stand .3 | sing: stand .3 | talk: guide .3, stand .3 | speak: guide .3, stand .3
pray: bow .4, stand .3 | cough: bow .3 | sneeze: bow .3 | scratch: raise hand .3, wash .3 | rub: wash .4
twist: spin .4, dance .4 | wiggle: dance .4 | shiver: stand .3 | tremble: stand .3 | dodge: duck .8
headbang: dance .4 | squirm: roll .3 | yawn: stretch .5 | reach: raise hand .5, pick up .4
touch: duck .3, raise hand .3
grab: pick up .9 | drop: fall .3, duck .3 | place: pick up .4 | put: pick up .4 | lower: stand .3, duck .3
lift: pick up .5, raise hand .4 | raise: raise hand .4, kick .3 | hold: stand .4 | swing: swing .4, slash .4
extend: stretch .4, raise hand .3 | spread: stretch .4, raise hand .4 | fold: stand .3 | flap: wave .4, raise hand .4
bicycle: sit .3 | cycle: sit .3, run .2 | row: sit .3 | surf: balance .4 | bowl: guide .3, slash .2 | golf: slash .4
yodel: call .4 | scream: call .4 | whistle: call .3 | meditate: sit .4 | tie: duck .3 | plank: bridge .3
pushup: crawl .3, bridge .3 | situp: get up .4, sit .4 | burpee: jump .4, duck .3 | thrust: punch .4
ride: sit .4 | zigzag: run .4, walk .4 | dodge: duck .8 | hide: duck .5 | float: walk .2 | levitate: jump .2
fidget: stand .4
shake hands: wave .3 | tilt: look .3, duck .2 | tap: kick .3, step .3 | clean: wash .5 | tug: pick up .3
fix: pick up .3
jiggle: dance .4 | nudge: punch .3 | slap: punch .5, slash .4 | headbutt: bow .4, punch .3
pat: wave .3 | rock: balance .3 | cradle: stand .2 | peddle: sit .2 | pedal: sit .3 | unlock: pick up .2 | snap: wave .2
"""
for _row in _KIN.replace("\n", "|").split("|"):
    if ":" in _row:
        _word, _near = _row.split(":")
        _pairs = (item.strip().rsplit(" ", 1) for item in _near.split(","))
        KIN[_word.strip()] = tuple((verb.strip(), float(score)) for verb, score in _pairs)

#: Actions of the vocabulary and those that are most like them: what is offered where one cannot be done.
AKIN: dict[str, tuple[str, ...]] = {}
_AKIN = """
stand: balance, turn, step | walk: step, jog, sneak, run | run: jog, dash, walk | dash: run, jog, walk
jog: run, dash, walk | sneak: walk, crawl, step | step: walk, turn, hop | turn: spin, step, walk
spin: turn, dance, spin kick | jump: hop, vault, flip | hop: jump, step, balance | vault: jump, climb, hop
climb: vault, step, get up | crawl: sneak, roll, duck | roll: flip, cartwheel, crawl | cartwheel: flip, handstand, roll
flip: cartwheel, roll, jump | handstand: cartwheel, bridge, flip | bridge: handstand, stretch, flip
kick: spin kick, kick ball, karate | spin kick: kick, karate, spin | kick ball: kick, dribble, jog
dribble: kick ball, jog, run | punch: karate, slash, kick | slash: punch, swing, karate | karate: punch, kick, slash
block: karate, punch, slash | swing: slash, punch | dance: salsa, indian dance, spin | salsa: dance, indian dance, spin
indian dance: dance, salsa, spin | raise hand: wave, call, guide, stretch, wash
wave: wave goodbye, raise hand, call, guide, wash | wave goodbye: wave, raise hand, bow, call
call: raise hand, wave, guide, respond | guide: respond, call, raise hand | respond: guide, bow, call
bow: respond, duck, pick up, get up | duck: bow, pick up, sneak | pick up: duck, bow, get up
sit: duck, bow, get up, stand | get up: stand, sit, roll | fall: slip, roll, get up | slip: fall, step, balance
wash: raise hand, guide, wave | balance: stand, hop, step | stretch: raise hand, bow, bridge | look: turn, stand
"""
for _row in _AKIN.replace("\n", "|").split("|"):
    if ":" in _row:
        _word, _near = _row.split(":")
        AKIN[_word.strip()] = tuple(verb.strip() for verb in _near.split(","))

#: Every base form that can be the head of a clause.
HEADS = frozenset(SENSES) | frozenset(KIN)

#: Which verbs carry the body about, and which move a part of it alone.
TRAVEL = frozenset({"walk", "run", "dash", "jog", "sneak", "crawl"})
PART_OF_VERB = {
    "raise hand": "arms", "wave": "arms", "wave goodbye": "arms", "call": "arms", "guide": "arms", "respond": "arms",
    "punch": "arms", "slash": "arms", "block": "arms", "wash": "arms", "dribble": "arms", "look": "head",
    "kick": "legs", "kick ball": "legs",
}  # fmt: skip
