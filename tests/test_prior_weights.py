"""Files of weights: what comes back, which files are refused and with which words, how names are found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.errors import BadInput
from motion.prior import weights
from motion.prior.weights import Card

CARD = Card(
    "prior", "base", "CC BY-NC 4.0", data=("walks, 1 h",), config={"width": 8}, measured={"blocks": {"R@3": 0.5}},
    limits=("does not swim",),
)  # fmt: skip


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"a.weight": rng.normal(size=(7, 5)), "a.bias": rng.normal(size=5), "steps": np.arange(3)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without shipped weights, and an empty folder of the user's own."""
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path / "package")
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(tmp_path / "own"))
    return tmp_path


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path, given = tmp_path / "deep" / "w.safetensors", tensors()
    written = weights.save(path, given, CARD)
    found, card = weights.load(path, "prior")
    assert card == written == weights.card_of(path)
    assert replace(card, sha256="", parameters=0) == CARD and card.parameters == 40
    assert set(found) == set(given)
    np.testing.assert_array_equal(found["a.weight"], given["a.weight"].astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(found["a.bias"], given["a.bias"].astype(np.float32))
    np.testing.assert_array_equal(found["steps"], given["steps"])
    found["a.bias"] += 1  # writable, as an optimiser needs it
    weights.save(tmp_path / "full.safetensors", given, CARD, half=False)
    np.testing.assert_array_equal(
        weights.load(tmp_path / "full.safetensors")[0]["a.weight"], given["a.weight"].astype(np.float32)
    )


@pytest.mark.parametrize("half", [True, False])
def test_a_card_is_written_anew_and_the_tensors_stay(tmp_path: Path, half: bool) -> None:
    path = tmp_path / "w.safetensors"
    first = weights.save(path, tensors(), CARD, half=half)
    before, _ = weights.load(path)
    changed = weights.describe(path, measured={"blocks": {"R@3": 0.6}}, version="2")
    after, card = weights.load(path)
    assert card == changed == replace(first, measured={"blocks": {"R@3": 0.6}}, version="2")
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def test_the_same_tensors_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    one, two = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    weights.save(one, tensors(), CARD)
    weights.save(two, dict(reversed(tensors().items())), CARD)
    assert one.read_bytes() == two.read_bytes()
    assert weights.save(two, tensors(1), CARD).sha256 != weights.card_of(one).sha256


def test_torch_tensors_are_taken_and_given(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = torch.nn.Linear(4, 3).state_dict()
    state["half"] = torch.ones(2, 2, dtype=torch.bfloat16)
    weights.save(tmp_path / "w.safetensors", state, CARD, half=False)
    found, _ = weights.load(tmp_path / "w.safetensors")
    for name, value in state.items():
        assert torch.equal(torch.from_numpy(found[name]), value.float())


def test_importing_weights_does_not_import_torch() -> None:
    code = "import sys, motion.prior.weights as w; w.shipped(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def damaged(kind: str, whole: bytes) -> bytes:
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    if kind == "no card":
        header["__metadata__"] = {}
    elif kind == "newer":
        header["__metadata__"]["card"] = header["__metadata__"]["card"].replace('"format": 1', '"format": 2')
    elif kind == "card not JSON":
        header["__metadata__"]["card"] = "{"
    elif kind == "card of another kind":
        header["__metadata__"]["card"] = header["__metadata__"]["card"].replace('"prior"', '"poem"')
    elif kind == "odd offsets":
        header["a.bias"]["data_offsets"] = [0, 10**9]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + whole[8 + length :]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no card", "without a card"), ("newer", "format 2, this version of Cinemotion reads format 1"),
        ("card not JSON", "card cannot be read"), ("card of another kind", "card cannot be read"),
        ("odd offsets", "'a.bias' is not described"),
    ],
)  # fmt: skip
def test_wrong_headers_are_refused_in_words(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, tensors(), CARD)
    path.write_bytes(damaged(kind, path.read_bytes()))
    for read in (weights.card_of, weights.load):
        with pytest.raises(BadInput, match=words):
            read(path)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -200, -1])
def test_truncated_files_are_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, tensors(), CARD)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadInput, match=r"w\.safetensors: (truncated|not a)"):
        weights.card_of(path)


@pytest.mark.parametrize("junk", [b"hello, I am a text file", b"\xff" * 500, b"\x02" + b"\0" * 7 + b"[]"])
def test_other_files_are_refused(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(junk)
    with pytest.raises(BadInput, match=r"not a \.safetensors file"):
        weights.load(path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, tensors(), CARD)
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BadInput, match="damaged: its tensors"):
        weights.load(path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("a", np.array([[np.nan, 1]]), "'a' is not finite"), ("b", np.full((1, 1), 1e6), "'b' holds values too large"),
    ],
)  # fmt: skip
def test_tensors_that_cannot_be_kept_leave_the_old_file(
    tmp_path: Path, name: str, value: np.ndarray, words: str
) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, tensors(), CARD)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=words):
        weights.save(path, {name: value}, CARD)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_names_are_found_in_the_package_then_with_the_user(home: Path) -> None:
    own, package = home / "own" / "base-prior.safetensors", home / "package" / "base-prior.safetensors"
    weights.save(own, tensors(), CARD)
    assert weights.find("base", "prior") == own
    weights.save(package, tensors(), CARD)
    assert weights.find("base", "prior") == package
    assert weights.find(own, "prior") == own and weights.find(home / "own", "prior") == own
    assert [f.path for f in weights.shipped()] == [package, own]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("base", "inbetween", "no inbetween weights 'base' .*base-inbetween.safetensors.*train inbetween"),
        ("clean", "prior", "no prior weights 'clean' on this machine; there is 'base'"),
        ("bse", "prior", "unknown weights 'bse'; did you mean 'base'"),
        ("", "prior", "expected a name"), ("base", "priors", "unknown kind of weights 'priors'; did you mean 'prior'"),
        ("nowhere.safetensors", "prior", "no such file"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(home: Path, name: str, kind: str, words: str) -> None:
    weights.save(home / "own" / "base-prior.safetensors", tensors(), CARD)
    with pytest.raises(BadInput, match=words):
        weights.find(name, kind)


def test_folders_and_kinds_that_do_not_fit(home: Path) -> None:
    folder = home / "training"
    folder.mkdir()
    with pytest.raises(BadInput, match=r"it holds no \.safetensors file"):
        weights.find(folder, "prior")
    weights.save(folder / "judge.safetensors", tensors(), replace(CARD, kind="evaluator"))
    (folder / "torn.safetensors").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"it holds judge.safetensors \(evaluator\), torn.safetensors \(broken\)"):
        weights.find(folder, "prior")
    with pytest.raises(BadInput, match="evaluator weights, expected prior weights"):
        weights.find(folder / "judge.safetensors", "prior")
    for name in ("a", "b"):
        weights.save(folder / f"{name}.safetensors", tensors(), CARD)
    with pytest.raises(BadInput, match=r"2 files of prior weights \(a.safetensors, b.safetensors\)"):
        weights.find(folder, "prior")


@pytest.mark.parametrize(
    ("data", "licence", "commercial"),
    [
        (["MIT", "CC BY-NC 4.0", "CMU"], "CC BY-NC 4.0", False), (["CMU", "MIT", "CMU"], "CMU, MIT", True),
        ([], "not stated", False), (["MIT", ""], "not stated", False), (["CMU", "unknown"], "unknown", False),
        (["research only", "MIT", "CC BY-NC 4.0"], "CC BY-NC 4.0, research only", False),
        (["CMU + MIT", "CC BY 4.0"], "CC BY 4.0, CMU + MIT", True),
        (["MIT", "see LICENSE (mine)"], "see LICENSE (mine)", False),
    ],
)  # fmt: skip
def test_licences_add_up(data: list[str], licence: str, commercial: bool) -> None:
    assert weights.licence_of(data) == licence
    card = replace(CARD, licence=licence, sha256="0123456789abcdef99")
    assert card.commercial is commercial
    made = card.provenance(7, "a note")
    assert (made.licence, made.seed, made.notes) == (licence, 7, ("a note",))
    assert made.model == "base prior 1 (sha256 0123456789abcdef)"
