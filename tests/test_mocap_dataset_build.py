"""A folder of captures becomes a corpus: copies found, splits apart, windows inside, broken files counted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from dataset_clips import captured, glide, hopping, waving, write

from mocap_data import dataset, dataset_check, dataset_split, dataset_store, dataset_twins, dataset_windows, deepmimic
from mocap_data.dataset_labels import Said, load_captions
from mocap_data.dataset_sayings import Saying, find_sayings, humanml3d, key, match
from motion import Clip, edit
from motion import rotations as rot
from motion.corpus import Corpus, Label
from motion.errors import BadInput

TAKES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered takes in Bandai-Namco's naming, a long take, copies, and files that are broken in several ways."""
    root = tmp_path_factory.mktemp("data")
    two = root / "bandai-namco-2"
    rng = np.random.default_rng(0)
    for k in range(TAKES):
        clip = glide(
            "forward", 1.5 + 0.2 * k, seconds=2.0 + 0.1 * k, yaw=float(rng.uniform(-3, 3)), stride=0.2 + 0.06 * k
        )
        write(clip, two / f"dataset-2_walk_active_{k:03d}.bvh")
    for k in range(3):
        write(waving("left", 3 + k), two / f"dataset-2_wave-left-hand_feminine_{k:03d}.bvh")
        write(waving("right", 3 + k), two / f"dataset-2_wave-right-hand_normal_{k:03d}.bvh")
    write(waving("right", 4), two / "dataset-2_raise-up-left-hand_normal_001.bvh")  # the name is wrong
    deep = root / "deepmimic"
    deep.mkdir()
    for name in ("humanoid3d_walk", "humanoid3d_backflip", "humanoid3d_jump"):
        shutil.copy(deepmimic.find_bundled(f"pybullet:{name}"), deep / f"{name}.txt")
    shutil.copy(deepmimic.find_bundled("pybullet:humanoid3d_backflip"), deep / "again_humanoid3d_backflip.txt")
    own = root / "mine"
    write(_wandering(30.0), own / "long walk.bvh")
    write(hopping(3), own / "jump.bvh")
    (own / "empty.bvh").write_text("")
    (own / "words.bvh").write_text("HIERARCHY\nthese are words\n")
    whole = (own / "jump.bvh").read_text().splitlines()
    (own / "cut.bvh").write_text("\n".join(whole[:-5]) + "\n" + whole[-5][:40])
    (own / "notes.txt").write_text("shot on Tuesday")
    (own / "settings.json").write_text('{"fps": 30}')
    (own / "captions.json").write_text(json.dumps({"mine/jump.bvh": {"captions": ["he jumps for joy"]}}))
    return root


def _wandering(seconds: float) -> Clip:
    """A walk that turns and changes pace, so that no two seconds are alike."""
    clip = glide("forward", 0.9 * seconds, seconds=seconds)
    t = np.arange(clip.frames) / 30.0
    q = clip.rotations.copy()
    for joint, rate in ((1, 0.9), (2, 0.9), (16, 0.31), (17, 0.23), (18, 0.17), (19, 0.13)):
        q[:, joint] = rot.multiply(
            q[:, joint], rot.from_axis("X", 0.5 * np.sin(rate * 6.28 * t + 0.02 * t * t + joint))
        )
    q[:, 0] = rot.yaw(0.8 * np.sin(0.4 * t))
    return Clip(q, clip.root_position, clip.rest_offsets, clip.fps)


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return dataset.build([folder], workers=1)


def test_broken_files_are_counted_and_copies_dropped(corpus: Corpus) -> None:
    refused, copies = corpus.notes["refused"], corpus.notes["copies"]
    assert isinstance(refused, dict) and isinstance(copies, dict)
    assert {name.split("/")[-1] for name in refused} >= {"empty.bvh", "words.bvh"}
    assert all("\n" not in why and why for why in refused.values())
    names = {clip.name for clip in corpus.clips}
    assert len({"deepmimic/humanoid3d_backflip.txt", "deepmimic/again_humanoid3d_backflip.txt"} & names) == 1
    assert any("backflip" in name for name in copies)
    assert not any(name.endswith((".json", "notes.txt")) for name in names | set(refused))
    assert corpus.notes["hands that disagree with the file's name"] == [
        "bandai-namco-2/dataset-2_raise-up-left-hand_normal_001.bvh"
    ]


def test_the_corpus_is_what_it_says(corpus: Corpus) -> None:
    assert corpus.rotations.dtype == np.float32 and corpus.contacts.dtype == bool
    assert np.allclose(np.linalg.norm(corpus.rotations, axis=-1), 1.0, atol=1e-5)
    soles = [dataset_check.clip_of(corpus, i).positions()[:, [10, 11], 1].min() for i in range(len(corpus.clips))]
    assert all(-0.1 < s < 0.2 for s in soles)
    walk = next(i for i, c in enumerate(corpus.clips) if "humanoid3d_walk" in c.name)
    assert not corpus.valid[walk, 20] and corpus.clips[walk].licence == "MIT"
    assert corpus.clips[walk].label == Label("walk")


def test_splits_do_not_touch(corpus: Corpus) -> None:
    assert dataset_check.overlaps(corpus, 0.45) == []
    for split in ("train", "blocks", "combinations"):
        assert corpus.split(split), split
    held = {corpus.clips[w.clip].name for w in corpus.split("combinations")}
    assert held and all("_feminine_" in name for name in held)
    trained = {corpus.clips[w.clip].name for w in corpus.split("train")}
    assert not any("wave-left-hand_feminine" in name for name in trained)
    takes = sorted(
        int(corpus.clips[w.clip].name[-7:-4])
        for w in corpus.split("blocks")
        if "walk_active" in corpus.clips[w.clip].name
    )
    assert takes and set(takes) == set(range(takes[0], takes[-1] + 1)) and 0 < takes[0] and takes[-1] < TAKES - 1


def test_windows_lie_in_their_clips(corpus: Corpus) -> None:
    lengths = np.diff(corpus.starts)
    for w in corpus.windows:
        a, b = dataset_check.rows_of(w)
        assert 0 <= a and b <= lengths[w.clip] and w.frames in dataset_windows.LENGTHS
        rows = slice(int(corpus.starts[w.clip]) + a, int(corpus.starts[w.clip]) + b)
        assert corpus.good[rows].all()
        if w.split != "train":
            assert not w.mirror and w.speed == 1.0
        else:
            assert 0.85 <= w.speed <= 1.15
    train = corpus.split("train")
    assert np.mean([w.weight for w in train]) == pytest.approx(1.0, abs=0.01)
    assert {w.mirror for w in train} == {True, False}
    assert 0.03 < np.mean([not w.captions for w in train if w.label.verb]) < 0.25


def test_labels_follow_the_mirror_image(corpus: Corpus) -> None:
    sides = {(w.mirror, w.label.side) for w in corpus.split("train")
             if "wave-right-hand" in corpus.clips[w.clip].name and w.label.verb == "wave"}  # fmt: skip
    assert sides == {(False, "right"), (True, "left")}
    wrong = [w for w in corpus.windows if "raise-up-left" in corpus.clips[w.clip].name and w.label.side]
    assert wrong and all(w.label.side == ("left" if w.mirror else "right") for w in wrong), "measured, not named"


def test_the_same_seed_gives_the_same_corpus(folder: Path, corpus: Corpus) -> None:
    again = dataset.build([folder], workers=1)
    assert again.windows == corpus.windows and again.clips == corpus.clips and again.notes == corpus.notes
    assert np.array_equal(again.rotations, corpus.rotations)
    other = dataset.build([folder], workers=1, seed=1)
    assert other.windows != corpus.windows and other.clips == corpus.clips


def test_a_folders_own_captions_are_told(corpus: Corpus) -> None:
    told = [w for w in corpus.windows if "he jumps for joy" in w.captions]
    assert told and all(corpus.clips[w.clip].name.endswith("mine/jump.bvh") for w in told)


def test_saving_and_loading_gives_it_back(corpus: Corpus, tmp_path: Path) -> None:
    dataset.save(corpus, tmp_path / "corpus")
    back = dataset.load(tmp_path / "corpus")
    assert back.windows == corpus.windows and back.clips == corpus.clips
    assert back.notes == json.loads(json.dumps(corpus.notes))
    for name in ("rotations", "root_position", "contacts", "good", "starts", "valid", "rest_offsets"):
        a, b = getattr(back, name), getattr(corpus, name)
        assert a.dtype == b.dtype and np.array_equal(a, b)
    dataset.save(corpus, tmp_path / "corpus")  # replaces
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize("harm", ["missing", "version", "cut", "swapped", "words", "row", "other"])
def test_damaged_corpora_are_refused(corpus: Corpus, tmp_path: Path, harm: str) -> None:
    place = tmp_path / "corpus"
    dataset.save(corpus, place)
    arrays, document = place / dataset_store.ARRAYS, place / dataset_store.WORDS
    content = json.loads(document.read_text())
    if harm == "missing":
        arrays.unlink()
    elif harm == "version":
        document.write_text(json.dumps({**content, "schema": 99}))
    elif harm == "cut":
        arrays.write_bytes(arrays.read_bytes()[:-100])
    elif harm == "swapped":
        data = bytearray(arrays.read_bytes())
        data[-1] ^= 1
        arrays.write_bytes(bytes(data))
    elif harm == "words":
        document.write_text("{")
    elif harm == "row":
        content["windows"][0] = content["windows"][0][:3]
        document.write_text(json.dumps(content))
    else:
        document.write_text("[]")
    with pytest.raises(BadInput) as error:
        dataset.load(place)
    assert "\n" not in str(error.value)


def test_a_corpus_never_replaces_other_files(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to a friend.txt").write_text("dear")
    with pytest.raises(BadInput, match="holds other files"):
        dataset.save(corpus, tmp_path / "letters")
    with pytest.raises(BadInput, match="is a file"):
        dataset.save(corpus, tmp_path / "letters" / "to a friend.txt")
    with pytest.raises(BadInput, match="no such folder"):
        dataset.load(tmp_path / "nowhere")


def test_folders_without_captures(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        dataset.build([tmp_path / "nowhere"])
    with pytest.raises(BadInput, match="no captures"):
        dataset.build([tmp_path])
    with pytest.raises(BadInput, match="no captures"):
        dataset.build([])
    (tmp_path / "a.bvh").write_text("no")
    with pytest.raises(BadInput, match="none of 1 files"):
        dataset.build([tmp_path])


def test_the_card_counts(corpus: Corpus) -> None:
    text = dataset.card(corpus)
    assert f"{len(corpus.clips)} clips" in text and "CC BY-NC 4.0" in text and "walk" in text
    for heading in ("Sources and licences", "Actions and styles", "Splits", "What is missing", "Known bias"):
        assert f"## {heading}" in text
    assert "cartwheel" in text.split("## What is missing")[1]
    assert "1 clips raise another hand" in text
    assert "nobody trains on: wave (one) × feminine. " in text, "of the combinations, the one that is here"


# Copies -------------------------------------------------------------------------------------------------------------


def _poses(clip: Clip) -> np.ndarray:
    return dataset_twins.poses(clip)


def test_copies_are_found_wherever_they_stand() -> None:
    clip = _wandering(12.0)
    inside = edit.transform(edit.slice(clip, 4.0, 8.0), 1.3, (3.0, 0.0, -1.0))
    found = dataset_twins.find_twins([_poses(clip), _poses(inside)])
    assert len(found) == 1 and not found[0].mirrored
    assert abs(found[0].at - found[0].start - 120) <= 1 and found[0].stop - found[0].start > 90


def test_mirror_images_are_found() -> None:
    clip = _wandering(8.0)
    found = dataset_twins.find_twins([_poses(clip), _poses(edit.mirror(clip))])
    assert found and all(twin.mirrored for twin in found)
    assert max(twin.stop - twin.start for twin in found) > 200


def test_other_motion_and_stillness_are_no_copies() -> None:
    still = glide("", 0.0, seconds=5.0)
    q = np.repeat(still.rotations[:1], still.frames, axis=0)
    still = Clip(q, still.root_position, still.rest_offsets, Fraction(30))
    walk, flip = captured(seconds=3.0), captured("pybullet:humanoid3d_backflip")
    assert dataset_twins.find_twins([_poses(c) for c in (still, still, walk, flip, _wandering(4.0))]) == []
    assert dataset_twins.find_twins([]) == []


def test_nearest_tells_a_copy_from_new_motion(corpus: Corpus) -> None:
    train = corpus.split("train")
    long = next(w for w in train if corpus.clips[w.clip].name.endswith("mine/long walk.bvh") and w.speed == 1.0)
    leaky = replace(corpus, windows=(*train, replace(long, split="blocks")))
    assert dataset_check.nearest(leaky, every=5)[0].least < 0.005
    assert dataset_check.overlaps(leaky)
    honest = {n.split: n for n in dataset_check.nearest(corpus, every=5)}
    assert honest["blocks"].count > 0 and honest["blocks"].percentiles[3] > 0.01


def test_takes_of_one_number_are_one() -> None:
    names = ["cmu-asfamc/02/02_01.amc", "cmu-deepmimic/02_01.txt", "cmu-bvh/salsa_01.bvh", "deepmimic/x_02_01.txt"]
    assert dataset.same_takes(names) == {"cmu-deepmimic/02_01.txt": "cmu-asfamc/02/02_01.amc"}


# Splits -------------------------------------------------------------------------------------------------------------


def test_long_takes_are_cut_with_a_guard() -> None:
    for frames in (330, 900, 9000):
        parts = dataset_split.spans(["cmu-bvh/x_01.bvh"], [Said(Label("dance"), True)], [frames], 3)
        held = [p for p in parts if p.split == "blocks"]
        assert len(held) == 1 and 89 <= held[0].stop - held[0].start <= 271
        for part in parts:
            assert 0 <= part.start < part.stop <= frames
            if part.split == "train":
                assert part.stop <= held[0].start - 15 or part.start >= held[0].stop + 15


def test_every_style_and_action_stays_in_training() -> None:
    held = dataset_split.COMBINATIONS
    assert len({style for _, _, style in held}) >= 6 and len({verb for verb, _, _ in held}) >= 6
    one = Said(Label("raise hand", "left", style="youthful"))
    assert dataset_split.held_combination(one)
    assert dataset_split.held_combination(replace(one, label=replace(one.label, side="right"))), "mirroring would leak"
    assert not dataset_split.held_combination(replace(one, label=replace(one.label, side="both")))


# Sentences about spans ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./pose_data/CMU/80/80_63_poses.npy", "cmu/80/80_63"),
        ("CMU/CMU/80/80_63_poses.npz", "cmu/80/80_63"),
        ("/data/AMASS/CMU/80/80_63_stageii.npz", "cmu/80/80_63"),
        ("pose_data\\KIT\\3\\walk slow 01_poses.npy", "kit/3/walk_slow_01"),
        ("a.bvh", "a"),
    ],
)
def test_keys(path: str, expected: str) -> None:
    assert key(path) == expected


def test_humanml3d_and_babel_meet_amass_files(tmp_path: Path) -> None:
    amass = tmp_path / "amass"
    clip = edit.resample(_wandering(10.0), 60)
    write(clip, amass / "CMU" / "80" / "80_63_poses.npz")
    write(clip, amass / "MPI_HDM05" / "bk" / "take_poses.npz")
    ml = tmp_path / "HumanML3D"
    (ml / "texts").mkdir(parents=True)
    (ml / "index.csv").write_text(
        "source_path,start_frame,end_frame,new_name\n"
        "./pose_data/CMU/80/80_63_poses.npy,40,160,000004.npy\n"
        "./pose_data/MPI_HDM05/bk/take_poses.npy,0,60,000005.npy\n"
        "./pose_data/CMU/80/80_63_poses.npy,x,160,000006.npy\n"
        "./pose_data/CMU/80/80_63_poses.npy,0,20,000007.npy\n"
        "./pose_data/CMU/80/80_63_poses.npy,40,160,M000004.npy\n"
    )
    (ml / "texts" / "000004.txt").write_text(
        "a person walks to the left.#a/DET person/NOUN walk/VERB#0.0#0.0\n"
        "a man sits then stands.#a/DET#1.0#2.5\nbroken line\nanother#x#y#z\n\n"
    )
    (ml / "texts" / "M000004.txt").write_text("a person walks to the right.#a/DET#0.0#0.0\n")
    (ml / "texts" / "000005.txt").write_text("someone strolls#someone/PRON#0.0#0.0\n")
    (tmp_path / "train.json").write_text(json.dumps({
        "1": {"feat_p": "CMU/CMU/80/80_63_poses.npz", "seq_ann": {"labels": [{"raw_label": "walk around"}]},
              "frame_ann": {"labels": [{"raw_label": "jog", "start_t": 8.0, "end_t": 10.0}, {"raw_label": "transition",
                                       "start_t": 7, "end_t": 8}, {"raw_label": None}, "odd"]}},
        "2": {"feat_p": "nobody/has/this_poses.npz", "seq_ann": {"labels": "odd"}, "frame_ann": None},
    }))  # fmt: skip
    notes: list[str] = []
    found = find_sayings([ml, tmp_path], notes)
    assert any("2 rows" in note for note in notes)
    names = ["amass/CMU/80/80_63_poses.npz", "amass/MPI_HDM05/bk/take_poses.npz", "amass/other.npz"]
    matched = match(names, found)
    assert set(matched) == set(names[:2])
    by_text = {s.text: s for s in matched[names[0]]}
    assert by_text["a person walks to the left."] == Saying("a person walks to the left.", 2.0, 8.0)
    assert by_text["a man sits then stands."] == Saying("a man sits then stands.", 3.0, 4.5)
    assert by_text["jog"] == Saying("jog", 8.0, 10.0, steady=True)
    assert "transition" not in by_text and not any("right" in text for text in by_text)
    # HDM05's first three seconds are cut off before HumanML3D counts.
    assert matched[names[1]][0].start == 3.0

    corpus = dataset.build([amass, ml, tmp_path], workers=1)
    told = {text: [w for w in corpus.windows if text in w.captions and not w.mirror] for text in by_text}
    assert told["jog"] and all(w.start >= 7.7 * 30 for w in told["jog"])
    # A six-second sentence is told of windows that hold most of it, not of its pieces.
    left = told["a person walks to the left."]
    assert left and all(w.frames >= 120 and w.start + w.frames * w.speed >= 6.5 * 30 for w in left)
    mirrored = [w for w in corpus.windows if w.mirror and "a person walks to the right." in w.captions]
    assert not any("a person walks to the left." in w.captions for w in mirrored)
    assert all(corpus.clips[w.clip].licence not in ("MIT", "CMU") for w in corpus.windows)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "source_path,start_frame\n"])
def test_an_index_without_its_columns_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "index.csv").write_text(content)
    with pytest.raises(BadInput, match="columns"):
        humanml3d(tmp_path / "index.csv", [])


@pytest.mark.parametrize(
    ("start", "end", "steady", "whole"),
    [(2.0, 4.0, True, True), (2.5, 3.0, True, False), (1.9, 4.1, True, True), (1.0, 3.0, False, False),
     (0.0, 9.0, False, False)],
)  # fmt: skip
def test_when_words_hold(start: float, end: float, steady: bool, whole: bool) -> None:
    assert Saying("x", 2.0, 4.0, steady=True).holds(start, end, 10.0) == steady
    assert Saying("x", 2.0, 4.0).holds(start, end, 10.0) == whole


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 1}', '{"a": {"captions": "walk"}}', '{"a": {"captions": [1]}}', "\x00",
                '{"a": {"description": 3, "captions": []}}', "{" * 5000]
)  # fmt: skip
def test_odd_caption_files_are_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "captions.json").write_text(content)
    with pytest.raises(BadInput) as error:
        load_captions(tmp_path / "captions.json")
    assert "\n" not in str(error.value)
