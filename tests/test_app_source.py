"""Scene text: every value knows its line and column; hostile and broken files are refused in words, at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cinemotion.source import MAX_BYTES, Mark, SceneError, dotted, read
from motion.errors import BadInput


def _read(folder: Path, text: str | bytes, name: str = "scene.yaml"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def test_every_value_has_its_place(tmp_path: Path) -> None:
    source = _read(tmp_path, "a: 1\nb:\n  - {c: [2, 3]}\n  - text\n")
    assert source.data == {"a": 1, "b": [{"c": [2, 3]}, "text"]}
    assert source.mark(("a",)) == Mark(1, 4)
    assert source.mark(("b", 0, "c", 1)) == Mark(3, 13)
    assert source.mark(("b", 1)) == Mark(4, 5)
    assert source.mark(("b", 0, "c"), key=True) == Mark(3, 6)
    assert source.mark(("b", 0, "missing", 7)) == Mark(3, 5), "an unknown place is its nearest parent's"
    assert dotted(("b", 0, "c", 1)) == "b[0].c[1]"


def test_json_is_the_same_scene_with_places(tmp_path: Path) -> None:
    text = '{\n\t"a": 1e3,\n\t"b": ["\\ud83d\\ude00", "\\/", null, true]\n}'
    source = _read(tmp_path, text, "scene.json")
    assert source.data == {"a": 1000.0, "b": ["\U0001f600", "/", None, True]}
    assert source.mark(("b", 2)) == Mark(3, 30)


def test_words_stay_words(tmp_path: Path) -> None:
    data = _read(tmp_path, "a: no\nb: 2026-01-01\nc: 00:00:02:12\nd: 1_000\ne: 0x10\nf: .5\ng: ~\nh: '7'\n").data
    assert data == {
        "a": "no", "b": "2026-01-01", "c": "00:00:02:12", "d": 1000, "e": 16, "f": 0.5, "g": None, "h": "7",
    }  # fmt: skip


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    source = _read(tmp_path, "base: &b {x: 1, y: 2}\nother: *b\nthird: {<<: *b, y: 3}\n")
    assert source.data["other"] == {"x": 1, "y": 2}
    assert source.data["third"] == {"x": 1, "y": 3}
    assert source.mark(("third", "y")) == Mark(3, 20)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)

BROKEN: list[tuple[str, str | bytes, str, str]] = [
    ("tab", "a:\n\tb: 1\n", ":2:1:", "a tab indents this line"),
    ("twice", "a: 1\nb: 2\na: 3\n", ":3:1:", "'a' is given twice; the first is on line 1"),
    ("unclosed", "a: [1, 2\n", ":2:1:", "not YAML"),
    ("colon", "a: b: c\n", ":1:5:", "not YAML: mapping values are not allowed here"),
    ("empty", "", ":1:1:", "the file is empty"),
    ("comment only", "# nothing\n", ":1:1:", "the file is empty"),
    ("list", "- 1\n- 2\n", ":1:1:", "expected a mapping of sections"),
    ("two documents", "a: 1\n---\nb: 2\n", ":2:1:", "expected a single document"),
    ("unknown alias", "a: *nobody\n", ":1:4:", "undefined alias 'nobody'"),
    ("alias in itself", "a: &x [*x]\n", ":1:4:", "an anchor that contains itself"),
    ("bomb", BOMB, ":1:10:", "values once aliases are expanded"),
    ("custom tag", "a: !mine 1\n", ":1:4:", "the tag !mine is refused"),
    ("python tag", "a: !!python/object/apply:os.system ['echo hi']\n", ":1:4:", "is refused"),
    ("binary tag", "a: !!binary aGVsbG8=\n", ":1:4:", "the tag !!binary is refused"),
    ("key that is a list", "? [a]\n: 1\n", ":1:3:", "a key must be a word"),
    ("latin-1", b"title: caf\xe9\n", ":1:11:", "byte 0xe9 is not UTF-8"),
    ("nul", "a: 1\n\x00", ":2:1:", "not YAML"),
    ("deep", "a: " + "[" * 200 + "]" * 200, ":1:", "nested deeper"),
    ("very deep", "[" * 20_000, ":1:1:", "nested deeper"),
    ("half a character", 'a: "\\ud800"', ":1:4:", "half a character"),
    ("huge number", "a: " + "9" * 60, ":1:4:", "not a number that can be read"),
    ("too large", b"#" * (MAX_BYTES + 1), ":1:1:", "larger than"),
]


@pytest.mark.parametrize(("text", "place", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_text_is_refused_with_its_place(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(SceneError) as caught:
        _read(tmp_path, text)
    first = str(caught.value.problems[0])
    assert words in first and place in first, first
    assert "\n" not in first and caught.value.exit_code == 2
    assert time.monotonic() - began < 5


def test_every_repeated_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(SceneError) as caught:
        _read(tmp_path, "a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [(p.line, p.path) for p in caught.value.problems] == [(2, "a"), (3, "b.c")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": "\\ud800"}', "half a character"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1', "not JSON"),
        ('{"a": 1, "a": 2}', "given twice"),
        ("[" * 30_000, "JSON"),
    ],
)
def test_broken_json(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SceneError, match=words):
        _read(tmp_path, text, "scene.json")


def test_missing_files_suggest_near_names(tmp_path: Path) -> None:
    (tmp_path / "scene.yaml").write_text("a: 1")
    with pytest.raises(BadInput, match=r"no such file; did you mean 'scene\.yaml'"):
        read(tmp_path / "scne.yaml")
    with pytest.raises(BadInput, match="is a folder"):
        read(tmp_path)
