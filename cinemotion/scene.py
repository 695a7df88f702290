"""The scene file's schema, version 1: pydantic models whose field names are the keys a person writes.

Names that other packages own (outfits, materials, shot sizes, …) are plain text here and checked in
`cinemotion.check`, against `cinemotion.vocabulary`; the published JSON Schema lists them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    WrapValidator,
)

from cinemotion.scene_fields import (
    Angle,
    Colour,
    Duration,
    Facing,
    Id,
    Number,
    Point2,
    Point3,
    Positive,
    Rate,
    Size3,
    When,
    Whole,
    Word,
    as_material,
    as_names,
    as_words,
    file_or_list,
    listed,
    of_vocabulary,
)
from cinemotion.style_fields import StyleSpec, as_style

#: Tags of the two ways to write `shots`, and `refine`; pydantic puts them into the places of errors.
LISTED, CHOSEN = "[list]", "[chosen]"
WHETHER, HOW = "[whether]", "[how]"
TAGS = (LISTED, CHOSEN, WHETHER, HOW)


class Strict(BaseModel):
    """Base of every section: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=False)


class BodySpec(Strict):
    """A performer's body in words, or a file of one's own."""

    height: Annotated[float, Field(strict=True, ge=0.9, le=2.4)] | None = Field(default=None, description="metres")
    build: Word | None = of_vocabulary("build")
    age: Word | None = of_vocabulary("age")
    presentation: Word | None = of_vocabulary("presentation")
    skin: Word | None = of_vocabulary("skin")
    hair: Word | None = of_vocabulary("hair")
    model: Word | None = Field(default=None, description="a SMPL, SMPL-H or SMPL-X file (.npz, .pkl) or folder")
    gender: Word | None = of_vocabulary("gender")
    betas: Annotated[tuple[Number, ...], Field(max_length=300)] = Field(
        default=(), description="shape values of the model"
    )


class PhysicsSpec(Strict):
    """Clean-up of feet that float, sink or slide."""

    feet: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "feet"},
        description="auto: held where they are found to stand; always; grounding: heights alone; never. Default: auto",
    )  # fmt: skip
    strength: Annotated[float, Field(strict=True, ge=0, le=1)] = Field(default=1.0, description="of every correction")
    learned: StrictBool = Field(default=False, description="a network first takes tremble, flips, drift and lean out")
    dynamics: StrictBool = Field(default=False, description="bodies with weight perform it; seconds that gain are kept")


class PlantSpec(Strict):
    """A part of the body bears weight."""

    part: Word = Field(json_schema_extra={"x-vocabulary": "part"})
    from_: When = Field(alias="from")
    to: When


class OwnPhysics(PhysicsSpec):
    """Clean-up of one performer; keys that are left out are the scene's."""

    plants: Annotated[list[PlantSpec] | None, WrapValidator(file_or_list)] = Field(
        default=None, json_schema_extra={"x-or-text": ""},
        description="what bears weight, and when, instead of what is found: a CSV file or a list; film time",
    )  # fmt: skip


class Actor(Strict):
    """Someone of the cast: where they begin, which way they look, what they are made of."""

    at: Point2 = Field(default=(0.0, 0.0), description="floor point [x, z] in metres")
    facing: Facing = Field(default=0.0, description="about +Y from +Z, or another actor's name")
    body: BodySpec = BodySpec()
    outfit: Word | None = of_vocabulary("outfit")
    style: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "style"}, description="how they do what `do` says"
    )
    physics: OwnPhysics | None = Field(default=None, description="key by key instead of the scene's")


class MaterialSpec(Strict):
    """A surface: one of the named ones, changed in part."""

    name: Word | None = of_vocabulary("material")
    color: Colour | None = None
    color2: Colour | None = None
    roughness: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    metallic: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    pattern: Word | None = of_vocabulary("pattern")
    scale: Positive | None = None


class Held(Strict):
    """A prop in someone's hand for a while."""

    by: Word
    joint: Word = Field(default="right_hand", json_schema_extra={"x-vocabulary": "joint"})
    from_: When | None = Field(default=None, alias="from")
    to: When | None = None


class PropSpec(Strict):
    """A thing on the set."""

    name: Id | None = None
    shape: Word = Field(default="box", description="a primitive's name or the path of a mesh file")
    size: Size3 | None = Field(default=None, description="metres: [width, height, depth], or one number for all three")
    at: Annotated[list[Number], Field(min_length=2, max_length=3)] = Field(
        default=[0.0, 0.0], description="[x, z] on the floor, or [x, y, z]; metres"
    )
    turn: Angle = Field(default=0.0, description="about the vertical")
    color: Colour | None = None
    material: Annotated[MaterialSpec | None, BeforeValidator(as_material)] = Field(
        default=None, json_schema_extra={"x-or-text": "material"}
    )
    held: list[Held] = []


class LampSpec(Strict):
    """A lamp besides the preset's sun and sky."""

    kind: Literal["point", "spot"] = "point"
    at: Point3
    color: Colour = (1.0, 1.0, 1.0)
    intensity: Positive = 100.0
    target: Point3 | None = None
    angle: Angle = 0.6


class SunSpec(Strict):
    """Where the sun stands."""

    azimuth: Angle | None = Field(default=None, description="about +Y from +Z")
    elevation: Angle | None = Field(default=None, description="above the horizon")


class StageSpec(Strict):
    """The set."""

    ground: Word | None = Field(default="studio", json_schema_extra={"x-vocabulary": "ground"})
    light: Word = Field(default="studio", json_schema_extra={"x-vocabulary": "light"})
    sun: SunSpec = SunSpec()
    props: list[PropSpec] = []
    lights: list[LampSpec] = []
    plate: Word | None = Field(default=None, description="an image behind everything; the ground catches shadows only")


class Entry(Strict):
    """Something an actor does."""

    actor: Word
    clip: Word | None = Field(default=None, description="a motion file, or pybullet:NAME")
    do: Word | None = Field(default=None, description="an action in words: walks forward, then waves")
    id: Id | None = Field(default=None, description="a name for references from elsewhere")
    at: When | None = None
    after: When | None = None
    with_: When | None = Field(default=None, alias="with")
    in_: Duration | None = Field(default=None, alias="in", description="where the clip is entered")
    out: Duration | None = Field(default=None, description="where the clip is left")
    for_: Duration | None = Field(default=None, alias="for", description="how long it lasts on screen")
    until: When | None = Field(default=None, description="when it ends, instead of `for`")
    speed: Annotated[float, Field(strict=True, ge=0.05, le=20)] = 1.0
    repeat: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    blend: Duration | None = Field(default=None, description="cross-fade into the same actor's next entry")
    loop: StrictBool = Field(default=False, description="repeat as often as `for`, `until` or `to` needs")
    hold: StrictBool = Field(default=False, description="stand still on the last pose afterwards, on purpose")
    mirror: StrictBool = False
    in_place: StrictBool = False
    place: Point2 | None = Field(default=None, description="begin at this floor point instead of where the last ended")
    facing: Facing | None = Field(
        default=None, description="begin facing this way, with `place` or as first entry; else turn there, with `do`"
    )
    to: Point2 | None = Field(default=None, description="go this way, and stop there")
    style: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "style"}, description="of a `do`, instead of the actor's"
    )
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="of a `do`: another number, another performance"
    )


class ShotSpec(Strict):
    """What the camera shows between two moments: by keys, by words, by a file of one's own, or as the film chooses."""

    at: When | None = None
    for_: Duration | None = Field(default=None, alias="for")
    until: When | None = None
    of: Annotated[
        list[Word], BeforeValidator(as_words), listed(None, "one actor or several, the first matters most")
    ] = []
    words: Word | None = Field(
        default=None, description="camera work in words, of one shot or several: slow push-in on ada, then cut wide"
    )
    camera: Word | None = Field(
        default=None, description="a camera of one's own: .glb, .usd, .csv or .json, with #NAME where it has several"
    )
    size: Word | None = of_vocabulary("size")
    angle: Word | None = of_vocabulary("angle")
    view: Word | None = of_vocabulary("view")
    move: Word | None = of_vocabulary("move")
    position: Word | None = of_vocabulary("position")
    lens: Annotated[float, Field(strict=True, ge=4, le=600)] | None = Field(default=None, description="millimetres")
    f_stop: Annotated[float, Field(strict=True, ge=0.5, le=64)] | None = None
    director: Word | None = of_vocabulary("director")
    style: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "edit"}, description="of the edit, with `director: auto`"
    )
    options: dict[Word, Number] = {}


class AutoShots(Strict):
    """The film chooses all its shots itself."""

    director: Literal["auto"]
    style: Word | None = Field(default=None, json_schema_extra={"x-vocabulary": "edit"}, description="of the edit")
    of: Annotated[list[Word], BeforeValidator(as_words), listed(None, "who is filmed; left out: everybody")] = []


Shots = Annotated[
    Annotated[list[ShotSpec], Tag(LISTED)] | Annotated[AutoShots, Tag(CHOSEN)],
    Discriminator(lambda value: CHOSEN if isinstance(value, (dict, AutoShots)) else LISTED),
]


class RefineSpec(Strict):
    """How frames become final ones: by the network that comes along, or by a pretrained pipeline of one's own."""

    weights: Word | None = Field(default=None, description="of our network: a name or a .safetensors file; base")
    steps: Annotated[int, Field(strict=True, ge=1, le=64)] | None = Field(
        default=None, description="of the bridge, or of a pipeline's denoising"
    )
    every: Annotated[int, Field(strict=True, ge=1, le=4)] | None = Field(
        default=None, description="refine every 2nd to 4th frame, and work out those between along exact flow"
    )
    faithful: StrictBool | None = Field(
        default=None, description="light is only moved about, as a mix of what was drawn: nothing is invented"
    )
    pipeline: Word | None = Field(default=None, description="folder of a diffusers pipeline, beside the scene")
    prompt: Word | None = Field(default=None, description="for a pipeline, instead of what the scene tells")
    negative_prompt: Word | None = None
    strength: Annotated[float, Field(strict=True, gt=0, le=1)] | None = Field(
        default=None, description="of pipelines that start from the drawn frame: 1 forgets it"
    )
    guidance: Annotated[float, Field(strict=True, ge=0, le=100)] | None = None
    control: Annotated[list[Word], BeforeValidator(as_names)] | None = Field(
        default=None, description="a pipeline's control videos: depth, normal, edges, ids"
    )
    control_scale: Annotated[float, Field(strict=True, ge=0, le=10)] | None = None

    def misplaced(self) -> str:
        """What does not fit together; empty where all does."""
        if self.faithful and (self.every or 1) > 1:
            return (
                "faithful, every: what is carried between frames is not a mix of drawn light; expected one of the two"
            )
        own = {"weights", "faithful", "every"}
        foreign = set(type(self).model_fields) - own - {"pipeline", "steps"}
        wrong = sorted(name for name in (foreign if self.pipeline is None else own) if getattr(self, name) is not None)
        if not wrong:
            return ""
        whose = "a `pipeline`, and none is named" if self.pipeline is None else "our own network, not for a `pipeline`"
        return f"{', '.join(wrong)}: for {whose}"


Refine = Annotated[
    Annotated[StrictBool, Tag(WHETHER)] | Annotated[RefineSpec, Tag(HOW)],
    Discriminator(lambda value: HOW if isinstance(value, (dict, RefineSpec)) else WHETHER),
]


class OutputSpec(Strict):
    """What comes out."""

    video: Word | None = Field(default=None, description="path beside the scene; default: the scene's name + .mp4")
    codec: Word | None = of_vocabulary("codec")
    passes: Annotated[list[Word], BeforeValidator(as_names), listed("pass", "per-frame data beside the film")] = []
    pass_format: Word | None = of_vocabulary("pass_format")
    control: Annotated[
        list[Word], BeforeValidator(as_names), listed("control", "videos of data, one scale per shot")
    ] = []
    samples: Annotated[int, Field(strict=True, ge=1, le=65536)] | None = Field(
        default=None, description="per pixel; up to 256, or paths of the path tracer"
    )
    motion_blur: StrictBool = True
    shutter: Angle | None = Field(default=None, description="of a full turn; 180deg is a film camera's")
    dof: StrictBool = Field(default=True, description="depth of field, for shots that give an f_stop")
    tone_map: Word | None = of_vocabulary("tone_map")
    exposure: Annotated[float, Field(strict=True, ge=-20, le=20)] = Field(default=0.0, description="stops")
    renderer: Word | None = of_vocabulary("renderer")
    refine: Refine = Field(default=False, description="frames become final ones; never with --draft")
    debug: Annotated[list[Word], BeforeValidator(as_names), listed("debug", "shown in the picture")] = []
    chunk: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(default=24, description="frames drawn at a time")


class Scene(Strict):
    """A whole scene file."""

    schema_: Literal[1] = Field(alias="schema", description="version of this format")
    title: Word | None = None
    fps: Rate = Field(default=Fraction(30), validate_default=False)
    size: tuple[Whole, Whole] = Field(default=(1280, 720), description="[width, height] in pixels, even numbers")
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] = 0
    model: Word = Field(default="base", description="weights for `do`: base, clean, or a .safetensors file")
    physics: PhysicsSpec | None = Field(default=None, description="clean-up of all performers; left out: none")
    cast: dict[Id, Actor] = Field(min_length=1)
    stage: StageSpec = StageSpec()
    timeline: list[Entry] = Field(min_length=1)
    music: Word | None = Field(
        default=None, description="a sound file whose beats cuts may fall on, from the film's start; the film is silent"
    )
    shots: Shots = []
    director: Word | None = Field(
        default=None, json_schema_extra={"x-vocabulary": "director"},
        description="of shots that name none; auto: the film chooses all its shots itself",
    )  # fmt: skip
    style: Annotated[StyleSpec | None, BeforeValidator(as_style)] = Field(
        default=None, json_schema_extra={"x-or-text": "look"}, description="a drawn look, or a painted frame to go by"
    )
    output: OutputSpec = OutputSpec()

    @property
    def listed(self) -> list[ShotSpec]:
        """The shots that are written down, one by one."""
        return self.shots if isinstance(self.shots, list) else []

    @property
    def chosen(self) -> AutoShots | None:
        """How the film chooses all its shots itself; None: it does not."""
        if isinstance(self.shots, AutoShots):
            return self.shots
        return AutoShots(director="auto") if self.director == "auto" and not self.shots else None

    def director_of(self, shot: ShotSpec) -> str | None:
        """Who runs the camera of a listed shot: named there, else for the whole scene, else nobody in particular."""
        return shot.director or self.director


def json_schema() -> dict[str, Any]:
    """The schema as JSON Schema 2020-12, with the words of every vocabulary written in."""
    from cinemotion import vocabulary

    document = Scene.model_json_schema(by_alias=True)

    def fill(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                fill(item)
        elif isinstance(node, dict):
            name = node.pop("x-vocabulary", None)
            if name is not None:
                words = list(vocabulary.words(name))
                target = node
                for branch in node.get("anyOf", []):
                    if branch.get("type") == "string":
                        target = branch
                target.update({"enum": words} if vocabulary.closed(name) else {"examples": words})
            text = node.pop("x-or-text", None)
            if text is not None:
                node["anyOf"].insert(0, {"type": "string"} | ({"x-vocabulary": text} if text else {}))
            for item in list(node.values()):
                fill(item)

    fill(document)
    document["properties"]["fps"]["default"] = 30
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Cinemotion scene, version 1"}
    return {**head, **{k: v for k, v in document.items() if k not in head}}
