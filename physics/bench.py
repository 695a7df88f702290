"""What clean-up does to captures and to faults planted in them, pass by pass, gate off and on: `sweep`, `table`.

Frames of flight, and frames on which something else than feet carries weight, are found on the clean clip once, so that
every row is measured on the same frames. Distances are to the clean clip, joint by joint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.prior.metrics import bootstrap_ratio
from motion.stage import Performance
from physics import faults, gate, kinematic, metrics, plants
from physics.ground import Ground
from physics.refine import refine
from physics.report import Figures, PerformerReport, Wrench
from physics.soles import Soles

CLEAN = "clean"
#: Rows of every kind of input.
INPUT, KINEMATIC, GATED, DYNAMICS = "input", "kinematic pass", "refine (gated)", "with dynamics"


@dataclass
class Row:
    """One version of all clips of one kind of input."""

    kind: str
    what: str
    figures: list[Figures] = field(default_factory=list)
    distance_m: list[float] = field(default_factory=list)
    worse: int = 0  # clips that came out worse than they went in
    better: int = 0
    seconds: float = 0.0  # of computing
    motion_s: float = 0.0
    segments: int = 0
    simulated: int = 0  # segments that were kept as Bullet made them
    wrenches: list[Wrench] = field(default_factory=list)

    def note(self, report: PerformerReport) -> None:
        self.segments += len(report.segments)
        self.simulated += sum(s.kept == "dynamics" for s in report.segments)
        if report.wrench is not None:
            self.wrenches.append(report.wrench)

    def add(self, made: Figures, before: Figures, distance: float, seconds: float, motion_s: float) -> None:
        self.figures.append(made)
        self.distance_m.append(distance)
        jerk = made.jerk_m_s3 > (1 + gate.WORSE_JERK) * before.jerk_m_s3
        self.worse += bool(made.phys_err_mm > before.phys_err_mm + gate.WORSE_MM or jerk)
        self.better += bool(made.phys_err_mm < before.phys_err_mm - gate.WORSE_MM)
        self.seconds += seconds
        self.motion_s += motion_s

    def mean(self, name: str) -> float:
        return float(np.mean([getattr(f, name) for f in self.figures]))


def sweep(
    clips: Iterable[tuple[str, Clip]], character: Character, kinds: Sequence[str] = (CLEAN, *faults.KINDS),
    tell: Callable[[str], None] = lambda _: None, dynamics: bool = False,
) -> list[Row]:  # fmt: skip
    """Clean up every clip as it is and with every fault planted.

    Args:
        clips: name and clip, on the character's skeleton.
        character: who performs them.
        kinds: of input, of `faults.KINDS` or `CLEAN`.
        tell: is told each clip's name.
        dynamics: also with bodies that perform it in Bullet.
    """
    soles, ground = Soles.of(character), Ground()
    whats = (INPUT, KINEMATIC, GATED, DYNAMICS) if dynamics else (INPUT, KINEMATIC, GATED)
    rows = {(kind, what): Row(kind, what) for kind in kinds for what in whats}
    for number, (name, clip) in enumerate(clips):
        tell(name)
        points = soles.points(clip)
        left_out = metrics.flight(points, metrics.centre_of_mass(clip), clip.fps)
        left_out = left_out | plants.carried_otherwise(clip, ground)
        clean = clip.positions()
        for kind in kinds:
            bad = clip if kind == CLEAN else faults.plant(clip, kind, number)[0]
            before = Figures.of(bad, soles, ground, left_out)
            versions = {INPUT: (bad, 0.0)}
            started = time.process_time()
            versions[KINEMATIC] = (kinematic.plant(bad, soles, ground).clip, 0.0)
            versions[KINEMATIC] = (versions[KINEMATIC][0], time.process_time() - started)
            for what in whats[2:]:
                started = time.process_time()
                (refined,), report = refine([Performance(name, bad, character)], dynamics=what == DYNAMICS)
                versions[what] = (refined.clip, time.process_time() - started)
                rows[kind, what].note(report.performers[0])
            for what, (made, seconds) in versions.items():
                moved = float(np.linalg.norm(made.positions() - clean, axis=-1).mean())
                rows[kind, what].add(Figures.of(made, soles, ground, left_out), before, moved, seconds, clip.seconds)
    return list(rows.values())


def table(rows: Sequence[Row]) -> str:
    """Text for a terminal: a line per row, reductions with 95 % bootstrap intervals over clips."""
    head = (
        f"{'input':<8}{'version':<16}{'penetr.':>8}{'float':>7}{'skate':>7}{'Phys-Err':>9}{'less':>7}{'95 %':>12}"
        f"{'jerk':>6}{'to clean':>10}{'share':>7}{'worse':>7}{'better':>7}{'x real':>8}"
    )
    lines = [head]
    inputs = {row.kind: row for row in rows if row.what == INPUT}
    for row in rows:
        base = inputs[row.kind]
        err, was = row.mean("phys_err_mm"), base.mean("phys_err_mm")
        less = f"{1 - err / was:>7.0%}" if was > 0 and row.what != INPUT else f"{'':>7}"
        share = row.distance_m and float(np.mean(row.distance_m)) / max(float(np.mean(base.distance_m)), 1e-12)
        shown = f"{share:>7.0%}" if row.kind != CLEAN and row.what != INPUT else f"{'':>7}"
        fast = f"{row.motion_s / row.seconds:>7.0f}x" if row.seconds else ""
        count = f"{row.worse:>7}{row.better:>7}" if row.what != INPUT else f"{'':>14}"
        lines.append(
            f"{row.kind:<8}{row.what:<16}{row.mean('penetration_mm'):>8.2f}{row.mean('float_mm'):>7.2f}"
            f"{row.mean('skate_mm'):>7.2f}{err:>9.2f}{less}{_interval(row, base):>12}"
            f"{row.mean('jerk_m_s3') / base.mean('jerk_m_s3'):>6.2f}"
            f"{1000 * float(np.mean(row.distance_m)):>7.1f} mm{shown}{count}{fast}"
        )
    for row in rows:
        if row.wrenches:
            force, torque, at = (
                float(np.mean([getattr(w, n) for w in row.wrenches])) for n in ("force", "torque", "at_bound")
            )
            lines.append(
                f"{row.kind}: {row.simulated} of {row.segments} seconds kept from Bullet, residual force {force:.3f} "
                f"of body weight, torque {torque:.3f} m g h, {at:.0%} of their frames at the bound"
            )
    return "\n".join(lines)


def _interval(row: Row, base: Row) -> str:
    """Of the reduction of Phys-Err, over clips."""
    if row.what == INPUT or len(row.figures) < 2:
        return ""
    made, was = (np.array([f.phys_err_mm for f in r.figures]) for r in (row, base))
    left = bootstrap_ratio(made, was, paired=True)
    return f"{1 - left.high:.0%}…{1 - left.low:.0%}"
