"""`cinemotion bench camera`: controllers on held-out shots, directors on held-out scenes, editors on held-out films."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cinemotion.bench_camera_words import Asked, read
from motion.errors import BadInput
from motion.files import whole


def run(*arguments: str) -> None:
    """Measure and print the tables that are asked for.

    Raises:
        BadInput: an argument that there is not.
    """
    asked = read(arguments)
    report: dict[str, Any] = {}
    for table in asked.tables:
        report |= {"shots": _shots, "scenes": _scenes, "editing": _editing}[table](asked)
    if asked.report is not None:
        with whole(asked.report) as beside:
            beside.write_text(json.dumps(report, indent=1) + "\n")


def _shots(asked: Asked) -> dict[str, Any]:
    """Controllers on single shots of the framing environment."""
    from rl_camera import bench
    from rl_camera.control import tune
    from rl_camera.control.policy import Policy

    policies = asked.policies or shipped()
    if asked.tune is not None:
        config = Policy(policies[0]).config if policies else None
        tuned = tune.tune(config or bench.planning(), asked.tune, say=_say)
        tune.save(tuned)
        _say(f"rule: {tuned.before:.4f} as set, {tuned.value:.4f} tuned with {tuned.steps:,} steps; {tune.TUNED}")
    budgets = tuple(bench.BUDGETS) if asked.budgets is None else asked.budgets
    table = bench.run(policies, episodes=asked.episodes, budgets=budgets, say=lambda line: _say(f"  {line}"))
    _print(table)
    return bench.as_json(table)


def _scenes(asked: Asked) -> dict[str, Any]:
    """Directors on scenes, and a sheet of one of them."""
    from cinemotion import bench_camera_sheet as sheet
    from cinemotion.bench_camera_tables import scenes_lines
    from cinemotion.progress import Progress
    from rl_camera import bench_directors, bench_scenes

    if asked.sheet is not None and not asked.sheet.absolute().parent.is_dir():
        raise BadInput(f"{asked.sheet}: no such folder")
    _import(asked.modules)
    if asked.scene is None:
        scenes = bench_scenes.held_out(asked.scenes)
    else:
        scenes = (bench_scenes.captured(asked.scene),)
    policy = asked.policies[0] if asked.policies else None
    table = bench_directors.run(scenes, asked.directors or None, policy=policy, say=lambda line: _say(f"  {line}"))
    for line in scenes_lines(table, markdown=asked.markdown):
        _say(line)
    if asked.sheet is not None:
        with Progress("drawing", sheet.count(table, 0)) as progress:
            sheet.draw(table, 0, asked.sheet, on_frame=progress.step)
    return {"scenes": bench_directors.as_json(table)}


def _editing(asked: Asked) -> dict[str, Any]:
    """Editors on episodes of the coverage environment and on whole films."""
    from cinemotion.bench_camera_tables import editing_lines
    from rl_camera import bench_editing

    films = min(asked.films, asked.episodes)
    table = bench_editing.run(asked.episodes, films, say=lambda line: _say(f"  {line}"))
    for line in editing_lines(table, markdown=asked.markdown):
        _say(line)
    return {"editing": bench_editing.as_json(table)}


def _import(modules: Sequence[str]) -> None:
    """Import a user's modules, from the folder one is in too, so that they register their directors.

    Raises:
        BadInput: no such module, or it fails.
    """
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.insert(0, here)
    for name in modules:
        try:
            importlib.import_module(name.removesuffix(".py"))
        except Exception as error:  # whatever a user's module raises is told in one line
            raise BadInput(f"bench camera: import={name}: {type(error).__name__}: {error}") from error


def shipped() -> tuple[Path, ...]:
    """The shipped policies, and those of other training seeds; none where there are none."""
    from motion.prior.weights import find
    from rl_camera.bench import SEEDS
    from rl_camera.steered import AHEAD, LIVE

    own = []
    for name in (LIVE, AHEAD):
        with contextlib.suppress(BadInput):
            own.append(find(name, "camera"))
    return (*own, *sorted(SEEDS.glob("*.safetensors")))


def _print(table: object) -> None:
    from rl_camera import bench

    assert isinstance(table, bench.Table)
    config = table.config
    _say(
        f"{table.episodes} held-out episodes of {config.seconds:g} s, 1 to {config.performers} performers, "
        f"up to {config.occluders} things in the way; {'; '.join(table.notes)}"
    )
    head = (
        f"{'':16s}{'return':>8s}{'norm.':>7s}{'sees':>6s}{'size':>6s}{'place':>6s}{'view':>6s}{'steady':>7s}"
        f"{'face':>6s}{'cancels':>8s}{'caption':>8s}{'jerk':>7s}{'sims':>8s}{'MFLOP':>9s}{'ms':>9s}"
    )
    for live in (True, False):
        _say(("live" if live else "planned, the motion to come known") + "\n" + head)
        for row in table.rows:
            if row.live is not live:
                continue
            out = {k: bench.mean_of(v) for k, v in row.outside.items()}
            _say(
                f"{row.name:16s}{row.returns.mean():8.3f}{table.normalised(row):7.2f}"
                f"{row.terms['visibility']:6.2f}{row.terms['size']:6.2f}{row.terms['position']:6.2f}"
                f"{row.terms['view']:6.2f}{row.terms['steady']:7.2f}{out['face_seen_share']:6.2f}"
                f"{out['motion_cancelled_share']:8.2f}{out['caption_f1']:8.2f}{out['position_jerk_m_s3']:7.1f}"
                f"{row.simulations:8,d}{row.flops / 1e6:9.2f}{row.decision_ms:9.3f}"
            )
    names = [row.name for row in table.rows]
    if "rule, tuned" not in names:
        return
    for name in ("policy", "policy, ahead", "rule"):
        if name not in names:
            continue
        seeds = table.row(name).returns.shape[0]
        _say(f"{name} against the tuned rule, mean and 95 % interval over {seeds} seeds and {table.episodes} episodes:")
        for measure, (mean, low, high) in bench.against(table, name, "rule, tuned").items():
            verdict = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
            _say(f"  {measure:28s}{mean:+8.3f}  [{low:+.3f}, {high:+.3f}]  {verdict}")
    for name in ("policy", "policy, ahead"):
        if name in names:
            _say(f"{name}: {same_return(table, name)}")


def same_return(table: object, name: str = "policy") -> str:
    """How much planning reaches a policy's return, in words."""
    from rl_camera import bench

    assert isinstance(table, bench.Table)
    policy = table.row(name)
    for row in sorted((r for r in table.rows if r.name.startswith("cem")), key=lambda r: r.simulations):
        if row.returns.mean() >= policy.returns.mean():
            flops, wall = row.flops / policy.flops, row.decision_ms / policy.decision_ms
            more = f"{flops:,.0f} times its FLOPs, {wall:,.0f} times its time"
            return f"{row.name} simulations reach the policy's return: {more}"
    return "no planner of this run reaches the policy's return"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
