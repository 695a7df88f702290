"""One request from start to end: how long, what must hold, windows, last centimetres, loop, measures, provenance."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion import edit
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import constrain, finish, keyframes, loops, paths, points, segments
from motion.prior import edit as changes
from motion.prior.canvas import LEAD, jobs
from motion.prior.compose import Composed, Settings, compose
from motion.prior.constraints import Constraints
from motion.prior.report import Raw, measured, path_error, provenance
from motion.prior.request import (
    MOST_SECONDS,
    Keys,
    Path,
    Reach,
    Request,
    Result,
    Span,
    WindowModel,
    check_seconds,
)
from motion.prior.retrieve import Index
from motion.prior.segments import Segment
from motion.prior.understand import judged

#: What a base keeps when nothing is said: half of the noise.
_STRENGTH = 0.5
#: Keys whose place sampling misses by more than this are sampled again along a way through them, metres.
_MISSED = 0.10
#: All variations of a request together, seconds: they are held in memory side by side.
MOST_TOGETHER = 3600.0


def make(request: Request, model: WindowModel, index: Index | None = None) -> list[Result]:
    """The results of a request.

    Raises:
        BadInput: it cannot be met (keys outside the clip, a path that is too fast, words never learned, …).
    """
    captures = () if index is None or request.retrieval == "off" else {w.label for w in index.windows}
    return _Making(judged(request, getattr(model, "card", None), captures), model, index).run()


class _Making:
    """A request in the models' world: their skeleton, 30 fps."""

    def __init__(self, request: Request, model: WindowModel, index: Index | None) -> None:
        self.request, self.model, self.index = request, model, index
        self.notes: list[str] = []
        base, keys = request.base, request.keys
        own = base.rest_offsets if base is not None else None
        if own is None and keys is not None:
            own = keys.rest_offsets
        own = np.asarray(model.rest_offsets if own is None else own, dtype=np.float64)
        self.skeleton = changes.Skeleton(own, np.asarray(model.rest_offsets, dtype=np.float64))
        self.skeleton.check()
        factor = self.skeleton.factor
        self.base = None if base is None else self.skeleton.to_model(base)
        self.keys: Keys | None = None
        if keys is not None:
            theirs = own if keys.rest_offsets is None else keys.rest_offsets
            self.keys = keyframes.scaled(keys, float(model.rest_offsets[0, 1] / theirs[0, 1]))
        self.path: Path | None = None if request.path is None else paths.scaled(request.path, factor)
        self.reach: tuple[Reach, ...] = points.scaled(request.reach, factor)
        self.joints = np.zeros(24, bool)
        if request.keep:
            self.joints, notes = changes.kept(request.keep)
            self.notes += notes
        little = base is not None and not request.keep and not request.extend
        self.strength: float = request.strength if request.strength is not None else _STRENGTH if little else 1.0

    # ---- how long

    def _lengths(self) -> tuple[tuple[Segment, ...], int, int]:
        """Segments on the frames to make, all frames, and how many frames of the base stand before them."""
        request = self.request
        style = request.style
        if self.base is not None and not request.extend:
            made, notes = segments.of_plan(request.plan, self.base.frames / FPS, style=style)
            self.notes += notes
            return made, self.base.frames, 0
        if self.base is not None:
            made, notes = segments.of_plan(request.plan, abs(request.extend), style=style)
            self.notes += notes
            new = sum(s.frames for s in made)
            if (new + self.base.frames) / FPS > MOST_SECONDS:
                check_seconds((new + self.base.frames) / FPS, "base and what is added")
            first = self.base.frames if request.extend > 0 else 0
            return _shifted(made, first), new + self.base.frames, self.base.frames if request.extend > 0 else 0
        seconds = request.seconds
        needed = self._needed() if seconds is None else None
        if seconds is None and not request.plan.steps and self.path is None and needed is None:
            raise BadInput("seconds: without words or times, say how long")
        if seconds is None and not request.plan.steps and needed is not None:
            seconds = needed
        length = None if self.path is None or self.path.times is not None else paths.length(self.path)
        made, notes = segments.of_plan(request.plan, seconds, length, style)
        total = sum(s.frames for s in made)
        if seconds is None and needed is not None and total < round(needed * FPS):
            made, notes = segments.of_plan(request.plan, needed, length, style)
            total = sum(s.frames for s in made)
        self.notes += notes
        return made, total, 0

    def _needed(self) -> float | None:
        """Seconds that keys, timed path and points need; None where there is none of them."""
        last = []
        if self.keys is not None:
            last.append(float(self.keys.times[-1]))
        if self.path is not None and self.path.times is not None:
            last.append(float(self.path.times[-1]))
        last += [p.seconds + p.hold for p in self.reach]
        if not last:
            return None
        needed = max(last) + 1 / FPS
        check_seconds(needed, "the last key, point or time of the path")
        return needed

    # ---- what must hold

    def _wanted(self, made: tuple[Segment, ...], frames: int) -> tuple[Constraints, np.ndarray | None]:
        """Constraints over all frames, and the frames of the keys."""
        wanted = Constraints.none(frames)
        if self.path is not None:
            pace = np.zeros(frames)
            for segment in made:
                pace[segment.start : segment.stop] = segment.pace
            at, floor, heading = paths.lay(self.path, pace)
            constrain.follow(wanted, at, floor, heading if self.path.face_along and self._ahead() else None)
        at_keys = None if self.keys is None else keyframes.lay(self.keys, wanted, self.skeleton.model)
        if self.base is not None and self.joints.any():
            changes.hold_parts(wanted, self.base, self.joints)
        points.check(self.reach, wanted, self.skeleton.model)
        points.lay(self.reach, wanted)
        wanted.check()
        return wanted, at_keys

    def _ahead(self) -> bool:
        """Whether the words leave the performer looking where the path goes: nobody walks backward facing ahead."""
        steps = self.request.plan.steps
        return not any(a.label.direction in ("backward", "left", "right") for step in steps for a in step[:1])

    # ---- all of it

    def run(self) -> list[Result]:
        request = self.request
        made, frames, _ = self._lengths()
        if frames / FPS * request.variations > MOST_TOGETHER:
            raise BadInput(
                f"variations: {request.variations} of {frames / FPS:.0f} s, expected at most {MOST_TOGETHER:g} s in all"
            )
        wanted, at_keys = self._wanted(made, frames)
        self._style(made)
        seeds = [request.seed + k for k in range(request.variations)]
        composed = [self._guided(c, made, wanted, at_keys) for c in self._compose(made, wanted, seeds)]
        return [self._finished(one, seed, wanted, made, at_keys) for one, seed in zip(composed, seeds, strict=True)]

    def _settings(self, **more: object) -> Settings:
        asked = self.request
        settings = Settings(asked.steps, asked.guidance, asked.constraint_guidance, self.strength)
        return replace(settings, **more)  # type: ignore[arg-type]

    def _style(self, made: tuple[Segment, ...]) -> None:
        """The example of a style, ready to be shown before the first frame."""
        self.example: Clip | None = None
        clip = self.request.style_clip
        if clip is not None:
            on_model = changes.Skeleton(clip.rest_offsets, self.skeleton.model)
            on_model.check()
            self.example = changes.example(on_model.to_model(clip), made[0].pace if made else 0.0)

    def _compose(self, made: tuple[Segment, ...], wanted: Constraints, seeds: list[int]) -> list[Composed]:
        """Windows for all seeds: new motion, an edit, or more of a clip."""
        request, model = self.request, self.model
        retrieves = self.index is not None and request.retrieval != "off"
        if retrieves and (self.base is not None or self.example is not None):
            self.notes.append(f"retrieval: no captures beside a {'style example' if self.base is None else 'base'}")
        if self.base is not None and request.extend:
            first = sum(s.frames for s in made) if request.extend < 0 else 0
            settings = self._settings(strength=1.0, backward=request.extend < 0)
            done = compose(model, made, wanted, seeds, given={first: self.base}, settings=settings)
            kept = Span(first / FPS, (first + self.base.frames) / FPS, "", "kept", self._name_of_base())
            return [replace(c, spans=tuple(sorted((kept, *c.spans), key=lambda s: s.start_s))) for c in done]
        if self.base is not None:
            if self.strength == 0.0 and not self.keys and self.path is None and not self.reach:
                kept = Span(0.0, self.base.frames / FPS, "", "kept", self._name_of_base())
                return [Composed(self.base, (kept,), ()) for _ in seeds]
            source = self.base if self.strength < 1 else None
            return compose(model, made, wanted, seeds, source=source, settings=self._settings())
        if self.example is not None:
            return self._after_example(made, wanted, seeds)
        free = self._free()
        if request.loop and free:
            made = _longer(made, round(sum(s.frames for s in made) * loops.SLACK) + loops.BLEND + 1)
            wanted = constrain.padded(wanted, sum(s.frames for s in made))
        if not retrieves:
            return compose(model, made, wanted, seeds, settings=self._settings())
        # Each variation may be led by another capture.
        done = []
        for seed in seeds:
            captures, names = self._captures(made, seed)
            settings = self._settings(captures=captures, capture_names=names)
            done += compose(model, made, wanted, [seed], settings=settings)
        return done

    def _guided(
        self, one: Composed, made: tuple[Segment, ...], wanted: Constraints, at_keys: np.ndarray | None
    ) -> Composed:
        """Motion that missed the places of its keys made again along the way that it took, bent through them.

        A way given on every frame is followed far better than a few places in time.
        """
        keys = self.keys
        if keys is None or at_keys is None or keys.root_position is None or self.base is not None:
            return one
        if self.path is not None or self.example is not None or len(at_keys) < 2:
            return one
        missed = keys.root_position - one.clip.root_position[at_keys]
        if np.linalg.norm(missed[:, [0, 2]], axis=1).max() < _MISSED:
            return one
        frames = np.arange(int(at_keys[0]), int(at_keys[-1]) + 1)
        bent = finish.bent_through(one.clip.root_position[:, [0, 2]], at_keys, missed[:, [0, 2]])
        along = wanted[:]
        constrain.follow(along, frames, bent[frames])
        seed = one.clip.provenance.seed or 0
        [again] = compose(self.model, made, along, [seed], settings=self._settings())

        def error(c: Composed) -> float:
            return max(keyframes.error(keys, at_keys, c.clip, self.skeleton.model))

        return again if error(again) < error(one) else one

    def _free(self) -> bool:
        """Whether only the words say what happens."""
        return self.keys is None and self.path is None and not self.reach and self.base is None

    def _name_of_base(self) -> str:
        return self.request.base.provenance.source if self.request.base is not None else ""

    def _after_example(self, made: tuple[Segment, ...], wanted: Constraints, seeds: list[int]) -> list[Composed]:
        """Motion that goes on from a style example, which is then taken away."""
        assert self.example is not None
        shown = changes.before_origin(self.example)
        placed = np.flatnonzero(wanted.path_on | wanted.pelvis_on[:, 0])
        if len(placed):
            k = int(placed[0])
            x, z = wanted.path[k] if wanted.path_on[k] else wanted.pelvis[k, [0, 2]]
            yaw = float(wanted.heading[k]) if wanted.heading_on[k] else 0.0
            shown = edit.transform(shown, yaw, (float(x), 0.0, float(z)))
        n = shown.frames
        later = Constraints.none(n + wanted.frames)
        constrain.overlay(later, n, wanted)
        done = compose(
            self.model, _shifted(made, n), later, seeds, given={0: shown}, settings=self._settings(strength=1.0)
        )
        out = []
        for one in done:
            clip = constrain.pick(one.clip, np.arange(n, one.clip.frames))
            if not constrain.any_place(wanted):
                clip = edit.place(clip, (0.0, 0.0), 0.0)
            spans = tuple(
                replace(s, start_s=s.start_s - n / FPS, stop_s=s.stop_s - n / FPS, detail="style of the example")
                for s in one.spans
            )
            out.append(Composed(clip, spans, tuple(f - n for f in one.seams if f > n)))
        return out

    def _captures(self, made: tuple[Segment, ...], seed: int) -> tuple[dict[int, Clip], dict[int, str]]:
        """Captured motion for the segments whose words are close to a capture."""
        assert self.index is not None
        found: dict[int, Clip] = {}
        names: dict[int, str] = {}
        whole = {job.segment for job in jobs(made) if job.whole}
        for number, segment in enumerate(made):
            if not segment.text or segment.beside:
                continue
            hit = self.index.choose(
                segment.text, segment.label, segment.frames, seed + number, force=self.request.retrieval == "on"
            )
            if hit is None:
                continue
            if number not in whole:
                long = f"'{segment.text}' takes {segment.frames / FPS:.1f} s, more than one window"
                self.notes.append(f"retrieval: {long}: sampled, no capture of it is used")
                continue
            clip = self.index.clip(hit.window)
            found[number] = changes.Skeleton(clip.rest_offsets, self.skeleton.model).to_model(clip)
            names[number] = f"{self.index.name(hit.window)}: '{hit.caption}' {hit.score:.2f}"
        return found, names

    # ---- the end

    def _finished(
        self, one: Composed, seed: int, wanted: Constraints, made: tuple[Segment, ...], at_keys: np.ndarray | None
    ) -> Result:
        request, notes = self.request, list(self.notes)
        frames = wanted.frames
        clip, marks = one.clip, list(one.seams)
        if request.loop:
            clip, marks = self._looped(clip, marks, frames, seed, made, wanted, notes)
        clip = self.skeleton.to_own(clip)
        if request.base is not None and (self.joints.any() or self.strength == 0.0):
            base = self.skeleton.to_own(self.base) if self.base is not None else request.base
            clip = changes.put_back(clip, base, self.joints) if self.joints.any() else clip
        path_raw = path_error(request, clip, wanted, self.skeleton.factor)
        if path_raw is not None and request.exact and self.keys is None:
            on = np.flatnonzero(wanted.path_on)
            clip = finish.onto_path(clip, on, wanted.path[on] / self.skeleton.factor)
        keys_own = None if self.keys is None else keyframes.scaled(self.keys, 1 / self.skeleton.factor)
        own = self.skeleton.own
        key_raw: tuple[float, ...] = ()
        if keys_own is not None and at_keys is not None:
            key_raw = keyframes.error(keys_own, at_keys, clip, own)
            if request.exact:
                clip = finish.pin(clip, keys_own, at_keys)
        reach_raw: tuple[float, ...] = ()
        if request.reach:
            reach_raw = points.error(request.reach, clip)
            if request.exact:
                from motion.prior.parts import joint

                joints = [joint(p.joint) for p in request.reach]
                clip = finish.reach(clip, request.reach, joints, [points.span(p) for p in request.reach])
        if request.foot_lock:
            clip = finish.lock_feet(clip)
            notes.append("feet locked: the slide of each stance was taken out by inverse kinematics")
        if request.loop:
            clip = loops.still(clip) if request.in_place else clip
            clip = edit.loop(clip, 0.3)
        elif request.in_place:
            clip = edit.in_place(clip)
        raw = Raw(keys_own, at_keys, key_raw, reach_raw, path_raw)
        report = measured(request, one, clip, marks, wanted, self.skeleton, raw, notes)
        clip = replace(clip, provenance=provenance(request, one, seed, report, self.index))
        return Result(self._at_rate(clip), report)

    def _looped(
        self,
        clip: Clip,
        marks: list[int],
        frames: int,
        seed: int,
        made: tuple[Segment, ...],
        wanted: Constraints,
        notes: list[str],
    ) -> tuple[Clip, list[int]]:
        """A clip whose end leads into its beginning: its best cycle, or its end made anew towards its start."""
        if self.base is not None:
            return edit.loop(clip, 0.4), marks
        if self._free():
            cycle = loops.find(clip, frames, earliest=min(loops.BLEND, max(0, clip.frames - frames)))
            if cycle.gap_m <= loops.CLOSE_M:
                length = cycle.last - cycle.first + 1
                cut = loops.cut(clip, cycle)
                if self.request.seconds is not None and length != frames:
                    notes.append(
                        f"loop: a cycle of {length / FPS:.2f} s was found and re-timed to {frames / FPS:.2f} s"
                    )
                    cut = loops.retimed(cut, frames)
                scale = (cut.frames - 1) / max(length - 1, 1)
                moved = [round((f - cycle.first) * scale) for f in marks if cycle.first < f < cycle.last]
                return edit.place(cut, (0.0, 0.0), 0.0), moved
            clip = constrain.pick(clip, np.arange(min(frames, clip.frames)))
        return self._closed(clip, marks, seed, made, wanted, notes)

    def _closed(
        self,
        clip: Clip,
        marks: list[int],
        seed: int,
        made: tuple[Segment, ...],
        wanted: Constraints,
        notes: list[str],
    ) -> tuple[Clip, list[int]]:
        """The middle of a clip made anew between its beginning and the same poses at its end."""
        n, frames = min(LEAD, clip.frames // 3), clip.frames
        if frames < 3 * 8 or n < 2:
            return clip, marks
        head = constrain.pick(clip, np.arange(n))
        tail = loops.moved_along(clip, 0, frames - 1, head)
        middle = [
            replace(s, start=max(s.start, n), frames=min(s.stop, frames - 1) - max(s.start, n))
            for s in made
            if min(s.stop, frames - 1) > max(s.start, n)
        ]
        inside = constrain.padded(wanted[: min(frames - 1, wanted.frames)], frames - 1 + n)
        done = compose(self.model, middle, inside, [seed], given={0: head, frames - 1: tail}, settings=self._settings())
        notes.append("loop: no cycle of that length closes by itself; the middle was made anew towards the start pose")
        return constrain.pick(done[0].clip, np.arange(frames)), [f for f in done[0].seams if f < frames - 1]

    def _at_rate(self, clip: Clip) -> Clip:
        fps = changes.rate_of(self.request.fps, self.request.base)
        return clip if fps == Fraction(FPS) else edit.resample(clip, fps)


def _shifted(made: tuple[Segment, ...], by: int) -> tuple[Segment, ...]:
    return tuple(replace(s, start=s.start + by) for s in made)


def _longer(made: tuple[Segment, ...], by: int) -> tuple[Segment, ...]:
    """The segments with more of the last one."""
    return (*made[:-1], replace(made[-1], frames=made[-1].frames + by))
