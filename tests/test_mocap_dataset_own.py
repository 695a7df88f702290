"""A user's own folder: licences and sentences that stand with captures, arrays of other models, what is not read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from dataset_clips import glide, hopping, write
from foreign_motions import captured, features_263, mdm

from mocap_data import dataset, deepmimic
from mocap_data.dataset_find import find
from mocap_data.dataset_labels import Said, of_crop, steady
from mocap_data.dataset_licence import licence_of, standing, titled
from mocap_data.dataset_sayings import Saying, beside, find_sayings, humanml3d
from motion.corpus import Corpus, Label
from motion.prior import weights

NON_COMMERCIAL = (
    "Attribution-NonCommercial 4.0 International\n\n=====\n\nCreative Commons Corporation is not a law firm.\n"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A folder as a studio might have it."""
    own = tmp_path_factory.mktemp("data") / "mine"
    write(glide("forward", 14.0, seconds=12.0), own / "take1.bvh")
    (own / "take1.txt").write_text("a man walks\nhe walks slowly through the whole of the long room.\n")
    write(hopping(3), own / "sold" / "hop.bvh")
    (own / "sold" / "hop.txt").write_text("a person hops up and down.#a/DET#0.0#0.0\n")
    (own / "LICENSE.txt").write_text("CC BY 4.0\n")
    (own / "sold" / "LICENCE.md").write_text("# Terms of the studio\n\nAsk us.\n")
    motions = [captured(name).positions()[:, :22] for name in ("walk", "jump")]
    mdm(own / "results.npy", motions, ["walks", "jumps"])
    np.save(own / "noise.npy", np.zeros(5))
    for name in ("dance.fbx", "sold/hop.c3d", "walk.glb"):
        (own / name).write_bytes(b"not for us")
    return dataset.build([own], workers=1)


def test_the_licence_that_stands_with_the_data_is_carried(corpus: Corpus) -> None:
    licence = {clip.name: clip.licence for clip in corpus.clips}
    assert licence["mine/take1.bvh"] == "CC BY 4.0"
    assert licence["mine/sold/hop.bvh"] == "see LICENCE.md (sold)"
    assert "non-commercial" in licence["mine/results.npy#0"], (
        "a permissive file beside it does not loosen what is known"
    )
    assert weights.licence_of([licence["mine/take1.bvh"]]) == "CC BY 4.0"
    card = weights.Card("prior", "own", weights.licence_of(licence.values()))
    assert not card.commercial and "see LICENCE.md (sold)" in card.licence


def test_sentences_beside_a_capture_are_told(corpus: Corpus) -> None:
    told = [w for w in corpus.windows if corpus.clips[w.clip].name == "mine/take1.bvh" and w.captions]
    assert told and any("a man walks" in w.captions for w in told), "true of any part of twelve seconds"
    assert not any("the whole of the long room" in text for w in told for text in w.captions), "windows end at 8 s"
    assert {w.label.verb for w in told} == {"walk"}
    hops = [w for w in corpus.windows if "a person hops up and down." in w.captions]
    assert hops and all(corpus.clips[w.clip].name == "mine/sold/hop.bvh" for w in hops)
    assert corpus.notes["captions"] == 2


def test_what_cannot_be_read_is_counted_with_its_reason(corpus: Corpus) -> None:
    refused = corpus.notes["refused"]
    assert isinstance(refused, dict)
    assert set(refused) == {"mine/dance.fbx", "mine/walk.glb", "mine/noise.npy"}, "hop.c3d is there as hop.bvh"
    assert "cinemotion convert" in refused["mine/walk.glb"] and "export it as .bvh" in refused["mine/dance.fbx"]
    text = dataset.card(corpus)
    assert "3 could not be used" in text and "export it as .bvh" in text


def test_each_motion_of_an_array_is_a_capture(corpus: Corpus) -> None:
    copies = corpus.notes["copies"]
    assert isinstance(copies, dict)
    names = {clip.name for clip in corpus.clips} | set(copies)
    assert {"mine/results.npy#0", "mine/results.npy#1"} <= names and corpus.notes["files"] == 7


def test_the_card_names_only_combinations_that_are_there(corpus: Corpus) -> None:
    text = dataset.card(corpus)
    assert "`combinations` is empty" in text and "giant" not in text.split("## Splits")[1].split("## What was")[0]
    assert corpus.notes["combinations held out"] == []


# Licence files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MIT License\n\nCopyright (c) 2026 me\n\nPermission is hereby granted", "MIT"),
        ("The MIT License (MIT)\n", "MIT"), ("MIT", "MIT"), ("SPDX-License-Identifier: MIT\n", "MIT"),
        ("# CC BY 4.0\n", "CC BY 4.0"), ("CC-BY-NC-SA-4.0", "CC BY-NC-SA 4.0"), (NON_COMMERCIAL, "CC BY-NC 4.0"),
        ("Attribution-ShareAlike 4.0 International\n", "CC BY-SA 4.0"),
        ("Creative Commons Attribution-NoDerivatives 4.0 International Public License", "CC BY-ND 4.0"),
        ("Creative Commons Legal Code\n\nCC0 1.0 Universal\n\nCREATIVE COMMONS", "CC0 1.0"),
        ("     Apache License\n   Version 2.0, January 2004\n  http://www.apache.org/licenses/", "Apache-2.0"),
        ("BSD 3-Clause License\n\nCopyright", "BSD-3-Clause"), ("\ufeffMIT License\r\n", "MIT"),
        ("", ""), ("All rights reserved.", ""), ("\0\1", ""), ("The code is under the MIT License.", ""),
        ("MIT License\n\nThe captures are for non-commercial use.", ""), ("MIT License\n\nCC BY-NC 4.0\n", ""),
        ("one\ntwo\nthree\nMIT License\n", ""),
    ],
)  # fmt: skip
def test_licences_are_known_by_their_titles(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "LICENSE").write_text(text, encoding="utf-8")
    assert titled(tmp_path / "LICENSE") == (name or f"see LICENSE ({tmp_path.name})")


def test_the_nearest_licence_up_to_the_folder_given_counts(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT")
    deep = tmp_path / "mine" / "a" / "b"
    deep.mkdir(parents=True)
    assert standing(deep / "x.bvh", "mine/a/b/x.bvh") == "", "what lies above is of something else"
    (tmp_path / "mine" / "licence.txt").write_text(NON_COMMERCIAL)
    assert standing(deep / "x.bvh", "mine/a/b/x.bvh") == "CC BY-NC 4.0"
    (deep / "LICENSE").write_text("CC0")
    assert standing(deep / "x.bvh", "mine/a/b/x.bvh") == "CC0 1.0"


@pytest.mark.parametrize(
    ("said", "file", "source", "licence"),
    [
        (None, "MIT", "mine", "MIT"), ("MIT (DeepMimic)", "MIT", "mine", "MIT"),
        ("MIT (DeepMimic)", "CC BY-NC 4.0", "mine", "CC BY-NC 4.0 + MIT"),
        ("MIT (DeepMimic)", "?", "mine", "MIT + see LICENSE (mine)"),
        ("research only", "?", "mine", "research only"), ("research only", "MIT", "mine", "MIT + research only"),
        (None, "MIT", "cmu-bvh", "not stated"),
    ],
)  # fmt: skip
def test_a_file_tightens_and_never_loosens(
    tmp_path: Path, said: str | None, file: str, source: str, licence: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "LICENSE").write_text(file)
    assert licence_of(said, folder / "x.bvh", "mine/x.bvh", source) == licence


# Text files ---------------------------------------------------------------------------------------------------------


def test_a_text_of_deepmimic_is_motion_and_no_caption(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    write(hopping(1), own / "a.bvh")
    shutil.copy(deepmimic.find_bundled("pybullet:humanoid3d_walk"), own / "a.txt")
    (own / "b.txt").write_text("a person walks")
    assert [name for _, name, _ in find([own])] == ["mine/a.bvh", "mine/a.txt"]
    notes: list[str] = []
    assert beside(own / "a.bvh", notes) == beside(own / "a.txt", notes) == notes == []


@pytest.mark.parametrize(
    ("content", "texts", "noted"),
    [
        (b"a man walks\n\n  he stops  \n", ["a man walks", "he stops"], False),
        ("\ufeffer l\u00e4uft\r\n".encode(), ["er l\u00e4uft"], False),
        (b"a man sits.#a/DET man/NOUN#1.0#2.5\n", ["a man sits."], False),
        (b"", [], False), (b"# a comment\n", [], False), (b"Frame X Y\n1 0.2 0.3\n", [], True),
        (b"a man\0walks", [], True), (b"walks\n" * 20000, [], True),
    ],
)  # fmt: skip
def test_lines_of_a_text_file(tmp_path: Path, content: bytes, texts: list[str], noted: bool) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    notes: list[str] = []
    found = beside(tmp_path / "x.npy", notes)
    assert [saying.text for saying in found] == texts and bool(notes) is noted
    assert all("\n" not in note for note in notes)
    assert beside(tmp_path / "x.npy#1", notes) == [], "one motion of several has no file of its own"
    if b"2.5" in content:
        assert (found[0].start, found[0].end) == (1.0, 2.5)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a man walks", True), ("someone dances", True), ("a man walks in a circle", False), ("he kicks", False),
        ("she walks three steps", False), ("a man walks through the whole long room", False),
        ("walks, then sits", False), ("shot on Tuesday", False),
    ],
)  # fmt: skip
def test_what_is_true_of_every_part(text: str, holds: bool) -> None:
    assert steady(text) is holds


def test_a_name_holds_where_no_sentence_does() -> None:
    said = Said(Label("walk"), True, sayings=(Saying("he walks about and sits down"),))
    assert of_crop(said, 2.0, 4.0, 20.0).label.verb == "walk" and not of_crop(said, 2.0, 4.0, 20.0).captions
    assert of_crop(said, 0.0, 20.0, 20.0).captions == ("he walks about and sits down",)
    long = Said(Label(), sayings=(Saying("a man walks through the whole of the long room"),))
    assert of_crop(long, 2.0, 4.0, 20.0).label == Label("walk") and not of_crop(long, 2.0, 4.0, 20.0).captions
    spans = Said(Label("walk"), True, sayings=(Saying("he sits", 5.0, 9.0),))
    assert not of_crop(spans, 0.0, 2.0, 20.0).label.verb


# HumanML3D ----------------------------------------------------------------------------------------------------------


def _humanml3d(root: Path) -> Path:
    features = features_263(captured("walk").positions()[:, :22])
    inner = root / "HumanML3D"
    for folder in ("new_joint_vecs", "new_joints", "texts"):
        (inner / folder).mkdir(parents=True)
    (root / "pose_data" / "CMU").mkdir(parents=True)
    for name in ("000004", "M000004"):
        np.save(inner / "new_joint_vecs" / f"{name}.npy", features)
        np.save(inner / "new_joints" / f"{name}.npy", captured("walk").positions()[:, :22])
        (inner / "texts" / f"{name}.txt").write_text("a person walks.#a/DET#0.0#0.0\n")
    np.save(inner / "Mean.npy", features[0])
    np.save(root / "pose_data" / "CMU" / "80_63_poses.npy", captured("walk").positions())
    (root / "index.csv").write_text(
        "source_path,start_frame,end_frame,new_name\n./pose_data/CMU/80/80_63_poses.npy,0,40,000004.npy\n"
    )
    return root


def test_humanml3d_alone_gives_its_features_and_sentences(tmp_path: Path) -> None:
    root, notes = _humanml3d(tmp_path / "ml"), []  # type: tuple[Path, list[str]]
    found = find([root], notes)
    assert [name for _, name, _ in found] == ["ml/HumanML3D/new_joint_vecs/000004.npy"]
    assert notes == ["5 arrays of HumanML3D left out: mirror images, or joints of the features in new_joint_vecs"]
    assert [saying.text for saying in beside(found[0][0], notes)] == ["a person walks."]


def test_beside_amass_humanml3d_gives_sentences_alone(tmp_path: Path) -> None:
    root, notes = _humanml3d(tmp_path / "ml"), []  # type: tuple[Path, list[str]]
    write(glide(), tmp_path / "AMASS" / "CMU" / "80" / "80_63_poses.npz")
    found = find([tmp_path / "AMASS", root], notes)
    assert [name for _, name, _ in found] == ["AMASS/CMU/80/80_63_poses.npz"] and "AMASS's captures again" in notes[0]
    sayings = find_sayings([root], notes)
    assert sayings == humanml3d(root / "index.csv", notes) == {"cmu/80/80_63": [Saying("a person walks.", 0.0, 2.0)]}


def test_captions_of_ones_own_by_time(tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text(
        json.dumps({"mine/a.bvh": {"captions": [{"text": "he sits", "start": 1, "end": 2}]}})
    )
    assert find_sayings([tmp_path], []) == {"mine/a": [Saying("he sits", 1.0, 2.0, steady=True)]}
