"""Kinds of values in a scene file, each with its JSON Schema: times, angles, rates, colours, lists or one word."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, ValidatorFunctionWrapHandler, WithJsonSchema

from cinemotion import values
from cinemotion.source import kind_of
from cinemotion.values import Moment, Span

Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e6, le=1e6)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=1e6)]
Whole = StrictInt
Word = Annotated[StrictStr, Field(min_length=1, max_length=4096)]
Id = Annotated[StrictStr, Field(pattern=values.ID_PATTERN, max_length=64)]
Point2 = tuple[Number, Number]
Point3 = tuple[Number, Number, Number]


def text_or_number(pattern: str, words: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}], "description": words}
    )


When = Annotated[
    Moment,
    BeforeValidator(values.moment),
    text_or_number(values.MOMENT_PATTERN, "a time (2s, 1.5, 48f, 00:00:02:12) or a reference (wave, wave.end-1s)"),
]
Duration = Annotated[
    Span, BeforeValidator(values.span), text_or_number(values.TIME_PATTERN, "a time: 2s, 1.5, 48f or 00:00:02:12")
]
Angle = Annotated[
    float,
    BeforeValidator(values.angle),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string", "pattern": values.ANGLE_PATTERN}],
            "description": "an angle: 90deg, 1.57rad, or a number of degrees",
        }
    ),
]
Rate = Annotated[
    Fraction,
    BeforeValidator(values.rate),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 1, "maximum": 240}, {"type": "string", "pattern": r"^\d+/\d+$"}],
            "description": "frames per second: 24, 30, 23.976 or 24000/1001",
        }
    ),
]
Colour = Annotated[
    tuple[float, float, float],
    BeforeValidator(values.colour),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {"type": "number", "minimum": 0, "maximum": 1},
                    "minItems": 3,
                    "maxItems": 3,
                },
            ],
            "description": "'#b5651d' or a name (sRGB), or three linear values from 0 to 1",
        }
    ),
]


def as_facing(value: Any) -> float | str:
    if isinstance(value, str) and re.fullmatch(values.ID_PATTERN, value.strip()):
        return value.strip()
    try:
        return values.angle(value)
    except ValueError:
        raise ValueError(f"expected an angle (90deg, 1.57rad) or an actor's name, got {kind_of(value)}") from None


Facing = Annotated[
    float | str,
    BeforeValidator(as_facing),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "description": "an angle or an actor's name"}),
]


def as_words(value: Any) -> Any:
    """A list of words may be written as one word."""
    return [value] if isinstance(value, str) else value


def as_names(value: Any) -> Any:
    """A list of names may be written as one text with commas."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def as_three(value: Any) -> Any:
    """One number stands for all three sizes."""
    return [value] * 3 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def as_material(value: Any) -> Any:
    """A material may be its name alone."""
    return {"name": value} if isinstance(value, str) else value


def file_or_list(value: Any, as_list: ValidatorFunctionWrapHandler) -> Any:
    """A list may be written in a file of its own, whose name stays text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError(f"expected the name of a CSV file, or a list, got {kind_of(value)}")
    return as_list(value)


Size3 = Annotated[
    tuple[Positive, Positive, Positive],
    BeforeValidator(as_three),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 3, "maxItems": 3},
            ]
        }
    ),
]


def listed(vocabulary: str | None, words: str) -> Any:
    item: dict[str, Any] = {"type": "string"}
    if vocabulary:
        item["x-vocabulary"] = vocabulary
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}], "description": words})


def of_vocabulary(vocabulary: str) -> Any:
    """A field whose allowed words belong to another package; `json_schema` writes them into the published schema."""
    return Field(default=None, json_schema_extra={"x-vocabulary": vocabulary})
