"""Tables of `cinemotion bench camera` as lines: directors on scenes, and editors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rl_camera import bench_directors, bench_editing
from rl_camera.bench_directors import TUNED

#: Columns of the directors' tables: heading, measure, digits.
_MEASURES = (
    ("sees", "visible_share", 2), ("hidden", "occluded_share", 2), ("lost", "missing_share", 2),
    ("place", "place_error_half_frames", 2), ("size", "size_error_log", 2), ("face", "face_seen_share", 2),
    ("actor", "actor_seen_share", 2), ("cancels", "motion_cancelled_share", 2), ("caption", "caption_f1", 2),
    ("horizon", "horizon_error_deg", 1), ("inside", "inside_share", 2), ("jerk", "position_jerk_m_s3", 1),
    ("turns", "rotation_jerk_rad_s3", 1),
)  # fmt: skip

#: Columns of broken rules: heading, faults, how many there could have been.
_RULES = (
    ("180°", "line_crossings", "line_cuts"), ("30°", "jump_cuts", "same_subject_cuts"),
    ("turned", "motion_flips", "motion_cuts"),
)  # fmt: skip

#: A gain smaller than this is not told: it would read 0.00.
LEAST = 0.005


def scenes_lines(table: bench_directors.Table, *, markdown: bool = False) -> list[str]:
    """Directors on scenes, live and planned, each with what it gains on the tuned rule."""
    shots = sum(len(s.shots) for s in table.scenes)
    seconds = sum(s.seconds for s in table.scenes)
    lines = [f"{shots} shots, {seconds:g} s in all, of {len(table.scenes)} held-out scenes"]
    head = ["", "rank", *(h for h, _, _ in _MEASURES), *(h for h, _, _ in _RULES), "s/s"]
    for live in (True, False):
        ranks, rows = table.ranks(live), table.block(live)
        cells = [
            [
                row.name, f"{ranks[row.name]:.1f}", *(_told(row.mean(m), digits) for _, m, digits in _MEASURES),
                *(f"{row.values(f).sum():.0f}/{row.values(of).sum():.0f}" for _, f, of in _RULES), f"{row.wall:.2f}",
            ]
            for row in rows
        ]  # fmt: skip
        if not rows:
            continue
        lines += ["", _kind(live), *_table(head, cells, markdown), *([""] if markdown else [])]
        lines += [line for row in rows for line in _gains(table, row)]
    return [*lines, *(f"left out: {line}" for line in table.refused)]


def _gains(table: bench_directors.Table, row: bench_directors.Row) -> list[str]:
    """What a director gains on the tuned rule, as far as the interval excludes 0."""
    told: dict[str, list[str]] = {"better": [], "worse": []}
    names = {m: h for h, m, _ in _MEASURES}
    gains = table.against(row)
    for measure, (mean, low, high) in gains.items():
        if (low > 0 or high < 0) and abs(mean) >= LEAST:
            told["better" if low > 0 else "worse"].append(f"{names[measure]} {mean:+.2f} [{low:+.2f}, {high:+.2f}]")
    if not gains:
        return []
    parts = [f"{verdict}: {', '.join(which)}" for verdict, which in told.items() if which]
    return [f"{row.name} against {TUNED}: {'; '.join(parts) or 'no difference shown'}"]


def editing_lines(table: bench_editing.Table, *, markdown: bool = False) -> list[str]:
    """Editors of the environment's episodes, then of whole films."""
    head = ["", "return", "norm.", "cuts", "mean", "median", "sd", "min", "max", "mu", "sigma", "180°", "30°", "turned",
            "actor"]  # fmt: skip
    count, films = len(table.episodes[0].counts), len(table.films[0].counts) if table.films else 0
    lines = [f"{count} held-out scenes of {table.seconds:g} s, the same cameras for everybody"]
    lines += _table(head, [_edit(row, _told(table.normalised(row), 2)) for row in _sorted(table.episodes)], markdown)
    if films:
        lines += ["", f"films of {films} of them, cameras of their own, the motion to come known"]
        lines += _table(head, [_edit(row, "") for row in _sorted(table.films)], markdown)
    return lines


def _sorted(rows: Sequence[bench_editing.Row]) -> list[bench_editing.Row]:
    return sorted(rows, key=lambda r: -r.returns.mean())


def _edit(row: bench_editing.Row, normalised: str) -> list[str]:
    length = row.lengths
    told = [f"{length[k]:.2f}" for k in ("mean_s", "median_s", "sd_s", "min_s", "max_s", "mean_log", "sd_log")]
    rules = [f"{row.total(f):.0f}/{row.total(of):.0f}" for _, f, of in _RULES]
    knows = "" if row.live else " (knows all)" if normalised else ""
    return [
        row.name + knows, f"{row.returns.mean():.3f}", normalised, f"{length['cuts']:.1f}", *told, *rules,
        _told(row.actor_seen(), 2),
    ]  # fmt: skip


def _kind(live: bool) -> str:
    return "live" if live else "planned, the motion to come known"


def _told(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], markdown: bool) -> list[str]:
    """Cells in columns, names to the left and numbers to the right; or as Markdown."""
    if markdown:
        return ["", *("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))]
    wide = [max(len(r[k]) for r in (head, *rows)) + 2 for k in range(len(head))]
    return [
        cells[0].ljust(wide[0]) + "".join(c.rjust(w) for c, w in zip(cells[1:], wide[1:], strict=True))
        for cells in (head, *rows)
    ]
