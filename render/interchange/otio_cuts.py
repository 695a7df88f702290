"""Cuts of a film as OpenTimelineIO: `save` and `load` for ``.otio``, one clip a shot. Needs the extra ``timeline``.

One video track; every clip has a name and an exact range of frames at the film's rate, a reference to the film where
there is one, and a marker with what the shot is and why. ``.edl`` (CMX 3600) is written too where OpenTimelineIO's own
plugin for it, ``otio-cmx3600-adapter``, is installed.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from motion.errors import BadInput, MissingExtra, need, unknown
from motion.files import read, whole
from motion.rate import RateError, exact, from_rate

SUFFIXES = (".otio", ".edl")
#: The key of `metadata` that holds our own words.
OWN = "cinemotion"
_EDL = "cmx_3600"


@dataclass(frozen=True)
class EditShot:
    """One shot of an edit."""

    name: str
    first: int  # frame of the film
    stop: int  # the frame after its last
    label: str = ""  # a line that says what it is: "medium of kim"
    reason: str = ""  # why it is so
    about: Mapping[str, Any] = field(default_factory=dict)  # more, as JSON holds it: size, of, director


@dataclass(frozen=True)
class Edit:
    """Shots one after the other at a rate."""

    fps: Fraction
    shots: tuple[EditShot, ...]
    title: str = ""
    notes: tuple[str, ...] = ()  # what a file held that an edit does not

    def times(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """When each shot begins and ends, exact seconds."""
        return tuple((shot.first / self.fps, shot.stop / self.fps) for shot in self.shots)


def library() -> Any:
    """The package ``opentimelineio``, or `MissingExtra` with the line that installs it."""
    need("opentimelineio", "timeline", "reading and writing cuts")
    import opentimelineio

    return opentimelineio


def save(path: str | Path, edit: Edit, *, film: str | Path | None = None, frames: int | None = None) -> None:
    """Write an edit; the suffix, ``.otio`` or ``.edl``, chooses the format.

    Args:
        path: where to write.
        edit: shots in order; where nothing is shown between two, a gap is written.
        film: the video that the shots are parts of; it need not be there yet. Referred to relative to ``path``.
        frames: how long that video is; None: until the last shot's end.

    Raises:
        BadInput: another suffix, shots that overlap or are empty, a rate that an EDL cannot have, no place to write.
        MissingExtra: OpenTimelineIO, or its plugin for EDL, is not installed.
    """
    path = Path(path)
    otio, suffix = check(path), path.suffix.lower()
    timeline = _timeline(otio, path, edit, film, frames)
    try:
        text = otio.adapters.write_to_string(timeline, _EDL if suffix == ".edl" else "otio_json")
    except (otio.exceptions.OTIOError, ValueError) as error:  # an EDL knows only rates of time code
        raise BadInput(f"{path}: {error}") from error
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def check(path: str | Path) -> Any:
    """Make sure, before long work, that an edit can be written in a format; the library.

    Raises:
        BadInput: another suffix.
        MissingExtra: OpenTimelineIO, or its plugin for EDL, is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{path}: {unknown('suffix of an edit', suffix, SUFFIXES)}")
    otio = library()
    if suffix == ".edl" and _EDL not in otio.adapters.available_adapter_names():
        raise MissingExtra(
            "writing .edl needs OpenTimelineIO's plugin: pip install otio-cmx3600-adapter; or write .otio"
        )
    return otio


def _timeline(otio: Any, path: Path, edit: Edit, film: str | Path | None, frames: int | None) -> Any:
    rate = float(edit.fps)

    def span(first: int, stop: int) -> Any:
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(first, rate), time(stop - first, rate))

    if not edit.shots:
        raise BadInput(f"{path}: no shots, expected at least one")
    track = otio.schema.Track("camera", kind=otio.schema.TrackKind.Video)
    at = 0
    for shot in edit.shots:
        if shot.first < at or shot.stop <= shot.first:
            raise BadInput(f"{path}: shot '{shot.name}' is frames {shot.first} to {shot.stop}, after frame {at}")
        if shot.first > at:
            track.append(otio.schema.Gap(source_range=span(0, shot.first - at)))
        media = None
        if film is not None:
            whole_film = span(0, max(frames or 0, edit.shots[-1].stop))
            media = otio.schema.ExternalReference(_url(path, Path(film)), whole_film)
            media.name = Path(film).name
        about = {OWN: {"label": shot.label, "reason": shot.reason, **shot.about}}
        clip = otio.schema.Clip(shot.name, media, span(shot.first, shot.stop), metadata=about)
        if shot.label or shot.reason:
            marker = otio.schema.Marker(shot.label, span(shot.first, shot.first + 1), otio.schema.MarkerColor.GREEN)
            marker.comment = shot.reason
            marker.metadata[OWN] = dict(shot.about)
            clip.markers.append(marker)
        track.append(clip)
        at = shot.stop
    timeline = otio.schema.Timeline(edit.title or path.stem, global_start_time=otio.opentime.RationalTime(0, rate))
    timeline.metadata[OWN] = {"fps": str(edit.fps)}
    timeline.tracks.append(track)
    return timeline


def _url(path: Path, film: Path) -> str:
    """Where the film is, seen from the edit's folder, so that both can be moved together."""
    return urllib.parse.quote(Path(os.path.relpath(film.absolute(), path.absolute().parent)).as_posix())


def load(path: str | Path) -> Edit:
    """Read an edit: the shots of the first video track that has some, as frames at its rate.

    Every item of the track is a shot: a clip, or a nested stack of them. Gaps are times that no shot has; transitions
    count as the cut in their middle.

    Raises:
        BadInput: not an OpenTimelineIO file, or no video track with clips.
        MissingExtra: OpenTimelineIO is not installed.
    """
    path = Path(path)
    if path.suffix.lower() != ".otio":
        raise BadInput(f"{path}: {unknown('suffix of an edit to read', path.suffix.lower(), ('.otio',))}")
    data = read(path, "edit")
    otio = library()
    try:
        timeline = otio.adapters.read_from_string(data.decode("utf-8-sig"), "otio_json")
    except Exception as error:  # whatever its parser raises is about the file
        raise BadInput(f"{path}: is not an OpenTimelineIO file ({' '.join(str(error).split())})") from error
    if isinstance(timeline, otio.schema.Track):
        tracks = [timeline]
    elif isinstance(timeline, otio.schema.Timeline):
        tracks = list(timeline.video_tracks())
    else:
        raise BadInput(f"{path}: holds a {type(timeline).__name__}, expected a timeline")
    skip = (otio.schema.Gap, otio.schema.Transition)
    filled = [t for t in tracks if any(not isinstance(item, skip) for item in t)]
    if not filled:
        raise BadInput(f"{path}: holds no video track with clips, expected one")
    try:
        shots, fps = _shots(path, filled[0], skip, timeline.metadata.get(OWN))
    except (otio.exceptions.OTIOError, ValueError) as error:
        raise BadInput(f"{path}: {' '.join(str(error).split())}") from error
    notes = []
    if len(filled) > 1:
        others = ", ".join(f"'{t.name}'" for t in filled[1:9])
        notes.append(f"read video track '{filled[0].name}'; the file also holds {others}")
    return Edit(fps, tuple(shots), timeline.name or "", tuple(notes))


def _shots(path: Path, track: Any, skip: tuple[type, ...], own: Any) -> tuple[list[EditShot], Fraction]:
    items = [(k, item) for k, item in enumerate(track) if not isinstance(item, skip)]
    ranges = [track.range_of_child_at_index(k) for k, _ in items]
    try:
        fps = from_rate(ranges[0].duration.rate)
        said = exact(str(own["fps"])) if isinstance(own, Mapping) and "fps" in own else fps
    except RateError as error:
        raise BadInput(f"{path}: {error}") from None
    if abs(float(said / fps) - 1) < 1e-6:
        fps = said
    shots = []
    for number, ((_, item), span) in enumerate(zip(items, ranges, strict=True), start=1):
        first, stop = (round(_seconds(time) * fps) for time in (span.start_time, span.end_time_exclusive()))
        about = item.metadata.get(OWN)
        about = _plain(about) if isinstance(about, Mapping) else {}
        label, reason = (str(about.pop(key, "")) for key in ("label", "reason"))
        name = item.name or f"shot {number}"
        if stop <= first:
            raise BadInput(f"{path}: '{name}' has no frames")
        shots.append(EditShot(name, first, stop, label, reason, about))
    return shots, fps


def _plain(value: Any) -> Any:
    """The library's own containers as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _seconds(time: Any) -> Fraction:
    try:
        return Fraction(time.value) / from_rate(time.rate)
    except RateError as error:
        raise ValueError(str(error)) from None
