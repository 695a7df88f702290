"""The small languages inside a scene: moments, durations, angles, frame rates and colours, from text to numbers.

Each parser takes a YAML value and raises ``ValueError`` with a sentence that says what was expected.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cinemotion.source import kind_of
from motion.rate import from_rate

#: Nothing in a scene lasts longer than a day; a larger number is a slip of the finger.
MAX_SECONDS = 86_400

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_DURATION = re.compile(rf"^({_NUMBER})\s*(s|sec|ms|min|f|frames?)?$")
_TIMECODE = re.compile(r"^(\d{1,2}):([0-5]?\d):([0-5]?\d):(\d{1,3})$")
_REFERENCE = re.compile(r"^([A-Za-z_]\w*)(?:\.(start|end))?\s*(?:([+-])\s*(.+))?$")
_ANGLE = re.compile(rf"^([+-]?{_NUMBER})\s*(deg|°|rad|turn)$")

TIME_PATTERN = rf"^{_NUMBER}\s*(s|sec|ms|min|f|frames?)?$|^\d{{1,2}}:\d{{1,2}}:\d{{1,2}}:\d{{1,3}}$"
MOMENT_PATTERN = TIME_PATTERN + r"|^[A-Za-z_]\w*(\.(start|end))?\s*([+-].+)?$"
ANGLE_PATTERN = rf"^[+-]?{_NUMBER}\s*(deg|°|rad|turn)$"
ID_PATTERN = r"^[A-Za-z_]\w*$"


@dataclass(frozen=True)
class Span:
    """A length of time: seconds and frames together, so that it is exact at any frame rate."""

    seconds: Fraction = Fraction(0)
    frames: int = 0

    def at(self, fps: Fraction) -> Fraction:
        """Seconds at a frame rate."""
        return self.seconds + self.frames / fps

    def __str__(self) -> str:
        parts = [f"{float(self.seconds):g}s"] if self.seconds or not self.frames else []
        return "+".join(parts + ([f"{self.frames}f"] if self.frames else []))


@dataclass(frozen=True)
class Moment:
    """A point of the film's time: absolute, or some way from another entry's start or end."""

    span: Span
    sign: int = 1
    anchor: str | None = None
    edge: str | None = None  # "start", "end" or None: whatever is usual where the moment stands

    def __str__(self) -> str:
        if self.anchor is None:
            return str(self.span)
        edge = f".{self.edge}" if self.edge else ""
        offset = f"{'+' if self.sign > 0 else '-'}{self.span}" if self.span != Span() else ""
        return f"{self.anchor}{edge}{offset}"


def span(value: Any) -> Span:
    """``2``, ``1.5``, ``"2s"``, ``"48f"``, ``"250ms"``, ``"1min"``, ``"00:00:02:12"`` (timecode)."""
    if isinstance(value, Span):
        return value
    expected = "expected a time such as 2s, 1.5, 48f or 00:00:02:12"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{expected}, got {kind_of(value)}")
    if isinstance(value, (int, float)):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{expected}, got {kind_of(value)}")
        result = Span(Fraction(str(value)))
    else:
        text = value.strip()
        if len(text) > 64:
            raise ValueError(f"{expected}, got {kind_of(value)}")
        timecode, plain = _TIMECODE.match(text), _DURATION.match(text)
        if timecode:
            h, m, s, f = map(int, timecode.groups())
            result = Span(Fraction(3600 * h + 60 * m + s), f)
        elif plain:
            amount, unit = Fraction(plain[1].rstrip(".") or "0"), plain[2] or "s"
            if unit.startswith("f"):
                if amount.denominator != 1:
                    raise ValueError(f"expected a whole number of frames, got {kind_of(value)}")
                result = Span(frames=int(amount))
            else:
                result = Span(amount * {"ms": Fraction(1, 1000), "min": Fraction(60)}.get(unit, Fraction(1)))
        else:
            raise ValueError(f"{expected}, got {kind_of(value)}")
    if result.seconds > MAX_SECONDS or result.frames > MAX_SECONDS * 240:
        raise ValueError(f"expected at most a day ({MAX_SECONDS} s), got {kind_of(value)}")
    return result


def moment(value: Any) -> Moment:
    """A `span` from the film's start, or a reference: ``wave``, ``wave+0.5s``, ``wave.end-1s``."""
    if isinstance(value, Moment):
        return value
    if isinstance(value, str) and len(value) <= 128:
        match = _REFERENCE.match(value.strip())
        if match:
            anchor, edge, sign, offset = match.groups()
            return Moment(span(offset) if offset else Span(), -1 if sign == "-" else 1, anchor, edge)
    try:
        return Moment(span(value))
    except ValueError as error:
        if "expected a time such as" not in str(error):
            raise
        words = "expected a time (2s, 1.5, 48f, 00:00:02:12) or a reference (wave, wave+0.5s, wave.end-1s)"
        raise ValueError(f"{words}, got {kind_of(value)}") from None


def angle(value: Any) -> float:
    """Radians from ``"90deg"``, ``"1.57rad"``, ``"0.25turn"`` or a bare number, which is degrees."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        degrees = float(value)
    elif isinstance(value, str) and (match := _ANGLE.match(value.strip())):
        degrees = float(match[1]) * {"rad": 180.0 / math.pi, "turn": 360.0}.get(match[2], 1.0)
    else:
        raise ValueError(f"expected an angle such as 90deg or 1.57rad, got {kind_of(value)}")
    if abs(degrees) > 36_000:
        raise ValueError(f"expected an angle within 100 turns, got {kind_of(value)}")
    return math.radians(degrees)


def rate(value: Any) -> Fraction:
    """Frames per second as an exact fraction: ``30``, ``"24000/1001"``, ``23.976`` (which means 24000/1001)."""
    if isinstance(value, Fraction):
        return value
    expected = "expected frames per second such as 24, 30, 23.976 or 24000/1001"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{expected}, got {kind_of(value)}")
    text = str(value).strip()
    if not re.fullmatch(rf"{_NUMBER}|\d+\s*/\s*\d+", text) or len(text) > 32:
        raise ValueError(f"{expected}, got {kind_of(value)}")
    try:
        result = Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{expected}, got {kind_of(value)}") from None
    if not 1 <= result <= 240:
        raise ValueError(f"{expected}, between 1 and 240, got {kind_of(value)}")
    if "/" not in text and (written := from_rate(float(text))).denominator == 1001:
        return written  # 23.976 is rounded
    if result.denominator > 1001:
        raise ValueError(f"{expected} (a fraction with a denominator of at most 1001), got {kind_of(value)}")
    return result


#: A few names of CSS Color Module Level 4, as sRGB.
COLOURS = {
    "black": "#000000", "white": "#ffffff", "grey": "#808080", "gray": "#808080", "silver": "#c0c0c0",
    "red": "#ff0000", "maroon": "#800000", "orange": "#ffa500", "gold": "#ffd700", "yellow": "#ffff00",
    "olive": "#808000", "green": "#008000", "lime": "#00ff00", "teal": "#008080", "cyan": "#00ffff",
    "navy": "#000080", "blue": "#0000ff", "skyblue": "#87ceeb", "purple": "#800080", "violet": "#ee82ee",
    "pink": "#ffc0cb", "brown": "#a52a2a", "tan": "#d2b48c", "beige": "#f5f5dc", "ivory": "#fffff0",
    "firebrick": "#b22222", "tomato": "#ff6347", "coral": "#ff7f50", "sienna": "#a0522d", "steelblue": "#4682b4",
}  # fmt: skip


def colour(value: Any) -> tuple[float, float, float]:
    """Linear Rec.709 from ``"#b5651d"`` or a name (both sRGB), or from ``[r, g, b]`` (linear, 0 to 1)."""
    numbers = [v for v in value if isinstance(v, (int, float)) and not isinstance(v, bool)] if _is_list(value) else []
    if len(numbers) == 3 == len(value) and all(0 <= v <= 1 for v in numbers):
        return (float(numbers[0]), float(numbers[1]), float(numbers[2]))
    if isinstance(value, str):
        text = COLOURS.get(value.strip().lower().replace(" ", ""), value.strip())
        if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
            from motion.colour import srgb_to_linear

            r, g, b = (float(srgb_to_linear(int(text[i : i + 2], 16) / 255.0)) for i in (1, 3, 5))
            return (r, g, b)
        if re.fullmatch(r"[A-Za-z ]+", text):
            from motion.errors import did_you_mean

            raise ValueError(f"unknown color '{value}'{did_you_mean(value, COLOURS)}")
    raise ValueError(f"expected a color such as '#b5651d', sienna or [0.5, 0.2, 0.1] (linear), got {kind_of(value)}")


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
