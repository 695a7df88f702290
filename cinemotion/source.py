"""Scene text with the line and column of every value: safe YAML and JSON into plain data, and `Problem`.

Nothing in a file is ever executed: the text is parsed into a tree of nodes, and only null, true and false, numbers,
strings, lists and mappings with string keys are made from it. Sizes are bounded before and while that happens.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motion.errors import BadInput

#: A scene of 10,000 timeline entries is about 600 kB; anything larger is not a scene written by a person.
MAX_BYTES = 1_000_000
#: Values after aliases are expanded. "Billion laughs" files expand to 10**9.
MAX_VALUES = 100_000
MAX_DEPTH = 40

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """A place in a text, both counted from 1 as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a scene: where, and in words."""

    file: str
    line: int
    column: int
    path: str  # "timeline[2].clip"; empty for the whole file
    message: str
    severity: str = "error"  # or "warning"

    def __str__(self) -> str:
        kind = "" if self.severity == "error" else f"{self.severity}: "
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {kind}{where}{self.message}"

    def as_dict(self) -> dict[str, object]:
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "severity": self.severity,
            "message": self.message,
        }


class SceneError(BadInput):
    """A scene that cannot be used; holds every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def dotted(loc: Loc) -> str:
    """``("timeline", 2, "clip")`` as ``timeline[2].clip``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass
class Source:
    """A scene file as data, with the place of every value and key."""

    path: Path
    label: str  # the file's name as the user gave it
    sha256: str
    data: Any
    values: dict[Loc, Mark] = field(default_factory=dict)
    keys: dict[Loc, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the scene start from."""
        return self.path.parent

    def mark(self, loc: Loc, *, key: bool = False) -> Mark:
        """Where a value (or its key) stands; the nearest enclosing value when it is not in the file."""
        if key and loc in self.keys:
            return self.keys[loc]
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, Mark(1, 1))

    def problem(self, loc: Loc, message: str, *, key: bool = False, severity: str = "error") -> Problem:
        mark = self.mark(loc, key=key)
        return Problem(self.label, mark.line, mark.column, dotted(loc), message, severity)


def read(path: str | Path) -> Source:
    """Read a ``.yaml``, ``.yml`` or ``.json`` scene.

    Raises:
        SceneError: the file cannot be read, is not text, too large, or not one YAML or JSON document; for repeated
            keys, custom tags and runaway aliases, too. Every problem found is inside.
    """
    path = Path(path)
    label = str(path)

    def fail(message: str, line: int = 1, column: int = 1) -> SceneError:
        return SceneError([Problem(label, line, column, "", message)])

    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise BadInput(f"{label}: no such file{_near_files(path)}") from None
    except IsADirectoryError:
        raise BadInput(f"{label}: is a folder, expected a scene file (.yaml or .json)") from None
    except OSError as error:
        raise BadInput(f"{label}: cannot be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise fail(f"the file is larger than {MAX_BYTES:,} bytes, which no scene needs")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise fail(f"byte 0x{raw[error.start]:02x} is not UTF-8 text", line, column) from None

    source = Source(path, label, hashlib.sha256(raw).hexdigest(), None)
    is_json = path.suffix.lower() == ".json"
    data = _read_json(text, fail) if is_json else None
    node = _compose(text.replace("\t", " ") if is_json else text, fail)
    if node is None:
        raise fail("the file is empty, expected a scene (schema: 1, cast, timeline, shots)")
    built = _Builder(source).build(node)
    source.data = data if is_json else built
    _check_text(source, source.data, ())
    if source.problems:
        raise SceneError(sorted(source.problems, key=lambda p: (p.line, p.column)))
    if not isinstance(source.data, dict):
        raise fail(f"expected a mapping of sections (schema, cast, timeline, …), got {kind_of(source.data)}")
    return source


def _check_text(source: Source, value: Any, loc: Loc) -> None:
    """Escapes may spell half a character (a lone surrogate), which no file can hold."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(source, key, loc)
            _check_text(source, item, (*loc, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_text(source, item, (*loc, i))
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            source.problems.append(source.problem(loc, f"{value!a} holds half a character"))


def _near_files(path: Path) -> str:
    from motion.errors import did_you_mean

    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix in {".yaml", ".yml", ".json"}]
    except OSError:
        return ""
    return did_you_mean(path.name, names) if names else ""


def kind_of(value: object) -> str:
    """A value as an error names it: what kind of thing it is and, when short, the thing itself."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        text = repr(value)
        return text if len(text) <= 24 else f"a number of {len(text)} digits"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "…")
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return type(value).__name__


def _read_json(text: str, fail: Any) -> Any:
    def number(name: str) -> Any:
        raise fail(f"{name} is not a number that JSON has")

    try:
        return json.loads(text, parse_constant=number)
    except json.JSONDecodeError as error:
        raise fail(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    except (RecursionError, ValueError) as error:
        raise fail(f"not JSON that can be read: {type(error).__name__}") from None


def _compose(text: str, fail: Any) -> Any:
    """The tree of YAML nodes; marks are on every one of them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        return yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        words = ", ".join(str(part).strip() for part in (error.context, error.problem) if part)
        if "'\\t'" in words:
            words = "a tab indents this line; YAML wants spaces"
        raise fail(f"not YAML: {words}", line, column) from None
    except YAMLError as error:
        position = getattr(error, "position", 0) or 0
        before = text[:position]
        reason = getattr(error, "reason", None) or str(error).splitlines()[0]
        raise fail(f"not YAML: {reason}", before.count("\n") + 1, position - before.rfind("\n")) from None
    except RecursionError:
        raise fail(f"values are nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, AssertionError, AttributeError, TypeError, KeyError, IndexError) as error:
        # The parser itself stumbled; a person still deserves one line.
        raise fail(f"not YAML that can be read ({type(error).__name__})") from None


_CORE = "tag:yaml.org,2002:"


class _Builder:
    """Plain data from nodes, within limits; what is wrong goes to the source's problems."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0
        self.exhausted = False

    def problem(self, loc: Loc, node: Any, message: str) -> None:
        mark = node.start_mark
        self.source.problems.append(Problem(self.source.label, mark.line + 1, mark.column + 1, dotted(loc), message))

    def build(self, node: Any) -> Any:
        return self._value(node, (), ())

    def _value(self, node: Any, loc: Loc, above: tuple[int, ...]) -> Any:
        if self.exhausted:
            return None
        self.count += 1
        if self.count > MAX_VALUES:
            self.exhausted = True
            self.problem(loc, node, f"more than {MAX_VALUES:,} values once aliases are expanded")
            return None
        if id(node) in above:
            self.problem(loc, node, "an anchor that contains itself")
            return None
        if len(above) > MAX_DEPTH:
            self.problem(loc, node, f"values are nested deeper than {MAX_DEPTH} levels")
            return None
        self.source.values.setdefault(loc, Mark(node.start_mark.line + 1, node.start_mark.column + 1))
        above = (*above, id(node))
        kind = type(node).__name__
        tag = str(node.tag)
        if kind == "MappingNode":
            if tag != _CORE + "map":
                return self._bad_tag(loc, node, tag)
            return self._mapping(node, loc, above)
        if kind == "SequenceNode":
            if tag != _CORE + "seq":
                return self._bad_tag(loc, node, tag)
            return [self._value(item, (*loc, i), above) for i, item in enumerate(node.value)]
        return self._scalar(node, loc, tag)

    def _bad_tag(self, loc: Loc, node: Any, tag: str) -> None:
        shown = tag.replace(_CORE, "!!")
        self.problem(loc, node, f"the tag {shown} is refused: scenes hold plain values only")

    def _mapping(self, node: Any, loc: Loc, above: tuple[int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if type(key_node).__name__ != "ScalarNode":
                self.problem(loc, key_node, "a key must be a word")
                continue
            key = key_node.value
            if str(key_node.tag) == _CORE + "merge":
                self._merge(value_node, loc, above, merged)
                continue
            here = (*loc, key)
            if key in result:
                first = self.source.keys[here]
                self.problem(here, key_node, f"the key '{key}' is given twice; the first is on line {first.line}")
                continue
            self.source.keys[here] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            self.source.values.pop(here, None)  # a merged value's mark gives way to this one's
            result[key] = self._value(value_node, here, above)
            # A missing value ("at:" with nothing after it) is best pointed at by its key.
            if result[key] is None and not getattr(value_node, "value", ""):
                self.source.values[here] = self.source.keys[here]
        return {**merged, **result}

    def _merge(self, node: Any, loc: Loc, above: tuple[int, ...], into: dict[str, Any]) -> None:
        nodes: Iterable[Any] = node.value if type(node).__name__ == "SequenceNode" else [node]
        for one in nodes:
            if type(one).__name__ != "MappingNode":
                self.problem(loc, one, "'<<' merges mappings only")
                continue
            if id(one) in above:
                self.problem(loc, one, "an anchor that contains itself")
                continue
            for key, value in self._mapping(one, loc, (*above, id(one))).items():
                into.setdefault(key, value)
                self.source.keys.pop((*loc, key), None)

    def _scalar(self, node: Any, loc: Loc, tag: str) -> Any:
        text = node.value
        name = tag.removeprefix(_CORE)
        if name == "str" or name == "timestamp":
            return text
        if name == "null":
            return None
        if name == "bool":
            return text.lower() in {"true", "yes", "on", "y"}
        try:
            if name == "int":
                return _integer(text)
            if name == "float":
                return _real(text)
        except ValueError:
            self.problem(loc, node, f"{kind_of(text)} is not a number that can be read")
            return None
        return self._bad_tag(loc, node, tag)


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    if ":" in digits:  # YAML 1.1 read 1:30 as 90; here it stays the text that it looks like
        return text
    if len(digits) > 40:
        raise ValueError(digits[:40])
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-").lower()
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    return sign * int(digits, 10)


def _real(text: str) -> float | str:
    digits = text.replace("_", "").lower()
    if ":" in digits:
        return text
    special = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}
    return special[digits] if digits in special else float(digits)
