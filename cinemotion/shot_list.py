"""A scene's shots as cameras film them: keys, words, a file of one's own, or chosen by the film; and the camera of all.

`expand` turns each entry of ``shots`` into one shot or several, `camera_of` films them. Shots carry their
reasons, of the film that chose them or of the director that filmed them; `reasons_of` reads them from a film's table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from cinemotion import shot_words, vocabulary
from cinemotion.check import camera_file
from cinemotion.cuts import ShotTime
from cinemotion.film import Film
from cinemotion.film_shots import framed_by
from cinemotion.scene import Scene, ShotSpec
from cinemotion.source import Loc
from cinemotion.structure import Report
from motion.camera import SENSOR_WIDTH_MM, CameraPath, Shot
from motion.errors import BadInput, CinemotionError
from motion.stage import Performance, Stage

#: Keys of a shot that say what its director does; words say the same, and these then override them.
FRAMING = ("size", "angle", "view", "move", "position", "director")


@dataclass(frozen=True)
class Listed:
    """One shot of the film."""

    shot: Shot
    first: int  # frame
    stop: int
    index: int  # of the entry in the scene's `shots`; −1: the scene lists none
    part: int | None = None  # of an entry that became several shots, from 0
    chosen: bool = False  # by the film
    why: tuple[str, ...] = ()  # the reason's lines: the film's that chose it, else its director's
    file: str | None = None  # of a camera of one's own, as the scene names it

    @property
    def loc(self) -> Loc:
        """The entry's place in the scene."""
        return ("shots", self.index) if self.index >= 0 else ("shots",)

    @property
    def name(self) -> str:
        """What the table of a film calls it."""
        whole = f"shots[{self.index}]" if self.index >= 0 else "whole film" if self.part is None else "shot"
        return whole if self.part is None else f"{whole}.{self.part}"


def expand(
    scene: Scene,
    times: Sequence[ShotTime],
    performances: Sequence[Performance],
    stage: Stage,
    aspect: float,
    seed: int,
    report: Report,
    beats_s: Sequence[float] = (),
) -> list[Listed]:
    """Every shot of the film, in order; what is wrong with an entry is reported, and it is then missing.

    Args:
        scene: checked.
        times: when its entries begin and end.
        performances: who moves; the film chooses its shots by how they do.
        stage: the set.
        aspect: width over height of the picture.
        seed: of the film; decides how a hand-held camera sways and how long shots are that the film chooses.
        report: takes problems.
        beats_s: times of the music's beats, seconds of the film.
    """
    found: list[Listed] = []
    for time in times:
        loc: Loc = ("shots", time.index) if time.index >= 0 else ("shots",)
        try:
            spec = scene.listed[time.index] if time.index >= 0 else ShotSpec(size="full")
            if time.index < 0 and scene.chosen is not None:
                style = scene.chosen.style
                found += _chosen(time, performances, stage, scene.fps, aspect, style, beats_s, seed)
            elif time.index >= 0 and scene.director_of(spec) == "auto":
                found += _chosen(time, performances, stage, scene.fps, aspect, spec.style, beats_s, seed)
            elif spec.words is not None:
                for one in _said(scene, time, spec, seed, beats_s):
                    if one.shot.director == "auto":
                        span = ShotTime(time.index, one.first, one.stop, one.shot.of)
                        chosen = _chosen(span, performances, stage, scene.fps, aspect, spec.style, beats_s, seed)
                        found += [replace(c, part=None) for c in chosen]
                    else:
                        found.append(one)
            else:
                shot = _framed(spec, scene, time, time.first, time.stop, time.of, seed)
                found.append(Listed(shot, time.first, time.stop, time.index, file=spec.camera))
        except BadInput as error:
            report((*loc, "words") if time.index >= 0 and scene.listed[time.index].words else loc, str(error))
    return _numbered(found)


def _numbered(found: list[Listed]) -> list[Listed]:
    """The same with the parts of every entry counted."""
    count = {k: sum(one.index == k for one in found) for k in {one.index for one in found}}
    out: list[Listed] = []
    for one in found:
        part = sum(before.index == one.index for before in out)
        out.append(replace(one, part=part if count[one.index] > 1 else None))
    return out


def _framed(
    spec: ShotSpec, scene: Scene, time: ShotTime, first: int, stop: int, of: tuple[str, ...], seed: int,
    said: Shot | None = None,
) -> Shot:  # fmt: skip
    """A shot by the keys of its entry, over what words say of it."""
    from rl_camera.vocabulary import usual_lens

    words = {name: getattr(spec, name) for name in FRAMING}
    words["director"] = words["director"] or (None if said is not None and said.director != "rule" else scene.director)
    given = {name: vocabulary.usual(name, word) for name, word in words.items() if word is not None}
    options = {vocabulary.usual("option", name): value for name, value in spec.options.items()}
    begin, end = float(first / scene.fps), float(stop / scene.fps)
    if said is None:
        given.setdefault("position", "auto")
        lens = usual_lens(given.get("size", Shot.size)) if spec.lens is None else spec.lens
        shot = Shot(begin, end, of, **given, lens_mm=lens, f_stop=spec.f_stop, options=options)
    else:
        lens = said.lens_mm
        if "size" in given and said.lens_mm == usual_lens(said.size):  # nobody named the lens
            lens = usual_lens(given["size"])
        shot = replace(
            said, start_s=begin, end_s=end, of=of, **given, lens_mm=lens if spec.lens is None else spec.lens,
            f_stop=said.f_stop if spec.f_stop is None else spec.f_stop, options={**said.options, **options},
        )  # fmt: skip
    if (shot.move == "handheld" or shot.options.get("shake", 0.0) > 0) and seed:
        shot.options.setdefault("seed", float(seed % 2**32 + max(time.index, 0)))
    return shot


def _said(scene: Scene, time: ShotTime, spec: ShotSpec, seed: int, beats_s: Sequence[float]) -> list[Listed]:
    """The shots that an entry's words describe, cut on frames; "on the beat": on the one nearest to where they would.

    Raises:
        BadInput: they do not fit into the entry's time.
    """
    from rl_camera.words import shot_of, timed

    sentence = shot_words.read(scene, time.index)
    spans = timed(sentence, float(time.first / scene.fps), float(time.stop / scene.fps))
    for k, following in enumerate(sentence.shots[1:], start=1):
        (before, at), end = spans[k - 1], spans[k][1]
        near = [beat for beat in beats_s if before < beat < end]
        if following.beat and near:
            cut = min(near, key=lambda beat: abs(beat - at))
            spans[k - 1], spans[k] = (before, cut), (cut, end)
    out: list[Listed] = []
    for said, (begin, end) in zip(sentence.shots, spans, strict=True):
        first, stop = (round(Fraction(moment).limit_denominator(10**6) * scene.fps) for moment in (begin, end))
        if stop <= first:
            words = f"the words say {len(spans)} shots, and there are {time.stop - time.first} frames"
            raise BadInput(f"{words}, expected at least one for each")
        of = tuple(spec.of) or said.of or tuple(scene.cast)
        shot = _framed(spec, scene, time, first, stop, of, seed, shot_of(said, begin, end, tuple(scene.cast)))
        out.append(Listed(shot, first, stop, time.index))
    return out


def _chosen(
    time: ShotTime, performances: Sequence[Performance], stage: Stage, fps: Fraction, aspect: float, style: str | None,
    beats_s: Sequence[float], seed: int,
) -> list[Listed]:  # fmt: skip
    """The shots that the film chooses for a stretch of time, each with its reason."""
    from rl_camera.auto import plan_film
    from rl_camera.director import first_frame

    there = [p.name for p in performances]
    of = [name for name in time.of if name in there]
    plan = plan_film(
        performances, stage, float(time.first / fps), float(time.stop / fps), fps, aspect,
        style=style or ("music" if len(beats_s) else "plain"), beats_s=beats_s, of=of if len(of) < len(there) else None,
        seed=seed,
    )  # fmt: skip
    starts = [time.first, *(first_frame(shot.start_s, fps) for shot in plan.shots[1:])]
    out = []
    for shot, reason, first, stop in zip(plan.shots, plan.reasons, starts, [*starts[1:], time.stop], strict=True):
        if stop > first:
            out.append(Listed(shot, first, stop, time.index, chosen=True, why=reason.lines()))
    return out


def camera_of(
    listed: Sequence[Listed],
    performances: Sequence[Performance],
    stage: Stage,
    fps: Fraction,
    aspect: float,
    folder: Path,
    report: Report,
    note_file: Callable[[str, str, Path], None],
) -> tuple[CameraPath, list[Listed]] | None:
    """The camera of all shots, and the shots with their directors' reasons.

    None when one of them cannot be filmed, which has been reported.

    Args:
        listed: the shots, without gaps.
        performances: who moves.
        stage: the set.
        fps: the film's rate.
        aspect: width over height of the picture.
        folder: the scene's, where files are looked for.
        report: takes problems.
        note_file: is told role, name and path of every camera file.
    """
    from rl_camera import direct

    own = {
        k: _own(one, len(listed) == 1, fps, aspect, folder, report, note_file)
        for k, one in enumerate(listed)
        if one.file
    }
    if any(path is None for path in own.values()):
        return None
    paths = {k: path for k, path in own.items() if path is not None}
    if len(paths) == len(listed) == 1:
        return paths[0], list(listed)
    # A shot that a file films keeps its place among the directed ones, held by a camera that nobody will see.
    asked = [replace(one.shot, director="static", move="static") if one.file else one.shot for one in listed]
    told: dict[int, tuple[str, ...]] = {}
    try:
        path = direct(performances, stage, asked, fps, aspect, on_reason=told.__setitem__)
    except BadInput as error:
        report(("shots",), str(error))
        return None
    joined = _put_in(path, {(listed[k].first, listed[k].stop): own_path for k, own_path in paths.items()})
    return joined, [
        replace(one, why=(framed_by(one.shot), *told[k])) if k in told and not (one.chosen or one.file) else one
        for k, one in enumerate(listed)
    ]


def _put_in(path: CameraPath, own: dict[tuple[int, int], CameraPath]) -> CameraPath:
    """The path with the cameras of files in the place of some of its frames."""
    from rl_camera.director import f_stops

    if not own:
        return path
    T, focal, cuts = path.T_world_camera.copy(), path.focal_mm.copy(), path.cuts.copy()
    focus = np.full(path.frames, 3.0) if path.focus_m is None else path.focus_m.copy()
    stops: list[float | None] = [None] * path.frames if path.f_stop is None else list(path.f_stop)
    for (first, stop), camera in own.items():
        here = slice(first, stop)
        T[here], focal[here], cuts[here] = camera.T_world_camera, camera.focal_mm, camera.cuts
        if camera.focus_m is not None:
            focus[here] = camera.focus_m
        stops[here] = [None] * camera.frames if camera.f_stop is None else list(camera.f_stop)
    return replace(path, T_world_camera=T, focal_mm=focal, cuts=cuts, focus_m=focus, f_stop=f_stops(stops))


def _own(
    one: Listed, alone: bool, fps: Fraction, aspect: float, folder: Path, report: Report,
    note_file: Callable[[str, str, Path], None],
) -> CameraPath | None:  # fmt: skip
    from cinemotion.own_camera import own_path

    assert one.file is not None
    loc = (*one.loc, "camera")
    try:
        file, name = camera_file(folder, one.file)
        note_file("camera", one.file, file)
        path = own_path(
            file, one.first, one.stop, fps, name=name, aspect=aspect,
            sensor_width_mm=None if alone else SENSOR_WIDTH_MM,
            warn=lambda words: report(loc, words, severity="warning"),
        )  # fmt: skip
    except CinemotionError as error:
        name, _, _ = one.file.partition("#")
        report(loc, str(error).replace(str(folder / name), name))
        return None
    if not alone and any(path.shift):
        report(loc, "the lens is shifted, which is left out beside other shots", severity="warning")
    return path


def reasons_of(film: Film) -> dict[int, tuple[str, ...]]:
    """Why shots are as they are: lines by the shot's place in the film, from 0."""
    rows = [row for row in film.table if row["what"] == "shot"]
    why: dict[int, tuple[str, ...]] = {k: tuple(r["why"]) for k, r in enumerate(rows) if r.get("why")}  # type: ignore[arg-type]
    return why | {k: (f"the camera of {name}",) for k, name in files_of(film).items()}


def files_of(film: Film) -> dict[int, str]:
    """Shots by cameras of one's own: the file as the scene names it, by the shot's place in the film, from 0."""
    rows = [row for row in film.table if row["what"] == "shot"]
    return {k: str(row["file"]) for k, row in enumerate(rows) if row.get("file")}
