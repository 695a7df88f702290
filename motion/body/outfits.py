"""What the default body can wear: garments cut from the body's own surfaces, hair, brows, lips, and colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from motion.body.asset import Asset, asset
from motion.body.hair import brow_fields, hair_pieces, hairline_field
from motion.body.patch import Field, Patch
from motion.body.piece import Landmarks, Piece, above, below
from motion.easing import smoothstep
from motion.material import Colour, Material
from motion.rotations import Array

MOUTH = Material("mouth", (0.06, 0.014, 0.012), 0.6)


@dataclass(frozen=True)
class Outfit:
    """Garments in words: lengths are fractions of the limb they run along, colours linear Rec.709."""

    top: Colour
    bottom: Colour
    shoes: Colour
    sleeve: float = 0.45  # of the arm from shoulder (0) to wrist (1)
    leg: float = 1.0  # of the leg from hip (0) to ankle (1)
    hem: float = 0.02  # metres of the top below the hip joint; negative: tucked
    neckline: float = 0.0  # metres the front of the neckline drops
    top_fit: float = 0.010  # metres away from the body
    bottom_fit: float = 0.008
    top_pattern: str = "fabric"
    bottom_pattern: str = "fabric"
    shoe_pattern: str = "leather"
    sole: float = 0.018
    sole_colour: Colour = (0.6, 0.6, 0.58)
    shoe_height: float = 0.02  # metres above the ankle joint
    skirt: float | None = None  # of the leg from hip to ankle; None: no skirt
    skirt_colour: Colour | None = None
    loose: float = 0.0  # metres more that the legs stand off below the seat
    collar: Colour | None = None
    belt: Colour | None = None


OUTFITS: dict[str, Outfit] = {
    "runner": Outfit(
        top=(0.80, 0.13, 0.05), bottom=(0.030, 0.036, 0.055), shoes=(0.62, 0.66, 0.70), sleeve=0.34, leg=0.44,
        hem=0.03, top_fit=0.011, bottom_fit=0.012, shoe_pattern="fabric", sole=0.024, sole_colour=(0.75, 0.75, 0.72),
        shoe_height=-0.002, loose=0.012,
    ),
    "office": Outfit(
        top=(0.62, 0.70, 0.80), bottom=(0.035, 0.038, 0.050), shoes=(0.035, 0.018, 0.010), sleeve=0.97, leg=0.985,
        hem=-0.10, top_fit=0.009, bottom_fit=0.012, sole=0.014, sole_colour=(0.02, 0.018, 0.016),
        collar=(0.70, 0.77, 0.85), loose=0.014, belt=(0.03, 0.016, 0.01),
    ),
    "casual": Outfit(
        top=(0.12, 0.22, 0.13), bottom=(0.060, 0.110, 0.220), shoes=(0.60, 0.58, 0.54), sleeve=0.93, leg=0.975,
        hem=0.05, top_fit=0.015, bottom_fit=0.010, bottom_pattern="denim", shoe_pattern="fabric", sole=0.018,
        sole_colour=(0.72, 0.71, 0.68), loose=0.012,
    ),
    "dress": Outfit(
        top=(0.10, 0.16, 0.40), bottom=(0.020, 0.020, 0.028), shoes=(0.05, 0.022, 0.02), sleeve=0.22, leg=1.02,
        hem=-0.10, neckline=0.045, top_fit=0.007, bottom_fit=0.003, skirt=0.62, skirt_colour=(0.10, 0.16, 0.40),
        sole=0.012, sole_colour=(0.03, 0.02, 0.02), shoe_height=-0.028,
    ),
    "dancer": Outfit(
        top=(0.035, 0.035, 0.042), bottom=(0.22, 0.035, 0.075), shoes=(0.30, 0.17, 0.13), sleeve=0.78, leg=1.0,
        hem=-0.07, neckline=0.05, top_fit=0.004, bottom_fit=0.004, sole=0.006, sole_colour=(0.12, 0.07, 0.055),
        shoe_height=-0.022,
    ),
}  # fmt: skip

SKINS: dict[str, Colour] = {
    "light": (0.62, 0.40, 0.30),
    "medium": (0.46, 0.26, 0.17),
    "tan": (0.31, 0.16, 0.095),
    "dark": (0.115, 0.055, 0.034),
}
HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.012, 0.010, 0.009),
    "brown": (0.045, 0.022, 0.012),
    "auburn": (0.12, 0.038, 0.015),
    "blond": (0.36, 0.23, 0.10),
    "grey": (0.30, 0.29, 0.28),
}


def neckline_field(at: Landmarks, drop: float) -> Field:
    """Positive below a plane through the base of the neck that falls towards the front."""
    slope = 0.45 + 4.0 * drop
    base = at["neck"] + [0.0, 0.012 - 0.25 * drop, 0.0]

    def below(p: Array) -> Array:
        return -((p[:, 1] - base[1]) + slope * (p[:, 2] - base[2])) / np.hypot(1.0, slope)

    return below


def sleeve_field(at: Landmarks, fraction: float) -> Field:
    """Positive inside of a cut across both arms."""
    a, b = at["left_shoulder"][0], at["left_wrist"][0]
    return lambda p: a + fraction * (b - a) - np.abs(p[:, 0])


def leg_height(at: Landmarks, fraction: float) -> float:
    """Height of a place on the leg: 0 at the hip joint, 1 at the ankle."""
    hip, ankle = at["left_hip"][1], at["left_ankle"][1]
    return float(hip + fraction * (ankle - hip))


def skin_is_bare(outfit: Outfit, at: Landmarks) -> list[tuple[Field, ...]]:
    """Regions of skin that show, each reaching a little under the garment beside it: head, arms, legs.

    The looser the garment, the farther: one sees into a wide sleeve, while a bending limb pushes skin through a tight
    one. Collars turn in and close down to the neck.
    """
    under_top, under_bottom = (0.006 + 1.7 * fit for fit in (outfit.top_fit, outfit.bottom_fit))
    shoulder = at["left_shoulder"][0]
    neckline, hairline = neckline_field(at, outfit.neckline), hairline_field(at)
    sleeve = sleeve_field(at, outfit.sleeve)
    leg = leg_height(at, outfit.leg)
    top_of_shoe = at["left_ankle"][1] + outfit.shoe_height
    regions: list[tuple[Field, ...]] = [
        (
            lambda p: 0.5 * under_top - neckline(p),
            lambda p: 0.6 * shoulder - np.abs(p[:, 0]),
            lambda p: 0.02 - hairline(p),
        ),
        (lambda p: under_top - sleeve(p), above(at["left_hip"][1])),
    ]
    if leg - top_of_shoe > -0.02:
        regions.append((below(leg + under_bottom), above(top_of_shoe - 0.015)))
    return regions


def pieces(asset: Asset, outfit: Outfit, skin: Colour, hair: Colour, hair_style: str) -> list[Piece]:
    """Everything a performer wears and shows, ready to be laid on a shaped body."""
    at = Landmarks.of(asset)

    def surface(group: str) -> Patch:
        return Patch.of(asset.template, asset.uv, asset.faces[group], asset.faces_uv[group])

    body, tights = surface("skin"), surface("tights")
    skin_material = Material("skin", skin, 0.55, 0.0, "skin")
    lip = (min(1.0, 0.95 * skin[0]), 0.55 * skin[1], 0.55 * skin[2])
    lips_material = Material("lips", lip, 0.4, 0.0, "plain")
    brow = (0.6 * hair[0] + 0.12 * skin[0], 0.6 * hair[1] + 0.12 * skin[1], 0.6 * hair[2] + 0.12 * skin[2])
    result = []

    for region in skin_is_bare(outfit, at):
        bare = body.clip(*region)
        in_mouth = (bare.blend @ asset.mouth)[bare.faces].min(1) > 0.99
        on_lips = ((bare.blend @ asset.lips)[bare.faces].mean(1) > 0.45) & ~in_mouth
        for faces, material in ((~on_lips & ~in_mouth, skin_material), (on_lips, lips_material), (in_mouth, MOUTH)):
            if faces.any():
                result.append(Piece(bare.select(faces), material))
    brows = Material("brows", brow, 0.7, 0.0, "hair")
    result.extend(Piece(body.clip(*brow_fields(at, side)), brows, lift=0.0009, part="hair") for side in (1.0, -1.0))
    lashes = surface("lashes")
    upper = lashes.at[lashes.faces].mean(1)[:, 1] > at.eye[1] + 0.15 * at.eye_radius
    result.append(Piece(lashes.select(upper), Material("lashes", (0.01, 0.008, 0.007), 0.7), part="hair"))

    hip = at["left_hip"][1]
    torso_hem = hip - outfit.hem
    tucked = outfit.hem < 0
    bottom_top = torso_hem + (0.05 if tucked else 0.03)
    # Of two layers the inner one lies close where the outer one covers it.
    outer, inner = (outfit.bottom_fit, outfit.top_fit) if tucked else (outfit.top_fit, outfit.bottom_fit)
    close = -0.004

    def top_lift(p: Array) -> Array:
        if tucked:
            return (close - inner) * smoothstep((bottom_top + 0.03 - p[:, 1]) / 0.03) * on_trunk(p)
        return 0.006 * hips_of(p)  # what draping takes

    def bottom_lift(p: Array) -> Array:
        legs = outfit.loose * smoothstep((hip - 0.09 - p[:, 1]) / 0.25)
        return legs + (0.0 if tucked else (close - inner) * smoothstep((p[:, 1] - torso_hem + 0.045) / 0.03))

    def hips_of(p: Array) -> Array:
        return smoothstep((hip + 0.14 - p[:, 1]) / 0.10)

    def at_neck(p: Array) -> Array:
        return np.where((np.abs(p[:, 0]) < 0.12) & (p[:, 1] > at["left_shoulder"][1]), 0.016, 0.0)

    def on_trunk(p: Array) -> Array:
        return np.abs(p[:, 0]) < at["left_shoulder"][0]

    outer = max(outer, close + 0.006)
    result.append(
        Piece(
            tights.clip(
                neckline_field(at, outfit.neckline), sleeve_field(at, outfit.sleeve), above(torso_hem)
            ),
            Material("top", outfit.top, 0.85, 0.0, outfit.top_pattern),
            lift=outfit.top_fit if tucked else outer, smooth=3, hem=True, extra=top_lift,
            drape=None if tucked else hips_of, deep=at_neck,
        )
    )  # fmt: skip
    trousers = tights.clip(
        below(bottom_top), lambda p: at["left_shoulder"][0] + 0.02 - np.abs(p[:, 0]),
        above(max(leg_height(at, outfit.leg), at["left_ankle"][1] + outfit.shoe_height - 0.02)),
    )  # fmt: skip
    cloth = Material("bottom", outfit.bottom, 0.85, 0.0, outfit.bottom_pattern)
    lift = outer if tucked else outfit.bottom_fit
    # What a skirt hides is left out, or legs would come through it: a waistband and stockings stay.
    shown = [trousers]
    if outfit.skirt is not None:
        shown = [trousers.clip(above(bottom_top - 0.055)), trousers.clip(below(leg_height(at, 0.5 * outfit.skirt)))]
        skirt = Material("skirt", outfit.skirt_colour or outfit.bottom, 0.85, 0.0, outfit.top_pattern)
        result.append(
            Piece(surface("skirt").clip(above(leg_height(at, outfit.skirt))), skirt, lift=0.017, smooth=2, hem=True,
                  lining=True, extra=lambda p: 0.03 * smoothstep((hip + 0.02 - p[:, 1]) / 0.4))
        )  # fmt: skip
    for k, part in enumerate(shown):
        sewn = outfit.skirt is not None and k == 0  # the band, to the skirt
        material = Material("waistband", skirt.colour, 0.85, 0.0, outfit.top_pattern) if sewn else cloth
        result.append(Piece(part, material, lift=lift, smooth=3, hem=True, extra=bottom_lift))
    if outfit.collar is not None:
        line = neckline_field(at, outfit.neckline)
        band = tights.clip(lambda p: 0.012 + line(p), lambda p: 0.022 - line(p), lambda p: 0.1 - np.abs(p[:, 0]))
        result.append(
            Piece(band, Material("collar", outfit.collar, 0.8, 0.0, outfit.top_pattern), lift=outfit.top_fit + 0.006,
                  smooth=2, hem=True)
        )  # fmt: skip
    if outfit.belt is not None:
        band = tights.clip(below(bottom_top - 0.004), above(bottom_top - 0.036))
        band = band.clip(lambda p: at["left_shoulder"][0] - np.abs(p[:, 0]))
        result.append(
            Piece(band, Material("belt", outfit.belt, 0.45, 0.0, "leather"), lift=outer + 0.005, smooth=3, hem=True)
        )
    welt = 0.026
    shoe = tights.clip(below(at["left_ankle"][1] + outfit.shoe_height)).subdivide()
    shoe, upper = shoe.split(above(welt))
    result.append(
        Piece(shoe, Material("shoes", outfit.shoes, 0.5, 0.0, outfit.shoe_pattern), lift=0.007, smooth=5, hem=True,
              sole=outfit.sole, extra=lambda p: 0.004 * smoothstep((welt - p[:, 1]) / 0.006),
              under=Material("soles", outfit.sole_colour, 0.8), under_faces=~upper)
    )  # fmt: skip
    result.extend(hair_pieces(asset, body, at, hair, hair_style))
    return result


@lru_cache(maxsize=32)
def wardrobe(outfit: str, skin: str, hair: str, hair_style: str) -> tuple[Piece, ...]:
    """`pieces` of the default body by names; cut once per process, whatever the shapes that wear them."""
    return tuple(pieces(asset(), OUTFITS[outfit], SKINS[skin], HAIR_COLOURS[hair], hair_style))
