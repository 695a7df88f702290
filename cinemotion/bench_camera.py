"""`cinemotion bench camera` and `camera-env`: directors on the same held-out shots; the environment's speed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from motion.errors import BadInput, did_you_mean
from motion.files import whole


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    policies: tuple[Path, ...] = ()  # (): the shipped policy's training seeds
    episodes: int = 64
    budgets: tuple[int, ...] | None = None  # of cem; None: all
    report: Path | None = None  # JSON
    tune: int | None = None  # environment steps to tune the rule controller with first


def read(arguments: tuple[str, ...]) -> Asked:
    """Words of a command line: POLICY files, ``episodes=N``, ``cem=N,N``, ``tune=STEPS``, ``REPORT.json``.

    Raises:
        BadInput: a word that is none of these.
    """
    from rl_camera.bench import BUDGETS

    policies: list[Path] = []
    found: dict[str, object] = {}
    for word in arguments:
        name, sign, value = word.partition("=")
        if sign and name in ("episodes", "tune"):
            found[name] = _whole(word, value)
        elif sign and name == "cem":
            sizes = tuple(_whole(word, one) for one in value.split(",") if one)
            for size in sizes:
                if size not in BUDGETS:
                    raise BadInput(f"bench camera: cem={size}, expected {', '.join(map(str, BUDGETS))}")
            found["budgets"] = sizes
        elif word.endswith(".json"):
            found["report"] = Path(word)
        elif word.endswith(".safetensors"):
            if not Path(word).is_file():
                raise BadInput(f"bench camera: {word}: no such file")
            policies.append(Path(word))
        else:
            known = ("episodes=64", "cem=64,1024", "tune=12000000", "report.json", "policy.safetensors")
            raise BadInput(f"bench camera: '{word}'{did_you_mean(word, known)}, expected {', '.join(known)}")
    return Asked(tuple(policies), **found)  # type: ignore[arg-type]


def _whole(word: str, value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 10**11:
        raise BadInput(f"bench camera: '{word}', expected a whole number")
    return int(value)


def run(*arguments: str) -> None:
    """Measure and print the table.

    Raises:
        BadInput: an argument that there is not.
    """
    from rl_camera import bench
    from rl_camera.control import tune
    from rl_camera.control.policy import Policy

    asked = read(arguments)
    policies = asked.policies or shipped()
    if asked.tune is not None:
        config = Policy(policies[0]).config if policies else None
        tuned = tune.tune(config or bench.planning(), asked.tune, say=_say)
        tune.save(tuned)
        _say(f"rule: {tuned.before:.4f} as set, {tuned.value:.4f} tuned with {tuned.steps:,} steps; {tune.TUNED}")
    budgets = tuple(bench.BUDGETS) if asked.budgets is None else asked.budgets
    table = bench.run(policies, episodes=asked.episodes, budgets=budgets, say=lambda line: _say(f"  {line}"))
    _print(table)
    if asked.report is not None:
        with whole(asked.report) as beside:
            beside.write_text(json.dumps(bench.as_json(table), indent=1) + "\n")


def shipped() -> tuple[Path, ...]:
    """The shipped policy, and those of other training seeds; none where there are none."""
    from motion.prior.weights import find
    from rl_camera.bench import SEEDS

    try:
        own = [find("clean", "camera")]
    except BadInput:
        own = []
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
    for name in ("policy", "rule"):
        if name not in names:
            continue
        seeds = table.row(name).returns.shape[0]
        _say(f"{name} against the tuned rule, mean and 95 % interval over {seeds} seeds and {table.episodes} episodes:")
        for measure, (mean, low, high) in bench.against(table, name, "rule, tuned").items():
            verdict = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
            _say(f"  {measure:28s}{mean:+8.3f}  [{low:+.3f}, {high:+.3f}]  {verdict}")
    if "policy" in names:
        _say(same_return(table))


def same_return(table: object) -> str:
    """How much planning reaches the policy's return, in words."""
    from rl_camera import bench

    assert isinstance(table, bench.Table)
    policy = table.row("policy")
    for row in sorted((r for r in table.rows if r.name.startswith("cem")), key=lambda r: r.simulations):
        if row.returns.mean() >= policy.returns.mean():
            flops, wall = row.flops / policy.flops, row.decision_ms / policy.decision_ms
            more = f"{flops:,.0f} times its FLOPs, {wall:,.0f} times its time"
            return f"{row.name} simulations reach the policy's return: {more}"
    return "no planner of this run reaches the policy's return"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
