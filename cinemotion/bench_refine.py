"""`cinemotion bench refine`: the refiner and its rivals on held-out shots, against path-traced references."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import bench_refine_between, bench_refine_sheet, refine_data
from cinemotion import bench_refine_rows as ways
from cinemotion.bench_refine_rows import Row, TestShot
from cinemotion.bench_refine_sheet import Strip
from cinemotion.refining import between_weights
from motion.errors import BadInput, unknown
from motion.files import whole

#: Columns of the table: title, figure of `render.refine.metrics.ShotScores`, digits.
COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("PSNR dB", "psnr_db", 2), ("SSIM", "ssim", 4), ("MS-SSIM", "ms_ssim", 4), ("FLIP", "flip", 4),
    ("spectrum dB", "spectrum_db", 2), ("tPSNR dB", "temporal_psnr_db", 2), ("temporal error", "temporal_error", 4),
    ("E_warp excess", "warping_excess", 6), ("LPIPS", "lpips", 4),
)  # fmt: skip

#: The row that all others are compared with.
OURS = "refined, 1 step"


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    pairs: Path
    weights: str = "base"
    rivals: Path | None = None  # folder of weights: regression-refiner.safetensors, …
    shots: int | None = None
    rows: tuple[str, ...] = ()  # parts of names; (): all
    report: Path | None = None
    sheet: Path | None = None


def read(arguments: Sequence[str]) -> Asked:
    """Sort out arguments: the folder of pairs first, then weights=, rivals=, shots=, rows=, a .json, a .png or .jpg.

    Raises:
        BadInput: one of them is none of these.
    """
    found: dict[str, Any] = {}
    for text in arguments:
        name, sign, value = text.partition("=")
        if sign and name in ("weights", "rivals", "shots", "rows"):
            found[name] = value
        elif text.endswith(".json"):
            found["report"] = Path(text)
        elif text.endswith((".png", ".jpg")):
            found["sheet"] = Path(text)
        elif "pairs" not in found:
            found["pairs"] = Path(text).expanduser()
        else:
            raise BadInput(
                f"bench refine: '{text}'; expected PAIRS [weights=NAME] [rivals=FOLDER] [shots=N] [rows=A,B]"
            )
    if "pairs" not in found:
        raise BadInput("bench refine: no folder of pairs; make one: cinemotion train refiner --make-data -o PAIRS")
    shots = found.pop("shots", None)
    if shots is not None and not (shots.isdigit() and int(shots) > 0):
        raise BadInput(f"bench refine: shots={shots}, expected a whole number from 1")
    rows = tuple(name for name in found.pop("rows", "").split(",") if name)
    rivals = found.pop("rivals", None)
    for path in (found.get("report"), found.get("sheet")):
        if path is not None and not path.parent.is_dir():
            raise BadInput(f"{path}: no such folder {path.parent}")
    return Asked(**found, shots=int(shots) if shots else None, rows=rows, rivals=Path(rivals) if rivals else None)


def run(*arguments: str) -> None:
    """Measure and print the table; or, with ``drift`` first, drift and flicker of a long still shot."""
    if arguments[:1] == ("drift",):
        return _drift(arguments[1:])
    asked = read(arguments)
    frozen, data = refine_data.baseline(asked.pairs), refine_data.captures(asked.pairs)
    paths = refine_data.files(asked.pairs, "test")[: asked.shots]
    if not paths:
        raise BadInput(f"{asked.pairs}: no test shots; make them: cinemotion train refiner --make-data --tiers test")
    from render.rasterizer import Rasterizer
    from render.refine.model import BridgeRefiner

    ours = BridgeRefiner.load(asked.weights)
    trained_on = ours.card.training.get("frozen_baseline")
    if trained_on is not None and trained_on not in frozen["shots"].values():
        _say("note: these weights were trained beside another frozen raster than these pairs hold")
    with Rasterizer(refine_data.TEST_WHOLE) as rasterizer:
        rows, about = _rows(asked, ours, ways.load(paths[0], rasterizer, data), rasterizer)
        scores: dict[str, list[dict[str, float]]] = {row.name: [] for row in rows}
        strips: list[Strip] = []
        for path in paths:
            shot = ways.load(path, rasterizer, data)
            pictures = {}
            for row in rows:
                found, last = _score(row, shot)
                scores[row.name].append(found)
                pictures[row.name] = last
            words = f"{shot.number}: {shot.words}"
            strips.append(Strip(words, (pictures["raster"], pictures[OURS], shot.references[-1])))
            ours_, plain = scores[OURS][-1]["psnr_db"], scores["raster"][-1]["psnr_db"]
            _say(f"shot {path.stem}: raster {plain:.2f}, refined {ours_:.2f} dB ({shot.words})")
    table = _table(rows, scores)
    _say(table)
    for row in rows:
        if row.note:
            _say(f"{row.name}: {row.note}")
    _say(_goals(rows, scores, about))
    if asked.report is not None:
        document = {"about": about, "shots": [p.stem for p in paths], "scores": scores}
        with whole(asked.report) as partial:
            partial.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if asked.sheet is not None:
        bench_refine_sheet.draw(asked.sheet, strips, [s["flip"] for s in scores[OURS]])


def _drift(arguments: Sequence[str]) -> None:
    from cinemotion import bench_refine_drift

    said = {"weights": "base", "seconds": "60"}
    for text in arguments:
        name, sign, value = text.partition("=")
        if not sign or name not in said:
            raise BadInput(f"bench refine drift: '{text}'; expected [weights=NAME] [seconds=N]")
        said[name] = value
    try:
        seconds = float(said["seconds"])
    except ValueError:
        seconds = 0.0
    if not 2.0 <= seconds <= 3600.0:
        raise BadInput(f"bench refine drift: seconds={said['seconds']}, expected 2 to 3600")
    bench_refine_drift.measure(said["weights"], seconds, _say)


def _rows(asked: Asked, ours: Any, shot: TestShot, rasterizer: Any) -> tuple[list[Row], dict[str, Any]]:
    from render.refine.model import BridgeRefiner

    about: dict[str, Any] = {"weights": ours.card.label, "720p frame": ways.timed_frame(ours, shot)}
    again = {f"refined, {n} steps": BridgeRefiner.load(asked.weights, n) for n in (2, 4)}
    rows = [ways.raster(), ways.own_ground(), ways.affine(asked.pairs)]
    rivals = (
        {p.stem.removesuffix("-refiner"): p for p in sorted(asked.rivals.glob("*-refiner.safetensors"))}
        if asked.rivals
        else {}
    )
    rows += ways.trained({k: v for k, v in rivals.items() if k == "pixel"})
    rows.append(ways.filtered())
    rows += ways.trained({k: v for k, v in rivals.items() if k != "pixel"})
    rows.append(ways.single("one frame at a time", ours))
    rows.append(ways.network(OURS, ours))
    rows += [ways.network(name, refiner) for name, refiner in again.items()]
    rows += bench_refine_between.rows(ours, between_weights())
    equal = ways.EqualTime(about["720p frame"]["seconds"] + about["720p frame"]["flow"] + _drawing(shot))
    traced = equal.rows()
    rows += [*traced, ways.noise_floor()]
    for part in asked.rows:
        if not any(part in row.name for row in rows):
            raise unknown("row", part, [row.name for row in rows])
    if asked.rows:
        always = ("raster", OURS, "colour affine")
        rows = [row for row in rows if row.name in always or any(part in row.name for part in asked.rows)]
    if any(row in traced for row in rows):
        about["equal time"] = equal.measure(shot)
    return rows, about


def _drawing(shot: TestShot) -> float:
    """Seconds that the rasterizer takes for a 720p frame with the passes that a refiner needs."""
    import time

    from render.rasterizer import Rasterizer
    from render.refine import shards

    with Rasterizer(refine_data.TEST_WHOLE) as rasterizer:
        next(rasterizer.render(shot.made.world, shot.made.camera, [0], shards.PASSES))
        began = time.perf_counter()
        list(rasterizer.render(shot.made.world, shot.made.camera, range(1, 4), shards.PASSES))
        return (time.perf_counter() - began) / 3


def _score(row: Row, shot: TestShot) -> tuple[dict[str, float], np.ndarray]:
    """A row's figures on one shot, and its light of the last frame."""
    from render.refine.metrics import ShotMeter

    meter = ShotMeter(shot.count, shot.made.camera.fps)
    light = np.zeros(0)
    for frame, reference, light in zip(shot.compared, shot.references, row.lights(shot), strict=True):
        assert frame.ids is not None and frame.alpha is not None
        mask = (shot.window(frame.ids)[..., 0] > 0) & (shot.window(frame.alpha) > 0.99)
        back = None
        if meter.count:
            flow, hidden = frame.flow_to(frame.index - 1)
            back = shot.window(flow), shot.window(hidden) | _outside(shot.window(flow))
        meter.add(light, reference, mask, back, frame=frame.index)
    return {k: v for k, v in asdict(meter.scores()).items() if v is not None}, np.asarray(light)


def _outside(flow: np.ndarray) -> np.ndarray:
    """Where flow leads out of the window: what is there was drawn, but not traced."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width) + 0.5
    y = flow[..., 1] + np.arange(height)[:, None] + 0.5
    return (x < 0) | (x > width) | (y < 0) | (y > height)


def _table(rows: Sequence[Row], scores: dict[str, list[dict[str, float]]]) -> str:
    """Means over shots with their bootstrap intervals; what not all have (LPIPS without weights) has no column."""
    columns = [column for column in COLUMNS if all(column[1] in s for found in scores.values() for s in found)]
    lines = [
        "| row | " + " | ".join(title for title, *_ in columns) + " | s / frame |",
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for row in rows:
        cells = [_cell([s[key] for s in scores[row.name]], digits) for _, key, digits in columns]
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {row.seconds / max(row.frames, 1):.2f} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], digits: int) -> str:
    from motion.prior.metrics import bootstrap

    found = bootstrap(np.array(values))
    return f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def _goals(rows: Sequence[Row], scores: dict[str, list[dict[str, float]]], about: dict[str, Any]) -> str:
    """What was asked for, beside what was measured; differences are paired over shots."""
    from motion.prior.metrics import bootstrap

    column = lambda name, key: np.array([s[key] for s in scores[name]])
    names = set(scores)
    lines = []

    def gain(over: str, title: str, must: str) -> None:
        if over in names:
            found = bootstrap(column(OURS, "psnr_db") - column(over, "psnr_db"))
            lines.append(f"{title}: {found.value:+.2f} dB [{found.low:+.2f}, {found.high:+.2f}] (must {must})")

    gain("raster", "PSNR over raster", "+3")
    gain("colour affine", "PSNR over the colour affine", "+1.5")
    gain("regression", "PSNR over the regression", "-0.2")
    share = np.nanmean(column(OURS, "temporal_error")) / max(np.nanmean(column("raster", "temporal_error")), 1e-9)
    lines.append(f"temporal error, share of the raster's: {share:.2f} (must 1.0)")
    for row, way in ((ways.HALF_SIZE, "half size"), (ways.DENOISED, "denoised")):
        if row in names:
            found, equal = bootstrap(column(OURS, "flip") - column(row, "flip")), about["equal time"]
            lines.append(
                f"FLIP less that of {row} ({equal[f'paths, {way}']} paths a pixel, "
                f"{equal[f'seconds, {way}'] / equal['seconds']:.1f} times as long): {found.value:+.4f} "
                f"[{found.low:+.4f}, {found.high:+.4f}] (must not be above 0 in equal time)"
            )
    frame = about["720p frame"]
    lines.append(
        f"720p frame: {frame['seconds']:.2f} s and {frame['flow']:.2f} s for flow (must 1 s on two cores), "
        f"{frame['peak_gb']:.1f} GB at most"
    )
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
