"""The words that a scene may use, as a page: what `cinemotion words` prints and `docs/words.md` holds."""

from __future__ import annotations

from collections.abc import Iterator

from cinemotion import vocabulary

#: Section of the scene file: its kinds of words, each with the key that takes it, and what they are when it takes more.
SECTIONS: dict[str, dict[str, str]] = {
    "physics": {"feet": "feet", "part": "plants[].part"},
    "cast": {
        "outfit": "outfit",
        "build": "body.build",
        "age": "body.age",
        "presentation": "body.presentation",
        "skin": "body.skin",
        "hair": "body.hair",
        "style": "style",
    },
    "timeline": {
        "verb": "do actions",
        "side": "do sides",
        "direction": "do directions and turns",
        "manner": "do manners",
    },
    "stage": {
        "ground": "ground",
        "light": "light",
        "shape": "props[].shape",
        "material": "props[].material",
        "pattern": "props[].material.pattern",
        "joint": "props[].held[].joint",
    },
    "shots": {
        "size": "size",
        "angle": "angle",
        "view": "view",
        "move": "move",
        "position": "position",
        "director": "director",
        "option": "options",
        "edit": "style of `director: auto`",
    },
    "style": {"look": "style: or style.look"},
    "output": {
        "codec": "codec",
        "pass": "passes",
        "pass_format": "pass_format",
        "control": "control",
        "debug": "debug",
        "tone_map": "tone_map",
        "renderer": "renderer",
    },
}


def _about(kind: str, word: str) -> str:
    """What a word means, where its owner says so."""
    from cinemotion.debug import KINDS
    from cinemotion.film import RENDERERS
    from motion.props import PRIMITIVES
    from render.passes import PASSES
    from rl_camera import vocabulary as camera

    tables = {
        "size": camera.SIZES,
        "angle": camera.ANGLES,
        "view": camera.VIEWS,
        "move": camera.MOVES,
        "position": camera.POSITIONS,
        "option": camera.OPTIONS,
        "director": camera.DIRECTORS,
        "shape": PRIMITIVES,
        "debug": KINDS,
        "renderer": RENDERERS,
    }
    if (kind, word) == ("director", "auto"):
        return "the film chooses its shots itself: candidate cameras, the best edit of them, and a reason for each"
    if kind == "pass":
        return PASSES[word].meaning
    entry = tables.get(kind, {}).get(word)
    return entry if isinstance(entry, str) else getattr(entry, "about", "")


def page() -> str:
    """Every vocabulary as Markdown, section by section of the scene file."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Words of the scene file"
    yield ""
    yield "Printed by `cinemotion words`. An unknown word is answered with the nearest known ones."
    for section, kinds in SECTIONS.items():
        yield ""
        yield f"## {section}"
        for kind, key in kinds.items():
            words = vocabulary.words(kind)
            meanings = {word: _about(kind, word) for word in words}
            key, _, what = key.partition(" ")
            head = f"`{key}`, {what}" if what else f"`{key}`"
            yield ""
            if any(meanings.values()):
                yield head
                yield ""
                yield "| word | meaning |"
                yield "|---|---|"
                yield from (f"| `{word}` | {meaning} |" for word, meaning in meanings.items())
            else:
                yield f"{head}: " + ", ".join(f"`{word}`" for word in words)
