"""`Mending`: physics clean-up of a scene's performers, those that ask for the same together, with plants set by hand.

Times of plants are the film's. Clips that a scene plays slower or faster are cleaned up at the speed at which people
moved: a jump in slow motion falls as it did. Performers cleaned up with weight share one world, and so one time:
they are brought to one rate and one beginning for it, and back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cinemotion.check import existing
from cinemotion.scene import OwnPhysics, PhysicsSpec, PlantSpec, Scene
from cinemotion.source import Loc
from cinemotion.structure import Report
from cinemotion.timeline import Timeline
from motion import edit
from motion import rotations as rot
from motion.clip import ContactTrack
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Stage
from physics import plants

#: A mode that leaves feet as they are asks for no clean-up at all.
NEVER = "never"


@dataclass(frozen=True)
class Asked:
    """Settings of `physics.refine.refine`, the same for performers who are cleaned up together."""

    mode: str = "auto"
    strength: float = 1.0
    learned: bool = False
    dynamics: bool = False


@dataclass
class Mending:
    """What clean-up of a film's performers needs and tells.

    Args:
        scene: a valid scene.
        folder: where its files are.
        timeline: moments of the scene.
        report: takes problems.
        note_file: is told role, name and path of every file of plants.
        wanted: clean everybody up, or nobody, whatever the scene says; None: as it says.
    """

    scene: Scene
    folder: Path
    timeline: Timeline
    report: Report
    note_file: Callable[[str, str, Path], None]
    wanted: bool | None = None
    verdicts: list[str] = field(default_factory=list)  # a line for each performer that was cleaned up
    plants: dict[str, ContactTrack] = field(default_factory=dict)  # by performer: set, or found in clean-up
    calibrated: list[str] = field(default_factory=list)  # performers whose poses the calibrator's weights changed

    def asked(self, name: str) -> Asked | None:
        """What a performer's clean-up is told; None: none is asked for."""
        found = physics_of(self.scene, name)
        if found is None and self.wanted:
            found = PhysicsSpec()
        if found is None or self.wanted is False:
            return None
        mode = found.feet or Asked.mode
        return Asked(mode, found.strength, found.learned and mode != NEVER, found.dynamics and mode != NEVER)

    def read(self, performances: Sequence[Performance]) -> None:
        """Plants that the scene gives; what is wrong with them is reported."""
        for performance in performances:
            own = self.scene.cast[performance.name].physics
            if own is not None and own.plants is not None:
                track = self._track(performance, own)
                if track is not None:
                    self.plants[performance.name] = track

    def mended(self, performances: Sequence[Performance], stage: Stage) -> tuple[Performance, ...]:
        """The performers after clean-up, in the same order."""
        from physics.refine import refine

        made = {p.name: p for p in performances}
        groups: dict[Asked, list[Performance]] = {}
        for performance in performances:
            if (asked := self.asked(performance.name)) is not None:
                groups.setdefault(asked, []).append(performance)
        lines = {}
        for asked, members in groups.items():
            shared = asked.dynamics and len(members) > 1
            times = _OneTime(members) if shared else _OwnTimes(members, {p.name: self._speeds(p) for p in members})
            tracks = {p.name: times.track(p.name, self.plants[p.name]) for p in members if p.name in self.plants}
            result, report = refine(
                times.performances, stage, mode=asked.mode, strength=asked.strength, learned=asked.learned,
                dynamics=asked.dynamics, tracks=tracks,
            )  # fmt: skip
            for performance, told in zip(result, report.performers, strict=True):
                name = performance.name
                made[name] = times.back(performance)
                lines[name] = told.verdict()
                if told.learned is not None and any(s.kept != "input" for s in told.segments):
                    self.calibrated.append(name)
                if told.plants is not None:
                    self.plants[name] = times.own(name, told.plants)
        self.verdicts += [lines[p.name] for p in performances if p.name in lines]
        return tuple(made[p.name] for p in performances)

    def _speeds(self, performance: Performance) -> Array:
        """``(T,)`` how fast the scene plays each sample of a performer's clips."""
        clip = performance.clip
        at = performance.start_s + np.arange(clip.frames) / float(clip.fps)
        speeds = np.ones(clip.frames)
        for segment in self.timeline.segments():
            if segment.actor == performance.name:
                speeds[at >= float(segment.start)] = self.scene.timeline[segment.index].speed
        return speeds

    # ---- plants

    def _track(self, performance: Performance, own: OwnPhysics) -> ContactTrack | None:
        loc: Loc = ("cast", performance.name, "physics", "plants")
        if isinstance(own.plants, str):
            return self._from_file(performance, own.plants, loc)
        on = np.zeros((performance.clip.frames, len(plants.LABELS)), bool)
        whole = True
        for k, row in enumerate(own.plants or ()):
            whole &= self._set(performance, row, on, (*loc, k))
        return ContactTrack(plants.LABELS, on) if whole else None

    def _set(self, performance: Performance, row: PlantSpec, on: np.ndarray, loc: Loc) -> bool:
        """Note one plant; False: something is wrong with it, which is reported."""
        begin, end = (self.timeline.moment(m, (*loc, k)) for m, k in ((row.from_, "from"), (row.to, "to")))
        if begin is None or end is None or row.part not in plants.LABELS:
            return False
        if end <= begin:
            self.report((*loc, "to"), f"{float(end):g} s is not after `from`, {float(begin):g} s")
            return False
        clip, start = performance.clip, performance.start_s
        first, last = (round((float(t) - start) * float(clip.fps)) for t in (begin, end))
        if last < 0 or first >= clip.frames:
            stop = start + (clip.frames - 1) / float(clip.fps)
            words = f"'{performance.name}' performs from {start:g} to {stop:.2f} s; nothing stands"
            self.report(loc, f"{words} from {float(begin):g} to {float(end):g} s", severity="warning")
        on[max(0, first) : max(0, last + 1), plants.LABELS.index(row.part)] = True
        return True

    def _from_file(self, performance: Performance, name: str, loc: Loc) -> ContactTrack | None:
        try:
            path = existing(self.folder, name)
        except BadInput:
            return None  # reported with the other files
        clip = performance.clip
        early = round(performance.start_s * float(clip.fps))  # a performance begins at 0 in a file of its own
        try:
            track = plants.read(path, edit.hold(clip, before_s=performance.start_s))
        except BadInput as error:
            self.report(loc, str(error).replace(str(path), name))
            return None
        self.note_file("plants", name, path)
        return replace(track, on=track.on[early:])


def physics_of(scene: Scene, name: str) -> PhysicsSpec | None:
    """A performer's clean-up: the scene's, with whatever their own says instead; None: none."""
    own = scene.cast[name].physics
    if own is None or scene.physics is None:
        return own or scene.physics
    said = {key: getattr(own, key) for key in own.model_fields_set if key in PhysicsSpec.model_fields}
    return scene.physics.model_copy(update=said)


class _OwnTimes:
    """Performers at the speed of those who moved, each in a time of their own."""

    def __init__(self, members: Sequence[Performance], speeds: Mapping[str, Array]) -> None:
        self._members = {p.name: p for p in members}
        self._place: dict[str, Array] = {}  # (T,) where each sample is in that time, in samples
        self._from: dict[str, Array] = {}  # (N,) and where each of that time comes from
        self.performances = list(members)
        for k, performance in enumerate(members):
            fast = speeds[performance.name]
            if (fast == 1.0).all():
                continue
            place = np.concatenate([[0.0], np.cumsum(0.5 * (fast[1:] + fast[:-1]))])
            whence = np.interp(np.arange(int(place[-1]) + 1), place, np.arange(len(place)))
            self._place[performance.name], self._from[performance.name] = place, whence
            clip = edit.sample(performance.clip, whence / float(performance.clip.fps))
            self.performances[k] = replace(performance, clip=clip)
        self._given = {p.name: p.clip for p in self.performances}

    def track(self, name: str, track: ContactTrack) -> ContactTrack:
        """A performer's plants in that time."""
        return _at(track, self._from[name]) if name in self._from else track

    def own(self, name: str, track: ContactTrack) -> ContactTrack:
        """And back."""
        return _at(track, self._place[name]) if name in self._place else track

    def back(self, performance: Performance) -> Performance:
        """What was changed, done to the performance at its own speed."""
        mine, given = self._members[performance.name], self._given[performance.name]
        if performance.clip is given or performance.name not in self._place:
            return mine if performance.clip is given else performance
        turned = rot.multiply(performance.clip.rotations, rot.inverse(given.rotations))
        moved = performance.clip.root_position - given.root_position
        change = replace(given, rotations=turned, root_position=moved)
        turned, moved = change.at(self._place[performance.name] / float(given.fps))
        clip = replace(
            mine.clip,
            rotations=rot.normalize(rot.multiply(turned, mine.clip.rotations)),
            root_position=mine.clip.root_position + moved,
            provenance=performance.clip.provenance,
        )
        return replace(mine, clip=clip)


class _OneTime:
    """Performers of different rates and beginnings as one world needs them: everyone from the first one's start on."""

    def __init__(self, members: Sequence[Performance]) -> None:
        self._members = {p.name: p for p in members}
        self._rate = max(p.clip.fps for p in members)
        self._begin = min(p.start_s for p in members)
        self.performances = [
            replace(p, clip=edit.hold(edit.resample(p.clip, self._rate), before_s=self._wait(p)), start_s=self._begin)
            for p in members
        ]
        self._frames = {p.name: p.clip.frames for p in self.performances}

    def _wait(self, performance: Performance) -> float:
        return performance.start_s - self._begin

    def _early(self, name: str) -> int:
        return round(self._wait(self._members[name]) * float(self._rate))

    def track(self, name: str, track: ContactTrack) -> ContactTrack:
        """A performer's own plants in the time of all."""
        places = np.arange(self._frames[name]) - self._early(name)
        return _at(track, np.asarray(places * float(self._members[name].clip.fps / self._rate)))

    def own(self, name: str, track: ContactTrack) -> ContactTrack:
        """Plants in the time of all as the performer's own, at the rate of all."""
        return replace(track, on=track.on[self._early(name) :])

    def back(self, performance: Performance) -> Performance:
        """A performer at their own beginning again; the rate stays that of all."""
        mine = self._members[performance.name]
        return replace(mine, clip=edit.slice(performance.clip, self._early(performance.name) / float(self._rate)))


def _at(track: ContactTrack, places: Array) -> ContactTrack:
    """Plants at the samples nearest to places; the first and last beyond the ends."""
    return replace(track, on=track.on[np.clip(np.rint(places), 0, len(track.on) - 1).astype(int)])
