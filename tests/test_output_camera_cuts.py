"""Cuts as OpenTimelineIO: exact frames, references, markers; edits that other programs made."""

from __future__ import annotations

from fractions import Fraction

import pytest

from motion.errors import BadInput, CinemotionError
from render.interchange import otio_cuts
from render.interchange.otio_cuts import Edit, EditShot

otio = pytest.importorskip("opentimelineio")


def edit(fps=Fraction(24000, 1001)):
    shots = (
        EditShot("1 wide", 0, 36, "wide of kim, lou", "the scene begins", {"size": "wide", "of": ["kim", "lou"]}),
        EditShot("2 medium", 36, 100, "medium of lou", "line 1: gets up", {"size": "medium", "director": "rule"}),
        EditShot("3 full", 110, 111, "", "", {}),
    )
    return Edit(fps, shots, "Get up and dance")


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25, 3)])
def test_round_trip(tmp_path, fps):
    made = edit(fps)
    otio_cuts.save(tmp_path / "a.otio", made)
    assert otio_cuts.load(tmp_path / "a.otio") == made
    assert made.times()[1] == (36 / fps, 100 / fps)


def test_what_an_editor_sees(tmp_path):
    (tmp_path / "cut").mkdir()
    otio_cuts.save(tmp_path / "cut" / "a.otio", edit(), film=tmp_path / "my film.mp4", frames=192)
    timeline = otio.adapters.read_from_file(str(tmp_path / "cut" / "a.otio"))
    assert [t.kind for t in timeline.tracks] == ["Video"]
    first, second, gap, third = timeline.tracks[0]
    assert isinstance(gap, otio.schema.Gap) and gap.duration().value == 10
    assert second.source_range == otio.opentime.TimeRange(
        otio.opentime.RationalTime(36, 24000 / 1001), otio.opentime.RationalTime(64, 24000 / 1001)
    )
    assert second.range_in_parent() == second.source_range, "the film's own time"
    assert third.range_in_parent().start_time.value == 110
    assert first.media_reference.target_url == "../my%20film.mp4"
    assert first.media_reference.available_range.duration.value == 192
    [marker] = second.markers
    assert (marker.name, marker.comment) == ("medium of lou", "line 1: gets up")
    assert marker.metadata["cinemotion"]["director"] == "rule"
    assert not third.markers


def foreign(tmp_path, build):
    timeline = otio.schema.Timeline("cut")
    build(timeline)
    otio.adapters.write_to_file(timeline, str(tmp_path / "a.otio"))
    return tmp_path / "a.otio"


def clip(name, start, count, rate=24):
    time = otio.opentime.RationalTime
    return otio.schema.Clip(name, source_range=otio.opentime.TimeRange(time(start, rate), time(count, rate)))


def test_an_editors_own_cut(tmp_path):
    def build(timeline):
        sound, empty, picture, titles = (
            otio.schema.Track(name, kind=kind)
            for name, kind in (("A1", "Audio"), ("V0", "Video"), ("V1", "Video"), ("V2", "Video"))
        )
        sound.append(clip("music", 0, 500))
        time = otio.opentime.RationalTime
        dissolve = otio.schema.Transition("dissolve", "SMPTE_Dissolve", time(4, 24), time(4, 24))
        inner = otio.schema.Stack("nest", [clip("x", 0, 12)])
        picture.extend([clip("a", 86400, 48), dissolve, clip("", 10, 30, 30), inner])
        titles.append(clip("title", 0, 10))
        timeline.tracks.extend([sound, empty, picture, titles])

    found = otio_cuts.load(foreign(tmp_path, build))
    assert found.fps == 24
    assert [(s.name, s.first, s.stop) for s in found.shots] == [("a", 0, 48), ("shot 2", 48, 72), ("nest", 72, 84)]
    assert "also holds 'V2'" in found.notes[0]


def test_bad_edits(tmp_path):
    def text(name, words):
        (tmp_path / name).write_text(words)
        return tmp_path / name

    cases = [
        (text("a.otio", "{bad"), "is not an OpenTimelineIO file"),
        (text("b.otio", "[1]"), "expected a timeline|is not an OpenTimelineIO"),
        (text("c.otio", '{"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1"}}'), "is not an Open"),
        (text("d.edl", ""), "unknown suffix"),
        (tmp_path / "none.otio", "no such file"),
    ]
    for path, message in cases:
        with pytest.raises(BadInput, match=message) as caught:
            otio_cuts.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="no video track with clips"):
        otio_cuts.load(foreign(tmp_path, lambda t: t.tracks.append(otio.schema.Track(kind="Video"))))
    for change, message in ((clip("z", 0, 0), "no frames"), (clip("z", 0, 5, 0), "per second")):
        with pytest.raises(BadInput, match=message):
            otio_cuts.load(foreign(tmp_path, lambda t, c=change: t.tracks.append(otio.schema.Track(children=[c]))))
    for shots, message in (((), "no shots"), ((EditShot("a", 5, 5),), "frames 5 to 5"), (edit().shots[::-1], "after")):
        with pytest.raises(BadInput, match=message):
            otio_cuts.save(tmp_path / "x.otio", Edit(Fraction(24), shots))
    with pytest.raises(BadInput, match=r"unknown suffix of an edit '\.xml'"):
        otio_cuts.save(tmp_path / "x.xml", edit())


def test_edl_by_opentimelineios_own_plugin(tmp_path):
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        with pytest.raises(CinemotionError, match="pip install otio-cmx3600-adapter"):
            otio_cuts.save(tmp_path / "a.edl", edit())
        assert not list(tmp_path.iterdir())
        return
    otio_cuts.save(tmp_path / "a.edl", edit(Fraction(24)))
    words = (tmp_path / "a.edl").read_text()
    assert "00:00:01:12 00:00:04:04 00:00:01:12 00:00:04:04" in words and "1 wide" in words
    with pytest.raises(BadInput):
        otio_cuts.save(tmp_path / "b.edl", edit(Fraction(25, 3)))
