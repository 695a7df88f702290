"""Motion of any length from windows: each is made in the context of what stands before (or after) it, then joined.

A window sees the last `LEAD` frames as they are and some frames of what comes (`AHEAD`, or up to the next key), so that
it neither starts nor ends as if nothing lay beyond. Words may change at every window. The whole clip lies on a
`Canvas`; memory beyond it is that of one window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motion import edit, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.corpus import FPS, Label
from motion.prior import constrain, finish
from motion.prior.canvas import LEAD, Canvas, Job, jobs
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.led import Lead, lead
from motion.prior.request import LEAST_WINDOW, MOST_WINDOW, Span, WindowModel, WindowRequest
from motion.prior.segments import Segment
from motion.take import Provenance

#: Frames made beyond a window's end: they know nothing of what follows, and the next window is mixed with them.
AHEAD = 12
#: How far beyond a window's end a key is looked for, frames.
LOOK = 60
#: Which way a direction leads, radians from the way that the performer faces.
_AHEAD_OF = {"": 0.0, "forward": 0.0, "backward": np.pi, "left": np.pi / 2, "right": -np.pi / 2}
#: Headings nearer than this are one way, radians; and the least that a new action sees of what was before, frames.
_SAME_WAY, _LEAST_LEAD = 0.3, 5
#: Somebody whose head is this far off the vertical above their pelvis does not merely stand, radians; and how often
#: they are asked again.
_BENT, _STAND_TRIES = 0.45, 4
#: Results made side by side in one batch.
_BATCH = 8
_HEAD = skeleton.INDEX["head"]


@dataclass(frozen=True)
class Composed:
    """One version, finished."""

    clip: Clip
    spans: tuple[Span, ...]
    seams: tuple[int, ...]  # first frame after each seam


@dataclass(frozen=True)
class Settings:
    """How windows are sampled."""

    steps: int = 8
    guidance: float = 2.5
    constraint_guidance: float = 1.0
    strength: float = 1.0
    backward: bool = False  # windows are made from the last to the first, each before what stands after it
    captures: Mapping[int, Clip] = field(default_factory=dict)  # per segment: captured motion to lead it
    capture_names: Mapping[int, str] = field(default_factory=dict)


def seed_of(seed: int, *what: int) -> int:
    """A seed for one part of a result: other parts and other results draw other noise."""
    return int(np.random.SeedSequence([seed & 0xFFFFFFFF, seed >> 32, *what]).generate_state(1)[0])


def compose(
    model: WindowModel,
    segments: Sequence[Segment],
    wanted: Constraints,
    seeds: Sequence[int],
    *,
    given: Mapping[int, Clip] | None = None,
    source: Clip | None = None,
    settings: Settings | None = None,
) -> list[Composed]:
    """Make the segments' frames, one version for each seed.

    Args:
        model: makes windows.
        segments: what is done on which frames; frames in no segment must be given.
        wanted: keys, path, points and parts over all frames, in the world.
        seeds: of the versions.
        given: clips that stand already, by the frame where they begin (a clip to extend).
        source: a clip over all frames that is noised and made anew (edit strength) instead of pure noise.
        settings: steps, guidance, strength, direction, captures.

    Returns:
        One clip per seed, with the roads taken and the frames of the seams.
    """
    settings = settings or Settings()
    done: list[Composed] = []
    for at in range(0, len(seeds), _BATCH):
        batch = seeds[at : at + _BATCH]
        canvas = Canvas.blank(len(batch), wanted.frames, model.rest_offsets)
        for start, clip in (given or {}).items():
            canvas.put(start, clip)
        done += _Work(model, segments, wanted, batch, canvas, source, settings).run()
    return done


class _Work:
    """The windows of one batch of versions, one after the other."""

    def __init__(
        self,
        model: WindowModel,
        segments: Sequence[Segment],
        wanted: Constraints,
        seeds: Sequence[int],
        canvas: Canvas,
        source: Clip | None,
        settings: Settings,
    ) -> None:
        self.model, self.segments, self.wanted, self.seeds = model, segments, wanted, seeds
        self.canvas, self.source, self.settings = canvas, source, settings
        self.seams: set[int] = set()
        self.spans: list[list[Span]] = [[] for _ in seeds]
        self.made_by: Provenance | None = None
        self._began: dict[tuple[int, int], tuple[np.ndarray, float]] = {}  # per version and segment: place, yaw
        self._pace = np.zeros(wanted.frames)
        for segment in segments:
            self._pace[segment.start : segment.stop] = segment.pace

    def run(self) -> list[Composed]:
        order = jobs(self.segments)
        for number, job in enumerate(reversed(order) if self.settings.backward else order):
            self._make(number, job)
        made_by = self.made_by or Provenance()
        out = []
        for v, seed in enumerate(self.seeds):
            clip = self.canvas.clip(v, 0, self.wanted.frames)
            clip = replace(
                clip, rotations=rot.continuous(rot.normalize(clip.rotations)), provenance=replace(made_by, seed=seed)
            )
            for segment in self.segments:
                clip = finish.look(clip, segment.start, segment.stop, segment.look)
            spans = tuple(sorted(self.spans[v], key=lambda s: s.start_s))
            out.append(Composed(clip, spans, tuple(sorted(self.seams))))
        return out

    # ---- one window

    def _make(self, number: int, job: Job) -> None:
        segment = self.segments[job.segment]
        before, after = self._context(job)
        low, high = job.start - before, job.stop + after
        if not after:
            high += self._ahead(job, high - low)
        # A network wants a second of motion: shorter windows are made longer on a free side and cut.
        extra = max(0, LEAST_WINDOW - (high - low))
        if after and not before:
            low -= extra
        else:
            high += extra
        text, label = self._words(segment, job)
        requests, leads = [], []
        for v, seed in enumerate(self.seeds):
            constraints, led = self._constraints(v, job, low, high, before, after)
            leads.append(led)
            source = self.source
            requests.append(
                WindowRequest(
                    frames=high - low,
                    constraints=constraints,
                    text=text,
                    label=label,
                    seed=seed_of(seed, number, 0),
                    start=led.start if source is None else _stretch(source, low, high),
                    strength=led.strength if source is None else self.settings.strength,
                )
            )
        clips = self._sample(requests)
        if label.verb == "stand":
            clips = self._upright(requests, clips)
        clips = [
            c if r.start is not None else _anchored(c, r.constraints) for c, r in zip(clips, requests, strict=True)
        ]
        roads = ["re-noised" if self.source is not None and self.settings.strength < 1 else "sampled"] * len(clips)
        clips = [led.over(c, low) for led, c in zip(leads, clips, strict=True)]
        for v, led in enumerate(leads):
            if led.name:
                roads[v] = "retrieved + in-painted"
        for k, beside in enumerate(segment.beside):
            clips = self._beside(clips, requests, beside.joints, beside.text, beside.label, (number, k + 1), low)
        for v, clip in enumerate(clips):
            self.canvas.join(v, job, clip, low, before, after, self._bound(requests[v].constraints, job, low))
            detail = leads[v].name or "; ".join(f"{b.part}: {b.text}" for b in segment.beside)
            self.spans[v].append(Span(job.start / FPS, job.stop / FPS, text, roads[v], detail, self.seeds[v]))
        self.canvas.stands(job, high, after)
        self.seams |= {f for f, on in ((job.start, before), (job.stop, after)) if on}

    def _context(self, job: Job) -> tuple[int, int]:
        """How many frames that stand lie directly before and after the window, at most `LEAD` each."""
        known = self.canvas.known
        before = after = 0
        while before < LEAD and job.start - before > 0 and known[job.start - before - 1]:
            before += 1
        if before and not self.settings.backward and job.start == self.segments[job.segment].start:
            before = self._same_way(job.start, before)
        while after < LEAD and job.stop + after < len(known) and known[job.stop + after]:
            after += 1
        return before, after

    def _same_way(self, start: int, before: int) -> int:
        """How many of the frames before a new action face about the way that it begins with, at least `_LEAST_LEAD`.

        Captures of most deeds begin and end facing one way; shown a turn first, a network turns back, or worse.
        """
        most = 0
        for v in range(len(self.seeds)):
            yaw = constrain.facing(self.canvas.clip(v, start - before, start))[0]
            off = np.abs(np.angle(np.exp(1j * (yaw - yaw[-1]))))
            turned = np.flatnonzero(off > _SAME_WAY)
            most = max(most, before - 1 - int(turned[-1]) if len(turned) else before)
        return min(before, max(most, _LEAST_LEAD))

    def _bound(self, c: Constraints, job: Job, low: int) -> np.ndarray:
        """Frames of a window, its context aside, that were to be at a place or face a way."""
        bound = c.path_on | c.pelvis_on[:, 0] | c.heading_on | c.positions_on.any(1)
        context = np.zeros(len(bound), bool)
        context[: job.start - low] = True
        known = self.canvas.known[max(job.stop, 0) : low + len(bound)]
        context[job.stop - low : job.stop - low + len(known)] = known
        return np.asarray(bound & ~context)

    def _ahead(self, job: Job, frames: int) -> int:
        """Frames to make beyond the end: a few, or up to the next key when one is near; none at the clip's end."""
        left = self.wanted.frames - job.stop
        if left <= 0 or self.settings.backward:
            return 0
        ahead = min(AHEAD, left)
        soon = self.wanted[job.stop : job.stop + LOOK]
        keyed = np.flatnonzero(soon.rotations_on.any(1) | soon.positions_on.any(1) | soon.pelvis_on.any(1))
        if len(keyed) and frames + keyed[0] + 2 <= MOST_WINDOW:
            ahead = max(ahead, int(keyed[0]) + 1)
        return min(ahead, left, MOST_WINDOW - frames)

    def _words(self, segment: Segment, job: Job) -> tuple[str, Label]:
        """A segment's words; a part of a segment does not do the whole count."""
        if job.whole or not segment.label.count:
            return segment.text, segment.label
        text = segment.text.replace(segment.count_words, "", 1) if segment.count_words else segment.text
        return " ".join(text.split()), replace(segment.label, count=0)

    def _constraints(self, v: int, job: Job, low: int, high: int, before: int, after: int) -> tuple[Constraints, Lead]:
        """What holds in frames ``low`` to ``high`` for one version, and the capture that leads it, if any."""
        c = Constraints.none(high - low)
        stop = job.stop if after else high
        inside = slice(max(job.start, 0), min(stop, self.wanted.frames))
        constrain.overlay(c, inside.start - low, self.wanted[inside])
        keyed = constrain.any_place(c)
        if before:
            at = np.arange(before)
            constrain.hold(c, at, self.canvas.clip(v, job.start - before, job.start))
        if after:
            constrain.hold(
                c, np.arange(job.stop, job.stop + after) - low, self.canvas.clip(v, job.stop, job.stop + after)
            )
        elif not self._waypoint(c, job, low, high):
            self._way(v, c, job, low, before)
        if job.segment not in self.settings.captures or not job.whole:  # a capture fills one window
            return c, Lead()
        capture, name = self.settings.captures[job.segment], self.settings.capture_names.get(job.segment, "capture")
        return c, lead(capture, name, self.canvas, v, c, job, (low, high), (before, after), keyed)

    def _waypoint(self, c: Constraints, job: Job, low: int, high: int) -> bool:
        """Where to be at the window's end when the next place lies beyond it, so that it is not walked away from.

        Returns whether anything says where the motion is to be, in this window or later.
        """
        beyond = self.wanted[high:]
        placed = np.flatnonzero(beyond.path_on | beyond.pelvis_on[:, 0])
        own = self.wanted[job.start : job.stop]
        if self.settings.backward or not len(placed):
            return bool(own.path_on.any() or own.pelvis_on[:, 0].any())
        k = int(placed[0])
        goal = beyond.path[k] if beyond.path_on[k] else beyond.pelvis[k, [0, 2]]
        mine = np.flatnonzero(c.path_on | c.pelvis_on[:, 0])
        if len(mine):
            at = int(mine[-1])
            here = c.path[at] if c.path_on[at] else c.pelvis[at, [0, 2]]
        else:  # nothing says where it begins: at the origin
            at, here = 0, np.zeros(2)
            constrain.follow(c, [0], here)
        way = goal - here
        if at < high - 1 - low and np.hypot(*way) > 0.3:
            travel = np.cumsum(np.maximum(self._pace[low + at : high + k + 1], 1e-3))
            share = travel[high - 1 - low - at] / travel[-1]
            constrain.follow(c, [high - 1 - low], here + share * way)
        return True

    def _way(self, v: int, c: Constraints, job: Job, low: int, before: int) -> None:
        """Metres and degrees that the words of a segment say, from where it began: where to be at the window's end."""
        segment = self.segments[job.segment]
        if segment.metres is None and segment.degrees is None:
            return
        if segment.start == job.start:
            if before:
                last = self.canvas.clip(v, job.start - 1, job.start)
                place, yaw = last.root_position[0, [0, 2]], float(constrain.facing(last)[0][0])
            else:
                place, yaw = np.zeros(2), 0.0
                constrain.follow(c, [0], place, [yaw])
            self._began[v, job.segment] = (place, yaw)
        place, yaw = self._began[v, job.segment]
        share = (job.stop - segment.start) / segment.frames
        at = [job.stop - 1 - low]
        if segment.metres is not None and segment.label.direction in _AHEAD_OF:
            way = yaw + _AHEAD_OF[segment.label.direction]
            constrain.follow(c, at, place + share * segment.metres * np.array([np.sin(way), np.cos(way)]))
        if segment.degrees is not None:
            c.heading[at] = yaw + share * np.radians(segment.degrees)
            c.heading_on[at] = True

    def _sample(self, requests: list[WindowRequest]) -> list[Clip]:
        s = self.settings
        clips = self.model.sample(
            requests, steps=s.steps, guidance=s.guidance, constraint_guidance=s.constraint_guidance
        )
        if self.made_by is None:
            self.made_by = clips[0].provenance
        return clips

    def _upright(self, requests: list[WindowRequest], clips: list[Clip]) -> list[Clip]:
        """Who is to stand and bows is asked again: captures of people who merely stand are short and few."""
        clips = list(clips)
        for again in range(_STAND_TRIES):
            bent = [v for v, clip in enumerate(clips) if _lean(clip) > _BENT]
            if not bent:
                break
            asked = [replace(requests[v], seed=seed_of(requests[v].seed, 1000 + again)) for v in bent]
            for v, other in zip(bent, self._sample(asked), strict=True):
                if _lean(other) < _lean(clips[v]):
                    clips[v] = other
        return clips

    def _beside(
        self,
        clips: list[Clip],
        requests: list[WindowRequest],
        joints: np.ndarray,
        text: str,
        label: Label,
        which: tuple[int, int],
        low: int,
    ) -> list[Clip]:
        """Make some joints anew under other words while the rest stays."""
        asked = []
        for clip, request, seed in zip(clips, requests, self.seeds, strict=True):
            c = request.constraints[:]
            keep = ~joints[:JOINTS]
            constrain.hold(c, np.arange(clip.frames), clip, keep, places=False)
            asked.append(WindowRequest(clip.frames, c, text, label, seed_of(seed, *which)))
        out = []
        for clip, other in zip(clips, self._sample(asked), strict=True):
            rotations = clip.rotations.copy()
            rotations[:, joints] = other.rotations[:, joints]
            out.append(replace(clip, rotations=rotations))
        return out


def _anchored(clip: Clip, constraints: Constraints) -> Clip:
    """A clip that nothing places starts at the origin; one that nothing turns faces +Z."""
    if constrain.any_place(constraints):
        return clip
    x, _, z = clip.root_position[0]
    if constrain.any_heading(constraints):
        return edit.transform(clip, translation=(-x, 0.0, -z))
    return edit.place(clip, (0.0, 0.0), 0.0)


def _stretch(clip: Clip, low: int, high: int) -> Clip:
    """Frames ``low`` to ``high`` of a clip, its ends held beyond them."""
    return constrain.pick(clip, np.clip(np.arange(low, high), 0, clip.frames - 1))


def _lean(clip: Clip) -> float:
    """How far a trunk leans at most in a window's second half, radians: before that one may be straightening up."""
    joints = clip.positions()[clip.frames // 2 :]
    trunk = joints[:, _HEAD] - joints[:, 0]
    return float(np.arccos(np.clip(trunk[:, 1] / np.linalg.norm(trunk, axis=-1), -1.0, 1.0)).max())
