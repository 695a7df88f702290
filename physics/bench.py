"""What clean-up does to motion, pass by pass, gate off and on: `planted` and `as_found` make samples, `sweep` measures.

    rows = sweep(planted(clips, character), dynamics=True)
    print(table(rows))

Frames of flight, and frames on which something else than feet carries weight, are found on the clean clip once, so that
every row is measured on the same frames; where no clean one is known, on the input. Distances are to the clean clip,
joint by joint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.prior.metrics import bootstrap_ratio
from motion.stage import Performance
from physics import faults, gate, kinematic, metrics
from physics.flight import FlightFall, flight_acceleration
from physics.ground import Ground
from physics.phases import Phases
from physics.posed import Posed
from physics.refine import refine
from physics.report import Figures, PerformerReport, Wrench
from physics.soles import Soles

CLEAN = "clean"
#: Rows of every kind of input.
INPUT, KINEMATIC, GATED, DYNAMICS, UNGATED = "input", "kinematic pass", "refine", "with dynamics", "dynamics, gate off"
#: And with the calibrator: alone, before the kinematic pass, and gated.
LEARNED, BOTH, REFINED = "learned", "learned + kinematic", "refine, learned"

#: Of the table, and their widths. "plain": float on every frame; "less": of the input's Phys-Err; "share": of the
#: input's distance to the clean clip; "left": what is left of the fault, as that share: the distance to what the same
#: version makes of the clean clip; "fall": acceleration in flight, "off": how far its parabolas are from g.
COLUMNS = {
    "penetr.": 8, "float": 7, "plain": 7, "skate": 7, "Phys-Err": 9, "less": 6, "95 %": 10, "jerk": 6, "to clean": 10,
    "share": 7, "left": 7, "fall": 8, "off": 5, "worse": 7, "better": 7, "x real": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One motion to be cleaned up."""

    kind: str
    name: str
    clip: Clip
    character: Character
    clean: Clip | None = None  # what it was made from, where that is known


def planted(
    clips: Iterable[tuple[str, Clip]], character: Character, kinds: Sequence[str] = (CLEAN, *faults.KINDS)
) -> Iterator[Sample]:
    """Every clip as it is and with every fault, seeds by its number.

    Args:
        clips: name and clip, on the character's skeleton.
        character: who performs them.
        kinds: of `faults.KINDS`, or `CLEAN`.
    """
    for number, (name, clip) in enumerate(clips):
        for kind in kinds:
            bad = clip if kind == CLEAN else faults.plant(clip, kind, number)[0]
            yield Sample(kind, name, bad, character, clip)


def as_found(kind: str, clips: Iterable[tuple[str, Clip, Character]]) -> Iterator[Sample]:
    """Motion whose faults are its own."""
    for name, clip, character in clips:
        yield Sample(kind, name, clip, character)


@dataclass(frozen=True)
class Measured:
    """One version of one sample."""

    figures: Figures
    before: Figures  # of the input
    motion_s: float
    to_clean_m: float | None = None
    left_m: float | None = None  # mean distance of joints from what the same version makes of the clean clip
    fall: FlightFall | None = None
    seconds: float = 0.0  # of computing
    twice_m: float | None = None  # mean distance that the same pass moves its own result by
    simulated: float = 0.0  # share of frames kept as Bullet made them
    wrench: Wrench | None = None

    @property
    def worse(self) -> bool:
        more = self.figures.phys_err_mm > self.before.phys_err_mm + gate.WORSE_MM
        return more or self.figures.jerk_m_s3 > (1 + gate.WORSE_JERK) * self.before.jerk_m_s3

    @property
    def better(self) -> bool:
        return self.figures.phys_err_mm < self.before.phys_err_mm - gate.WORSE_MM


@dataclass
class Row:
    """One version of all samples of one kind."""

    kind: str
    what: str
    made: list[Measured] = field(default_factory=list)

    def mean(self, name: str) -> float:
        """Of one of the `Figures`, over clips."""
        return float(np.mean([getattr(m.figures, name) for m in self.made]))

    def over(self, base: Row, name: str) -> float:
        """Mean of a figure over that of another row; 0 over nothing."""
        was = base.mean(name)
        return self.mean(name) / was if was > 1e-9 else 0.0

    @property
    def worse(self) -> int:
        """Clips that came out worse than they went in."""
        return sum(m.worse for m in self.made)

    @property
    def better(self) -> int:
        return sum(m.better for m in self.made)

    @property
    def motion_s(self) -> float:
        return sum(m.motion_s for m in self.made)

    @property
    def seconds(self) -> float:
        return sum(m.seconds for m in self.made)

    @property
    def to_clean_m(self) -> float | None:
        """Mean distance of joints from the clean clips; None: unknown."""
        found = [m.to_clean_m for m in self.made if m.to_clean_m is not None]
        return float(np.mean(found)) if found else None

    def left(self, base: Row) -> float | None:
        """What is left of a planted fault, as share of it; None: none was planted."""
        found, was = [m.left_m for m in self.made if m.left_m is not None], base.to_clean_m
        return float(np.mean(found)) / was if found and was else None

    @property
    def fall(self) -> FlightFall | None:
        """Over all parabolas of all flights."""
        found = [m.fall for m in self.made if m.fall is not None and m.fall.parabolas]
        if not found:
            return None
        weight = np.array([f.parabolas for f in found])
        g, error = (float(weight @ [getattr(f, n) for f in found] / weight.sum()) for n in ("g", "error"))
        return FlightFall(g, error, int(weight.sum()), sum(f.frames for f in found))

    @property
    def simulated(self) -> float:
        """Share of all frames that were kept as Bullet made them."""
        return sum(m.simulated * m.motion_s for m in self.made) / max(self.motion_s, 1e-9)

    @property
    def wrench(self) -> Wrench | None:
        """Over accepted frames of all clips."""
        found = [(m.wrench, m.simulated * m.motion_s) for m in self.made if m.wrench is not None]
        if not found:
            return None
        weight = np.array([w for _, w in found])
        means = weight @ [[w.force, w.upward, w.torque, w.at_bound] for w, _ in found] / weight.sum()
        force, upward, torque, at_bound = map(float, means)
        return Wrench(force, upward, torque, at_bound)

    @property
    def twice_m(self) -> list[float]:
        return [m.twice_m for m in self.made if m.twice_m is not None]

    def interval(self) -> tuple[float, float] | None:
        """95 % of how much of the input's Phys-Err is gone, over clips by bootstrap."""
        if self.what == INPUT or len(self.made) < 2:
            return None
        made, was = (np.array([f.phys_err_mm for f in fs]) for fs in zip(*((m.figures, m.before) for m in self.made)))
        left = bootstrap_ratio(made, was, paired=True)
        return 1 - left.high, 1 - left.low

    def as_dict(self, base: Row) -> dict[str, Any]:
        """For a JSON file."""
        names = (*Figures.__dataclass_fields__, "phys_err_mm")
        return {
            "kind": self.kind, "version": self.what, "clips": len(self.made), "motion_s": self.motion_s,
            **{name: self.mean(name) for name in names},
            "less": 1 - self.over(base, "phys_err_mm"), "less_interval": self.interval(),
            "jerk_ratio": self.over(base, "jerk_m_s3"), "to_clean_m": self.to_clean_m, "left": self.left(base),
            "fall": None if self.fall is None else asdict(self.fall), "worse": self.worse, "better": self.better,
            "x_real": self.motion_s / self.seconds if self.seconds else None, "simulated": self.simulated,
            "wrench": None if self.wrench is None else self.wrench.as_dict(), "twice_m": self.twice_m,
        }  # fmt: skip


def sweep(
    samples: Iterable[Sample], dynamics: bool = False, tell: Callable[[str], None] = lambda _: None,
    learned: bool = False,
) -> list[Row]:  # fmt: skip
    """Clean up every sample by every pass.

    Args:
        samples: in any order.
        dynamics: also with bodies that perform it in Bullet.
        tell: is told each sample's kind and name.
        learned: also with the calibrator.
    """
    rows: dict[tuple[str, str], Row] = {}
    versions = _Versions(dynamics, learned)
    for sample in samples:
        tell(f"{sample.kind}: {sample.name}")
        for what, measured in versions.of(sample):
            rows.setdefault((sample.kind, what), Row(sample.kind, what)).made.append(measured)
    return sorted(rows.values(), key=lambda row: list(dict.fromkeys(k for k, _ in rows)).index(row.kind))


#: What a version makes of a clip, and what is told of it.
_Made = tuple[Clip, PerformerReport | None]


class _Versions:
    """Every version of samples by `of`; what each makes of a clean clip is kept while its faults are asked for."""

    def __init__(self, dynamics: bool, learned: bool) -> None:
        self._gated: dict[str, dict[str, Any]] = {GATED: {}}
        self._calibrator: Callable[[Clip], Clip] | None = None
        if learned:
            from physics.calibrator import Calibrator

            self._calibrator = Calibrator.load()
            self._gated[REFINED] = {"learned": True}
        if dynamics:
            self._gated[DYNAMICS] = {"dynamics": True}
        self._clean: Sample | None = None
        self._kept: dict[str, Clip] = {}

    def of(self, sample: Sample) -> Iterator[tuple[str, Measured]]:
        """Names and figures, the input's first."""
        soles, ground = Soles.of(sample.character), Ground()
        judged = sample.clip if sample.clean is None else sample.clean
        phases = Phases.of(Posed(judged, soles, ground))
        left_out, flies = phases.left_out, phases.flying
        before = Figures.of(sample.clip, soles, ground, left_out)

        def measured(clip: Clip, seconds: float = 0.0, **more: Any) -> Measured:
            fall = flight_acceleration(metrics.centre_of_mass(clip), flies, clip.fps)
            away = None if sample.clean is None else _apart(clip, sample.clean)
            figures = Figures.of(clip, soles, ground, left_out)
            return Measured(figures, before, clip.seconds, away, fall=fall, seconds=seconds, **more)

        yield INPUT, measured(sample.clip)
        for what, run in self._runs(sample.character, sample.name, soles, ground):
            (clip, report), seconds = _timed(lambda run=run: run(sample.clip))  # type: ignore[misc]
            left = self._left(sample, what, clip, run)
            if report is None:
                yield what, measured(clip, seconds, left_m=left)
                continue
            twice = _apart(run(clip)[0], clip)
            kept = [(s.stop_s - s.start_s) * (s.kept == "dynamics") for s in report.segments]
            share = sum(kept) / max(sum(s.stop_s - s.start_s for s in report.segments), 1e-9)
            yield what, measured(clip, seconds, left_m=left, twice_m=twice, simulated=share, wrench=report.wrench)
            if report.dynamics is not None:
                yield UNGATED, Measured(report.dynamics, before, clip.seconds)

    def _runs(
        self, character: Character, name: str, soles: Soles, ground: Ground
    ) -> Iterator[tuple[str, Callable[[Clip], _Made]]]:
        """Versions in the order of the table."""
        yield KINEMATIC, lambda clip: (kinematic.plant(clip, soles, ground).clip, None)
        if (calibrate := self._calibrator) is not None:
            yield LEARNED, lambda clip: (calibrate(clip), None)
            yield BOTH, lambda clip: (kinematic.plant(calibrate(clip), soles, ground).clip, None)
        for what, settings in self._gated.items():

            def run(clip: Clip, settings: dict[str, Any] = settings) -> _Made:
                (made,), report = refine([Performance(name, clip, character)], **settings)
                return made.clip, report.performers[0]

            yield what, run

    def _left(self, sample: Sample, what: str, made: Clip, run: Callable[[Clip], _Made]) -> float | None:
        """How far a version of a faulty clip is from the same version of the clean one."""
        if sample.clean is None:
            return None
        if (
            self._clean is None
            or self._clean.clean is not sample.clean
            or self._clean.character is not sample.character
        ):
            self._clean, self._kept = sample, {}
        if sample.clip is sample.clean:
            self._kept[what] = made
            return None
        if what not in self._kept:
            self._kept[what] = run(sample.clean)[0]
        return _apart(made, self._kept[what])


def _apart(one: Clip, other: Clip) -> float:
    """Mean distance of joints, metres."""
    return float(np.linalg.norm(one.positions() - other.positions(), axis=-1).mean())


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    return run(), time.process_time() - started


def table(rows: Sequence[Row]) -> str:
    """Text for a terminal: a block for each kind of input, a line for each version."""
    return "\n".join(line for kind in dict.fromkeys(r.kind for r in rows) for line in _block(kind, rows))


def _block(kind: str, rows: Sequence[Row]) -> Iterator[str]:
    mine = [r for r in rows if r.kind == kind]
    base = mine[0]
    yield f"{kind} ({len(base.made)} clips, {base.motion_s:.0f} s)"
    yield f"  {'mm in 1/30 s':<19}" + "".join(f"{name:>{width}}" for name, width in COLUMNS.items())
    for row in mine:
        yield _line(row, base)
    for row in mine:
        if row.twice_m:
            mean, most = 1000 * float(np.mean(row.twice_m)), 1000 * max(row.twice_m)
            yield f"  {row.what}, running twice: moves {mean:.2f} mm, at most {most:.2f} (mean over a clip's joints)"
        if row.wrench is not None:
            w = row.wrench
            yield (
                f"  {row.what}: {row.simulated:.0%} of the frames kept from Bullet; there a residual force of "
                f"{w.force:.3f} of the weight ({w.upward:.0%} of it vertical), torque {w.torque:.3f} m g h, "
                f"{w.at_bound:.0%} at the bound"
            )
    yield ""


def _line(row: Row, base: Row) -> str:
    first, away, was, fall, span = row.what == INPUT, row.to_clean_m, base.to_clean_m, row.fall, row.interval()
    left = row.left(base)
    cells = {
        "penetr.": f"{row.mean('penetration_mm'):.2f}",
        "float": f"{row.mean('float_mm'):.2f}",
        "plain": f"{row.mean('float_plain_mm'):.2f}",
        "skate": f"{row.mean('skate_mm'):.2f}",
        "Phys-Err": f"{row.mean('phys_err_mm'):.2f}",
        "less": "" if first else f"{1 - row.over(base, 'phys_err_mm'):.0%}",
        "95 %": "" if span is None else f"{span[0]:.0%}…{span[1]:.0%}",
        "jerk": f"{row.over(base, 'jerk_m_s3'):.2f}",
        "to clean": "" if away is None else f"{1000 * away:.1f} mm",
        "share": f"{away / was:.0%}" if away is not None and was and not first else "",
        "left": "" if left is None else f"{left:.0%}",
        "fall": "" if fall is None else f"{fall.g:.2f} g",
        "off": "" if fall is None else f"{fall.error:.0%}",
        "worse": "" if first else str(row.worse),
        "better": "" if first else str(row.better),
        "x real": f"{row.motion_s / row.seconds:.3g}" if row.seconds else "",
    }
    return (f"  {row.what:<19}" + "".join(f"{cells[name]:>{width}}" for name, width in COLUMNS.items())).rstrip()
