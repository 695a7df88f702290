"""The words of camera work: shot sizes, angles, views, moves, places in the picture; what each one means in numbers.

Every name is a `StrEnum` member and a key of a table: ``SIZES["medium"].frame_height``. `find` turns what a person
wrote ("MCU", "close-up", "dolly in") into the name, or says what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from motion.errors import unknown


class ShotSize(StrEnum):
    """How much of the body fills the frame, from far to near."""

    EXTREME_WIDE = "extreme_wide"
    WIDE = "wide"
    FULL = "full"
    MEDIUM_FULL = "medium_full"
    MEDIUM = "medium"
    MEDIUM_CLOSE_UP = "medium_close_up"
    CLOSE_UP = "close_up"
    EXTREME_CLOSE_UP = "extreme_close_up"


class Angle(StrEnum):
    """How high the camera stands against the subject's eyes."""

    EYE_LEVEL = "eye_level"
    LOW = "low"
    HIGH = "high"
    OVERHEAD = "overhead"
    WORM = "worm"
    DUTCH = "dutch"


class View(StrEnum):
    """From which side the camera sees the subject; left and right are the subject's own."""

    FRONT = "front"
    FRONT_THREE_QUARTER = "front_three_quarter"
    FRONT_THREE_QUARTER_LEFT = "front_three_quarter_left"
    FRONT_THREE_QUARTER_RIGHT = "front_three_quarter_right"
    PROFILE = "profile"
    PROFILE_LEFT = "profile_left"
    PROFILE_RIGHT = "profile_right"
    BACK_THREE_QUARTER = "back_three_quarter"
    BACK_THREE_QUARTER_LEFT = "back_three_quarter_left"
    BACK_THREE_QUARTER_RIGHT = "back_three_quarter_right"
    BACK = "back"
    OVER_THE_SHOULDER = "over_the_shoulder"


class Move(StrEnum):
    """What the camera does during the shot."""

    STATIC = "static"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    TRUCK_LEFT = "truck_left"
    TRUCK_RIGHT = "truck_right"
    PEDESTAL_UP = "pedestal_up"
    PEDESTAL_DOWN = "pedestal_down"
    ARC_LEFT = "arc_left"
    ARC_RIGHT = "arc_right"
    ORBIT = "orbit"
    CRANE_UP = "crane_up"
    CRANE_DOWN = "crane_down"
    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    DOLLY_ZOOM = "dolly_zoom"
    WHIP_PAN_LEFT = "whip_pan_left"
    WHIP_PAN_RIGHT = "whip_pan_right"
    FOLLOW = "follow"
    HANDHELD = "handheld"


class Position(StrEnum):
    """Where in the picture the subject stands."""

    AUTO = "auto"
    CENTRE = "centre"
    THIRDS = "thirds"
    LEFT_THIRD = "left_third"
    RIGHT_THIRD = "right_third"
    FAR_LEFT = "far_left"
    FAR_RIGHT = "far_right"
    TOP = "top"
    BOTTOM = "bottom"
    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


@dataclass(frozen=True)
class SizeSpec:
    """What a shot size frames, on a standing body; heights are fractions of the stature, floor 0 to crown 1."""

    about: str
    bottom: float  # height on the body where the frame ends below; below the floor for wide shots
    headroom: float  # fraction of the frame's height above the crown; negative cuts into the hair
    keeps: tuple[str, ...]  # landmarks (`framing.LANDMARKS`) that must stay in the picture, and are composed
    lens_mm: float  # the lens a cinematographer would reach for, full frame

    @property
    def frame_height(self) -> float:
        """Height of the frame at the subject, in statures."""
        return (1.0 - self.bottom) / (1.0 - self.headroom)


_HEAD = ("crown", "eyes", "chin", "head")
_BUST = (*_HEAD, "neck", "left_collar", "right_collar", "left_shoulder", "right_shoulder", "spine3")
_TRUNK = (*_BUST, "spine2", "spine1", "pelvis", "left_hip", "right_hip")
_KNEES = (*_TRUNK, "left_knee", "right_knee")
_BODY = ("*",)

#: Frame heights follow the usual definitions by where the frame cuts the body (Arijon 1976; Mascelli 1965).
SIZES: Mapping[str, SizeSpec] = {
    ShotSize.EXTREME_WIDE: SizeSpec("the place; the figure is a fifth of the frame", -1.75, 0.43, _BODY, 24.0),
    ShotSize.WIDE: SizeSpec("the whole body and the room around it, about half of the frame", -0.4, 0.25, _BODY, 28.0),
    ShotSize.FULL: SizeSpec("head to toe, a little air above and below", -0.07, 0.08, _BODY, 35.0),
    ShotSize.MEDIUM_FULL: SizeSpec("from the knees up: the American shot", 0.24, 0.08, _KNEES, 40.0),
    ShotSize.MEDIUM: SizeSpec("from just below the hips up", 0.46, 0.08, _TRUNK, 50.0),
    ShotSize.MEDIUM_CLOSE_UP: SizeSpec("from the chest up", 0.68, 0.08, _BUST, 65.0),
    ShotSize.CLOSE_UP: SizeSpec("face and the start of the shoulders", 0.8, 0.06, (*_HEAD, "neck"), 85.0),
    ShotSize.EXTREME_CLOSE_UP: SizeSpec("from the brow to the chin", 0.865, -0.12, ("eyes", "chin"), 100.0),
}


@dataclass(frozen=True)
class AngleSpec:
    """How a camera is tilted towards the subject."""

    about: str
    elevation_deg: float | None  # of the camera above the framed part; None: at the height of the eyes
    roll_deg: float = 0.0


ANGLES: Mapping[str, AngleSpec] = {
    Angle.EYE_LEVEL: AngleSpec("the lens is as high as the eyes", None),
    Angle.LOW: AngleSpec("from below, looking up: the subject gains power", -18.0),
    Angle.HIGH: AngleSpec("from above, looking down: the subject is smaller", 28.0),
    Angle.OVERHEAD: AngleSpec("from right above, a bird's eye", 82.0),
    Angle.WORM: AngleSpec("from the ground, looking steeply up", -38.0),
    Angle.DUTCH: AngleSpec("at the eyes with a slanted horizon: unease", None, 12.0),
}


@dataclass(frozen=True)
class ViewSpec:
    """Azimuth of the camera about the subject, degrees from where it faces, positive to the subject's left."""

    about: str
    azimuths_deg: tuple[float, ...]  # several: the director takes the better


VIEWS: Mapping[str, ViewSpec] = {
    View.FRONT: ViewSpec("from straight ahead", (0.0,)),
    View.FRONT_THREE_QUARTER: ViewSpec("from ahead and aside, the better side", (40.0, -40.0)),
    View.FRONT_THREE_QUARTER_LEFT: ViewSpec("from ahead and the subject's left", (40.0,)),
    View.FRONT_THREE_QUARTER_RIGHT: ViewSpec("from ahead and the subject's right", (-40.0,)),
    View.PROFILE: ViewSpec("from the side, the better one", (90.0, -90.0)),
    View.PROFILE_LEFT: ViewSpec("from the subject's left", (90.0,)),
    View.PROFILE_RIGHT: ViewSpec("from the subject's right", (-90.0,)),
    View.BACK_THREE_QUARTER: ViewSpec("from behind and aside, the better side", (140.0, -140.0)),
    View.BACK_THREE_QUARTER_LEFT: ViewSpec("from behind and the subject's left", (140.0,)),
    View.BACK_THREE_QUARTER_RIGHT: ViewSpec("from behind and the subject's right", (-140.0,)),
    View.BACK: ViewSpec("from straight behind", (180.0,)),
    View.OVER_THE_SHOULDER: ViewSpec(
        "past the shoulder of the second subject (or of the nearest other performer) at the first", (160.0, -160.0)
    ),
}


@dataclass(frozen=True)
class MoveSpec:
    """What a move does and how far, between the shot's start and its end."""

    about: str
    unit: str  # of a shot's option ``amount``: "share" of the distance, "deg", "m", "times", "" (takes none)
    amount: float  # the usual amount, used when the shot gives none
    rides: bool  # the camera travels with the subject
    of_frame: bool = False  # the usual amount is a share of the frame, so that the subject stays well inside


#: Moves begin and end gently (`damping.ease`), an orbit goes round at one speed. Travel and turns to a side or up
#: and down lie half before and half behind the composed picture; a whip pan ends at it; all other moves begin at it.
#: A negative ``amount`` turns a push, an arc, an orbit, a crane or a dolly zoom round.
MOVES: Mapping[str, MoveSpec] = {
    Move.STATIC: MoveSpec("stands; pans and tilts gently when the subject leaves its place", "", 0.0, False),
    Move.PAN_LEFT: MoveSpec("stands and turns to the left", "deg", 0.2, False, of_frame=True),
    Move.PAN_RIGHT: MoveSpec("stands and turns to the right", "deg", 0.2, False, of_frame=True),
    Move.TILT_UP: MoveSpec("stands and turns upwards", "deg", 0.12, False, of_frame=True),
    Move.TILT_DOWN: MoveSpec("stands and turns downwards", "deg", 0.12, False, of_frame=True),
    Move.PUSH_IN: MoveSpec("travels towards the subject", "share", 0.35, True),
    Move.PULL_OUT: MoveSpec("travels away from the subject", "share", 0.5, True),
    Move.TRUCK_LEFT: MoveSpec("travels sideways to the left without turning", "m", 0.24, False, of_frame=True),
    Move.TRUCK_RIGHT: MoveSpec("travels sideways to the right without turning", "m", 0.24, False, of_frame=True),
    Move.PEDESTAL_UP: MoveSpec("rises without turning", "m", 0.12, False, of_frame=True),
    Move.PEDESTAL_DOWN: MoveSpec("sinks without turning", "m", 0.12, False, of_frame=True),
    Move.ARC_LEFT: MoveSpec("circles to the camera's left, the subject held", "deg", 40.0, True),
    Move.ARC_RIGHT: MoveSpec("circles to the camera's right, the subject held", "deg", 40.0, True),
    Move.ORBIT: MoveSpec("goes all the way round, to the camera's right", "deg", 360.0, True),
    Move.CRANE_UP: MoveSpec("rises high, the subject held", "m", 1.6, True),
    Move.CRANE_DOWN: MoveSpec("comes down from high to where the shot's angle is", "m", 1.6, True),
    Move.ZOOM_IN: MoveSpec("stands; the lens lengthens", "times", 1.5, False),
    Move.ZOOM_OUT: MoveSpec("stands; the lens shortens", "times", 1.5, False),
    Move.DOLLY_ZOOM: MoveSpec(
        "travels in while the lens shortens: the subject keeps its size and the world stretches", "share", 0.45, True
    ),
    Move.WHIP_PAN_LEFT: MoveSpec("turns to the left in a blur and lands on the subject", "deg", 90.0, False),
    Move.WHIP_PAN_RIGHT: MoveSpec("turns to the right in a blur and lands on the subject", "deg", 90.0, False),
    Move.FOLLOW: MoveSpec("travels with the subject, at its distance and side", "", 0.0, True),
    Move.HANDHELD: MoveSpec("stands on a shoulder: breathes and sways a little", "deg", 0.3, False),
}


@dataclass(frozen=True)
class PositionSpec:
    """Where the middle of the framed part stands, in half frames from the middle: right and up positive."""

    about: str
    x: float | None  # None: the director decides
    y: float = 0.0  # added to what size and headroom ask


POSITIONS: Mapping[str, PositionSpec] = {
    Position.AUTO: PositionSpec("in the middle, or off it when the subject looks or walks to a side", None),
    Position.CENTRE: PositionSpec("in the middle", 0.0),
    Position.THIRDS: PositionSpec("on the third that leaves room where the subject looks or walks", None),
    Position.LEFT_THIRD: PositionSpec("on the left third", -1 / 3),
    Position.RIGHT_THIRD: PositionSpec("on the right third", 1 / 3),
    Position.FAR_LEFT: PositionSpec("near the left edge", -0.56),
    Position.FAR_RIGHT: PositionSpec("near the right edge", 0.56),
    Position.TOP: PositionSpec("high in the picture", 0.0, 0.2),
    Position.BOTTOM: PositionSpec("low in the picture", 0.0, -0.2),
    Position.TOP_LEFT: PositionSpec("high on the left third", -1 / 3, 0.2),
    Position.TOP_RIGHT: PositionSpec("high on the right third", 1 / 3, 0.2),
    Position.BOTTOM_LEFT: PositionSpec("low on the left third", -1 / 3, -0.2),
    Position.BOTTOM_RIGHT: PositionSpec("low on the right third", 1 / 3, -0.2),
}

#: Settings that a shot's ``options`` may hold.
OPTIONS: Mapping[str, str] = {
    "amount": "how far the move goes, in the move's own unit",
    "azimuth_deg": "camera's side, degrees from the subject's facing to its left; replaces the view's",
    "elevation_deg": "camera above the framed part, degrees; replaces the angle's",
    "roll_deg": "slant of the horizon, degrees; replaces the angle's",
    "headroom": "fraction of the frame above the crown; replaces the size's",
    "distance": "factor on the camera's distance (1: as the size asks)",
    "dead_zone": "share of the frame in which the subject may move before the camera turns",
    "soft_zone": "share of the frame that the subject never leaves (live)",
    "damping": "seconds until 1 % of an error is left (live), or over which moves are smoothed",
    "look_ahead": "seconds by which the live camera runs ahead of the subject",
    "ride": "0: a static shot never travels, however far the subject goes",
    "live": "1: the live filter, which knows nothing of the future, instead of the planner",
    "pace": "factor on the move's usual amount, when none is given: below 1 slower, above 1 quicker",
    "shake": "factor on handheld unrest; any move may have some",
    "seed": "of the handheld unrest",
    "ease": "0: a move at constant speed",
    "whip_s": "seconds that a whip pan takes (0.4), fastest in their middle",
    "leave": "1: a whip pan leaves the subject at the shot's end, instead of landing on it at the start",
    "half": "1: a whip pan is cut in its fastest middle, and this shot shows the half on its own side of the cut",
    "speed_deg": "degrees per second of the orbit director",
}

#: Who may run a camera; `director.register` adds more.
DIRECTORS: Mapping[str, str] = {
    "rule": "frames by projected joints, executes every move, keeps out of the set: knows a cinematographer's rules",
    "static": "stands where the shot begins and never stirs",
    "orbit": "goes round the subject at a steady pace",
    "follow": "travels with the subject, whatever the move",
    "dp": "like `rule`, from the sides and in the sizes that make the best row of shots",
    "greedy": "a rig with weight, driven to the best next moment",
    "cem": "a rig with weight, driven by a planner that looks ahead in the environment (model predictive control)",
    "policy": "a rig with weight, driven by what a network has learned",
}

_TABLES: Mapping[str, Mapping[str, object]] = {
    "shot size": SIZES,
    "camera angle": ANGLES,
    "view": VIEWS,
    "camera move": MOVES,
    "position in the picture": POSITIONS,
    "camera option": OPTIONS,
    "director": DIRECTORS,
}

_ALIASES: Mapping[str, Mapping[str, str]] = {
    "shot size": {
        "ews": "extreme_wide", "els": "extreme_wide", "xws": "extreme_wide", "extreme_long": "extreme_wide",
        "establishing": "extreme_wide", "ws": "wide", "ls": "wide", "long": "wide", "fs": "full", "full_body": "full",
        "mfs": "medium_full", "american": "medium_full", "cowboy": "medium_full", "medium_wide": "medium_full",
        "mws": "medium_full", "mls": "medium_full", "medium_long": "medium_full", "ms": "medium", "mid": "medium",
        "waist": "medium", "mcu": "medium_close_up", "medium_close": "medium_close_up", "bust": "medium_close_up",
        "cu": "close_up", "close": "close_up", "closeup": "close_up", "ecu": "extreme_close_up",
        "xcu": "extreme_close_up", "extreme_close": "extreme_close_up", "extreme_closeup": "extreme_close_up",
    },
    "camera angle": {
        "eye": "eye_level", "level": "eye_level", "neutral": "eye_level", "bird": "overhead", "birds_eye": "overhead",
        "top": "overhead", "top_down": "overhead", "god": "overhead", "worms_eye": "worm", "ground": "worm",
        "canted": "dutch", "tilted": "dutch", "dutch_tilt": "dutch", "low_angle": "low", "high_angle": "high",
    },
    "view": {
        "three_quarter": "front_three_quarter", "three_quarter_left": "front_three_quarter_left",
        "three_quarter_right": "front_three_quarter_right", "front_left": "front_three_quarter_left",
        "front_right": "front_three_quarter_right", "side": "profile", "left": "profile_left",
        "right": "profile_right", "back_left": "back_three_quarter_left", "back_right": "back_three_quarter_right",
        "behind": "back", "rear": "back", "ots": "over_the_shoulder", "over_shoulder": "over_the_shoulder",
    },
    "camera move": {
        "none": "static", "still": "static", "locked": "static", "lock_off": "static", "tripod": "static",
        "pan": "static", "tilt": "static", "dolly_in": "push_in", "push": "push_in", "dolly_out": "pull_out",
        "pull": "pull_out", "pull_back": "pull_out", "truck": "truck_right", "dolly_left": "truck_left",
        "dolly_right": "truck_right", "boom_up": "crane_up", "boom_down": "crane_down", "crane": "crane_up",
        "pedestal": "pedestal_up", "arc": "arc_right", "circle": "orbit", "vertigo": "dolly_zoom",
        "zoom": "zoom_in", "track": "follow", "tracking": "follow", "shoulder": "handheld", "hand_held": "handheld",
        "whip": "whip_pan_right", "whip_pan": "whip_pan_right", "swish_pan": "whip_pan_right",
        "whip_left": "whip_pan_left", "whip_right": "whip_pan_right", "swish_pan_left": "whip_pan_left",
        "swish_pan_right": "whip_pan_right", "zolly": "dolly_zoom",
        "trombone": "dolly_zoom", "push_pull": "dolly_zoom", "boom": "crane_up", "jib_up": "crane_up",
        "jib_down": "crane_down", "ped_up": "pedestal_up", "ped_down": "pedestal_down", "crab_left": "truck_left",
        "crab_right": "truck_right", "circle_left": "arc_left", "circle_right": "arc_right",
    },
    "position in the picture": {
        "center": "centre", "middle": "centre", "third": "thirds", "rule_of_thirds": "thirds", "left": "left_third",
        "right": "right_third", "upper": "top", "lower": "bottom", "upper_left": "top_left",
        "upper_right": "top_right", "lower_left": "bottom_left", "lower_right": "bottom_right",
    },
}  # fmt: skip

#: The kinds of words: "shot size", "camera angle", "view", "camera move", "position in the picture", "camera option",
#: "director".
KINDS: tuple[str, ...] = tuple(_TABLES)


def names(kind: str) -> tuple[str, ...]:
    """Every name of one of the `KINDS`, in the order of the table."""
    return tuple(str(name) for name in _TABLES[kind])


def spellings(kind: str) -> tuple[tuple[str, str], ...]:
    """Every name and alias of one of the `KINDS`, each with the name that it means."""
    return (*((name, name) for name in names(kind)), *_ALIASES.get(kind, {}).items())


def find(kind: str, word: str) -> str:
    """The vocabulary's name for what a person wrote: any case, spaces or hyphens, the usual abbreviations.

    >>> find("shot size", "MCU"), find("camera move", "dolly in")
    ('medium_close_up', 'push_in')

    Raises:
        BadInput: no such word; the text holds the nearest ones.
    """
    table, aliases = _TABLES[kind], _ALIASES.get(kind, {})
    plain = str(word).strip().lower().replace("-", "_").replace(" ", "_").replace("'", "")
    for candidate in (plain, plain.removesuffix("_shot"), plain.removesuffix("_view"), plain.removesuffix("_angle")):
        name = aliases.get(candidate, candidate)
        if name in table:
            return str(name)
    raise unknown(kind, word, [*map(str, table), *(a for a in aliases if len(a) > 3)])


def usual_lens(size: str) -> float:
    """Focal length, millimetres on full frame, that suits a shot size: what a scene gets that names no lens."""
    return SIZES[find("shot size", size)].lens_mm
