"""Settings of every look, and `Style`: a look, how strong it is on what, its seed. Sizes: px of a picture 720 high."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from motion.errors import BadInput, unknown

#: The name that stands for all things that a style's strengths do not name.
OTHERS = "others"
#: What lies behind everything, in a style's strengths.
SKY = "sky"


def _within(value: Any, low: float, high: float) -> Any:
    """A setting's default and its bounds."""
    return field(default=value, metadata={"low": low, "high": high})


class _Look:
    """Base of the looks: every number stays within its own bounds."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):  # type: ignore[arg-type]
            if isinstance(one.default, bool) and not isinstance(getattr(self, one.name), bool):
                raise BadInput(f"style {self.name}: {one.name} is {getattr(self, one.name)!r}, expected true or false")
            if "low" not in one.metadata:
                continue
            value, low, high = getattr(self, one.name), one.metadata["low"], one.metadata["high"]
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            whole = isinstance(one.default, int)
            if not number or not low <= value <= high or (whole and int(value) != value):
                kind = "a whole number" if whole else "a number"
                raise BadInput(f"style {self.name}: {one.name} is {value!r}, expected {kind} from {low:g} to {high:g}")


@dataclass(frozen=True)
class Toon(_Look):
    """Flat colour in steps of light, shadows that turn cool, ink lines heavier round things than inside them."""

    name: ClassVar[str] = "toon"
    tones: int = _within(3, 2, 4)  # steps of light, the shade counted
    softness: float = _within(0.05, 0.0, 1.0)  # width of a step, in parts of the light's range
    line_px: float = _within(2.6, 0.0, 12.0)  # silhouettes; creases are thinner
    shade_shift: float = _within(0.6, 0.0, 1.0)  # how far shade turns towards violet
    rim: float = _within(0.5, 0.0, 1.0)  # light along the edge that faces away
    shine: float = _within(0.6, 0.0, 1.0)  # highlights, as shapes
    detail: float = _within(0.15, 0.0, 1.0)  # of the surfaces' own patterns


@dataclass(frozen=True)
class Pencil(_Look):
    """Hatching round every form, fixed to it, on grained paper; outlines drawn twice."""

    name: ClassVar[str] = "pencil"
    spacing_px: float = _within(5.0, 2.0, 40.0)  # between hatching lines
    width_px: float = _within(1.15, 0.3, 8.0)  # of a hatching line at full pressure
    line_px: float = _within(2.2, 0.0, 12.0)  # outlines
    darkness: float = _within(0.85, 0.0, 1.0)  # of full pressure
    colour: float = _within(0.0, 0.0, 1.0)  # 0 graphite, 1 coloured pencils
    grain: float = _within(0.6, 0.0, 1.0)  # how much of the paper shows through
    wobble_px: float = _within(0.9, 0.0, 6.0)  # the hand's tremble


@dataclass(frozen=True)
class Watercolour(_Look):
    """Washes of pigment: thin in the light, darker at their edges, grained by the paper, running into each other."""

    name: ClassVar[str] = "watercolour"
    density: float = _within(1.0, 0.2, 3.0)  # of the pigment
    edges: float = _within(0.7, 0.0, 2.0)  # pigment that gathers where a wash ends
    granulation: float = _within(0.5, 0.0, 2.0)  # pigment in the paper's valleys
    turbulence: float = _within(0.5, 0.0, 2.0)  # unevenness of a wash, fixed to the surface
    bleed_px: float = _within(9.0, 0.0, 60.0)  # how far wet paint runs over a border
    wobble_px: float = _within(2.2, 0.0, 12.0)  # of the washes' borders
    line_px: float = _within(0.9, 0.0, 8.0)  # of the pencil drawing under the washes
    margin_px: float = _within(0.0, 0.0, 120.0)  # paper left bare round the picture


@dataclass(frozen=True)
class Clay(_Look):
    """Modelling clay: matte, kneaded, with fingerprints; ``every`` 2 moves on twos, as stop motion does."""

    name: ClassVar[str] = "clay"
    bump: float = _within(0.9, 0.0, 2.0)  # dents of the hand
    prints: float = _within(0.8, 0.0, 2.0)  # fingerprints
    dent_px: float = _within(34.0, 6.0, 200.0)  # size of a dent
    sheen: float = _within(0.35, 0.0, 1.0)  # of the oil in it
    every: int = _within(1, 1, 12)  # frames that a pose is held
    boil: bool = False  # the surface is kneaded anew for every pose


@dataclass(frozen=True)
class Example(_Look):
    """One frame of the film, painted over by hand, carried over to all others."""

    name: ClassVar[str] = "example"
    painting: str = ""  # an image file
    frame: int = _within(0, 0, 10_000_000)  # the frame of the film that it was painted over
    light: float = _within(1.0, 0.0, 10.0)  # how much light decides which strokes go where
    place: float = _within(1.0, 0.0, 10.0)  # how much strokes stay on the surface that they were painted on
    texture: float = _within(1.0, 0.0, 10.0)  # how much neighbouring strokes must fit
    steady: float = _within(0.7, 0.0, 1.0)  # how much of the last picture stays where nothing new is seen

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.painting, str) or not self.painting:
            raise BadInput(f"style example: painting is {self.painting!r}, expected the path of a painted frame")


Look = Toon | Pencil | Watercolour | Clay | Example

#: The looks by name.
LOOKS: dict[str, type[Toon] | type[Pencil] | type[Watercolour] | type[Clay] | type[Example]] = {
    kind.name: kind for kind in (Toon, Pencil, Watercolour, Clay, Example)
}
_ALSO = {"watercolor": "watercolour"}


@dataclass(frozen=True)
class Style:
    """A look, how strong it is on what, and the seed of its chance."""

    look: Look
    strength: Mapping[str, float] = field(default_factory=dict)  # by performer, prop, ground, sky, others; 1 if absent
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in self.strength.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
                raise BadInput(f"style: the strength of '{name}' is {value!r}, expected a number from 0 to 1")

    def strength_of(self, name: str) -> float:
        """How strong the style is on a thing called ``name``."""
        return float(self.strength.get(name, self.strength.get(OTHERS, 1.0)))


def make_style(look: str, strength: Mapping[str, float] | None = None, seed: int = 0, **settings: Any) -> Style:
    """A style from names, as a scene file gives them.

    >>> make_style("toon", {"ground": 0.3}, tones=2)
    Style(look=Toon(tones=2, ...), strength={'ground': 0.3}, seed=0)

    Args:
        look: one of `LOOKS`.
        strength: 0 to 1 by name of performer, prop, ``ground``, ``sky`` or ``others``.
        seed: another number, other chance.
        settings: fields of that look.

    Raises:
        BadInput: an unknown look or setting, or a value out of bounds.
    """
    kind = LOOKS.get(_ALSO.get(look, look))
    if kind is None:
        raise unknown("look", look, LOOKS)
    known = {one.name for one in dataclasses.fields(kind)}
    for name in settings:
        if name not in known:
            raise unknown(f"setting of style {kind.name}", name, known)
    return Style(kind(**settings), dict(strength or {}), seed)
